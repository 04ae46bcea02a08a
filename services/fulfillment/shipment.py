"""A shipment: goods of one seller to one buyer, from planning to receipt. Key ``shipment/<seller>/<id>``.

Its lines stand for flows (each at most once) or for nothing but themselves. The seller plans, picks, packs, ships and
cancels; the buyer receives; the seller, its carrier and the buyer report milestones. Owns: the claims of both sides.
Deliberately lacks: what a flow makes of it, stock, and any correction of a claim by the other side.

Picking is an intent: whoever picks asks first, and from then on a cancellation comes too late. Shipping, milestones and
receipts are reports and stand even against the plan.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, assert_never

from services.fulfillment.consignment import (
    MilestoneCertainty,
    MilestoneKind,
    ShipmentHead,
    ShipmentLine,
    ShipmentStatus,
    ShipmentTerms,
    line_row,
    lines_of,
    tallied,
    with_received,
    with_shipped,
)
from services.fulfillment.keys import NO_ITEM, ItemId, LineId, ShipmentId, ShipmentKey, SiteId, shipment_key
from services.fulfillment.shipment_facts import (
    Fact,
    LineQuantity,
    MilestoneReported,
    ReceiptContradicted,
    ReceiptDisputed,
    ReceiptSettled,
    ShipmentCancelled,
    ShipmentLinePlanned,
    ShipmentPacked,
    ShipmentPicked,
    ShipmentPlanned,
    ShipmentReceived,
    ShipmentRescheduled,
    ShipmentShipped,
    WantDeclined,
)
from services.kernel.frozen import amended
from services.kernel.model import Changes, Rows
from services.kernel.values import EnterpriseId, Quantity


# Commands. ``seller`` empty: the sender.
@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A line to plan; ``flow_key`` empty for goods that no flow asked for, which then move no stock."""

    line: LineId
    item: ItemId
    quantity: Quantity
    flow_key: str = ""
    buyer_item: ItemId = NO_ITEM


@dataclass(frozen=True, slots=True)
class PlanShipment:
    """Intent of the seller, who is the sender: a shipment of its own choice."""

    shipment: ShipmentId
    buyer: EnterpriseId
    ship_from: SiteId
    ship_to: SiteId
    carrier: str
    ship_at_ms: int
    deliver_at_ms: int
    lines: tuple[PlannedLine, ...]


@dataclass(frozen=True, slots=True)
class WantShipment:
    """Reaction: a flow asks for a whole quantity; ``want`` numbers its asks. Never refused, answered by a report."""

    shipment_key: ShipmentKey
    flow_key: str
    line: LineId
    want: int
    seller: EnterpriseId
    buyer: EnterpriseId
    item: ItemId
    buyer_item: ItemId
    ship_from: SiteId
    ship_to: SiteId
    quantity: Quantity
    ship_at_ms: int
    deliver_at_ms: int


@dataclass(frozen=True, slots=True)
class PickShipment:
    """Intent of the seller: take so much more from the shelf; without lines all that is open."""

    seller: EnterpriseId
    shipment: ShipmentId
    lines: tuple[LineQuantity, ...] = ()


@dataclass(frozen=True, slots=True)
class PackShipment:
    """Intent of the seller: pack so much more; without lines all that is open."""

    seller: EnterpriseId
    shipment: ShipmentId
    lines: tuple[LineQuantity, ...] = ()


@dataclass(frozen=True, slots=True)
class ShipShipment:
    """Report of the seller: so much more left; without lines all that is open. ``cancel_rest``: the rest never will."""

    seller: EnterpriseId
    shipment: ShipmentId
    shipped_at_ms: int
    lines: tuple[LineQuantity, ...] = ()
    carrier: str = ""
    tracking: str = ""
    cancel_rest: bool = False


