"""When a line is expected: by plan, by its seller's pool, by what is on the way, by reports and by silence."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.chain.causes import Cause, Hop, Root, RootClass, Stage
from services.chain.expectation import Expectation
from services.chain.flow import Basis
from services.chain.moments import NEVER, minute_of
from services.chain.pool_facts import CoveredPart, Frozen, Hold, LateSupply
from services.fulfillment.consignment import MilestoneCertainty, MilestoneKind
from services.fulfillment.expecting import FlowReckoned
from services.fulfillment.flow import CoverDemand, LegReported, LineReported, ReportLine, TransferStock
from services.fulfillment.keys import FlowKey, ItemId, LineId, ShipmentId, SiteId, TransferId
from services.fulfillment.legs import AgreedDelivery, LegWanted
from services.fulfillment.links import SupplyStated
from services.fulfillment.shipment import PickShipment, ReceiveShipment, ReportMilestone, ShipShipment
from services.fulfillment.shipment_facts import LineQuantity
from services.kernel.values import EnterpriseId, Quantity, Refused
from tests.unit.fulfillment.world import BUYER, DAY, FIRST, FLOW, NOW, SELLER, STRANGER, World, agreed, pieces, ready

TODAY = NOW // DAY * DAY  # whole minutes, so that what is told in milliseconds is the same moment
DUE = TODAY + 10 * DAY
MINUTES = 1440
NAME = ShipmentId("leader-4711-10-1")
UNIT = 1_000_000
SLIP = Cause(
    Root("flow/maker/1/1", RootClass.REPORTED, "fire"), (Hop("flow/maker/1/1", "mill", own=3000, delay_out=3000),)
)


def day(number: float) -> int:
    """The minute of a day from today on."""
    return minute_of(TODAY) + int(number * MINUTES)


def part(amount: int) -> tuple[LineQuantity, ...]:
    return (LineQuantity(LineId("1"), pieces(amount)),)


def comes(amount: int, number: float, due: float | None = None) -> CoveredPart:
    """Units that the seller's pool gets on a day; late where they were due on another."""
    if due is None:
        return CoveredPart(day(number), amount * UNIT, day(number))
    late = LateSupply("flow/maker/1/1", day(number), day(due), SLIP)
    return CoveredPart(day(number), amount * UNIT, day(due), late)


def waiting(**other: Any) -> World:
    """A line of ten, due on day ten, a day on the way; its seller's pool has nothing, and says when it will."""
    world = World()
    world.pool.coming = (comes(10, 8),)
    world.agree(agreed(10, due_ms=DUE, **other))
    world.run()
    return world


def told(world: World) -> FlowReckoned:
    """What was told last; and that is what pool and order got."""
    told = world.rows[FLOW]["told"]
    assert isinstance(told, FlowReckoned)
    assert world.supply is not None
    assert world.supply.parts == told.parts
    assert world.progress is not None
    assert world.progress.expectation == told.expectation
    return told


