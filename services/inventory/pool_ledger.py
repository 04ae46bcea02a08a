"""The moves that every decision of a pool is made of: post to the ledger, contradict, give back, serve.

Deliberately lacks: commands and refusals; whoever calls has understood what was said.
"""

from collections.abc import Iterable
from decimal import Decimal

from services.chain.quantities import amount_of
from services.inventory.draft import Draft
from services.inventory.pool_dates import NOTHING_KNOWN, Known
from services.inventory.pool_evolve import later
from services.inventory.pool_facts import (
    Contradiction,
    DemandReleased,
    DemandReserved,
    DemandServedLate,
    MovementKind,
    ReleaseCause,
    ReservationReleased,
    StockContradicted,
    StockMoved,
)
from services.inventory.pool_rows import Demand, Head, Held, Planned, Reservation, Waiting
from services.inventory.units import ZERO
from services.kernel.model import Rows
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
    wait when a supply brought what is free now; it is kept with whoever gets it, or would get it.
    """
    head = head_of(draft)
    missing = head.reserved - head.usable
    if missing > 0:
        give_back(draft, missing, ReleaseCause.SHORT)
    elif missing < 0 and head.tracked:
        if head.waiting > 0:
            _serve(draft, -missing, known)
        if known is not NOTHING_KNOWN:
            _note_late(draft, known)


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


def coming(rows: Rows, demand: Demand) -> Decimal:
    """How much of what a demand waits for it holds of supplies that are still to come: that it does not take of others.

    Where several hold more of a supply than it has, each counts as if it were alone.
    """
    held = ZERO
    for hold in demand.holds:
        still = sum((supply.open for _, supply in rows.scan(f"supply/{hold.source}/")), ZERO)
        held += min(amount_of(hold.quantity), still)
    return min(held, demand.waiting)


def serve_holders(
    draft: Draft, holders: Iterable[str], source: str, before: Decimal, more: Decimal, known: Known
) -> None:
    """What came of a supply goes to those who hold it, in their order; ``before`` of it had come before that."""
    end, upto = before + more, ZERO
    for name in holders:
        demand: Demand | None = draft.get(name)
        if demand is None:
            continue
        begin = upto
        upto += sum((amount_of(hold.quantity) for hold in demand.holds if hold.source == source), ZERO)
        head = head_of(draft)
        part = min(min(upto, end) - max(begin, before), demand.waiting, head.usable - head.reserved)
        if part > 0:
            _give(draft, demand, part, known)


def _serve(draft: Draft, free: Decimal, known: Known) -> None:
    entry: Waiting
    for _, entry in draft.scan("wait/"):
        demand: Demand | None = draft.get(entry.row)
        if demand is not None and (part := min(free, demand.waiting - coming(draft, demand))):
            _give(draft, demand, part, known)
            free -= part
        if free <= ZERO:
            return


def _give(draft: Draft, demand: Demand, part: Decimal, known: Known) -> None:
    unit = head_of(draft).unit
    after = Quantity(demand.reserved + part, unit)
    late = known.late(demand, part)
    draft.emit(DemandReserved(demand.flow_key, demand.demand, Quantity(part, unit), after, late))


def _note_late(draft: Draft, known: Known) -> None:
    """Keep what is known of units that came late with those who are only planned and would get them, in their order."""
    head = head_of(draft)
    free = head.usable - head.reserved
    entry: Planned
    for _, entry in draft.scan("plan/"):
        if free <= ZERO:
            return
        demand: Demand | None = draft.get(entry.row)
        if demand is not None:
            part = min(free, demand.open)
            late = known.late(demand, part)
            if late is not None and later(demand.held_late, late) != demand.held_late:
                draft.emit(DemandServedLate(demand.flow_key, demand.demand, late))
            free -= part
