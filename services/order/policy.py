"""What the order service says to the flows of its lines, and what it does about what they say.

Owns: the messages of ``order-lines-v1`` (sent) and ``fulfillment-lines-v1`` (read) as dataclasses.
Deliberately lacks: any decision; the aggregates decide, this only translates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, assert_never

from services.chain.expectation import Expectation
from services.kernel.frozen import maker
from services.kernel.model import Link, Rows
from services.kernel.values import EnterpriseId, Origin, Quantity
from services.order.enterprise import NoteNamingAsk
from services.order.line import HEAD, NO_PLAN, Line, Order, OrderLineStage, closes_at, date_ms, line_key, seller_ordered
from services.order.naming import NamingAnswered, NamingAsked, NamingPassedOn, tell_of_enterprise, tell_of_order
from services.order.order import parties_of_key
from services.order.order_commands import NameOrigin, RecordLineProgress, RelayNaming
from services.order.order_facts import (
    Awaits,
    CallOffReleased,
    CancellationRequested,
    ChangeAccepted,
    ClosedBecause,
    LineClosed,
    LineConfirmed,
    LineDelayReported,
    LinePlanned,
    NamingRelayed,
    NamingSought,
)
from services.order.terms import ZERO, ItemId, LineNumber, OrderNumber, PromiseBasis, SiteId, to_seller

LINES_TOPIC = "order-lines-v1"
PROGRESS_TOPIC = "fulfillment-lines-v1"


@dataclass(frozen=True, slots=True)
class AgreedDelivery:
    """A part of the promise: due instant (UTC) and quantity in the seller's unit."""

    due_at_ms: int
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class LineAgreed:
    """The whole of what is agreed about one line; see the message of this name."""

    order_key: str
    line: LineNumber
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
    closes_at: Quantity
    estimated_at_ms: int | None
    closed: bool
    planned_start_at_ms: int | None = None
    waits_for: tuple[str, ...] = ()
    ship_complete: bool = False
    waits_for_quantities: tuple[Quantity, ...] = ()


class LineStage(StrEnum):
    """How far the flow of a line is."""

    AWAITING_STOCK = "AWAITING_STOCK"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    IN_TRANSIT = "IN_TRANSIT"
    RECEIVED = "RECEIVED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class LineProgressed:
    """How far the flow of one line is; see the message of this name. Absent quantities are zero."""

    line: LineNumber
    stage: LineStage
    reserved: Quantity | None
    planned: Quantity | None
    shipped: Quantity | None
    received: Quantity | None
    cancelled: Quantity | None
    cancel_answered: Quantity | None
    expected_at_ms: int | None
    fulfilled_at_ms: int | None
    reason: str
    stock_known: bool
    expectation: Expectation | None = None


new_agreed, new_record = maker(LineAgreed), maker(RecordLineProgress)


def flow_key(buyer: EnterpriseId, number: OrderNumber, line: LineNumber) -> str:
    """Key of the flow of a line."""
    return f"flow/{buyer}/{number}/{line}"


def react(state: Any, to_key: str) -> Iterator[Any]:
    """The command on the own order or enterprise that follows from a link's state; none for another kind of key."""
    kind, _, rest = to_key.partition("/")
    if isinstance(state, NamingPassedOn):
        if kind == "enterprise" and "/" not in rest:
            yield NoteNamingAsk(
                EnterpriseId(rest), state.about, state.asker, state.asker_line, state.viewer, state.item, state.site,
                state.withdrawn,
            )  # fmt: skip
        return
    if kind != "order" or "/" not in rest:
        return
    buyer, number = parties_of_key(to_key)
    if isinstance(state, LineProgressed):
        yield new_record(
            buyer, number, state.line, _awaits(state.stage),
            _amount(state.reserved), _amount(state.planned), _amount(state.shipped), _amount(state.received),
            _amount(state.cancelled), _amount(state.cancel_answered), state.expected_at_ms, state.fulfilled_at_ms,
            state.stock_known, state.reason, state.expectation,
        )  # fmt: skip
    elif isinstance(state, NamingAsked):
        yield RelayNaming(buyer, number, state.line, state.asker, state.asker_line, state.viewer, state.withdrawn)
    elif isinstance(state, NamingAnswered):
        yield NameOrigin(buyer, number, state.line, state.about, state.name, state.item, state.site)


def _amount(quantity: Quantity | None) -> Decimal:
    return ZERO if quantity is None else quantity.amount


def _awaits(stage: LineStage) -> Awaits:
    match stage:
        case LineStage.AWAITING_STOCK:
            return Awaits.STOCK
        case LineStage.AWAITING_SHIPMENT:
            return Awaits.SHIPMENT
        case LineStage.IN_TRANSIT:
            return Awaits.RECEIPT
        case LineStage.RECEIVED | LineStage.CANCELLED:
            return Awaits.NOTHING
        case _:
            assert_never(stage)


