"""The rules of a pool, one by one, and against a count of every single unit."""

from random import Random

import pytest

from services.chain.causes import Stage
from services.chain.moments import NEVER, SINCE
from services.chain.pool import cover
from services.chain.pool_facts import (
    STOCK,
    CoveredPart,
    Demand,
    Frozen,
    Hold,
    LateSupply,
    Pool,
    Supply,
    SupplyPart,
    frozen,
)
from tests.unit.chain.pool_case import dated, demand, random_pool, supply


def test_units_of_stock_come_before_those_of_supplies_and_equal_dates_are_one_part() -> None:
    pool = Pool(4, [demand("A", 9)], [supply("S", (7, 2), due=5), supply("T", (7, 3), due=7), supply("U", (9, 9))])
    assert dated(cover(pool)["A/0"]) == [(SINCE, 4), (7, 5)]


def test_first_come_first_served_in_the_static_order() -> None:
    demands = [
        demand("E", 1, need=9, sequence=9, priority=1),
        demand("A", 1, need=8, sequence=9),
        demand("B", 1, need=9, sequence=1),
        demand("C", 1, need=9, sequence=2),
        demand("D", 1, need=9, sequence=2),
    ]
    pool = Pool(0, demands[::-1], [supply("S", (1, 1), (2, 1), (3, 1), (4, 1), (5, 1))])
    covered = cover(pool)
    assert [dated(covered[f"{flow}/0"]) for flow in "EABCD"] == [[(date, 1)] for date in (1, 2, 3, 4, 5)]


def test_what_is_held_leaves_both_sides() -> None:
    holder = demand("B", 6, need=2, holds=(Hold(STOCK, 2), Hold("S", 3)))
    pool = Pool(3, [demand("A", 5, need=1), holder], [supply("S", (4, 2), (8, 4), due=4)])
    covered = cover(pool)
    assert dated(covered["B/0"]) == [(SINCE, 2), (4, 2), (8, 1), (NEVER, 1)]
    assert dated(covered["A/0"]) == [(SINCE, 1), (8, 3), (NEVER, 1)]


def test_holders_of_a_supply_are_served_in_the_order_of_demands_from_its_earliest_parts() -> None:
    holders = [demand("B", 3, need=2, holds=(Hold("S", 3),)), demand("A", 3, need=1, holds=(Hold("S", 3),))]
    covered = cover(Pool(0, holders, [supply("S", (4, 2), (8, 3))]))
    assert dated(covered["A/0"]) == [(4, 2), (8, 1)]
    assert dated(covered["B/0"]) == [(8, 2), (NEVER, 1)], "what a source can not give waits in the queue"


def test_nobody_holds_more_than_is_open() -> None:
    greedy = Demand("A", 0, 5, 1, issued=3, holds=(Hold(STOCK, 1), Hold("S", 9)))
    covered = cover(Pool(2, [greedy, demand("B", 9, need=2)], [supply("S", (4, 5))]))
    assert dated(covered["A/0"]) == [(SINCE, 1), (4, 1)]
    assert dated(covered["B/0"]) == [(SINCE, 1), (4, 4), (NEVER, 4)]


def test_what_was_received_is_no_more_expected() -> None:
    part_came = Supply("S", 4, (SupplyPart(4, 2), SupplyPart(8, 4)), received=3)
    assert dated(cover(Pool(3, [demand("A", 9)], [part_came]))["A/0"]) == [(SINCE, 3), (8, 3), (NEVER, 3)]


def test_all_of_it_was_issued() -> None:
    answer = cover(Pool(0, [Demand("A", 0, 5, 1, issued=5)], []))["A/0"]
    assert (answer.parts, answer.issued) == ((), 5)


def test_the_late_supply_is_the_first_to_come_of_those_that_were_due() -> None:
    pool = Pool(
        0,
        [demand("A", 2)],
        [
            supply("S", (20, 1), due=5),
            supply("T", (30, 1), due=4),
            supply("U", (10, 1), due=9),
            supply("V", (8, 1), due=8),
        ],
    )
    part = cover(pool)["A/0"].parts[-1]
    assert (part.date, part.baseline) == (10, 5)
    assert part.late is not None
    assert (part.late.flow, part.late.delay) == ("S", 15), "V came, U was not due yet, T comes later"


def test_ties_of_late_supplies_go_by_baseline_then_by_flow() -> None:
    supplies = [supply("T", (9, 1), due=4), supply("R", (9, 1), due=5), supply("S", (9, 1), due=4)]
    part = cover(Pool(0, [demand("A", 1)], supplies))["A/0"].parts[0]
    assert part.late == LateSupply("S", 9, 4, part.late.cause if part.late else part.late)  # type: ignore[arg-type]


def test_a_supply_that_gives_no_reason_is_the_root_itself() -> None:
    late = cover(Pool(0, [demand("A", 1)], [supply("S", (9, 1), due=4)]))["A/0"].parts[0].late
    assert late is not None
    assert (late.cause.root.flow, late.cause.hops) == ("S", ())
    part = cover(Pool(0, [demand("A", 1)], [supply("S", (9, 1), due=4)]))["A/0"].parts[0]
    assert frozen(part) == Frozen(9, 4, 5, late.cause)
    assert frozen(CoveredPart(SINCE, 1)) is None


