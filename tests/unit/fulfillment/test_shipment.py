"""Shipments: who may say what, what is refused, and two claims about one receipt."""

from dataclasses import replace
from typing import Any

import pytest

from services.fulfillment.consignment import MilestoneCertainty, MilestoneKind
from services.fulfillment.keys import ItemId, LineId, ShipmentId, SiteId
from services.fulfillment.shipment import (
    CancelShipment,
    PackShipment,
    PickShipment,
    PlannedLine,
    PlanShipment,
    ReceiveShipment,
    ReportMilestone,
    ShipShipment,
)
from services.fulfillment.shipment_facts import LineQuantity, ReceiptContradicted, ReceiptDisputed, ReceiptSettled
from services.kernel.values import EnterpriseId, Quantity, Refused
from tests.unit.fulfillment.world import BUYER, DAY, NOW, SELLER, STRANGER, World, pieces, ready

KEY = "shipment/maker/s1"
NAME = ShipmentId("s1")
CARRIER = EnterpriseId("trucks")
A, B = LineId("a"), LineId("b")


def plan(**other: Any) -> PlanShipment:
    lines = (
        PlannedLine(A, ItemId("M-1"), pieces(10), "flow/leader/4711/10", ItemId("L-1")),
        PlannedLine(B, ItemId("M-2"), pieces(5), "flow/leader/4712/20"),
    )
    fields: dict[str, Any] = {
        "shipment": NAME,
        "buyer": BUYER,
        "ship_from": SiteId("plant"),
        "ship_to": SiteId("dock"),
        "carrier": "trucks",
        "ship_at_ms": NOW,
        "deliver_at_ms": NOW + 2 * DAY,
        "lines": lines,
    }
    return PlanShipment(**(fields | other))


def planned() -> World:
    world = World()
    assert not isinstance(world.say(plan()), Refused)
    return world


def part(line: LineId, amount: int | str, item: str = "") -> LineQuantity:
    return LineQuantity(line, pieces(amount), ItemId(item))


def follow(answer: tuple[Any, ...] | Refused) -> tuple[Any, ...]:
    """The facts that follow the report's own."""
    assert isinstance(answer, tuple)
    return answer[1:]


def code(answer: object) -> str:
    assert isinstance(answer, Refused)
    assert answer.advice
    return answer.code


def test_it_goes_from_planned_to_delivered() -> None:
    world = planned()
    seen = [world.status(KEY)]
    for command, sender in (
        (PickShipment(SELLER, NAME, (part(A, 10),)), SELLER),
        (PackShipment(SELLER, NAME), SELLER),
        (ShipShipment(SELLER, NAME, NOW, (part(A, 10),)), SELLER),
        (ShipShipment(SELLER, NAME, NOW + 1), SELLER),
        (ReceiveShipment(SELLER, NAME, NOW + DAY, (part(A, 10),)), BUYER),
        (ReceiveShipment(SELLER, NAME, NOW + DAY), BUYER),
    ):
        assert not isinstance(world.say(command, sender), Refused)
        seen.append(world.status(KEY))
    assert seen == ["PLANNED", "PICKING", "PACKED", "SHIPPED", "SHIPPED", "SHIPPED", "DELIVERED"]


def test_each_line_reports_to_its_flow_only_when_it_is_touched() -> None:
    world = planned()
    world.sent.clear()
    world.say(ShipShipment(SELLER, NAME, NOW, (part(A, 4),), tracking="T-1"))
    assert [(link.to, link.link, link.topic) for link in world.sent] == [
        ("flow/leader/4711/10", KEY, "fulfillment-legs-v1")
    ]
    said = world.sent[0].state
    assert (said.planned, said.shipped, said.line) == (pieces(6), pieces(4), A)
    world.sent.clear()
    world.say(ReportMilestone(SELLER, NAME, MilestoneKind.CUSTOMS, MilestoneCertainty.ACTUAL, NOW))
    assert not world.sent, "customs moves no date"
    world.say(ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, NOW + 9 * DAY))
    assert [link.to for link in world.sent] == ["flow/leader/4711/10", "flow/leader/4712/20"]
    assert {link.state.expected_delivery_at_ms for link in world.sent} == {NOW + 9 * DAY}


