"""The rows of an order, and what can be read off a line: what is owed, by when, what is expected, how late it is.

Owns: ``Order`` (row ``head``) and ``Line`` (row ``line/<number>``), kept small: a million of them are in memory. Buyer
and order number stand in the key, so no row repeats them.
Deliberately lacks: history (the event log has it); how rows change (``order``).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from services.chain.alerts import AlertState, alert_state
from services.chain.moments import NEVER, moment_of
from services.kernel.values import EnterpriseId, Money
from services.order.order_facts import Awaits, OrderKind
from services.order.outlook import Outlook
from services.order.terms import (
    ZERO,
    Delivery,
    InboundLine,
    LineNumber,
    PlacedLine,
    PromiseBasis,
    Side,
    less_percent,
    plus_percent,
    to_buyer,
    to_seller,
    total,
)
from services.order.workday import due_at_ms, working_day


class OrderLineStage(StrEnum):
    """Where a line is in its life; the first two are open."""

    PLACED = "PLACED"
    CONFIRMED = "CONFIRMED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Order:
    """Row ``head``. An order is completed when it has no open line."""

    seller: EnterpriseId
    kind: OrderKind
    placed_lines: int
    open_lines: int
    watch_at_ms: int | None = None
    release: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """What the flow said last; totals in the seller's unit. ``expectation``: None where the chain says nothing."""

    reserved: Decimal
    planned: Decimal
    shipped: Decimal
    received: Decimal
    cancelled: Decimal
    cancel_answered: Decimal
    expected_at_ms: int | None
    fulfilled_at_ms: int | None = None
    stock_known: bool = True
    reason: str = ""
    expectation: Outlook | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The seller's word of when a line will be met: a local date at the site of the promise, and why."""

    expected_on: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that one side asked for and the other has not answered."""

    by: Side
    deliveries: tuple[Delivery, ...]
    unit_price: Money | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LinePlan:
    """How the seller will meet a line; see PlanLine."""

    start_at_ms: int | None = None
    waits_for: tuple[InboundLine, ...] = ()


NO_PLAN = LinePlan()


@dataclass(frozen=True, slots=True)
class Naming:
    """The flow key of the line by which a delay left the enterprise where it began, and that one's name if it says."""

    about: str
    name: str = ""
    item: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class DemandBefore:
    """What the buyer wanted before a change that the seller has not answered: last date, whole quantity (its unit)."""

    due_on: date | None
    amount: Decimal
    since_ms: int


@dataclass(frozen=True, slots=True)
class Line:
    """Row ``line/<number>``; fields that most lines never need come last, where a default costs no byte.

    ``ordered``: total now, buyer's unit, ``received_before`` included. ``requested``, ``unit_price``: empty while as
    placed. ``first_promised``: empty while the promise is still the first. ``cancel_requested``: total, seller's unit.
    ``late_since_ms``: when the delay was raised that stands.
    """

    placed: PlacedLine
    ordered: Decimal
    sequence_ms: int
    awaits_since_ms: int
    stage: OrderLineStage = OrderLineStage.PLACED
    awaits: Awaits = Awaits.CONFIRMATION
    promised: tuple[Delivery, ...] = ()
    progress: Progress | None = None
    estimate: Estimate | None = None
    silent_at_ms: int | None = None
    first_promised: tuple[Delivery, ...] = ()
    requested: tuple[Delivery, ...] = ()
    unit_price: Money | None = None
    changes: int = 0
    proposal: Proposal | None = None
    cancel_requested: Decimal = ZERO
    received_before: Decimal = ZERO
    ended_because: str = ""
    added: bool = False
    released: bool = False
    late_since_ms: int | None = None
    plan: LinePlan | None = None
    demand_before: DemandBefore | None = None
    naming: Naming | None = None


HEAD = "head"
LINES = "line/"


def line_key(line: LineNumber) -> str:
    """Row key of a line."""
    return LINES + line


class Staged(Protocol):
    """A line, or what a party sees of one."""

    @property
    def stage(self) -> OrderLineStage: ...


def is_open(line: Staged) -> bool:
    """True while something may still be owed."""
    return line.stage is OrderLineStage.PLACED or line.stage is OrderLineStage.CONFIRMED


def requested(line: Line) -> tuple[Delivery, ...]:
    """What the buyer asks for now; a release may ask for nothing."""
    return line.requested if line.released else line.requested or line.placed.requested


def baseline(line: Line) -> tuple[Delivery, ...]:
    """What lateness is measured against: the promise, or the request while there is none."""
    return line.promised or requested(line)


def first_promise(line: Line) -> tuple[Delivery, ...]:
    """The promise that "on time in full" is measured against; empty while there is none."""
    return line.first_promised or line.promised


def unit_price(line: Line) -> Money | None:
    """The price of one of the buyer's unit, if there is one."""
    return line.placed.unit_price if line.unit_price is None else line.unit_price


def wanted(line: Line) -> tuple[date | None, Decimal]:
    """The date of the last delivery and the whole quantity (buyer's unit) that the buyer wants, agreed or not."""
    proposal = line.proposal
    if proposal is not None and proposal.by is Side.BUYER and proposal.deliveries:
        return proposal.deliveries[-1].due_on, line.received_before + total(proposal.deliveries)
    deliveries = baseline(line)
    if line.stage is OrderLineStage.CANCELLED:
        amount = ZERO
    else:
        gone = line.cancel_requested
        if line.progress is not None:
            gone = max(gone, line.progress.cancelled)
        amount = line.ordered - to_buyer(gone, line.placed.terms.factor)
    return deliveries[-1].due_on if deliveries else None, amount


