"""What a flow wants of its shipments, in numbers: one leg per shipment, and the rules for asking and taking back.

Owns: the terms of a flow, its progress, its legs, and the plan (how much to ask of which shipment). Deliberately lacks:
when to plan and what follows from it, which is the flow's (flow.py).

All amounts are in the seller's unit. ``held`` of a leg is what it counts towards the flow's need: what was asked, until
the shipment has answered the last ask; from then on what the shipment says it has planned and shipped.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.fulfillment.amounts import MINUTE_MS, ZERO, in_range, scaled
from services.fulfillment.keys import (
    NO_LINE,
    ONLY_LINE,
    FlowKey,
    ItemId,
    LineId,
    ShipmentKey,
    SiteId,
    owner_of,
    wanted_shipment_key,
)
from services.kernel.model import Rows
from services.kernel.values import EnterpriseId, Quantity


@dataclass(frozen=True, slots=True)
class AgreedDelivery:
    """A part of the line and when it is due (ship or delivery date, as the terms say)."""

    due_at_ms: int
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class FlowTerms:
    """What was agreed. Parties, items, sites and units are stamped when the flow begins; the rest may change.

    ``order_key`` and ``line`` are empty for a transfer. An empty site or item means that the pool there is not managed.
    ``closes_at``: with so much shipped, a rest that nobody plans to ship is not owed any more; zero for no tolerance.
    ``lead_time_minutes`` zero: unknown. ``estimated_at_ms``: when the seller now expects what has not left to be due,
    ``estimate_event``: what was said with which that came. ``closed``: nothing more is owed, whatever was shipped.
    ``planned_start_at_ms``: when the seller plans to start, if not the lead time before the promise. ``waits_for``:
    keys of inbound flows of the seller's pool whose goods the line is to have; ``waits_for_quantities``: how much of
    each, zero or none at all for an equal share of the rest. ``ship_complete``: nothing leaves before all of it can.
    """

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
    cancel_requested: Quantity
    closes_at: Quantity
    estimated_at_ms: int | None = None
    closed: bool = False
    estimate_event: str = ""
    planned_start_at_ms: int | None = None
    waits_for: tuple[str, ...] = ()
    ship_complete: bool = False
    waits_for_quantities: tuple[Quantity, ...] = ()


class StockCover(StrEnum):
    """What is known of the seller's stock for the flow."""

    AWAITED = "AWAITED"  # the pool has not answered yet
    TRACKED = "TRACKED"
    UNTRACKED = "UNTRACKED"  # no pool, or one that nobody ever reported: unknown, not zero


@dataclass(frozen=True, slots=True)
class LegReport:
    """What a shipment says of its part of the flow; ``want`` is the number of the last ask that it has answered.

    ``planned``: still to be shipped, of which ``committed`` is picked and cannot be taken back. ``closed``: the
    shipment takes no more. ``concluded``: nothing of what was shipped is expected to arrive any more.
    """

    line: LineId
    want: int
    unit: str
    planned: Decimal
    committed: Decimal
    shipped: Decimal
    received: Decimal
    cancelled: Decimal
    closed: bool
    concluded: bool
    expected_ship_at_ms: int | None = None
    expected_delivery_at_ms: int | None = None
    shipped_at_ms: int | None = None
    received_at_ms: int | None = None
    reason: str = ""


NOTHING_SAID: Final = LegReport(NO_LINE, 0, "", ZERO, ZERO, ZERO, ZERO, ZERO, False, False)


@dataclass(frozen=True, slots=True)
class Leg:
    """One shipment of the flow. ``own``: the flow asked for it; else the seller planned it by hand.

    ``wanted``: the whole quantity last asked of it, ``want``: the number of that ask (0: never asked anything).
    ``event``: what was said last that moved a date of it.
    """

    own: bool
    wanted: Decimal
    want: int
    due_at_ms: int
    report: LegReport
    event: str = ""

    @property
    def settled(self) -> bool:
        """The shipment has answered the last ask."""
        return self.want == self.report.want

    @property
    def fixed(self) -> Decimal:
        """What cannot be taken back."""
        return self.report.committed + self.report.shipped

    @property
    def held(self) -> Decimal:
        """What the leg counts towards the need of the flow."""
        report = self.report
        return report.planned + report.shipped if self.want == report.want else max(self.wanted, self.fixed)

    @property
    def in_transit(self) -> Decimal:
        """Shipped and still expected to arrive."""
        report = self.report
        return ZERO if report.concluded else max(report.shipped - report.received, ZERO)