@pytest.mark.parametrize(
    "command",
    [
        PickShipment(SELLER, NAME),
        PackShipment(SELLER, NAME),
        ShipShipment(SELLER, NAME, NOW),
        CancelShipment(SELLER, NAME),
        ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ACTUAL, NOW),
        ReceiveShipment(SELLER, NAME, NOW),
    ],
)
def test_to_a_stranger_it_does_not_exist(command: Any) -> None:
    known, unknown = planned(), World()
    assert known.say(command, STRANGER) == unknown.say(command, STRANGER)
    assert code(known.say(command, STRANGER)) == "shipment-unknown"


@pytest.mark.parametrize(
    "command", [PickShipment(SELLER, NAME), ShipShipment(SELLER, NAME, NOW), CancelShipment(SELLER, NAME)]
)
def test_the_buyer_does_not_handle_it(command: Any) -> None:
    assert code(planned().say(command, BUYER)) == "shipment-unknown"


def test_only_the_buyer_receives() -> None:
    assert code(planned().say(ReceiveShipment(SELLER, NAME, NOW), SELLER)) == "shipment-unknown"


@pytest.mark.parametrize(("sender", "ok"), [(SELLER, True), (CARRIER, True), (BUYER, False)])
def test_who_estimates(sender: EnterpriseId, ok: bool) -> None:
    world = planned()
    command = ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, NOW + 5 * DAY)
    answer = world.say(command, sender)
    assert isinstance(answer, tuple) if ok else code(answer) == "estimate-not-yours"
    actual = replace(command, certainty=MilestoneCertainty.ACTUAL, at_ms=NOW)
    assert isinstance(world.say(actual, sender), tuple), "what happened anybody on the way may report"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lines": ()}, "lines-missing"),
        ({"lines": (PlannedLine(A, ItemId("x"), pieces(1)), PlannedLine(A, ItemId("x"), pieces(1)))}, "line-twice"),
        ({"lines": (PlannedLine(A, ItemId("x"), pieces(0)),)}, "quantity-out-of-range"),
        ({"lines": (PlannedLine(A, ItemId("x"), pieces(1), "flow/other/1/1"),)}, "flow-invalid"),
        ({"lines": (PlannedLine(A, ItemId("x"), pieces(1), "pool/leader/1/1"),)}, "flow-invalid"),
        ({"lines": (PlannedLine(LineId("a/b"), ItemId("x"), pieces(1)),)}, "id-invalid"),
        ({"lines": tuple(PlannedLine(LineId(str(n)), ItemId("x"), pieces(1)) for n in range(1001))}, "lines-too-many"),
        ({"deliver_at_ms": NOW - 1}, "dates-crossed"),
        ({"ship_at_ms": 0}, "date-out-of-range"),
        ({"buyer": EnterpriseId("")}, "id-invalid"),
        ({"shipment": ShipmentId("a/b")}, "id-invalid"),
        ({"carrier": "c" * 201}, "text-invalid"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(change: dict[str, Any], expected: str) -> None:
    assert code(World().say(plan(**change))) == expected


def test_a_flow_stands_on_one_line_only() -> None:
    line = PlannedLine(A, ItemId("x"), pieces(1), "flow/leader/1/1")
    assert code(World().say(plan(lines=(line, replace(line, line=B))))) == "flow-twice"
    assert code(planned().say(plan())) == "shipment-exists"


def test_nobody_picks_more_than_is_planned() -> None:
    world = planned()
    assert code(world.say(PickShipment(SELLER, NAME, (part(A, 11),)))) == "more-than-planned"
    world.say(PickShipment(SELLER, NAME, (part(A, 10),)))
    assert code(world.say(PickShipment(SELLER, NAME, (part(A, 1),)))) == "more-than-planned"
    assert code(world.say(PickShipment(SELLER, NAME, (part(LineId("z"), 1, "M-9"),)))) == "line-unknown"


def test_reports_stand_against_the_plan() -> None:
    world = planned()
    world.say(CancelShipment(SELLER, NAME, "no truck"))
    assert world.status(KEY) == "CANCELLED"
    world.say(ShipShipment(SELLER, NAME, NOW, (part(A, 12), part(LineId("z"), 1, "M-9"))))
    assert world.status(KEY) == "SHIPPED"
    assert (world.line(KEY, "a").shipped, world.line(KEY, "z").item) == (12, "M-9")


def test_a_report_with_a_wrong_address_is_refused() -> None:
    world = planned()
    assert code(world.say(ShipShipment(SELLER, NAME, NOW, (part(LineId("z"), 1),)))) == "line-unknown"
    kilograms = LineQuantity(A, Quantity(pieces(1).amount, "KGM"))
    assert code(world.say(ShipShipment(SELLER, NAME, NOW, (kilograms,)))) == "unit-differs"
    assert code(world.say(ShipShipment(SELLER, NAME, NOW, (part(A, "-1"),)))) == "quantity-out-of-range"
    assert code(world.say(ShipShipment(SELLER, NAME, -5))) == "date-out-of-range"


def test_a_cancelled_rest_is_not_shipped_and_an_uncancelled_one_stays() -> None:
    world = planned()
    world.say(ShipShipment(SELLER, NAME, NOW, (part(A, 4),)))
    assert (world.line(KEY, "a").open, world.line(KEY, "b").open) == (6, 5)
    world.say(ShipShipment(SELLER, NAME, NOW, (part(A, 1),), cancel_rest=True))
    assert (world.line(KEY, "a").open, world.line(KEY, "b").open) == (0, 0)
    assert (world.line(KEY, "a").cancelled, world.line(KEY, "b").cancelled) == (5, 5)
    assert code(world.say(CancelShipment(SELLER, NAME))) == "shipment-closed"


def test_a_short_receipt_is_two_claims() -> None:
    world = planned()
    world.say(ShipShipment(SELLER, NAME, NOW))
    facts = follow(world.say(ReceiveShipment(SELLER, NAME, NOW + DAY, (part(A, 8),)), BUYER))
    assert facts == (ReceiptDisputed(A, ItemId("M-1"), pieces(10), pieces(8)),)
    line = world.line(KEY, "a")
    assert (line.shipped, line.received, line.disputed) == (10, 8, True)
    assert world.views[SELLER, "shipments", "maker/s1"].disputed
    assert world.views[BUYER, "shipment-lines", "maker/s1/a"].disputed
    facts = follow(world.say(ReceiveShipment(SELLER, NAME, NOW + DAY, (part(A, 2),)), BUYER))
    assert facts == (ReceiptSettled(A, pieces(10)),)
    assert not world.views[SELLER, "shipments", "maker/s1"].disputed


def test_a_partial_receipt_is_no_dispute_but_too_much_is() -> None:
    world = planned()
    world.say(ShipShipment(SELLER, NAME, NOW))
    assert follow(world.say(ReceiveShipment(SELLER, NAME, NOW, (part(A, 8),), partial=True), BUYER)) == ()
    facts = follow(world.say(ReceiveShipment(SELLER, NAME, NOW, (part(A, 3),), partial=True), BUYER))
    assert facts == (ReceiptDisputed(A, ItemId("M-1"), pieces(10), pieces(11)),)


def test_more_on_the_way_opens_a_receipt_again() -> None:
    world = planned()
    world.say(ShipShipment(SELLER, NAME, NOW, (part(A, 4),)))
    world.say(ReceiveShipment(SELLER, NAME, NOW + DAY), BUYER)
    assert world.line(KEY, "a").concluded
    world.say(ShipShipment(SELLER, NAME, NOW + DAY, (part(A, 6),)))
    assert not world.line(KEY, "a").concluded
    assert not world.line(KEY, "a").disputed, "it is on its way"
    assert world.rows[KEY]["head"].transit_lines == 1


def test_a_receipt_of_what_was_never_shipped_is_recorded_and_contradicted() -> None:
    world = planned()
    facts = follow(world.say(ReceiveShipment(SELLER, NAME, NOW + DAY, (part(A, 10),)), BUYER))
    assert facts == (ReceiptContradicted(A, ItemId("M-1"), pieces(10)),)
    facts = follow(world.say(ShipShipment(SELLER, NAME, NOW, (part(A, 10),))))
    assert facts == (ReceiptSettled(A, pieces(10)),), "the late notice agrees with the receipt"
    facts = follow(world.say(ReceiveShipment(SELLER, NAME, NOW + DAY, (part(LineId("z"), 1, "M-9"),)), BUYER))
    assert facts == (ReceiptContradicted(LineId("z"), ItemId("M-9"), pieces(1)),)


def test_the_counts_of_the_head_follow_the_lines() -> None:
    world = planned()
    world.say(ShipShipment(SELLER, NAME, NOW, (part(A, 4),)))
    head = world.rows[KEY]["head"]
    assert (head.lines, head.open_lines, head.transit_lines) == (2, 2, 1)
    row = world.views[SELLER, "shipments", "maker/s1"]
    assert (row.quantity, row.shipped, row.received) == (pieces(15), pieces(4), pieces(0))
    mixed = World()
    other = PlannedLine(B, ItemId("M-2"), Quantity(pieces(5).amount, "KGM"))
    mixed.say(plan(lines=(plan().lines[0], other)))
    assert mixed.views[SELLER, "shipments", "maker/s1"].quantity is None, "pieces and kilograms have no sum"


def test_expected_dates_are_what_happened_else_the_estimate_else_the_plan() -> None:
    world = planned()

    def dates() -> tuple[int, int, bool]:
        row = world.views[SELLER, "shipments", "maker/s1"]
        return row.expected_ship_at_ms - NOW, row.expected_delivery_at_ms - NOW, row.late

    assert dates() == (0, 2 * DAY, False)
    world.say(ReportMilestone(SELLER, NAME, MilestoneKind.DEPARTURE, MilestoneCertainty.ESTIMATED, NOW + DAY, "STRIKE"))
    assert dates() == (DAY, 3 * DAY, True)
    world.say(ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, NOW + 2 * DAY))
    assert dates() == (DAY, 2 * DAY, True)
    world.say(ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, NOW))
    assert dates() == (DAY, DAY, True), "nothing arrives before it leaves"
    world.say(ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, NOW + 2 * DAY))
    world.say(ShipShipment(SELLER, NAME, NOW - DAY))
    assert dates() == (-DAY, 2 * DAY, False)
    world.say(
        ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ACTUAL, NOW + 4 * DAY),
        CARRIER,
        NOW + 4 * DAY,
    )
    assert dates() == (-DAY, 4 * DAY, True)
    world.say(ReceiveShipment(SELLER, NAME, NOW + 5 * DAY), BUYER)
    assert dates() == (-DAY, 5 * DAY, True)


