"""Laws of generated chains: the same seed the same bytes, connected, tier by tier, in balance, slips that travel."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from hashlib import sha256
from pathlib import Path
from statistics import mean

import pytest

from infra.chains.chain import Chain, Line, Work
from infra.chains.files import contents, write
from infra.chains.generate import generate
from infra.chains.network import Groups, tier_sizes
from infra.chains.shape import Shape
from infra.chains.solution import Solution
from services.chain.moments import NEVER

ROOT = Path(__file__).parents[3]
SHAPES = [
    Shape(1),
    Shape(2, enterprises=24, tiers=2, orders_per_day=2, days=30),
    Shape(3, enterprises=60, tiers=6, width=2, untracked=0.5),
    Shape(4, enterprises=19, tiers=9, width=2, orders_per_day=1, days=20, untracked=0),
    Shape(12, enterprises=20, tiers=2, width=2, orders_per_day=1, days=20),  # in two pieces, were they not joined
]


@pytest.fixture(params=SHAPES, ids=lambda shape: f"seed {shape.seed}")
def shape(request: pytest.FixtureRequest) -> Shape:
    """Of several kinds."""
    found: Shape = request.param
    return found


def digest(shape: Shape) -> str:
    """Of all files."""
    return sha256("".join(contents(shape, generate(shape)).values()).encode()).hexdigest()


def test_the_same_seed_makes_the_same_bytes_in_any_process() -> None:
    """Whatever order sets have there."""
    code = "from tests.unit.chains.test_generate import digest, SHAPES; print(digest(SHAPES[0]))"
    told = [
        subprocess.run(
            (sys.executable, "-c", code), cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, text=True, check=True,
            capture_output=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]  # fmt: skip
    assert told == [digest(SHAPES[0])] * 2
    assert digest(Shape(5)) != digest(Shape(6))


def test_all_are_connected_and_every_seller_has_a_customer_one_tier_up(shape: Shape) -> None:
    """By agreements; and each agreement is of a product and a part that are there."""
    chain, groups = generate(shape), Groups()
    tiers = chain.tiers
    assert len(chain.enterprises) == shape.enterprises
    assert [count for _, count in sorted(Counter(tiers.values()).items())] == tier_sizes(shape.enterprises, shape.tiers)
    items = {(one.enterprise, one.item): one.kind for one in chain.items}
    for one in chain.agreements:
        groups.join(one.buyer, one.seller)
        assert tiers[one.seller] == tiers[one.buyer] + 1
        assert (items[one.buyer, one.part], items[one.seller, one.product]) == ("part", "product")
    assert len({groups.of(one.enterprise) for one in chain.enterprises}) == 1
    assert {one.seller for one in chain.agreements} == {name for name, tier in tiers.items() if tier}


def test_what_is_needed_is_there_or_on_its_way(shape: Shape) -> None:
    """Of every item whose stock is known; and nothing is ordered of an agreement that is not there."""
    chain = generate(shape)
    need: dict[tuple[str, str], int] = defaultdict(int)
    have: dict[tuple[str, str], int] = defaultdict(int)
    for stock in chain.stock:
        have[stock.enterprise, stock.item] += stock.quantity
    for line in chain.lines:
        have[line.buyer, line.part] += line.quantity
        if line.tracked:
            need[line.seller, line.product] += line.quantity
    for work in chain.work:
        have[work.owner, work.item] += work.quantity
        for component in work.components:
            need[work.owner, component.item] += component.quantity
    assert {name: units for name, units in need.items() if units > have[name]} == {}
    assert all(line.quantity > 0 for line in chain.lines)
    agreed = {(one.buyer, one.part, one.seller, one.product, one.lead_minutes) for one in chain.agreements}
    assert {(one.buyer, one.part, one.seller, one.product, one.lead_minutes) for one in chain.lines} <= agreed
    assert len({line.key for line in chain.lines} | {work.key for work in chain.work}) == len(chain.lines) + len(
        chain.work
    )


def test_an_untracked_line_has_nothing_behind_it(shape: Shape) -> None:
    """No stock, no work order of what it takes."""
    chain = generate(shape)
    unknown = {(line.seller, line.product) for line in chain.lines if not line.tracked}
    assert not unknown & {(work.owner, work.item) for work in chain.work}
    assert not unknown & {(stock.enterprise, stock.item) for stock in chain.stock}


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_about_the_share_of_lines_that_was_asked_for_is_untracked(share: float) -> None:
    """In the mean of some seeds, to a few percent."""
    found = [_untracked(generate(Shape(seed, enterprises=200, tiers=4, untracked=share))) for seed in range(8)]
    assert abs(mean(found) - share) < 0.05, found
    assert max(found) - min(found) < 0.2, found


def _untracked(chain: Chain) -> float:
    return sum(not line.tracked for line in chain.lines) / len(chain.lines)


def test_without_a_slip_everything_is_in_time(shape: Shape) -> None:
    """By the chain model."""
    expected = Solution(generate(shape)).expected
    assert {flow: one.date for flow, one in expected.items() if one.delay} == {}


def test_slips_travel() -> None:
    """In the mean through three tiers and more, and three of ten at least are felt by a leader; by the chain model."""
    chain = generate(Shape(1, enterprises=300, tiers=6, orders_per_day=6, slip_rate=0.02))
    solution = Solution(chain)
    passed, reached = [], []
    for slip in chain.slips:
        effect = solution.report(slip.flow, slip.estimated_finish, slip.slip)
        late = [solution.tier_of(flow) for flow, moved in effect.moved.items() if moved.after.delay]
        assert effect.moved[slip.flow].after.date == slip.estimated_finish != NEVER
        passed.append(solution.tiers[slip.enterprise] - min(late))
        reached.append(min(late) == 0)
        solution.undo()
    assert len(passed) > 80
    assert mean(passed) >= 3, mean(passed)
    assert mean(reached) >= 0.3, mean(reached)


def test_slips_are_of_flows_by_those_who_answer_for_them() -> None:
    """Within the first days, before anything starts, and later than agreed."""
    chain = generate(Shape(9, slip_rate=0.5))
    placed: tuple[Line | Work, ...] = (*chain.lines, *chain.work)
    flows = {one.key: one for one in placed}
    first = min(flow.start for flow in placed)
    assert len({slip.flow for slip in chain.slips}) == len(chain.slips)
    for slip in chain.slips:
        flow = flows[slip.flow]
        assert slip.enterprise == (flow.seller if isinstance(flow, Line) else flow.owner)
        assert slip.estimated_finish == flow.due + slip.late_minutes
        assert slip.reported_at < first
        assert slip.late_minutes > 0
        assert slip.taken_back_at is None or slip.taken_back_at > slip.reported_at
    share = mean(slip.taken_back_at is not None for slip in chain.slips)
    assert 0.25 < share < 0.45


def test_a_shape_says_all_that_is_wrong_with_it() -> None:
    """At once."""
    with pytest.raises(ValueError, match=r"tiers.*width.*days"):
        Shape(1, tiers=1, width=1, days=0)


def test_files_are_written_with_their_rows(tmp_path: Path) -> None:
    """As tables with one row for each."""
    chain = generate(SHAPES[1])
    counts = write(tmp_path / "deep" / "er", SHAPES[1], chain)
    assert counts["order-lines.csv"] == len(chain.lines)
    assert counts["work-orders.csv"] == len(chain.work)
    text = (tmp_path / "deep" / "er" / "order-lines.csv").read_text()
    assert text.splitlines()[0].startswith("buyer,number,line,seller,")
    assert len(text.splitlines()) == len(chain.lines) + 1
