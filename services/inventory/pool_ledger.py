"""The moves that every decision of a pool is made of: post to the ledger, contradict, give back, serve.

Deliberately lacks: commands and refusals; whoever calls has understood what was said.
"""

from decimal import Decimal

from services.inventory.draft import Draft
from services.inventory.pool_dates import NOTHING_KNOWN, Known
from services.inventory.pool_facts import (
    Contradiction,
    DemandReleased,
    DemandReserved,
    MovementKind,
    ReleaseCause,
    ReservationReleased,
    StockContradicted,
    StockMoved,
)
from services.inventory.pool_rows import Demand, Head, Held, Reservation, Waiting
from services.inventory.units import ZERO
from services.kernel.values import Quantity


def head_of(draft: Draft) -> Head:
    """The head as it is now; one without a unit if nobody spoke of the pool yet."""
    head: Head | None = draft.get("head")
    return head if head is not None else Head("")


def move(
    draft: Draft,
    kind: MovementKind,
    amount: Decimal,
    reference: str,
    reason: str = "",
    stated: Quantity | None = None,
) -> None:
    """Post a signed amount in the base unit; say so if it takes a tracked pool below zero."""
    head = head_of(draft)
    after = head.on_hand + amount
    draft.emit(
        StockMoved(
            kind,
            Quantity(amount, head.unit),
            reference,
            reason,
            Quantity(after, head.unit),
            stated if stated is not None and stated.unit != head.unit else None,
        )
    )
    if after < 0 and amount < 0 and head.tracked:
        contradict(draft, Contradiction.ON_HAND_BELOW_ZERO, -amount, head.on_hand, reference)


def contradict(draft: Draft, contradiction: Contradiction, claimed: Decimal, booked: Decimal, reference: str) -> None:
    """Say that a report, recorded all the same, and the book disagree; amounts in the base unit."""
    unit = head_of(draft).unit
    draft.emit(StockContradicted(contradiction, Quantity(claimed, unit), Quantity(booked, unit), reference))


def release(draft: Draft, holder: Demand | Reservation, amount: Decimal, cause: ReleaseCause) -> None:
    """Take an amount (base unit, at most what is held) from a demand, which waits again, or from a reservation."""
    unit = head_of(draft).unit
    if isinstance(holder, Demand):
        after = Quantity(holder.reserved - amount, unit)
        draft.emit(DemandReleased(holder.flow_key, holder.demand, Quantity(amount, unit), after, cause))
    else:
        after = Quantity(holder.quantity - amount, unit)
        draft.emit(ReservationReleased(holder.reservation, Quantity(amount, unit), after, cause))


def release_all(draft: Draft, cause: ReleaseCause) -> None:
    """Nobody holds anything any more."""
    give_back(draft, head_of(draft).reserved, cause)


def settle(draft: Draft, known: Known = NOTHING_KNOWN) -> None:
    """End of a decision: who holds more than there is gives back, latest need first; what is free goes to who waits.

    Giving back stops at the exact amount, so it never leaves anything to serve. ``known``: what was known of those who
    wait when a supply brought what is free now; it is kept with whoever gets it.
    """
    head = head_of(draft)
    missing = head.reserved - head.usable
    if missing > 0:
        give_back(draft, missing, ReleaseCause.SHORT)
    elif missing < 0 and head.waiting > 0 and head.tracked:
        _serve(draft, -missing, known)


def give_back(draft: Draft, amount: Decimal, cause: ReleaseCause) -> None:
    """Release an amount (base unit) in the order of the held index."""
    if amount <= 0:
        return
    entry: Held
    for _, entry in draft.scan("held/"):
        holder: Demand | Reservation | None = draft.get(entry.row)
        if holder is not None:
            part = min(amount, holder.reserved if isinstance(holder, Demand) else holder.quantity)
            release(draft, holder, part, cause)
            amount -= part
        if amount <= 0:
            return


def _serve(draft: Draft, free: Decimal, known: Known) -> None:
    unit = head_of(draft).unit
    entry: Waiting
    for _, entry in draft.scan("wait/"):
        demand: Demand | None = draft.get(entry.row)
        if demand is not None:
            part = min(free, demand.waiting)
            after = Quantity(demand.reserved + part, unit)
            late = known.late(demand, part)
            draft.emit(DemandReserved(demand.flow_key, demand.demand, Quantity(part, unit), after, late))
            free -= part
        if free <= ZERO:
            return
