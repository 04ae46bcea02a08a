"""How a promise comes to be and changes: confirmed, proposed, answered, delayed. Part of the aggregate in ``order``.

A promise moves only when both sides said so. A seller who is late says it with ``ReportDelay`` (shown at once), asks
for new dates with ``ProposeChange``, or does both with ``RevisePromise``.
"""

from services.kernel.frozen import amended
from services.kernel.model import Rows
from services.kernel.values import Origin, Refused
from services.order.ending import completed
from services.order.line import (
    LINES,
    Estimate,
    Line,
    Order,
    OrderLineStage,
    cancellation_pending,
    date_ms,
    is_open,
    requested,
)
from services.order.order_commands import (
    AcceptChange,
    ConfirmLine,
    ConfirmOrder,
    DeclineChange,
    LinePromise,
    ProposeChange,
    RejectLine,
    RejectOrder,
    ReportDelay,
    RevisePromise,
)
from services.order.order_facts import (
    ChangeAccepted,
    ChangeDeclined,
    ChangeProposed,
    LineConfirmed,
    LineDelayReported,
    LineRejected,
    OrderFact,
    WatchMoved,
)
from services.order.parties import LINE_ENDED, Decision, line_of, open_line_of, open_line_of_either, order_of_seller
from services.order.silence import watch_ms, watched
from services.order.terms import (
    Delivery,
    Side,
    check_day,
    check_deliveries,
    check_price,
    check_reason,
    less_percent,
    plus_percent,
    to_seller,
    total,
)

CHANGE_UNKNOWN = Refused("change-unknown", "look at the line again; this proposal is answered or replaced", "change")


def confirm(rows: Rows, command: ConfirmOrder | ConfirmLine, origin: Origin) -> Decision:
    """The seller's promises; a line that is confirmed with the same promise already adds nothing."""
    head = order_of_seller(rows, origin)
    if isinstance(head, Refused):
        return head
    if isinstance(command, ConfirmLine):
        promises: tuple[LinePromise, ...] = (LinePromise(command.line, command.promised),)
    else:
        promises = command.lines or tuple(
            LinePromise(line.placed.line) for _, line in rows.scan(LINES) if line.stage is OrderLineStage.PLACED
        )
    if len(promises) > 1 and len({promise.line for promise in promises}) < len(promises):
        return Refused("line-twice", "confirm each line once", "lines")
    facts: list[OrderFact] = []
    dues: list[int] = []
    for promise in promises:
        line = line_of(rows, promise.line)
        if isinstance(line, Refused):
            return line
        promised = _promised(line, promise)
        if isinstance(promised, Refused):
            return promised
        if promised is None:
            continue
        facts.append(LineConfirmed(promise.line, promised, origin.now_ms))
        if promised and _is_earlier(promised, requested(line)):
            dues.append(date_ms(line, promised[0].due_on) + 1)
    return (*facts, *watched(head, min(dues, default=None)))


def _promised(line: Line, promise: LinePromise) -> tuple[Delivery, ...] | Refused | None:
    """The schedule to promise; None if it is promised already."""
    if line.stage is OrderLineStage.CONFIRMED:
        if not promise.promised or promise.promised == line.promised:
            return None
        advice = f"line {promise.line} has a promise; send RevisePromise to move it"
        return Refused("already-confirmed", advice, "promised")
    if not is_open(line):
        return LINE_ENDED
    if not promise.promised:
        return requested(line)
    if (refused := check_deliveries(promise.promised, "promised")) is not None:
        return refused
    promised, terms = line.received_before + total(promise.promised), line.placed.terms
    if promised != line.ordered:
        least, most = less_percent(line.ordered, terms.under_percent), plus_percent(line.ordered, terms.over_percent)
        if not least <= promised <= most:
            advice = f"promise {line.ordered} within the tolerance, or send ProposeChange for another quantity"
            return Refused("quantity-differs", advice, "promised")
    return promise.promised


