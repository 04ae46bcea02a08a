"""What flows state to a pool: a demand, a supply. Totals come in, differences go to the ledger; nothing is refused.

Deliberately lacks: conversion (a flow speaks in the unit stamped on it when it was created). Where that is not the
pool's, the statement is kept as it is, holds nothing, moves nothing, and the contradiction is said.
"""

from decimal import Decimal

from services.chain.pool_facts import Frozen
from services.inventory.draft import Draft
from services.inventory.pool_commands import (
    StateDemand,
    StateSupply,
)
from services.inventory.pool_dates import NOTHING_KNOWN, Known, holds_at_the_door, parts_at_the_door
from services.inventory.pool_evolve import later
from services.inventory.pool_facts import (
    Contradiction,
    DemandIssued,
    DemandRecorded,
    MovementKind,
    PoolOpened,
    ReleaseCause,
    StockContradicted,
    SupplyReceived,
    SupplyRecorded,
)
from services.inventory.pool_ledger import contradict, head_of, move, release, serve_holders, settle
from services.inventory.pool_memory import PoolMemory
from services.inventory.pool_rows import Dated, Demand, Supply, dated_row, demand_row, supply_row
from services.inventory.units import ZERO, total_at_the_door
from services.kernel.values import Quantity


def state_demand(draft: Draft, command: StateDemand, minute: int) -> None:
    """Record a demand, issue the difference to what was issued before, release what is not needed, serve.

    ``minute``: by when what is said to have left had left.
    """
    unit = _unit(draft, command.quantity)
    row = demand_row(command.flow_key, command.demand)
    old: Demand | None = draft.get(row)
    recorded = DemandRecorded(
        command.flow_key,
        command.demand,
        Quantity(total_at_the_door(command.quantity), command.quantity.unit),
        command.need_at_ms,
        command.priority,
        command.sequence_ms,
        command.withdrawn,
        command.planned,
        holds_at_the_door(command.holds),
    )
    if old is None or not _same_demand(old, recorded, unit):
        draft.emit(recorded)
    total = _total(draft, command.quantity, command.issued, command.reference)
    if total is not None:
        _issue(draft, command, total, minute)
    new: Demand | None = draft.get(row)
    if new is not None and new.reserved > new.reservable:
        release(draft, new, new.reserved - new.reservable, ReleaseCause.NOT_NEEDED)
    settle(draft)


def _issue(draft: Draft, command: StateDemand, total: Decimal, minute: int) -> None:
    row: Demand | None = draft.get(demand_row(command.flow_key, command.demand))
    before, held = (row.issued, row.reserved) if row is not None else (ZERO, ZERO)
    if total == before:
        return
    unit = head_of(draft).unit
    more = total - before
    consumed = min(held, more) if more > 0 else ZERO
    draft.emit(
        DemandIssued(
            command.flow_key,
            command.demand,
            Quantity(more, unit),
            Quantity(consumed, unit),
            Quantity(total, unit),
            _frozen(draft, row, more - consumed, minute) if row is not None and more > 0 else None,
        )
    )
    move(draft, MovementKind.ISSUE, -more, command.reference)
    if more < 0:
        contradict(draft, Contradiction.TOTAL_TAKEN_BACK, total, before, command.reference)


def _frozen(draft: Draft, demand: Demand, unheld: Decimal, minute: int) -> Frozen | None:
    """What is known of units that leave: of those that were there for it, from when they came; of others, what was told
    of them last."""
    dated: Dated | None = draft.get(dated_row(demand.flow_key, demand.demand))
    told = Known(lambda _: dated.parts if dated is not None else (), minute)
    return later(demand.held_late, told.late(demand, unheld))


def state_supply(draft: Draft, command: StateSupply, minute: int) -> None:
    """Record a supply, post the difference to what was received before, serve who waits.

    ``minute``: by when what is said to have come had come.
    """
    unit = _unit(draft, command.quantity)
    row = supply_row(command.flow_key, command.supply)
    old: Supply | None = draft.get(row)
    recorded = SupplyRecorded(
        command.flow_key,
        command.supply,
        Quantity(total_at_the_door(command.quantity), command.quantity.unit),
        command.expected_at_ms,
        command.promised_at_ms,
        command.withdrawn,
        parts_at_the_door(command.parts),
    )
    if old is None or not _same_supply(old, recorded, unit):
        draft.emit(recorded)
    known = NOTHING_KNOWN
    holders: list[str] = []
    total = _total(draft, command.quantity, command.received, command.reference)
    before = old.received if old is not None else ZERO
    if total is not None and total != before:
        more = Quantity(total - before, unit)
        if more.amount > 0:
            known, holders = _known_before(draft, _arriving(recorded, before), minute)
        draft.emit(SupplyReceived(command.flow_key, command.supply, more, Quantity(total, unit)))
        move(draft, MovementKind.RECEIPT, more.amount, command.reference)
        if holders:
            serve_holders(draft, holders, command.flow_key, before, more.amount, known)
        if total < before:
            contradict(draft, Contradiction.TOTAL_TAKEN_BACK, total, before, command.reference)
    settle(draft, known)


def _known_before(draft: Draft, arriving: Supply, minute: int) -> tuple[Known, list[str]]:
    """What is known of those who wait when a supply arrives, with what it says itself of its dates; and who holds it.

    Afterwards it is stock, of which nobody can tell any more when it came.
    """
    head = head_of(draft)
    if not head.tracked or not (head.waiting or any(draft.scan("plan/"))):
        return NOTHING_KNOWN, []
    memory = draft.recall(PoolMemory)
    holders = memory.holders(arriving.flow_key)
    memory.suppose(draft, supply_row(arriving.flow_key, arriving.supply), arriving)
    return Known(memory.parts, minute), holders


def _arriving(recorded: SupplyRecorded, received: Decimal) -> Supply:
    """The supply just before it is received; with the last receipt it is withdrawn."""
    return Supply(
        recorded.flow_key,
        recorded.supply,
        recorded.quantity.amount,
        received,
        recorded.expected_at_ms,
        recorded.promised_at_ms,
        withdrawn=False,
        parts=recorded.parts,
    )


def _unit(draft: Draft, quantity: Quantity) -> str:
    """The pool's unit; the first who speaks of the pool sets it."""
    if draft.get("head") is None:
        draft.emit(PoolOpened(quantity.unit))
    return head_of(draft).unit


def _total(draft: Draft, quantity: Quantity, moved: Quantity | None, reference: str) -> Decimal | None:
    """What has moved in total, in the pool's unit; None if that is not said, or not understood, which is said then."""
    unit = head_of(draft).unit
    readable = quantity.unit == unit and (moved is None or moved.unit == unit or not moved.amount)
    if not readable:
        claimed = moved if moved is not None else Quantity(ZERO, quantity.unit)
        draft.emit(StockContradicted(Contradiction.UNIT_UNKNOWN, claimed, Quantity(ZERO, unit), reference))
    return total_at_the_door(moved) if readable and moved is not None else None


def _same_demand(old: Demand, new: DemandRecorded, unit: str) -> bool:
    return new == DemandRecorded(
        old.flow_key,
        old.demand,
        Quantity(old.quantity, old.unit or unit),
        old.need_at_ms,
        old.priority,
        old.sequence_ms,
        old.withdrawn,
        old.planned,
        old.holds,
    )


def _same_supply(old: Supply, new: SupplyRecorded, unit: str) -> bool:
    return new == SupplyRecorded(
        old.flow_key,
        old.supply,
        Quantity(old.quantity, old.unit or unit),
        old.expected_at_ms,
        old.promised_at_ms,
        old.withdrawn,
        old.parts,
    )