@dataclass(frozen=True, slots=True)
class FlowHead:
    """How far the flow is: what the pool said, and the sums over its legs.

    ``unsettled``: legs that have not answered the last ask; ``legs``: number of the last leg asked for; ``open_leg``:
    the one that may still be enlarged. ``waived``: a rest within the tolerance that is not owed any more.
    """

    stock: StockCover
    ship_at_ms: int
    arrive_at_ms: int
    reserved: Decimal = ZERO
    issued: Decimal = ZERO
    waiting: Decimal = ZERO
    held: Decimal = ZERO
    planned: Decimal = ZERO
    shipped: Decimal = ZERO
    received: Decimal = ZERO
    in_transit: Decimal = ZERO
    unsettled: int = 0
    legs: int = 0
    open_leg: ShipmentKey | None = None
    last_shipment: ShipmentKey | None = None
    cancelled: Decimal = ZERO
    cancel_answered: Decimal = ZERO
    waived: Decimal = ZERO
    fulfilled_at_ms: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LegWanted:
    """Fact: the flow asks the shipment for this whole quantity; zero takes it off. ``want`` numbers a leg's asks."""

    shipment_key: ShipmentKey
    line: LineId
    own: bool
    leg: int
    want: int
    quantity: Quantity
    due_at_ms: int
    ship_at_ms: int
    deliver_at_ms: int


def by_due_date(rows: Rows) -> list[tuple[ShipmentKey, Leg]]:
    """All legs in the order in which what they hold is due."""
    return sorted(legs_of(rows), key=lambda item: (item[1].due_at_ms, len(item[0]), item[0]))


def owed(terms: FlowTerms, head: FlowHead) -> Decimal:
    """What is to be shipped in total: agreed, less what was cancelled or waived."""
    return max(terms.seller_quantity.amount - head.cancelled - head.waived, ZERO)


def cancellation_pends(terms: FlowTerms, head: FlowHead) -> bool:
    """A cancellation was asked for and not answered yet."""
    return terms.cancel_requested.amount != head.cancel_answered


def limit(terms: FlowTerms, head: FlowHead) -> Decimal:
    """What may be shipped in total: while a cancellation is not answered, as if all of it could be."""
    if terms.closed:
        return ZERO
    if cancellation_pends(terms, head):
        cancelled = max(terms.cancel_requested.amount, head.cancelled)
        return max(terms.seller_quantity.amount - cancelled - head.waived, ZERO)
    return owed(terms, head)


def counts(key: ShipmentKey, report: LegReport, terms: FlowTerms) -> bool:
    """Whether the report speaks for the flow: its seller's shipment, in its seller's unit."""
    return owner_of(key) == terms.seller and report.unit == terms.seller_quantity.unit


def legs_of(rows: Rows) -> Iterator[tuple[ShipmentKey, Leg]]:
    """All legs by shipment key."""
    return ((ShipmentKey(key), leg) for key, leg in rows.scan("shipment/"))


def _schedule(terms: FlowTerms) -> Iterator[tuple[int, Decimal]]:
    """Due instants with the cumulative quantity (seller's unit) due by then; the last one takes whatever is beyond."""
    total, unit = ZERO, terms.seller_quantity.unit
    whole = sum((part.quantity.amount for part in terms.deliveries), ZERO)
    for part in terms.deliveries:
        total += part.quantity.amount
        in_unit = part.quantity.unit == unit
        yield part.due_at_ms, total if in_unit else scaled(total, terms.seller_quantity.amount, whole)


def due_after(terms: FlowTerms, before: Decimal) -> tuple[int, Decimal | None]:
    """When the unit after the first ``before`` units is due, and how many are due by then (None: all the rest)."""
    due = terms.sequence_ms
    steps = tuple(_schedule(terms))
    for due, until in steps[:-1]:
        if until > before:
            return due, until
    return (steps[-1][0] if steps else due), None


def last_due(terms: FlowTerms, units: Decimal) -> int:
    """When the last of so many units is due."""
    due = terms.sequence_ms
    for due_at, until in _schedule(terms):
        due = due_at
        if until >= units:
            break
    return due


def dates(terms: FlowTerms, due_at_ms: int) -> tuple[int, int]:
    """Ship and delivery instants that keep a promise that is due then."""
    way = terms.lead_time_minutes * MINUTE_MS
    if terms.promise_is_ship_date:
        return due_at_ms, in_range(due_at_ms + way)
    return in_range(due_at_ms - way), due_at_ms


def horizon(terms: FlowTerms, head: FlowHead, legs: Iterable[tuple[ShipmentKey, Leg]]) -> tuple[int, int]:
    """When the last part is expected to be shipped and to arrive (ms).

    The latest of its shipments' dates and, while a part of what is owed is in no shipment, of when that is due; while
    not all has left, not before the seller's own estimate for the line.
    """
    to_ship = owed(terms, head)
    ship = arrive = 0
    if head.shipped < to_ship and terms.estimated_at_ms is not None:
        ship, arrive = dates(terms, terms.estimated_at_ms)
    elif head.held < to_ship:
        ship, arrive = dates(terms, last_due(terms, to_ship))
    for _, leg in legs:
        if leg.held > 0:
            leg_ship, leg_arrive = dates(terms, leg.due_at_ms)
            ship = max(ship, leg.report.expected_ship_at_ms or leg_ship)
            arrive = max(arrive, leg.report.expected_delivery_at_ms or leg_arrive)
    return (ship, arrive) if ship else dates(terms, last_due(terms, terms.seller_quantity.amount))