def _is_earlier(promised: tuple[Delivery, ...], than: tuple[Delivery, ...]) -> bool:
    return not than or promised[0].due_on < than[0].due_on


def reject(rows: Rows, command: RejectOrder | RejectLine, origin: Origin) -> Decision:
    """The seller's no to lines that it has not confirmed."""
    head = order_of_seller(rows, origin)
    if isinstance(head, Refused):
        return head
    if not command.reason_code:
        return Refused("reason-missing", "say why with a reason code", "reason_code")
    if (refused := check_reason(command.reason_code, command.reason_text)) is not None:
        return refused
    if isinstance(command, RejectLine):
        line = line_of(rows, command.line)
        if isinstance(line, Refused):
            return line
        if line.stage is OrderLineStage.REJECTED:
            return ()
        if line.stage is not OrderLineStage.PLACED:
            advice = "only an unconfirmed line can be rejected; send ProposeChange or ReportDelay"
            return Refused("already-confirmed", advice, "line") if is_open(line) else LINE_ENDED
        numbers = [command.line]
    else:
        numbers = [line.placed.line for _, line in rows.scan(LINES) if line.stage is OrderLineStage.PLACED]
    code, text, at_ms = command.reason_code, command.reason_text, origin.now_ms
    facts = [LineRejected(number, code, text, at_ms) for number in numbers]
    return (*facts, *completed(head, len(facts), at_ms))


def propose_change(rows: Rows, command: ProposeChange, origin: Origin) -> Decision:
    """A proposal for the other side; the buyer's own change of a line that nobody has confirmed holds at once."""
    found = open_line_of_either(rows, command.buyer, command.line, origin)
    if isinstance(found, Refused):
        return found
    head, line, side = found
    if not command.deliveries and command.unit_price is None:
        return Refused("nothing-proposed", "give another schedule, another price, or both", "deliveries")
    refused = check_price(command.unit_price) or check_reason(command.reason_code, command.reason_text)
    if refused is not None:
        return refused
    if (refused := _check_schedule(line, command.deliveries, side)) is not None:
        return refused
    proposal = line.proposal
    if proposal is not None and (proposal.by, proposal.deliveries, proposal.unit_price) == (
        side, command.deliveries, command.unit_price,
    ):  # fmt: skip
        return ()
    proposed = ChangeProposed(
        command.line, line.changes + 1, side, command.deliveries, command.unit_price,
        command.reason_code, command.reason_text, origin.now_ms,
    )  # fmt: skip
    if side is Side.BUYER and line.stage is OrderLineStage.PLACED:
        return (proposed, *_accepted(head, line, proposed, origin))
    return (proposed,)


def _check_schedule(line: Line, deliveries: tuple[Delivery, ...], side: Side) -> Refused | None:
    if line.proposal is not None and line.proposal.by is not side:
        advice = f"the other side's change {line.changes} waits; send AcceptChange or DeclineChange first"
        return Refused("change-pending", advice, "line")
    if not deliveries:
        return None
    return check_deliveries(deliveries, "deliveries") or _check_possible(line, deliveries)


def _check_possible(line: Line, deliveries: tuple[Delivery, ...]) -> Refused | None:
    """Asked again at acceptance: goods may have left since the proposal, or a cancellation come in between."""
    if not deliveries:
        return None
    if cancellation_pending(line):
        return Refused("cancellation-pending", "send it again when the cancellation is answered", "line")
    if line.progress is not None:
        after = to_seller(line.received_before + total(deliveries), line.placed.terms.factor)
        if after < line.progress.shipped:
            advice = f"{line.progress.shipped} of the seller's unit have left; propose no less"
            return Refused("already-shipped", advice, "deliveries")
    return None


