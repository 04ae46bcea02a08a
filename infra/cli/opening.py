"""How a scenario begins: master data, agreements, counts, orders and work orders, all told by those whose they are.

Owns: which commands that takes, and in which order. Deliberately lacks: what happens afterwards (player.py).
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from infra.cli.forecast import work_ms
from infra.cli.front_door import FrontDoor, Row
from infra.cli.scenario import LINE, Agreement, Ordered, Scenario
from infra.cli.screen import Screen

AT_ONCE = 12
LOOK_SECONDS = 0.01


class Opening:
    """The beginning of one scenario."""

    def __init__(self, scenario: Scenario, door: FrontDoor, screen: Screen) -> None:
        self.scenario, self.door, self.screen = scenario, door, screen

    async def play(self) -> None:
        """All of it, told step by step with what it took."""
        told, word = self.scenario, self.screen.word
        await self._done(
            word("set_firms", n=len(told.enterprises), names=", ".join(one.name for one in told.enterprises.values())),
            (self._enterprise(id_) for id_ in told.enterprises),
        )
        master = [*map(self._site, told.sites), *map(self._item, told.items), *map(self._lane, range(len(told.lanes)))]
        counts = {"sites": len(told.sites), "items": len(told.items), "lanes": len(told.lanes)}
        await self._done(word("set_master", **counts), master)
        await self._done(word("set_agreements", n=len(told.agreements)), map(self._agree, told.agreements))
        await self._done(word("set_stock", n=len(told.stock)), map(self._count, told.stock))
        if told.orders:
            await self._done(word("set_orders", n=len(told.orders)), self._by_seller())
        if told.work:
            await self._done(word("set_work", n=len(told.work)), self._by_owner())

    async def _done(self, text: str, work: Iterable[Awaitable[Any]]) -> None:
        started = perf_counter()
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(item: Awaitable[Any]) -> None:
            async with gate:
                await item

        await asyncio.gather(*map(one, work))
        self.screen.done(text, perf_counter() - started)

    async def _enterprise(self, id_: str) -> None:
        body = {"name": self.scenario.enterprises[id_].name}
        await self.door.tell("order", id_, "PUT", "/enterprise", body)

    async def _site(self, key: str) -> None:
        enterprise, _, site = key.partition("/")
        one = self.scenario.sites[key]
        body = {
            "name": one.name,
            "time_zone": one.time_zone,
            "weekdays": [1, 2, 3, 4, 5],
            "day_end_minute": minutes_of(one.day_ends),
        }
        await self.door.tell("inventory", enterprise, "PUT", f"/sites/{site}", body)

    async def _item(self, key: str) -> None:
        enterprise, _, item = key.partition("/")
        one = self.scenario.items[key]
        body = {"description": self.screen.word.of(one.name), "base_unit": one.unit}
        await self.door.tell("inventory", enterprise, "PUT", f"/items/{item}", body)

    async def _lane(self, index: int) -> None:
        lane = self.scenario.lanes[index]
        body = {"lead_time_minutes": lane.days * 1440, "mode": lane.mode}
        owner = lane.start.partition("/")[0]
        await self.door.tell("fulfillment", owner, "PUT", f"/lanes/{lane.start}/{lane.end}", body)

    async def _agree(self, one: Agreement) -> None:
        path = f"/agreements/{one.buyer}/{one.seller}/{one.item}"
        await self.door.tell("order", one.buyer, "PUT", path, {"terms": terms(self.scenario, one)})
        rows = await self.door.view("order", one.seller, "agreements", buyer_item=one.item, partner=one.buyer)
        while not rows:
            await asyncio.sleep(LOOK_SECONDS)
            rows = await self.door.view("order", one.seller, "agreements", buyer_item=one.item, partner=one.buyer)
        await self.door.tell("order", one.seller, "POST", f"{path}/accept", {"revision": rows[0]["revision"]})

    async def _count(self, pool: str) -> None:
        enterprise, site, item = pool.split("/")
        body = {"counted": self._quantity(enterprise, item, self.scenario.stock[pool])}
        await self.door.tell("inventory", enterprise, "POST", f"/pools/{site}/{item}/counts", body)

    def _by_seller(self) -> list[Awaitable[None]]:
        """Those of one seller in the order of their dates: that is the order in which they get what is in stock."""
        orders = sorted(self.scenario.orders, key=lambda order: self.scenario.orders[order].due)
        return _one_after_another(orders, lambda order: self.scenario.agreement_of(order).seller, self._order)

    async def _order(self, order: str) -> None:
        buyer, _, number = order.partition("/")
        body = order_body(self.scenario, order, self.scenario.orders[order])
        await self.door.tell("order", buyer, "PUT", f"/orders/{number}", body)
        seller = self.scenario.agreement_of(order).seller
        await self.door.tell("order", seller, "POST", f"/orders/{order}/confirm", {})

    def _by_owner(self) -> list[Awaitable[None]]:
        return _one_after_another(self.scenario.work, lambda key: key.partition("/")[0], self._work)

    async def _work(self, key: str) -> None:
        owner, _, number = key.partition("/")
        work = self.scenario.work[key]
        start_ms, finish_ms = work_ms(self.scenario, key)
        components = [
            {"site": work.site, "item": item, "quantity": self._quantity(owner, item, amount)}
            for item, amount in work.uses.items()
        ]
        body = {
            "site": work.site, "item": work.item, "quantity": self._quantity(owner, work.item, work.quantity),
            "start_at": moment(start_ms), "finish_at": moment(finish_ms),
            "lead_time_minutes": (finish_ms - start_ms) // 60_000,
            "components": components, "bought_in": not components,
        }  # fmt: skip
        await self.door.tell("fulfillment", owner, "PUT", f"/work/{number}", body)

    def _quantity(self, enterprise: str, item: str, amount: object) -> Row:
        return {"amount": str(amount), "unit": self.scenario.items[f"{enterprise}/{item}"].unit}


def _one_after_another(
    keys: Iterable[str], group: Callable[[str], str], work: Callable[[str], Awaitable[None]]
) -> list[Awaitable[None]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        groups[group(key)].append(key)

    async def all_of(some: list[str]) -> None:
        for key in some:
            await work(key)

    return [all_of(some) for some in groups.values()]


def terms(scenario: Scenario, one: Agreement) -> dict[str, Any]:
    """What buyer and seller agreed, as the order service takes it."""
    place = f"{one.buyer}/{one.to}" if one.promise == "DELIVER" else f"{one.seller}/{one.start}"
    site = scenario.sites[place]
    return {
        "seller_item": one.seller_item,
        "factor": {
            "buyer_unit": scenario.items[f"{one.buyer}/{one.item}"].unit,
            "seller_unit": scenario.items[f"{one.seller}/{one.seller_item}"].unit,
        },
        "basis": one.promise, "ship_from": one.start, "ship_to": one.to, "time_zone": site.time_zone,
        "lead_time_minutes": scenario.lane_days(one) * 1440, "day_ends_minute": minutes_of(site.day_ends),
    }  # fmt: skip


def order_body(scenario: Scenario, order: str, wanted: Ordered) -> dict[str, Any]:
    """An order with one line under an agreement; ``order`` is ``<buyer>/<number>``."""
    one = scenario.agreement(order.partition("/")[0], wanted.item)
    delivery = {"due_on": scenario.date(wanted.due).isoformat(), "amount": str(wanted.quantity)}
    line = {"line": LINE, "buyer_item": one.item, "terms": terms(scenario, one), "requested": [delivery]}
    return {"seller": one.seller, "kind": "DISCRETE", "lines": [line]}


def moment(at_ms: int) -> str:
    """An instant (ms since 1970 UTC) as an RFC 3339 time."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def minutes_of(text: str) -> int:
    """Minutes after midnight of hh:mm."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