def test_what_is_to_come_can_not_have_happened() -> None:
    world = planned()
    arrived = ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ACTUAL, NOW + 1)
    refused = world.say(arrived, CARRIER)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == ("actual-in-future", "at")
    assert world.say(arrived, CARRIER, NOW + 1)
    assert world.say(replace(arrived, at_ms=NOW + 9 * DAY, certainty=MilestoneCertainty.ESTIMATED), CARRIER)


def test_the_two_sides_see_their_own_side() -> None:
    world = planned()
    world.say(PickShipment(SELLER, NAME))
    seller = world.views[SELLER, "shipments", "maker/s1"]
    assert (seller.direction, seller.partner, seller.status) == ("OUTBOUND", BUYER, "PICKING")
    world.say(ShipShipment(SELLER, NAME, NOW, (part(A, 4),)))
    seller, buyer = (world.views[who, "shipments", "maker/s1"] for who in (SELLER, BUYER))
    assert (buyer.direction, buyer.partner, buyer.status) == ("INBOUND", SELLER, seller.status)
    assert {who for who, _, _ in world.views} == {SELLER, BUYER}, "the carrier gets no rows"


def test_the_buyer_sees_what_left_or_came_and_nothing_of_what_is_planned() -> None:
    world = planned()
    world.say(PickShipment(SELLER, NAME))
    assert not [row for row in world.feed if row.enterprise == BUYER], "nothing has left"
    world.say(ShipShipment(SELLER, NAME, NOW, (part(A, 4),)))
    assert world.views[BUYER, "shipments", "maker/s1"].quantity == pieces(4)
    assert world.views[BUYER, "shipment-lines", "maker/s1/a"].quantity == 4
    assert world.views[SELLER, "shipment-lines", "maker/s1/a"].quantity == 10
    assert (BUYER, "shipment-lines", "maker/s1/b") not in world.views
    world.say(ReceiveShipment(SELLER, NAME, NOW, (part(B, 1),)), BUYER)
    assert world.views[BUYER, "shipment-lines", "maker/s1/b"].quantity == 1, "it came, though nobody said that it left"


def test_an_old_ask_is_not_answered_twice() -> None:
    from services.fulfillment.shipment import WantShipment

    world = ready(10)
    wanted = next(link.state for link in world.sent if type(link.state).__name__ == "ShipmentWanted")
    ask = WantShipment(
        wanted.shipment_key, wanted.flow_key, wanted.line, wanted.want, wanted.seller, wanted.buyer, wanted.item,
        wanted.buyer_item, wanted.ship_from, wanted.ship_to, pieces(3), wanted.ship_at_ms, wanted.deliver_at_ms,
    )  # fmt: skip
    assert world.say(ask) == ()
    assert world.line().quantity == 10
    assert world.say(replace(ask, want=2)) != ()
    assert world.line().quantity == 3