def plan(flow: FlowKey, terms: FlowTerms, head: FlowHead, rows: Rows, redate: bool) -> tuple[LegWanted, ...]:
    """What to ask of which shipment so that the legs hold what is covered and may be shipped; at most one ask per leg.

    Too much is taken back from the latest due first. For want of cover only the flow's own asks shrink (a seller may
    plan by hand what no pool covers), for want of need all do.
    ``redate``: the dates changed, so open legs are asked again with new ones.
    """
    may = limit(terms, head)
    match head.stock:
        case StockCover.TRACKED:
            target = min(may, head.reserved + head.issued)
            if terms.ship_complete and target < may:
                target = min(target, head.shipped)
        case StockCover.UNTRACKED:
            target = may
        case StockCover.AWAITED:
            target = ZERO
    asks = _Asks(flow, terms, head, rows)
    if redate:
        asks.redate()
    if head.held > target:
        latest_first = by_due_date(rows)[::-1]
        asks.take_back([item for item in latest_first if item[1].own], target)
        asks.take_back(latest_first, may)
    elif head.held < target:
        asks.ask_for(target)
    return asks.facts()


class _Asks:
    """The asks of one decision while they are being worked out; ``held`` is the sum over all legs after them."""

    def __init__(self, flow: FlowKey, terms: FlowTerms, head: FlowHead, rows: Rows) -> None:
        self._flow, self._terms, self._head, self._rows = flow, terms, head, rows
        self._asked: dict[ShipmentKey, tuple[Decimal, int, int]] = {}  # quantity, due, number of the leg (0: not new)
        self.held = head.held

    def _now_held(self, key: ShipmentKey, leg: Leg) -> Decimal:
        return self._asked[key][0] if key in self._asked else leg.held

    def redate(self) -> None:
        """Ask every own leg that still has something to ship for the dates that its units now have."""
        before = ZERO
        for key, leg in by_due_date(self._rows):
            if leg.own and leg.held > leg.report.shipped:
                self._asked[key] = leg.held, due_after(self._terms, before)[0], 0
            before += leg.held

    def take_back(self, legs: Iterable[tuple[ShipmentKey, Leg]], down_to: Decimal) -> None:
        """Lower the legs in turn, each by no more than can be taken back, until ``held`` is down."""
        for key, leg in legs:
            if self.held <= down_to:
                return
            held = self._now_held(key, leg)
            less = min(held - leg.fixed, self.held - down_to)
            if less > 0:
                self._asked[key] = held - less, self._asked[key][1] if key in self._asked else leg.due_at_ms, 0
                self.held -= less

    def ask_for(self, up_to: Decimal) -> None:
        """Enlarge the open leg while it serves the delivery at hand, else begin a new one per delivery."""
        opened, n = self._head.open_leg, self._head.legs
        while self.held < up_to:
            due, until = due_after(self._terms, self.held)
            more = (up_to if until is None else min(up_to, until)) - self.held
            if opened is not None and self._ask_of(opened)[1] == due:
                asked, _, new = self._ask_of(opened)
                self._asked[opened] = asked + more, due, new
            else:
                n += 1
                while self._rows.get(key := wanted_shipment_key(self._terms.seller, self._flow, n)) is not None:
                    n += 1  # the seller gave a shipment of its own this id
                self._asked[key] = more, due, n
                opened = key
            self.held += more

    def _ask_of(self, key: ShipmentKey) -> tuple[Decimal, int, int]:
        """What was asked of a leg, in this decision or before."""
        if key in self._asked:
            return self._asked[key]
        leg: Leg = self._rows.get(key)  # type: ignore[assignment]  # the open leg is one of the rows
        return leg.held, leg.due_at_ms, 0

    def facts(self) -> tuple[LegWanted, ...]:
        """The asks as facts, in the order in which they came up."""
        unit = self._terms.seller_quantity.unit
        facts = []
        for key, (amount, due, n) in self._asked.items():
            leg: Leg | None = self._rows.get(key)
            ship_at, deliver_at = dates(self._terms, due)
            own, line, want = (True, ONLY_LINE, 1) if leg is None else (leg.own, leg.report.line, leg.want + 1)
            if own:
                line = ONLY_LINE
            facts.append(LegWanted(key, line, own, n, want, Quantity(amount, unit), due, ship_at, deliver_at))
        return tuple(facts)
