"""Dates and durations of the computation: whole minutes, with a first and a last date that no calendar knows.

Owns: what is before everything and after everything, how a lead time is added, how dated parts are cut in two.
Deliberately lacks: time zones and days (people see those; they are made where people look), and any clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

SINCE: Final = 0
"""The date of stock: before everything. Real dates are whole minutes since 1970 UTC, hence greater."""

NEVER: Final = 2**53 - 1
"""Greater than every date, and as a duration longer than every other; exact in every number format that clients use."""

LAST_MINUTE: Final = 253_402_300_799 // 60
"""The last minute of the year 9999, in which calendars and wire formats end; what is said to come later never comes."""

_MS_PER_MINUTE: Final = 60_000


def minute_of(at_ms: int) -> int:
    """The minute of a moment (milliseconds since 1970 UTC), rounded up: what is said to come is never too early."""
    return -(-at_ms // _MS_PER_MINUTE)


def moment_of(minute: int) -> int | None:
    """The moment (milliseconds since 1970 UTC) of a date; None for what never comes."""
    return minute * _MS_PER_MINUTE if minute <= LAST_MINUTE else None


def plus(*minutes: int) -> int:
    """The sum of dates and durations; with NEVER among them it is NEVER."""
    return NEVER if NEVER in minutes else sum(minutes)


def delay_of(date: int, baseline: int) -> int:
    """How many minutes a date is behind its baseline: 0 if it is not, NEVER if there is no date to expect."""
    if date == NEVER:
        return NEVER
    return max(0, date - baseline)


class Calendar(Protocol):
    """When work is done. Only calendars for which a later start never ends earlier give one answer to every chain."""

    def end(self, start: int, lead_minutes: int) -> int:
        """The date at which so many minutes of work (at least 1) are done; monotone in start, and later than it."""


@dataclass(frozen=True, slots=True)
class AlwaysOpen:
    """The calendar of those who named none."""

    def end(self, start: int, lead_minutes: int) -> int:
        """The start plus the lead time."""
        return start + lead_minutes


ALWAYS_OPEN: Final = AlwaysOpen()


def end_of(start: int, lead_minutes: int, calendar: Calendar = ALWAYS_OPEN) -> int:
    """The date at which a lead time from a start is over; what never starts never ends."""
    return NEVER if start == NEVER else calendar.end(start, lead_minutes)


class Dated(Protocol):
    """A share of a quantity with its own date."""

    @property
    def quantity(self) -> int:
        """In whole units."""


PartT = TypeVar("PartT", bound=Dated)


def split_at(parts: Sequence[PartT], units: int) -> tuple[tuple[PartT, ...], tuple[PartT, ...]]:
    """The first so many units of parts, and the rest; a part that straddles the border is cut. Order is kept."""
    first: list[PartT] = []
    rest: list[PartT] = []
    for part in parts:
        taken = min(max(units, 0), part.quantity)
        units -= taken
        if taken:
            first.append(_resized(part, taken))
        if taken < part.quantity:
            rest.append(_resized(part, part.quantity - taken))
    return tuple(first), tuple(rest)


def _resized(part: PartT, quantity: int) -> PartT:
    if part.quantity == quantity:
        return part
    resizable: Any = part  # a protocol can not say "and it is a dataclass"
    return replace(resizable, quantity=quantity)  # type: ignore[no-any-return]
