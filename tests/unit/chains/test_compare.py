"""What leaders hear by planning runs and by one-hop alerts: the simulations of the others, on cases done by hand."""

from dataclasses import replace
from datetime import date

from infra.chains.chain import DAY_MINUTES, Chain, Component, Enterprise, Line, Slip, Stock, Work, day_end
from infra.chains.compare import NIGHT_MINUTE, compare, nights, pegged, told_at_night
from infra.chains.solution import Solution

DUE = date(2031, 3, 10)
NOON = day_end(date(2031, 1, 6)) - 5 * 60


def line(buyer: str, seller: str, *, tracked: bool, due_on: date = DUE, number: str = "o1", quantity: int = 10) -> Line:
    """A day on the way."""
    return Line(buyer, number, "10", seller, f"part-of-{seller}", "product", quantity, due_on, DAY_MINUTES, tracked)


def chain_of_three(days_late: int, back: int | None = None, slack_minutes: int = 0) -> Chain:
    """A line of tier 2 is what tier 1's work order waits for, and that what the leader's line waits for."""
    top = line("lead", "one", tracked=True)
    work = Work("one", "w1", "product", 10, top.start - slack_minutes - DAY_MINUTES, DAY_MINUTES, (
        Component("part-of-two", 10),
    ))  # fmt: skip
    deep = line("one", "two", tracked=False, due_on=date(2031, 3, 8), number="o2")
    late = days_late * DAY_MINUTES
    slip = Slip("s1", deep.key, "two", NOON, deep.due + late, late, "machine", back)
    return Chain(
        (Enterprise("lead", 0), Enterprise("one", 1), Enterprise("two", 2)), (), (),
        (Stock("one", "product", 0), Stock("one", "part-of-two", 0)), (deep, top), (work,), (slip,),
    )  # fmt: skip


def test_each_firm_on_the_way_costs_a_night() -> None:
    """A line of tier 2 reaches its buyer at once; whose run of the night then tells the leader."""
    found = compare(chain_of_three(4))
    hours_to_night = (24 * 60 + NIGHT_MINUTE - 12 * 60) / 60
    assert (found.nightly.told, found.nightly.late, found.nightly.hours) == (1, 1, [hours_to_night])
    assert (found.nightly.caused, found.chainflow.caused) == (0, 1)
    assert (found.one_hop.told, found.one_hop.alarms, found.one_hop.false) == (0, 1, 0)


def test_a_work_order_goes_through_its_owners_run_first() -> None:
    """So a night more than a line of the same tier."""
    chain = chain_of_three(4)
    solution = Solution(chain)
    assert nights(solution, chain.slips[0]) == 1
    assert nights(solution, replace(chain.slips[0], flow=chain.work[0].key, enterprise="one")) == 1
    assert told_at_night(chain.slips[0], 0) == NOON
    assert told_at_night(chain.slips[0], 3) - told_at_night(chain.slips[0], 1) == 2 * DAY_MINUTES


def test_what_is_taken_back_before_the_night_is_never_planned_with_and_later_is_told_in_vain() -> None:
    """The first run decides whether anybody plans with it, the last whether it is void on arrival."""
    soon = compare(chain_of_three(4, back=NOON + 60)).nightly
    assert (soon.told, soon.void, soon.late) == (0, 0, 1)
    chain = chain_of_three(4, back=NOON + 30 * 60)
    assert compare(chain).nightly.void == 0, "one night is enough"
    chain = replace(chain, enterprises=(Enterprise("lead", 0), Enterprise("one", 2), Enterprise("two", 3)))
    assert nights(Solution(chain), chain.slips[0]) == 2


def test_a_first_alarm_is_false_where_nothing_is_late_after_all() -> None:
    """The seller of the leader's line slips by less than the time in hand."""
    chain = chain_of_three(1, slack_minutes=2 * DAY_MINUTES)
    work = chain.work[0]
    slip = replace(
        chain.slips[0], flow=work.key, enterprise="one", estimated_finish=work.due + DAY_MINUTES,
        late_minutes=DAY_MINUTES,
    )  # fmt: skip
    found = compare(replace(chain, slips=(slip,)))
    assert (found.chainflow.late, found.one_hop.alarms, found.one_hop.false) == (0, 1, 1)
    found = compare(replace(chain, slips=(replace(slip, estimated_finish=work.due + 9 * DAY_MINUTES),)))
    assert (found.one_hop.told, found.one_hop.false, found.one_hop.hours) == (1, 0, [0.0])


def test_a_lot_is_for_those_whose_units_it_brings() -> None:
    """By plan: the opening stock goes to the first, the second lot to the last."""
    chain = chain_of_three(1)
    second = replace(chain.work[0], work="w2", start=chain.work[0].start + 60)
    lines = [line("lead", "one", tracked=True, number=f"o{n}", due_on=date(2031, 3, 10 + n)) for n in range(3)]
    chain = replace(
        chain, lines=(*lines,), work=(chain.work[0], second), slips=(),
        stock=(Stock("one", "product", 10), Stock("one", "part-of-two", 99)),
    )  # fmt: skip
    solution = Solution(chain)
    assert pegged(solution, chain.work[0]) == [lines[1].key]
    assert pegged(solution, second) == [lines[2].key]
