"""Flows: what they ask of shipments, state to pools and tell the order, and how they answer a cancellation."""

from dataclasses import replace
from decimal import Decimal

import pytest

from services.fulfillment.consignment import MilestoneCertainty, MilestoneKind
from services.fulfillment.flow import (
    CancellationAnswered,
    CancelTransfer,
    CoverDemand,
    FlowFulfilled,
    LegRejected,
    RestWaived,
    TransferStock,
)
from services.fulfillment.keys import FlowKey, ItemId, LineId, ShipmentId, SiteId, TransferId
from services.fulfillment.legs import AgreedDelivery, LegWanted
from services.fulfillment.links import DemandStated, LineProgressed, LineStage, ShipmentWanted, SupplyStated
from services.fulfillment.shipment import (
    CancelShipment,
    PickShipment,
    PlannedLine,
    PlanShipment,
    ReceiveShipment,
    ReportMilestone,
    ShipShipment,
)
from services.fulfillment.shipment_facts import LineQuantity
from services.kernel.model import Link
from services.kernel.values import EnterpriseId, Quantity, Refused
from tests.unit.fulfillment.world import (
    BUYER,
    BUYERS_POOL,
    DAY,
    FIRST,
    FLOW,
    NOW,
    ORDER,
    POOL,
    SECOND,
    SELLER,
    STRANGER,
    World,
    agreed,
    pieces,
    ready,
)

DUE = NOW + 10 * DAY
NAME, NAME_2 = ShipmentId("leader-4711-10-1"), ShipmentId("leader-4711-10-2")


def part(amount: int, line: str = "1") -> tuple[LineQuantity, ...]:
    return (LineQuantity(LineId(line), pieces(amount)),)


def told(world: World) -> LineProgressed:
    assert world.progress is not None
    return world.progress


def by_hand(name: str, amount: int, seller: EnterpriseId = SELLER, unit: str = "C62") -> PlanShipment:
    line = PlannedLine(LineId("a"), ItemId("M-1"), Quantity(Decimal(amount), unit), FLOW, ItemId("L-1"))
    return PlanShipment(ShipmentId(name), BUYER, SiteId("plant"), SiteId("dock"), "", NOW, NOW + DAY, (line,))


def test_an_agreed_line_states_its_demand_and_its_supply() -> None:
    world = World()
    world.agree(agreed(10))
    world.deliver(world.pending()[0])
    demand, supply, progress = world.sent[1:]
    assert demand == Link(
        "fulfillment-pool-inputs-v1",
        POOL,
        f"{FLOW}#0",
        DemandStated(FLOW, f"{FLOW}#0", pieces(10), pieces(0), DUE - DAY, 5, NOW, False, ORDER),
    )
    assert supply == Link(
        "fulfillment-pool-inputs-v1",
        BUYERS_POOL,
        FLOW,
        SupplyStated(FLOW, FLOW, pieces(10), pieces(0), DUE, DUE, False, ORDER),
    )
    assert (progress.to, progress.link, progress.state.stage) == (ORDER, "10", LineStage.AWAITING_STOCK)
    assert not progress.state.stock_known, "the pool has not answered yet"


def test_what_is_reserved_is_asked_of_a_shipment_and_more_enlarges_it() -> None:
    world = ready(10, on_hand=4)
    assert world.line().quantity == 4
    assert (told(world).stage, told(world).planned) == (LineStage.AWAITING_STOCK, pieces(4))
    world.stock(9)
    world.run()
    assert world.line().quantity == 9
    assert world.status() == "PLANNED"
    assert SECOND not in world.rows
    world.stock(10)
    world.run()
    assert told(world).stage is LineStage.AWAITING_SHIPMENT
    assert told(world).stock_known
    assert [want.want for want in world.facts(LegWanted)] == [1, 2, 3]


def test_the_buyer_does_not_see_what_the_stock_of_the_seller_covers() -> None:
    world = ready(10, on_hand=4)
    row_id = FLOW.removeprefix("flow/")

    def seen(by: EnterpriseId) -> tuple[float, float, bool]:
        row = world.views[by, "flows", row_id]
        return float(row.waiting), float(row.planned), row.stock_known

    assert seen(SELLER) == (6, 4, True)
    assert seen(BUYER) == (10, 0, False)
    before = [row.row for row in world.feed if row.enterprise == BUYER]
    world.stock(9)
    world.run()
    assert seen(SELLER) == (1, 9, True)
    after = [row.row for row in world.feed if row.enterprise == BUYER]
    assert set(after[len(before) :]) <= {before[-1]}, "more stock changes nothing that the buyer sees"
    world.say(ShipShipment(SELLER, NAME, NOW))
    world.run()
    assert seen(BUYER) == (1, 0, False), "what left does not wait"


