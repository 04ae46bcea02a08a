"""When silence about a line is news, and when an order is looked at for that. Part of the aggregate in ``order``.

Owns: the look itself, a report of the clock, and the moment of the next one. Deliberately lacks: what the flow of a
line says (``progress``).
"""

from datetime import timedelta
from typing import Final

from services.kernel.frozen import amended
from services.kernel.model import Rows
from services.order.line import HEAD, LINES, Line, Order, date_ms, day_of, expected_ms, is_open, open_delivery
from services.order.order_commands import NoteOverdue
from services.order.order_facts import LineOverdue, OrderFact, WatchMoved
from services.order.parties import Decision

SILENT_DAYS_MAX: Final = 30  # a line nobody speaks of is looked at daily for so long, then once in so many days


def is_silent(line: Line) -> bool:
    """True if a date of the open line is over and nobody has said when it will be met."""
    silent = line.silent_at_ms
    if silent is None or not is_open(line) or (found := open_delivery(line)) is None:
        return False
    delivery, is_last = found
    if is_last and (expected := expected_ms(line)) is not None and expected > silent:
        return False
    return day_of(line, silent) > delivery.due_on


def watch_ms(line: Line) -> int | None:
    """The first instant (ms since 1970 UTC) at which silence about the line is news; None if it cannot be."""
    if not is_open(line) or (found := open_delivery(line)) is None:
        return None
    delivery, is_last = found
    due = date_ms(line, delivery.due_on)
    quiet_until = due
    if is_last and (expected := expected_ms(line)) is not None:
        quiet_until = max(due, expected)
    if line.silent_at_ms is not None:
        day = day_of(line, line.silent_at_ms)  # the days late that were noted hold until it is over
        if (day - delivery.due_on).days >= SILENT_DAYS_MAX:
            day += timedelta(SILENT_DAYS_MAX)
        quiet_until = max(quiet_until, date_ms(line, day))
    return quiet_until + 1


def watched(head: Order, at_ms: int | None) -> tuple[WatchMoved, ...]:
    """The fact that the order is looked at by then (ms since 1970 UTC), if it would be later; None: no need."""
    if at_ms is None or (head.watch_at_ms is not None and head.watch_at_ms <= at_ms):
        return ()
    return (WatchMoved(at_ms),)


def note_overdue(rows: Rows, command: NoteOverdue) -> Decision:
    """The lines that are overdue in silence now, and when to look again: always later than now."""
    if rows.get(HEAD) is None:
        return ()
    facts: list[OrderFact] = []
    looks: list[int] = []
    for _, line in rows.scan(LINES):
        at = watch_ms(line)
        if at is not None and at <= command.now_ms:
            facts.append(LineOverdue(line.placed.line, command.now_ms))
            at = watch_ms(amended(line, silent_at_ms=command.now_ms))
        if at is not None:
            looks.append(at)
    return (*facts, WatchMoved(min(looks, default=None)))