def seller_ordered(line: Line) -> Decimal:
    """The total ordered now, in the seller's unit."""
    return to_seller(line.ordered, line.placed.terms.factor)


def closes_at(line: Line) -> Decimal:
    """The receipt (seller's unit) from which on the rest is not owed, if nothing is cancelled."""
    return less_percent(seller_ordered(line), line.placed.terms.under_percent)


def receives_at_most(line: Line) -> Decimal:
    """The receipt (seller's unit) above which more came than is tolerated."""
    return plus_percent(seller_ordered(line), line.placed.terms.over_percent)


def cancellation_pending(line: Line) -> bool:
    """True while the flow has not answered the last request."""
    if not line.cancel_requested:
        return False
    return line.progress is None or line.progress.cancel_answered != line.cancel_requested


def date_ms(line: Line, day: date) -> int:
    """The end of the working day at the site of the promise, ms since 1970 UTC."""
    terms = line.placed.terms
    return due_at_ms(day, terms.time_zone, terms.day_ends_minute)


def day_of(line: Line, at_ms: int) -> date:
    """The working day of an instant at the site of the promise."""
    terms = line.placed.terms
    return working_day(at_ms, terms.time_zone, terms.day_ends_minute)


def open_delivery(line: Line) -> tuple[Delivery, bool] | None:
    """The first delivery of the baseline that is not met in full, and whether it is the last; None if all are met."""
    deliveries = baseline(line)
    progress = line.progress
    if progress is None:
        return (deliveries[0], len(deliveries) == 1) if deliveries else None
    if progress.fulfilled_at_ms is not None:
        return None
    terms = line.placed.terms
    met = progress.shipped if terms.basis is PromiseBasis.SHIP else progress.received
    owed = seller_ordered(line) - progress.cancelled
    if met >= owed:
        return None
    upto = line.received_before
    for number, delivery in enumerate(deliveries, 1):
        upto += delivery.amount
        if met < to_seller(upto, terms.factor):
            return delivery, number == len(deliveries)
    return (deliveries[-1], True) if deliveries else None


def outlook(line: Line) -> Outlook | None:
    """What the chain expects of the line, if it says anything."""
    return None if line.progress is None else line.progress.expectation


def known_ms(progress: Progress | None) -> int | None:
    """When the flow expects to meet the promise, or met it (ms since 1970 UTC); None if it gives no date.

    The flow speaks in the terms of the promise: of leaving where that is to ship, of arriving where it is to deliver.
    """
    if progress is None:
        return None
    expected = progress.expectation
    if expected is None or progress.fulfilled_at_ms is not None:
        return progress.expected_at_ms
    return moment_of(expected.date)


def expected_ms(line: Line) -> int | None:
    """When the last open part is expected (ms since 1970 UTC); None if nobody said, or if it will not come.

    The seller's own estimate can only make it later than what the flow knows, and counts no more when all has left.
    """
    progress, estimate = line.progress, line.estimate
    expected = known_ms(progress)
    if estimate is None or (progress is not None and progress.shipped + progress.cancelled >= seller_ordered(line)):
        return expected
    if (found := outlook(line)) is not None and found.date == NEVER:
        return None
    estimated = date_ms(line, estimate.expected_on)
    return estimated if expected is None else max(expected, estimated)


def reason(line: Line) -> str:
    """Why the line ended, or is expected when it is; empty if nobody said."""
    if line.ended_because:
        return line.ended_because
    progress, estimate = line.progress, line.estimate
    if estimate is None:
        return "" if progress is None else progress.reason
    if progress is not None and progress.reason and expected_ms(line) == progress.expected_at_ms:
        return progress.reason
    return estimate.reason


def delay_minutes(line: Line) -> int:
    """Minutes that the chain expects the line behind its promise; NEVER: it will not come; 0 where it says nothing.

    What is not wanted any more is not late.
    """
    found = outlook(line)
    if found is None or line.stage is OrderLineStage.REJECTED or line.stage is OrderLineStage.CANCELLED:
        return 0
    return found.delay


def alert(line: Line) -> AlertState:
    """What there is to say about the delay: a function of what is known now, whatever was said before."""
    return alert_state(delay_minutes(line), line.placed.terms.delay_tolerance_minutes)


def days_late(line: Line) -> int:
    """Calendar days at the site from the baseline to what is known, expected or, in silence, at least true."""
    if line.stage is OrderLineStage.REJECTED or line.stage is OrderLineStage.CANCELLED:
        return 0
    deliveries = baseline(line)
    if not deliveries:
        return 0
    last = deliveries[-1].due_on
    progress = line.progress
    if progress is not None and progress.fulfilled_at_ms is not None:
        known: int | None = progress.fulfilled_at_ms
    else:
        known = expected_ms(line)
    late = 0
    if known is not None and known > date_ms(line, last):
        late = (day_of(line, known) - last).days
    if line.silent_at_ms is not None and (found := open_delivery(line)) is not None:
        late = max(late, (day_of(line, line.silent_at_ms) - found[0].due_on).days)
    return late