def test_a_picked_shipment_is_not_enlarged() -> None:
    world = ready(10, on_hand=4)
    world.say(PickShipment(SELLER, NAME))
    world.run()
    world.stock(10)
    world.run()
    assert (world.line(FIRST).quantity, world.line(SECOND).quantity) == (4, 6)


def test_an_ask_that_crosses_the_picking_is_answered_and_asked_anew() -> None:
    world = ready(10, on_hand=4)
    world.stock(10)
    world.deliver(world.pending()[0])
    world.say(PickShipment(SELLER, NAME))
    world.run()
    assert (world.line(FIRST).quantity, world.line(SECOND).quantity) == (4, 6)


def test_without_tracked_stock_everything_is_asked_at_once() -> None:
    world = World()
    world.pool.tracked = False
    world.agree(agreed(10))
    world.run()
    assert world.line().quantity == 10
    assert (told(world).stage, told(world).stock_known) == (LineStage.AWAITING_SHIPMENT, False)


def test_without_a_managed_place_no_pool_is_told() -> None:
    world = World()
    world.agree(agreed(10, ship_from=SiteId(""), ship_to=SiteId("")))
    world.run()
    assert world.line().quantity == 10
    assert not [link for link in world.sent if link.topic == "fulfillment-pool-inputs-v1"]
    assert not told(world).stock_known


def test_less_cover_takes_back_what_nobody_picked() -> None:
    world = ready(10, on_hand=10)
    world.say(PickShipment(SELLER, NAME, part(3)))
    world.run()
    world.stock(1)
    world.run()
    assert world.line().quantity == 3
    world.stock(10)
    world.run()
    assert (world.line(FIRST).quantity, world.line(SECOND).quantity) == (3, 7)


def test_a_shipment_that_nothing_is_wanted_of_is_taken_off() -> None:
    world = ready(10, on_hand=10)
    world.stock(0)
    world.run()
    assert world.status() == "CANCELLED"
    world.stock(10)
    world.run()
    assert (world.status(SECOND), world.line(SECOND).quantity) == ("PLANNED", 10)


def test_shipping_issues_and_receiving_posts() -> None:
    world = ready(10)
    world.say(ShipShipment(SELLER, NAME, DUE - DAY, part(6)))
    world.run()
    assert world.pool.issued == 6
    assert world.pool.stated is not None
    assert world.pool.stated.reference == FIRST
    assert (told(world).stage, told(world).shipped, told(world).planned) == (
        LineStage.AWAITING_SHIPMENT,
        pieces(6),
        pieces(4),
    )
    world.say(ShipShipment(SELLER, NAME, DUE - DAY))
    world.run()
    assert told(world).stage is LineStage.IN_TRANSIT
    assert world.pool.stated.withdrawn
    assert told(world).fulfilled_at_ms is None, "it was promised to be delivered"
    world.say(ReceiveShipment(SELLER, NAME, DUE + DAY), BUYER)
    world.run()
    assert (told(world).stage, told(world).fulfilled_at_ms) == (LineStage.RECEIVED, DUE + DAY)
    assert world.supply is not None
    assert (world.supply.received, world.supply.withdrawn) == (pieces(10), True)
    assert world.facts(FlowFulfilled) == [FlowFulfilled(DUE + DAY)]


def test_a_promise_to_ship_is_met_by_shipping() -> None:
    world = ready(10, promise_is_ship_date=True)
    assert world.rows[FIRST]["head"].ship_at_ms == DUE
    assert world.supply is not None
    assert (world.supply.expected_at_ms, told(world).expected_at_ms) == (DUE + DAY, DUE)
    world.say(ShipShipment(SELLER, NAME, DUE - 1))
    world.run()
    assert (told(world).stage, told(world).fulfilled_at_ms) == (LineStage.IN_TRANSIT, DUE - 1)


def test_a_buyer_counts_in_its_own_unit_by_an_exact_factor() -> None:
    world = World()
    world.pool.on_hand = Decimal(3)
    kilograms = Quantity(Decimal("10"), "KGM")
    world.agree(agreed(3, buyer_quantity=kilograms))
    world.run()
    world.say(ShipShipment(SELLER, NAME, NOW, part(1)))
    world.say(ReceiveShipment(SELLER, NAME, NOW + DAY, part(1)), BUYER)
    world.run()
    assert world.supply is not None
    assert world.supply.received == Quantity(Decimal("3.333333"), "KGM")
    world.say(ShipShipment(SELLER, NAME, NOW, part(2)))
    world.say(ReceiveShipment(SELLER, NAME, NOW + DAY, part(2)), BUYER)
    world.run()
    assert world.supply.received == kilograms, "parts add up to the whole"
    assert world.views[BUYER, "flows", FLOW[5:]].received == Decimal(10)
    assert world.views[SELLER, "flows", FLOW[5:]].received == Decimal(3)