def days_of(told: FlowReckoned) -> list[tuple[float, int]]:
    """(day, pieces) of what is told; the day of what never comes is 0."""
    return [
        (0 if part.date == NEVER else (part.date - minute_of(TODAY)) / MINUTES, part.quantity // UNIT)
        for part in told.parts
    ]


def parts(world: World) -> list[tuple[float, int]]:
    """The same of what the buyer's pool is told."""
    return days_of(told(world))


def expectation(world: World) -> Expectation:
    found = told(world).expectation
    assert found is not None
    return found


def root(world: World) -> tuple[str, RootClass, str]:
    cause = expectation(world).cause
    assert cause is not None
    return cause.root.flow, cause.root.kind, cause.root.event


def supply(world: World) -> SupplyStated:
    assert world.supply is not None
    return world.supply


def expected_at(world: World) -> int | None:
    """What both sides are told; their views and the pool say the same."""
    assert world.progress is not None
    at_ms = world.progress.expected_at_ms
    assert {world.views[who, "flows", FLOW[5:]].expected_at_ms for who in (BUYER, SELLER)} == {at_ms}
    return at_ms


def report(world: World, sender: EnterpriseId = SELLER, at_ms: int = NOW, **said: Any) -> Any:
    answer = world.say(ReportLine(BUYER, "4711", "10", **said), sender, at_ms)
    world.run()
    return answer


def test_without_a_tracked_pool_the_promise_is_all_there_is() -> None:
    world = World()
    world.pool.tracked = False
    world.agree(agreed(10, due_ms=DUE))
    world.run()
    assert parts(world) == [(10, 10)]
    assert expectation(world) == Expectation(day(10), day(10), Basis.PROMISED, False, None)
    assert expected_at(world) == DUE


def test_nothing_is_reckoned_before_the_pool_has_answered() -> None:
    world = World()
    world.agree(agreed(10, due_ms=DUE))
    world.deliver(world.pending()[0])
    assert "told" not in world.rows[FLOW]
    stated = world.sent[2].state
    assert (stated.parts, stated.expected_at_ms) == ((), DUE)


def test_a_late_input_moves_the_line_and_says_why_and_back() -> None:
    world = waiting()
    assert parts(world) == [(10, 10)]
    assert expectation(world).basis is Basis.PROMISED, "there on day eight, it waits for its start on day nine"
    world.coming(comes(10, 12, due=8))
    world.run()
    assert parts(world) == [(13, 10)]
    assert (expectation(world).basis, root(world)) == (
        Basis.COMPUTED,
        ("flow/maker/1/1", RootClass.REPORTED, "fire"),
    )
    cause = told(world).parts[0].cause
    assert cause is not None
    assert [(hop.flow, hop.delay_in, hop.slack, hop.delay_out) for hop in cause.hops[1:]] == [
        (FLOW, 4 * MINUTES, MINUTES, 3 * MINUTES)
    ]
    assert (expected_at(world), supply(world).expected_at_ms) == (DUE + 3 * DAY, DUE + 3 * DAY)
    row = world.views[BUYER, "flows", FLOW[5:]]
    assert (row.late, row.delay_minutes, row.days_late, row.basis) == (True, 3 * MINUTES, 3, Basis.COMPUTED)
    for who in (BUYER, SELLER):
        row = world.views[who, "flows", FLOW[5:]]
        assert (row.cause, row.reason) == ("SUPPLY", ""), "what others said is told to neither"
    world.coming(comes(10, 8))
    world.run()
    assert (parts(world), expectation(world).cause, expected_at(world)) == ([(10, 10)], None, DUE)
    assert not world.views[BUYER, "flows", FLOW[5:]].late


def test_a_line_goes_in_parts_as_its_input_comes() -> None:
    world = waiting()
    world.stock(3)
    world.coming(comes(5, 12, due=8))
    world.run()
    assert parts(world) == [(10, 3), (13, 5), (0, 2)]
    assert root(world) == (FLOW, RootClass.SHORT, "")


def test_both_sides_see_why_a_line_itself_is_late() -> None:
    """The seller its own word, the buyer that it is the line."""
    world = waiting()
    report(world, estimated_finish_at_ms=DUE + DAY + 1, reason_code="TRUCK")
    for who, cause in ((BUYER, "TRANSPORT"), (SELLER, "REPORTED")):
        row = world.views[who, "flows", FLOW[5:]]
        assert (row.cause, row.reason, row.days_late, row.basis) == (cause, "TRUCK", 2, Basis.REPORTED)
    report(world, lost=True)
    assert [world.views[who, "flows", FLOW[5:]].cause for who in (BUYER, SELLER)] == ["TRANSPORT", "LOST"]
    report(world, withdraw=True)
    row = world.views[BUYER, "flows", FLOW[5:]]
    assert (row.cause, row.reason, row.days_late, row.basis) == (None, "", 0, Basis.PROMISED)


def test_what_never_comes_has_no_date() -> None:
    world = waiting()
    world.coming()
    world.run()
    assert expectation(world).date == NEVER
    assert (expected_at(world), supply(world).expected_at_ms) == (None, None)
    row = world.views[SELLER, "flows", FLOW[5:]]
    assert (row.late, row.delay_minutes, row.days_late, row.cause) == (True, None, None, "SHORT")
    assert world.rows[FLOW]["told"].quiet_until == 0, "silence can not move it"


def test_the_sellers_word_to_the_order_counts_under_what_brought_it() -> None:
    world = waiting()
    world.agree(agreed(10, due_ms=DUE, estimated_at_ms=DUE + 4 * DAY))
    world.run()
    said = f"c-{world.commands}"
    assert (parts(world), root(world)) == ([(14, 10)], (FLOW, RootClass.REPORTED, said))
    world.agree(agreed(10, due_ms=DUE, estimated_at_ms=DUE + 4 * DAY, closes_at=pieces(9)))
    world.run()
    assert root(world)[2] == said, "it is the same estimate still"
    world.agree(agreed(10, due_ms=DUE))
    world.run()
    assert (parts(world), expectation(world).cause) == ([(10, 10)], None)


def test_an_estimate_makes_later_only() -> None:
    world = waiting()
    world.coming(comes(10, 12, due=8))
    report(world, estimated_finish_at_ms=DUE + DAY)
    assert parts(world) == [(13, 10)]
    report(world, estimated_finish_at_ms=DUE + 5 * DAY, reason_code="STRIKE")
    assert parts(world) == [(15, 10)]
    report(world, estimated_start_at_ms=DUE + 5 * DAY)
    assert parts(world) == [(16, 10)]


def test_a_firm_word_stands_against_the_inputs_which_contradict_it() -> None:
    world = waiting()
    world.coming(comes(10, 12, due=8))
    report(world, estimated_finish_at_ms=DUE, firm=True)
    assert parts(world) == [(10, 10)]
    assert expectation(world) == Expectation(day(10), day(10), Basis.REPORTED, True, None)
    report(world, withdraw=True)
    assert parts(world) == [(13, 10)]


def test_a_lost_line_never_comes_until_that_is_taken_back() -> None:
    world = waiting()
    report(world, lost=True, reason_code="FIRE", disruption_id="f-1")
    assert (parts(world), root(world)) == ([(0, 10)], (FLOW, RootClass.LOST, "disruption/maker/f-1"))
    assert expected_at(world) is None
    assert not supply(world).withdrawn, "it stays with the pool until the buyer plans anew"
    report(world, withdraw=True)
    assert (parts(world), expected_at(world)) == ([(10, 10)], DUE)
    assert "report" not in world.rows[FLOW]


def test_reports_with_one_disruption_are_one_incident_and_without_one_their_own() -> None:
    world = waiting()
    report(world, estimated_finish_at_ms=DUE + DAY, disruption_id="f-1")
    assert root(world)[2] == "disruption/maker/f-1"
    report(world, estimated_finish_at_ms=DUE + DAY)
    assert root(world)[2] == "disruption/maker/f-1", "it says nothing new"
    report(world, estimated_finish_at_ms=DUE + 2 * DAY)
    assert root(world)[2] == f"c-{world.commands}"
    assert len(world.facts(LineReported)) == 2


def test_of_two_estimates_the_later_counts_and_names_the_root() -> None:
    world = waiting()
    report(world, estimated_finish_at_ms=DUE + 3 * DAY, disruption_id="f-1")
    world.agree(agreed(10, due_ms=DUE, estimated_at_ms=DUE + 2 * DAY))
    world.run()
    assert (parts(world), root(world)[2]) == ([(13, 10)], "disruption/maker/f-1")
    world.agree(agreed(10, due_ms=DUE, estimated_at_ms=DUE + 4 * DAY))
    world.run()
    assert (parts(world), root(world)[2]) == ([(14, 10)], f"c-{world.commands}")
    report(world, estimated_finish_at_ms=DUE + DAY, firm=True)
    assert parts(world) == [(11, 10)], "but a firm word stands alone"
    report(world, lost=True, disruption_id="f-2")
    assert root(world)[1:] == (RootClass.LOST, "disruption/maker/f-2")


@pytest.mark.parametrize("sender", [BUYER, STRANGER])
def test_only_the_seller_reports_a_line(sender: EnterpriseId) -> None:
    world = waiting()
    refused = report(world, sender, lost=True)
    unknown = world.say(ReportLine(BUYER, "4711", "99", lost=True), sender)
    assert isinstance(refused, Refused)
    assert (refused.code, refused) == ("line-unknown", unknown)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"estimated_start_at_ms": DUE, "estimated_finish_at_ms": DUE - 1}, "finish-before-start"),
        ({"firm": True}, "firm-without-finish"),
        ({"estimated_finish_at_ms": 0}, "date-out-of-range"),
        ({"reason_code": "a/b"}, "id-invalid"),
        ({"disruption_id": "a" * 65}, "id-invalid"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused(said: dict[str, Any], code: str) -> None:
    refused = report(waiting(), **said)
    assert isinstance(refused, Refused)
    assert refused.code == code


def test_silence_moves_a_line_on_the_hour() -> None:
    world = waiting()
    before = len(world.log)
    world.tick(DUE)
    assert len(world.log) == before, "it may still come in time"
    world.tick(DUE + 59 * 60_000)
    assert len(world.log) == before, "silence is told on the hour"
    world.tick(DUE + 60 * 60_000)
    world.run()
    assert (parts(world), root(world)) == ([(10 + 1 / 24, 10)], (FLOW, RootClass.SILENT, ""))
    assert expected_at(world) == DUE + 60 * 60_000
    world.tick(DUE + 2 * DAY)
    world.run()
    assert parts(world) == [(12, 10)]


def test_what_is_on_the_way_has_its_own_date_and_waits_for_nothing() -> None:
    world = waiting()
    world.stock(6)
    world.coming(comes(4, 12, due=8))
    world.run()
    world.say(ShipShipment(SELLER, NAME, TODAY + 9 * DAY, part(6)))
    world.run()
    assert parts(world) == [(10, 6), (13, 4)]
    late = ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, DUE + 7 * DAY, "ICE")
    world.say(late)
    world.run()
    assert parts(world) == [(13, 4), (17, 6)]
    cause = expectation(world).cause
    assert cause is not None
    event = world.facts(LegReported)[-1].event
    assert cause.root == Root(FLOW, RootClass.REPORTED, event, "ICE")
    assert expected_at(world) == DUE + 7 * DAY
    world.coming(comes(4, 20, due=8))
    world.run()
    assert parts(world) == [(17, 6), (21, 4)], "what is gone does not move with the pool"


