"""The messages of the links, read and written, as dataclasses: see the messages of these names for each field.

Deliberately lacks: what is made of them (policy.py).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.chain.expectation import Expectation
from services.chain.pool_facts import CoveredPart, Frozen, Hold, SupplyPart
from services.fulfillment.disrupted import FlowDisrupted
from services.fulfillment.keys import FlowKey, ItemId, LineId, ShipmentKey, SiteId
from services.fulfillment.legs import AgreedDelivery
from services.kernel.frozen import maker
from services.kernel.values import EnterpriseId, Quantity

LINES_AGREED_TOPIC: Final = "order-lines-v1"
AVAILABILITY_TOPIC: Final = "inventory-availability-v1"
LEGS_TOPIC: Final = "fulfillment-legs-v1"
POOL_INPUTS_TOPIC: Final = "fulfillment-pool-inputs-v1"
LINES_TOPIC: Final = "fulfillment-lines-v1"


@dataclass(frozen=True, slots=True)
class LineAgreed:
    """Received: the whole of what is agreed about one line. An absent quantity is zero."""

    order_key: str
    line: str
    buyer: EnterpriseId
    seller: EnterpriseId
    buyer_item: ItemId
    seller_item: ItemId
    ship_from: SiteId
    ship_to: SiteId
    seller_quantity: Quantity
    buyer_quantity: Quantity
    deliveries: tuple[AgreedDelivery, ...]
    promise_is_ship_date: bool
    lead_time_minutes: int
    priority: int
    sequence_ms: int
    cancel_requested: Quantity | None
    closes_at: Quantity | None
    estimated_at_ms: int | None = None
    closed: bool = False
    planned_start_at_ms: int | None = None
    waits_for: tuple[str, ...] = ()
    ship_complete: bool = False
    waits_for_quantities: tuple[Quantity, ...] = ()


@dataclass(frozen=True, slots=True)
class DemandCovered:
    """Received: how far the demand is covered; ``tracked`` false: stock is unknown, and the quantities mean nothing."""

    pool_key: str
    demand: str
    reserved: Quantity | None
    issued: Quantity | None
    waiting: Quantity | None
    tracked: bool
    parts: tuple[CoveredPart, ...] = ()
    frozen: Frozen | None = None


@dataclass(frozen=True, slots=True)
class DemandStated:
    """Sent to the seller's pool: what the flow needs of it and has taken; totals."""

    flow_key: FlowKey
    demand: str
    quantity: Quantity
    issued: Quantity
    need_at_ms: int
    priority: int
    sequence_ms: int
    withdrawn: bool
    reference: str
    planned: bool = False
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class SupplyStated:
    """Sent to the buyer's pool: what the flow will give to it and has given; totals.

    ``expected_at_ms`` None: there is no date to expect, the last part comes NEVER. Without parts nothing was reckoned
    yet, and all of it is expected then.
    """

    flow_key: FlowKey
    supply: str
    quantity: Quantity
    received: Quantity
    expected_at_ms: int | None
    promised_at_ms: int
    withdrawn: bool
    reference: str
    parts: tuple[SupplyPart, ...] = ()


class LineStage(StrEnum):
    """How far a flow is: the first step that a part of it still waits for."""

    AWAITING_STOCK = "AWAITING_STOCK"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    IN_TRANSIT = "IN_TRANSIT"
    RECEIVED = "RECEIVED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class LineProgressed:
    """Sent to the order: how far the flow of one line is; totals in the seller's unit.

    ``expected_at_ms`` None: there is no date to expect. ``expectation`` is in the terms of the promise as well: where
    that is a ship date, it is about leaving, and the way to the buyer is in the parts that the pool is told only.
    """

    line: str
    stage: LineStage
    reserved: Quantity
    planned: Quantity
    shipped: Quantity
    received: Quantity
    cancelled: Quantity
    cancel_answered: Quantity
    expected_at_ms: int | None
    fulfilled_at_ms: int | None
    reason: str
    stock_known: bool
    expectation: Expectation | None = None


@dataclass(frozen=True, slots=True)
class ShipmentWanted:
    """From a flow to a shipment: the whole quantity that is asked of it."""

    flow_key: FlowKey
    shipment_key: ShipmentKey
    seller: EnterpriseId
    buyer: EnterpriseId
    item: ItemId
    ship_from: SiteId
    ship_to: SiteId
    quantity: Quantity
    ship_at_ms: int
    deliver_at_ms: int
    line: LineId
    want: int
    buyer_item: ItemId


@dataclass(frozen=True, slots=True)
class ShipmentReported:
    """From a shipment to one of its flows; see LegReport."""

    shipment_key: ShipmentKey
    planned: Quantity
    shipped: Quantity
    received: Quantity
    cancelled: Quantity
    expected_ship_at_ms: int | None
    expected_delivery_at_ms: int | None
    shipped_at_ms: int | None
    received_at_ms: int | None
    reason: str
    line: LineId
    want: int
    committed: Quantity
    closed: bool
    concluded: bool


new_demand, new_supply, new_progressed = maker(DemandStated), maker(SupplyStated), maker(LineProgressed)
"""Said on each hop."""

LINKS: Final[dict[str, tuple[type, ...]]] = {
    LINES_AGREED_TOPIC: (LineAgreed,),
    AVAILABILITY_TOPIC: (DemandCovered,),
    LEGS_TOPIC: (ShipmentWanted, ShipmentReported, FlowDisrupted),
    POOL_INPUTS_TOPIC: (DemandStated, SupplyStated),
    LINES_TOPIC: (LineProgressed,),
}
"""Link topic to the states that cross it, read and written ones alike."""
