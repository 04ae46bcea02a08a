"""A flow: how one agreed line, or one transfer, gets from the seller's pool to the buyer's. Key ``flow/<buyer>/…``.

It is told what was agreed, what the seller's pool covers and what its shipments say; it asks shipments for what is
covered, tells the pools what is needed, taken, coming and received, and the order how far the line is. Owns: the sums
over its shipments, the answer to a cancellation, the expected date. Deliberately lacks: what happens inside a shipment
(picking, milestones, claims), stock, promises.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, assert_never

from services.chain.pool_facts import CoveredPart, Frozen
from services.chain.quantities import millionths
from services.fulfillment.amounts import ZERO
from services.fulfillment.disrupted import FlowDisrupted, drop_unconcerned, evolve_disrupted
from services.fulfillment.expecting import (
    NOTHING_REPORTED,
    REPORT,
    TOLD,
    FlowReckoned,
    FlowReport,
    InputCovered,
)
from services.fulfillment.keys import (
    FlowKey,
    ItemId,
    ShipmentKey,
    SiteId,
    TransferId,
    line_flow_key,
    transfer_flow_key,
)
from services.fulfillment.legs import (
    NOTHING_SAID,
    FlowHead,
    FlowTerms,
    Leg,
    LegReport,
    LegWanted,
    StockCover,
    counts,
    horizon,
    legs_of,
)
from services.kernel.frozen import amended
from services.kernel.model import Changes, Rows
from services.kernel.values import EnterpriseId, Quantity


# Facts (beside LegWanted, FlowDisrupted and FlowReckoned)
@dataclass(frozen=True, slots=True)
class FlowAgreed:
    """These are the terms from now on, whole; the first of them begins the flow."""

    terms: FlowTerms


@dataclass(frozen=True, slots=True)
class FlowCovered:
    """What the seller's pool has for the flow: totals in the seller's unit, and the dates of what is open."""

    stock: StockCover
    unit: str
    reserved: Decimal
    issued: Decimal
    waiting: Decimal
    parts: tuple[CoveredPart, ...] = ()
    frozen: Frozen | None = None


@dataclass(frozen=True, slots=True)
class LegReported:
    """A shipment said how far it is; ``…_more``: what that adds to what it said before, negative if it takes back.

    ``event``: what was said, if it moved a date or its reason.
    """

    shipment_key: ShipmentKey
    report: LegReport
    shipped_more: Decimal
    received_more: Decimal
    event: str = ""


@dataclass(frozen=True, slots=True)
class LegRejected:
    """A shipment claimed to carry the flow, but is not its seller's or counts in another unit; nothing follows."""

    shipment_key: ShipmentKey


@dataclass(frozen=True, slots=True)
class CancellationAnswered:
    """Of what was asked in total (``answered``) so much could be cancelled in total."""

    cancelled: Quantity
    answered: Quantity


@dataclass(frozen=True, slots=True)
class CancellationCorrected:
    """Goods were shipped that had counted as cancelled: only so much remains cancelled."""

    cancelled: Quantity


@dataclass(frozen=True, slots=True)
class RestWaived:
    """The line is closed or enough was shipped, and nobody plans to ship the rest: it is not owed any more."""

    quantity: Quantity


@dataclass(frozen=True, slots=True)
class FlowExpected:
    """When the last part is now expected to be shipped and to arrive, and what was last given as the reason."""

    ship_at_ms: int
    arrive_at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class FlowFulfilled:
    """The promise was met in full with the part that was shipped (or arrived, as promised) then."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class LineReported:
    """The seller reports this of the flow from now on, whole; NOTHING_REPORTED takes back what it reported."""

    report: FlowReport


Fact = (
    FlowAgreed
    | FlowCovered
    | LegWanted
    | LegReported
    | LegRejected
    | CancellationAnswered
    | CancellationCorrected
    | RestWaived
    | FlowExpected
    | FlowFulfilled
    | LineReported
    | FlowDisrupted
    | FlowReckoned
)


# Commands. The first five are reactions to what others and the clock said, never refused.
@dataclass(frozen=True, slots=True)
class AgreeLine:
    """The order says what is agreed about the line."""

    flow_key: FlowKey
    terms: FlowTerms


@dataclass(frozen=True, slots=True)
class CoverDemand:
    """The seller's pool says how far the demand is covered; ``tracked`` false: nobody ever reported that pool."""

    flow_key: FlowKey
    reserved: Decimal
    issued: Decimal
    waiting: Decimal
    tracked: bool
    parts: tuple[CoveredPart, ...] = ()
    frozen: Frozen | None = None


