"""Laws of disruptions, for whatever is planned, reported and covered: they hold up, never hurry, and leave no trace.

The versions of links, which keep old ones from coming after new ones, are the kernel's: tests/simulation has them.
"""

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.chain.causes import obeys_law
from services.chain.moments import SINCE, minute_of
from services.chain.pool_facts import CoveredPart
from services.fulfillment.disruption import DisruptSite, LiftDisruption, NamedLine
from services.fulfillment.domain import DOMAIN
from services.fulfillment.expecting import InputCovered
from services.fulfillment.flow import ReportLine
from services.fulfillment.keys import DisruptionId, ItemId, LineId, SiteId, WorkId
from services.fulfillment.work import Component, CoverComponent, PlanWork, ReportWork
from services.kernel.model import DictRows
from services.kernel.values import EnterpriseId, Refused
from tests.unit.fulfillment.world import BUYER, DAY, FLOW, NOW, SELLER, World, agreed, pieces, ready

TODAY = NOW // DAY * DAY
MINUTES, UNIT = 1440, 1_000_000
WORK, PLANT, HOUR = WorkId("w"), SiteId("plant"), 3_600_000
KEY = "work/maker/w"
FLOWS = (KEY, FLOW)
LINE = NamedLine(BUYER, "4711", LineId("10"))
MANY = settings(max_examples=100)

days = st.integers(-10, 20).map(lambda day: TODAY + day * DAY)
maybe_days = st.none() | days
past_days = st.none() | st.integers(-10, 0).map(lambda day: TODAY + day * DAY)

plans = st.builds(
    PlanWork, st.just(WORK), st.just(PLANT), st.just(ItemId("pack")), st.just(pieces(10)), days,
    st.integers(1, 6).map(lambda day: day * MINUTES), st.just((Component(PLANT, ItemId("cell"), pieces(10)),)),
    split=st.booleans(), reports_start=st.booleans(),
)  # fmt: skip
work_reports = st.builds(
    ReportWork, st.just(WORK), maybe_days, maybe_days, st.booleans(), actual_start_at_ms=past_days
).map(lambda said: replace(said, firm=said.firm and said.estimated_finish_at_ms is not None))
line_reports = st.builds(ReportLine, st.just(BUYER), st.just("4711"), st.just("10"), maybe_days, maybe_days)
disruptions = st.lists(
    st.builds(
        lambda name, since, length, named: DisruptSite(
            DisruptionId(name), PLANT, since, None if length is None else since + length * HOUR, "FIRE",
            work=(WORK,) if named != 1 else (), lines=(LINE,) if named != 0 else (),
        ),
        st.sampled_from("abc"), days, st.none() | st.integers(1, 300), st.integers(0, 2),
    ),
    min_size=1, max_size=5,
)  # fmt: skip
coming = st.lists(st.tuples(st.integers(1, 5), days), max_size=3)


def settle(world: World) -> None:
    aggregate = next(a for a in DOMAIN.aggregates if a.kind == "work")
    assert aggregate.reckon is not None
    world.say(aggregate.reckon(KEY))
    world.run()


def chain(plan: PlanWork, reports: tuple[Any, ...], parts: list[tuple[int, int]]) -> World:
    """A work order and a line, with what was said of them and what their pools said."""
    world = ready(due_ms=TODAY + 12 * DAY)
    world.say(plan)
    for n, report in enumerate(reports):
        world.say(report, SELLER, NOW + n)  # what nobody can mean is refused, and then nothing is reported
    covered, open_ = [], 10
    for units, day in sorted(parts, key=lambda part: part[1]):
        covered.append(CoveredPart(minute_of(day), min(units, open_) * UNIT, minute_of(day)))
        open_ -= min(units, open_)
    issued = [CoveredPart(SINCE, open_ * UNIT)] if open_ else []
    parts_now = tuple(part for part in (*issued, *covered) if part.quantity)
    assert not isinstance(
        world.say(CoverComponent(KEY, InputCovered(0, True, 0, parts_now)), EnterpriseId("")), Refused
    )
    world.run()
    settle(world)
    return world


def rows(world: World) -> dict[str, DictRows]:
    return {key: DictRows(world.rows[key]) for key in FLOWS}


