"""What a buyer wants otherwise than before, until its seller has taken note or answered: the way down of a change.

Owns: what was wanted of a line before the first change that is not answered, and the row of the
view ``demand-changes``, derived from the seller's own row of ``order-lines``. A change that is taken back is none.
Deliberately lacks: what the change does to stock and dates; the pool of the seller reckons that. And a count of other
lines that it touches: the units of a pool belong to no supply and no demand in particular, so nobody knows which of the
seller's own purchases served the line; that their slack is another shows in the pool.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.kernel.frozen import amended
from services.kernel.model import Rows
from services.kernel.values import EnterpriseId, Origin, Refused
from services.order.line import DemandBefore, Line, OrderLineStage, wanted
from services.order.line_view import OrderLineView
from services.order.order_commands import AcknowledgeDemandChange
from services.order.order_facts import (
    CallOffReleased,
    CancellationRequested,
    ChangeAccepted,
    ChangeDeclined,
    ChangeProposed,
    DemandChangeAcknowledged,
    LineCancelled,
    LineClosed,
    LineConfirmed,
    LineRejected,
)
from services.order.parties import Decision, line_of, order_of_seller
from services.order.ranking import Derived
from services.order.terms import ZERO, ItemId, LineNumber, OrderNumber, Side

DEMAND_CHANGES: Final = "demand-changes"

Heard = (
    CallOffReleased
    | CancellationRequested
    | ChangeAccepted
    | ChangeDeclined
    | ChangeProposed
    | DemandChangeAcknowledged
    | LineCancelled
    | LineClosed
    | LineConfirmed
    | LineRejected
)
"""Facts by which a buyer changes what it wants, or its seller answers."""


class DateMove(StrEnum):
    """Which way the date of the last delivery moved."""

    EARLIER = "EARLIER"
    LATER = "LATER"


class QuantityMove(StrEnum):
    """Which way the quantity moved."""

    LESS = "LESS"
    MORE = "MORE"
    NO_LONGER_NEEDED = "NO_LONGER_NEEDED"


@dataclass(frozen=True, slots=True)
class DemandChangeRow:
    """One line that is wanted otherwise than the seller knew, row id ``<buyer>/<number>/<line>``.

    Items and quantities are the seller's. ``change``: the proposal that waits for the seller's answer; None where the
    change holds already, and the seller only has to take note.
    """

    partner: EnterpriseId
    number: OrderNumber
    line: LineNumber
    item: ItemId
    partner_item: ItemId
    unit: str
    date_move: DateMove | None
    quantity_move: QuantityMove | None
    was_on: date | None
    now_on: date | None
    was_quantity: Decimal
    now_quantity: Decimal
    since_ms: int
    change: int | None


def noted(before: Line, after: Line, fact: Heard) -> Line:
    """The line after a fact, with what was wanted before if the seller has not answered that yet."""
    match fact:
        case CallOffReleased() | CancellationRequested() | LineCancelled():
            is_answer = False
        case ChangeProposed(by=by):
            is_answer = by is Side.SELLER
        case ChangeDeclined(by=by):
            is_answer = by is Side.SELLER
        case ChangeAccepted(proposed_by=by):
            is_answer = by is Side.SELLER or before.stage is OrderLineStage.CONFIRMED
        case LineConfirmed() | LineRejected() | LineClosed() | DemandChangeAcknowledged():
            is_answer = True
    demand = None
    if not is_answer:
        was = before.demand_before or DemandBefore(*wanted(before), fact.at_ms)
        demand = was if wanted(after) != (was.due_on, was.amount) else None
    return after if demand == after.demand_before else amended(after, demand_before=demand)


def acknowledge(rows: Rows, command: AcknowledgeDemandChange, origin: Origin) -> Decision:
    """The seller has taken note; nothing where there is nothing to note."""
    head = order_of_seller(rows, origin)
    if isinstance(head, Refused):
        return head
    line = line_of(rows, command.line)
    if isinstance(line, Refused):
        return line
    return () if line.demand_before is None else (DemandChangeAcknowledged(command.line, origin.now_ms),)


def derive_demand_changes(old: OrderLineView | None, new: OrderLineView | None) -> Derived:
    """The row of ``demand-changes`` that changes with a row of ``order-lines``."""
    before, after = _row(old), _row(new)
    row = after or before
    if before == after or row is None:
        return {}
    return {(DEMAND_CHANGES, f"{row.partner}/{row.number}/{row.line}"): after}


def _row(line: OrderLineView | None) -> DemandChangeRow | None:
    if line is None or line.demand_change is None or line.role is not Side.SELLER:
        return None
    was, change = line.demand_change, line.change
    asked = change.change if change is not None and change.by is Side.BUYER else None
    return DemandChangeRow(
        line.partner, line.number, line.line, line.item, line.partner_item, line.unit,
        _date_move(was.was_on, was.now_on), _quantity_move(was.was_quantity, was.now_quantity),
        was.was_on, was.now_on, was.was_quantity, was.now_quantity, was.since_ms, asked,
    )  # fmt: skip


def _date_move(was: date | None, now: date | None) -> DateMove | None:
    if was is None or now is None or was == now:
        return None
    return DateMove.EARLIER if now < was else DateMove.LATER


def _quantity_move(was: Decimal, now: Decimal) -> QuantityMove | None:
    if was == now:
        return None
    if now <= ZERO:
        return QuantityMove.NO_LONGER_NEEDED
    return QuantityMove.LESS if now < was else QuantityMove.MORE
