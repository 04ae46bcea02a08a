"""Laws of flows and shipments under any order of messages: a cancellation races picks, ship reports and receipts."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.fulfillment.consignment import ShipmentLine
from services.fulfillment.domain import DOMAIN
from services.fulfillment.keys import ItemId, LineId, ShipmentId, SiteId
from services.fulfillment.legs import Leg, owed
from services.fulfillment.shipment import (
    CancelShipment,
    PackShipment,
    PickShipment,
    PlannedLine,
    PlanShipment,
    ReceiveShipment,
    ShipShipment,
)
from services.fulfillment.shipment_facts import LineQuantity
from services.kernel.model import DictRows
from tests.unit.fulfillment.world import BUYER, DAY, FLOW, NOW, SELLER, World, agreed, apply, pieces, ready

TOTAL = 10


def shipments(world: World) -> list[tuple[str, DictRows]]:
    return [(key, rows) for key, rows in sorted(world.rows.items()) if key.startswith("shipment/") and "head" in rows]


def lines(world: World) -> list[ShipmentLine]:
    return [
        row for _, rows in shipments(world) for key, row in rows.items() if key.startswith("line/") and row.flow_key
    ]


@dataclass
class PlainOrder:
    """What the order says of its line."""

    total: int = TOTAL
    asked: int = 0
    due_ms: int = NOW + 10 * DAY
    closed: bool = False

    def say(self, world: World) -> None:
        least = pieces(0)
        world.agree(agreed(self.total, self.asked, self.due_ms, closes_at=least, closed=self.closed))


def act(world: World, action: str, which: int, amount: int, order: PlainOrder, over: bool) -> None:
    """Something happens outside: said of one of the shipments there are, in the mouth of who may say it."""
    if action.startswith("line-"):
        match action:
            case "line-cancelled":
                order.asked = min(order.asked + amount, order.total)
            case "line-changed":
                order.total, order.due_ms = max(2 * amount, order.asked), NOW + which * DAY
            case "line-closed":
                order.closed = True
        order.say(world)
        return
    if action == "stock":
        world.stock(amount + world.pool.on_hand)
        return
    if action == "count-zero":
        world.stock(0)
        return
    if action == "plan-by-hand":
        planned = PlannedLine(LineId("a"), ItemId("M-1"), pieces(amount), FLOW, ItemId("L-1"))
        mine = ShipmentId(f"mine-{which}")
        world.say(PlanShipment(mine, BUYER, SiteId("plant"), SiteId("dock"), "", NOW, NOW + DAY, (planned,)))
        return
    known = shipments(world)
    if not known:
        return
    key, rows = known[which % len(known)]
    name, line_id = ShipmentId(key.split("/")[2]), LineId("a" if "mine" in key else "1")
    line: ShipmentLine = rows[f"line/{line_id}"]
    if not over:
        amount = min(amount, int(line.open if action != "receive" else line.shipped - line.received))
    part = (LineQuantity(line_id, pieces(amount)),)
    match action:
        case "pick" if amount > 0:
            world.say(PickShipment(SELLER, name, part))
        case "pack" if amount > 0:
            world.say(PackShipment(SELLER, name, part))
        case "ship" if amount > 0:
            world.say(ShipShipment(SELLER, name, NOW + DAY, part))
        case "ship-and-cancel-rest" if amount > 0:
            world.say(ShipShipment(SELLER, name, NOW + DAY, part, cancel_rest=True))
        case "receive" if amount > 0:
            world.say(ReceiveShipment(SELLER, name, NOW + 2 * DAY, part), BUYER)
        case "cancel-shipment":
            world.say(CancelShipment(SELLER, name, "no truck"))


def check(world: World, order: PlainOrder) -> None:
    """What holds when nothing is under way, whatever happened in whatever order."""
    terms, head = world.rows[FLOW]["terms"], world.head
    legs: dict[str, Leg] = dict(world.rows[FLOW].scan("shipment/"))
    there = lines(world)
    shipped, received = sum((x.shipped for x in there), Decimal(0)), sum((x.received for x in there), Decimal(0))
    assert (head.shipped, head.received) == (shipped, received), "what was reported arrived, all of it, once"
    assert head.held == sum((leg.held for leg in legs.values()), Decimal(0))
    assert head.planned == sum((x.open for x in there), Decimal(0))
    assert head.unsettled == 0
    assert all(leg.settled for leg in legs.values()), "every ask was answered"
    assert head.cancel_answered == order.asked, "the cancellation is answered"
    assert head.cancelled <= order.asked
    assert not head.cancelled or head.cancelled + shipped <= order.total
    fixed = sum((x.fixed for x in there), Decimal(0))
    assert head.held <= max(owed(terms, head), fixed), "no more is planned than is owed, but what is picked"
    assert world.pool.stated is not None
    assert world.pool.stated.issued.amount == shipped
    assert world.pool.stated.quantity.amount == owed(terms, head)
    if order.closed:
        assert owed(terms, head) <= max(fixed, order.total - head.cancelled - head.waived)
        assert fixed > shipped or world.pool.stated.withdrawn, "only what is picked is still owed"
    assert world.pool.stated.withdrawn == (shipped >= owed(terms, head))
    if world.pool.stated.withdrawn:
        assert world.pool.reserved == 0, "nothing stays reserved for what is not owed"
    if not order.closed:
        covered = min(owed(terms, head), world.pool.reserved + shipped)
        assert head.held >= covered, "what is covered is in a shipment"
    assert world.progress is not None
    assert world.progress.shipped.amount == shipped
    assert world.progress.cancelled.amount == head.cancelled
    assert world.progress.cancel_answered.amount == order.asked
    assert world.supply is not None
    assert world.supply.received.amount == received
    check_fold(world)


def check_fold(world: World) -> None:
    """The rows are the fold of the log."""
    folded: dict[str, DictRows] = {}
    kinds = {aggregate.kind: aggregate for aggregate in DOMAIN.aggregates}
    for key, fact in world.log:
        rows = folded.setdefault(key, DictRows())
        apply(rows, kinds[key.partition("/")[0]].evolve(rows, fact))
    assert folded == world.rows


ACTIONS = (
    "line-cancelled",
    "line-cancelled",
    "line-changed",
    "stock",
    "count-zero",
    "plan-by-hand",
    "pick",
    "pack",
    "ship",
    "ship-and-cancel-rest",
    "receive",
    "cancel-shipment",
    "deliver",
    "deliver",
    "deliver",
    "deliver",
    "deliver-last",
    "deliver-all",
    "line-closed",
)
steps = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 7), st.integers(1, 8))


def play(script: list[tuple[str, int, int]], over: bool) -> tuple[World, PlainOrder]:
    world, order = World(), PlainOrder()
    order.say(world)
    for action, which, amount in script:
        if action.startswith("deliver"):
            channels = world.pending()
            if action == "deliver-all":
                world.run()
            elif channels:
                world.deliver(channels[which % len(channels)], only_last=action == "deliver-last")
        else:
            act(world, action, which, amount, order, over)
    world.run()
    return world, order


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=40))
def test_any_order_of_messages_ends_consistent(script: list[tuple[str, int, int]]) -> None:
    world, order = play(script, over=False)
    check(world, order)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=40))
def test_reports_beyond_the_plan_end_consistent_too(script: list[tuple[str, int, int]]) -> None:
    world, order = play(script, over=True)
    check(world, order)


def ends_of(world: World) -> list[World]:
    """Every world that some order of deliveries ends in; states of the world that were seen are not entered again."""
    seen: set[str] = set()
    ends, open_ = [], [world]
    while open_:
        here = open_.pop()
        state = repr((sorted(here.rows.items()), sorted(here.links.items()), here.pool))
        if state in seen:
            continue
        seen.add(state)
        channels = here.pending()
        if not channels:
            ends.append(here)
        for channel in channels:
            branch = here.copy()
            branch.deliver(channel)
            open_.append(branch)
    return ends


@pytest.mark.parametrize(("asked", "shipped", "pick_first"), list(product([4, 10], [6, 10], [False, True])))
def test_a_cancellation_racing_a_ship_report_in_every_order(asked: int, shipped: int, pick_first: bool) -> None:
    world = ready(TOTAL)
    name = ShipmentId("leader-4711-10-1")
    if pick_first:
        world.say(PickShipment(SELLER, name))
    world.agree(agreed(TOTAL, asked, closes_at=pieces(0)))
    world.say(ShipShipment(SELLER, name, NOW + DAY, (LineQuantity(LineId("1"), pieces(shipped)),)))
    ends = ends_of(world)
    assert ends
    for end in ends:
        check(end, PlainOrder(asked=asked))
        could = 0 if pick_first else TOTAL - shipped
        assert end.head.cancelled == min(asked, could)


def test_goods_that_leave_after_their_cancellation_was_answered_are_no_longer_cancelled() -> None:
    world = ready(TOTAL)
    world.agree(agreed(TOTAL, TOTAL))
    world.run()
    assert world.head.cancelled == TOTAL
    world.say(ShipShipment(SELLER, ShipmentId("leader-4711-10-1"), NOW, (LineQuantity(LineId("1"), pieces(7)),)))
    world.run()
    assert world.head.cancelled == 3
    assert world.progress is not None
    assert (world.progress.cancelled, world.progress.shipped) == (pieces(3), pieces(7))
    check(world, PlainOrder(asked=TOTAL))