def _accepted(head: Order, line: Line, proposed: ChangeProposed, origin: Origin) -> tuple[OrderFact, ...]:
    accepted = ChangeAccepted(
        proposed.line, proposed.change, proposed.by, proposed.deliveries, proposed.unit_price, origin.now_ms
    )
    if not proposed.deliveries:
        return (accepted,)
    return (accepted, *watched(head, date_ms(line, proposed.deliveries[0].due_on) + 1))


def revise_promise(rows: Rows, command: RevisePromise, origin: Origin) -> Decision:
    """The delay as a report and the new dates as a proposal, both or neither."""
    head = order_of_seller(rows, origin)
    if isinstance(head, Refused):
        return head
    line = open_line_of(rows, command.line)
    if isinstance(line, Refused):
        return line
    if line.stage is not OrderLineStage.CONFIRMED:
        return Refused("not-confirmed", "send ConfirmLine with these dates; there is no promise to revise", "line")
    if not command.deliveries:
        return Refused("nothing-proposed", "give the new dates", "deliveries")
    if not command.reason_code:
        return Refused("reason-missing", "say why with a reason code", "reason_code")
    refused = check_reason(command.reason_code, command.reason_text)
    if refused is None:
        refused = _check_schedule(line, command.deliveries, Side.SELLER)
    if refused is not None:
        return refused
    if line.proposal is not None and (line.proposal.deliveries, line.proposal.unit_price) == (command.deliveries, None):
        return ()
    code, text, at_ms = command.reason_code, command.reason_text, origin.now_ms
    proposed = ChangeProposed(command.line, line.changes + 1, Side.SELLER, command.deliveries, None, code, text, at_ms)
    delay = LineDelayReported(command.line, command.deliveries[-1].due_on, code, text, at_ms)
    return (delay, proposed, *_watch_after_delay(head, line, delay))


def accept_change(rows: Rows, command: AcceptChange, origin: Origin) -> Decision:
    """The proposal holds from now on."""
    found = open_line_of_either(rows, command.buyer, command.line, origin)
    if isinstance(found, Refused):
        return found
    head, line, side = found
    proposal = line.proposal
    if proposal is None or command.change != line.changes:
        return CHANGE_UNKNOWN
    if proposal.by is side:
        return Refused("own-change", "the other side has to answer; send DeclineChange to withdraw it", "change")
    if (refused := _check_possible(line, proposal.deliveries)) is not None:
        return refused
    proposed = ChangeProposed(
        command.line, line.changes, proposal.by, proposal.deliveries, proposal.unit_price, "", "", origin.now_ms
    )
    return _accepted(head, line, proposed, origin)


def decline_change(rows: Rows, command: DeclineChange, origin: Origin) -> Decision:
    """The proposal is off; by its own side it is a withdrawal."""
    found = open_line_of_either(rows, command.buyer, command.line, origin)
    if isinstance(found, Refused):
        return found
    _, line, side = found
    if line.proposal is None or command.change != line.changes:
        return CHANGE_UNKNOWN
    if (refused := check_reason(command.reason_code, command.reason_text)) is not None:
        return refused
    return (
        ChangeDeclined(command.line, command.change, side, command.reason_code, command.reason_text, origin.now_ms),
    )


def report_delay(rows: Rows, command: ReportDelay, origin: Origin) -> Decision:
    """A report: recorded whatever the book says, refused only for its form."""
    head = order_of_seller(rows, origin)
    if isinstance(head, Refused):
        return head
    line = line_of(rows, command.line)
    if isinstance(line, Refused):
        return line
    refused = check_day(command.expected_on, "expected_on") or check_reason(command.reason_code, command.reason_text)
    if refused is not None:
        return refused
    code, text = command.reason_code, command.reason_text
    delay = LineDelayReported(command.line, command.expected_on, code, text, origin.now_ms)
    return (delay, *_watch_after_delay(head, line, delay))


def _watch_after_delay(head: Order, line: Line, delay: LineDelayReported) -> tuple[WatchMoved, ...]:
    return watched(head, watch_ms(amended(line, estimate=Estimate(delay.expected_on))))
