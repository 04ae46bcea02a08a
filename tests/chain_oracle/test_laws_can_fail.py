"""A law that never fails proves nothing: each is shown a result with one thing wrong."""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from tests.chain_oracle.chains import random_chain
from tests.chain_oracle.expected import expected_of
from tests.chain_oracle.laws import (
    Written,
    alert_breaches,
    breaches,
    later_is_never_earlier,
    order_of_facts_does_not_matter,
)
from tests.chain_oracle.test_readings import flow, holding, of

Result = dict[str, Any]


def late_chain() -> Result:
    """A late supply, half of it held; work that inherits; a line in time; a loop that never moves."""
    flows = [
        flow("S", "x", 2, 0, 10, estimated_finish=30, event="e"),
        flow("T", "x", 1, 0, 10),
        flow("W", "y", 2, 10, 5, of("x", 2, **holding("S", 1)), kind="work"),
        flow("L", None, 2, 15, 5, of("y", 2)),
        flow("N", None, 1, 40, 5, of("x", 1, 1)),
        flow("P", "p", 1, 0, 5, of("q", 1)),
        flow("Q", "q", 1, 0, 5, of("p", 1)),
        flow("R", None, 3, 0, 5, of("q", 3, 1)),
    ]
    return {"now": 0, "pools": {pool: {"stock": 0} for pool in "xypq"}, "flows": flows}


CORRUPTIONS: dict[str, Callable[[Result], object]] = {
    "the equations give": lambda got: got["pools"]["x"]["demands"]["W/0"][0].__setitem__(0, 29),
    "but the equations give": lambda got: got["flows"]["L"]["parts"][0].__setitem__(0, 41),
    "wrong supplies": lambda got: got["pools"]["x"]["supplies"].pop("T"),
    "do not ascend": lambda got: got["flows"]["W"].update(parts=[[35, 1], [35, 1]]),
    "are not 2": lambda got: got["flows"]["W"].update(parts=[[35, 1]]),
    "expected is": lambda got: got["flows"]["W"].update(expected=36),
    "delay is 21": lambda got: got["flows"]["W"].update(delay=21),
    "out is 21": lambda got: got["flows"]["W"]["hop"].update(out=21),
    "its hop is called": lambda got: got["flows"]["W"]["hop"].update(flow="S"),
    "in time, but with the cause": lambda got: got["flows"]["T"].update(root=got["flows"]["S"]["root"]),
    "late without a cause": lambda got: got["flows"]["W"].update(root=None),
    "come into": lambda got: got["flows"]["W"]["hops"][0].update(out=19),
    "is not its hop": lambda got: got["flows"]["W"]["hops"][-1].update(enterprise="X"),
    "the hop law does not hold": lambda got: got["flows"]["T"]["hop"].update(own=1),
    "to sixteen": lambda got: got["flows"]["W"].update(hops=got["flows"]["W"]["hops"] * 9),
    "reach is": lambda got: got["flows"]["W"]["hop"].update({"in": 21, "reach": 21}),
    "but the supplies behind it": lambda got: got["flows"]["W"]["hop"].update({"in": 21, "stock": 1}),
    "a supply is late": lambda got: got["flows"]["W"]["hop"].update({"in": 0, "reach": 0, "own": 20}),
    "came in without inputs": lambda got: got["flows"]["S"]["hop"].update({"in": 20, "reach": 20, "own": 0}),
    "names another report": lambda got: got["flows"]["L"]["root"].update(event="f"),
    "names a flow without delay": lambda got: got["flows"]["L"]["root"].update(flow="T"),
    "is lost without a lost flow": lambda got: got["flows"]["L"]["root"].update({"class": "lost"}),
    "is shared without a culprit": lambda got: got["flows"]["L"]["root"].update({"class": "shared"}),
    "is short without missing units": lambda got: got["flows"]["R"]["root"].pop("missing"),
    "is short of what comes": lambda got: got["flows"]["L"]["root"].update({"class": "short", "missing": 1}),
    "is a loop without members": lambda got: got["flows"]["P"]["root"].pop("members"),
    "does not begin with the least": lambda got: got["flows"]["P"]["root"]["members"].reverse(),
    "does not wait for": lambda got: got["flows"]["P"]["root"].update(members=["P", "L"]),
    "has no known class": lambda got: got["flows"]["L"]["root"].update({"class": "weather"}),
    "is a culprit of itself": lambda got: got["flows"]["L"]["root"].update(culprit="S"),
    "passes on": lambda got: got["pools"]["x"]["supplies"]["S"].update(passed=21),
    "can not slip by its slack": lambda got: got["pools"]["x"]["supplies"]["S"].update(slack=11),
    "can slip by more than its slack": lambda got: got["pools"]["x"]["supplies"]["S"].update(slack=9),
    "in incidents": lambda got: got["incidents"]["e"].remove("L"),
}


def test_the_chain_is_right_before_it_is_corrupted() -> None:
    facts = late_chain()
    got, _ = expected_of(facts, {})
    assert breaches(facts, got) == []
    assert got["flows"]["L"]["root"]["flow"] == "S"
    assert got["flows"]["R"]["root"]["class"] == "short"
    assert got["flows"]["P"]["root"]["members"] == ["P", "Q"]


@pytest.mark.parametrize("breach", CORRUPTIONS)
def test_a_wrong_result_breaks_its_law(breach: str) -> None:
    facts = late_chain()
    got = deepcopy(expected_of(facts, {})[0])
    CORRUPTIONS[breach](got)
    found = breaches(facts, got)
    assert any(breach in line for line in found), found


def test_a_wrong_alert_breaks_its_law() -> None:
    facts = late_chain()
    changes: tuple[Callable[[list[Result]], object], ...] = (
        lambda alerts: alerts.pop(),
        lambda alerts: alerts[0].update(event="DelayChanged"),
        lambda alerts: alerts[0].update(delay=1),
        lambda alerts: alerts.append(alerts[0]),
    )
    for change in changes:
        got = deepcopy(expected_of(facts, {})[0])
        change(got["alerts"])
        assert alert_breaches(facts, got, {}) != []


def test_answers_that_get_earlier_break_monotony() -> None:
    def perverse(facts: Written) -> Written:
        flows = expected_of(facts, {})[0]["flows"]
        negative = {name: [[date and -date, n] for date, n in shown["parts"]] for name, shown in flows.items()}
        return {"flows": {name: {**flows[name], "parts": parts} for name, parts in negative.items()}}

    assert any(later_is_never_earlier(random_chain(seed), perverse, Random(seed)) for seed in range(10))


def test_answers_that_depend_on_the_order_of_facts_break_their_law() -> None:
    def first_come(facts: Written) -> Written:
        return {**expected_of(facts, {})[0], "first": facts["flows"][0]["id"]}

    assert order_of_facts_does_not_matter(random_chain(1), first_come, Random(1)) != []
