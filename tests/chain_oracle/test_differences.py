"""Comparing two results: what must be seen, and what must not matter."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.chain_oracle.differences import differences
from tests.chain_oracle.expected import expected_story


def two_late_lines() -> dict[str, Any]:
    flow = {"enterprise": "M", "kind": "line", "output": "M/x", "quantity": 3, "planned_start": 10, "lead_minutes": 5}
    late = {"baseline": 15, "estimated_finish": 25, "event": "fire", "inputs": []}
    facts = {"now": 0, "pools": {"M/x": {"stock": 0}}, "flows": [{"id": name, **flow, **late} for name in ("A", "B")]}
    return expected_story([facts])[0]


def test_equal_results_have_no_differences() -> None:
    assert differences(two_late_lines(), two_late_lines()) == []


def test_order_of_alerts_and_of_lines_of_an_incident_does_not_matter() -> None:
    got = two_late_lines()
    got["alerts"].reverse()
    got["incidents"]["fire"].reverse()
    assert got != two_late_lines()
    assert differences(two_late_lines(), got) == []


def test_every_changed_field_is_named_with_its_path() -> None:
    expected = two_late_lines()
    changes: dict[str, Callable[[dict[str, Any]], object]] = {
        "/flows/A/hop/own": lambda got: got["flows"]["A"]["hop"].update(own=11),
        "/flows/A/hops[0]/out": lambda got: got["flows"]["A"]["hops"][0].update(out=11),
        "/flows/A/parts[0][1]": lambda got: got["flows"]["A"]["parts"][0].__setitem__(1, 4),
        "/flows/B: missing": lambda got: got["flows"].pop("B"),
        "/flows/C: not expected": lambda got: got["flows"].update(C={}),
        "/flows/A/hops": lambda got: got["flows"]["A"]["hops"].append({}),
        "/alerts/A": lambda got: got["alerts"].append(got["alerts"][0]),
        "/incidents/fire": lambda got: got["incidents"]["fire"].pop(),
    }
    for path, change in changes.items():
        got = deepcopy(expected)
        change(got)
        found = differences(expected, got)
        assert len(found) == 1, path
        assert found[0].startswith(path)
