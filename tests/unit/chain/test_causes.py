"""Hops and their law, the bounded list of them, and chains that bite their own tail."""

from dataclasses import replace
from itertools import pairwise

import pytest

from services.chain.causes import (
    HOPS_MAX,
    STAGES_MAX,
    ChainTooLong,
    Hop,
    Stage,
    Stages,
    continued,
    depends_on_itself,
    extended,
    loop_in,
    obeys_law,
)
from services.chain.moments import NEVER

HOP = Hop("W", "M", delay_in=10, stock=4, reach=6, slack=2, recovered=1, plan=3, own=5, calendar=-1, delay_out=10)


def test_a_hop_that_adds_up_obeys_the_law() -> None:
    assert obeys_law(HOP)
    assert obeys_law(replace(HOP, delay_in=NEVER, stock=NEVER))
    assert obeys_law(Hop("W", "M", delay_in=NEVER, delay_out=NEVER))


@pytest.mark.parametrize(
    "broken",
    [
        replace(HOP, delay_out=11),
        replace(HOP, stock=3, slack=1),  # the sum is right, but not all that came in reached the start
        replace(HOP, slack=-1, own=2),
        replace(HOP, delay_in=NEVER),
        Hop("W", "M", delay_in=NEVER, own=1, delay_out=NEVER),
        replace(HOP, count=2, delay_out=11),
    ],
)
def test_a_hop_that_does_not_is_found(broken: Hop) -> None:
    assert not obeys_law(broken)


def test_a_long_list_of_hops_is_folded_at_its_oldest_end() -> None:
    hops: tuple[Hop, ...] = ()
    for n in range(HOPS_MAX + 4):
        hops = extended(hops, Hop(f"F{n}", "E", delay_in=n, reach=n, own=1, delay_out=n + 1))
        assert all(map(obeys_law, hops))
        assert all(one.delay_out == next_.delay_in for one, next_ in pairwise(hops))
    assert len(hops) == HOPS_MAX
    assert hops[0] == Hop("F0", "E", delay_in=0, reach=10, own=5, delay_out=5, count=5)
    assert [hop.flow for hop in hops[1:]] == [f"F{n}" for n in range(5, HOPS_MAX + 4)]


def stages(*names: str) -> Stages:
    """``F3`` is unit 3 of flow F."""
    return tuple(Stage(name[:-1], int(name[-1])) for name in names)


def test_a_date_may_rest_on_earlier_units_of_its_flow_only() -> None:
    path = stages("F3", "G5")
    assert not depends_on_itself(path, "F", units_before=3)
    assert depends_on_itself(path, "F", units_before=2)
    assert not depends_on_itself(path, "H", units_before=0)


def test_a_loop_is_the_trail_from_ones_own_entry_on() -> None:
    trail = stages("A1", "F2", "G1", "H1")
    assert loop_in(trail, Stage("F", 2)) == stages("F2", "G1", "H1")
    assert loop_in(trail, Stage("F", 3)) == ()


def test_who_continues_a_chain_stands_in_it_once() -> None:
    assert continued(stages("A1", "B1"), Stage("F", 2)) == stages("A1", "B1", "F2")
    assert continued(stages("A1", "F2", "B1"), Stage("F", 2)) == stages("B1", "F2")


def test_a_chain_without_end_is_refused() -> None:
    longest = tuple(Stage("A", n) for n in range(STAGES_MAX - 1))
    assert len(continued(longest, Stage("F", 1))) == STAGES_MAX
    with pytest.raises(ChainTooLong, match="unit 2 of F"):
        continued((*longest, Stage("F", 1)), Stage("F", 2))