def test_each_delivery_gets_its_own_shipment_with_its_own_dates() -> None:
    parts = (AgreedDelivery(DUE, pieces(4)), AgreedDelivery(DUE + 20 * DAY, pieces(6)))
    world = ready(10, on_hand=7, deliveries=parts)
    assert (world.line(FIRST).quantity, world.line(SECOND).quantity) == (4, 3)
    assert world.rows[FIRST]["head"].deliver_at_ms == DUE
    assert world.rows[SECOND]["head"].deliver_at_ms == DUE + 20 * DAY
    assert told(world).expected_at_ms == DUE + 20 * DAY


def test_a_new_promise_moves_what_has_not_left() -> None:
    world = ready(10)
    world.agree(agreed(10, due_ms=DUE + 5 * DAY))
    world.run()
    assert world.rows[FIRST]["head"].deliver_at_ms == DUE + 5 * DAY
    assert told(world).expected_at_ms == DUE + 5 * DAY


def test_an_estimate_moves_the_expected_date_with_its_reason_and_back() -> None:
    world = ready(10)
    late = ReportMilestone(SELLER, NAME, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, DUE + 3 * DAY, "WEATHER")
    world.say(late)
    world.run()
    assert (told(world).expected_at_ms, told(world).reason) == (DUE + 3 * DAY, "WEATHER")
    assert world.supply is not None
    assert world.supply.expected_at_ms == DUE + 3 * DAY
    assert world.views[BUYER, "flows", FLOW[5:]].late
    world.say(replace(late, at_ms=DUE, reason_code=""))
    world.run()
    assert (told(world).expected_at_ms, told(world).reason) == (DUE, "")
    assert not world.views[BUYER, "flows", FLOW[5:]].late


def test_the_sellers_word_on_the_line_counts_until_all_has_left() -> None:
    world = ready(10, on_hand=0)
    world.agree(agreed(10, estimated_at_ms=DUE + 4 * DAY))
    world.run()
    assert told(world).expected_at_ms == DUE + 4 * DAY
    world.stock(10)
    world.run()
    world.say(ShipShipment(SELLER, NAME, DUE - DAY))
    world.run()
    assert told(world).expected_at_ms == DUE


def test_a_cancellation_before_picking_takes_all_back() -> None:
    world = ready(10)
    world.agree(agreed(10, cancel=10))
    world.run()
    assert world.status() == "CANCELLED"
    assert (told(world).stage, told(world).cancelled, told(world).cancel_answered) == (
        LineStage.CANCELLED,
        pieces(10),
        pieces(10),
    )
    assert world.pool.stated is not None
    assert world.pool.stated.withdrawn
    assert world.supply is not None
    assert world.supply.withdrawn


def test_a_cancellation_is_not_answered_before_the_shipment_has_answered() -> None:
    world = ready(10)
    world.agree(agreed(10, cancel=4))
    world.deliver(world.pending()[0])
    assert not world.facts(CancellationAnswered)
    world.run()
    assert world.facts(CancellationAnswered) == [CancellationAnswered(pieces(4), pieces(4))]
    assert world.line().quantity == 6


def test_a_cancellation_with_nothing_planned_is_answered_at_once() -> None:
    world = ready(10, on_hand=0)
    world.agree(agreed(10, cancel=10))
    world.deliver(world.pending()[0])
    assert world.facts(CancellationAnswered) == [CancellationAnswered(pieces(10), pieces(10))]


def test_what_is_picked_is_not_cancelled() -> None:
    world = ready(10)
    world.say(PickShipment(SELLER, NAME, part(7)))
    world.agree(agreed(10, cancel=10))
    world.run()
    assert (told(world).cancelled, told(world).cancel_answered) == (pieces(3), pieces(10))
    assert world.line().quantity == 7
    world.agree(agreed(10, cancel=10, due_ms=DUE + DAY))
    world.run()
    assert told(world).cancelled == pieces(3), "an answer is not given twice"


