"""Random chains whose sites stand still at times: any order of messages ends the same, and leaves no trace.

Loops, splits, reservations and reports are those of the random stories; which flow is held up when is drawn by a seed.
The oracle does not know closures, so what is compared is one order of messages with another, and with the chain as if
nothing had ever stood still; dates of single flows are counted out in tests/unit/chain/test_closures.py.
``CHAIN_SEEDS=n`` plays n stories.
"""

import os
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from services.chain.closures import Closure
from services.chain.moments import NEVER
from tests.chain_oracle.changes import random_story
from tests.unit.chain.message_loop import MessageLoop, Placed
from tests.unit.chain.vectors import Chain

STORIES = int(os.environ.get("CHAIN_SEEDS", "20"))
AT_ONCE, STEPS = 10, 4
DAY = 1440


@dataclass
class Closing(MessageLoop):
    """Half of the flows are held up, each step at other times; ``seed`` None: none is."""

    seed: str | None = None

    def place(self, placed: Placed) -> None:
        """With what holds it up."""
        flow = placed.flow
        drawn = Random(f"{self.seed} {flow.flow}")
        if self.seed is not None and drawn.random() < 0.5:
            placed = replace(
                placed,
                flow=replace(flow, closures=closures(drawn, flow.planned_start), site_minutes=drawn.choice((None, 1))),
            )
        super().place(placed)


def closures(drawn: Random, start: int) -> tuple[Closure, ...]:
    """One or two, within some days of the planned start; some for ever."""
    made = []
    for name in ("fire", "flood")[: drawn.randint(1, 2)]:
        since = max(start + drawn.randint(-2 * DAY, 3 * DAY), 1)
        until = NEVER if drawn.random() < 0.1 else since + drawn.randint(1, 4 * DAY)
        made.append(Closure(since, until, name, "", drawn.random() < 0.5))
    return tuple(made)


def said(chain: Chain, facts: Any, seed: str | None) -> Any:
    """What the chain says of the facts; that of changes of alerts left out, which depend on what was before."""
    assert isinstance(chain.loop, Closing)
    chain.loop.seed = seed
    return {what: value for what, value in chain.after(facts).items() if what != "alerts"}


def date_of(flow: Any) -> int:
    """When its last unit is expected."""
    return NEVER if flow["expected"] is None else int(flow["expected"])


@pytest.mark.parametrize("first", range(0, STORIES, AT_ONCE))
def test_any_order_of_messages_ends_the_same_and_leaves_no_trace(first: int) -> None:
    later = held = 0
    for number in range(first, min(first + AT_ONCE, STORIES)):
        ordered, shuffled = Chain(Closing()), Chain(Closing(Random(number)))
        for step, facts in enumerate(random_story(number, STEPS)):
            seed = f"{number}/{step}"
            now = said(ordered, facts, seed)
            assert said(shuffled, facts, seed) == now, f"{seed}: another order, another end"
            assert said(Chain(Closing()), facts, seed) == now, f"{seed}: it depends on what was before"
            open_ = said(Chain(Closing()), facts, None)
            assert said(shuffled, facts, None) == open_, f"{seed}: a trace is left"
            for name, flow in open_["flows"].items():
                before, after = (date_of(one) for one in (flow, now["flows"][name]))
                assert after >= before, f"{seed}: {name} is earlier for standing still"
                later += after > before
                held += len(ordered.loop.placed[name].flow.closures)
    assert later > held / 10, "so little is held up that this says nothing"
