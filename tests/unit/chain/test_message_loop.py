"""Chains of any shape come to rest, and to the same rest, in whatever order messages arrive and facts change."""

from collections import deque
from collections.abc import Mapping
from itertools import pairwise
from random import Random

import pytest

from services.chain import flow as flow_module
from services.chain.causes import RootClass, obeys_law
from services.chain.flow import Expected, expect
from services.chain.flow_facts import Flow
from services.chain.moments import NEVER
from services.chain.pool_facts import Demand, DemandCovered
from tests.unit.chain import message_loop
from tests.unit.chain.message_loop import Message, MessageLoop, Placed
from tests.unit.chain.random_chains import random_facts, tell

Told = Mapping[str, object]


def told(loop: MessageLoop) -> Told:
    """All that is to be the same in the end: not how it came about (paths, trails)."""
    return {
        name: [(part.date, part.quantity, part.basis, part.hop, part.cause) for part in expected.parts]
        for name, expected in loop.expected.items()
    }


def at_rest(seed: int, loop: MessageLoop, steps: Random | None = None) -> MessageLoop:
    """The random chain of the seed when nothing is in flight; with ``steps`` its facts change on the way."""
    for fact in random_facts(Random(seed)):
        tell(loop, fact)
        for _ in range(steps.randint(0, 4) if steps else 0):
            loop.step()
    loop.run()
    return loop


@pytest.mark.parametrize("seed", range(250))
def test_any_order_of_messages_and_changes_comes_to_the_same_rest(seed: int) -> None:
    in_rounds = at_rest(seed, MessageLoop())
    shuffled = at_rest(seed, MessageLoop(Random(seed)), steps=Random(seed + 1))
    assert told(shuffled) == told(in_rounds), f"seed {seed}"


@pytest.mark.parametrize("seed", range(250))
def test_at_rest_every_answer_is_what_the_definitions_say(seed: int) -> None:
    loop = at_rest(seed, MessageLoop(Random(seed)), steps=Random(seed + 1))
    for name, placed in loop.placed.items():
        covered = [loop.answers[pool][demand.id] for pool, demand in placed.inputs]
        expected = loop.expected[name]
        assert expected == expect(placed.flow, covered, loop.now), f"seed {seed}"
        for part in expected.parts:
            assert obeys_law(part.hop), (seed, part.hop)
            assert part.date == NEVER or name not in {stage.flow for stage in part.path[:-1]} or placed.flow.split
        if expected.cause:
            hops = expected.cause.hops
            assert hops[-1] == expected.hop, f"seed {seed}"
            assert all(one.delay_out == after.delay_in for one, after in pairwise(hops)), (seed, hops)


def flow(name: str, start: int, lead: int, quantity: int = 4, **reported: object) -> Flow:
    """A flow that is due when its plan ends."""
    return Flow(name, "E", quantity, start, lead, start + lead, **reported)  # type: ignore[arg-type]


def placed(facts: Flow, output: str | None, *pools: str) -> Placed:
    """The flow, with one input of its own quantity from each pool."""
    inputs = ((pool, Demand(facts.flow, n, facts.quantity, facts.planned_start)) for n, pool in enumerate(pools))
    return Placed(facts, tuple(inputs), output)


def ring(loop: MessageLoop) -> None:
    """Two flows that feed each other, started by a stock of 4."""
    loop.put_stock("P", 4)
    loop.place(placed(flow("A", 10, 5), "Q", "P"))
    loop.place(placed(flow("B", 15, 5), "P", "Q"))
    loop.place(placed(flow("L", 20, 1), None, "P"))
    loop.run()


def test_a_loop_that_loses_its_stock_stops_and_goes_on_when_it_is_found() -> None:
    loop = MessageLoop()
    ring(loop)
    assert [loop.expected[name].date for name in "ABL"] == [15, 20, 21]
    loop.put_stock("P", 0)
    loop.run()
    for name in "AB":
        cause = loop.expected[name].cause
        assert (loop.expected[name].date, cause and cause.root.members) == (NEVER, ("A", "B"))
    late = loop.expected["L"].cause
    assert late is not None
    assert late.root.kind == RootClass.SHORT, "not of the loop: even as agreed there would be nothing for it"
    loop.put_stock("P", 4)
    loop.run()
    assert [loop.expected[name].date for name in "ABL"] == [15, 20, 21]


def test_without_the_cut_a_loop_counts_upwards_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_module, "depends_on_itself", lambda *_, **__: False)
    monkeypatch.setattr(message_loop, "ROUNDS_MAX", 500)
    loop = MessageLoop()
    ring(loop)
    loop.put_stock("P", 0)
    with pytest.raises(AssertionError, match="does not come to rest"):
        loop.run()


def test_without_versions_an_old_message_would_win() -> None:
    loop = MessageLoop()
    loop.place(placed(flow("S", 10, 5), "P"))
    loop.place(placed(flow("W", 15, 5), None, "P"))
    loop.run()
    supply = ("flow S", "pool P", "S")
    old = loop.nodes["pool P"].received[supply]
    loop.place(placed(flow("S", 10, 5, estimated_finish=40), "P"))
    loop.run()
    loop.in_flight[supply] = deque([old])
    loop.run()
    assert loop.expected["W"].date == 45
    loop.in_flight[supply] = deque([Message(supply, 99, old.state)])
    loop.run()
    assert loop.expected["W"].date == 20, "the same state under a newer version is the sender's last word"


def test_a_slip_passes_each_tier_once() -> None:
    loop = MessageLoop()
    tiers = 6
    for tier in range(tiers):
        loop.place(placed(flow(f"F{tier}", 10 * tier, 9), f"P{tier}", *([f"P{tier - 1}"] if tier else [])))
    loop.run()
    at_start, loop.rounds = loop.expected, 0
    loop.place(placed(flow("F0", 0, 9, estimated_finish=30, event="e"), "P0"))
    loop.run()
    assert loop.rounds <= 2 * tiers + 1, "two hops a tier"
    last = loop.expected[f"F{tiers - 1}"]
    assert last.cause is not None
    assert (last.cause.root.event, last.delay) == ("e", 30 - 9 - (tiers - 1))
    loop.place(placed(flow("F0", 0, 9), "P0"))
    loop.run()
    assert loop.expected == at_start, "with the facts restored all is as before"


def diamonds(count: int) -> MessageLoop:
    """A chain of diamonds: at each stage a short and a long way to the next."""
    loop = MessageLoop()
    for n in range(count):
        start = 10 * n
        loop.place(placed(flow(f"F{n}", start, 1), f"A{n}", *([f"B{n - 1}", f"C{n - 1}"] if n else [])))
        loop.place(placed(flow(f"S{n}", start + 1, 1, quantity=2), f"B{n}", f"A{n}"))
        loop.place(placed(flow(f"T{n}", start + 1, 1, quantity=2), f"C{n}", f"A{n}"))
    loop.run()
    return loop


def test_many_ways_to_one_flow_are_not_computed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []

    def counted(facts: Flow, inputs: list[DemandCovered], now: int) -> Expected:
        computed.append(facts.flow)
        return expect(facts, inputs, now)

    loop = diamonds(8)
    monkeypatch.setattr(message_loop, "expect", counted)
    loop.place(placed(flow("F0", 0, 1, estimated_finish=99), "A0"))
    loop.run()
    assert len(computed) <= 2 * 3 * 8, "2 to the power of 8 ways lead to the last"
