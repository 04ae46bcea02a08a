"""What two enterprises agree about a line: items, units, sites, promise basis, tolerances; and the checks at the door.

Owns: the ids of the order domain, ``Terms``, ``Delivery``, the conversion between the two units of a line.
Deliberately lacks: state; rules that depend on what happened before (they are in the aggregates).
"""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import NewType

from services.kernel.values import Money, Refused
from services.order.workday import is_zone

OrderNumber = NewType("OrderNumber", str)
LineNumber = NewType("LineNumber", str)
ItemId = NewType("ItemId", str)
SiteId = NewType("SiteId", str)

DELIVERIES_MAX = 100
ID_CHARS_MAX = 64
TEXT_CHARS_MAX = 500
LEAD_TIME_MINUTES_MAX = DELAY_TOLERANCE_MINUTES_MAX = 366 * 24 * 60
PRIORITY_MAX = 1_000_000
YEAR_MIN, YEAR_MAX = 2000, 2100

# ICC Incoterms 2020: the eleven rules.
INCOTERMS = frozenset(("EXW", "FCA", "CPT", "CIP", "DAP", "DPU", "DDP", "FAS", "FOB", "CFR", "CIF"))

ZERO = Decimal(0)
HUNDRED = Decimal(100)
_FINEST = Decimal("0.000001")


class Side(StrEnum):
    """Which of the two parties."""

    BUYER = "BUYER"
    SELLER = "SELLER"


class PromiseBasis(StrEnum):
    """What a promised date is the date of: leaving the seller's site, or arriving at the buyer's."""

    SHIP = "SHIP"
    DELIVER = "DELIVER"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A local date at the site of the promise, and an amount in the buyer's unit of the line."""

    due_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class UnitFactor:
    """Exact ratio of two units: amount in the seller's unit = amount in the buyer's × numerator ÷ denominator."""

    buyer_unit: str
    seller_unit: str
    numerator: int = 1
    denominator: int = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one item between buyer and seller. An agreement has them as defaults, a line as a stamp.

    ``time_zone`` is the IANA name of the site of the promise (ship-from for SHIP, ship-to for DELIVER), and
    ``day_ends_minute`` the minute after local midnight at which its working day ends (None: 1440). The tolerances are
    percent of the ordered quantity (None: 0). A line that is up to ``delay_tolerance_minutes`` behind its promise is no
    alert. ``ship_complete``: nothing of a line leaves before all of it can; else it goes in parts.
    """

    seller_item: ItemId
    factor: UnitFactor
    basis: PromiseBasis
    ship_from: SiteId
    ship_to: SiteId
    time_zone: str
    incoterm: str = ""
    incoterm_place: str = ""
    under_percent: Decimal | None = None
    over_percent: Decimal | None = None
    lead_time_minutes: int = 0
    day_ends_minute: int | None = None
    delay_tolerance_minutes: int = 0
    ship_complete: bool = False


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """One line as the buyer placed it; ``unit_price`` is for one of the buyer's unit, a lower priority goes first."""

    line: LineNumber
    buyer_item: ItemId
    terms: Terms
    requested: tuple[Delivery, ...]
    unit_price: Money | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class InboundLine:
    """A line that the seller of another line buys itself, and how much of that other line it is for (seller's unit).

    ``amount`` None: an equal share of what the named amounts leave.
    """

    number: OrderNumber
    line: LineNumber
    amount: Decimal | None = None


def to_seller(amount: Decimal, factor: UnitFactor) -> Decimal:
    """The amount in the seller's unit, rounded half up to a millionth where the ratio does not come out even."""
    if factor.numerator == factor.denominator:
        return amount
    return _rounded(amount * factor.numerator / factor.denominator)


def to_buyer(amount: Decimal, factor: UnitFactor) -> Decimal:
    """The amount in the buyer's unit, rounded as in ``to_seller``."""
    if factor.numerator == factor.denominator:
        return amount
    return _rounded(amount * factor.denominator / factor.numerator)


def _rounded(amount: Decimal) -> Decimal:
    fine = amount.quantize(_FINEST, ROUND_HALF_UP)
    return amount if fine == amount else fine


def total(deliveries: tuple[Delivery, ...]) -> Decimal:
    """The sum of the amounts, in the buyer's unit."""
    if len(deliveries) == 1:
        return deliveries[0].amount
    return sum((delivery.amount for delivery in deliveries), ZERO)


def less_percent(amount: Decimal, percent: Decimal | None) -> Decimal:
    """The amount less so many percent of it."""
    return amount * (HUNDRED - percent) / HUNDRED if percent else amount


def plus_percent(amount: Decimal, percent: Decimal | None) -> Decimal:
    """The amount plus so many percent of it."""
    return amount * (HUNDRED + percent) / HUNDRED if percent else amount


def is_id(text: str) -> bool:
    """True for 1 to 64 printable characters without a slash and without blanks at the ends."""
    return 0 < len(text) <= ID_CHARS_MAX and text.isprintable() and "/" not in text and text == text.strip()


def bad_id(text: str, field: str) -> Refused:
    """The refusal of an id."""
    return Refused("bad-id", f"give 1 to {ID_CHARS_MAX} printable characters without '/' for {field}", field)


def check_text(text: str, field: str) -> Refused | None:
    """A text for people: printable, at most 500 characters; may be empty."""
    if len(text) <= TEXT_CHARS_MAX and (not text or text.isprintable()):
        return None
    return Refused("bad-text", f"give at most {TEXT_CHARS_MAX} printable characters in one line", field)