def test_goods_that_left_early_come_early() -> None:
    world = waiting()
    world.stock(10)
    world.run()
    world.say(ShipShipment(SELLER, NAME, TODAY + 3 * DAY))
    world.say(ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, TODAY + 4 * DAY))
    world.run()
    assert (parts(world), expectation(world).basis) == ([(4, 10)], Basis.REPORTED)


def test_the_pool_may_not_know_yet_what_has_left() -> None:
    world = waiting()
    world.stock(6)
    world.coming(comes(2, 11, due=8), comes(2, 12, due=8))
    world.run()
    world.say(ShipShipment(SELLER, NAME, TODAY + 9 * DAY, part(6)))
    world.deliver((FIRST, FLOW, FIRST))
    unknowing = [(10, 6), (12, 2), (13, 2)]
    assert days_of(world.rows[FLOW]["told"]) == unknowing
    world.run()
    assert parts(world) == unknowing


def test_behind_goods_that_wait_for_the_line_itself_nothing_comes() -> None:
    deliveries = (AgreedDelivery(DUE, pieces(4)), AgreedDelivery(DUE + 20 * DAY, pieces(6)))
    world = waiting(deliveries=deliveries)
    world.coming(replace(comes(10, 12, due=8), path=(Stage(FLOW, 10 * UNIT),)))
    world.run()
    assert parts(world) == [(0, 10)], "the second delivery would not wait for it alone"


