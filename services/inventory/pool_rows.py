"""The rows of a pool and how facts change them.

One row per demand, supply and reservation; index rows give the next waiting demand and the holder that gives back
first without looking at all of them; the head keeps the sums. So no row grows, and a decision reads and writes only
what it changes.

Row keys: ``head``, ``demand/<flow key>/<demand>``, ``supply/<flow key>/<supply>``, ``reservation/<reservation>``,
``wait/<static order>``, ``held/<order of giving back>``, ``expiry/<time>/<reservation>``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, assert_never

from services.inventory.pool_facts import (
    Contradiction,
    DemandId,
    DemandIssued,
    DemandRecorded,
    DemandReleased,
    DemandReserved,
    Fact,
    FlowKey,
    PoolOpened,
    PoolTracked,
    PoolUntracked,
    ReservationConsumed,
    ReservationId,
    ReservationMade,
    ReservationReleased,
    StockBlocked,
    StockContradicted,
    StockCounted,
    StockMoved,
    StockUnblocked,
    SupplyId,
    SupplyReceived,
    SupplyRecorded,
)
from services.inventory.units import ZERO
from services.kernel.model import Changes, Rows

MS_MAX = 10**15 - 1  # far behind every date; also the need date of a demand that names none
PRIORITY_MAX = 10**10 - 1


@dataclass(frozen=True, slots=True)
class Head:
    """The sums of a pool, in its base unit; ``movements`` counts ledger lines, ``expiring`` reservations that end."""

    unit: str
    on_hand: Decimal = ZERO
    blocked: Decimal = ZERO
    reserved: Decimal = ZERO
    waiting: Decimal = ZERO
    inbound: Decimal = ZERO
    tracked: bool = False
    movements: int = 0
    expiring: int = 0
    contradicted: Contradiction | None = None

    @property
    def usable(self) -> Decimal:
        """What may be held at most: on hand without what is blocked, at least zero."""
        return max(ZERO, self.on_hand - self.blocked)


@dataclass(frozen=True, slots=True)
class Demand:
    """One input of one flow. ``unit`` is empty unless the flow speaks in a unit that the pool cannot convert.

    ``issued`` is what left the book for it, in the pool's unit always; ``quantity`` is in ``unit`` if that is given.
    """

    flow_key: FlowKey
    demand: DemandId
    quantity: Decimal
    issued: Decimal
    reserved: Decimal
    need_at_ms: int | None
    priority: int
    sequence_ms: int
    withdrawn: bool
    unit: str = ""

    @property
    def open(self) -> Decimal:
        """What the pool still has to give, held or not."""
        if self.withdrawn or self.unit:
            return ZERO
        return max(ZERO, self.quantity - self.issued)

    @property
    def waiting(self) -> Decimal:
        """What is neither issued nor held."""
        return max(ZERO, self.open - self.reserved)


@dataclass(frozen=True, slots=True)
class Supply:
    """The output of one flow, in the pool's unit, or with ``unit`` in one that the pool cannot convert."""

    flow_key: FlowKey
    supply: SupplyId
    quantity: Decimal
    received: Decimal
    expected_at_ms: int | None
    promised_at_ms: int | None
    withdrawn: bool
    unit: str = ""

    @property
    def open(self) -> Decimal:
        """What is still to come."""
        if self.withdrawn or self.unit:
            return ZERO
        return max(ZERO, self.quantity - self.received)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A quantity held by hand."""

    reservation: ReservationId
    quantity: Decimal
    need_at_ms: int
    expires_at_ms: int | None
    sequence_ms: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Index: the demand row that takes next, in the order of the keys."""

    row: str


@dataclass(frozen=True, slots=True)
class Held:
    """Index: the demand or reservation row that gives back next, in the order of the keys."""

    row: str


@dataclass(frozen=True, slots=True)
class Expiry:
    """Index: the reservation that ends next."""

    reservation: ReservationId
    expires_at_ms: int


POOL_ROWS: Mapping[str, type] = {
    "head": Head,
    "demand": Demand,
    "supply": Supply,
    "reservation": Reservation,
    "wait": Waiting,
    "held": Held,
    "expiry": Expiry,
}


def demand_row(flow_key: FlowKey, demand: DemandId) -> str:
    """The key of a demand's row; the flow is part of it, so that two flows may number their inputs alike."""
    return f"demand/{flow_key}/{demand}"