def shared(pool: Pool, demand_id: str = "A/0") -> list[str]:
    """The culprits of a demand's parts."""
    return [part.culprit for part in cover(pool)[demand_id].parts]


def test_who_arrived_later_and_is_served_first_is_the_culprit() -> None:
    rush, rushing = demand("R", 1, priority=1, sequence=7), demand("Q", 1, priority=1, sequence=8)
    supplies = [supply("S", (5, 3)), supply("T", (9, 3))]
    waits = demand("A", 3, sequence=6)
    assert shared(Pool(0, [rush, rushing, waits], supplies)) == ["", "Q"]
    assert shared(Pool(0, [demand("R", 2, priority=1, sequence=6), waits], supplies)) == ["", ""], "not later"
    assert shared(Pool(0, [demand("A", 2, sequence=6), rush], supplies)) == [""], (
        "without it, it would come the same day"
    )


def test_stock_held_by_later_arrivals_counts_as_well() -> None:
    holder = demand("H", 2, need=9, sequence=7, holds=(Hold(STOCK, 2),))
    assert shared(Pool(2, [demand("A", 2, sequence=6), holder], [supply("S", (5, 3))])) == ["H"]
    assert shared(Pool(2, [demand("A", 2, sequence=7), holder], [supply("S", (5, 3))])) == [""]


def test_what_is_both_held_and_queued_is_judged_by_what_was_due_first() -> None:
    both = demand("A", 4, holds=(Hold("S", 2),))
    queue_first = cover(Pool(0, [both], [supply("S", (9, 2), due=6), supply("T", (9, 2), due=4)]))["A/0"].parts
    hold_first = cover(Pool(0, [both], [supply("S", (9, 2), due=4), supply("T", (9, 2), due=6)]))["A/0"].parts
    on_a_tie = cover(Pool(0, [both], [supply("S", (9, 2), due=4), supply("T", (9, 2), due=4)]))["A/0"].parts
    told = [
        [(part.quantity, part.baseline, part.late and part.late.flow) for part in parts]
        for parts in (queue_first, hold_first, on_a_tie)
    ]
    assert told == [[(4, 4, "T")], [(4, 4, "S")], [(4, 4, "T")]]


def test_what_nobody_promised_is_short_by_what_is_missing() -> None:
    lost = supply("S", (NEVER, 3), due=5)
    covered = cover(Pool(1, [demand("A", 2, need=1), demand("B", 5, need=2)], [lost, supply("T", (7, 1))]))
    assert [(p.date, p.quantity, p.missing) for p in covered["A/0"].parts] == [(SINCE, 1, 0), (7, 1, 0)]
    last = covered["B/0"].parts[-1]
    assert (last.date, last.baseline, last.missing, last.late) == (NEVER, NEVER, 2, None)


def test_the_path_is_that_of_the_least_supply_of_just_that_date() -> None:
    via = {flow: SupplyPart(9, 1, path=(Stage(flow, 1),)) for flow in "STU"}
    supplies = [Supply(flow, 9, (part,)) for flow, part in via.items()]
    parts = cover(Pool(1, [demand("A", 3)], supplies[::-1]))["A/0"].parts
    assert [part.path for part in parts] == [(), (Stage("S", 1),)]
    held = cover(Pool(0, [demand("A", 1, holds=(Hold("U", 1),))], supplies))["A/0"].parts
    assert [part.path for part in held] == [(Stage("U", 1),)]
    lost = Supply("U", 9, (SupplyPart(NEVER, 1, path=(Stage("U", 1),)),))
    assert cover(Pool(0, [demand("A", 1, holds=(Hold("U", 1),))], [lost]))["A/0"].parts[0].path == ()


@pytest.mark.parametrize("seed", range(300))
def test_every_single_unit_goes_to_the_first_who_waits(seed: int) -> None:
    pool = random_pool(Random(seed), holds=False)
    units = sorted(
        [SINCE] * pool.stock + [p.date for s in pool.supplies for p in s.open_parts for _ in range(p.quantity)]
    )
    agreed = sorted(
        [SINCE] * pool.stock + [s.baseline for s in pool.supplies for p in s.open_parts for _ in range(p.quantity)]
    )
    covered = cover(pool)
    for waiting in sorted(pool.demands, key=lambda waiting: waiting.order):
        mine, units = units[: waiting.open], units[waiting.open :]
        due, agreed = agreed[: waiting.open], agreed[waiting.open :]
        mine += [NEVER] * (waiting.open - len(mine))
        due += [NEVER] * (waiting.open - len(due))
        parts = covered[waiting.id].parts
        assert [part.date for part in parts for _ in range(part.quantity)] == mine, (seed, pool, waiting)
        last = -1
        for part in parts:
            last += part.quantity
            assert part.baseline == due[last], (seed, pool, waiting)
            assert (part.late is not None) == (part.date > part.baseline), (seed, pool, waiting)
            assert part.late is None or part.late.delay >= part.date - part.baseline
