"""One order line as its buyer and as its seller see it, each in its own item and unit.

Owns: the row of the view ``order-lines``, and what of a cause a party may see: its kind, how many tiers away it began,
and a reference. Deliberately lacks: what is reserved or planned at the seller (the buyer must not see it), and anything
else from beyond the direct partner: no hop, flow, item, quantity, event or reason of others.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.chain.alerts import AlertState
from services.chain.flow import Basis
from services.chain.moments import NEVER
from services.kernel.frozen import maker
from services.kernel.values import EnterpriseId, Money
from services.order.line import (
    DemandBefore,
    Line,
    Naming,
    Order,
    OrderLineStage,
    Progress,
    Proposal,
    alert,
    baseline,
    cancellation_pending,
    day_of,
    days_late,
    delay_minutes,
    expected_ms,
    first_promise,
    is_open,
    reason,
    requested,
    unit_price,
    wanted,
)
from services.order.order_facts import Awaits, OrderKind
from services.order.outlook import CauseKind, DelayShare, LineCause
from services.order.references import References
from services.order.silence import is_silent
from services.order.terms import (
    ZERO,
    Delivery,
    ItemId,
    LineNumber,
    OrderNumber,
    PromiseBasis,
    Side,
    SiteId,
    UnitFactor,
    to_buyer,
    to_seller,
)


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A proposal that waits for the answer of the side that did not make it; amounts in the viewer's unit."""

    change: int
    by: Side
    deliveries: tuple[Delivery, ...]
    unit_price: Money | None
    reason: str


class Tiers(StrEnum):
    """How many enterprises down the chain a delay began, counted from the viewer; NONE: with the viewer."""

    NONE = "0"
    ONE = "1"
    TWO = "2"
    MORE = "3 or more"


@dataclass(frozen=True, slots=True)
class OriginView:
    """Who is behind a delay from beyond the partner, which of its items and from where: by its own leave only."""

    name: str
    item: ItemId
    site: SiteId


@dataclass(frozen=True, slots=True)
class CauseView:
    """Why a line is late, as far as the viewer may know.

    ``reference`` is equal for all lines of one viewer with one root, and means nothing to any other. ``reason``: what
    was said of the line itself, where the delay began there.
    """

    kind: CauseKind
    tiers: Tiers
    reference: str
    reason: str = ""
    origin: OriginView | None = None


@dataclass(frozen=True, slots=True)
class DemandChangeView:
    """What the buyer wanted and wants now: last date and whole quantity, in the viewer's unit; not answered yet."""

    was_on: date | None
    was_quantity: Decimal
    now_on: date | None
    now_quantity: Decimal
    since_ms: int


class Alert(StrEnum):
    """What is to be said about the delay of a line: late beyond the tolerance, or without any date."""

    LATE = "LATE"
    SHORT = "SHORT"


@dataclass(frozen=True, slots=True)
class OrderLineView:
    """One line as buyer or seller sees it, row id ``<buyer>/<number>/<line>``.

    Quantities are in the viewer's ``unit``; ``unit_price`` is for one of the buyer's. Dates are local at the site of
    the promise, of the last delivery where there are several; ``deliveries`` then lists them. ``days_late``: calendar
    days; with ``overdue`` nobody has spoken since, and it is at least so many. ``delay_minutes`` is how much later than
    promised the chain expects the line, 9007199254740991 where there is no date to expect; ``expected_basis`` says what
    that rests on; OUTDATED: it is what was known before the chain behind the line became too long to follow.
    """

    role: Side
    partner: EnterpriseId
    number: OrderNumber
    line: LineNumber
    kind: OrderKind
    item: ItemId
    partner_item: ItemId
    unit: str
    quantity: Decimal
    basis: PromiseBasis
    ship_from: SiteId
    ship_to: SiteId
    stage: OrderLineStage
    awaits: Awaits
    awaits_since_ms: int
    requested_on: date | None
    promised_on: date | None = None
    first_promised_on: date | None = None
    expected_on: date | None = None
    expected_at_ms: int | None = None
    shipped: Decimal = ZERO
    received: Decimal = ZERO
    late: bool = False
    days_late: int = 0
    reason: str = ""
    unit_price: Money | None = None
    fulfilled_on: date | None = None
    overdue: bool = False
    deliveries: tuple[Delivery, ...] = ()
    cancelled: Decimal = ZERO
    cancel_pending: bool = False
    change: ChangeView | None = None
    delay_minutes: int = 0
    expected_basis: Basis | None = None
    alert: Alert | None = None
    late_since_ms: int | None = None
    cause: CauseView | None = None
    demand_change: DemandChangeView | None = None
    share: DelayShare | None = None


new_view = maker(OrderLineView)


def open_quantity(line: OrderLineView, role: Side) -> Decimal:
    """How much is to come yet of an open line to whom sees it in this role; zero for any other line."""
    if line.role is not role or not is_open(line):
        return ZERO
    return max(line.quantity - line.received - line.cancelled, ZERO)