@dataclass(frozen=True, slots=True)
class NoteShipment:
    """A shipment says how far it is with its part of the flow."""

    flow_key: FlowKey
    shipment_key: ShipmentKey
    report: LegReport


@dataclass(frozen=True, slots=True)
class DisruptFlow:
    """A disruption says what it means to the flow."""

    flow_key: FlowKey
    said: FlowDisrupted


@dataclass(frozen=True, slots=True)
class NoteSilence:
    """The clock says that a date of the flow has passed, and nobody said anything."""

    flow_key: FlowKey


@dataclass(frozen=True, slots=True)
class TransferStock:
    """Intent: move the sender's own stock from one of its sites to another."""

    transfer: TransferId
    item: ItemId
    from_site: SiteId
    to_site: SiteId
    quantity: Quantity
    ship_at_ms: int
    lead_time_minutes: int


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    """Intent: take back of the sender's transfer what is not yet picked."""

    transfer: TransferId


@dataclass(frozen=True, slots=True)
class ReportLine:
    """Report of the seller, who is the sender: when a line will leave (start) and arrive (finish).

    It replaces what was reported before; ``withdraw`` takes that back. A transfer has the number "transfer". ``firm``:
    it will arrive then whatever the inputs say. ``lost``: what did not arrive yet will not. Reports with one
    ``disruption_id`` are one incident.
    """

    buyer: EnterpriseId
    number: str
    line: str
    estimated_start_at_ms: int | None = None
    estimated_finish_at_ms: int | None = None
    firm: bool = False
    lost: bool = False
    reason_code: str = ""
    disruption_id: str = ""
    withdraw: bool = False


Command = (
    AgreeLine | CoverDemand | NoteShipment | DisruptFlow | NoteSilence | TransferStock | CancelTransfer | ReportLine
)

INPUT: Final = "input/0"
"""Row key of what the seller's pool says; a flow of this kind has no other input."""


def evolve(rows: Rows, fact: Fact) -> Changes:
    """The rows that the fact changes. Total."""
    head: FlowHead | None = rows.get("head")
    match fact:
        case LegReported():
            return _reported(rows, head, fact)
        case FlowReckoned():
            return {TOLD: fact}
        case LineReported(report):
            return {REPORT: report if report != NOTHING_REPORTED else None}
        case FlowDisrupted():
            return evolve_disrupted(fact)
        case FlowAgreed(terms):
            return _begun(rows, terms) if head is None else _agreed_again(rows, head, terms)
        case LegRejected():
            return {}
        case _ if head is None:  # cannot come about: all further facts follow a FlowAgreed
            return {}
        case LegWanted():
            return _wanted(rows, head, fact)
        case FlowCovered(stock, _, reserved, issued, waiting, parts, frozen):
            dated = InputCovered(0, True, millionths(issued), parts, frozen) if parts or frozen is not None else None
            head = amended(head, stock=stock, reserved=reserved, issued=issued, waiting=waiting)
            return {"head": head, INPUT: dated} if dated is not None or rows.get(INPUT) is not None else {"head": head}
        case CancellationAnswered(cancelled, answered):
            return {"head": amended(head, cancelled=cancelled.amount, cancel_answered=answered.amount)}
        case CancellationCorrected(cancelled):
            return {"head": amended(head, cancelled=cancelled.amount)}
        case RestWaived(quantity):
            return {"head": amended(head, waived=quantity.amount)}
        case FlowExpected(ship_at, arrive_at, reason):
            return {"head": amended(head, ship_at_ms=ship_at, arrive_at_ms=arrive_at, reason=reason)}
        case FlowFulfilled(at_ms):
            return {"head": amended(head, fulfilled_at_ms=at_ms)}
        case _:
            assert_never(fact)


