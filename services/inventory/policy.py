"""What the inventory service says to flows and does on what they say. Links only; see the links.proto of both sides.

Deliberately lacks: any state of its own. What to tell is read from the rows, whom to tell from the facts, so that a
command on a pool of ten thousand demands answers only those that it touched.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.chain.pool_facts import CoveredPart, Frozen, Hold, SupplyPart
from services.inventory.pool_commands import PoolKey, StateDemand, StateSupply
from services.inventory.pool_facts import (
    DemandDated,
    DemandId,
    DemandIssued,
    DemandRecorded,
    DemandReleased,
    DemandReserved,
    FlowKey,
    SupplyId,
)
from services.inventory.pool_rows import Dated, Demand, Head, dated_row, demand_row
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
                    state.planned,
                    state.holds,
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
                    state.parts,
                ),
            )
        case _:
            return ()


def tell(key: str, rows: Rows, facts: tuple[Any, ...], origin: Origin) -> Iterable[Link]:
    """One link for each demand that the facts touched, with its state after all of them.

    Of a demand that has dates nothing is said before the pool was reckoned, so that a batch says it once, and nothing
    that contradicts itself.
    """
    head: Head = rows.get("head") or Head("")
    touched: dict[tuple[FlowKey, DemandId], None] = {}
    for fact in facts:
        if isinstance(fact, DemandDated) or (isinstance(fact, _Changed) and not _will_be_dated(rows, head, fact)):
            touched[fact.flow_key, fact.demand] = None
    return [_covered(key, rows, head, flow_key, demand) for flow_key, demand in touched]


_Changed = DemandRecorded | DemandReserved | DemandReleased | DemandIssued


def _will_be_dated(rows: Rows, head: Head, fact: _Changed) -> bool:
    """Whether the next reckoning says something of the demand: that it has dates, others, or none any more."""
    row: Demand | None = rows.get(demand_row(fact.flow_key, fact.demand))
    is_open = row is not None and head.tracked and row.open > ZERO
    return is_open or rows.get(dated_row(fact.flow_key, fact.demand)) is not None


def _covered(key: str, rows: Rows, head: Head, flow_key: FlowKey, demand: DemandId) -> Link:
    row: Demand | None = rows.get(demand_row(flow_key, demand))
    dated: Dated | None = rows.get(dated_row(flow_key, demand))
    frozen: Frozen | None = None
    if row is None:  # withdrawn before anything left for it
        reserved = issued = waiting = Quantity(ZERO, head.unit)
        tracked = head.tracked
    else:
        reserved, issued = Quantity(row.reserved, head.unit), Quantity(row.issued, head.unit)
        tracked = head.tracked and not row.unit
        waiting = Quantity(row.waiting, head.unit)
        if row.unit:
            waiting = Quantity(ZERO if row.withdrawn else row.quantity, row.unit)
        frozen = row.frozen
    parts = dated.parts if dated is not None else ()
    return Link(
        AVAILABILITY_TOPIC,
        flow_key,
        demand,
        DemandCovered(PoolKey(key), demand, reserved, issued, waiting, tracked, parts, frozen),
    )
