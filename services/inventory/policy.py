"""What the inventory service says to flows and does on what they say. Links only; see the links.proto of both sides.

Deliberately lacks: any state of its own. What to tell is read from the rows, whom to tell from the facts, so that a
command on a pool of ten thousand demands answers only those that it touched.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from services.chain.pool_facts import CoveredPart, Frozen, Hold, SupplyPart
from services.inventory.pool_commands import PoolKey, StateDemand, StateSupply
from services.inventory.pool_facts import (
    DemandId,
    DemandIssued,
    DemandRecorded,
    DemandReleased,
    DemandReserved,
    FlowKey,
    PoolTracked,
    PoolUntracked,
    SupplyId,
)
from services.inventory.pool_rows import Demand, Head, Waiting, demand_row
from services.inventory.units import ZERO
from services.kernel.model import Link, Rows
from services.kernel.values import Origin, Quantity

AVAILABILITY_TOPIC = "inventory-availability-v1"
POOL_INPUTS_TOPIC = "fulfillment-pool-inputs-v1"


@dataclass(frozen=True, slots=True)
class DemandStated:
    """Received: what a flow needs from the pool and has taken; totals."""

    flow_key: FlowKey
    demand: DemandId
    quantity: Quantity
    issued: Quantity | None
    need_at_ms: int | None
    priority: int
    sequence_ms: int
    withdrawn: bool
    reference: str
    planned: bool = False
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class SupplyStated:
    """Received: what a flow will give to the pool and has given; totals."""

    flow_key: FlowKey
    supply: SupplyId
    quantity: Quantity
    received: Quantity | None
    expected_at_ms: int | None
    promised_at_ms: int | None
    withdrawn: bool
    reference: str
    parts: tuple[SupplyPart, ...] = ()


@dataclass(frozen=True, slots=True)
class DemandCovered:
    """Sent: how far the demand is covered; ``tracked`` is false where stock is unknown in the flow's unit."""

    pool_key: PoolKey
    demand: DemandId
    reserved: Quantity
    issued: Quantity
    waiting: Quantity
    tracked: bool
    parts: tuple[CoveredPart, ...] = ()
    frozen: Frozen | None = None


def react(state: Any, key: str) -> Iterable[Any]:
    """The command that the state of a link makes on the pool it is addressed to; none for another kind of key."""
    if key.count("/") != 3 or not key.startswith("pool/"):
        return ()
    match state:
        case DemandStated():
            return (
                StateDemand(
                    PoolKey(key),
                    state.flow_key,
                    state.demand,
                    state.quantity,
                    state.issued,
                    state.need_at_ms,
                    state.priority,
                    state.sequence_ms,
                    state.withdrawn,
                    state.reference,
                ),
            )
        case SupplyStated():
            return (
                StateSupply(
                    PoolKey(key),
                    state.flow_key,
                    state.supply,
                    state.quantity,
                    state.received,
                    state.expected_at_ms,
                    state.promised_at_ms,
                    state.withdrawn,
                    state.reference,
                ),
            )
        case _:
            return ()


def tell(key: str, rows: Rows, facts: tuple[Any, ...], origin: Origin) -> Iterable[Link]:
    """One link for each demand that the facts touched, with its state after all of them."""
    touched: dict[tuple[FlowKey, DemandId], None] = {}
    for fact in facts:
        if isinstance(fact, DemandRecorded | DemandReserved | DemandReleased | DemandIssued):
            touched[fact.flow_key, fact.demand] = None
        elif isinstance(fact, PoolTracked | PoolUntracked):
            touched.update(_open_demands(rows))
    if not touched:
        return ()
    head: Head = rows.get("head") or Head("")
    return [_covered(key, rows, head, flow_key, demand) for flow_key, demand in touched]


def _open_demands(rows: Rows) -> Iterator[tuple[tuple[FlowKey, DemandId], None]]:
    """All that wait. Whoever holds something instead was touched by the fact that gave it: before a pool is tracked,
    and after it is untracked, nobody holds anything."""
    entry: Waiting
    for _, entry in rows.scan("wait/"):
        demand: Demand | None = rows.get(entry.row)
        if demand is not None:
            yield (demand.flow_key, demand.demand), None


def _covered(key: str, rows: Rows, head: Head, flow_key: FlowKey, demand: DemandId) -> Link:
    row: Demand | None = rows.get(demand_row(flow_key, demand))
    if row is None:  # withdrawn before anything left for it
        reserved = issued = waiting = Quantity(ZERO, head.unit)
        tracked = head.tracked
    else:
        reserved, issued = Quantity(row.reserved, head.unit), Quantity(row.issued, head.unit)
        tracked = head.tracked and not row.unit
        waiting = Quantity(row.waiting, head.unit)
        if row.unit:
            waiting = Quantity(ZERO if row.withdrawn else row.quantity, row.unit)
    return Link(
        AVAILABILITY_TOPIC,
        flow_key,
        demand,
        DemandCovered(PoolKey(key), demand, reserved, issued, waiting, tracked),
    )
