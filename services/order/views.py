"""What buyer and seller see of their orders, agreements and themselves.

Owns: the rows of the views ``order-lines``, ``partners`` (sums per partner and role), ``agreements``, ``enterprises``.
Each enterprise sees a line in its own item and unit. Deliberately lacks: what is reserved or planned at the seller (the
buyer must not see it), and anything from beyond the direct partner.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from services.kernel.model import FeedRow, Rows, View
from services.kernel.values import EnterpriseId, Money, Origin
from services.order import agreement, order
from services.order.agreement import Agreement
from services.order.enterprise import ALIASES, Alias
from services.order.line import (
    HEAD,
    Line,
    Order,
    OrderLineStage,
    Progress,
    Proposal,
    baseline,
    cancellation_pending,
    day_of,
    days_late,
    expected_ms,
    first_promise,
    is_silent,
    line_key,
    reason,
    requested,
    unit_price,
)
from services.order.order_facts import (
    Awaits,
    CallOffReleased,
    LinesAdded,
    OrderCompleted,
    OrderKind,
    OrderPlaced,
    WatchMoved,
)
from services.order.terms import (
    ZERO,
    Delivery,
    ItemId,
    LineNumber,
    OrderNumber,
    PromiseBasis,
    Side,
    SiteId,
    Terms,
    UnitFactor,
    to_buyer,
    to_seller,
)

ORDER_LINES, PARTNERS, AGREEMENTS, ENTERPRISES = "order-lines", "partners", "agreements", "enterprises"


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A proposal that waits for the answer of the side that did not make it; amounts in the viewer's unit."""

    change: int
    by: Side
    deliveries: tuple[Delivery, ...]
    unit_price: Money | None
    reason: str


@dataclass(frozen=True, slots=True)
class OrderLineView:
    """One line as buyer or seller sees it, row id ``<buyer>/<number>/<line>``.

    Quantities are in the viewer's ``unit``; ``unit_price`` is for one of the buyer's. Dates are local at the site of
    the promise, of the last delivery where there are several; ``deliveries`` then lists them. ``days_late``: calendar
    days; with ``overdue`` nobody has spoken since, and it is at least so many.
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


@dataclass(frozen=True, slots=True)
class PartnerView:
    """Sums over the lines with one partner in one role, row id ``<role>/<partner>``."""

    role: Side
    partner: EnterpriseId
    lines: int
    open_lines: int
    late_lines: int
    days_late: int


class AgreementStage(StrEnum):
    """Whether something is in force."""

    PROPOSED = "PROPOSED"
    IN_FORCE = "IN_FORCE"
    DECLINED = "DECLINED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class AgreementView:
    """One agreement as either side sees it, row id ``<buyer>/<seller>/<buyer item>``."""

    role: Side
    partner: EnterpriseId
    buyer_item: ItemId
    stage: AgreementStage
    terms: Terms | None
    proposed: Terms | None
    proposed_by: Side | None
    revision: int
    grants_given: tuple[str, ...]
    grants_received: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnterpriseView:
    """The tenant's own name and aliases, row id is its id."""

    name: str
    aliases: tuple[Alias, ...]


def project(key: str, rows: Rows, facts: tuple[Any, ...], origin: Origin) -> Iterator[FeedRow]:
    """The feed rows that follow from facts; ``rows`` are the aggregate's after them."""
    kind = key[: key.index("/")]
    if kind == "order":
        return _project_order(key, rows, facts)
    if kind == "agreement":
        return _project_agreement(key, rows)
    return _project_enterprise(key, rows)


_OF_LINES = (OrderPlaced, LinesAdded, CallOffReleased)
_OF_THE_ORDER = (WatchMoved, OrderCompleted)


def _project_order(key: str, rows: Rows, facts: tuple[Any, ...]) -> Iterator[FeedRow]:
    head: Order | None = rows.get(HEAD)
    if head is None:
        return
    buyer, number = order.parties_of_key(key)
    numbers: dict[LineNumber, None] = {}
    for fact in facts:
        if isinstance(fact, _OF_LINES):
            for one in fact.lines:
                numbers[one.line] = None
        elif not isinstance(fact, _OF_THE_ORDER):
            numbers[fact.line] = None
    for line_number in numbers:
        line: Line | None = rows.get(line_key(line_number))
        if line is not None:
            row_id = f"{buyer}/{number}/{line_number}"
            for_buyer, for_seller = line_views(buyer, number, head, line)
            yield FeedRow(buyer, ORDER_LINES, row_id, for_buyer)
            yield FeedRow(head.seller, ORDER_LINES, row_id, for_seller)


