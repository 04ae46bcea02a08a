"""What the flow of a line says to an order. Part of the aggregate in ``order``.

It is a report: it is recorded whatever the book says, and never refused in a normal run.
"""

from typing import assert_never

from services.chain.alerts import AlertChange, AlertState, alert_change
from services.kernel.frozen import amended, maker
from services.kernel.model import Rows
from services.kernel.values import Origin
from services.order.ending import completed
from services.order.line import (
    HEAD,
    Line,
    Order,
    OrderLineStage,
    Progress,
    alert,
    closes_at,
    delay_minutes,
    expected_ms,
    is_open,
    known_ms,
    line_key,
    receives_at_most,
    seller_ordered,
)
from services.order.naming import sought
from services.order.order_commands import RecordLineProgress
from services.order.order_facts import (
    Awaits,
    ClosedBecause,
    LineCancelled,
    LineClosed,
    LineDelayChanged,
    LineDelayCleared,
    LineDelayFact,
    LineDelayRaised,
    LineOverDelivered,
    LineProgressRecorded,
    LineRejected,
    OrderFact,
    OrderKind,
)
from services.order.outlook import outlook_of
from services.order.parties import LINE_UNKNOWN, ORDER_UNKNOWN, Decision
from services.order.silence import watch_ms, watched
from services.order.terms import ZERO, less_percent

new_recorded, new_progress = maker(LineProgressRecorded), maker(Progress)


def record_progress(rows: Rows, command: RecordLineProgress, origin: Origin) -> Decision:
    """The flow's state, and what follows: the line is cancelled or closed, the order completed."""
    head: Order | None = rows.get(HEAD)
    if head is None:
        return ORDER_UNKNOWN
    line: Line | None = rows.get(line_key(command.line))
    if line is None:
        return LINE_UNKNOWN
    awaits = command.awaits
    if awaits is Awaits.NOTHING and head.kind is OrderKind.CALL_OFF:
        awaits = Awaits.RELEASE
    now = progress_of(command)
    if now == line.progress and awaits is line.awaits:
        return ()
    at_ms = origin.now_ms
    recorded = new_recorded(
        command.line, awaits, now.reserved, now.planned, now.shipped, now.received, now.cancelled, now.cancel_answered,
        now.expected_at_ms, now.fulfilled_at_ms, now.stock_known, now.reason, at_ms, command.expectation,
    )  # fmt: skip
    facts: list[OrderFact] = [recorded, *sought(line, now, at_ms)]
    before = line.progress
    if now.received:
        most = receives_at_most(line)
        if now.received > most and (before is None or before.received <= most):
            facts.append(LineOverDelivered(command.line, now.received, seller_ordered(line), at_ms))
    ended = _ended(head, line, now, at_ms) if is_open(line) else None
    if now.expectation is not None or (before is not None and before.expectation is not None):
        facts += _delay(line, now, isinstance(ended, LineCancelled), at_ms)
    if not is_open(line):
        return tuple(facts)
    if ended is not None:
        return (*facts, ended, *completed(head, 1, at_ms))
    if before is not None and _may_be_due_earlier(before, now):
        facts += watched(head, watch_ms(amended(line, progress=now)))
    return tuple(facts)


def progress_of(said: RecordLineProgress | LineProgressRecorded) -> Progress:
    """The part of the line's row that the flow decides."""
    return new_progress(
        said.reserved, said.planned, said.shipped, said.received, said.cancelled, said.cancel_answered,
        said.expected_at_ms, said.fulfilled_at_ms, said.stock_known, said.reason, outlook_of(said.expectation),
    )  # fmt: skip


def _delay(line: Line, now: Progress, cancelled: bool, at_ms: int) -> tuple[LineDelayFact, ...]:
    """What is to be said of the delay as it is now, seen from what it was; nothing if it is the same."""
    after = amended(line, progress=now)
    if cancelled:
        after = amended(after, stage=OrderLineStage.CANCELLED)
    delay, tolerance = delay_minutes(after), line.placed.terms.delay_tolerance_minutes
    number, expected = line.placed.line, expected_ms(after)
    match alert_change(delay_minutes(line), delay, tolerance):
        case AlertChange.RAISED:
            return (LineDelayRaised(number, delay, expected, at_ms),)
        case AlertChange.CHANGED:
            return (LineDelayChanged(number, delay, expected, at_ms),)
        case AlertChange.CLEARED:
            return (LineDelayCleared(number, delay, expected, at_ms),)
        case None:
            return ()
        case change:
            assert_never(change)


def cleared(rows: Rows, ended: tuple[OrderFact, ...], at_ms: int) -> tuple[LineDelayCleared, ...]:
    """What is to be said of the delays of lines that nobody waits for any more."""
    facts: list[LineDelayCleared] = []
    for fact in ended:
        if isinstance(fact, LineCancelled | LineRejected):
            line: Line | None = rows.get(line_key(fact.line))
            if line is not None and alert(line) is not AlertState.NONE:
                facts.append(LineDelayCleared(fact.line, 0, None, at_ms))
    return tuple(facts)


def _may_be_due_earlier(before: Progress, now: Progress) -> bool:
    """False where silence cannot become news sooner than was known: the usual case, and cheap to tell."""
    expected_before, expected = known_ms(before), known_ms(now)
    if expected_before is not None and (expected is None or expected < expected_before):
        return True
    if before.fulfilled_at_ms is not None and now.fulfilled_at_ms is None:
        return True
    return now.shipped < before.shipped or now.received < before.received or now.cancelled < before.cancelled


def _ended(head: Order, line: Line, now: Progress, at_ms: int) -> LineCancelled | LineClosed | None:
    number = line.placed.line
    ordered = seller_ordered(line)
    if now.cancelled > ZERO and now.cancelled >= ordered:
        return LineCancelled(number, "", "", at_ms)
    if not now.received and not now.cancelled:
        return None
    if head.kind is OrderKind.CALL_OFF and (line.cancel_requested < ordered or not ordered):
        return None  # a release may follow
    if now.cancelled:
        if now.received >= less_percent(ordered - now.cancelled, line.placed.terms.under_percent):
            return LineClosed(number, ClosedBecause.REST_CANCELLED, "", "", at_ms)
    elif now.received >= closes_at(line):
        return LineClosed(number, ClosedBecause.RECEIVED, "", "", at_ms)
    return None
