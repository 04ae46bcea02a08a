"""The chain model as messages against the oracle that plays time forward, on random chains whose facts keep changing.

``CHAIN_SEEDS=n`` plays n stories instead of the usual ones. Messages take any order across links, old ones come again.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from services.chain.pool import cover
from services.chain.pool_facts import Supply
from tests.chain_oracle.changes import random_story
from tests.chain_oracle.differences import differences
from tests.chain_oracle.expected import expected_story
from tests.unit.chain.message_loop import Message, MessageLoop, State
from tests.unit.chain.vectors import Chain

STORIES = int(os.environ.get("CHAIN_SEEDS", "300"))
AT_ONCE = 25
STEPS = 6  # changes of a story; so it is seven chains


def breaches(seed: int, loop: MessageLoop) -> list[str]:
    """Where the messages differ from the oracle, at the first step of the story at which they do."""
    story = random_story(seed, STEPS)
    chain = Chain(loop)
    for number, (facts, expected) in enumerate(zip(story, expected_story(story), strict=True)):
        if found := differences(expected, chain.after(facts)):
            return [f"seed {seed}, step {number}: {line}" for line in found]
    return []


@pytest.mark.parametrize("first", range(0, STORIES, AT_ONCE))
def test_messages_end_where_time_played_forward_ends(first: int) -> None:
    """Dates, parts, hops, roots, alerts and incidents; half of the stories in shuffled order and with repetitions."""
    for seed in range(first, min(first + AT_ONCE, STORIES)):
        found = breaches(seed, MessageLoop(Random(seed) if seed % 2 else None))
        assert not found, "\n".join(found[:10])


# --- controls: each must fail the same check --------------------------------------------------------------------------


class NoVersions(MessageLoop):
    """Takes whatever comes, also what is old."""

    def is_news(self, message: Message, known: Message) -> bool:
        """Always."""
        return True


class Tolerant(MessageLoop):
    """Does not pass on a supply that moved by a minute."""

    def differs(self, state: State, sent: State) -> bool:
        """Not for a minute."""
        if isinstance(state, Supply) and isinstance(sent, Supply) and len(state.parts) == len(sent.parts):
            moved = [abs(new.date - old.date) for new, old in zip(state.parts, sent.parts, strict=True)]
            if max(moved, default=0) == 1:
                return False
        return state != sent


def no_versions(seed: int) -> MessageLoop:
    """In random order and with repetitions."""
    return NoVersions(Random(seed))


def tolerant(seed: int) -> MessageLoop:
    """In order."""
    return Tolerant()


@pytest.mark.parametrize("control", [no_versions, tolerant])
def test_a_loop_without_versions_or_with_tolerance_ends_elsewhere(control: Callable[[int], MessageLoop]) -> None:
    """In at least one of forty stories."""
    assert any(breaches(seed, control(seed)) for seed in range(40))


def test_without_paths_the_messages_of_a_loop_do_not_end() -> None:
    """A date that holds itself up is counted upwards for ever."""

    def pathless(seed: int) -> MessageLoop:
        loop = MessageLoop()
        loop.covered_by = lambda _, pool: {
            id_: replace(answer, parts=tuple(replace(part, path=()) for part in answer.parts))
            for id_, answer in cover(pool).items()
        }
        return loop

    with pytest.raises(AssertionError, match="does not come to rest"):
        [breaches(seed, pathless(seed)) for seed in range(40)]
