"""Dates and durations: what is before and after everything, lead times, and parts that are cut in two."""

from dataclasses import dataclass

import pytest

from services.chain.moments import LAST_MINUTE, NEVER, SINCE, delay_of, end_of, minute_of, moment_of, plus, split_at
from services.chain.pool_facts import SupplyPart


def test_a_moment_is_rounded_up_to_its_minute() -> None:
    assert [minute_of(at_ms) for at_ms in (0, 1, 59_999, 60_000, 60_001)] == [0, 1, 1, 1, 2]


def test_what_comes_after_the_last_year_has_no_moment() -> None:
    assert [moment_of(minute) for minute in (0, 1, LAST_MINUTE)] == [0, 60_000, LAST_MINUTE * 60_000]
    assert [moment_of(minute) for minute in (LAST_MINUTE + 1, minute_of(253_402_300_799_999), NEVER)] == [None] * 3


def test_never_swallows_what_is_added() -> None:
    assert plus(3, 4) == 7
    assert plus(3, NEVER, 4) == NEVER
    assert end_of(NEVER, 5) == NEVER
    assert end_of(7, 5) == 12


@pytest.mark.parametrize(
    ("date", "baseline", "delay"), [(5, 5, 0), (4, 5, 0), (7, 5, 2), (NEVER, 5, NEVER), (SINCE, 5, 0), (9, SINCE, 9)]
)
def test_a_delay_is_never_negative(date: int, baseline: int, delay: int) -> None:
    assert delay_of(date, baseline) == delay


@dataclass(frozen=True, slots=True)
class Evenings:
    """Works in the last 10 of every 100 minutes."""

    def end(self, start: int, lead_minutes: int) -> int:
        """The minute at which the work is done."""
        done = start - start % 100
        while True:
            opens = max(start, done + 90)
            if lead_minutes <= done + 100 - opens:
                return opens + lead_minutes
            lead_minutes -= max(0, done + 100 - opens)
            done += 100


def test_a_calendar_says_when_work_is_done() -> None:
    assert [end_of(start, 4, Evenings()) for start in (0, 90, 95, 97, 100)] == [94, 94, 99, 191, 194]


PARTS = (SupplyPart(3, 4), SupplyPart(7, 2), SupplyPart(NEVER, 5))


@pytest.mark.parametrize(
    ("units", "first", "rest"),
    [
        (-1, [], [(3, 4), (7, 2), (NEVER, 5)]),
        (0, [], [(3, 4), (7, 2), (NEVER, 5)]),
        (4, [(3, 4)], [(7, 2), (NEVER, 5)]),
        (5, [(3, 4), (7, 1)], [(7, 1), (NEVER, 5)]),
        (99, [(3, 4), (7, 2), (NEVER, 5)], []),
    ],
)
def test_parts_are_cut_at_a_unit(units: int, first: list[tuple[int, int]], rest: list[tuple[int, int]]) -> None:
    cut = split_at(PARTS, units)
    assert [[(part.date, part.quantity) for part in side] for side in cut] == [first, rest]