def test_a_rest_within_the_tolerance_is_waived_only_when_nobody_plans_it() -> None:
    world = ready(100, on_hand=100, closes_at=pieces(95))
    world.say(ShipShipment(SELLER, NAME, NOW, part(96)))
    world.run()
    assert not world.facts(RestWaived), "four are still planned"
    world.say(ShipShipment(SELLER, NAME, NOW, part(0), cancel_rest=True))
    world.run()
    assert world.facts(RestWaived) == [RestWaived(pieces(4))]
    assert world.pool.stated is not None
    assert world.pool.stated.withdrawn
    assert told(world).stage is LineStage.IN_TRANSIT


def test_a_waived_rest_is_owed_again_when_more_is_agreed() -> None:
    world = ready(10, on_hand=20, closes_at=pieces(9), promise_is_ship_date=True)
    world.say(ShipShipment(SELLER, NAME, NOW, part(9), cancel_rest=True))
    world.run()
    assert told(world).fulfilled_at_ms == NOW
    world.agree(agreed(15, closes_at=pieces(14), promise_is_ship_date=True))
    world.run()
    assert world.line(SECOND).quantity == 6
    assert (told(world).stage, told(world).fulfilled_at_ms) == (LineStage.AWAITING_SHIPMENT, None)


def test_goods_that_never_arrived_are_no_longer_expected() -> None:
    world = ready(10)
    world.say(ShipShipment(SELLER, NAME, NOW))
    world.run()
    world.say(ReceiveShipment(SELLER, NAME, NOW + DAY, part(0)), BUYER)
    world.run()
    assert world.supply is not None
    assert (world.supply.received, world.supply.withdrawn) == (pieces(0), True)
    assert (told(world).stage, told(world).fulfilled_at_ms) == (LineStage.RECEIVED, None)
    assert world.views[SELLER, "shipments", "maker/leader-4711-10-1"].disputed


def test_a_rest_beyond_the_tolerance_gets_another_shipment() -> None:
    world = ready(100, on_hand=100, closes_at=pieces(95))
    world.say(ShipShipment(SELLER, NAME, NOW, part(90), cancel_rest=True))
    world.run()
    assert world.line(SECOND).quantity == 10


def test_a_closed_line_takes_back_its_rest() -> None:
    world = ready(10)
    world.say(ShipShipment(SELLER, NAME, NOW, part(8)))
    world.run()
    world.agree(agreed(10, closed=True, closes_at=pieces(0)))
    world.run()
    assert world.line().quantity == 8
    assert world.facts(RestWaived) == [RestWaived(pieces(2))]
    assert world.pool.stated is not None
    assert world.pool.stated.withdrawn
    assert world.pool.reserved == 0


def test_a_shipment_planned_by_hand_replaces_what_the_flow_asked_for() -> None:
    world = ready(10)
    world.say(by_hand("mine", 6))
    world.run()
    assert (world.line(FIRST).quantity, world.line("shipment/maker/mine", "a").quantity) == (4, 6)
    world.agree(agreed(10, cancel=10))
    world.run()
    assert world.line("shipment/maker/mine", "a").quantity == 0
    assert told(world).cancelled == pieces(10)


def test_a_shipment_planned_before_the_flow_hears_of_the_line_counts() -> None:
    world = World()
    world.pool.on_hand = Decimal(10)
    world.say(by_hand("mine", 6))
    world.say(by_hand("theirs", 5, STRANGER), STRANGER)
    world.run()
    world.agree(agreed(10))
    world.run()
    assert world.line(FIRST).quantity == 4
    assert "shipment/nosy/theirs" not in world.rows[FLOW]


@pytest.mark.parametrize(("seller", "unit"), [(STRANGER, "C62"), (SELLER, "KGM")])
def test_a_shipment_that_cannot_speak_for_the_flow_changes_nothing(seller: EnterpriseId, unit: str) -> None:
    world = ready(10)
    before = dict(world.rows[FLOW])
    world.say(by_hand("odd", 6, seller, unit), seller)
    world.run()
    assert world.rows[FLOW] == before
    assert len(world.facts(LegRejected)) == 1
    assert told(world).planned == pieces(10)


def test_a_shipment_id_that_the_seller_used_is_passed_over() -> None:
    world = World()
    free = PlannedLine(LineId("1"), ItemId("M-9"), pieces(1))
    sites = SiteId("plant"), SiteId("elsewhere")
    world.say(PlanShipment(NAME, STRANGER, *sites, "", NOW, NOW + DAY, (free,)))
    world.pool.on_hand = Decimal(10)
    world.agree(agreed(10))
    world.run()
    assert world.line(FIRST).flow_key == ""
    assert world.line(SECOND).quantity == 10


def test_a_shipment_that_the_seller_cancels_is_asked_for_anew() -> None:
    world = ready(10)
    world.say(CancelShipment(SELLER, NAME, "truck broke down"))
    world.run()
    assert (world.status(FIRST), world.line(SECOND).quantity) == ("CANCELLED", 10)


