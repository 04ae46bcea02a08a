"""What flows state to a pool: a demand, a supply. Totals come in, differences go to the ledger; nothing is refused.

Deliberately lacks: conversion (a flow speaks in the unit stamped on it when it was created). Where that is not the
pool's, the statement is kept as it is, holds nothing, moves nothing, and the contradiction is said.
"""

from decimal import Decimal

from services.inventory.draft import Draft
from services.inventory.pool_commands import (
    StateDemand,
    StateSupply,
)
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
from services.inventory.pool_ledger import contradict, head_of, move, release, settle
from services.inventory.pool_rows import Demand, Supply, demand_row, supply_row
from services.inventory.units import ZERO, total_at_the_door
from services.kernel.values import Quantity


def state_demand(draft: Draft, command: StateDemand) -> None:
    """Record a demand, issue the difference to what was issued before, release what is not needed, serve."""
    unit = _unit(draft, command.quantity)
    row = demand_row(command.flow_key, command.demand)
    old: Demand | None = draft.get(row)
    quantity = total_at_the_door(command.quantity)
    if old is None or not _same_demand(old, command, Quantity(quantity, command.quantity.unit), unit):
        draft.emit(
            DemandRecorded(
                command.flow_key,
                command.demand,
                Quantity(quantity, command.quantity.unit),
                command.need_at_ms,
                command.priority,
                command.sequence_ms,
                command.withdrawn,
            )
        )
    total = _total(draft, command.quantity, command.issued, command.reference)
    if total is not None:
        _issue(draft, command, total)
    new: Demand | None = draft.get(row)
    if new is not None and new.reserved > new.open:
        release(draft, new, new.reserved - new.open, ReleaseCause.NOT_NEEDED)
    settle(draft)


def _issue(draft: Draft, command: StateDemand, total: Decimal) -> None:
    row: Demand | None = draft.get(demand_row(command.flow_key, command.demand))
    before, held = (row.issued, row.reserved) if row is not None else (ZERO, ZERO)
    if total == before:
        return
    unit = head_of(draft).unit
    more = total - before
    consumed = min(held, more) if more > 0 else ZERO
    draft.emit(
        DemandIssued(
            command.flow_key, command.demand, Quantity(more, unit), Quantity(consumed, unit), Quantity(total, unit)
        )
    )
    move(draft, MovementKind.ISSUE, -more, command.reference)
    if more < 0:
        contradict(draft, Contradiction.TOTAL_TAKEN_BACK, total, before, command.reference)


def state_supply(draft: Draft, command: StateSupply) -> None:
    """Record a supply, post the difference to what was received before, serve who waits."""
    unit = _unit(draft, command.quantity)
    row = supply_row(command.flow_key, command.supply)
    old: Supply | None = draft.get(row)
    quantity = Quantity(total_at_the_door(command.quantity), command.quantity.unit)
    if old is None or not _same_supply(old, command, quantity, unit):
        draft.emit(
            SupplyRecorded(
                command.flow_key,
                command.supply,
                quantity,
                command.expected_at_ms,
                command.promised_at_ms,
                command.withdrawn,
            )
        )
    total = _total(draft, command.quantity, command.received, command.reference)
    before = old.received if old is not None else ZERO
    if total is not None and total != before:
        more = Quantity(total - before, unit)
        draft.emit(SupplyReceived(command.flow_key, command.supply, more, Quantity(total, unit)))
        move(draft, MovementKind.RECEIPT, more.amount, command.reference)
        if total < before:
            contradict(draft, Contradiction.TOTAL_TAKEN_BACK, total, before, command.reference)
    settle(draft)


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


def _same_demand(old: Demand, command: StateDemand, quantity: Quantity, unit: str) -> bool:
    return (old.quantity, old.unit or unit, old.need_at_ms, old.priority, old.sequence_ms, old.withdrawn) == (
        quantity.amount,
        quantity.unit,
        command.need_at_ms,
        command.priority,
        command.sequence_ms,
        command.withdrawn,
    )


def _same_supply(old: Supply, command: StateSupply, quantity: Quantity, unit: str) -> bool:
    return (old.quantity, old.unit or unit, old.expected_at_ms, old.promised_at_ms, old.withdrawn) == (
        quantity.amount,
        quantity.unit,
        command.expected_at_ms,
        command.promised_at_ms,
        command.withdrawn,
    )