def supply_row(flow_key: FlowKey, supply: SupplyId) -> str:
    """The key of a supply's row."""
    return f"supply/{flow_key}/{supply}"


def reservation_row(reservation: ReservationId) -> str:
    """The key of a reservation's row."""
    return f"reservation/{reservation}"


def _digits(number: int | None, most: int) -> int:
    return most if number is None else min(max(number, 0), most)


def wait_key(demand: Demand) -> str:
    """The static order of demands as text: priority, need date, arrival sequence, flow, demand, all ascending."""
    priority = _digits(demand.priority, PRIORITY_MAX)
    need = _digits(demand.need_at_ms, MS_MAX)
    sequence = _digits(demand.sequence_ms, MS_MAX)
    return f"wait/{priority:010}/{need:015}/{sequence:015}/{demand.flow_key}/{demand.demand}"


def held_key(holder: Demand | Reservation) -> str:
    """The order of giving back as text: latest need first.

    Among equal need dates those by hand come first (they are served last), then the less important (greater priority
    number), then the later arrival; what is still equal goes by the row's key, only to be the same every time.
    """
    need = MS_MAX - _digits(holder.need_at_ms, MS_MAX)
    sequence = MS_MAX - _digits(holder.sequence_ms, MS_MAX)
    if isinstance(holder, Reservation):
        return f"held/{need:015}/{0:011}/{sequence:015}/{reservation_row(holder.reservation)}"
    importance = PRIORITY_MAX + 1 - _digits(holder.priority, PRIORITY_MAX)
    return f"held/{need:015}/{importance:011}/{sequence:015}/{demand_row(holder.flow_key, holder.demand)}"


def expiry_key(reservation: Reservation) -> str:
    """The order in which reservations end, as text."""
    return f"expiry/{_digits(reservation.expires_at_ms, MS_MAX):015}/{reservation.reservation}"


def evolve(rows: Rows, fact: Fact) -> Changes:
    """The rows that the fact changes, None for one that goes. Total."""
    head: Head = rows.get("head") or Head("")
    match fact:
        case StockMoved():
            return {"head": _moved(head, fact.quantity.amount)}
        case DemandRecorded():
            return _demand_recorded(rows, head, fact)
        case DemandReserved(flow_key, demand, quantity):
            return _demand_changed(rows, head, flow_key, demand, reserved=quantity.amount)
        case DemandReleased(flow_key, demand, quantity):
            return _demand_changed(rows, head, flow_key, demand, reserved=-quantity.amount)
        case DemandIssued(flow_key, demand, quantity, consumed):
            return _demand_changed(rows, head, flow_key, demand, reserved=-consumed.amount, issued=quantity.amount)
        case SupplyRecorded():
            return _supply_recorded(rows, head, fact)
        case SupplyReceived(flow_key, supply, quantity):
            row: Supply | None = rows.get(supply_row(flow_key, supply))
            base = row if row is not None else Supply(flow_key, supply, ZERO, ZERO, None, None, withdrawn=True)
            return _supply(head, row, replace(base, received=base.received + quantity.amount))
        case ReservationMade(reservation, quantity, need_at_ms, expires_at_ms, sequence_ms):
            made = Reservation(reservation, quantity.amount, need_at_ms, expires_at_ms, sequence_ms)
            return _reservation(head, rows.get(reservation_row(reservation)), made)
        case ReservationReleased(reservation, quantity) | ReservationConsumed(reservation, quantity):
            held: Reservation | None = rows.get(reservation_row(reservation))
            if held is None:
                return {}
            rest = held.quantity - quantity.amount
            return _reservation(head, held, replace(held, quantity=rest) if rest > 0 else None)
        case _:
            return {"head": _head_after(head, fact)}


def _moved(head: Head, quantity: Decimal) -> Head:
    """Written out: it is in the path of every movement, and three times as fast as replace()."""
    return Head(
        head.unit,
        head.on_hand + quantity,
        head.blocked,
        head.reserved,
        head.waiting,
        head.inbound,
        head.tracked,
        head.movements + 1,
        head.expiring,
        head.contradicted,
    )


HeadFact = PoolOpened | PoolTracked | PoolUntracked | StockCounted | StockBlocked | StockUnblocked | StockContradicted


