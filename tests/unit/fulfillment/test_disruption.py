"""Disruptions of a site: what is taken and refused, whom they tell, and what they mean to work orders and lines."""

from dataclasses import replace
from typing import Any

import pytest

from services.chain.causes import RootClass
from services.chain.flow import Basis
from services.chain.moments import NEVER, minute_of
from services.chain.pool_facts import CoveredPart
from services.fulfillment.amounts import ZERO
from services.fulfillment.disrupted import DISRUPTIONS_MAX, FlowDisrupted
from services.fulfillment.disruption import FLOWS_MAX, DisruptSite, LiftDisruption, NamedLine
from services.fulfillment.domain import DOMAIN
from services.fulfillment.expecting import FlowReckoned, InputCovered
from services.fulfillment.flow import CoverDemand, DisruptFlow, ReportLine, TransferStock
from services.fulfillment.keys import DisruptionId, FlowKey, ItemId, LineId, ShipmentId, SiteId, TransferId, WorkId
from services.fulfillment.shipment import ShipShipment
from services.fulfillment.shipment_facts import LineQuantity
from services.fulfillment.work import Component, CoverComponent, IssueComponents, PlanWork, ReportWork
from services.kernel.values import EnterpriseId, Refused
from tests.unit.fulfillment.world import BUYER, DAY, FLOW, NOW, SELLER, STRANGER, World, agreed, pieces, ready

TODAY = NOW // DAY * DAY
MINUTES, UNIT = 1440, 1_000_000
KEY, ID, PLANT = "work/maker/w-1", WorkId("w-1"), SiteId("plant")
FIRE, FIRES = DisruptionId("fire"), "disruption/maker/fire"
LINE = NamedLine(BUYER, "4711", LineId("10"))
PLAN = PlanWork(
    ID, PLANT, ItemId("pack"), pieces(10), TODAY + 5 * DAY, 3 * MINUTES,
    (Component(PLANT, ItemId("cell"), pieces(40)),),
)  # fmt: skip
BOUGHT = replace(PLAN, components=(), bought_in=True)


def at_ms(day: float) -> int:
    return TODAY + int(day * DAY)


def fire(since: float, until: float | None, **fields: Any) -> DisruptSite:
    named: dict[str, Any] = {"work": (ID,), "reason_code": "FIRE", **fields}
    return DisruptSite(FIRE, PLANT, at_ms(since), None if until is None else at_ms(until), **named)


def say(world: World, command: Any, sender: EnterpriseId = SELLER, at: int = NOW) -> None:
    """Taken, and all that follows arrived."""
    answer = world.say(command, sender, at)
    assert not isinstance(answer, Refused), answer
    world.run()
    settle(world, at)


def settle(world: World, at: int = NOW) -> None:
    """Work orders are reckoned after what they were told, as the kernel does once per batch."""
    for key in [key for key in world.rows if key.startswith("work/")]:
        aggregate = next(a for a in DOMAIN.aggregates if a.kind == "work")
        assert aggregate.reckon is not None
        world.say(aggregate.reckon(key), SELLER, at)
    world.run()


def told(world: World, key: str = KEY) -> FlowReckoned:
    found = world.rows[key]["told"]
    assert isinstance(found, FlowReckoned)
    return found


def ends(world: World, key: str = KEY) -> float:
    """The day on which the last unit is expected; 0 if it never comes."""
    date = told(world, key).parts[-1].date
    return 0 if date == NEVER else (date - minute_of(TODAY)) / MINUTES


def answer(world: World, *parts: CoveredPart, issued: int = 0) -> None:
    """The pool says when the component comes."""
    said = InputCovered(0, True, issued * UNIT, parts)
    say(world, CoverComponent(KEY, said), EnterpriseId(""))


def comes(amount: int, day: float) -> CoveredPart:
    """In time by the pool's own plan."""
    return CoveredPart(minute_of(at_ms(day)), amount * UNIT, minute_of(at_ms(day)))


def planned(plan: PlanWork = BOUGHT, *said: Any) -> World:
    world = World()
    say(world, plan)
    for command in said:
        say(world, command)
    return world