def line_views(
    buyer: EnterpriseId, number: OrderNumber, head: Order, line: Line
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
    silent = line.silent_at_ms is not None and is_silent(line)
    several = schedule if len(schedule) > 1 else ()
    pending, price, why = cancellation_pending(line), unit_price(line), reason(line)
    change = None if line.proposal is None else _change(line, line.proposal)
    shipped, received, cancelled = progress.shipped, progress.received, progress.cancelled
    for_buyer = OrderLineView(
        Side.BUYER, seller, number, placed.line, head.kind, placed.buyer_item, terms.seller_item, factor.buyer_unit,
        line.ordered, terms.basis, terms.ship_from, terms.ship_to, line.stage, line.awaits, line.awaits_since_ms,
        wanted_on, promised_on, first_on, expected_on, expected,
        to_buyer(shipped, factor), to_buyer(received, factor), days > 0, days, why, price,
        fulfilled_on, silent, several, to_buyer(cancelled, factor), pending, change,
    )  # fmt: skip
    if factor.numerator != factor.denominator:
        several = _in_seller_unit(several, factor)
        if change is not None:
            change = replace(change, deliveries=_in_seller_unit(change.deliveries, factor))
    for_seller = OrderLineView(
        Side.SELLER, buyer, number, placed.line, head.kind, terms.seller_item, placed.buyer_item, factor.seller_unit,
        to_seller(line.ordered, factor), terms.basis, terms.ship_from, terms.ship_to, line.stage, line.awaits,
        line.awaits_since_ms, wanted_on, promised_on, first_on, expected_on, expected,
        shipped, received, days > 0, days, why, price, fulfilled_on, silent, several, cancelled, pending, change,
    )  # fmt: skip
    return for_buyer, for_seller


_NO_PROGRESS = Progress(ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, None)


def _change(line: Line, proposal: Proposal) -> ChangeView:
    return ChangeView(line.changes, proposal.by, proposal.deliveries, proposal.unit_price, proposal.reason)


def _in_seller_unit(deliveries: tuple[Delivery, ...], factor: UnitFactor) -> tuple[Delivery, ...]:
    return tuple(Delivery(delivery.due_on, to_seller(delivery.amount, factor)) for delivery in deliveries)


def derive_partners(
    old: OrderLineView | None, new: OrderLineView | None, read: Callable[[str, str], Any | None]
) -> Mapping[tuple[str, str], PartnerView | None]:
    """The partner's sums with the difference that a line makes; nothing where it makes none."""
    before, after = _counted(old), _counted(new)
    line = new or old
    if before == after or line is None:
        return {}
    row_id = f"{line.role.value}/{line.partner}"
    row: PartnerView | None = read(PARTNERS, row_id)
    had = (0, 0, 0, 0) if row is None else (row.lines, row.open_lines, row.late_lines, row.days_late)
    lines, open_lines, late_lines, days = (h + a - b for h, a, b in zip(had, after, before, strict=True))
    changed = PartnerView(line.role, line.partner, lines, open_lines, late_lines, days) if lines else None
    return {(PARTNERS, row_id): changed}


def _counted(row: OrderLineView | None) -> tuple[int, int, int, int]:
    if row is None:
        return (0, 0, 0, 0)
    is_open_row = row.stage is OrderLineStage.PLACED or row.stage is OrderLineStage.CONFIRMED
    return (1, int(is_open_row), int(row.late), row.days_late)


def _project_agreement(key: str, rows: Rows) -> Iterator[FeedRow]:
    head: Agreement | None = rows.get(agreement.HEAD)
    if head is None:
        return
    buyer, seller, item = agreement.parties_of_key(key)
    if head.terms is not None:
        stage = AgreementStage.IN_FORCE
    elif head.proposed is not None:
        stage = AgreementStage.PROPOSED
    else:
        stage = AgreementStage.ENDED if head.ended else AgreementStage.DECLINED
    sides = (
        (Side.BUYER, buyer, seller, head.buyer_grants, head.seller_grants),
        (Side.SELLER, seller, buyer, head.seller_grants, head.buyer_grants),
    )
    for side, viewer, partner, given, received in sides:
        view = AgreementView(
            side, partner, item, stage, head.terms, head.proposed, head.proposed_by, head.revision, given, received
        )
        yield FeedRow(viewer, AGREEMENTS, f"{buyer}/{seller}/{item}", view)


def _project_enterprise(key: str, rows: Rows) -> Iterator[FeedRow]:
    head = rows.get("head")
    if head is not None:
        tenant = EnterpriseId(key.split("/", 1)[1])
        aliases = tuple(alias for _, alias in rows.scan(ALIASES))
        yield FeedRow(tenant, ENTERPRISES, tenant, EnterpriseView(head.name, aliases))


VIEWS = (
    View(ORDER_LINES, OrderLineView, derive_partners),
    View(PARTNERS, PartnerView),
    View(AGREEMENTS, AgreementView),
    View(ENTERPRISES, EnterpriseView),
)
