"""What the service does about what orders and pools say, what it tells them, and how its own aggregates talk.

Deliberately lacks: any state and any decision. What to tell is read from the rows, whom to tell from the facts.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from services.chain.moments import SINCE
from services.chain.pool_facts import Hold
from services.chain.quantities import millionths
from services.fulfillment.amounts import AMOUNT_MAX, LEAD_TIME_MINUTES_MAX, ZERO, in_range, scaled
from services.fulfillment.disrupted import FlowDisrupted
from services.fulfillment.disruption_links import tell_named
from services.fulfillment.expecting import FlowReckoned, later_ms, told_of
from services.fulfillment.flow import (
    AgreeLine,
    CancellationAnswered,
    CancellationCorrected,
    CoverDemand,
    DisruptFlow,
    FlowAgreed,
    FlowExpected,
    LegRejected,
    LegReported,
    LineReported,
    NoteShipment,
    RestWaived,
)
from services.fulfillment.keys import FlowKey, ShipmentKey, demand_id, pool_key
from services.fulfillment.legs import (
    AgreedDelivery,
    FlowHead,
    FlowTerms,
    LegReport,
    LegWanted,
    StockCover,
    dates,
    last_due,
    owed,
)
from services.fulfillment.line_dates import planned_start_of
from services.fulfillment.links import (
    LEGS_TOPIC,
    LINES_TOPIC,
    POOL_INPUTS_TOPIC,
    DemandCovered,
    DemandStated,
    LineAgreed,
    LineProgressed,
    LineStage,
    ShipmentReported,
    ShipmentWanted,
    SupplyStated,
    new_demand,
    new_progressed,
    new_supply,
)
from services.fulfillment.shipment import WantShipment
from services.fulfillment.shipment_links import tell_flows
from services.fulfillment.work import DisruptWork
from services.fulfillment.work_links import cover_component, tell_of_work
from services.kernel.model import Link, Rows
from services.kernel.values import Origin, Quantity

ONLY_INPUT: Final = 0
WAITS_FOR_MAX: Final = 100


def react(state: Any, key: str) -> Iterable[Any]:
    """The command that the state of a link makes on the flow or shipment it is addressed to; none for another key."""
    kind = key.partition("/")[0]
    match state:
        case LineAgreed() if kind == "flow":
            return (AgreeLine(FlowKey(key), terms_of(state)),)
        case DemandCovered() if kind == "work":
            return cover_component(state, key)
        case DemandCovered() if kind == "flow":
            reserved, issued, waiting = _amount(state.reserved), _amount(state.issued), _amount(state.waiting)
            if not state.tracked:
                return (CoverDemand(FlowKey(key), ZERO, ZERO, ZERO, False),)
            return (CoverDemand(FlowKey(key), reserved, issued, waiting, True, state.parts, state.frozen),)
        case FlowDisrupted() if kind == "flow":
            return (DisruptFlow(FlowKey(key), state),)
        case FlowDisrupted() if kind == "work":
            return (DisruptWork(key, state),)
        case ShipmentReported() if kind == "flow":
            return (NoteShipment(FlowKey(key), state.shipment_key, _report(state)),)
        case ShipmentWanted() if kind == "shipment":
            return (
                WantShipment(
                    ShipmentKey(key),
                    state.flow_key,
                    state.line,
                    state.want,
                    state.seller,
                    state.buyer,
                    state.item,
                    state.buyer_item,
                    state.ship_from,
                    state.ship_to,
                    state.quantity,
                    state.ship_at_ms,
                    state.deliver_at_ms,
                ),
            )
        case _:
            return ()


def _amount(quantity: Quantity | None) -> Decimal:
    """A total of another service as it can be kept: nothing below zero, nothing beyond the range."""
    if quantity is None or not quantity.amount.is_finite() or quantity.amount <= 0:
        return ZERO
    return min(quantity.amount, AMOUNT_MAX)


def terms_of(said: LineAgreed) -> FlowTerms:
    """The terms of the flow: deliveries in the order of their dates, no absent and no impossible number."""
    unit = said.seller_quantity.unit
    deliveries = sorted(said.deliveries, key=lambda part: part.due_at_ms)
    return FlowTerms(
        order_key=said.order_key,
        line=said.line,
        buyer=said.buyer,
        seller=said.seller,
        buyer_item=said.buyer_item,
        seller_item=said.seller_item,
        ship_from=said.ship_from,
        ship_to=said.ship_to,
        seller_quantity=Quantity(_amount(said.seller_quantity), unit),
        buyer_quantity=Quantity(_amount(said.buyer_quantity), said.buyer_quantity.unit),
        deliveries=tuple(
            AgreedDelivery(in_range(part.due_at_ms), Quantity(_amount(part.quantity), part.quantity.unit))
            for part in deliveries
        ),
        promise_is_ship_date=said.promise_is_ship_date,
        lead_time_minutes=min(max(said.lead_time_minutes, 0), LEAD_TIME_MINUTES_MAX),
        priority=said.priority,
        sequence_ms=in_range(said.sequence_ms),
        cancel_requested=Quantity(_amount(said.cancel_requested), unit),
        closes_at=Quantity(_amount(said.closes_at), unit),
        estimated_at_ms=None if said.estimated_at_ms is None else in_range(said.estimated_at_ms),
        closed=said.closed,
        planned_start_at_ms=None if said.planned_start_at_ms is None else in_range(said.planned_start_at_ms),
        waits_for=said.waits_for[:WAITS_FOR_MAX],
        ship_complete=said.ship_complete,
        waits_for_quantities=tuple(Quantity(_amount(each), unit) for each in said.waits_for_quantities[:WAITS_FOR_MAX]),
    )


def _report(said: ShipmentReported) -> LegReport:
    return LegReport(
        said.line,
        said.want,
        said.planned.unit,
        said.planned.amount,
        said.committed.amount,
        said.shipped.amount,
        said.received.amount,
        said.cancelled.amount,
        said.closed,
        said.concluded,
        said.expected_ship_at_ms,
        said.expected_delivery_at_ms,
        said.shipped_at_ms,
        said.received_at_ms,
        said.reason,
    )


def tell(key: str, rows: Rows, facts: tuple[Any, ...], origin: Origin) -> Iterable[Link]:
    """The links whose state the facts changed, each once, with the state after all of them."""
    if key.startswith("shipment/"):
        return tell_flows(ShipmentKey(key), rows, facts)
    if key.startswith("flow/"):
        return _tell_of_flow(FlowKey(key), rows, facts)
    if key.startswith("disruption/"):
        return tell_named(key, rows, facts)
    if key.startswith("work/"):
        return tell_of_work(FlowKey(key), rows, facts)
    return ()


def _tell_of_flow(key: FlowKey, rows: Rows, facts: tuple[Any, ...]) -> list[Link]:
    terms: FlowTerms | None = rows.get("terms")
    head: FlowHead | None = rows.get("head")
    if terms is None or head is None:
        return []
    told = told_of(rows)
    links: list[Link] = []
    demand = supply = progress = False
    for fact in facts:
        match fact:
            case LegWanted():
                links.append(_wanted(key, terms, fact))
            case LegRejected():
                pass
            case FlowAgreed() | RestWaived() | CancellationAnswered() | CancellationCorrected():
                demand = supply = progress = True
            case LegReported(report=report, shipped_more=shipped, received_more=received):
                progress = True
                demand = demand or shipped != 0
                supply = supply or shipped != 0 or received != 0 or report.concluded
            case FlowExpected() | FlowReckoned():
                supply = progress = True
            case LineReported() | FlowDisrupted():
                pass  # what follows from it is reckoned
            case _:
                progress = True
    if demand and terms.ship_from and terms.seller_item:
        to = pool_key(terms.seller, terms.ship_from, terms.seller_item)
        links.append(Link(POOL_INPUTS_TOPIC, to, demand_id(key, ONLY_INPUT), _demand(key, terms, head)))
    if supply and terms.ship_to and terms.buyer_item:
        to = pool_key(terms.buyer, terms.ship_to, terms.buyer_item)
        links.append(Link(POOL_INPUTS_TOPIC, to, key, _supply(key, terms, head, told)))
    if progress and terms.order_key:
        links.append(Link(LINES_TOPIC, terms.order_key, terms.line, progressed(terms, head, told)))
    return links


def _wanted(key: FlowKey, terms: FlowTerms, fact: LegWanted) -> Link:
    wanted = ShipmentWanted(
        flow_key=key,
        shipment_key=fact.shipment_key,
        seller=terms.seller,
        buyer=terms.buyer,
        item=terms.seller_item,
        ship_from=terms.ship_from,
        ship_to=terms.ship_to,
        quantity=fact.quantity,
        ship_at_ms=fact.ship_at_ms,
        deliver_at_ms=fact.deliver_at_ms,
        line=fact.line,
        want=fact.want,
        buyer_item=terms.buyer_item,
    )
    return Link(LEGS_TOPIC, fact.shipment_key, key, wanted)


def _demand(key: FlowKey, terms: FlowTerms, head: FlowHead) -> DemandStated:
    """Needed when the first part is to be shipped. Withdrawn once all that is owed has left.

    A report changes no demand, not even that the line is lost: it is owed until its two parties agree otherwise, and
    what was reserved for it would not come back if the report was taken back.
    """
    unit, to_ship = terms.seller_quantity.unit, owed(terms, head)
    return new_demand(
        flow_key=key,
        demand=demand_id(key, ONLY_INPUT),
        quantity=Quantity(to_ship, unit),
        issued=Quantity(head.shipped, unit),
        need_at_ms=planned_start_of(terms),
        priority=terms.priority,
        sequence_ms=terms.sequence_ms,
        withdrawn=head.shipped >= to_ship,
        reference=head.last_shipment or terms.order_key or key,
        holds=_holds(terms, millionths(to_ship)),
    )


def _holds(terms: FlowTerms, units: int) -> tuple[Hold, ...]:
    """What the line holds of the supplies that it waits for: what was said of each, then equal shares of the rest."""
    said = [millionths(each.amount) for each in terms.waits_for_quantities]
    held = [min(each, units) for each in [*said, *[0] * len(terms.waits_for)]][: len(terms.waits_for)]
    others = [n for n, each in enumerate(held) if not each]
    rest = max(units - sum(held), 0)
    for i, n in enumerate(others):
        held[n] = rest * (i + 1) // len(others) - rest * i // len(others)
    return tuple(map(Hold, terms.waits_for, held))


def _supply(key: FlowKey, terms: FlowTerms, head: FlowHead, told: FlowReckoned) -> SupplyStated:
    """In the buyer's unit, by the factor agreed on the line. Withdrawn once nothing more can arrive.

    Expected is the last date of the parts that are still to come, and never before what the shipments say.
    """
    to_ship = max(owed(terms, head), head.shipped)
    _, promised = dates(terms, last_due(terms, terms.seller_quantity.amount))
    return new_supply(
        flow_key=key,
        supply=key,
        quantity=in_buyers_unit(terms, to_ship),
        received=in_buyers_unit(terms, head.received),
        expected_at_ms=later_ms(head.arrive_at_ms, told.parts[-1].date if told.parts else SINCE),
        promised_at_ms=promised,
        withdrawn=max(head.shipped, head.received) >= to_ship and not head.in_transit,
        reference=terms.order_key or key,
        parts=told.parts,
    )


def in_buyers_unit(terms: FlowTerms, amount: Decimal) -> Quantity:
    """A total in the seller's unit as the buyer counts it."""
    factor = terms.buyer_quantity.amount, terms.seller_quantity.amount
    return Quantity(scaled(amount, *factor), terms.buyer_quantity.unit)


