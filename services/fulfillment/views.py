"""What the two sides of a flow or a shipment see of it, and the owner of a lane, a work order or a
disruption of that.

A row goes to the seller and to the buyer, each in its own items and units. The buyer sees what was agreed, what left,
and when the rest is expected; not how its seller covers that: it would read the seller's stock from it.

| what                     | the seller sees                   | the buyer sees                                       |
|--------------------------|-----------------------------------|------------------------------------------------------|
| a shipment, a line of it | from its plan on                  | from when something of it left or came               |
| their ``quantity``       | what is to leave with it          | what left or came with it                            |
| a flow's ``waiting``     | what no stock covers              | what has not left                                    |
| its ``planned``          | what is in shipments and to leave | 0: no shipment that it knows of is to leave          |
| its ``stock_known``      | whether the stock is              | False: it is not the buyer's to know                 |
| its ``cause``            | its own doing as such             | the class                                            |
| its ``reason``           | its own                           | what was said of the line itself                     |

All else is the same to both: terms, the step it is at, what left and came, dates and what they rest on, the delay.
Deliberately lacks: rows for anybody else, carriers included; history (the event log has it).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from services.chain.flow import Basis
from services.chain.moments import NEVER
from services.fulfillment.amounts import ZERO, scaled
from services.fulfillment.cause_view import CauseClass, days_of, shown_to_buyer, shown_to_owner
from services.fulfillment.consignment import (
    ShipmentHead,
    ShipmentLine,
    ShipmentStatus,
    ShipmentTerms,
    expected_whole,
    line_row,
    lines_of,
    total,
)
from services.fulfillment.disruption_view import DisruptedFlowRow, DisruptionRow, disruption_rows
from services.fulfillment.expecting import FlowReckoned, told_of
from services.fulfillment.flow import LegRejected
from services.fulfillment.keys import ItemId, LineId, SiteId
from services.fulfillment.lane import CarrierMode, LaneDefined
from services.fulfillment.legs import FlowHead, FlowTerms, StockCover, last_due, owed
from services.fulfillment.links import LineStage
from services.fulfillment.policy import expected_ms, stage_of
from services.fulfillment.shipment_facts import (
    ShipmentCancelled,
    ShipmentLinePlanned,
    ShipmentReceived,
    ShipmentShipped,
    WantDeclined,
)
from services.fulfillment.work_view import WorkRow, work_rows
from services.kernel.frozen import maker
from services.kernel.model import FeedRow, Rows, RowsAfter, View
from services.kernel.values import EnterpriseId, Origin, Quantity


class Direction(StrEnum):
    """Which way the goods go, seen by the enterprise whose row it is."""

    OUTBOUND = "OUTBOUND"
    INBOUND = "INBOUND"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class ShipmentRow:
    """View ``shipments``, row id ``<seller>/<id>``: the buyer's once something left or came.

    Sums are None where lines have different units.
    """

    shipment_key: str
    direction: Direction
    partner: EnterpriseId
    ship_from: SiteId
    ship_to: SiteId
    status: ShipmentStatus
    carrier: str
    tracking: str
    planned_ship_at_ms: int
    expected_ship_at_ms: int
    shipped_at_ms: int | None
    planned_delivery_at_ms: int
    expected_delivery_at_ms: int
    received_at_ms: int | None
    late: bool
    lines: int
    quantity: Quantity | None
    shipped: Quantity | None
    received: Quantity | None
    disputed: bool
    reason: str
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class ShipmentLineRow:
    """View ``shipment-lines``, row id ``<seller>/<id>/<line>``: the seller's and the buyer's claim side by side.

    The buyer's once something of the line left or came.
    """

    shipment_key: str
    line: LineId
    direction: Direction
    partner: EnterpriseId
    flow_key: str
    item: ItemId
    buyer_item: ItemId
    unit: str
    quantity: Decimal
    shipped: Decimal
    received: Decimal
    cancelled: Decimal
    disputed: bool
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class FlowRow:
    """View ``flows``, row id ``<buyer>/<order>/<line>`` or ``<enterprise>/transfer/<id>``; in the viewer's unit.

    ``expected_at_ms``, ``delay_minutes`` and ``days_late`` None: there is no date to expect. ``basis`` None: nothing
    was reckoned yet. ``no_lead_time``: nobody said how long goods take on this lane, so the promise stands for it.
    ``days_late`` counts each begun day of the delay; ``cause`` None: it is not late. ``waiting``, ``planned`` and
    ``stock_known`` say of the seller's stock what the viewer may know of it (see the module).
    """

    flow_key: str
    direction: Direction
    partner: EnterpriseId
    order_key: str
    line: str
    item: ItemId
    ship_from: SiteId
    ship_to: SiteId
    stage: LineStage
    unit: str
    quantity: Decimal
    waiting: Decimal
    planned: Decimal
    shipped: Decimal
    received: Decimal
    cancelled: Decimal
    stock_known: bool
    promised_at_ms: int
    expected_at_ms: int | None
    fulfilled_at_ms: int | None
    late: bool
    reason: str
    as_of_ms: int
    basis: Basis | None = None
    delay_minutes: int | None = 0
    no_lead_time: bool = False
    days_late: int | None = 0
    cause: CauseClass | None = None


@dataclass(frozen=True, slots=True)
class LaneRow:
    """View ``lanes``, row id ``<from enterprise>/<from site>/<to enterprise>/<to site>``; gone when it is closed."""

    from_enterprise: EnterpriseId
    from_site: SiteId
    to_enterprise: EnterpriseId
    to_site: SiteId
    lead_time_minutes: int
    mode: CarrierMode
    as_of_ms: int


VIEWS = (
    View("shipments", ShipmentRow),
    View("shipment-lines", ShipmentLineRow),
    View("flows", FlowRow),
    View("lanes", LaneRow),
    View("work", WorkRow),
    View("disruptions", DisruptionRow),
    View("disrupted-flows", DisruptedFlowRow),
)


def project(key: str, rows: RowsAfter, facts: tuple[Any, ...], origin: Origin) -> Iterable[FeedRow]:
    """The rows that the facts changed, as they stand after all of them."""
    kind = key.partition("/")[0]
    if kind == "shipment":
        return _shipment_rows(key, rows, facts, origin.recorded_at_ms)
    if kind == "flow":
        return _flow_rows(key, rows, facts, origin.recorded_at_ms)
    if kind == "disruption":
        return disruption_rows(key, rows, facts, origin.recorded_at_ms)
    if kind == "work":
        return work_rows(key, rows, facts, origin.recorded_at_ms)
    return _lane_rows(key, rows, origin.recorded_at_ms)


def _lane_rows(key: str, rows: Rows, as_of_ms: int) -> Iterator[FeedRow]:
    _, owner, row_id = key.split("/", 2)
    lane: LaneDefined | None = rows.get("head")
    row = None
    if lane is not None:
        ends = lane.from_enterprise, lane.from_site, lane.to_enterprise, lane.to_site
        row = LaneRow(*ends, lane.lead_time_minutes, lane.mode, as_of_ms)
    yield FeedRow(EnterpriseId(owner), "lanes", row_id, row)


def _shipment_rows(key: str, rows: Rows, facts: tuple[Any, ...], as_of_ms: int) -> list[FeedRow]:
    terms: ShipmentTerms | None = rows.get("terms")
    head: ShipmentHead | None = rows.get("head")
    if terms is None or head is None or type(facts[0]) is WantDeclined:
        return []
    row_id = key[len("shipment/") :]
    seller, buyer = terms.seller, terms.buyer
    outbound = Direction.INTERNAL if seller == buyer else Direction.OUTBOUND
    sides = [(seller, buyer, outbound, head.status)]
    if seller != buyer and _left_or_came(head):
        begun = head.status is ShipmentStatus.PICKING or head.status is ShipmentStatus.PACKED
        sides.append((buyer, seller, Direction.INBOUND, ShipmentStatus.PLANNED if begun else head.status))
    dates = expected_whole(head)
    feed = []
    for viewer, partner, direction, status in sides:
        row = _shipment_row(key, terms, head, (direction, partner, status), dates, as_of_ms)
        feed.append(FeedRow(viewer, "shipments", row_id, row))
    for name in _touched(rows, facts):
        line: ShipmentLine | None = rows.get(line_row(name))
        if line is not None:
            line_id = f"{row_id}/{name}"
            for viewer, partner, direction, _ in sides:
                if direction is not Direction.INBOUND or _left_or_came(line):
                    shown = _line_row(key, name, partner, direction, line, as_of_ms)
                    feed.append(FeedRow(viewer, "shipment-lines", line_id, shown))
    return feed


def _left_or_came(what: ShipmentHead | ShipmentLine) -> bool:
    """Whether the buyer may know of it: a plan says what the seller has in stock; what left or came is no secret."""
    return what.shipped_at_ms is not None or what.received_at_ms is not None


def _quantity(what: ShipmentHead | ShipmentLine, direction: Direction) -> Decimal:
    return max(what.shipped, what.received) if direction is Direction.INBOUND else what.quantity


def _touched(rows: Rows, facts: tuple[Any, ...]) -> dict[LineId, None]:
    """The lines whose row in the view the facts changed; what is picked and packed is not in it."""
    lines: dict[LineId, None] = {}
    for fact in facts:
        match fact:
            case ShipmentLinePlanned(line=line):
                lines[line] = None
            case ShipmentShipped() | ShipmentReceived():
                for part in fact.lines:
                    lines[part.line] = None
            case ShipmentCancelled():
                lines.update((line, None) for line, _ in lines_of(rows))
            case _:
                pass
    return lines


def _shipment_row(
    key: str,
    terms: ShipmentTerms,
    head: ShipmentHead,
    side: tuple[Direction, EnterpriseId, ShipmentStatus],
    dates: tuple[int, int],
    as_of_ms: int,
) -> ShipmentRow:
    return ShipmentRow(
        key,
        side[0],
        side[1],
        terms.ship_from,
        terms.ship_to,
        side[2],
        head.carrier,
        head.tracking,
        head.ship_at_ms,
        dates[0],
        head.shipped_at_ms,
        head.deliver_at_ms,
        dates[1],
        head.received_at_ms,
        dates[0] > head.ship_at_ms or dates[1] > head.deliver_at_ms,
        head.lines,
        total(head, _quantity(head, side[0])),
        total(head, head.shipped),
        total(head, head.received),
        head.disputed_lines > 0,
        head.reason,
        as_of_ms,
    )


def _line_row(
    key: str, name: LineId, partner: EnterpriseId, direction: Direction, line: ShipmentLine, as_of_ms: int
) -> ShipmentLineRow:
    return ShipmentLineRow(
        key,
        name,
        direction,
        partner,
        line.flow_key,
        line.item,
        line.buyer_item,
        line.unit,
        _quantity(line, direction),
        line.shipped,
        line.received,
        line.cancelled,
        line.disputed,
        as_of_ms,
    )


def _flow_rows(key: str, rows: Rows, facts: tuple[Any, ...], as_of_ms: int) -> Iterator[FeedRow]:
    terms: FlowTerms | None = rows.get("terms")
    head: FlowHead | None = rows.get("head")
    if terms is None or head is None or type(facts[0]) is LegRejected:
        return
    row_id = key[len("flow/") :]
    internal = terms.seller == terms.buyer
    direction = Direction.INTERNAL if internal else Direction.OUTBOUND
    told = told_of(rows)
    yield FeedRow(terms.seller, "flows", row_id, _flow_row(key, terms, head, told, direction, as_of_ms))
    if not internal:
        yield FeedRow(terms.buyer, "flows", row_id, _flow_row(key, terms, head, told, Direction.INBOUND, as_of_ms))


_Cover = tuple[Decimal, Decimal, bool]
"""Waiting, planned, and whether the stock is known: how much of a flow the seller's stock covers."""


