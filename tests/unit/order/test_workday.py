"""Local dates and instants: clock changes, and the law that one is the inverse of the other."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.order.workday import due_at_ms, is_zone, working_day

ZONES: Final = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Shanghai", "Asia/Kolkata", "Africa/Cairo",
    "Pacific/Apia", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut",
)  # fmt: skip
days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
ends = st.one_of(st.none(), st.integers(1, 1440))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


@pytest.mark.parametrize(
    ("day", "zone", "minute", "wanted"),
    [
        (date(2026, 3, 28), "Europe/Berlin", None, "2026-03-28T23:00"),
        (date(2026, 3, 29), "Europe/Berlin", None, "2026-03-29T22:00"),  # the clock went forward at two
        (date(2026, 10, 25), "Europe/Berlin", None, "2026-10-25T23:00"),  # and back
        (date(2026, 3, 29), "Europe/Berlin", 17 * 60, "2026-03-29T15:00"),
        (date(2026, 3, 20), "Asia/Kolkata", 1020, "2026-03-20T11:30"),
        (date(2022, 9, 10), "America/Santiago", None, "2022-09-11T04:00"),  # that midnight was skipped
        (date(2026, 2, 28), "UTC", None, "2026-03-01T00:00"),
    ],
)
def test_the_end_of_a_working_day(day: date, zone: str, minute: int | None, wanted: str) -> None:
    assert due_at_ms(day, zone, minute) == at(wanted)


@given(days, st.sampled_from(ZONES), ends)
def test_a_day_ends_on_itself_and_the_next_millisecond_is_tomorrow(day: date, zone: str, minute: int | None) -> None:
    due = due_at_ms(day, zone, minute)
    if due_at_ms(day - timedelta(1), zone, minute) == due:
        return  # the date line moved: Samoa had no 30 December 2011
    assert working_day(due, zone, minute) == day
    assert working_day(due + 1, zone, minute) > day


@given(days, st.sampled_from(ZONES), ends)
def test_a_later_date_is_never_due_earlier(day: date, zone: str, minute: int | None) -> None:
    assert due_at_ms(day, zone, minute) <= due_at_ms(day + timedelta(1), zone, minute)


@given(st.integers(at("2000-01-02T00:00"), at("2099-12-30T00:00")), st.sampled_from(ZONES), ends)
def test_an_instant_lies_in_its_working_day(at_ms: int, zone: str, minute: int | None) -> None:
    day = working_day(at_ms, zone, minute)
    assert due_at_ms(day - timedelta(1), zone, minute) < at_ms <= due_at_ms(day, zone, minute)


NO_ZONES: Final = ("", "Berlin", "localtime", "posix/Europe/Berlin", "right/UTC", "Europe", "../UTC", "/etc/UTC")


@pytest.mark.parametrize("name", NO_ZONES)
def test_names_that_are_no_zone(name: str) -> None:
    assert not is_zone(name)
    with pytest.raises(ValueError, match="no such time zone"):
        due_at_ms(date(2026, 1, 1), name)


def test_an_instant_beyond_all_calendars_stops_nobody() -> None:
    assert working_day(10**17, "Asia/Shanghai").year > 9_000
    assert working_day(-(10**17), "Asia/Shanghai").year in (1969, 1970)
