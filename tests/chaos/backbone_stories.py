"""What people of four enterprises say to the backbone: orders from their placing to their receipt, and stock reports.

A story is drawn by the seed and its number alone; how often it has to ask whether a shipment is planned already depends
on the services. Deliberately lacks: how a command gets to a service, and what is right afterwards.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Protocol

from services.fulfillment.keys import LineId, ShipmentId
from services.fulfillment.shipment import CancelShipment, PackShipment, PickShipment, ReceiveShipment, ShipShipment
from services.fulfillment.shipment_facts import LineQuantity
from services.inventory.item import ItemId as StockItemId
from services.inventory.pool_commands import (
    AdjustStock,
    BlockStock,
    CountStock,
    IssueStock,
    ReceiveStock,
    ReserveStock,
    UnblockStock,
)
from services.inventory.pool_facts import ReservationId
from services.inventory.site import SiteId as StockSiteId
from services.kernel.values import EnterpriseId, Quantity
from services.order.order_commands import CancelLine, CloseOrder, ConfirmOrder, PlaceOrder, ReportDelay
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

ENTERPRISES = ("car", "axle", "steel", "wire")
ITEMS = tuple(f"part{number}" for number in range(12))
TRACKED = 9
"""So many of the items are counted; of the rest nobody knows the stock, and everything is shipped as ordered."""
SITE, UNIT = "main", "C62"
PLANNED_TRIES = 6
"""A shipment that is not planned after so many looks waits for stock, or was cancelled."""
PLANNED_SECONDS = 1.0

Answer = dict[str, Any]
Say = Callable[[str, str, str, Any], Awaitable[Answer]]
"""Service, enterprise, id and command to the answer."""
Look = Callable[..., Awaitable[list[Any] | None]]


class Told(Protocol):
    """A story as the workload runs it."""

    unseen: list[str]
    """Own writes that a view did not show although it was asked to wait for them."""

    async def tell(self) -> None:
        """From the first word to the last."""


def _pieces(amount: int) -> Quantity:
    return Quantity(Decimal(amount), UNIT)


def _pool(item: str) -> tuple[StockSiteId, StockItemId]:
    return StockSiteId(SITE), StockItemId(item)


class Story:
    """One order, with what its parties say before and after."""

    def __init__(self, seed: int, number: int, say: Say, look: Look) -> None:
        self.rng, self.number = Random(f"{seed}/{number}"), number
        self._say, self._look, self._ids = say, look, itertools.count(1)
        self.buyer, self.seller = self.rng.sample(ENTERPRISES, 2)
        self.order = OrderNumber(f"o{number}")
        self.lines = [
            (f"{10 * place}", self.rng.choice(ITEMS), self.rng.randint(1, 20))
            for place in range(1, self.rng.randint(1, 3) + 1)
        ]
        self.unseen: list[str] = []
        """Own writes that a view did not show although it was asked to wait for them."""

    async def say(self, service: str, enterprise: str, command: Any) -> Answer:
        """Under the story's next id."""
        return await self._say(service, enterprise, f"s{self.number}-{next(self._ids)}", command)

    async def tell(self) -> None:
        """From the first word to the last."""
        for _, item, amount in self.lines:
            # As much comes in as is ordered, so that stock is short at times and never for long.
            await self.say("inventory", self.seller, ReceiveStock(*_pool(item), _pieces(amount)))
        await self.report_stock()
        placed = await self.say("order", self.buyer, self._order())
        if self.rng.random() < 0.03:
            await self.look_for(placed)
        if self.rng.random() < 0.04:
            await self.cancel_something()
        await self.say("order", self.seller, ConfirmOrder(EnterpriseId(self.buyer), self.order))
        await self.change_mind()
        for line, _, amount in self.lines:
            await self.ship(line, amount)
        if self.rng.random() < 0.05:
            await self.say("order", self.buyer, CloseOrder(self.order))

    def _order(self) -> PlaceOrder:
        today = datetime.now(UTC).date()
        placed = []
        for line, item, amount in self.lines:
            terms = Terms(
                ItemId(item), UnitFactor(UNIT, UNIT), self.rng.choice(list(PromiseBasis)), SiteId(SITE), SiteId(SITE),
                "Europe/Berlin", lead_time_minutes=self.rng.choice((60, 1440)),
                under_percent=self.rng.choice((None, Decimal(10))),
            )  # fmt: skip
            due = Delivery(today + timedelta(days=self.rng.randint(3, 30)), Decimal(amount))
            placed.append(PlacedLine(LineNumber(line), ItemId(item), terms, (due,)))
        return PlaceOrder(self.order, EnterpriseId(self.seller), OrderKind.DISCRETE, tuple(placed))

    async def look_for(self, placed: Answer) -> None:
        """The buyer reads its own write."""
        if placed["status"] != "ACCEPTED":
            return
        row_id = f"{self.buyer}/{self.order}/{self.lines[0][0]}"
        rows = await self._look("order", self.buyer, "order-lines", id=row_id, after=placed["position"])
        if rows is not None and not rows:
            self.unseen.append(f"{row_id} after {placed['position']}")

    async def report_stock(self) -> None:
        """Somebody's warehouse says something."""
        who, item, amount = self.rng.choice(ENTERPRISES), self.rng.choice(ITEMS), _pieces(self.rng.randint(1, 5))
        place = _pool(item)
        soon_ms = int((datetime.now(UTC) + timedelta(seconds=self.rng.randint(2, 20))).timestamp() * 1000)
        made: tuple[Any, ...] = (
            CountStock(*_pool(ITEMS[self.rng.randrange(TRACKED)]), _pieces(self.rng.randint(300, 600))),
            IssueStock(*place, amount),
            AdjustStock(*place, _pieces(self.rng.choice((-2, -1, 1, 2))), "found"),
            BlockStock(*place, amount, "quality"),
            UnblockStock(*place, amount),
            ReserveStock(*place, ReservationId(f"r{self.number}"), amount, soon_ms, soon_ms),
        )
        await self.say("inventory", who, self.rng.choice(made))

    async def cancel_something(self) -> None:
        """The buyer cancels a line, or a part of it."""
        line = LineNumber(self.rng.choice(self.lines)[0])
        await self.say("order", self.buyer, CancelLine(self.order, line, self.rng.choice((None, Decimal(1)))))

    async def change_mind(self) -> None:
        """One of the parties, at times."""
        if self.rng.random() < 0.08:
            await self.cancel_something()
        if self.rng.random() < 0.08:
            later = datetime.now(UTC).date() + timedelta(days=self.rng.randint(5, 60))
            line = LineNumber(self.rng.choice(self.lines)[0])
            await self.say(
                "order", self.seller, ReportDelay(EnterpriseId(self.buyer), self.order, line, later, "machine")
            )

    async def ship(self, line: str, amount: int) -> None:
        """The seller ships what was planned for the line, the buyer receives it; both may be wrong about how much."""
        rng, who = self.rng, EnterpriseId(self.seller)
        shipment = ShipmentId(f"{self.buyer}-{self.order}-{line}-1")
        picks, short, lossy, rest = rng.random() < 0.25, rng.random() < 0.12, rng.random() < 0.1, rng.random() < 0.5
        ended = CancelShipment(who, shipment, "no truck") if rng.random() < 0.03 else None
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        part = (LineQuantity(LineId(line), _pieces(rng.randint(0, amount))),) if short else ()
        first: Any = ended or (
            PickShipment(who, shipment) if picks else ShipShipment(who, shipment, now_ms, part, cancel_rest=rest)
        )
        for _ in range(PLANNED_TRIES):
            answer = await self.say("fulfillment", self.seller, first)
            if answer.get("code") != "shipment-unknown":
                break
            await asyncio.sleep(PLANNED_SECONDS)
        else:
            return
        if ended is not None:
            return
        if picks:
            await self.say("fulfillment", self.seller, PackShipment(who, shipment))
            await self.say("fulfillment", self.seller, ShipShipment(who, shipment, now_ms, part, cancel_rest=rest))
        if rng.random() < 0.95:
            came = (LineQuantity(LineId(line), _pieces(rng.randint(0, amount))),) if lossy else ()
            await self.say("fulfillment", self.buyer, ReceiveShipment(who, shipment, now_ms, came))


async def first_counts(say: Say) -> None:
    """Every tracked pool is counted once, so that stock is known."""
    await asyncio.gather(
        *(
            say("inventory", who, f"count-{item}", CountStock(*_pool(item), _pieces(100)))
            for who in ENTERPRISES
            for item in ITEMS[:TRACKED]
        )
    )
