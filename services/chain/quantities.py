"""Quantities of the computation: whole millionths of a unit, so that none is ever rounded on the way.

Owns: the way in and out. Deliberately lacks: units, and amounts finer than six decimals (the services refuse them).
"""

from decimal import Decimal
from typing import Final

MILLIONTHS_PER_UNIT: Final = 1_000_000
_MILLIONTH: Final = Decimal("0.000001")


def millionths(amount: Decimal) -> int:
    """An amount, of at most six decimals, as the chain counts it."""
    return int(amount * MILLIONTHS_PER_UNIT)


def amount_of(millionths: int) -> Decimal:
    """The amount that so many millionths are, without decimals that are not needed for whole units."""
    whole, rest = divmod(millionths, MILLIONTHS_PER_UNIT)
    return Decimal(millionths) * _MILLIONTH if rest else Decimal(whole)
