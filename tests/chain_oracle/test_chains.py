"""The generator itself: repeatable, consistent, and not trivial."""

from collections import Counter
from itertools import pairwise

from tests.chain_oracle.chains import SHAPES, Shape, random_chain
from tests.chain_oracle.changes import random_story
from tests.chain_oracle.expected import expected_story
from tests.chain_oracle.facts import read_facts
from tests.chain_oracle.statistics import features

STORIES, STEPS = 50, 6
NOT_LESS_THAN = {  # stories out of STORIES; `python -m tests.chain_oracle` prints all
    "facts: diamond": 30,
    "facts: holds stock": 20,
    "facts: holds a supply": 30,
    "facts: line without inputs": 20,
    "facts: waits for an inbound line": 20,
    "facts: unlike units, split": 15,
    "facts: firm estimate": 10,
    "facts: plain estimate": 30,
    "facts: started with open inputs": 10,
    "facts: started split line with open inputs": 4,
    "facts: finished": 12,
    "facts: frozen cause": 8,
    "incident of several lines": 30,
    "pool: several demands": 40,
    "pool: several supplies": 40,
    "pool: held and queued units of one date": 20,
    "result: equally late inputs": 15,
    "result: several parts": 20,
    "result: some parts never": 8,
    "result: finite in a loop": 15,
    "result: finite part that breaks a loop of late supplies": 2,
    "result: loop of three or more": 2,
    "result: never came in, finite goes out": 2,
    "result: absorbed by stock or others": 20,
    "result: slack": 30,
    "result: recovered": 3,
    "result: own root behind other hops": 15,
    "result: folded hops": 3,
    "result: root lost": 5,
    "result: root loop": 4,
    "result: root planned": 20,
    "result: root reported": 20,
    "result: root shared": 6,
    "result: root short": 10,
    "result: root silent": 20,
    "result: root None": 50,
    "alert: DelayCleared": 15,
}


def test_a_seed_is_a_story() -> None:
    assert random_story(7, 4) == random_story(7, 4)
    assert random_story(7, 4) != random_story(8, 4)


def test_every_step_is_consistent_and_something_changes() -> None:
    for seed in range(40):
        story = random_story(seed, 10)
        for facts in story:
            read_facts(facts)
        assert sum(one != other for one, other in pairwise(story)) >= 5, seed


def test_shapes_are_kept() -> None:
    for seed in range(20):
        chain = random_chain(seed, Shape(enterprises=9, tiers=3, width=2))
        parts = [pool for pool in chain["pools"] if "/part" in pool]
        assert len({flow["enterprise"] for flow in chain["flows"]} - {"P", "S"}) <= 9, seed
        assert all(pool.endswith(("part0", "part1")) for pool in parts), seed
    assert len(SHAPES) > 1


def test_every_feature_occurs_often() -> None:
    stories: Counter[str] = Counter()
    for seed in range(STORIES):
        found: Counter[str] = Counter()
        facts = random_story(seed, STEPS)
        for step, expected in zip(facts, expected_story(facts), strict=True):
            found += features(step, expected)
        stories.update(found.keys())
    rare = {feature: stories[feature] for feature, least in NOT_LESS_THAN.items() if stories[feature] < least}
    assert rare == {}