def test_nothing_new_makes_no_fact() -> None:
    world = ready(10)
    facts = len(world.log)
    world.agree(agreed(10))
    world.run()
    assert len(world.log) == facts


def test_parties_sites_and_units_are_stamped() -> None:
    world = ready(10)
    world.agree(agreed(10, ship_from=SiteId("other"), seller=STRANGER, seller_quantity=Quantity(Decimal(5), "KGM")))
    world.run()
    assert world.rows[FLOW]["terms"].ship_from == "plant"
    assert world.rows[FLOW]["terms"].seller == SELLER
    assert told(world).planned == pieces(10)


TRANSFER = TransferStock(TransferId("t1"), ItemId("M-1"), SiteId("plant"), SiteId("hub"), pieces(5), DUE, 600)


def test_a_transfer_goes_from_own_pool_to_own_pool() -> None:
    world = World()
    key = "flow/maker/transfer/t1"
    world.say(TRANSFER)
    links = {link.to: link.state for link in world.sent}
    assert links["pool/maker/plant/M-1"].need_at_ms == DUE
    assert links["pool/maker/hub/M-1"].expected_at_ms == DUE + 600 * 60_000
    assert not [to for to in links if to.startswith("order/")]
    assert world.views[SELLER, "flows", "maker/transfer/t1"].direction == "INTERNAL"
    refused = world.say(TRANSFER)
    assert isinstance(refused, Refused)
    assert refused.code == "transfer-exists"
    world.say(CancelTransfer(TransferId("t1")))
    assert world.rows[key]["head"].cancelled == 5
    assert isinstance(world.say(CancelTransfer(TransferId("t1")), BUYER), Refused)


def test_a_transfer_is_issued_here_in_transit_and_received_there() -> None:
    world = World()
    key, name = FlowKey("flow/maker/transfer/t1"), ShipmentId("maker-transfer-t1-1")
    world.say(TRANSFER)
    world.say(CoverDemand(key, Decimal(5), Decimal(0), Decimal(0), True))
    world.run()
    assert world.views[SELLER, "shipments", f"maker/{name}"].direction == "INTERNAL"
    world.say(ShipShipment(SELLER, name, DUE))
    world.run()
    assert (world.rows[key]["head"].shipped, world.rows[key]["head"].in_transit) == (5, 5)
    world.say(ReceiveShipment(SELLER, name, DUE + DAY))
    world.run()
    states = {link.to: link.state for link in world.sent}
    assert (states["pool/maker/plant/M-1"].issued, states["pool/maker/plant/M-1"].withdrawn) == (pieces(5), True)
    assert (states["pool/maker/hub/M-1"].received, states["pool/maker/hub/M-1"].withdrawn) == (pieces(5), True)
    assert world.rows[key]["head"].fulfilled_at_ms == DUE + DAY


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": pieces(0)}, "quantity-out-of-range"),
        ({"quantity": pieces("-1")}, "quantity-out-of-range"),
        ({"quantity": pieces("0.0000001")}, "quantity-too-fine"),
        ({"quantity": Quantity(Decimal("NaN"), "C62")}, "quantity-out-of-range"),
        ({"quantity": Quantity(Decimal(1), "pieces")}, "unit-invalid"),
        ({"lead_time_minutes": 0}, "lead-time-invalid"),
        ({"ship_at_ms": 0}, "date-out-of-range"),
        ({"to_site": SiteId("plant")}, "transfer-without-way"),
        ({"item": ItemId("a/b")}, "id-invalid"),
        ({"transfer": TransferId("t\n")}, "id-invalid"),
        ({"transfer": TransferId("t" * 65)}, "id-invalid"),
    ],
)
def test_a_transfer_that_makes_no_sense_is_refused(change: dict[str, object], code: str) -> None:
    refused = World().say(replace(TRANSFER, **change))  # type: ignore[arg-type]  # one field each
    assert isinstance(refused, Refused)
    assert refused.code == code


def test_a_wanted_shipment_names_what_the_warehouse_needs() -> None:
    world = ready(10)
    wanted = next(link for link in world.sent if isinstance(link.state, ShipmentWanted))
    assert (wanted.topic, wanted.to, wanted.link) == ("fulfillment-legs-v1", FIRST, FLOW)
    assert (wanted.state.item, wanted.state.buyer_item, wanted.state.quantity) == ("M-1", "L-1", pieces(10))
    assert (wanted.state.ship_at_ms, wanted.state.deliver_at_ms) == (DUE - DAY, DUE)