def test_what_was_received_comes_first_and_keeps_silent() -> None:
    world = waiting()
    world.stock(10)
    world.run()
    world.say(ShipShipment(SELLER, NAME, TODAY + 9 * DAY))
    world.say(ReceiveShipment(SELLER, NAME, TODAY + 11 * DAY, part(4), partial=True), BUYER)
    world.run()
    assert parts(world) == [(11, 4), (10, 6)]
    assert supply(world).received == pieces(4)
    world.say(ReceiveShipment(SELLER, NAME, TODAY + 12 * DAY), BUYER)
    world.run()
    assert parts(world) == [(12, 10)]
    assert (expectation(world).date, expectation(world).basis) == (day(12), Basis.REPORTED)
    assert (world.rows[FLOW]["told"].quiet_until, supply(world).withdrawn) == (0, True)
    before = len(world.log)
    world.tick(DUE + 90 * DAY)
    assert len(world.log) == before


def test_what_came_early_without_notice_is_not_expected_for_its_promise() -> None:
    world = waiting()
    world.stock(10)
    world.run()
    world.say(ReceiveShipment(SELLER, NAME, TODAY + 3 * DAY), BUYER)
    world.run()
    assert expected_at(world) == TODAY + 3 * DAY


def test_a_shipment_that_repeats_what_was_asked_does_not_make_later() -> None:
    world = World()
    world.agree(agreed(10, due_ms=DUE, planned_start_at_ms=TODAY + 5 * DAY))
    world.stock(10)
    world.run()
    assert world.facts(LegWanted)
    assert parts(world) == [(6, 10)], "it starts on day five and is a day on the way; promised was day ten"


def test_what_came_late_is_told_with_its_cause() -> None:
    world = waiting()
    world.stock(10)
    world.run()
    world.say(ShipShipment(SELLER, NAME, TODAY + 9 * DAY))
    world.say(ReceiveShipment(SELLER, NAME, TODAY + 12 * DAY), BUYER)
    world.run()
    (part_,) = told(world).parts
    assert part_.cause is not None
    assert (part_.cause.root.flow, part_.cause.hops[-1].own) == (FLOW, 2 * MINUTES)


