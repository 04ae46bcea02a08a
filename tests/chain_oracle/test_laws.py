"""Laws on random stories. CHAIN_SEEDS=2000 plays more of them; the number in a test's name is the seed that failed."""

import os
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from tests.chain_oracle.changes import random_story
from tests.chain_oracle.differences import differences
from tests.chain_oracle.expected import expected_of, expected_story
from tests.chain_oracle.laws import (
    Written,
    alert_breaches,
    breaches,
    later_is_never_earlier,
    order_of_facts_does_not_matter,
)

SEEDS = int(os.environ.get("CHAIN_SEEDS", "120"))
STEPS = 5


def answers(facts: Written) -> Written:
    return expected_of(facts, {})[0]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_laws_hold(seed: int) -> None:
    story = random_story(seed, STEPS)
    untouched = deepcopy(story)
    told: dict[str, Any] = {}
    for step, (facts, expected) in enumerate(zip(story, expected_story(story), strict=True)):
        assert breaches(facts, expected) + alert_breaches(facts, expected, told) == [], f"step {step}"
    assert story == untouched


@pytest.mark.parametrize("seed", range(SEEDS))
def test_worse_facts_give_no_earlier_date_and_the_order_of_facts_does_not_matter(seed: int) -> None:
    random = Random(seed)
    facts = random.choice(random_story(seed, STEPS))
    assert later_is_never_earlier(facts, answers, random) == []
    assert order_of_facts_does_not_matter(facts, answers, random) == []


@pytest.mark.parametrize("seed", range(0, SEEDS, 5))
def test_facts_restored_are_results_restored(seed: int) -> None:
    story = random_story(seed, STEPS)
    told: dict[str, Any] = {}
    results = expected_story([*story, story[0]])
    for facts, expected in zip([*story, story[0]], results, strict=True):
        assert alert_breaches(facts, expected, told) == []
    assert differences({**results[0], "alerts": []}, {**results[-1], "alerts": []}) == []
