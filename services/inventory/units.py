"""Amounts at the door: units, exact ratios between them, and the one rounding there is.

Every amount of a pool is in its base unit, with at most six decimals and below 10^12, so that sums are exact in decimal
arithmetic of 28 digits. Deliberately lacks: a list of unit codes (UN/ECE Recommendation 20 is revised twice a year),
and any conversion that nobody stated.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from services.chain.quantities import MILLIONTHS_PER_UNIT, amount_of
from services.kernel.values import Quantity, Refused

ZERO = Decimal(0)
STEP = Decimal("0.000001")
AMOUNT_MAX = Decimal(10) ** 12
RATIO_PART_MAX = 10**12


@dataclass(frozen=True, slots=True)
class UnitConversion:
    """One ``unit`` is numerator / denominator of the item's base unit; exact, e.g. 1 pallet = 480 / 1 pieces."""

    unit: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class UnitFactor:
    """Stamped on a command: one of the unit it speaks in is numerator / denominator of ``base_unit``."""

    base_unit: str
    numerator: int
    denominator: int


def refuse_unit(unit: str, field: str) -> Refused | None:
    """Why the text cannot be a UN/ECE Recommendation 20 code (1 to 3 capital letters and digits), or None if it can."""
    if 0 < len(unit) <= 3 and unit.isascii() and unit.isalnum() and unit == unit.upper():
        return None
    return Refused("unit-invalid", "send a UN/ECE Recommendation 20 code, such as C62 for pieces or KGM", field)


def refuse_ratio(numerator: int, denominator: int, field: str) -> Refused | None:
    """Why the two numbers are no ratio between units (each 1 to 10^12), or None if they are."""
    if 0 < numerator <= RATIO_PART_MAX and 0 < denominator <= RATIO_PART_MAX:
        return None
    return Refused("factor-invalid", f"send numerator and denominator of {field} between 1 and {RATIO_PART_MAX}", field)


def refuse_amount(amount: Decimal, field: str) -> Refused | None:
    """Why the amount, of either sign, is not one a pool can keep, or None if it is."""
    if not amount.is_finite() or abs(amount) >= AMOUNT_MAX:
        return Refused("quantity-out-of-range", f"send {field} as a number below {AMOUNT_MAX:f}", field)
    if amount != amount.quantize(STEP):
        return Refused("quantity-too-fine", f"send {field} with at most six decimals", field)
    return None


def converted(amount: Decimal, factor: UnitFactor) -> Decimal:
    """The amount in the factor's base unit: multiplied exactly, then rounded half to even at six decimals."""
    return amount_of(round(Fraction(amount) * factor.numerator * MILLIONTHS_PER_UNIT / factor.denominator))


def total_at_the_door(amount: Quantity | None) -> Decimal:
    """A total as another service states it, made one that a pool can keep: never refused, at least zero.

    Absent, negative or no number is zero; what is beyond the range is the end of the range; finer than six decimals is
    rounded half to even.
    """
    if amount is None or not amount.amount.is_finite() or amount.amount <= 0:
        return ZERO
    if amount.amount >= AMOUNT_MAX:
        return AMOUNT_MAX
    rounded = amount.amount.quantize(STEP, ROUND_HALF_EVEN)
    return amount.amount if rounded == amount.amount else rounded