def _cover_for_seller(head: FlowHead) -> _Cover:
    return head.waiting, head.planned, head.stock is StockCover.TRACKED


def _cover_for_buyer(terms: FlowTerms, head: FlowHead) -> _Cover:
    """To the buyer all that has not left is alike, whatever its seller's stock has of it."""
    return max(owed(terms, head) - max(head.shipped, head.received), ZERO), ZERO, False


new_flow_row = maker(FlowRow)


def _flow_row(
    key: str, terms: FlowTerms, head: FlowHead, told: FlowReckoned, direction: Direction, as_of_ms: int
) -> FlowRow:
    buyers = direction is Direction.INBOUND
    whole = terms.buyer_quantity if buyers else terms.seller_quantity

    def shown(amount: Decimal) -> Decimal:
        return scaled(amount, whole.amount, terms.seller_quantity.amount)

    waiting, planned, stock_known = _cover_for_buyer(terms, head) if buyers else _cover_for_seller(head)
    promised = last_due(terms, terms.seller_quantity.amount)
    expected = expected_ms(terms, head, told)
    known = head.fulfilled_at_ms or expected
    expectation = told.expectation
    delay = 0 if expectation is None else expectation.delay
    shown_cause = shown_to_buyer if buyers else shown_to_owner
    cause, reason = shown_cause(key, None if expectation is None else expectation.cause)
    return new_flow_row(
        flow_key=key,
        direction=direction,
        partner=terms.seller if buyers else terms.buyer,
        order_key=terms.order_key,
        line=terms.line,
        item=terms.buyer_item if buyers else terms.seller_item,
        ship_from=terms.ship_from,
        ship_to=terms.ship_to,
        stage=stage_of(terms, head),
        unit=whole.unit,
        quantity=whole.amount,
        waiting=shown(waiting),
        planned=shown(planned),
        shipped=shown(head.shipped),
        received=shown(head.received),
        cancelled=shown(head.cancelled),
        stock_known=stock_known,
        promised_at_ms=promised,
        expected_at_ms=expected,
        fulfilled_at_ms=head.fulfilled_at_ms,
        late=known is None or known > promised,
        reason=head.reason or reason,
        as_of_ms=as_of_ms,
        basis=None if expectation is None else expectation.basis,
        delay_minutes=None if delay == NEVER else delay,
        no_lead_time=not terms.lead_time_minutes,
        days_late=days_of(delay),
        cause=cause,
    )
