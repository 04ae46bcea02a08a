"""What a buyer is exposed to: its open lines that are late or at risk, and what makes them late, one row per incident.

Owns: the views ``exposure`` and ``incidents``, both derived from the buyer's own rows of ``order-lines``: nothing gets
in here that the buyer could not see there. Deliberately lacks: the seller's side, and sums over currencies.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from services.kernel.values import EnterpriseId, Money
from services.order.line import OrderLineStage
from services.order.line_view import Alert, CauseView, OrderLineView
from services.order.sentences import sentence_en, sentence_zh
from services.order.terms import ZERO, ItemId, LineNumber, OrderNumber, Side

EXPOSURE, INCIDENTS = "exposure", "incidents"

NEVER_DAYS: Final = 365  # what never comes ranks as if it came a year late
_NANOS: Final = Decimal(1_000_000_000)

Read = Callable[[str, str], Any | None]
Derived = Mapping[tuple[str, str], Any | None]


class Risk(StrEnum):
    """SHORT: no date can be expected. LATE: beyond the tolerance, or overdue in silence. AT_RISK: late within it."""

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
    ``since_ms``: when the first line was late by it.
    """

    lines: int
    short_lines: int
    days_late: int
    since_ms: int


def exposure_of(line: OrderLineView | None) -> ExposureView | None:
    """The exposure that a row of ``order-lines`` shows, None if it shows none or to whom sells."""
    if line is None or line.role is not Side.BUYER or not (line.late or line.delay_minutes):
        return None
    if line.stage is not OrderLineStage.PLACED and line.stage is not OrderLineStage.CONFIRMED:
        return None
    open_quantity = line.quantity - line.received - line.cancelled
    if open_quantity <= ZERO:
        return None
    risk = _risk(line)
    days = NEVER_DAYS if risk is Risk.SHORT else line.days_late
    return ExposureView(
        line.partner, line.number, line.line, line.item, risk, line.unit, open_quantity, line.unit_price,
        line.promised_on, line.expected_on, line.days_late, line.delay_minutes,
        days * _price(line.unit_price) * open_quantity, line.late_since_ms,
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
    """The rows of ``exposure`` and ``incidents`` that change with a row of ``order-lines``."""
    before, after = exposure_of(old), exposure_of(new)
    line = before or after
    if before == after or line is None:
        return {}
    changed: dict[tuple[str, str], Any | None] = {(EXPOSURE, f"{line.number}/{line.line}"): after}
    left, joined = _incident(before), _incident(after)
    for reference in dict.fromkeys((left, joined)):
        if reference:
            row: IncidentView | None = read(INCIDENTS, reference)
            if reference == left:
                row = _without(row, before)
            if reference == joined:
                row = _with(row, after)
            changed[INCIDENTS, reference] = row
    return changed


def _incident(exposure: ExposureView | None) -> str:
    """The reference that a line counts under; one that is late within its tolerance counts nowhere."""
    return "" if exposure is None or exposure.late_since_ms is None else exposure.reference


def _with(row: IncidentView | None, late: ExposureView | None) -> IncidentView | None:
    if late is None or late.late_since_ms is None:
        return row
    short, days = _counted(late)
    if row is None:
        return IncidentView(1, short, days, late.late_since_ms)
    since = min(row.since_ms, late.late_since_ms)
    return IncidentView(row.lines + 1, row.short_lines + short, row.days_late + days, since)


def _without(row: IncidentView | None, late: ExposureView | None) -> IncidentView | None:
    if row is None or late is None or row.lines == 1:
        return None
    short, days = _counted(late)
    return replace(row, lines=row.lines - 1, short_lines=row.short_lines - short, days_late=row.days_late - days)


def _counted(late: ExposureView) -> tuple[int, int]:
    """Lines without a date, and days."""
    return (1, 0) if late.risk is Risk.SHORT else (0, late.days_late)
