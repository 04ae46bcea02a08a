"""What a buyer is exposed to: its open lines that are late or at risk, and what makes them late, one row per incident.

Owns: the views ``exposure`` and ``incidents``, both derived from the buyer's own rows of ``order-lines``: nothing gets
in here that the buyer could not see there. Sums are kept by the difference that a line makes, the worst line is in
``ranking``. Deliberately lacks: the seller's side, and sums over currencies.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from services.chain.flow import Basis
from services.kernel.values import EnterpriseId, Money
from services.order.incident import Comment, IncidentState
from services.order.line_view import Alert, CauseView, OrderLineView, open_quantity
from services.order.ranking import Derived, IncidentLineView, Ranking, Read
from services.order.sentences import sentence_en, sentence_zh
from services.order.terms import ZERO, ItemId, LineNumber, OrderNumber, Side

EXPOSURE, INCIDENTS, INCIDENT_NOTES = "exposure", "incidents", "incident-notes"

NEVER_DAYS: Final = 365  # what never comes ranks as if it came a year late
_NANOS: Final = Decimal(1_000_000_000)


class Risk(StrEnum):
    """SHORT: no date can be expected. LATE: beyond the tolerance, or overdue in silence. AT_RISK: late within it, or
    nobody can tell: the chain behind it is too long to follow.
    """

    SHORT = "SHORT"
    LATE = "LATE"
    AT_RISK = "AT_RISK"


@dataclass(frozen=True, slots=True)
class ExposureView:
    """One open line that the enterprise buys and that is late or at risk, row id ``<number>/<line>``.

    ``open_quantity`` is what is still to come, in the buyer's ``unit``; ``rank_value`` is days late × price × open
    quantity in the currency of the price, with 365 days for what will not come, 0 without a price.
    """

    partner: EnterpriseId
    number: OrderNumber
    line: LineNumber
    item: ItemId
    risk: Risk
    unit: str
    open_quantity: Decimal
    unit_price: Money | None
    promised_on: date | None
    expected_on: date | None
    days_late: int
    delay_minutes: int
    rank_value: Decimal
    late_since_ms: int | None
    reference: str
    cause: CauseView | None
    sentence_en: str
    sentence_zh: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One root and the enterprise's own lines that are late by it, row id is the reference.

    ``days_late`` is the sum over the lines that have a date to expect, ``short_lines`` counts those that have none.
    ``worst_line`` is its row id in ``exposure``. ``since_ms``: when the first line was late by it. ``comments``: the
    last ones, oldest first. Taken up by somebody it stays, RESOLVED and without lines, until it is closed.
    """

    lines: int
    short_lines: int
    days_late: int
    worst_line: str
    worst_days_late: int
    since_ms: int
    state: IncidentState = IncidentState.OPEN
    acknowledged_by: str = ""
    acknowledged_at_ms: int | None = None
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentNotesView:
    """What the enterprise's people say about an incident, row id is the reference; ``incidents`` shows it."""

    reference: str
    acknowledged_by: str
    acknowledged_at_ms: int | None
    comments: tuple[Comment, ...]


def exposure_of(line: OrderLineView | None) -> ExposureView | None:
    """The exposure that a row of ``order-lines`` shows, None if it shows none or to whom sells."""
    if line is None or not (line.late or line.delay_minutes or line.expected_basis is Basis.OUTDATED):
        return None
    if not (quantity := open_quantity(line, Side.BUYER)):
        return None
    risk = _risk(line)
    days = NEVER_DAYS if risk is Risk.SHORT else line.days_late
    return ExposureView(
        line.partner, line.number, line.line, line.item, risk, line.unit, quantity, line.unit_price,
        line.promised_on, line.expected_on, line.days_late, line.delay_minutes,
        days * _price(line.unit_price) * quantity, line.late_since_ms,
        line.cause.reference if line.cause else "", line.cause, sentence_en(line), sentence_zh(line),
    )  # fmt: skip


