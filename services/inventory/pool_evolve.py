"""How facts change the rows of a pool. Total: every fact of the log can be applied, in the order of the log.

Deliberately lacks: any rule about what may happen (``pool.py``); the sums and indexes are only kept here.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any, assert_never

from services.chain.moments import SINCE
from services.chain.pool_facts import Frozen
from services.inventory.pool_facts import (
    DemandDated,
    DemandId,
    DemandIssued,
    DemandRecorded,
    DemandReleased,
    DemandReserved,
    DemandServedLate,
    Fact,
    FlowKey,
    OutlookReckoned,
    PoolOpened,
    PoolTracked,
    PoolUntracked,
    ReservationConsumed,
    ReservationMade,
    ReservationReleased,
    StockBlocked,
    StockContradicted,
    StockCounted,
    StockMoved,
    StockUnblocked,
    SupplyReceived,
    SupplyReckoned,
    SupplyRecorded,
)
from services.inventory.pool_rows import (
    Buffered,
    Coming,
    Dated,
    Demand,
    Expiry,
    Head,
    Held,
    Planned,
    Reservation,
    Supply,
    Waiting,
    buffers_row,
    coming_key,
    dated_row,
    demand_row,
    expiry_key,
    held_key,
    plan_key,
    reservation_row,
    supply_row,
    wait_key,
)
from services.inventory.units import ZERO
from services.kernel.model import Changes, Rows


def evolve(rows: Rows, fact: Fact) -> Changes:
    """The rows that the fact changes, None for one that goes. Total."""
    head: Head = rows.get("head") or Head("")
    match fact:
        case StockMoved():
            return {"head": _moved(head, fact.quantity.amount)}
        case DemandRecorded():
            return _demand_recorded(rows, head, fact)
        case DemandReserved():
            old = _known(rows, fact.flow_key, fact.demand)
            late = later(old.held_late, fact.late)
            return _demand(rows, head, replace(old, reserved=old.reserved + fact.quantity.amount, held_late=late))
        case DemandServedLate():
            old = _known(rows, fact.flow_key, fact.demand)
            return _demand(rows, head, replace(old, held_late=later(old.held_late, fact.late)))
        case DemandReleased():
            old = _known(rows, fact.flow_key, fact.demand)
            return _demand(rows, head, _gave(old, fact.quantity.amount))
        case DemandIssued():
            old = _gave(_known(rows, fact.flow_key, fact.demand), fact.consumed.amount)
            new = replace(old, issued=old.issued + fact.quantity.amount, frozen=later(old.frozen, fact.frozen))
            return _demand(rows, head, new)
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
        case DemandDated() | SupplyReckoned():
            return _reckoned(rows, fact)
        case OutlookReckoned(outlook):
            return {"head": replace(head, stale=False), "outlook": outlook}
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
        head.stale_then,
    )


def _reckoned(rows: Rows, fact: DemandDated | SupplyReckoned) -> Changes:
    """What was told last. Of a demand that also is how much is held, waits and was issued, as it is told with it."""
    match fact:
        case DemandDated(flow_key, demand, parts):
            told = None
            known = _known(rows, flow_key, demand)
            if parts:
                told = Dated(flow_key, demand, known.reserved, known.waiting, known.issued, parts)
            changes: dict[str, Any] = {dated_row(flow_key, demand): told}
            if known.held_late is not None and not known.reserved and not (parts and parts[0].date == SINCE):
                changes[demand_row(flow_key, demand)] = replace(known, held_late=None)  # others have what came late
            return changes
        case SupplyReckoned(flow_key, supply, buffers):
            row = None if buffers is None else Buffered(flow_key, supply, buffers)
            return {buffers_row(flow_key, supply): row}


HeadFact = PoolOpened | PoolTracked | PoolUntracked | StockCounted | StockBlocked | StockUnblocked | StockContradicted


def _head_after(head: Head, fact: HeadFact) -> Head:
    match fact:
        case PoolOpened(unit):
            return replace(head, unit=unit)
        case PoolTracked():
            return replace(head, tracked=True, stale=True)
        case PoolUntracked():
            return replace(head, tracked=False, contradicted=None, stale=True)
        case StockCounted():
            return replace(head, contradicted=None)
        case StockBlocked(quantity):
            return replace(head, blocked=head.blocked + quantity.amount, stale=head.stale_then)
        case StockUnblocked(quantity):
            return replace(head, blocked=head.blocked - quantity.amount, stale=head.stale_then)
        case StockContradicted(contradiction):
            return replace(head, contradicted=contradiction)
        case _:
            assert_never(fact)


def _known(rows: Rows, flow_key: FlowKey, demand: DemandId) -> Demand:
    """Without a row the demand was withdrawn and forgotten; what left for it late is remembered all the same."""
    row: Demand | None = rows.get(demand_row(flow_key, demand))
    return row if row is not None else Demand(flow_key, demand, ZERO, ZERO, ZERO, None, 0, 0, withdrawn=True)


def _gave(demand: Demand, amount: Decimal) -> Demand:
    """So much of what is held for it is not held any more."""
    reserved = demand.reserved - amount
    return replace(demand, reserved=reserved, held_late=demand.held_late if reserved else None)


def later(one: Frozen | None, other: Frozen | None) -> Frozen | None:
    """What is known of the later units of the two, the first if both came on one date."""
    if one is None or other is None:
        return one or other
    return other if other.date > one.date else one


def _demand_recorded(rows: Rows, head: Head, fact: DemandRecorded) -> Changes:
    new = replace(
        _known(rows, fact.flow_key, fact.demand),
        quantity=fact.quantity.amount,
        need_at_ms=fact.need_at_ms,
        priority=fact.priority,
        sequence_ms=fact.sequence_ms,
        withdrawn=fact.withdrawn,
        unit="" if fact.quantity.unit == head.unit else fact.quantity.unit,
        planned=fact.planned,
        holds=fact.holds,
    )
    return _demand(rows, head, new)


def _demand(rows: Rows, head: Head, new: Demand) -> Changes:
    """A demand's row, its index rows and the head's sums, moved together. What was never used is forgotten."""
    row = demand_row(new.flow_key, new.demand)
    old: Demand | None = rows.get(row)
    changes: dict[str, Any] = {row: None if new.withdrawn and not new.issued and not new.reserved else new}
    waited, waits = (ZERO if old is None else old.waiting), new.waiting
    held, holds = (ZERO if old is None else old.reserved), new.reserved
    _index(changes, wait_key(old) if old is not None and waited else "", wait_key(new) if waits else "", Waiting(row))
    _index(changes, held_key(old) if old is not None and held else "", held_key(new) if holds else "", Held(row))
    was_planned = old is not None and old.planned and old.open
    is_planned = new.planned and new.open
    _index(
        changes,
        plan_key(old) if old is not None and was_planned else "",
        plan_key(new) if is_planned else "",
        Planned(row),
    )
    if waits != waited or holds != held or head.grows_stale:
        reserved, waiting = head.reserved + holds - held, head.waiting + waits - waited
        changes["head"] = replace(head, reserved=reserved, waiting=waiting, stale=head.stale_then)
    return changes


def _index(changes: dict[str, Any], old_key: str, new_key: str, entry: Waiting | Planned | Held) -> None:
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
        fact.parts,
    )
    return _supply(head, old, new)


def _supply(head: Head, old: Supply | None, new: Supply) -> Changes:
    row = supply_row(new.flow_key, new.supply)
    changes: dict[str, Any] = {row: None if new.withdrawn and not new.received else new}
    if new.open:
        changes[coming_key(new)] = Coming(row)
    elif old is not None and old.open:
        changes[coming_key(new)] = None
    comes = new.open - (ZERO if old is None else old.open)
    if comes or head.grows_stale:
        changes["head"] = replace(head, inbound=head.inbound + comes, stale=head.stale_then)
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
    changes["head"] = replace(head, reserved=reserved, expiring=expiring, stale=head.stale_then)
    return changes