def test_the_sellers_report_explains_what_left_unless_it_is_taken_back() -> None:
    world = waiting()
    world.stock(10)
    world.run()
    world.say(ReportLine(BUYER, "4711", "10", reason_code="STRIKE", disruption_id="strike"))
    world.say(ShipShipment(SELLER, NAME, TODAY + 11 * DAY))
    world.run()
    assert root(world) == (FLOW, RootClass.REPORTED, f"disruption/{SELLER}/strike")
    world.say(ReceiveShipment(SELLER, NAME, TODAY + 12 * DAY), BUYER)
    world.run()
    cause = expectation(world).cause
    assert cause is not None
    assert cause.root == Root(FLOW, RootClass.REPORTED, f"disruption/{SELLER}/strike", "STRIKE")
    world.say(ReportLine(BUYER, "4711", "10", withdraw=True))
    world.run()
    assert root(world) == (FLOW, RootClass.REPORTED, world.facts(LegReported)[-1].event)


def test_a_line_that_goes_in_one_piece_waits_for_all_of_it() -> None:
    world = waiting(ship_complete=True)
    world.stock(6)
    world.coming(comes(4, 12, due=8))
    world.run()
    assert parts(world) == [(13, 10)]
    assert world.facts(LegWanted) == []
    world.stock(10)
    world.coming()
    world.run()
    assert [wanted.quantity for wanted in world.facts(LegWanted)] == [pieces(10)]


def test_parts_of_one_date_are_one_part() -> None:
    world = waiting()
    world.stock(6)
    world.coming(comes(4, 8))
    world.run()
    assert parts(world) == [(10, 10)]


def test_a_late_start_keeps_its_history() -> None:
    world = waiting()
    world.stock(10)
    world.coming(frozen=Frozen(day(12), day(8), 4 * MINUTES, SLIP))
    world.run()
    world.say(ShipShipment(SELLER, NAME, TODAY + 12 * DAY))
    world.run()
    assert (parts(world), root(world)) == ([(13, 10)], ("flow/maker/1/1", RootClass.REPORTED, "fire"))
    world.say(ReceiveShipment(SELLER, NAME, TODAY + 13 * DAY), BUYER)
    world.run()
    assert root(world) == ("flow/maker/1/1", RootClass.REPORTED, "fire")


def test_the_estimate_of_a_planned_shipment_concerns_its_own_units() -> None:
    world = waiting()
    world.stock(6)
    world.coming(comes(4, 8))
    world.run()
    world.say(ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, DUE + 3 * DAY, "ICE"))
    world.run()
    assert parts(world) == [(10, 4), (13, 6)]
    cause = expectation(world).cause
    assert cause is not None
    assert cause.root == Root(FLOW, RootClass.REPORTED, world.facts(LegReported)[-1].event, "ICE")
    assert cause.root.event
    world.stock(7)
    world.run()
    assert (parts(world), expectation(world).cause) == ([(10, 3), (13, 7)], cause), "an ask is not why it is late"
    world.say(PickShipment(SELLER, NAME))
    world.run()
    assert world.facts(LegReported)[-1].event == ""
    assert expectation(world).cause == cause, "nor is a report that moves no date"


def test_goods_that_were_lost_on_the_way_are_not_expected() -> None:
    world = waiting()
    world.stock(10)
    world.run()
    world.say(ShipShipment(SELLER, NAME, TODAY + 9 * DAY))
    world.say(ReceiveShipment(SELLER, NAME, TODAY + 10 * DAY, part(7)), BUYER)
    world.run()
    assert parts(world) == [(10, 7)]
    world = ready(10)
    world.say(ShipShipment(SELLER, NAME, NOW))
    world.say(ReceiveShipment(SELLER, NAME, NOW + DAY, part(0)), BUYER)
    world.run()
    assert (parts(world), root(world)[1], expected_at(world)) == ([], RootClass.LOST, None)


