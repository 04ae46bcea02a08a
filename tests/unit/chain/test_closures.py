"""Work that is held up by closed times, against counting the minutes one by one."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chain.causes import RootClass
from services.chain.closures import NOTHING_LOST, Closure, latest_start, lost
from services.chain.flow import Basis, expect
from services.chain.flow_facts import Flow
from services.chain.moments import NEVER

CLOSURES = st.lists(
    st.builds(
        lambda since, length: Closure(since, since + length, f"e{since}"), st.integers(0, 40), st.integers(1, 15)
    ),
    max_size=4,
)


def counted(start: int, minutes: int, closures: Sequence[Closure]) -> int:
    """The end of the work, minute by minute."""
    at = start
    while minutes:
        minutes -= not any(closure.since <= at < closure.until for closure in closures)
        at += 1
    return at


@given(st.integers(0, 60), st.integers(1, 20), CLOSURES)
def test_minutes_within_closures_do_not_count(start: int, minutes: int, closures: list[Closure]) -> None:
    found = lost(start, minutes, closures)
    assert found.minutes == counted(start, minutes, closures) - start - minutes
    assert (found.by is None) == (found.minutes == 0)


@given(st.integers(25, 90), st.integers(1, 20), CLOSURES)
def test_the_latest_start_ends_in_time_and_none_after_it(end: int, minutes: int, closures: list[Closure]) -> None:
    start = latest_start(end, minutes, closures)
    assert counted(start, minutes, closures) <= end < counted(start + 1, minutes, closures)


def test_what_stands_still_for_ever_never_ends() -> None:
    for_ever = Closure(5, NEVER, "flood")
    assert lost(2, 3, [for_ever]) == NOTHING_LOST
    assert lost(3, 3, [for_ever]) == (NEVER, for_ever)
    assert lost(NEVER, 3, [for_ever]) == NOTHING_LOST


@pytest.mark.parametrize(
    ("facts", "date", "kind"),
    [
        ({}, 70, RootClass.REPORTED),
        ({"lost": True}, NEVER, RootClass.LOST),
        ({"actual_start": 25}, 35, None),  # it worked at a time at which it is said to stand still
        ({"actual_start": 10, "lead_minutes": 20}, 70, RootClass.REPORTED),  # 10 before, and 10 after
        ({"actual_finish": 33}, 33, None),
        ({"estimated_finish": 75}, 75, RootClass.REPORTED),
        ({"site_minutes": 1, "planned_start": 15}, 25, None),  # it has left before
        ({"site_minutes": 1}, 70, RootClass.REPORTED),
    ],
)
def test_a_flow_of_ten_minutes_whose_site_is_closed_from_20_to_60(
    facts: dict[str, Any], date: int, kind: RootClass | None
) -> None:
    plan = {"planned_start": 30, "lead_minutes": 10, "baseline": 40, **facts}
    flow = Flow("w", "maker", 1, **plan, closures=(Closure(20, 60, "fire", "FIRE"),))
    found = expect(flow, (), 0)
    assert found.date == date
    if kind is None:
        assert found.cause is None
    else:
        assert found.cause is not None
        assert found.cause.root.kind is kind
    if date == 70:
        assert found.cause is not None
        assert (found.cause.root.event, found.cause.root.reason) == ("fire", "FIRE")
        assert found.parts[0].basis is Basis.REPORTED