_TOLD = (LineConfirmed, ChangeAccepted, CancellationRequested, LinePlanned, LineDelayReported)


def tell(key: str, rows: Rows, facts: tuple[Any, ...], origin: Origin) -> Iterator[Link]:
    """A ``LineAgreed`` for each line whose agreement the facts changed, as it stands now; and what is asked of whom."""
    if key.startswith("enterprise/"):
        yield from tell_of_enterprise(key, rows, facts)
        return
    numbers: dict[LineNumber, None] = {}
    for fact in facts:
        if isinstance(fact, _TOLD):
            numbers[fact.line] = None
        elif isinstance(fact, LineClosed):
            if fact.because is ClosedBecause.SHORT_ACCEPTED or _leaves_a_rest(rows, fact.line):
                numbers[fact.line] = None
        elif isinstance(fact, NamingSought | NamingRelayed):
            yield from tell_of_order(key, rows, fact)
        elif isinstance(fact, CallOffReleased):
            numbers.update(dict.fromkeys(one.line for one in fact.lines))
    if not numbers:
        return
    head: Order | None = rows.get(HEAD)
    if head is None:
        return
    buyer, number = parties_of_key(key)
    for line_number in numbers:
        line: Line | None = rows.get(line_key(line_number))
        # A line that nobody confirmed, or with nothing released yet, has no flow.
        if line is None or not line.ordered or line.stage not in (OrderLineStage.CONFIRMED, OrderLineStage.CLOSED):
            continue
        yield Link(LINES_TOPIC, flow_key(buyer, number, line_number), "line", agreed(key, buyer, head.seller, line))


def _leaves_a_rest(rows: Rows, number: LineNumber) -> bool:
    """True if a line closed within its tolerance: the flow must take back what is not owed any more."""
    line: Line | None = rows.get(line_key(number))
    if line is None or line.progress is None:
        return False
    return line.progress.received + line.progress.cancelled < seller_ordered(line)


def agreed(key: str, buyer: EnterpriseId, seller: EnterpriseId, line: Line) -> LineAgreed:
    """The whole state of the order's side of the link to the flow of a line."""
    placed = line.placed
    terms = placed.terms
    unit = terms.factor.seller_unit
    quantity = Quantity(seller_ordered(line), unit)
    closed = line.stage is OrderLineStage.CLOSED
    if closed:
        least = Quantity(ZERO, unit)
    elif terms.under_percent:
        least = Quantity(closes_at(line), unit)
    else:
        least = quantity
    plan = line.plan or NO_PLAN
    waits_for = tuple(flow_key(seller, inbound.number, inbound.line) for inbound in plan.waits_for)
    amounts = [inbound.amount for inbound in plan.waits_for]
    each = tuple(Quantity(amount or ZERO, unit) for amount in amounts) if any(amounts) else ()
    return new_agreed(
        key, placed.line, buyer, seller, placed.buyer_item, terms.seller_item, terms.ship_from, terms.ship_to,
        quantity, Quantity(line.ordered, terms.factor.buyer_unit), _deliveries(line, unit),
        terms.basis is PromiseBasis.SHIP, terms.lead_time_minutes, placed.priority, line.sequence_ms,
        Quantity(line.cancel_requested, unit) if line.cancel_requested else None, least,
        None if line.estimate is None else date_ms(line, line.estimate.expected_on), closed,
        plan.start_at_ms, waits_for, terms.ship_complete, each,
    )  # fmt: skip


def _deliveries(line: Line, unit: str) -> tuple[AgreedDelivery, ...]:
    """The promise in the seller's unit; what earlier releases brought comes first, so that the parts make the total."""
    promised = line.promised
    factor = line.placed.terms.factor
    if len(promised) == 1 and not line.received_before:
        part = Quantity(to_seller(promised[0].amount, factor), unit)
        return (AgreedDelivery(date_ms(line, promised[0].due_on), part),)
    parts: list[AgreedDelivery] = []
    upto, told = line.received_before, ZERO
    if upto and promised:
        told = to_seller(upto, factor)
        parts.append(AgreedDelivery(date_ms(line, promised[0].due_on), Quantity(told, unit)))
    for delivery in promised:
        upto += delivery.amount  # converted cumulatively: parts that do not come out even still make the total
        now = to_seller(upto, factor)
        parts.append(AgreedDelivery(date_ms(line, delivery.due_on), Quantity(now - told, unit)))
        told = now
    return tuple(parts)