def test_a_ship_date_is_kept_by_leaving_and_the_pool_is_told_of_the_arrival() -> None:
    world = waiting(promise_is_ship_date=True)
    assert parts(world) == [(11, 10)]
    assert expectation(world) == Expectation(day(10), day(10), Basis.PROMISED, False, None)
    world.coming(comes(10, 12, due=8))
    world.run()
    assert (parts(world), expectation(world).date, expected_at(world)) == ([(13, 10)], day(12), DUE + 2 * DAY)
    assert supply(world).expected_at_ms == DUE + 3 * DAY
    world.stock(10)
    world.run()
    world.say(ShipShipment(SELLER, NAME, DUE))
    world.say(ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, DUE + 7 * DAY))
    world.run()
    assert parts(world) == [(17, 10)]
    assert expectation(world) == Expectation(day(10), day(10), Basis.REPORTED, False, None)


def test_each_delivery_has_its_own_start() -> None:
    deliveries = (AgreedDelivery(DUE, pieces(4)), AgreedDelivery(DUE + 20 * DAY, pieces(6)))
    world = waiting(deliveries=deliveries)
    assert parts(world) == [(10, 4), (30, 6)]
    world.coming(comes(10, 12, due=8))
    world.run()
    assert parts(world) == [(13, 4), (30, 6)]
    assert expectation(world).cause is None, "the last of the promise is in time"


def test_without_a_lead_time_the_promise_stands_for_it() -> None:
    world = waiting(lead_time_minutes=0)
    assert parts(world) == [(10, 10)]
    assert all(world.views[who, "flows", FLOW[5:]].no_lead_time for who in (BUYER, SELLER))
    assert not waiting().views[SELLER, "flows", FLOW[5:]].no_lead_time
    world = waiting(lead_time_minutes=0, promise_is_ship_date=True)
    assert (expectation(world).date, expectation(world).baseline) == (day(10), day(10))


def test_a_seller_may_start_earlier_than_the_way_asks_for() -> None:
    world = waiting(planned_start_at_ms=TODAY + 6 * DAY)
    assert world.pool.stated is not None
    assert world.pool.stated.need_at_ms == TODAY + 6 * DAY
    assert parts(world) == [(9, 10)], "there on day eight, one day on the way"
    deliveries = (AgreedDelivery(DUE, pieces(4)), AgreedDelivery(DUE + 20 * DAY, pieces(6)))
    world = waiting(planned_start_at_ms=TODAY + 8 * DAY, deliveries=deliveries)
    assert parts(world) == [(9, 4), (29, 6)], "both a day earlier"


def test_a_line_holds_the_supplies_that_it_waits_for_in_equal_shares() -> None:
    world = waiting(waits_for=("flow/maker/1/1", "flow/maker/2/1", "flow/maker/3/1"))
    assert world.pool.stated is not None
    assert world.pool.stated.holds == (
        Hold("flow/maker/1/1", 3_333_333),
        Hold("flow/maker/2/1", 3_333_333),
        Hold("flow/maker/3/1", 3_333_334),
    )


def test_a_line_holds_as_much_of_a_supply_as_its_seller_says() -> None:
    flows = "flow/maker/1/1", "flow/maker/2/1"
    world = waiting(waits_for=flows, waits_for_quantities=(pieces(0), pieces(4)))
    assert world.pool.stated is not None
    assert world.pool.stated.holds == (Hold("flow/maker/1/1", 6_000_000), Hold("flow/maker/2/1", 4_000_000))


def test_parts_are_told_in_the_buyers_unit() -> None:
    world = World()
    world.pool.coming = (comes(1, 8), comes(2, 12, due=8))
    world.agree(agreed(3, due_ms=DUE, buyer_quantity=Quantity(Decimal(10), "KGM")))
    world.run()
    assert [(p.date, p.quantity) for p in told(world).parts] == [(day(10), 3_333_333), (day(13), 6_666_667)]


def test_a_cancelled_line_expects_nothing() -> None:
    world = waiting()
    world.agree(agreed(10, cancel=10, due_ms=DUE))
    world.run()
    assert told(world) == FlowReckoned()
    assert (expected_at(world), supply(world).withdrawn) == (DUE, True)


def test_a_transfer_is_reported_like_a_line() -> None:
    world = World()
    world.say(TransferStock(TransferId("t"), ItemId("M-1"), SiteId("plant"), SiteId("hub"), pieces(5), DUE, 1440))
    key = FlowKey("flow/maker/transfer/t")
    world.say(CoverDemand(key, Decimal(0), Decimal(0), Decimal(0), tracked=False))
    world.say(ReportLine(SELLER, "transfer", "t", estimated_finish_at_ms=DUE + 3 * DAY))
    assert world.rows[key]["told"].expectation.date == day(13)
    assert isinstance(world.say(ReportLine(SELLER, "transfer", "t", lost=True), BUYER), Refused)
