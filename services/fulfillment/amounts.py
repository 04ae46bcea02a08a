"""Amounts at the door, and the exact factor between a seller's and a buyer's unit.

Amounts have at most six decimals and stay below 10^12, as a pool keeps them. Deliberately lacks: any list of units, and
any factor that was not agreed on the line.
"""

from decimal import ROUND_FLOOR, Context, Decimal
from typing import Final

from services.kernel.values import Quantity, Refused

ZERO: Final = Decimal(0)
AMOUNT_MAX: Final = Decimal(10) ** 12
INSTANT_MAX_MS: Final = 253_402_300_799_000
"""The last second of the year 9999: what a protobuf Timestamp can hold."""
LEAD_TIME_MINUTES_MAX: Final = 2 * 366 * 24 * 60
MINUTE_MS: Final = 60_000

_STEP: Final = Decimal("0.000001")
_EXACT: Final = Context(prec=60)
_DOWN: Final = Context(prec=60, rounding=ROUND_FLOOR)


def refuse_quantity(quantity: Quantity, field: str, zero_allowed: bool = False) -> Refused | None:
    """Why the quantity is none that goods can have (above zero, at most six decimals, below 10^12), or None."""
    amount = quantity.amount
    if not amount.is_finite() or amount < 0 or amount >= AMOUNT_MAX or (amount == 0 and not zero_allowed):
        least = "from zero on" if zero_allowed else "above zero"
        return Refused("quantity-out-of-range", f"send {field} as a number {least} and below {AMOUNT_MAX:f}", field)
    if amount.quantize(_STEP, context=_EXACT) != amount:
        return Refused("quantity-too-fine", f"send {field} with at most six decimals", field)
    if not (0 < len(quantity.unit) <= 3 and quantity.unit.isascii() and quantity.unit.isalnum()):
        return Refused("unit-invalid", "send a UN/ECE Recommendation 20 code, such as C62 for pieces or KGM", field)
    return None


def refuse_instant(at_ms: int, field: str) -> Refused | None:
    """Why the instant (milliseconds since 1970 UTC) is out of the calendar, or None if it is in it."""
    if 0 < at_ms <= INSTANT_MAX_MS:
        return None
    return Refused("date-out-of-range", f"send {field} between 1970 and 9999", field)


def refuse_future(at_ms: int, field: str, now_ms: int) -> Refused | None:
    """Why the instant can not be that of something that happened, or None if it is over."""
    if at_ms <= now_ms:
        return None
    return Refused("actual-in-future", "report what happened when it has happened, or send an estimate", field)


def refuse_lead_time(minutes: int, field: str) -> Refused | None:
    """Why the minutes are no lead time: every flow ends at least a minute after it starts, at most two years."""
    if 1 <= minutes <= LEAD_TIME_MINUTES_MAX:
        return None
    return Refused("lead-time-invalid", f"send {field} between 1 and {LEAD_TIME_MINUTES_MAX} minutes", field)


def in_range(at_ms: int) -> int:
    """The instant, or the nearest that the calendar has."""
    return min(max(at_ms, 1), INSTANT_MAX_MS)


def scaled(amount: Decimal, to: Decimal, of: Decimal) -> Decimal:
    """amount × to ÷ of, multiplied first and rounded down at six decimals; the amount itself if ``to`` equals ``of``.

    Applied to totals, never to differences: the parts of a whole then add up to it, whatever the factor.
    """
    if to == of or not of:
        return amount
    return _DOWN.divide(_EXACT.multiply(amount, to), of).quantize(_STEP, rounding=ROUND_FLOOR, context=_EXACT)


def first_refusal(*refusals: Refused | None) -> Refused | None:
    """The first of the refusals, or None if there is none."""
    return next((refused for refused in refusals if refused is not None), None)
