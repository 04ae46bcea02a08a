"""Dates of the chain model: whole minutes, SINCE before everything, NEVER after everything.

Deliberately lacks: calendars and time zones; here every minute is a working minute.
"""

from typing import Final

SINCE: Final = 0  # the date of stock, and of a flow that waits for nothing
NEVER: Final = 1 << 62


def plus(date: int, minutes: int) -> int:
    """The date so many minutes later; never stays never."""
    return NEVER if NEVER in (date, minutes) else date + minutes


def minus(date: int, earlier: int) -> int:
    """The minutes from an earlier finite date to a date; NEVER if the date is never."""
    return NEVER if date == NEVER else date - earlier


def published(date: int) -> int | None:
    """A date or a number of minutes as results show it: None stands for never."""
    return None if date == NEVER else date


def from_published(date: int | None) -> int:
    """A date or a number of minutes as facts and results show it, back to a number."""
    return NEVER if date is None else date


def merged(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Parts (date, quantity) in the order of their dates, those of one date as one, none of zero."""
    totals: dict[int, int] = {}
    for date, quantity in parts:
        totals[date] = totals.get(date, 0) + quantity
    return sorted((date, quantity) for date, quantity in totals.items() if quantity)
