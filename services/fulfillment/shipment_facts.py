"""What can be known of a shipment: its facts, in the order of its life. Part of the aggregate in ``shipment``."""

from dataclasses import dataclass
from decimal import Decimal

from services.fulfillment.consignment import MilestoneCertainty, MilestoneKind
from services.fulfillment.keys import NO_ITEM, ItemId, LineId, SiteId
from services.kernel.values import EnterpriseId, Quantity


@dataclass(frozen=True, slots=True)
class LineQuantity:
    """So much more of a line. ``item`` is needed only for goods that the shipment has no line for."""

    line: LineId
    quantity: Quantity
    item: ItemId = NO_ITEM


@dataclass(frozen=True, slots=True)
class ShippedLine:
    """So much more of the line was shipped, and so much of its rest (same unit) will not be."""

    line: LineId
    item: ItemId
    quantity: Quantity
    cancelled: Decimal


@dataclass(frozen=True, slots=True)
class ReceivedLine:
    """So much more of the line was received; ``final``: the buyer expects no more of what was shipped until now."""

    line: LineId
    item: ItemId
    quantity: Quantity
    final: bool


@dataclass(frozen=True, slots=True)
class ShipmentPlanned:
    """The shipment exists from now on; ``wanted``: because a flow asked for it."""

    seller: EnterpriseId
    buyer: EnterpriseId
    ship_from: SiteId
    ship_to: SiteId
    carrier: str
    ship_at_ms: int
    deliver_at_ms: int
    wanted: bool


@dataclass(frozen=True, slots=True)
class ShipmentLinePlanned:
    """The line's whole quantity from now on, and the flow's ask (by number) that this answers."""

    line: LineId
    flow_key: str
    item: ItemId
    buyer_item: ItemId
    quantity: Quantity
    want: int


@dataclass(frozen=True, slots=True)
class ShipmentRescheduled:
    """The plan's dates from now on."""

    ship_at_ms: int
    deliver_at_ms: int


@dataclass(frozen=True, slots=True)
class WantDeclined:
    """A flow asked something of a shipment that has no line for it; the answer is: nothing planned."""

    flow_key: str
    line: LineId
    unit: str
    want: int


@dataclass(frozen=True, slots=True)
class ShipmentPicked:
    """So much more was taken from the shelf."""

    lines: tuple[LineQuantity, ...]


@dataclass(frozen=True, slots=True)
class ShipmentPacked:
    """So much more is packed."""

    lines: tuple[LineQuantity, ...]


@dataclass(frozen=True, slots=True)
class ShipmentShipped:
    """The seller's claim (its advance ship notice): so much more left at that moment."""

    shipped_at_ms: int
    carrier: str
    tracking: str
    lines: tuple[ShippedLine, ...]


@dataclass(frozen=True, slots=True)
class MilestoneReported:
    """Somebody on the way said when something happens or happened, and why then."""

    kind: MilestoneKind
    certainty: MilestoneCertainty
    at_ms: int
    reason_code: str
    reason_text: str
    reported_by: EnterpriseId


@dataclass(frozen=True, slots=True)
class ShipmentReceived:
    """The buyer's claim: so much more arrived at that moment."""

    received_at_ms: int
    lines: tuple[ReceivedLine, ...]


@dataclass(frozen=True, slots=True)
class ReceiptDisputed:
    """Both sides have had their say on the line, and it differs."""

    line: LineId
    item: ItemId
    shipped: Quantity
    received: Quantity


@dataclass(frozen=True, slots=True)
class ReceiptContradicted:
    """The buyer received of the line what the seller never said to have shipped."""

    line: LineId
    item: ItemId
    received: Quantity


@dataclass(frozen=True, slots=True)
class ReceiptSettled:
    """The two claims on the line, which differed, are equal now."""

    line: LineId
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class ShipmentCancelled:
    """Whatever was not shipped will not be; ``reason`` in the seller's words."""

    reason: str


Fact = (
    ShipmentPlanned
    | ShipmentLinePlanned
    | ShipmentRescheduled
    | WantDeclined
    | ShipmentPicked
    | ShipmentPacked
    | ShipmentShipped
    | MilestoneReported
    | ShipmentReceived
    | ReceiptDisputed
    | ReceiptContradicted
    | ReceiptSettled
    | ShipmentCancelled
)