def stage_of(terms: FlowTerms, head: FlowHead) -> LineStage:
    """The first step that a part of the flow still waits for. What the buyer has received must have been shipped."""
    to_ship, gone = owed(terms, head), max(head.shipped, head.received)
    if gone < to_ship:
        in_shipments = head.held >= to_ship
        return LineStage.AWAITING_SHIPMENT if in_shipments else LineStage.AWAITING_STOCK
    if head.in_transit:
        return LineStage.IN_TRANSIT
    return LineStage.RECEIVED if gone else LineStage.CANCELLED


def expected_ms(terms: FlowTerms, head: FlowHead, told: FlowReckoned) -> int | None:
    """When the last part is expected to be due, never before what the shipments say; None if there is no such date."""
    by_shipments = head.ship_at_ms if terms.promise_is_ship_date else head.arrive_at_ms
    return later_ms(by_shipments, told.expectation.date if told.expectation is not None else SINCE)


def progressed(terms: FlowTerms, head: FlowHead, told: FlowReckoned) -> LineProgressed:
    """What the order is told of the flow."""
    unit = terms.seller_quantity.unit
    return new_progressed(
        line=terms.line,
        stage=stage_of(terms, head),
        reserved=Quantity(head.reserved, unit),
        planned=Quantity(head.planned, unit),
        shipped=Quantity(head.shipped, unit),
        received=Quantity(head.received, unit),
        cancelled=Quantity(head.cancelled, unit),
        cancel_answered=Quantity(head.cancel_answered, unit),
        expected_at_ms=expected_ms(terms, head, told),
        fulfilled_at_ms=head.fulfilled_at_ms,
        reason=head.reason,
        stock_known=head.stock is StockCover.TRACKED,
        expectation=told.expectation,
    )