# -- Work orders: planned from day 5 to day 8 --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "until", "end"),
    [
        (5, 6, 9),  # it starts when the site does
        (4, 7, 10),
        (4.5, 5, 8),  # over before it was to start
        (8, 12, 8),  # it has ended before
        (7.5, 9.5, 10),  # it was at work, and goes on for half a day
        (6, None, 0),  # nobody knows
        (0, 20, 23),
    ],
)
def test_work_within_the_disruption_is_done_after_it(since: float, until: float | None, end: float) -> None:
    world = planned(BOUGHT, fire(since, until))
    assert ends(world) == end
    expectation = told(world).expectation
    assert expectation is not None
    if end == 8:
        assert (expectation.cause, expectation.basis) == (None, Basis.PROMISED)
    else:
        assert expectation.cause is not None
        root = expectation.cause.root
        assert (root.flow, root.kind, root.event, root.reason) == (KEY, RootClass.REPORTED, FIRES, "FIRE")
        assert expectation.basis is Basis.REPORTED
    say(world, LiftDisruption(FIRE))
    assert world.rows[KEY] == planned().rows[KEY]


def test_two_disruptions_are_each_sat_out() -> None:
    world = planned(BOUGHT, fire(6, 8))
    flood = DisruptSite(DisruptionId("flood"), PLANT, at_ms(9), at_ms(14), work=(ID,))
    say(world, flood)  # a day of work, fire, a day, flood, a day
    assert ends(world) == 15
    expectation = told(world).expectation
    assert expectation is not None
    assert expectation.cause is not None
    assert expectation.cause.root.event == "disruption/maker/flood", "the last that held it up"
    say(world, LiftDisruption(FIRE))
    assert ends(world) == 8, "done before the flood"


def test_an_actual_wins_over_a_disruption() -> None:
    world = planned(BOUGHT, fire(4, 10))
    say(world, ReportWork(ID, actual_start_at_ms=at_ms(4.5)), at=at_ms(5))
    assert ends(world) == 7.5, "the site worked, whatever was said"
    say(world, ReportWork(ID, actual_finish_at_ms=at_ms(7)), at=at_ms(8))
    assert ends(world) == 7


def test_what_started_before_goes_on_after() -> None:
    world = planned(BOUGHT, fire(6, 10))
    say(world, ReportWork(ID, actual_start_at_ms=at_ms(5)), at=at_ms(5.5))
    assert ends(world) == 12


def test_an_estimate_of_before_is_held_up_and_one_of_later_stands() -> None:
    firm = ReportWork(ID, estimated_finish_at_ms=at_ms(9), firm=True)
    world = planned()
    say(world, firm, at=NOW)
    say(world, fire(7, 11), at=NOW + 1)
    assert ends(world) == 13, "a day of what was to end on day 9 is left for days 11 to 13"
    say(world, firm, at=NOW + 2)  # the same words, but now they are said of a site that stands still
    assert ends(world) == 9
    say(world, replace(firm, firm=False), at=NOW + 3)
    assert ends(world) == 12, "a plain one only makes it later: three days of work, four of fire"
    say(world, ReportWork(ID, estimated_finish_at_ms=at_ms(14)), at=NOW + 4)
    assert ends(world) == 14


def test_what_is_said_again_without_a_disruption_is_no_news() -> None:
    firm = ReportWork(ID, estimated_finish_at_ms=at_ms(9), firm=True)
    world = planned(BOUGHT, firm)
    assert world.say(firm, SELLER, NOW + 5) == ()


def test_a_start_that_nobody_reports_falls_into_the_disruption_in_time() -> None:
    """Silence is told when it moves the date, and is not rung for in vain while the site stands still."""
    world = planned(replace(BOUGHT, reports_start=True), fire(6, 10))
    assert ends(world) == 12
    for hour in range(int(4.5 * 24), 13 * 24):
        world.tick(TODAY + hour * 3_600_000)
        start = max(5, hour / 24)
        wanted = start + 3 if start >= 10 else 13 if start >= 6 else start + 7
        assert abs(ends(world) - wanted) <= 1 / 24 + 1e-9, hour


# -- Lines and transfers -----------------------------------------------------------------------------------------------


def test_a_line_leaves_after_the_disruption() -> None:
    """Promised for day 10, a day on the way; on its way it is not at the site."""
    world = ready(due_ms=at_ms(10))
    before = dict(world.rows[FLOW])
    for since, until, arrives in ((9, 12, 13), (8, 9, 10), (9.5, 12, 10)):
        say(world, fire(since, until, work=(), lines=(LINE,)))
        assert ends(world, FLOW) == arrives
    say(world, fire(9, None, work=(), lines=(LINE,)))
    assert ends(world, FLOW) == 0
    assert world.progress is not None
    assert world.progress.expectation is not None
    assert world.progress.expectation.cause is not None
    assert world.progress.expectation.cause.root.event == FIRES
    say(world, LiftDisruption(FIRE))
    assert world.rows[FLOW] == before


