"""When a promised local date is over: the end of the working day at a site, as an instant.

Owns: the mapping between local dates and instants (whole milliseconds since 1970 UTC) in an IANA zone.
Deliberately lacks: holidays and shifts. The zone's rules come from the time zone database that is installed, so results
for far dates may change with it; therefore nothing computed here is ever part of a row.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY_MINUTES = 1440

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 250_000_000_000_000  # in the year 9892: a far instant is clipped, it must not stop the one who looks at it
_MS = timedelta(milliseconds=1)
_DAY = timedelta(days=1)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    # Names such as "localtime" or "posix/…" mean another thing on another machine.
    if not (name == "UTC" or "/" in name) or name.startswith(("posix/", "right/")):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # not in the database, no name at all, the name of a folder
        return None


def is_zone(name: str) -> bool:
    """True for "UTC" and the area/place names of the IANA time zone database."""
    return _zone(name) is not None


def is_instant(at_ms: int) -> bool:
    """True for an instant (ms since 1970 UTC) that a calendar has."""
    return 0 < at_ms <= _LAST_MS


@lru_cache(maxsize=1 << 16)
def due_at_ms(due_on: date, time_zone: str, day_ends_minute: int | None = None) -> int:
    """The instant (ms since 1970 UTC) at which the working day of the local date ends.

    ``day_ends_minute`` counts from local midnight on the wall clock, None for 1440, the midnight that ends the date. A
    wall time that the clock shows twice is its first showing; one that it skips is the moment of the skip or later (the
    fold of PEP 495 at 0). Raises ValueError for an unknown zone.
    """
    zone = _zone(time_zone)
    if zone is None:
        raise ValueError(f"no such time zone: {time_zone}")
    minutes = DAY_MINUTES if day_ends_minute is None else day_ends_minute
    wall = datetime(due_on.year, due_on.month, due_on.day, tzinfo=zone) + timedelta(minutes=minutes)
    return (wall - _EPOCH) // _MS


@lru_cache(maxsize=1 << 16)
def working_day(at_ms: int, time_zone: str, day_ends_minute: int | None = None) -> date:
    """The first local date whose working day is not over before the instant (ms since 1970 UTC).

    So an instant just after closing time belongs to the next date, and ``working_day(due_at_ms(d)) == d``. Raises
    ValueError for an unknown zone.
    """
    zone = _zone(time_zone)
    if zone is None:
        raise ValueError(f"no such time zone: {time_zone}")
    minutes = DAY_MINUTES if day_ends_minute is None else day_ends_minute
    at_ms = min(max(at_ms, 0), _LAST_MS)
    wall = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).replace(tzinfo=None)
    day = (wall - timedelta(minutes=minutes)).date()
    while due_at_ms(day, time_zone, day_ends_minute) < at_ms:
        day += _DAY
    while due_at_ms(day - _DAY, time_zone, day_ends_minute) >= at_ms:
        day -= _DAY
    return day
