"""How a seller says that it will meet a line: when it starts, and which of its inbound lines the goods come from.

Part of the aggregate in ``order``. A trader without a bill of material says in this way what its outgoing line depends
on. Deliberately lacks: promises, which are made in ``promising``, and any check of the inbound lines: they are the
seller's own orders, and a line may be planned before they are placed.
"""

from typing import Final

from services.kernel.model import Rows
from services.kernel.values import Origin, Refused
from services.order.line import NO_PLAN, LinePlan
from services.order.order_commands import PlanLine
from services.order.order_facts import LinePlanned
from services.order.parties import Decision, open_line_of, order_of_seller
from services.order.terms import bad_id, check_amount, is_id
from services.order.workday import is_instant

INBOUND_LINES_MAX: Final = 100


def plan_line(rows: Rows, command: PlanLine, origin: Origin) -> Decision:
    """The seller's plan for a line, in place of the one before; without start and inbound lines there is none."""
    head = order_of_seller(rows, origin)
    if isinstance(head, Refused):
        return head
    line = open_line_of(rows, command.line)
    if isinstance(line, Refused):
        return line
    if command.start_at_ms is not None and not is_instant(command.start_at_ms):
        return Refused("date-out-of-range", "send a start between 1970 and 9999", "start_at")
    if (refused := _check_inbound(command)) is not None:
        return refused
    plan = LinePlan(command.start_at_ms, command.waits_for)
    if plan == (line.plan or NO_PLAN):
        return ()
    return (LinePlanned(command.line, command.start_at_ms, command.waits_for, origin.now_ms),)


def _check_inbound(command: PlanLine) -> Refused | None:
    named = [(inbound.number, inbound.line) for inbound in command.waits_for]
    if len(named) > INBOUND_LINES_MAX:
        return Refused("too-many-lines", f"name at most {INBOUND_LINES_MAX} inbound lines", "waits_for")
    if len(set(named)) < len(named):
        return Refused("line-twice", "name each inbound line once", "waits_for")
    for inbound in command.waits_for:
        if not is_id(inbound.number) or not is_id(inbound.line):
            return bad_id(inbound.line, "waits_for")
        if inbound.amount is not None and (refused := check_amount(inbound.amount, "waits_for")) is not None:
            return refused
    return None