def _begun(rows: Rows, terms: FlowTerms) -> Changes:
    """A seller may plan a shipment before the flow hears of the line: such legs count from the beginning."""
    managed = bool(terms.ship_from and terms.seller_item)
    head = FlowHead(StockCover.AWAITED if managed else StockCover.UNTRACKED, 0, 0)
    changes: dict[str, Any] = {"terms": terms, **drop_unconcerned(rows, (terms.seller, terms.ship_from))}
    for key, leg in legs_of(rows):
        if counts(key, leg.report, terms):
            head = _moved(head, None, leg)
        else:
            changes[key] = None
    ship_at, arrive_at = horizon(terms, head, (item for item in legs_of(rows) if item[0] not in changes))
    changes["head"] = amended(head, ship_at_ms=ship_at, arrive_at_ms=arrive_at)
    return changes


def _agreed_again(rows: Rows, head: FlowHead, terms: FlowTerms) -> Changes:
    if rows.get("terms").seller_quantity == terms.seller_quantity:  # type: ignore[union-attr]  # never without terms
        return {"terms": terms}
    return {"terms": terms, "head": amended(head, waived=ZERO, fulfilled_at_ms=None)}


def _moved(head: FlowHead, old: Leg | None, new: Leg, **fields: Any) -> FlowHead:
    """The head with its sums moved from the leg as it was to the leg as it is; ``fields`` change beside them."""
    before, after = (old.report if old is not None else NOTHING_SAID), new.report
    return amended(
        head,
        held=head.held + new.held - (old.held if old is not None else ZERO),
        planned=head.planned + after.planned - before.planned,
        shipped=head.shipped + after.shipped - before.shipped,
        received=head.received + after.received - before.received,
        in_transit=head.in_transit + new.in_transit - (old.in_transit if old is not None else ZERO),
        unsettled=head.unsettled + (not new.settled) - (old is not None and not old.settled),
        **fields,
    )


def _reported(rows: Rows, head: FlowHead | None, fact: LegReported) -> Changes:
    key = fact.shipment_key
    old: Leg | None = rows.get(key)
    if old is None:
        new = Leg(False, ZERO, 0, 0, fact.report, fact.event)
    else:
        new = amended(old, report=fact.report, event=fact.event or old.event)
    if head is None:
        return {key: new}
    fields: dict[str, Any] = {}
    if fact.report.closed and head.open_leg == key:
        fields["open_leg"] = None
    if fact.shipped_more:
        fields["last_shipment"] = key
    return {key: new, "head": _moved(head, old, new, **fields)}


def _wanted(rows: Rows, head: FlowHead, fact: LegWanted) -> Changes:
    key, amount = fact.shipment_key, fact.quantity.amount
    old: Leg | None = rows.get(key)
    report = old.report if old is not None else NOTHING_SAID
    new = Leg(fact.own, amount, fact.want, fact.due_at_ms, report, old.event if old is not None else "")
    fields: dict[str, Any] = {}
    if fact.leg:
        fields = {"legs": fact.leg, "open_leg": key}
    elif not amount and head.open_leg == key:
        fields["open_leg"] = None
    return {key: new, "head": _moved(head, old, new, **fields)}


def flow_key_of(command: Command, sender: EnterpriseId) -> str:
    """The key of the flow that the command is for; a transfer is the sender's own."""
    match command:
        case TransferStock(transfer=transfer) | CancelTransfer(transfer=transfer):
            return transfer_flow_key(sender, transfer)
        case ReportLine(buyer=buyer, number=number, line=line):
            return line_flow_key(buyer, number, line)
        case AgreeLine(flow_key=key) | CoverDemand(flow_key=key) | NoteShipment(flow_key=key):
            return key
        case DisruptFlow(flow_key=key) | NoteSilence(flow_key=key):
            return key
        case _:
            assert_never(command)