def _head_after(head: Head, fact: HeadFact) -> Head:
    match fact:
        case PoolOpened(unit):
            return replace(head, unit=unit)
        case PoolTracked():
            return replace(head, tracked=True)
        case PoolUntracked():
            return replace(head, tracked=False, contradicted=None)
        case StockCounted():
            return replace(head, contradicted=None)
        case StockBlocked(quantity):
            return replace(head, blocked=head.blocked + quantity.amount)
        case StockUnblocked(quantity):
            return replace(head, blocked=head.blocked - quantity.amount)
        case StockContradicted(contradiction):
            return replace(head, contradicted=contradiction)
        case _:
            assert_never(fact)


def _demand_recorded(rows: Rows, head: Head, fact: DemandRecorded) -> Changes:
    old: Demand | None = rows.get(demand_row(fact.flow_key, fact.demand))
    new = Demand(
        fact.flow_key,
        fact.demand,
        fact.quantity.amount,
        old.issued if old is not None else ZERO,
        old.reserved if old is not None else ZERO,
        fact.need_at_ms,
        fact.priority,
        fact.sequence_ms,
        fact.withdrawn,
        "" if fact.quantity.unit == head.unit else fact.quantity.unit,
    )
    return _demand(head, old, new)


def _demand_changed(
    rows: Rows, head: Head, flow_key: FlowKey, demand: DemandId, reserved: Decimal, issued: Decimal = ZERO
) -> Changes:
    """Without a row the demand was withdrawn and forgotten; what left for it late is remembered all the same."""
    old: Demand | None = rows.get(demand_row(flow_key, demand))
    base = old if old is not None else Demand(flow_key, demand, ZERO, ZERO, ZERO, None, 0, 0, withdrawn=True)
    return _demand(head, old, replace(base, reserved=base.reserved + reserved, issued=base.issued + issued))


def _demand(head: Head, old: Demand | None, new: Demand) -> Changes:
    """A demand's row, its two index rows and the head's sums, moved together. What was never used is forgotten."""
    row = demand_row(new.flow_key, new.demand)
    changes: dict[str, Any] = {row: None if new.withdrawn and not new.issued and not new.reserved else new}
    waited, waits = (ZERO if old is None else old.waiting), new.waiting
    held, holds = (ZERO if old is None else old.reserved), new.reserved
    _index(changes, wait_key(old) if old is not None and waited else "", wait_key(new) if waits else "", Waiting(row))
    _index(changes, held_key(old) if old is not None and held else "", held_key(new) if holds else "", Held(row))
    if waits != waited or holds != held:
        changes["head"] = replace(head, reserved=head.reserved + holds - held, waiting=head.waiting + waits - waited)
    return changes


def _index(changes: dict[str, Any], old_key: str, new_key: str, entry: Waiting | Held) -> None:
    if old_key != new_key:  # an unchanged place is not written again
        if old_key:
            changes[old_key] = None
        if new_key:
            changes[new_key] = entry


def _supply_recorded(rows: Rows, head: Head, fact: SupplyRecorded) -> Changes:
    old: Supply | None = rows.get(supply_row(fact.flow_key, fact.supply))
    new = Supply(
        fact.flow_key,
        fact.supply,
        fact.quantity.amount,
        old.received if old is not None else ZERO,
        fact.expected_at_ms,
        fact.promised_at_ms,
        fact.withdrawn,
        "" if fact.quantity.unit == head.unit else fact.quantity.unit,
    )
    return _supply(head, old, new)


def _supply(head: Head, old: Supply | None, new: Supply) -> Changes:
    changes: dict[str, Any] = {
        supply_row(new.flow_key, new.supply): None if new.withdrawn and not new.received else new
    }
    comes = new.open - (ZERO if old is None else old.open)
    if comes:
        changes["head"] = replace(head, inbound=head.inbound + comes)
    return changes


def _reservation(head: Head, old: Reservation | None, new: Reservation | None) -> Changes:
    """A reservation's row, its two index rows and the head's sums, moved together."""
    changes: dict[str, Any] = {}
    reserved, expiring = head.reserved, head.expiring
    if old is not None:
        changes[reservation_row(old.reservation)] = None
        changes[held_key(old)] = None
        reserved -= old.quantity
        if old.expires_at_ms is not None:
            changes[expiry_key(old)] = None
            expiring -= 1
    if new is not None:
        changes[reservation_row(new.reservation)] = new
        changes[held_key(new)] = Held(reservation_row(new.reservation))
        reserved += new.quantity
        if new.expires_at_ms is not None:
            changes[expiry_key(new)] = Expiry(new.reservation, new.expires_at_ms)
            expiring += 1
    changes["head"] = replace(head, reserved=reserved, expiring=expiring)
    return changes