def _risk(line: OrderLineView) -> Risk:
    if line.alert is Alert.SHORT:
        return Risk.SHORT
    if line.alert is Alert.LATE or line.expected_basis is None or line.overdue:
        return Risk.LATE
    return Risk.AT_RISK


def _price(price: Money | None) -> Decimal:
    return ZERO if price is None else price.units + price.nanos / _NANOS


def derive_exposure(old: OrderLineView | None, new: OrderLineView | None, read: Read) -> Derived:
    """The rows of ``exposure`` and of incidents that change with a row of ``order-lines``."""
    before, after = exposure_of(old), exposure_of(new)
    exposed = after or before
    if before == after or exposed is None:
        return {}
    changed: dict[tuple[str, str], Any | None] = {(EXPOSURE, f"{exposed.number}/{exposed.line}"): after}
    left, joined = _late_by(before), _late_by(after)
    for reference in dict.fromkeys(late.reference for late in (left, joined) if late):
        changed |= _incident(
            reference,
            left if left and left.reference == reference else None,
            joined if joined and joined.reference == reference else None,
            read,
        )
    return changed


@dataclass(frozen=True, slots=True)
class _Late:
    """A line as its incident counts it."""

    reference: str
    since_ms: int
    line: IncidentLineView


def _late_by(exposure: ExposureView | None) -> "_Late | None":
    """What counts under an incident: a line of which an alert stands and the cause is known."""
    if exposure is None or exposure.cause is None or exposure.late_since_ms is None:
        return None
    short = exposure.risk is Risk.SHORT
    days, reference = 0 if short else exposure.days_late, exposure.cause.reference
    line = IncidentLineView(reference, exposure.number, exposure.line, days, short)
    return _Late(reference, exposure.late_since_ms, line)


def _incident(reference: str, left: _Late | None, joined: _Late | None, read: Read) -> Derived:
    """The rows of one incident after a line is not any more, or is now, or is another way, late by it."""
    row: IncidentView | None = read(INCIDENTS, reference)
    lines, short, days, since = (row.lines, row.short_lines, row.days_late, row.since_ms) if row else (0, 0, 0, None)
    since = since if lines else None  # resolved and back again: it counts from now
    ranking = Ranking(reference, lines, read)
    if left:
        lines, short, days = lines - 1, short - left.line.short, days - left.line.days_late
        if not joined:
            ranking.remove(left.line.id)
    if joined:
        lines, short, days = lines + 1, short + joined.line.short, days + joined.line.days_late
        since = joined.since_ms if since is None else min(since, joined.since_ms)
        ranking.put(joined.line)
    worst, notes = ranking.worst, read(INCIDENT_NOTES, reference)
    if since is None:  # nobody was late by it before, nor is now
        return {**ranking.changed, (INCIDENTS, reference): None}
    name, worst_days = (worst.id, worst.days_late) if worst else ("", 0)
    incident = IncidentView(lines, short, days, name, worst_days, since)
    return {**ranking.changed, (INCIDENTS, reference): _noted(incident, notes)}


def derive_from_notes(old: IncidentNotesView | None, new: IncidentNotesView | None, read: Read) -> Derived:
    """The incident with what people say about it; nothing where no line is or was late by it."""
    either = new or old
    row: IncidentView | None = read(INCIDENTS, either.reference) if either else None
    if either is None or row is None:
        return {}
    return {(INCIDENTS, either.reference): _noted(row, new)}


def _noted(row: IncidentView, notes: IncidentNotesView | None) -> IncidentView | None:
    """The row with the notes of now; None for one that nobody is late by and nobody has taken up."""
    if notes is None:
        return (
            replace(row, state=IncidentState.OPEN, acknowledged_by="", acknowledged_at_ms=None, comments=())
            if row.lines
            else None
        )
    state = IncidentState.OPEN if notes.acknowledged_at_ms is None else IncidentState.CONFIRMED
    return replace(
        row, state=state if row.lines else IncidentState.RESOLVED, acknowledged_by=notes.acknowledged_by,
        acknowledged_at_ms=notes.acknowledged_at_ms, comments=notes.comments,
    )  # fmt: skip
