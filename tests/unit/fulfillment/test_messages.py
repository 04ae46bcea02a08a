"""What a whole story says fits the wire and the row codec, there and back; and an amended row is a right one."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from services.chain.causes import Cause, Hop, Root, RootClass, Stage
from services.chain.pool_facts import CoveredPart, Frozen, LateSupply
from services.fulfillment.consignment import MilestoneCertainty, MilestoneKind
from services.fulfillment.disruption import DisruptSite, LiftDisruption, NamedLine
from services.fulfillment.domain import DOMAIN
from services.fulfillment.flow import CancelTransfer, ReportLine, TransferStock
from services.fulfillment.keys import DisruptionId, ItemId, LineId, ShipmentId, SiteId, TransferId, WorkId
from services.fulfillment.lane import CarrierMode, ChangeLeadTime, CloseLane, DefineLane
from services.fulfillment.links import DemandCovered
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
from services.fulfillment.shipment_facts import LineQuantity
from services.fulfillment.wire import WIRES
from services.fulfillment.work import CancelWork, Component, ComponentTotal, IssueComponents, PlanWork, ReportWork
from services.kernel.codec import Meta
from services.kernel.frozen import amended
from services.kernel.model import Link
from services.kernel.row_codec import RowCodec
from tests.unit.fulfillment.world import BUYER, DAY, FLOW, NOW, POOL, SELLER, STRANGER, World, agreed, pieces, ready

META = Meta("c-1", occurred_at_ms=NOW, enterprise="maker")
LANE = (SELLER, SiteId("plant"), BUYER, SiteId("dock"))
FIRE = DisruptionId("fire")
NAME, MINE = ShipmentId("leader-4711-10-1"), ShipmentId("mine")
WORK, PRODUCT, STEEL = WorkId("w"), (SiteId("plant"), ItemId("M-2")), (SiteId("plant"), ItemId("S"))
CAUSE = Cause(Root("S", RootClass.REPORTED, "e-1", "MACHINE"), (Hop("S", "mill", own=100_000, delay_out=100_000),))
PATH = (Stage("S", 1_000_000),)


def part(line: str, amount: int, item: str = "") -> tuple[LineQuantity, ...]:
    return (LineQuantity(LineId(line), pieces(amount), ItemId(item)),)


def commands() -> Iterator[tuple[Any, Any]]:
    """One of each command, in an order in which each makes facts."""
    yield DefineLane(*LANE, 60, CarrierMode.ROAD), SELLER
    yield ChangeLeadTime(*LANE, 90), SELLER
    yield CloseLane(*LANE), SELLER
    yield TransferStock(TransferId("t"), ItemId("M-1"), SiteId("plant"), SiteId("hub"), pieces(5), NOW, 60), SELLER
    yield CancelTransfer(TransferId("t")), SELLER
    line = PlannedLine(LineId("a"), ItemId("M-1"), pieces(2), FLOW, ItemId("L-1"))
    yield PlanWork(WORK, *PRODUCT, pieces(5), NOW, 60, (Component(*STEEL, quantity_per=pieces(2)),)), SELLER
    yield (
        ReportWork(WORK, estimated_finish_at_ms=NOW + DAY, firm=True, reason_code="MACHINE", disruption_id="f"),
        SELLER,
    )
    yield IssueComponents(WORK, (ComponentTotal(*STEEL, pieces(3)),)), SELLER
    yield CancelWork(WORK, "not needed"), SELLER
    yield ReportLine(BUYER, "4711", "10", NOW, NOW + DAY, reason_code="MACHINE", disruption_id="f"), SELLER
    named = (WORK,), (NamedLine(BUYER, "4711", LineId("10")),), (TransferId("t"),)
    yield DisruptSite(FIRE, PRODUCT[0], NOW, NOW + DAY, "FIRE", "press 3", *named), SELLER
    yield LiftDisruption(FIRE), SELLER
    yield DisruptSite(FIRE, PRODUCT[0], NOW, None, "FIRE", "press 3", *named), SELLER
    yield PlanShipment(MINE, BUYER, SiteId("plant"), SiteId("dock"), "trucks", NOW, NOW + DAY, (line,)), SELLER
    yield PlanShipment(MINE, BUYER, SiteId("plant"), SiteId("dock"), "", NOW, NOW + DAY, (line,)), STRANGER
    yield PickShipment(SELLER, NAME, part("1", 1)), SELLER
    yield PackShipment(SELLER, NAME, part("1", 1)), SELLER
    yield ReportMilestone(SELLER, MINE, MilestoneKind.ARRIVAL, MilestoneCertainty.ESTIMATED, NOW + 9 * DAY, "X"), SELLER
    yield CancelShipment(SELLER, MINE, "no truck"), SELLER
    yield ReceiveShipment(SELLER, NAME, NOW + DAY, part("1", 1)), BUYER
    yield ShipShipment(SELLER, NAME, NOW + DAY, part("1", 4), "trucks", "T-1", cancel_rest=True), SELLER
    yield ReceiveShipment(SELLER, NAME, NOW + DAY, part("1", 2)), BUYER
    yield ReceiveShipment(SELLER, NAME, NOW + DAY, part("1", 1)), BUYER


@pytest.fixture(scope="module")
def story() -> World:
    """A story that makes every fact there is."""
    world = ready(10, on_hand=6, closes_at=pieces(9))
    for command, sender in commands():
        assert isinstance(world.say(command, sender), tuple), command
        world.run()
    late = CoveredPart(28_400_000, 1_000_000, 28_300_000, LateSupply("S", 28_400_000, 28_300_000, CAUSE), "X", 0, PATH)
    frozen = Frozen(28_400_000, 28_300_000, 100_000, CAUSE)
    said = DemandCovered(POOL, f"{FLOW}#0", pieces(2), pieces(4), pieces(1), True, (late,), frozen)
    world.send(POOL, Link("inventory-availability-v1", FLOW, f"{FLOW}#0", said))
    key = "work/maker/w"
    world.send("pool/maker/plant/S", Link("inventory-availability-v1", key, "0", replace(said, demand=f"{key}#0")))
    world.run()
    again = ShipmentId("leader-4711-10-2")
    world.agree(agreed(10, cancel=1, due_ms=NOW + 12 * DAY, closes_at=pieces(9)))
    world.run()
    world.say(CancelShipment(SELLER, again))
    world.run()
    world.stock(20)
    world.run()
    last = sorted(key for key in world.rows if key.startswith("shipment/maker/leader"))[-1]
    world.say(ShipShipment(SELLER, ShipmentId(last.split("/")[2]), NOW + DAY, part("1", 4)))
    world.run()
    world.say(ReceiveShipment(SELLER, ShipmentId(last.split("/")[2]), NOW + 2 * DAY), BUYER)
    world.run()
    world.agree(agreed(20, cancel=1, closes_at=pieces(0), closed=True))
    world.run()
    world.say(ShipShipment(SELLER, NAME, NOW + DAY, part("1", 12)))
    world.run()
    free = PlannedLine(LineId("1"), ItemId("M-9"), pieces(1))
    world.say(PlanShipment(ShipmentId("leader-4799-10-1"), STRANGER, SiteId(""), SiteId(""), "", NOW, NOW, (free,)))
    other = agreed(3, order_key="order/leader/4799", ship_from=SiteId(""))
    world.send("order/leader/4799", Link("order-lines-v1", "flow/leader/4799/10", "line", other))
    world.run()
    return world


def test_the_story_makes_every_fact(story: World) -> None:
    made = {type(fact) for _, fact in story.log}
    assert {fact for aggregate in DOMAIN.aggregates for fact in aggregate.facts} - made == set()


def test_every_message_crosses_the_wire(story: World) -> None:
    for _, fact in story.log:
        assert WIRES.events.decode(WIRES.events.encode(META, fact))[1] == fact
    for command, _ in commands():
        assert WIRES.commands.decode(WIRES.commands.encode(META, command))[1] == command
    for link in story.sent:
        if link.topic in WIRES.links_out:
            wire = WIRES.links_out[link.topic]
            assert wire.decode(wire.encode(META, link.state, link=link.link))[1] == link.state
    for feed in story.feed:
        data = WIRES.feed.encode(META, feed.row, view=feed.view, row_id=feed.row_id, removed=feed.row is None)
        assert WIRES.feed.decode(data)[1] == feed.row


def test_every_row_is_kept_as_it_was(story: World) -> None:
    kinds = {aggregate.kind: aggregate for aggregate in DOMAIN.aggregates}
    seen = set()
    for key, rows in story.rows.items():
        for name, row in rows.items():
            codec = RowCodec(kinds[key.partition("/")[0]].rows[name.partition("/")[0]])
            assert codec.decode(codec.encode(row)) == row
            seen.add(type(row))
    assert {row for kind in ("flow", "shipment", "work", "disruption") for row in kinds[kind].rows.values()} <= seen


def test_an_amended_row_is_what_replace_gives(story: World) -> None:
    head = story.head
    assert amended(head, reason="x", legs=7) == replace(head, reason="x", legs=7)
    with pytest.raises(AttributeError):
        amended(head, no_such_field=1)
