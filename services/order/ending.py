"""How lines end by the buyer's word: cancelled or closed. Part of the aggregate in ``order``.

A line that nobody confirmed is cancelled at once. What is confirmed may be on its way: there a cancellation is a
request, and the flow of the line answers what could be.
"""

from decimal import Decimal

from services.kernel.model import Rows
from services.kernel.values import Origin, Refused
from services.order.line import LINES, Line, Order, OrderLineStage, is_open, seller_ordered
from services.order.order_commands import CancelLine, CancelOrder, CloseLine, CloseOrder
from services.order.order_facts import (
    CancellationRequested,
    ClosedBecause,
    LineCancelled,
    LineClosed,
    OrderCompleted,
    OrderFact,
    OrderKind,
)
from services.order.parties import LINE_ENDED, Decision, line_of, order_of_buyer
from services.order.terms import ZERO, check_amount, check_reason, to_seller


def completed(head: Order, ended: int, at_ms: int) -> tuple[OrderCompleted, ...]:
    """The fact that no line is open any more, if so many that end now are all that were."""
    return (OrderCompleted(at_ms),) if ended and ended == head.open_lines else ()


def cancel(rows: Rows, command: CancelLine | CancelOrder, origin: Origin) -> Decision:
    """What the buyer asks to cancel; sent again for what is asked or gone already it adds nothing."""
    head = order_of_buyer(rows)
    if isinstance(head, Refused):
        return head
    if (refused := check_reason(command.reason_code, command.reason_text)) is not None:
        return refused
    facts: list[OrderFact] = []
    if isinstance(command, CancelLine):
        line = line_of(rows, command.line)
        if isinstance(line, Refused):
            return line
        if line.stage is OrderLineStage.CANCELLED:
            return ()
        if not is_open(line):
            return LINE_ENDED
        fact = _cancel_line(head, line, command, command.amount, origin.now_ms)
        if isinstance(fact, Refused):
            return fact
        facts += fact
    else:
        for _, line in rows.scan(LINES):
            if is_open(line):
                fact = _cancel_line(head, line, command, None, origin.now_ms)
                if not isinstance(fact, Refused):  # what has left in full stays; the rest of the order goes
                    facts += fact
    ended = sum(isinstance(fact, LineCancelled) for fact in facts)
    return (*facts, *completed(head, ended, origin.now_ms))


def _cancel_line(
    head: Order, line: Line, command: CancelLine | CancelOrder, amount: Decimal | None, at_ms: int
) -> Decision:
    number, code, text = line.placed.line, command.reason_code, command.reason_text
    if amount is not None and (refused := check_amount(amount, "amount")) is not None:
        return refused
    if amount is not None and head.kind is OrderKind.CALL_OFF:
        return Refused("release-instead", "release the schedule that is wanted, or cancel the whole line", "amount")
    if line.stage is OrderLineStage.PLACED:
        if amount is None or amount >= line.ordered:
            return (LineCancelled(number, code, text, at_ms),)
        advice = "send ProposeChange with the schedule that is wanted; it holds at once"
        return Refused("not-confirmed", advice, "amount")
    ordered = seller_ordered(line)
    progress = line.progress
    if ordered == ZERO:  # a frame without a release: nothing is on its way
        return (LineCancelled(number, code, text, at_ms),)
    if progress is not None and progress.shipped + progress.cancelled >= ordered:
        return Refused("nothing-to-cancel", "all of the line has left or is cancelled; settle it at receipt", "line")
    asked = ordered
    if amount is not None:
        asked = min(line.cancel_requested + to_seller(amount, line.placed.terms.factor), ordered)
    if asked <= line.cancel_requested:
        return ()
    return (CancellationRequested(number, asked, code, text, at_ms),)


def close(rows: Rows, command: CloseLine | CloseOrder, origin: Origin) -> Decision:
    """The buyer accepts what came and wants no more."""
    head = order_of_buyer(rows)
    if isinstance(head, Refused):
        return head
    code, text, at_ms = command.reason_code, command.reason_text, origin.now_ms
    if (refused := check_reason(code, text)) is not None:
        return refused
    facts: list[OrderFact] = []
    if isinstance(command, CloseLine):
        line = line_of(rows, command.line)
        if isinstance(line, Refused):
            return line
        if line.stage is OrderLineStage.CLOSED:
            return ()
        if line.stage is OrderLineStage.PLACED:
            return Refused("not-confirmed", "send CancelLine; nobody has confirmed the line", "line")
        if not is_open(line):
            return LINE_ENDED
        facts.append(LineClosed(command.line, ClosedBecause.SHORT_ACCEPTED, code, text, at_ms))
    else:
        for _, line in rows.scan(LINES):
            if line.stage is OrderLineStage.CONFIRMED:
                facts.append(LineClosed(line.placed.line, ClosedBecause.SHORT_ACCEPTED, code, text, at_ms))
            elif line.stage is OrderLineStage.PLACED:
                facts.append(LineCancelled(line.placed.line, code, text, at_ms))
    return (*facts, *completed(head, len(facts), at_ms))
