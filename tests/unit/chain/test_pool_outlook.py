"""Buffers, coming shortages and what may still be promised."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chain import pool_outlook
from services.chain.moments import NEVER, SINCE
from services.chain.pool import PlainCurves, cover, shares, units_of
from services.chain.pool_facts import Demand, Hold, Pool, Supply
from services.chain.pool_index import PoolIndex
from services.chain.pool_outlook import (
    DaysOfSupply,
    StockLevel,
    SupplyOutlook,
    cumulative_available_to_promise,
    days_of_supply,
    discrete_available_to_promise,
    first_shortage,
    projected_stock,
    supply_outlooks,
)
from tests.unit.chain.pool_case import demand, supply
from tests.unit.chain.test_pool_index import demands, supplies


def outlook(pool: Pool, flow: str) -> SupplyOutlook:
    """The outlook of one supply."""
    return next(outlook for outlook in supply_outlooks(pool, cover(pool), shares(pool)) if outlook.flow == flow)


def test_what_of_a_delay_reached_demands_and_what_the_pool_absorbed() -> None:
    late, other = supply("S", (15, 5), due=5), supply("T", (9, 5), due=9)
    both = Pool(0, [demand("A", 5, need=5), demand("B", 5, need=9)], [late, other])
    assert outlook(both, "S") == SupplyOutlook("S", 10, passed=6, absorbed=4, slack=None)
    assert outlook(both, "T") == SupplyOutlook("T", 0, passed=0, absorbed=0, slack=None)
    none = Pool(9, [demand("A", 5)], [late])
    assert outlook(none, "S") == SupplyOutlook("S", 10, passed=0, absorbed=10, slack=None)


def test_of_a_supply_that_never_comes_all_is_passed_or_all_absorbed() -> None:
    lost = supply("S", (NEVER, 5), due=5)
    assert outlook(Pool(0, [demand("A", 5)], [lost]), "S").absorbed == 0
    replaced = Pool(0, [demand("A", 5)], [lost, supply("T", (9, 5))])
    assert outlook(replaced, "S") == SupplyOutlook("S", NEVER, passed=4, absorbed=NEVER, slack=None)


def test_slack_is_the_time_until_somebody_needs_it_who_has_nothing_else() -> None:
    demands = [demand("A", 3, need=10), demand("B", 3, need=14)]
    assert outlook(Pool(0, demands, [supply("S", (4, 6))]), "S").slack == 6
    assert outlook(Pool(3, demands, [supply("S", (4, 3))]), "S").slack == 10
    assert outlook(Pool(6, demands, [supply("S", (4, 3))]), "S").slack is None
    assert outlook(Pool(0, demands, [supply("S", (4, 3), (12, 3))]), "S").slack == 2, "its last part by the need counts"
    assert outlook(Pool(0, demands, [supply("S", (11, 6))]), "S").slack == 3, "A is late in any case"
    served = demand("G", 3, need=11, holds=(Hold("T", 3),))
    pool = Pool(0, [demands[0], served, demand("B", 3, need=12)], [supply("S", (4, 3)), supply("T", (4, 3))])
    assert outlook(pool, "S").slack == 6, "who holds something else does not stand in the queue"
    holder = demand("H", 2, need=5, holds=(Hold("S", 2),))
    assert outlook(Pool(0, [*demands, holder], [supply("S", (4, 8))]), "S").slack == 1
    assert outlook(Pool(9, [demand("H", 2, need=3, holds=(Hold("S", 2),))], [supply("S", (4, 2))]), "S").slack is None


def plain_slack(pool: Pool, flow: str) -> int | None:
    """The slack of a supply by its definition: one demand after the other."""
    served = shares(pool)
    curves = PlainCurves(served.free_stock, served.free)
    own = [share.part for share in served.free if share.supply.flow == flow and share.part.date < NEVER]
    slack, last = list[int](), 0
    for waiting in sorted(pool.demands, key=lambda demand: demand.order):
        queued = waiting.open - served.held_by(waiting)
        last += queued
        in_time = [part for part in own if part.date <= waiting.need]
        there = curves.units_by(waiting.need)
        if queued and waiting.need < NEVER and there >= last > there - units_of(in_time):
            slack.append(waiting.need - max(part.date for part in in_time))
        dates = [share.part.date for share in served.held.get(waiting.id, ()) if share.supply.flow == flow]
        if dates and max(dates) <= waiting.need < NEVER:
            slack.append(waiting.need - max(dates))
    return min(slack, default=None)


@settings(max_examples=600)
@given(
    st.integers(0, 9),
    st.lists(demands.filter(lambda demand: demand.open), unique_by=lambda demand: demand.id, max_size=9),
    st.lists(supplies, unique_by=lambda supply: supply.flow, max_size=4),
    st.integers(1, 3),
)
def test_slack_is_what_its_definition_says(stock: int, queue: list[Demand], coming: list[Supply], block: int) -> None:
    pool = Pool(stock, queue, coming)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_outlook, "_BLOCK", block)
        found = {out.flow: out.slack for out in supply_outlooks(pool, cover(pool), shares(pool))}
        index = PoolIndex(pool)
        assert found == {out.flow: out.slack for out in supply_outlooks(index.pool, index.covered, index.served())}
    assert found == {flow: plain_slack(pool, flow) for flow in found}


LEVELS = projected_stock(
    Pool(
        10,
        [demand("A", 8, need=20), demand("B", 30, need=40), demand("C", 5, need=60)],
        [supply("S", (30, 20), (50, 20)), supply("T", (NEVER, 9), due=20)],
    )
)


def test_stock_is_projected_from_what_comes_and_what_is_needed() -> None:
    assert [(level.date, level.quantity) for level in LEVELS] == [
        (SINCE, 10),
        (20, 2),
        (30, 22),
        (40, -8),
        (50, 12),
        (60, 7),
    ]
    assert first_shortage(LEVELS) == 40
    assert first_shortage(LEVELS[:3]) is None


def test_only_what_nobody_else_will_miss_may_be_promised() -> None:
    promisable = cumulative_available_to_promise(LEVELS)
    assert [level.quantity for level in promisable] == [0, 0, 0, 0, 7, 7]
    assert discrete_available_to_promise(LEVELS) == (StockLevel(50, 7),)
    stocked = projected_stock(Pool(10, [demand("A", 8, need=40)], [supply("S", (30, 20))]))
    assert discrete_available_to_promise(stocked) == (StockLevel(SINCE, 10), StockLevel(30, 12))
    assert cumulative_available_to_promise(()) == ()


@pytest.mark.parametrize(
    ("stock", "demands", "inbound", "days"),
    [
        (50, [10, 20, 40], [0, 0, 0], [DaysOfSupply(1.5), DaysOfSupply(0.5)]),
        (50, [10, 20, 20], [0, 5, 0], [DaysOfSupply(2.0, covers_horizon=True), DaysOfSupply(1.0, covers_horizon=True)]),
        (10, [10, 0, 0], [0, 0, 0], [DaysOfSupply(0.0), DaysOfSupply(0.0)]),
        (10, [], [], []),
    ],
)
def test_days_of_supply(stock: int, demands: list[int], inbound: list[int], days: list[DaysOfSupply]) -> None:
    assert days_of_supply(stock, demands, inbound) == tuple(days)