def test_what_was_promised_to_leave_leaves_after_the_disruption() -> None:
    world = ready(due_ms=at_ms(10), promise_is_ship_date=True)
    say(world, fire(9, 12, work=(), lines=(LINE,)))
    assert ends(world, FLOW) == 13
    assert world.progress is not None
    assert world.progress.expectation is not None
    assert world.progress.expectation.date == minute_of(at_ms(12))


def test_what_has_not_left_when_the_site_stands_still_has_not_left_before() -> None:
    """It was to leave on day 3; on day 5 it is still there, and there it stays."""
    for since, until, arrives in ((4, 7, 8), (4, None, 0), (6, 9, 4), (3.5, 4.5, 4)):
        world = ready(due_ms=at_ms(4))
        say(world, fire(since, until, work=(), lines=(LINE,)), at=at_ms(5))
        assert ends(world, FLOW) == arrives, since


def test_work_may_have_started_without_anybody_saying_so() -> None:
    """Two days of three are done when the fire is reported, unless each start is reported and this was not."""
    for reports_start, end in ((False, 11), (True, 13)):
        world = planned(replace(BOUGHT, reports_start=reports_start))
        say(world, fire(7, 10), at=at_ms(8))
        assert ends(world) == end


def test_what_has_left_is_on_its_way() -> None:
    world = ready(due_ms=at_ms(10))
    say(world, ShipShipment(SELLER, ShipmentId("leader-4711-10-1"), at_ms(1), (LineQuantity(LineId("1"), pieces(4)),)))
    say(world, fire(9, 12, work=(), lines=(LINE,)))
    parts = [((part.date - minute_of(TODAY)) / MINUTES, part.quantity // UNIT) for part in told(world, FLOW).parts]
    assert parts == [(10, 4), (13, 6)]


def test_a_firm_word_on_a_line_of_after_the_disruption_stands() -> None:
    world = ready(due_ms=at_ms(10))
    word = ReportLine(BUYER, "4711", "10", estimated_finish_at_ms=at_ms(11), firm=True)
    say(world, word, at=NOW)
    say(world, fire(9, 12, work=(), lines=(LINE,)), at=NOW + 1)
    assert ends(world, FLOW) == 13
    say(world, word, at=NOW + 2)
    assert ends(world, FLOW) == 11


def test_a_transfer_leaves_after_the_disruption() -> None:
    world = World()
    move = TransferStock(TransferId("t"), ItemId("M-1"), PLANT, SiteId("hub"), pieces(5), at_ms(5), 2 * MINUTES)
    say(world, fire(4, 7, work=(), transfers=(TransferId("t"),)))
    say(world, move)
    key = FlowKey("flow/maker/transfer/t")
    world.say(CoverDemand(key, ZERO, ZERO, ZERO, False), EnterpriseId(""))
    assert ends(world, key) == 9


def test_only_the_seller_can_hold_a_line_up_and_only_at_its_site() -> None:
    quiet = ready(due_ms=at_ms(10))
    for sender, command in ((STRANGER, fire(9, 12, work=(), lines=(LINE,))),
                            (BUYER, fire(9, 12, work=(), lines=(LINE,))),
                            (SELLER, replace(fire(9, 12, work=(), lines=(LINE,)), site=SiteId("hub")))):  # fmt: skip
        world = ready(due_ms=at_ms(10))
        say(world, command, sender)
        assert world.rows[FLOW] == quiet.rows[FLOW]
        early = World()
        early.pool.on_hand = pieces(10).amount
        say(early, command, sender)
        early.agree(agreed(10, due_ms=at_ms(10)))
        early.run()
        assert early.rows[FLOW].keys() == quiet.rows[FLOW].keys(), "what was said before the line came is forgotten"
        assert ends(early, FLOW) == 10


def test_a_site_of_which_nobody_spoke_is_the_sellers_word() -> None:
    """A seller without sites of its own: it says where the line leaves."""
    world = World()
    world.agree(agreed(10, due_ms=at_ms(10), ship_from=SiteId("")))
    world.run()
    say(world, fire(9, 12, work=(), lines=(LINE,)))
    assert ends(world, FLOW) == 13


# -- The report itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"to_at_ms": at_ms(5)}, "disruption-without-time", "to_at"),
        ({"from_at_ms": 0}, "date-out-of-range", "from_at"),
        ({"to_at_ms": 10**18}, "date-out-of-range", "to_at"),
        ({"site": SiteId("")}, "id-invalid", "site"),
        ({"disruption": DisruptionId("a/b")}, "id-invalid", "disruption"),
        ({"reason": "x" * 201}, "text-invalid", "reason"),
        ({"work": (WorkId("a/b"),)}, "id-invalid", "work"),
        ({"lines": (NamedLine(BUYER, "", LineId("10")),)}, "id-invalid", "lines"),
        ({"transfers": (TransferId("\n"),)}, "id-invalid", "transfers"),
        ({"work": tuple(WorkId(f"w{n}") for n in range(FLOWS_MAX)), "lines": (LINE,)}, "flows-too-many", "work"),
    ],
)
def test_what_nobody_can_mean_is_refused(fields: dict[str, Any], code: str, field: str) -> None:
    refused = World().say(replace(fire(5, 6), **fields))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == (code, field)