def date(world: World, key: str) -> int:
    return int(world.rows[key]["told"].parts[-1].date)


@MANY
@given(plans, st.tuples(work_reports, line_reports), coming, disruptions, st.booleans())
def test_lifting_restores_every_row(
    plan: PlanWork, reports: tuple[Any, ...], parts: list[tuple[int, int]], said: list[DisruptSite], named: bool
) -> None:
    """Whether they are lifted, or name nothing any more."""
    world = chain(plan, reports, parts)
    before = rows(world)
    for n, command in enumerate(said):
        assert not isinstance(world.say(command, SELLER, NOW + 10 + n), Refused)
        world.run()
        settle(world)
    for name in {command.disruption for command in said}:
        nothing = DisruptSite(name, PLANT, TODAY, TODAY + 1)
        assert not isinstance(world.say(nothing if named else LiftDisruption(name)), Refused)
    world.run()
    settle(world)
    assert rows(world) == before


@MANY
@given(plans, st.tuples(work_reports, line_reports), coming, disruptions, st.randoms(use_true_random=False))
def test_links_may_come_in_any_order_twice_or_as_the_last_only(
    plan: PlanWork, reports: tuple[Any, ...], parts: list[tuple[int, int]], said: list[DisruptSite], random: Random
) -> None:
    calm, wild = chain(plan, reports, parts), chain(plan, reports, parts)
    for n, command in enumerate(said):
        for world in (calm, wild):
            assert not isinstance(world.say(command, SELLER, NOW + 10 + n), Refused)
        calm.run()
        if random.random() < 0.3:
            settle(wild)
    while channels := wild.pending():
        channel = random.choice(channels)
        if random.random() < 0.3:
            wild.links[channel].appendleft(wild.links[channel][0])
        wild.deliver(channel, only_last=random.random() < 0.5)
    for world in (calm, wild):
        settle(world)
    assert rows(wild) == rows(calm)


@MANY
@given(plans, st.tuples(work_reports, line_reports), coming, disruptions)
def test_a_disruption_holds_up_and_never_hurries(
    plan: PlanWork, reports: tuple[Any, ...], parts: list[tuple[int, int]], said: list[DisruptSite]
) -> None:
    """What is later for it names it, if it adds the most; and every hop adds up."""
    world = chain(plan, reports, parts)
    for n, command in enumerate(said):
        before = {key: date(world, key) for key in FLOWS}
        first = not any(command.disruption == other.disruption for other in said[:n])
        assert not isinstance(world.say(command, SELLER, NOW + 10 + n), Refused)
        world.run()
        settle(world)
        for key in FLOWS:
            assert date(world, key) >= before[key] or not first
            for part in world.rows[key]["told"].parts:
                for hop in part.cause.hops if part.cause else ():
                    assert obeys_law(hop)
            if date(world, key) > before[key] and first:
                (*_, part) = world.rows[key]["told"].parts
                assert part.cause is None or part.cause.root.event.startswith("disruption/maker/")


@MANY
@given(plans, coming, disruptions)
def test_it_makes_no_difference_which_comes_first_flow_or_disruption(
    plan: PlanWork, parts: list[tuple[int, int]], said: list[DisruptSite]
) -> None:
    late = World()
    late.pool.on_hand = pieces(10).amount
    for n, command in enumerate(said):
        assert not isinstance(late.say(command, SELLER, NOW + 10 + n), Refused)
        late.run()
    late.agree(agreed(10, due_ms=TODAY + 12 * DAY))
    late.run()
    early = chain(plan, (), parts)
    for n, command in enumerate(said):
        early.say(command, SELLER, NOW + 10 + n)
        early.run()
    settle(early)
    late.say(plan)
    (covered,) = [row for name, row in early.rows[KEY].items() if name.startswith("input/")]
    late.say(CoverComponent(KEY, covered), EnterpriseId(""))
    settle(late)
    for key in FLOWS:
        assert [part.date for part in late.rows[key]["told"].parts] == [
            part.date for part in early.rows[key]["told"].parts
        ]
        assert sorted(late.rows[key].scan("disruption/")) == sorted(early.rows[key].scan("disruption/"))
