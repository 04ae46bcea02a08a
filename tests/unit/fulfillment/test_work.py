"""Work orders: planning and exploding, what pools are told, what is reported and taken, when the output is expected."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.chain.causes import Cause, Hop, Root, RootClass
from services.chain.flow import Basis
from services.chain.moments import NEVER, minute_of
from services.chain.pool_facts import CoveredPart, Frozen, LateSupply
from services.fulfillment.expecting import FlowReckoned
from services.fulfillment.keys import FlowKey, ItemId, SiteId, WorkId
from services.fulfillment.links import DemandCovered, DemandStated, SupplyStated
from services.fulfillment.work import (
    COMPONENTS_MAX,
    CancelWork,
    Component,
    ComponentIssued,
    ComponentTotal,
    IssueComponents,
    PlanWork,
    ReportWork,
    WorkReported,
    WorkStage,
)
from services.kernel.model import Link
from services.kernel.values import EnterpriseId, Quantity, Refused
from tests.unit.fulfillment.world import DAY, NOW, SELLER, STRANGER, World, pieces

TODAY = NOW // DAY * DAY
START = TODAY + 5 * DAY
MINUTES, UNIT, HOUR = 1440, 1_000_000, 3_600_000
KEY, ID = FlowKey("work/maker/w-1"), WorkId("w-1")
PLANT, CELL, CASE, PACK = SiteId("plant"), ItemId("cell"), ItemId("case"), ItemId("pack")
CELLS, CASES, PACKS = "pool/maker/plant/cell", "pool/maker/plant/case", "pool/maker/plant/pack"
PLAN = PlanWork(
    ID, PLANT, PACK, pieces(10), START, 3 * MINUTES,
    (Component(PLANT, CELL, pieces(40)), Component(PLANT, CASE, quantity_per=pieces(1))),
)  # fmt: skip
SLIP = Cause(Root("flow/maker/1/1", RootClass.REPORTED, "fire", "FIRE"), (Hop("flow/maker/1/1", "mill", delay_out=1),))


def day(number: float) -> int:
    return minute_of(TODAY) + int(number * MINUTES)


def comes(amount: int, number: float, due: float) -> CoveredPart:
    late = LateSupply("flow/maker/1/1", day(number), day(due), SLIP) if number > due else None
    return CoveredPart(day(number), amount * UNIT, day(due), late)


def planned(plan: PlanWork = PLAN) -> World:
    world = World()
    assert isinstance(world.say(plan), tuple)
    return world


def answer(
    world: World, n: int, *parts: CoveredPart, issued: int = 0, tracked: bool = True, frozen: Frozen | None = None
) -> None:
    """A pool says when the n-th component comes."""
    open_ = sum(part.quantity for part in parts) // UNIT
    said = DemandCovered("pool", f"{KEY}#{n}", pieces(0), pieces(issued), pieces(open_), tracked, parts, frozen)
    world.send(f"pool/{n}", Link("inventory-availability-v1", KEY, f"{KEY}#{n}", said))
    world.run()


def ready(plan: PlanWork = PLAN) -> World:
    """All components come in time."""
    world = planned(plan)
    answer(world, 0, comes(40, 4, 4))
    answer(world, 1, comes(10, 4, 4))
    return world


def state(world: World, pool: str) -> Any:
    """What the pool was told last."""
    return next(link.state for link in reversed(world.sent) if link.to == pool)


def told(world: World) -> FlowReckoned:
    """What was told last, and that is what the pool of the output got."""
    found = world.rows[KEY]["told"]
    assert isinstance(found, FlowReckoned)
    assert state(world, PACKS).parts == found.parts
    return found


def parts(world: World) -> list[tuple[float, int]]:
    return [
        (0 if p.date == NEVER else (p.date - minute_of(TODAY)) / MINUTES, p.quantity // UNIT) for p in told(world).parts
    ]


def row(world: World) -> Any:
    return world.views[SELLER, "work", "w-1"]


def report(world: World, sender: EnterpriseId = SELLER, at_ms: int = NOW, **said: Any) -> Any:
    return world.say(ReportWork(ID, **said), sender, at_ms)


def issue(world: World, cells: int, cases: int, at_ms: int = NOW) -> None:
    totals = (ComponentTotal(PLANT, CELL, pieces(cells)), ComponentTotal(PLANT, CASE, pieces(cases)))
    assert isinstance(world.say(IssueComponents(ID, totals), SELLER, at_ms), tuple)


def code(answered: Any) -> str:
    assert isinstance(answered, Refused), answered
    assert answered.advice
    return answered.code


# -- Planning ----------------------------------------------------------------------------------------------------------


def test_a_plan_states_a_demand_to_each_pool_and_its_output() -> None:
    world = planned()
    assert state(world, CELLS) == DemandStated(
        KEY,
        f"{KEY}#0",
        pieces(40),
        pieces(0),
        START,
        5,
        NOW,
        False,
        KEY,
        planned=True,
    )
    assert (state(world, CASES).demand, state(world, CASES).quantity) == (f"{KEY}#1", pieces(10))
    supply = state(world, PACKS)
    assert isinstance(supply, SupplyStated)
    assert (supply.quantity, supply.received, supply.promised_at_ms) == (pieces(10), pieces(0), START + 3 * DAY)
    assert (supply.expected_at_ms, supply.parts, supply.withdrawn) == (START + 3 * DAY, (), False)
    assert len(world.sent) == 3
    assert (row(world).stage, row(world).basis, row(world).late) == (WorkStage.PLANNED, None, False)


@pytest.mark.parametrize(
    ("output", "per", "scrap", "needed"),
    [
        ("10", "1", "0", "10"),
        ("10", "1", "3", "11"),
        ("10", "4", "20", "50"),
        ("10", "4", "20.1", "51"),
        ("10", "0.25", "3", "2.58"),
        ("2.5", "3", "0", "7.5"),
        ("0.000001", "0.5", "0", "0.000001"),
        ("3", "1", "99.9", "3000"),
    ],
)
def test_components_are_exploded_with_scrap_and_rounded_up(output: str, per: str, scrap: str, needed: str) -> None:
    component = Component(PLANT, CELL, quantity_per=pieces(per), scrap_percent=Decimal(scrap))
    world = planned(replace(PLAN, quantity=pieces(output), components=(component,)))
    assert state(world, CELLS).quantity == pieces(needed)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lead_time_minutes": 0}, "lead-time-invalid"),
        ({"quantity": pieces(0)}, "quantity-out-of-range"),
        ({"quantity": Quantity(Decimal(1), "")}, "unit-invalid"),
        ({"finish_at_ms": 0}, "date-out-of-range"),
        ({"start_at_ms": 0}, "date-out-of-range"),
        ({"site": SiteId("")}, "id-invalid"),
        ({"work": WorkId("a/b")}, "id-invalid"),
        ({"priority": -1}, "priority-out-of-range"),
        ({"components": ()}, "components-missing"),
        ({"bought_in": True}, "components-of-bought-in"),
        ({"components": (Component(PLANT, PACK, pieces(1)),)}, "component-is-output"),
        ({"components": (Component(PLANT, CELL, pieces(1)),) * 2}, "component-twice"),
        ({"components": (Component(PLANT, CELL),)}, "component-quantity-unclear"),
        ({"components": (Component(PLANT, CELL, pieces(1), pieces(1)),)}, "component-quantity-unclear"),
        ({"components": (Component(PLANT, CELL, pieces(1), scrap_percent=Decimal(1)),)}, "scrap-of-whole"),
        (
            {"components": (Component(PLANT, CELL, quantity_per=pieces(1), scrap_percent=Decimal(100)),)},
            "scrap-out-of-range",
        ),
        ({"components": (Component(PLANT, CELL, Quantity(Decimal(1), "")),)}, "unit-invalid"),
        ({"components": (Component(PLANT, CELL, quantity_per=pieces("1E+12")),)}, "quantity-out-of-range"),
        ({"components": (Component(PLANT, ItemId("")),)}, "id-invalid"),
        (
            {"components": tuple(Component(PLANT, ItemId(f"{n}"), pieces(1)) for n in range(COMPONENTS_MAX + 1))},
            "components-too-many",
        ),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(change: dict[str, Any], expected: str) -> None:
    world = World()
    assert code(world.say(replace(PLAN, **change))) == expected
    assert not world.log


def test_a_new_plan_tells_the_pools_and_drops_what_it_does_not_name() -> None:
    world = ready()
    later = NOW + DAY
    again = replace(PLAN, start_at_ms=START + DAY, components=(Component(PLANT, CELL, pieces(44)),), priority=1)
    world.say(again, SELLER, later)
    assert (state(world, CELLS).quantity, state(world, CELLS).need_at_ms) == (pieces(44), START + DAY)
    assert (state(world, CELLS).priority, state(world, CELLS).sequence_ms) == (1, NOW)
    assert (state(world, CASES).quantity, state(world, CASES).withdrawn) == (pieces(0), True)
    expectation = told(world).expectation
    assert expectation is not None
    assert (expectation.baseline, parts(world)) == (day(9), [(9, 10)])
    sent = len(world.sent)
    assert world.say(again) == ()
    assert len(world.sent) == sent
    world.say(PLAN)
    assert (state(world, CASES).demand, state(world, CASES).quantity) == (f"{KEY}#1", pieces(10)), "the same number"


def test_a_start_may_be_planned_behind_what_was_planned_to_be_the_end() -> None:
    world = ready()
    world.say(replace(PLAN, start_at_ms=START + 4 * DAY, finish_at_ms=START + 3 * DAY))
    assert (parts(world), row(world).delay_minutes, row(world).cause) == ([(12, 10)], 4 * MINUTES, "PLANNED")


def test_a_component_in_another_unit_is_another_demand() -> None:
    world = ready()
    world.say(replace(PLAN, components=(Component(PLANT, CELL, Quantity(Decimal(8), "KGM")), PLAN.components[1])))
    new, old = (link.state for link in world.sent[:-3:-1] if link.to == CELLS)
    assert (old.demand, old.withdrawn) == (f"{KEY}#0", True)
    assert (new.demand, new.quantity) == (f"{KEY}#2", Quantity(Decimal(8), "KGM"))


@pytest.mark.parametrize(
    "change", [{"item": ItemId("other")}, {"site": SiteId("other")}, {"quantity": Quantity(Decimal(1), "KGM")}]
)
def test_what_comes_of_it_stays(change: dict[str, Any]) -> None:
    assert code(ready().say(replace(PLAN, **change))) == "work-output-fixed"


def test_work_orders_are_their_owners() -> None:
    world = ready()
    for command in (ReportWork(ID, lost=True), IssueComponents(ID), CancelWork(ID)):
        assert code(world.say(command, STRANGER)) == "work-unknown"


# -- Dates -------------------------------------------------------------------------------------------------------------


def test_nothing_is_reckoned_before_each_pool_has_answered() -> None:
    world = planned()
    answer(world, 0, comes(40, 7, 4))
    assert "told" not in world.rows[KEY]
    answer(world, 1, tracked=False)
    assert parts(world) == [(10, 10)]


def test_the_latest_component_moves_the_output_and_its_cause_and_back() -> None:
    world = ready()
    assert (parts(world), row(world).basis, row(world).cause) == ([(8, 10)], Basis.PROMISED, None)
    answer(world, 0, comes(40, 7, 4))
    assert (parts(world), row(world).delay_minutes, row(world).basis) == ([(10, 10)], 2 * MINUTES, Basis.COMPUTED)
    assert (row(world).late, row(world).cause, row(world).reason) == (True, "SUPPLY", ""), "others' words are not shown"
    cause = told(world).parts[0].cause
    assert cause is not None
    assert (cause.root, cause.hops[-1].flow, cause.hops[-1].enterprise) == (SLIP.root, KEY, SELLER)
    assert state(world, PACKS).expected_at_ms == START + 5 * DAY
    answer(world, 1, comes(10, 6, 4))
    assert parts(world) == [(10, 10)]
    answer(world, 0, comes(40, 4, 4))
    assert parts(world) == [(9, 10)]
    answer(world, 1, comes(10, 4, 4))
    assert (parts(world), row(world).cause, row(world).late) == ([(8, 10)], None, False)


def test_what_never_comes_has_no_date_and_is_short() -> None:
    world = ready()
    answer(world, 0, CoveredPart(NEVER, 40 * UNIT, NEVER, missing=7 * UNIT))
    assert parts(world) == [(0, 10)]
    assert (row(world).expected_at_ms, row(world).delay_minutes, row(world).cause) == (None, None, "SHORT")
    assert state(world, PACKS).expected_at_ms is None


def test_one_component_may_let_the_output_go_in_parts() -> None:
    world = planned(replace(PLAN, split=True, components=PLAN.components[:1]))
    answer(world, 0, comes(20, 4, 4), comes(20, 7, 4))
    assert parts(world) == [(8, 5), (10, 5)]
    world.say(replace(PLAN, split=True))
    answer(world, 1, tracked=False)
    assert parts(world) == [(8, 5), (10, 5)], "a component of which nothing is known is none to wait for"
    answer(world, 1, comes(10, 4, 4))
    assert parts(world) == [(10, 10)], "with two that come, all waits for both"


def test_what_is_bought_in_has_its_plan_only() -> None:
    world = planned(replace(PLAN, components=(), bought_in=True))
    assert (parts(world), row(world).basis) == ([(8, 10)], Basis.PROMISED)


def test_an_estimate_has_its_owners_reason() -> None:
    world = ready()
    report(world, estimated_start_at_ms=START + DAY, reason_code="MACHINE")
    assert (parts(world), row(world).basis, row(world).cause) == ([(9, 10)], Basis.REPORTED, "REPORTED")
    assert row(world).reason == "MACHINE"
    report(world, estimated_finish_at_ms=START + 9 * DAY, disruption_id="f-1")
    assert parts(world) == [(14, 10)]
    cause = told(world).parts[0].cause
    assert cause is not None
    assert (cause.root.event, cause.root.reason) == ("disruption/maker/f-1", "")
    report(world)
    assert (parts(world), row(world).cause) == ([(8, 10)], None), "an estimate that is not repeated is taken back"


def test_a_firm_finish_stands_and_is_contradicted() -> None:
    world = ready()
    answer(world, 0, comes(40, 7, 4))
    report(world, estimated_finish_at_ms=START + 3 * DAY, firm=True)
    assert (parts(world), row(world).contradicted, row(world).late) == ([(8, 10)], True, False)


def test_lost_output_stays_with_its_pool_without_a_date() -> None:
    world = ready()
    report(world, lost=True, reason_code="FIRE")
    assert (parts(world), row(world).stage, row(world).cause) == ([(0, 10)], WorkStage.LOST, "LOST")
    assert (state(world, PACKS).withdrawn, state(world, PACKS).expected_at_ms) == (False, None)
    assert state(world, CELLS).withdrawn, "what was not taken for it is free for others"
    report(world)
    assert (parts(world), row(world).stage) == ([(8, 10)], WorkStage.PLANNED)
    assert not state(world, CELLS).withdrawn


def test_silence_moves_the_finish_on_the_hour() -> None:
    world = ready()
    before = len(world.log)
    world.tick(START + 3 * DAY)
    assert len(world.log) == before
    world.tick(START + 3 * DAY + HOUR)
    assert (parts(world), row(world).cause) == ([(8 + 1 / 24, 10)], "SILENT")


def test_where_starts_are_reported_a_silent_start_moves_the_finish() -> None:
    world = ready(replace(PLAN, reports_start=True))
    before = len(world.log)
    world.tick(START)
    assert len(world.log) == before
    world.tick(START + HOUR)
    assert parts(world) == [(8 + 1 / 24, 10)]
    world.tick(START + 2 * HOUR)
    assert parts(world) == [(8 + 1 / 12, 10)]
    report(world, actual_start_at_ms=START, at_ms=START + 2 * HOUR)
    assert parts(world) == [(8, 10)], "now it is known that it did start"
    before = len(world.log)
    world.tick(START + 3 * DAY)
    assert len(world.log) == before
    world = ready(replace(PLAN, reports_start=True))
    report(world, estimated_finish_at_ms=START + 3 * DAY, firm=True)
    before = len(world.log)
    world.tick(START + 3 * DAY)
    assert len(world.log) == before, "a firm finish says that it starts in time"


# -- Reports -----------------------------------------------------------------------------------------------------------


def test_the_life_of_a_work_order() -> None:
    world = ready()
    report(world, actual_start_at_ms=NOW)
    assert (row(world).stage, state(world, CELLS).planned, state(world, CASES).planned) == (
        WorkStage.STARTED,
        False,
        False,
    )
    issue(world, 40, 4)
    assert (state(world, CELLS).issued, state(world, CELLS).withdrawn) == (pieces(40), True)
    assert (state(world, CASES).issued, state(world, CASES).withdrawn) == (pieces(4), False)
    answer(world, 0, issued=40)
    answer(world, 1, comes(6, 6, 4), issued=4)
    assert parts(world) == [(9, 10)]
    issue(world, 40, 10)
    answer(world, 1, issued=10)
    report(world, actual_finish_at_ms=START + 4 * DAY, at_ms=START + 4 * DAY)
    assert (row(world).stage, parts(world), row(world).basis) == (WorkStage.FINISHED, [(9, 10)], Basis.REPORTED)
    supply = state(world, PACKS)
    assert (supply.received, supply.withdrawn) == (pieces(10), True)
    assert told(world).quiet_until == 0
    assert world.rows[KEY]["report"].actual_start_at_ms == NOW, "an actual stands until there is another"
    assert code(world.say(PLAN)) == code(world.say(CancelWork(ID))) == "work-ended"


def test_finished_in_the_minute_that_was_expected_is_told_too() -> None:
    world = ready()
    report(world, estimated_finish_at_ms=START + 4 * DAY)
    report(world, actual_finish_at_ms=START + 4 * DAY, at_ms=START + 4 * DAY)
    assert state(world, PACKS).received == pieces(10)


def test_an_issue_that_came_late_keeps_its_history() -> None:
    world = ready()
    issue(world, 40, 10, at_ms=START + 2 * DAY)
    answer(world, 0, issued=40, frozen=Frozen(day(7), day(4), 3 * MINUTES, SLIP))
    answer(world, 1, issued=10)
    report(world, actual_start_at_ms=START + 2 * DAY, at_ms=START + 2 * DAY)
    assert (parts(world), row(world).cause) == ([(10, 10)], "SUPPLY")
    report(world, actual_finish_at_ms=START + 5 * DAY, at_ms=START + 5 * DAY)
    assert (parts(world), row(world).cause) == ([(10, 10)], "SUPPLY")


def test_the_first_issue_makes_all_demands_real() -> None:
    world = ready()
    issue(world, 4, 0)
    assert (state(world, CELLS).planned, state(world, CASES).planned) == (False, False)
    assert row(world).stage is WorkStage.STARTED


def test_without_components_all_that_is_planned_is_issued() -> None:
    world = ready()
    issue(world, 50, 3)
    world.say(IssueComponents(ID))
    assert (state(world, CELLS).issued, state(world, CASES).issued) == (pieces(50), pieces(10))
    assert world.say(IssueComponents(ID)) == ()


def test_what_was_not_planned_is_issued_all_the_same() -> None:
    world = ready()
    glue = ItemId("glue")
    world.say(IssueComponents(ID, (ComponentTotal(PLANT, glue, Quantity(Decimal("0.2"), "KGM")),)))
    stated = state(world, "pool/maker/plant/glue")
    assert (stated.demand, stated.quantity.amount, stated.issued.amount) == (f"{KEY}#2", 0, Decimal("0.2"))
    assert stated.withdrawn
    assert code(world.say(IssueComponents(ID, (ComponentTotal(PLANT, glue, pieces(1)),)))) == "unit-differs"
    assert world.facts(ComponentIssued)[-1].n == 2


def test_a_total_may_be_corrected() -> None:
    world = ready()
    issue(world, 40, 0)
    issue(world, 30, 0)
    assert (state(world, CELLS).issued, state(world, CELLS).withdrawn) == (pieces(30), False)
    issue(world, 0, 0)
    assert row(world).stage is WorkStage.PLANNED


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"estimated_start_at_ms": START, "estimated_finish_at_ms": START - 1}, "finish-before-start"),
        ({"actual_start_at_ms": NOW, "estimated_finish_at_ms": NOW - 1}, "finish-before-start"),
        ({"actual_start_at_ms": NOW, "actual_finish_at_ms": NOW - 1}, "finish-before-start"),
        ({"actual_start_at_ms": NOW + 1}, "actual-in-future"),
        ({"actual_finish_at_ms": NOW + 1}, "actual-in-future"),
        ({"firm": True}, "firm-without-finish"),
        ({"estimated_start_at_ms": -1}, "date-out-of-range"),
        ({"reason_code": "a/b"}, "id-invalid"),
        ({"disruption_id": "a/b"}, "id-invalid"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused(said: dict[str, Any], expected: str) -> None:
    world = ready()
    assert code(report(world, **said)) == expected
    assert not world.facts(WorkReported)


def test_a_report_that_says_nothing_new_makes_no_fact() -> None:
    world = ready()
    assert report(world) == ()
    report(world, lost=True)
    assert report(world, lost=True) == ()
    assert len(report(world, lost=True, disruption_id="f-1")) == 1, "what it belongs to is news"
    assert report(world, lost=True, disruption_id="f-1") == ()


def test_what_was_reported_can_be_withdrawn() -> None:
    world = ready()
    report(world, actual_finish_at_ms=NOW)
    report(world, withdraw=True, actual_start_at_ms=NOW)
    assert (row(world).stage, state(world, PACKS).received) == (WorkStage.STARTED, pieces(0))
    report(world, withdraw=True)
    assert (row(world).stage, state(world, CELLS).planned, parts(world)) == (WorkStage.PLANNED, True, [(8, 10)])
    assert "report" not in world.rows[KEY]


def test_a_cancelled_work_order_frees_its_components_and_keeps_what_was_taken() -> None:
    world = ready()
    issue(world, 4, 0)
    world.say(CancelWork(ID, "no order"))
    assert (state(world, CELLS).issued, state(world, CELLS).withdrawn) == (pieces(4), True)
    assert (state(world, CASES).withdrawn, state(world, PACKS).withdrawn) == (True, True)
    assert (told(world), row(world).stage, row(world).late) == (FlowReckoned(), WorkStage.CANCELLED, False)
    assert world.say(CancelWork(ID)) == ()
    report(world, actual_finish_at_ms=NOW)
    assert row(world).stage is WorkStage.CANCELLED
    assert code(world.say(PLAN)) == "work-ended"


def test_an_answer_for_a_demand_that_nobody_stated_changes_nothing() -> None:
    world = ready()
    before = dict(world.rows[KEY])
    for demand in (f"{KEY}#x", KEY, f"{KEY}#{COMPONENTS_MAX}"):
        said = DemandCovered("pool", demand, pieces(0), pieces(0), pieces(1), True)
        world.send("pool/odd", Link("inventory-availability-v1", KEY, demand, said))
    world.run()
    assert world.rows[KEY] == before
