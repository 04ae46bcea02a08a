"""What buyer and seller see of their orders, agreements and themselves.

Owns: which rows follow from which facts, and the rows of the views ``partners`` (sums per partner and role),
``agreements`` and ``enterprises``; those of ``order-lines`` are in ``line_view``, what a buyer is exposed to in
``exposure``. Deliberately lacks: anything from beyond the direct partner.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from services.kernel.frozen import maker
from services.kernel.model import FeedRow, Rows, View
from services.kernel.values import EnterpriseId, Origin
from services.order import agreement, incident, order
from services.order.agreement import Agreement
from services.order.demand import DEMAND_CHANGES, DemandChangeRow, derive_demand_changes
from services.order.enterprise import ALIASES, NAMINGS, Alias, NamingAskNoted
from services.order.exposure import (
    EXPOSURE,
    INCIDENT_NOTES,
    INCIDENTS,
    ExposureView,
    IncidentNotesView,
    IncidentView,
    derive_exposure,
    derive_from_notes,
)
from services.order.incident import Notes
from services.order.line import HEAD, Line, Order, is_open, line_key
from services.order.line_view import OrderLineView, line_views
from services.order.order_facts import (
    CallOffReleased,
    LinesAdded,
    NamingRelayed,
    NamingSought,
    OrderCompleted,
    OrderPlaced,
    WatchMoved,
)
from services.order.ranking import INCIDENT_LINES, INCIDENT_PLACES, Derived, IncidentLineView, IncidentPlaceView, Read
from services.order.references import References
from services.order.terms import ItemId, LineNumber, Side, Terms
from services.order.waiting import ACCOUNT, WAITING, AccountView, WaitingView, derive_waiting

ORDER_LINES, PARTNERS, AGREEMENTS, ENTERPRISES = "order-lines", "partners", "agreements", "enterprises"


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
    """One agreement as either side sees it, row id ``<buyer>/<seller>/<buyer item>``.

    Both grants are empty: an agreement shows nobody more. Whom an enterprise lets read its name is in ``enterprises``.
    """

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
    """The tenant's own name, aliases and the enterprises that may know it behind a delay, row id is its id."""

    name: str
    aliases: tuple[Alias, ...]
    named_to: tuple[EnterpriseId, ...] = ()


def projector(references: References) -> Callable[[str, Rows, tuple[Any, ...], Origin], Iterator[FeedRow]]:
    """The function that gives the feed rows which follow from facts; its ``rows`` are the aggregate's after them."""

    def project(key: str, rows: Rows, facts: tuple[Any, ...], origin: Origin) -> Iterator[FeedRow]:
        kind = key[: key.index("/")]
        if kind == "order":
            return _project_order(key, rows, facts, references)
        if kind == "agreement":
            return _project_agreement(key, rows)
        if kind == "incident":
            return _project_incident(key, rows)
        return _project_enterprise(key, rows, facts)

    return project


_OF_LINES = (OrderPlaced, LinesAdded, CallOffReleased)
_OF_THE_ORDER = (WatchMoved, OrderCompleted, NamingSought, NamingRelayed)


def _project_order(key: str, rows: Rows, facts: tuple[Any, ...], references: References) -> Iterator[FeedRow]:
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
            for_buyer, for_seller = line_views(buyer, number, head, line, references)
            yield FeedRow(buyer, ORDER_LINES, row_id, for_buyer)
            yield FeedRow(head.seller, ORDER_LINES, row_id, for_seller)


def derive_from_lines(old: OrderLineView | None, new: OrderLineView | None, read: Read) -> Derived:
    """The rows of other views that change with a row of ``order-lines``."""
    partners = derive_partners(old, new, read)
    line = new or old
    further: Derived
    if line is None or line.role is Side.BUYER:
        further = derive_exposure(old, new, read)
    else:
        further = {**derive_demand_changes(old, new), **derive_waiting(old, new, read)}
    return {**partners, **further} if further else partners


def derive_partners(old: OrderLineView | None, new: OrderLineView | None, read: Read) -> Derived:
    """The partner's sums with the difference that a line makes; nothing where it makes none."""
    before, after = _counted(old), _counted(new)
    line = new or old
    if before == after or line is None:
        return {}
    row_id = f"{line.role}/{line.partner}"
    row: PartnerView | None = read(PARTNERS, row_id)
    lines, open_lines, late, days = _NONE if row is None else (row.lines, row.open_lines, row.late_lines, row.days_late)
    lines += after[0] - before[0]
    if not lines:
        return {(PARTNERS, row_id): None}
    open_lines, late, days = open_lines + after[1] - before[1], late + after[2] - before[2], days + after[3] - before[3]
    return {(PARTNERS, row_id): new_partner(line.role, line.partner, lines, open_lines, late, days)}


new_partner = maker(PartnerView)
_NONE: Final = (0, 0, 0, 0)


def _counted(row: OrderLineView | None) -> tuple[int, int, int, int]:
    if row is None:
        return _NONE
    return (1, int(is_open(row)), int(row.late), row.days_late)


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
    for side, viewer, partner in ((Side.BUYER, buyer, seller), (Side.SELLER, seller, buyer)):
        view = AgreementView(
            side, partner, item, stage, head.terms, head.proposed, head.proposed_by, head.revision, (), ()
        )
        yield FeedRow(viewer, AGREEMENTS, f"{buyer}/{seller}/{item}", view)


def _project_incident(key: str, rows: Rows) -> Iterator[FeedRow]:
    viewer, reference = incident.parties_of_key(key)
    notes: Notes | None = rows.get(incident.HEAD)
    view = notes and IncidentNotesView(reference, notes.acknowledged_by, notes.acknowledged_at_ms, notes.comments)
    yield FeedRow(viewer, INCIDENT_NOTES, reference, view)


def _project_enterprise(key: str, rows: Rows, facts: tuple[Any, ...]) -> Iterator[FeedRow]:
    """Who asks for the enterprise's name is not the enterprise's to know, not even that somebody does."""
    head = rows.get("head")
    if head is not None and not (facts and all(isinstance(fact, NamingAskNoted) for fact in facts)):
        tenant = EnterpriseId(key.split("/", 1)[1])
        aliases = tuple(alias for _, alias in rows.scan(ALIASES))
        named_to = tuple(naming.viewer for _, naming in rows.scan(NAMINGS))
        yield FeedRow(tenant, ENTERPRISES, tenant, EnterpriseView(head.name, aliases, named_to))


VIEWS = (
    View(ORDER_LINES, OrderLineView, derive_from_lines),
    View(PARTNERS, PartnerView),
    View(EXPOSURE, ExposureView),
    View(DEMAND_CHANGES, DemandChangeRow),
    View(WAITING, WaitingView),
    View(ACCOUNT, AccountView),
    View(INCIDENTS, IncidentView),
    View(INCIDENT_NOTES, IncidentNotesView, derive_from_notes),
    View(INCIDENT_LINES, IncidentLineView),
    View(INCIDENT_PLACES, IncidentPlaceView),
    View(AGREEMENTS, AgreementView),
    View(ENTERPRISES, EnterpriseView),
)
