"""The bench's slips: what they are to show does not hang on the order of arrival, and what did not arrive is named."""

from math import inf
from random import Random

import pytest

from infra.chains.chain import Chain, Slip, orders_of
from infra.chains.generate import generate
from infra.chains.shape import Shape
from infra.chains.solution import Solution
from tests.bench.chain_slips import Sent, Trail, arrivals_of, prepared, rows_of

ROW = b"view/b/order-lines\0b/o1/10"
SLIP = Slip("s1", "work/a/w1", "a", 0, 0, 60, "machine", None)
TRAIL = Trail(SLIP, {ROW: 60}, flows=3, statements=6, tier=1, bought_in=True)


def arrivals_by_chance(chain: Chain, seed: int) -> dict[str, int]:
    """When commands came; those of the lines of one order are one command."""
    random, found = Random(seed), dict[str, int]()
    for order in orders_of(chain.lines):
        found |= dict.fromkeys((line.key for line in order.lines), random.randrange(1_000))
    return found | {one.key: random.randrange(1_000) for one in chain.work}


def rows(solution: Solution, slip: Slip) -> dict[bytes, int]:
    """What a slip shows to leaders."""
    effect = solution.report(slip.flow, slip.estimated_finish, slip.slip, slip.reason)
    solution.undo()
    return rows_of(solution, effect)


@pytest.mark.parametrize("seed", [2, 20])
def test_the_slips_that_are_measured_show_the_same_in_whatever_order_commands_come(seed: int) -> None:
    """Others of the same chain do not, so it is the choice that makes it so."""
    chain, trails = prepared(Shape(seed, enterprises=8, tiers=4, orders_per_day=3, days=6, slip_rate=0.2), 1_000)
    by_default, others = Solution(chain), list[Slip]()
    assert trails, seed
    for order in range(4):
        solution = Solution(chain, arrivals_by_chance(chain, order))
        for trail in trails:
            assert rows(solution, trail.slip) == trail.rows, (seed, order, trail)
        others += [slip for slip in chain.slips if rows(solution, slip) != rows(by_default, slip)]
    assert others, (seed, "the order of arrival decides nothing in this chain: this shows nothing")


def test_every_slip_that_depends_on_the_order_of_arrival_is_said_to_be_tied() -> None:
    """Among many chains; and most are not."""
    tied = slips = 0
    for seed in range(6):
        chain = generate(Shape(seed, enterprises=8, tiers=4, orders_per_day=2, days=8, slip_rate=0.3))
        by_default, otherwise = Solution(chain), Solution(chain, arrivals_by_chance(chain, seed))
        for slip in chain.slips:
            effect = by_default.report(slip.flow, slip.estimated_finish, slip.slip, slip.reason)
            by_default.undo()
            slips += 1
            tied += effect.tied
            if not effect.tied:
                assert rows_of(by_default, effect) == rows(otherwise, slip), (seed, slip)
    assert 0 < tied < slips / 2


def test_a_report_arrives_with_the_first_row_that_shows_it_after_it_was_due() -> None:
    """What the row showed before is of an earlier report."""
    sent = [Sent(TRAIL, back=False, due_ms=1_000), Sent(TRAIL, back=True, due_ms=5_000)]
    commits = {ROW: [(900, 60), (5_250, 0), (1_700, 60), (1_400, 30)]}
    assert [one.seconds for one in arrivals_of(commits, sent)] == [0.7, 0.25]


def test_one_that_does_not_arrive_says_which_row_was_to_show_what_and_what_it_showed() -> None:
    """Nothing, or something else."""
    sent = [Sent(TRAIL, back=False, due_ms=1_000), Sent(TRAIL, back=True, due_ms=5_000)]
    reported, back = arrivals_of({ROW: [(1_400, 1_030), (900, 60)]}, sent)
    assert (reported.seconds, back.seconds) == (inf, inf)
    assert reported.text == (
        "not arrived: slip s1 of work/a/w1, reported: b/o1/10 was to show 60 minutes late, and showed 1,030 after 0.4 s"
    )
    assert back.text.endswith("taken back: b/o1/10 was to show 0 minutes late, and showed nothing")
