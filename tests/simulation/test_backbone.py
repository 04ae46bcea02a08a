"""Random trade between enterprises, with crashes, duplicates and every interleaving a seed can draw.

Afterwards nothing is in flight and the laws hold: one outcome per command, gap-free versions, tables equal to the fold
of the log, stock conserved, and what was shipped, issued and received is one quantity in three services.
"""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.fulfillment.disruption import DisruptSite, LiftDisruption, NamedLine
from services.fulfillment.keys import DisruptionId, LineId
from services.fulfillment.shipment import CancelShipment, PackShipment, PickShipment, ReceiveShipment, ShipShipment
from services.fulfillment.shipment_facts import LineQuantity, ShipmentLinePlanned
from services.inventory.pool_commands import AdjustStock, BlockStock, CountStock, IssueStock, ReceiveStock, UnblockStock
from services.kernel.memory_log import START_MS
from services.kernel.values import EnterpriseId, Quantity
from services.order.order_commands import CancelLine, CloseOrder, ConfirmOrder, PlaceOrder, ReportDelay, RevisePromise
from services.order.order_facts import OrderKind
from services.order.terms import (
    Delivery,
    ItemId,
    LineNumber,
    OrderNumber,
    PlacedLine,
    PromiseBasis,
    SiteId,
    Terms,
    UnitFactor,
)
from tests.support.backbone import Backbone
from tests.support.laws import flow_breaches, inbound_flows, stock_breaches

SEEDS = int(os.environ.get("CHAINFLOW_SIMULATIONS", "16"))
ENTERPRISES = ("car", "axle", "steel")
SITE, UNIT, DAY_MS = SiteId("main"), "C62", 86_400_000
FIRST_DAY = date(2026, 1, 5)


DISRUPTIONS = (DisruptionId("fire"), DisruptionId("flood"))


class Trade:
    """Random commands of three enterprises that buy from and sell to each other."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone, self.random = backbone, backbone.random
        self.orders: list[tuple[str, str, str, int]] = []

    def step(self) -> None:
        """One random command, then perhaps some steps of the services."""
        for enterprise, command in self.random.choice((self.place, self.confirm, self.stock, self.ship, self.change))():
            self.backbone.send(enterprise, command)

    def place(self) -> Iterator[tuple[str, Any]]:
        """A buyer orders one to three items from a seller."""
        buyer, seller = self.random.sample(ENTERPRISES, 2)
        number, lines = f"o{len(self.orders)}", self.random.randint(1, 3)
        terms = Terms(
            ItemId("part"), UnitFactor(UNIT, UNIT), self.random.choice(list(PromiseBasis)), SITE, SITE, "Europe/Berlin",
            lead_time_minutes=self.random.choice((60, 1440)), under_percent=self.random.choice((None, Decimal(10))),
        )  # fmt: skip
        placed = tuple(
            PlacedLine(LineNumber(f"{10 * n}"), ItemId("part"), terms, self._deliveries()) for n in range(1, lines + 1)
        )
        self.orders.append((buyer, seller, number, lines))
        yield buyer, PlaceOrder(OrderNumber(number), EnterpriseId(seller), OrderKind.DISCRETE, placed)

    def _deliveries(self) -> tuple[Delivery, ...]:
        days = sorted(self.random.sample(range(3, 30), self.random.randint(1, 2)))
        return tuple(Delivery(FIRST_DAY + timedelta(days=day), Decimal(self.random.randint(1, 20))) for day in days)

    def confirm(self) -> Iterator[tuple[str, Any]]:
        """The seller confirms."""
        if self.orders:
            buyer, seller, number, _ = self.random.choice(self.orders)
            yield seller, ConfirmOrder(EnterpriseId(buyer), OrderNumber(number))

    def stock(self) -> Iterator[tuple[str, Any]]:
        """Somebody's warehouse reports."""
        amount = Quantity(Decimal(self.random.randint(1, 40)), UNIT)
        made: tuple[Any, ...] = (
            CountStock(SITE, ItemId("part"), Quantity(Decimal(self.random.randint(0, 60)), UNIT)),  # type: ignore[arg-type]
            ReceiveStock(SITE, ItemId("part"), amount),  # type: ignore[arg-type]
            IssueStock(SITE, ItemId("part"), amount),  # type: ignore[arg-type]
            AdjustStock(SITE, ItemId("part"), Quantity(Decimal(self.random.randint(-5, 5)), UNIT), "found"),  # type: ignore[arg-type]
            BlockStock(SITE, ItemId("part"), amount, "quality"),  # type: ignore[arg-type]
            UnblockStock(SITE, ItemId("part"), amount),  # type: ignore[arg-type]
        )
        yield self.random.choice(ENTERPRISES), self.random.choice(made)

    def ship(self) -> Iterator[tuple[str, Any]]:
        """Somebody works on a shipment that is planned by now."""
        planned = [
            (meta.aggregate.split("/"), fact)
            for meta, fact in self.backbone.events("fulfillment")
            if isinstance(fact, ShipmentLinePlanned)
        ]
        if not planned:
            return
        (_, seller, shipment), fact = self.random.choice(planned)
        buyer = fact.flow_key.split("/")[1]
        part = Quantity(Decimal(self.random.randint(0, int(fact.quantity.amount) + 2)), UNIT)
        lines = self.random.choice(((), (LineQuantity(fact.line, part),)))
        at_ms = START_MS + self.random.randint(1, 20) * DAY_MS
        who, id_ = EnterpriseId(seller), shipment
        made: tuple[tuple[str, Any], ...] = (
            (seller, PickShipment(who, id_)),  # type: ignore[arg-type]
            (seller, PackShipment(who, id_)),  # type: ignore[arg-type]
            (seller, ShipShipment(who, id_, at_ms, lines, cancel_rest=self.random.random() < 0.5)),  # type: ignore[arg-type]
            (seller, ShipShipment(who, id_, at_ms)),  # type: ignore[arg-type]
            (buyer, ReceiveShipment(who, id_, at_ms + DAY_MS, lines)),  # type: ignore[arg-type]
            (buyer, ReceiveShipment(who, id_, at_ms + DAY_MS)),  # type: ignore[arg-type]
            (seller, CancelShipment(who, id_, "no truck")),  # type: ignore[arg-type]
        )
        yield self.random.choice(made)

    def change(self) -> Iterator[tuple[str, Any]]:
        """Somebody changes their mind about a line."""
        if not self.orders:
            return
        buyer, seller, number, lines = self.random.choice(self.orders)
        order, line = OrderNumber(number), LineNumber(f"{10 * self.random.randint(1, lines)}")
        who, later = EnterpriseId(buyer), FIRST_DAY + timedelta(days=self.random.randint(1, 60))
        made: tuple[tuple[str, Any], ...] = (
            (buyer, CancelLine(order, line)),
            (buyer, CancelLine(order, line, Decimal(self.random.randint(1, 10)))),
            (buyer, CloseOrder(order)),
            (seller, ReportDelay(who, order, line, later, "machine")),
            (seller, RevisePromise(who, order, line, self._deliveries(), "capacity")),
            (seller, self._standstill(who, number, line)),
            (seller, LiftDisruption(self.random.choice(DISRUPTIONS))),
        )
        yield self.random.choice(made)

    def _standstill(self, buyer: EnterpriseId, number: str, line: str) -> DisruptSite:
        """The seller's site stands still for some days, or nobody knows for how long."""
        since = START_MS + self.random.randint(0, 20) * DAY_MS
        until = self.random.choice((None, since + self.random.randint(1, 20) * DAY_MS))
        named = (NamedLine(buyer, number, LineId(line)),)
        return DisruptSite(self.random.choice(DISRUPTIONS), SITE, since, until, "FIRE", lines=named)  # type: ignore[arg-type]


