"""Alerts are a function of the present delay; incidents group late lines by what made them late."""

import pytest

from services.chain.alerts import (
    AlertChange,
    AlertState,
    Incident,
    LateLine,
    alert_change,
    alert_state,
    incident_of,
    incidents,
)
from services.chain.causes import Root, RootClass
from services.chain.moments import NEVER


@pytest.mark.parametrize(
    ("delay", "tolerance", "state"),
    [
        (0, 0, AlertState.NONE),
        (1, 0, AlertState.LATE),
        (60, 60, AlertState.NONE),
        (61, 60, AlertState.LATE),
        (NEVER, 60, AlertState.SHORT),
    ],
)
def test_a_line_is_late_beyond_the_tolerance_of_its_edge(delay: int, tolerance: int, state: AlertState) -> None:
    assert alert_state(delay, tolerance) == state


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (0, 0, None),
        (0, 59, None),
        (59, 0, None),
        (0, 61, AlertChange.RAISED),
        (0, NEVER, AlertChange.RAISED),
        (61, 61, None),
        (61, 62, AlertChange.CHANGED),
        (61, NEVER, AlertChange.CHANGED),
        (NEVER, 61, AlertChange.CHANGED),
        (61, 60, AlertChange.CLEARED),
        (NEVER, 0, AlertChange.CLEARED),
    ],
)
def test_a_change_is_told_if_there_is_something_to_say(before: int, after: int, change: AlertChange | None) -> None:
    assert alert_change(before, after, tolerance_minutes=60) == change


@pytest.mark.parametrize(
    ("root", "incident"),
    [
        (Root("S", RootClass.REPORTED, "fire"), "fire"),
        (Root("S", RootClass.SHARED, "fire", culprit="R"), "fire"),
        (Root("S", RootClass.SILENT), "S"),
        (Root("S", RootClass.SHORT, missing=3), "S"),
        (Root("S", RootClass.SHARED, culprit="R"), "R"),
        (Root("S", RootClass.LOOP, members=("S", "T", "B")), "B"),
    ],
)
def test_an_incident_is_named_by_what_happened(root: Root, incident: str) -> None:
    assert incident_of(root) == incident


def test_one_fire_in_two_work_orders_is_one_incident() -> None:
    fire = [Root(flow, RootClass.REPORTED, "fire") for flow in ("W1", "W2")]
    lines = [
        LateLine("L1", ("maker", "leader"), fire[0]),
        LateLine("L2", ("nosy", "maker"), Root("S", RootClass.SILENT)),
        LateLine("L3", ("trader", "maker"), fire[1]),
    ]
    assert incidents(lines) == (
        Incident("fire", ("L1", "L3"), ("leader", "maker", "trader")),
        Incident("S", ("L2",), ("maker", "nosy")),
    )