def line_views(
    buyer: EnterpriseId, number: OrderNumber, head: Order, line: Line, references: References
) -> tuple[OrderLineView, OrderLineView]:
    """The line for its buyer and for its seller."""
    placed, terms, factor, seller = line.placed, line.placed.terms, line.placed.terms.factor, head.seller
    progress = line.progress or _NO_PROGRESS
    wanted, promised, first, schedule = requested(line), line.promised, first_promise(line), baseline(line)
    expected, fulfilled, days = expected_ms(line), progress.fulfilled_at_ms, days_late(line)
    wanted_on, promised_on = wanted[-1].due_on if wanted else None, promised[-1].due_on if promised else None
    first_on = first[-1].due_on if first else None
    expected_on = None if expected is None else day_of(line, expected)
    fulfilled_on = None if fulfilled is None else day_of(line, fulfilled)
    silent = is_silent(line)
    several = schedule if len(schedule) > 1 else ()
    pending, price, why = cancellation_pending(line), unit_price(line), reason(line)
    change = None if line.proposal is None else _change(line, line.proposal)
    moved = None if line.demand_before is None else _demand_change(line, line.demand_before)
    shipped, received, cancelled = progress.shipped, progress.received, progress.cancelled
    outlook, delay, since = progress.expectation, delay_minutes(line), line.late_since_ms
    rests_on, said = (outlook.basis, _ALERTS[alert(line)]) if outlook else (None, None)
    late, cause = days > 0 or delay == NEVER, outlook.cause if outlook and delay else None
    for_buyer = new_view(
        Side.BUYER, seller, number, placed.line, head.kind, placed.buyer_item, terms.seller_item, factor.buyer_unit,
        line.ordered, terms.basis, terms.ship_from, terms.ship_to, line.stage, line.awaits, line.awaits_since_ms,
        wanted_on, promised_on, first_on, expected_on, expected,
        to_buyer(shipped, factor), to_buyer(received, factor), late, days, why, price,
        fulfilled_on, silent, several, to_buyer(cancelled, factor), pending, change,
        delay, rests_on, said, since, _cause(cause, Side.BUYER, buyer, references, line.naming), moved,
    )  # fmt: skip
    if factor.numerator != factor.denominator:
        several = _in_seller_unit(several, factor)
        if moved is not None:
            moved = replace(
                moved,
                was_quantity=to_seller(moved.was_quantity, factor),
                now_quantity=to_seller(moved.now_quantity, factor),
            )
        if change is not None:
            change = replace(change, deliveries=_in_seller_unit(change.deliveries, factor))
    for_seller = new_view(
        Side.SELLER, buyer, number, placed.line, head.kind, terms.seller_item, placed.buyer_item, factor.seller_unit,
        to_seller(line.ordered, factor), terms.basis, terms.ship_from, terms.ship_to, line.stage, line.awaits,
        line.awaits_since_ms, wanted_on, promised_on, first_on, expected_on, expected,
        shipped, received, late, days, why, price, fulfilled_on, silent, several, cancelled, pending, change,
        delay, rests_on, said, since, _cause(cause, Side.SELLER, seller, references, None), moved,
        cause.share if cause else None,
    )  # fmt: skip
    return for_buyer, for_seller


_NO_PROGRESS: Final = Progress(ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, None)


def _demand_change(line: Line, before: DemandBefore) -> DemandChangeView:
    return DemandChangeView(before.due_on, before.amount, *wanted(line), before.since_ms)


def _change(line: Line, proposal: Proposal) -> ChangeView:
    return ChangeView(line.changes, proposal.by, proposal.deliveries, proposal.unit_price, proposal.reason)


def _in_seller_unit(deliveries: tuple[Delivery, ...], factor: UnitFactor) -> tuple[Delivery, ...]:
    return tuple(Delivery(delivery.due_on, to_seller(delivery.amount, factor)) for delivery in deliveries)


_ALERTS: Final = {AlertState.NONE: None, AlertState.LATE: Alert.LATE, AlertState.SHORT: Alert.SHORT}
_TIERS: Final = (Tiers.NONE, Tiers.ONE, Tiers.TWO)


def _cause(
    cause: LineCause | None, role: Side, viewer: EnterpriseId, references: References, naming: Naming | None
) -> CauseView | None:
    """The cause as one of the two parties may see it."""
    if cause is None:
        return None
    tiers = cause.tiers if role is Side.BUYER else cause.tiers - 1
    seen_tiers = _TIERS[tiers] if tiers < len(_TIERS) else Tiers.MORE
    origin = None
    if naming is not None and naming.name and naming.about == cause.origin:
        origin = OriginView(naming.name, ItemId(naming.item), SiteId(naming.site))
    return CauseView(cause.kind, seen_tiers, references.to(viewer, cause.root), cause.reason, origin)
