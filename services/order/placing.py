"""How an order comes to be and grows: placed, lines added, call-offs released. Part of the aggregate in ``order``."""

from collections.abc import Iterable
from decimal import Decimal

from services.kernel.frozen import maker
from services.kernel.model import Rows
from services.kernel.values import Origin, Refused
from services.order.line import HEAD, Line, Order, cancellation_pending, date_ms, line_key
from services.order.order_commands import AddLines, PlaceOrder, ReleaseCallOff
from services.order.order_facts import CallOffReleased, LineRelease, LinesAdded, OrderKind, OrderPlaced
from services.order.parties import Decision, open_line_of, order_of_buyer
from services.order.silence import watched
from services.order.terms import ZERO, PlacedLine, bad_id, check_amount, check_deliveries, check_placed_line, is_id
from services.order.workday import due_at_ms

LINES_MAX = 1_000
DELIVERIES_OF_COMMAND_MAX = 5_000

new_placed = maker(OrderPlaced)

RESERVED_NUMBER = "transfer"  # flows are keyed flow/<buyer>/<order>/<line>, transfers flow/<enterprise>/transfer/<id>


def place_order(rows: Rows, command: PlaceOrder, origin: Origin) -> Decision:
    """A new order, nothing for the same sheet sent again, or why not."""
    head: Order | None = rows.get(HEAD)
    if head is not None:
        if _is_same(rows, head, command):
            return ()
        advice = "it is placed with other content; send AddLines for new lines, ProposeChange for the rest"
        return Refused("order-differs", advice, "number")
    if not is_id(command.number):
        return bad_id(command.number, "number")
    if command.number == RESERVED_NUMBER:
        return Refused("reserved-number", f"{RESERVED_NUMBER!r} names stock transfers; give another number", "number")
    if not is_id(command.seller):
        return bad_id(command.seller, "seller")
    if command.seller == origin.enterprise:
        return Refused("own-seller", "name another enterprise; goods between own sites are a transfer", "seller")
    refused = _check_lines(command.lines, command.kind)
    if refused is not None:
        return refused
    return (
        new_placed(
            origin.enterprise, command.number, command.seller, command.kind, command.lines,
            origin.recorded_at_ms, origin.now_ms, _first_due_ms(command.lines),
        ),
    )  # fmt: skip


def _is_same(rows: Rows, head: Order, command: PlaceOrder) -> bool:
    if (head.seller, head.kind, head.placed_lines) != (command.seller, command.kind, len(command.lines)):
        return False
    for placed in command.lines:
        line: Line | None = rows.get(line_key(placed.line))
        if line is None or line.added or line.placed != placed:
            return False
    return len({placed.line for placed in command.lines}) == len(command.lines)


def add_lines(rows: Rows, command: AddLines, origin: Origin) -> Decision:
    """The lines that the order does not have yet; a line that it has must be the same."""
    head = order_of_buyer(rows)
    if isinstance(head, Refused):
        return head
    if head.open_lines == 0:
        return Refused("order-completed", "no line of the order is open any more; place a new order", "number")
    refused = _check_lines(command.lines, head.kind)
    if refused is not None:
        return refused
    new: list[PlacedLine] = []
    for placed in command.lines:
        line: Line | None = rows.get(line_key(placed.line))
        if line is None:
            new.append(placed)
        elif line.placed != placed:
            advice = f"line {placed.line} is there with other content; send ProposeChange, or give it a new number"
            return Refused("line-differs", advice, "lines")
    if not new:
        return ()
    added = tuple(new)
    return (LinesAdded(added, origin.recorded_at_ms, origin.now_ms, _first_due_ms(added)),)


def _check_lines(lines: tuple[PlacedLine, ...], kind: OrderKind) -> Refused | None:
    if not 0 < len(lines) <= LINES_MAX:
        return Refused("bad-line-count", f"give 1 to {LINES_MAX} lines; send more with AddLines", "lines")
    deliveries = 0
    for line in lines:
        if (refused := check_placed_line(line)) is not None:
            return refused
        if not line.requested and kind is not OrderKind.CALL_OFF:
            return Refused("nothing-requested", f"give line {line.line} a date and a quantity", "requested")
        deliveries += len(line.requested)
    if deliveries > DELIVERIES_OF_COMMAND_MAX:
        return Refused("too-many-deliveries", f"give at most {DELIVERIES_OF_COMMAND_MAX} deliveries at once", "lines")
    if len(lines) > 1 and len({line.line for line in lines}) < len(lines):
        return Refused("line-twice", "give each line a number of its own", "lines")
    return None


def _first_due_ms(lines: Iterable[PlacedLine]) -> int | None:
    return min(
        (
            due_at_ms(line.requested[0].due_on, line.terms.time_zone, line.terms.day_ends_minute) + 1
            for line in lines
            if line.requested
        ),
        default=None,
    )


def release_call_off(rows: Rows, command: ReleaseCallOff, origin: Origin) -> Decision:
    """The new open schedule of the lines named; binding without an answer on lines that the seller has confirmed."""
    head = order_of_buyer(rows)
    if isinstance(head, Refused):
        return head
    if head.kind is not OrderKind.CALL_OFF:
        return Refused("not-a-call-off", "send ProposeChange; only call-offs have releases", "number")
    if command.release <= head.release:
        return Refused("release-not-newer", f"give a release number above {head.release}", "release")
    if not 0 < len(command.lines) <= LINES_MAX or len({one.line for one in command.lines}) < len(command.lines):
        return Refused("bad-line-count", f"name 1 to {LINES_MAX} lines, each once", "lines")
    if sum(len(one.deliveries) for one in command.lines) > DELIVERIES_OF_COMMAND_MAX:
        return Refused("too-many-deliveries", f"give at most {DELIVERIES_OF_COMMAND_MAX} deliveries at once", "lines")
    dues: list[int] = []
    for one in command.lines:
        line = open_line_of(rows, one.line)
        if isinstance(line, Refused):
            return line
        if (refused := _check_release(line, one)) is not None:
            return refused
        if one.deliveries:
            dues.append(date_ms(line, one.deliveries[0].due_on) + 1)
    released = CallOffReleased(command.release, command.lines, origin.now_ms)
    return (released, *watched(head, min(dues, default=None)))


def _check_release(line: Line, one: LineRelease) -> Refused | None:
    if cancellation_pending(line) or line.cancel_requested:
        return Refused("cancellation-requested", f"line {one.line} is being cancelled; leave it out", "lines")
    if not _is_count(one.received_before):
        return Refused("bad-quantity", "give the cumulative quantity received: zero or more", "received_before")
    if one.received_before != ZERO and (refused := check_amount(one.received_before, "received_before")) is not None:
        return refused
    return check_deliveries(one.deliveries, "deliveries")


def _is_count(amount: Decimal) -> bool:
    return amount.is_finite() and amount >= ZERO