def test_a_thousand_flows_are_told_each_once() -> None:
    world = World()
    assert isinstance(world.say(fire(5, 6, work=tuple(WorkId(f"w{n}") for n in range(FLOWS_MAX)))), tuple)
    assert len(world.sent) == FLOWS_MAX
    assert world.views[SELLER, "disruptions", "fire"].flows == FLOWS_MAX


def test_the_same_again_is_no_news_and_a_change_names_who_is_not_meant_any_more() -> None:
    world = planned(BOUGHT, fire(5, 6))
    assert world.say(fire(5, 6)) == ()
    say(world, replace(BOUGHT, work=WorkId("w-2")))
    say(world, fire(5, 6, work=(WorkId("w-2"),)))
    assert (ends(world), ends(world, "work/maker/w-2")) == (8, 9)
    assert world.views[SELLER, "disrupted-flows", f"fire/{KEY}"] is None
    say(world, LiftDisruption(FIRE))
    assert world.say(LiftDisruption(FIRE)) == ()
    say(world, fire(5, 6, work=(WorkId("w-2"),)))
    assert ends(world, "work/maker/w-2") == 9, "it may be reported again"


def test_a_change_of_the_flows_alone_does_not_overrule_what_was_said_meanwhile() -> None:
    world = planned()
    say(world, fire(7, 11), at=NOW)
    say(world, ReportWork(ID, estimated_finish_at_ms=at_ms(9), firm=True), at=NOW + 1)
    said = len(world.facts(FlowDisrupted))
    say(world, fire(7, 11, work=(ID, WorkId("w-2"))), at=NOW + 2)
    assert ends(world) == 9
    assert len(world.facts(FlowDisrupted)) == said + 1, "and who is told the same again takes no note of it"
    say(world, fire(7, 11.5, work=(ID, WorkId("w-2"))), at=NOW + 3)
    assert ends(world) == 13.5, "other dates are news"


def test_nobody_lifts_what_others_reported() -> None:
    world = planned(BOUGHT, fire(5, 6))
    for disruption in (FIRE, DisruptionId("none")):
        refused = world.say(LiftDisruption(disruption), STRANGER)
        assert isinstance(refused, Refused)
        assert refused.code == "disruption-unknown"
    assert ends(world) == 9


def test_disruptions_of_a_flow_are_bounded() -> None:
    world = ready(due_ms=at_ms(10))
    said = FlowDisrupted("", PLANT, at_ms(1), at_ms(2), "", NOW)
    for n in range(DISRUPTIONS_MAX):
        assert world.say(DisruptFlow(FLOW, replace(said, disruption_key=f"disruption/maker/{n}")))
    refused = world.say(DisruptFlow(FLOW, replace(said, disruption_key="disruption/maker/more")))
    assert isinstance(refused, Refused)
    assert refused.code == "disruptions-too-many"


def test_components_come_before_or_within_or_after_the_disruption() -> None:
    """What comes within it is worked on after it."""
    world = planned(PLAN, fire(6, 10))
    for came, end in ((4, 12), (6.5, 13), (9, 13), (10, 13), (11, 14)):
        answer(world, comes(40, came))
        assert ends(world) == end, came


def test_taken_components_do_not_count_as_a_reported_start() -> None:
    world = planned(PLAN, fire(5, 6), IssueComponents(ID))
    answer(world, issued=40)
    assert ends(world) == 9
