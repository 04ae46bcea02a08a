"""The incremental pool answers as the definition does, after any change, and looks only at what a change can reach."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chain import pool_index
from services.chain.causes import Stage
from services.chain.moments import NEVER
from services.chain.pool import cover
from services.chain.pool_facts import STOCK, Demand, DemandCovered, Hold, Pool, Supply, SupplyPart
from services.chain.pool_index import PoolIndex
from services.chain.running_sums import BLOCK_MAX, RunningSums
from tests.unit.chain.message_loop import MessageLoop
from tests.unit.chain.pool_case import demand, supply
from tests.unit.chain.random_chains import random_facts, tell
from tests.unit.chain.test_message_loop import told

names = st.sampled_from(["A", "B", "C", "D", "E"])
dates = st.one_of(st.integers(1, 8), st.just(NEVER))
paths = st.sampled_from([(), (Stage("X", 1),), (Stage("Y", 2),)])
parts = st.builds(SupplyPart, dates, st.integers(1, 4), st.none(), paths, paths)
supplies = st.builds(
    lambda name, due, parts, received: Supply(f"S{name}", due, tuple(sorted(parts, key=lambda p: p.date)), received),
    names,
    st.integers(1, 8),
    st.lists(parts, min_size=1, max_size=3, unique_by=lambda part: part.date),
    st.sampled_from([0, 0, 0, 1, 3]),
)
holds = st.builds(Hold, st.sampled_from([STOCK, "SA", "SB"]), st.integers(1, 3))
demands = st.builds(
    Demand,
    names,
    st.integers(0, 1),
    st.integers(0, 5),
    need=st.integers(1, 4),
    priority=st.sampled_from([1, 5]),
    sequence=st.integers(0, 3),
    issued=st.sampled_from([0, 0, 0, 1]),
    holds=st.lists(holds, max_size=2).map(tuple),
)
changes = st.one_of(
    st.tuples(st.just("demand"), demands),
    st.tuples(st.just("supply"), supplies),
    st.tuples(st.just("stock"), st.integers(0, 6)),
    st.tuples(st.just("gone demand"), st.builds("{}/{}".format, names, st.integers(0, 1))),
    st.tuples(st.just("gone supply"), names.map("S{}".format)),
)
Change = tuple[str, object]


class Facts:
    """All facts of a pool, as the definition takes them."""

    def __init__(self) -> None:
        self.stock = 0
        self.demands: dict[str, Demand] = {}
        self.supplies: dict[str, Supply] = {}

    def pool(self) -> Pool:
        """As they are."""
        return Pool(self.stock, list(self.demands.values()), list(self.supplies.values()))

    def apply(self, index: PoolIndex, batch: Iterable[Change]) -> None:
        """Takes a batch of changes, here and in the index; of changes of one thing only the last is a fact."""
        demands: dict[str, Demand | None] = {}
        supplies: dict[str, Supply | None] = {}
        for _, change in batch:
            match change:
                case Demand():
                    demands[change.id] = change
                case Supply():
                    supplies[change.flow] = change
                case int():
                    self.stock = change
                case str() if "/" in change:
                    demands[change] = None
                case str():
                    supplies[change] = None
        self.demands = {id_: d for id_, d in {**self.demands, **demands}.items() if d}
        self.supplies = {flow: s for flow, s in {**self.supplies, **supplies}.items() if s}
        before = dict(index.covered)
        changed = index.update(
            self.stock,
            [d for d in demands.values() if d],
            [s for s in supplies.values() if s],
            [id_ for id_, d in demands.items() if not d],
            [flow for flow, s in supplies.items() if not s],
        )
        answers = cover(self.pool())
        assert index.covered == answers
        assert changed == {id_: answer for id_, answer in answers.items() if before.get(id_) != answer}


@settings(max_examples=400, derandomize=True)
@given(st.lists(st.lists(changes, min_size=1, max_size=3), max_size=14))
def test_after_every_change_the_index_answers_as_the_definition(batches: list[list[Change]]) -> None:
    facts, index = Facts(), PoolIndex()
    for batch in batches:
        facts.apply(index, batch)


@settings(max_examples=100, derandomize=True)
@given(st.lists(st.lists(changes, min_size=1, max_size=6), max_size=8))
def test_a_batch_that_is_taken_as_a_whole_gives_the_same(batches: list[list[Change]]) -> None:
    facts, index = Facts(), PoolIndex()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pool_index, "REBUILD_MIN", 0)
        for batch in batches:
            facts.apply(index, batch)


@pytest.mark.parametrize("seed", range(60))
def test_a_chain_of_such_pools_comes_to_the_same_rest(seed: int) -> None:
    indexes: dict[str, PoolIndex] = {}
    known: dict[str, Pool] = {}

    def covered(name: str, pool: Pool) -> dict[str, DemandCovered]:
        index, before = indexes.setdefault(name, PoolIndex()), known.get(name, Pool())
        index.update(
            pool.stock,
            pool.demands,
            pool.supplies,
            {d.id for d in before.demands} - {d.id for d in pool.demands},
            {s.flow for s in before.supplies} - {s.flow for s in pool.supplies},
        )
        known[name] = pool
        return dict(index.covered)

    plain, indexed = MessageLoop(), MessageLoop(Random(seed), covered)
    for loop in (plain, indexed):
        for fact in random_facts(Random(seed)):
            tell(loop, fact)
            loop.step()
        loop.run()
    assert told(indexed) == told(plain), f"seed {seed}"


EACH = 10  # units of a demand; ten demands to a supply


def long_pool(count: int) -> Pool:
    """Demands that arrived in any order, each needed on a minute of its own, and a supply for ten of them."""
    random = Random(count)
    waiting = [Demand(f"D{n:05}", 0, EACH, 1_000 + n, sequence=random.randrange(count)) for n in range(count)]
    coming = [supply(f"S{n:04}", (1_000 + 10 * n, 10 * EACH)) for n in range(count // 10)]
    return Pool(0, waiting, coming)


def moved(facts: Supply, minutes: int) -> Supply:
    """The supply so much later."""
    return replace(facts, parts=tuple(replace(part, date=part.date + minutes) for part in facts.parts))


@pytest.mark.parametrize("count", [400, 4_000])
def test_a_moved_supply_touches_those_between_its_two_places_however_long_the_queue(count: int) -> None:
    pool = long_pool(count)
    index = PoolIndex(pool)
    late = moved(pool.supplies[20], 100)
    changed = index.update(supplies=[late])
    assert (len(changed), index.touched) == (100, 110), "ten supplies, and the one of the same date stays behind"
    anew = PoolIndex(replace(pool, supplies=[late if s.flow == late.flow else s for s in pool.supplies]))
    assert index.covered == anew.covered
    assert len(index.update(supplies=[pool.supplies[20]])) == 100
    assert index.update(supplies=[pool.supplies[20]]) == {}
    assert index.touched == 0


def test_other_changes_touch_whom_they_reach() -> None:
    pool = long_pool(1_000)
    index = PoolIndex(pool)

    def touched(**facts: object) -> int:
        index.update(**facts)  # type: ignore[arg-type]
        return index.touched

    first, mid = pool.supplies[0], pool.demands[500]
    assert touched(stock=10 * EACH, supplies=[replace(first, received=10 * EACH)]) == 10, "a receipt"
    assert touched(demands=[demand("Z", 1, need=9_999)]) == 1, "nobody stands behind"
    assert touched(demands=[replace(mid, quantity=EACH + 1)]) == 52, "one in ten of those behind, itself, and Z"
    told_why = SupplyPart(first.baseline, 10 * EACH, path=(Stage("X", 1),))
    assert touched(supplies=[replace(first, parts=(told_why,))], stock=0) == 10, "a return of the receipt"
    assert touched(supplies=[replace(first, parts=(replace(told_why, path=()),))]) == 10, "another path"


def test_a_supply_may_be_blamed_by_those_who_wait_for_another() -> None:
    """It moves ahead of the one that is blamed, behind the date on which the demand gets its unit."""
    facts, index = Facts(), PoolIndex()
    comes, blamed, moves = supply("R", (10, 1), due=9), supply("T", (20, 1), due=5), supply("S", (30, 1), due=5)
    facts.apply(index, [("", demand("A", 1)), ("", comes), ("", blamed), ("", moves)])
    facts.apply(index, [("", supply("S", (15, 1), due=5))])
    part = index.covered["A/0"].parts[0]
    assert (part.date, part.late and part.late.flow) == (10, "S")


def test_who_is_shifted_over_an_agreed_date_only_is_judged_anew() -> None:
    facts, index = Facts(), PoolIndex()
    facts.apply(index, [("", demand("A", 2, need=1)), ("", demand("B", 1, need=2))])
    facts.apply(index, [("", supply("S", (9, 3), due=4)), ("", supply("T", (9, 3), due=5))])
    assert index.covered["B/0"].parts[0].baseline == 4
    facts.apply(index, [("", demand("A", 3, need=1))])
    part = index.covered["B/0"].parts[0]
    assert (part.date, part.baseline) == (9, 5)


def test_who_holds_a_supply_is_told_of_a_new_promise_for_it() -> None:
    facts, index = Facts(), PoolIndex()
    facts.apply(index, [("", demand("A", 2, holds=(Hold("S", 2),))), ("", supply("S", (9, 2), due=9))])
    facts.apply(index, [("", supply("S", (9, 2), due=4))])
    assert index.covered["A/0"].parts[0].late is not None


def test_a_part_that_is_not_the_last_may_lose_its_culprit() -> None:
    """None of its own dates change, agreed or expected: but who arrived later, or what would be there without it."""
    waits, comes = demand("A", 10, sequence=1), supply("T", (9, 9), due=5)
    facts, index = Facts(), PoolIndex()
    holder = demand("H", 2, need=9, sequence=2, holds=(Hold(STOCK, 2),))
    facts.apply(index, [("", waits), ("", holder), ("", supply("S", (4, 1))), ("", comes), ("", 2)])
    assert [part.culprit for part in index.covered["A/0"].parts] == ["H", ""]
    facts.apply(index, [("", 0)])
    assert [part.culprit for part in index.covered["A/0"].parts] == ["", ""]

    facts, index = Facts(), PoolIndex()
    rush = demand("R", 2, priority=1, sequence=2)
    facts.apply(
        index, [("", waits), ("", rush), ("", supply("Q", (5, 3))), ("", comes), ("", supply("P", (20, 1), due=3))]
    )
    assert [part.culprit for part in index.covered["A/0"].parts] == ["R", ""]
    facts.apply(index, [("", "P")])
    assert [part.culprit for part in index.covered["A/0"].parts] == ["", ""]


def test_running_sums_are_those_of_a_list() -> None:
    random, sums, plain = Random(7), RunningSums[tuple[int, int]](), dict[tuple[int, int], int]()
    for step in range(6 * BLOCK_MAX):
        key, amount = (random.randrange(90), random.randrange(9)), random.choice((0, 1, 2, 5))
        sums.put(key, amount)
        plain[key] = amount
        if step % 16:
            continue
        entries = sorted((key, amount) for key, amount in plain.items() if amount)
        assert list(sums.items()) == entries, step
        probe, unit = (random.randrange(91),), random.randint(-1, sums.total + 2)
        assert sums.before(probe) == sum(amount for key, amount in entries if key < probe), step
        assert list(sums.items(probe)) == [entry for entry in entries if entry[0] >= probe], step
        assert sums.first_with(probe, 1) == next((k for k, _ in entries if k >= probe and k[1] <= 1), None), step
        assert sums.last() == (entries[-1][0] if entries else None)
        assert sums.amount(key) == amount
        units = [key for key, amount in entries for _ in range(amount)]
        found = sums.at(unit)
        assert (found and found[0]) == (units[unit - 1] if 0 < unit <= len(units) else None), step
        assert found is None or found[1] == sum(amount for key, amount in entries if key < found[0]), step