def check_reason(code: str, text: str) -> Refused | None:
    """A reason: a code that is an id or empty, and a text."""
    if code and not is_id(code):
        return bad_id(code, "reason_code")
    return check_text(text, "reason_text")


def check_amount(amount: Decimal, field: str) -> Refused | None:
    """An amount: more than zero, less than 10^12, at most six decimals."""
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -6 and amount > ZERO and amount.adjusted() < 12:
        return None
    return Refused("bad-quantity", "give a quantity above zero, below 10^12 and with at most six decimals", field)


def check_day(day: date, field: str) -> Refused | None:
    """A date within the years that the chain plans in."""
    if YEAR_MIN <= day.year <= YEAR_MAX:
        return None
    return Refused("date-out-of-range", f"give a date between the years {YEAR_MIN} and {YEAR_MAX}", field)


def check_deliveries(deliveries: tuple[Delivery, ...], field: str) -> Refused | None:
    """A schedule: at most 100 deliveries, one per date, in the order of their dates; may be empty."""
    if len(deliveries) > DELIVERIES_MAX:
        return Refused("too-many-deliveries", f"give at most {DELIVERIES_MAX} deliveries per line", field)
    before: date | None = None
    for delivery in deliveries:
        refused = check_amount(delivery.amount, field) or check_day(delivery.due_on, field)
        if refused is not None:
            return refused
        if before is not None and delivery.due_on <= before:
            return Refused("dates-not-ascending", "give one delivery per date, the earliest first", field)
        before = delivery.due_on
    return None


def check_price(price: Money | None) -> Refused | None:
    """A price of zero or more in an ISO 4217 currency; may be absent."""
    if price is None:
        return None
    currency = price.currency
    is_currency = len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()
    if is_currency and price.units >= 0 and 0 <= price.nanos < 1_000_000_000:
        return None
    return Refused("bad-price", "give a price of zero or more and a currency of three capitals", "unit_price")


def is_unit(unit: str) -> bool:
    """True for the form of a UN/ECE Recommendation 20 code: two or three capitals or digits."""
    return 2 <= len(unit) <= 3 and unit.isascii() and unit.isalnum() and unit == unit.upper()


def check_terms(terms: Terms) -> Refused | None:
    """Why the terms cannot hold, or None."""
    factor = terms.factor
    for text, field in (
        (terms.seller_item, "seller_item"),
        (terms.ship_from, "ship_from"),
        (terms.ship_to, "ship_to"),
    ):
        if not is_id(text):
            return bad_id(text, field)
    if not (is_unit(factor.buyer_unit) and is_unit(factor.seller_unit)):
        return Refused("bad-unit", "give a UN/ECE Recommendation 20 code such as C62 or KGM", "factor")
    if not (0 < factor.numerator <= 1_000_000_000 and 0 < factor.denominator <= 1_000_000_000):
        return Refused("bad-unit-factor", "give whole numbers above zero for the ratio of the units", "factor")
    if factor.buyer_unit == factor.seller_unit and factor.numerator != factor.denominator:
        return Refused("bad-unit-factor", "one unit on both sides has the ratio 1; name the one that differs", "factor")
    if not is_zone(terms.time_zone):
        return Refused("unknown-time-zone", "give the IANA name of the site's zone, such as Europe/Berlin", "time_zone")
    if terms.incoterm and terms.incoterm not in INCOTERMS:
        return Refused("unknown-incoterm", "give an Incoterms 2020 code such as FCA, or none", "incoterm")
    if not 0 <= terms.lead_time_minutes <= LEAD_TIME_MINUTES_MAX:
        return Refused("bad-lead-time", "give minutes from shipping to arrival, at most a year", "lead_time_minutes")
    if terms.day_ends_minute is not None and not 1 <= terms.day_ends_minute <= 1440:
        return Refused("bad-day-end", "give the minute after midnight that ends the day, 1 to 1440", "day_ends_minute")
    if not 0 <= terms.delay_tolerance_minutes <= DELAY_TOLERANCE_MINUTES_MAX:
        return Refused("bad-tolerance", "give minutes that may pass unsaid, at most a year", "delay_tolerance_minutes")
    return (
        check_text(terms.incoterm_place, "incoterm_place")
        or _check_percent(terms.under_percent, HUNDRED, "under_percent")
        or _check_percent(terms.over_percent, HUNDRED * 10, "over_percent")
    )


def _check_percent(percent: Decimal | None, most: Decimal, field: str) -> Refused | None:
    if percent is None:
        return None
    exponent = percent.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -6 and ZERO <= percent <= most:
        return None
    return Refused("bad-tolerance", f"give percent between 0 and {most}, with at most six decimals", field)


def check_placed_line(line: PlacedLine) -> Refused | None:
    """Why the line cannot be placed, whatever the order; or None."""
    if not is_id(line.line):
        return bad_id(line.line, "line")
    if not is_id(line.buyer_item):
        return bad_id(line.buyer_item, "buyer_item")
    if not 0 <= line.priority <= PRIORITY_MAX:
        return Refused("bad-priority", f"give a whole number from 0 (first) to {PRIORITY_MAX}", "priority")
    return check_terms(line.terms) or check_deliveries(line.requested, "requested") or check_price(line.unit_price)