def check_stock_and_flows(backbone: Backbone) -> None:
    """Stock is conserved, and what was shipped, issued and received is one quantity in three services."""
    events = backbone.events("inventory")
    stock, lines, flows = (
        {enterprise: backbone.view(service, enterprise, view) for enterprise in ENTERPRISES}
        for service, view in (("inventory", "stock"), ("order", "order-lines"), ("fulfillment", "flows"))
    )
    assert not (breaches := [*stock_breaches(events, stock), *flow_breaches(events, lines, flows)]), breaches
    assert list(inbound_flows(flows)), "no order line was ever confirmed: the histories are too short to say anything"


def run(seed: int, crash_share: float, steps: int = 120) -> Backbone:
    """One random history, settled."""
    backbone = Backbone(seed, crash_share=crash_share)
    backbone.tick(START_MS)
    trade = Trade(backbone)
    for number in range(steps):
        trade.step()
        if number % 10 == 0:
            backbone.tick(START_MS + number * DAY_MS // 4)
        if backbone.random.random() < 0.6:
            for _ in range(backbone.random.randint(1, 15)):
                backbone.random.choice(backbone.workers).step(backbone.random, crash_share=crash_share)
        if backbone.random.random() < 0.05:
            backbone.repeat_links(0.1)
    backbone.settle()
    return backbone


@pytest.mark.parametrize("seed", range(SEEDS))
def test_laws_hold_after_any_history(seed: int) -> None:
    backbone = run(seed, crash_share=0.2 if seed % 2 else 0.0)
    backbone.check_laws()
    check_stock_and_flows(backbone)
    letters = [letter for letter in backbone.dead_letters() if letter.kind.value != "MALFORMED"]
    assert not letters, letters[0]
    before = {name: len(backbone.events(name)) for name in backbone.services}
    backbone.repeat_links(1.0)
    backbone.settle()
    assert before == {name: len(backbone.events(name)) for name in backbone.services}, "an old link made a new event"