@dataclass(frozen=True, slots=True)
class ReportMilestone:
    """Report of the seller or its carrier (of the buyer too, if actual) about the way."""

    seller: EnterpriseId
    shipment: ShipmentId
    kind: MilestoneKind
    certainty: MilestoneCertainty
    at_ms: int
    reason_code: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class ReceiveShipment:
    """Report of the buyer: so much more arrived; without lines all that was on its way. ``partial``: more may come."""

    seller: EnterpriseId
    shipment: ShipmentId
    received_at_ms: int
    lines: tuple[LineQuantity, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class CancelShipment:
    """Intent of the seller: nothing more is shipped of it."""

    seller: EnterpriseId
    shipment: ShipmentId
    reason: str = ""


Command = (
    PlanShipment
    | WantShipment
    | PickShipment
    | PackShipment
    | ShipShipment
    | ReportMilestone
    | ReceiveShipment
    | CancelShipment
)


def evolve(rows: Rows, fact: Fact) -> Changes:
    """The rows that the fact changes. Total."""
    match fact:
        case ShipmentPlanned():
            terms = ShipmentTerms(fact.seller, fact.buyer, fact.ship_from, fact.ship_to, fact.wanted)
            begun = ShipmentHead(ShipmentStatus.PLANNED, fact.ship_at_ms, fact.deliver_at_ms, fact.carrier)
            return {"terms": terms, "head": begun}
        case WantDeclined() | ReceiptDisputed() | ReceiptContradicted() | ReceiptSettled():
            return {}
    head: ShipmentHead | None = rows.get("head")
    if head is None:  # cannot come about: all further facts follow a ShipmentPlanned
        return {}
    match fact:
        case ShipmentLinePlanned(line, flow_key, item, buyer_item, quantity, want):
            old: ShipmentLine | None = rows.get(line_row(line))
            if old is None:
                new = ShipmentLine(item, quantity.unit, quantity.amount, flow_key, buyer_item, want)
            else:
                new = amended(old, quantity=quantity.amount, want=want)
            return {line_row(line): new, "head": tallied(head, ((old, new),))}
        case ShipmentRescheduled(ship_at, deliver_at):
            return {"head": amended(head, ship_at_ms=ship_at, deliver_at_ms=deliver_at)}
        case ShipmentPicked(lines):
            return _handled(rows, head, lines, ShipmentStatus.PICKING)
        case ShipmentPacked(lines):
            return _handled(rows, head, lines, ShipmentStatus.PACKED)
        case ShipmentShipped():
            return _shipped(rows, head, fact)
        case MilestoneReported():
            return {"head": _with_milestone(head, fact)}
        case ShipmentReceived():
            return _received(rows, head, fact)
        case ShipmentCancelled(reason):
            return _cancelled(rows, head, reason)
        case _:
            assert_never(fact)


_Moves = dict[LineId, tuple[ShipmentLine | None, ShipmentLine]]


def _moved(head: ShipmentHead, moves: _Moves) -> dict[str, Any]:
    """The changed rows when lines go from old to new; the head is as ``tallied`` gave it."""
    changes: dict[str, Any] = {line_row(line): new for line, (_, new) in moves.items()}
    changes["head"] = head
    return changes


def _handled(rows: Rows, head: ShipmentHead, lines: Iterable[LineQuantity], status: ShipmentStatus) -> Changes:
    """Picked or packed; what is packed was picked."""
    changes: dict[str, Any] = {}
    for part in lines:
        line: ShipmentLine | None = rows.get(line_row(part.line))
        if line is not None:
            if status is ShipmentStatus.PACKED:
                packed = line.packed + part.quantity.amount
                changes[line_row(part.line)] = amended(line, packed=packed, picked=max(line.picked, packed))
            else:
                changes[line_row(part.line)] = amended(line, picked=line.picked + part.quantity.amount)
    if head.status is ShipmentStatus.PLANNED or (
        head.status is ShipmentStatus.PICKING and status is ShipmentStatus.PACKED
    ):
        changes["head"] = amended(head, status=status)
    return changes


def _shipped(rows: Rows, head: ShipmentHead, fact: ShipmentShipped) -> Changes:
    moves: _Moves = {}
    shipped_at = head.shipped_at_ms
    for part in fact.lines:
        old: ShipmentLine | None = rows.get(line_row(part.line))
        base = old if old is not None else ShipmentLine(part.item, part.quantity.unit, part.quantity.amount)
        moves[part.line] = old, with_shipped(base, part.quantity.amount, part.cancelled, fact.shipped_at_ms)
        if part.quantity.amount:
            shipped_at = max(fact.shipped_at_ms, shipped_at or 0)
    after = tallied(head, moves.values(), shipped_at_ms=shipped_at, carrier=fact.carrier, tracking=fact.tracking)
    return _moved(after, moves)


def _received(rows: Rows, head: ShipmentHead, fact: ShipmentReceived) -> Changes:
    moves: _Moves = {}
    for part in fact.lines:
        old: ShipmentLine | None = rows.get(line_row(part.line))
        base = old if old is not None else ShipmentLine(part.item, part.quantity.unit, Decimal(0))
        moves[part.line] = old, with_received(base, part.quantity.amount, part.final, fact.received_at_ms)
    received_at = max(fact.received_at_ms, head.received_at_ms or 0)
    return _moved(tallied(head, moves.values(), received_at_ms=received_at), moves)


def _with_milestone(head: ShipmentHead, fact: MilestoneReported) -> ShipmentHead:
    """A planned date counts as an estimate: the plan that lateness is measured by stays what it was."""
    reason = ": ".join(part for part in (fact.reason_code, fact.reason_text) if part)
    match fact.kind:
        case MilestoneKind.DEPARTURE:
            return amended(head, estimated_ship_at_ms=fact.at_ms, reason=reason)
        case MilestoneKind.ARRIVAL | MilestoneKind.DELIVERY:
            if fact.certainty is MilestoneCertainty.ACTUAL:
                return amended(head, arrived_at_ms=fact.at_ms, reason=reason or head.reason)
            return amended(head, estimated_delivery_at_ms=fact.at_ms, reason=reason)
        case MilestoneKind.PICKUP | MilestoneKind.TRANSSHIPMENT | MilestoneKind.CUSTOMS:
            return head
        case _:
            assert_never(fact.kind)


def _cancelled(rows: Rows, head: ShipmentHead, reason: str) -> Changes:
    moves: _Moves = {}
    for name, line in lines_of(rows):
        if line.open:
            moves[name] = line, amended(line, quantity=line.shipped, cancelled=line.cancelled + line.open)
    after = tallied(head, moves.values(), reason=reason)
    if head.shipped_at_ms is None:
        after = amended(after, status=ShipmentStatus.CANCELLED)
    return _moved(after, moves)


def shipment_key_of(command: Command, sender: EnterpriseId) -> str:
    """The key of the shipment that the command is for."""
    match command:
        case WantShipment(shipment_key=key):
            return key
        case PlanShipment(shipment=shipment):
            return shipment_key(sender, shipment)
        case _:
            return shipment_key(command.seller or sender, command.shipment)
