"""Plays a scenario: every step a command over HTTP, every sentence read back from a view.

Owns: which command a step is, and when its effect can be seen. Deliberately lacks: rules (the services decide; a
refusal stops the play and is shown), and the burst (burst.py).
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from time import monotonic, perf_counter
from typing import Any

from infra.cli.clock import Clock, at_ms, instant
from infra.cli.errors import CliError
from infra.cli.front_door import Answer, FrontDoor, Row
from infra.cli.scenario import Agreement, Make, Place, Scenario, Slip, Step
from infra.cli.screen import Firm, LineShown, OpenOrder, Screen, StockLine, number, short

LINE = "10"
FIRST_MINUTE, MINUTES_PER_STEP = 8 * 60, 15
SEEN_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.01
AT_ONCE = 12

STATES = {
    "CONFIRMATION": "to be confirmed", "STOCK": "awaits stock", "SHIPMENT": "to be shipped", "RECEIPT": "on its way",
    "NOTHING": "done",
}  # fmt: skip


class Player:
    """One scenario on one set of services."""

    def __init__(self, scenario: Scenario, door: FrontDoor, clock: Clock, screen: Screen) -> None:
        self.scenario, self.door, self.clock, self.screen = scenario, door, clock, screen
        self.day = 1
        self._minute = FIRST_MINUTE

    # -- Setting up --------------------------------------------------------------------------------------------------

    async def set_up(self) -> None:
        """Master data, agreements accepted by both sides, and the first counts."""
        told = self.scenario
        await self.clock.tick(at_ms(told.date(1), FIRST_MINUTE - 60))
        await self._done(
            f"{len(told.enterprises)} enterprises: {', '.join(firm.name for firm in told.enterprises.values())}",
            (self._send("order", id_, "PUT", "/enterprise", {"name": e.name}) for id_, e in told.enterprises.items()),
        )
        await self._done(f"{len(told.sites)} sites, each in its own time zone", map(self._site, told.sites))
        await self._done(f"{len(told.items)} items", map(self._item, told.items))
        await self._done(f"{len(told.lanes)} lanes with their lead times", map(self._lane, range(len(told.lanes))))
        agreements = f"{len(told.agreements)} agreements, proposed by the buyer and accepted by the seller"
        await self._done(agreements, map(self._agree, told.agreements))
        await self._done(f"{len(told.stock)} pools counted", map(self._count, told.stock))
        self._minute = FIRST_MINUTE

    async def _done(self, text: str, work: Iterable[Awaitable[Any]]) -> None:
        started = perf_counter()
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(item: Awaitable[Any]) -> None:
            async with gate:
                await item

        await asyncio.gather(*map(one, work))
        self.screen.done(text, perf_counter() - started)

    async def _site(self, key: str) -> None:
        enterprise, _, site = key.partition("/")
        one = self.scenario.sites[key]
        body = {
            "name": one.name,
            "time_zone": one.time_zone,
            "weekdays": [1, 2, 3, 4, 5],
            "day_end_minute": _minutes(one.day_ends),
        }
        await self._send("inventory", enterprise, "PUT", f"/sites/{site}", body)

    async def _item(self, key: str) -> None:
        enterprise, _, item = key.partition("/")
        one = self.scenario.items[key]
        await self._send(
            "inventory", enterprise, "PUT", f"/items/{item}", {"description": one.name, "base_unit": one.unit}
        )

    async def _lane(self, index: int) -> None:
        lane = self.scenario.lanes[index]
        body = {"lead_time_minutes": lane.days * 1440, "mode": lane.mode}
        owner = lane.start.partition("/")[0]
        await self._send("fulfillment", owner, "PUT", f"/lanes/{lane.start}/{lane.end}", body)

    async def _agree(self, one: Agreement) -> None:
        path = f"/agreements/{one.buyer}/{one.seller}/{one.item}"
        await self._send("order", one.buyer, "PUT", path, {"terms": self.terms(one)})
        rows = await self.door.view("order", one.seller, "agreements", buyer_item=one.item, partner=one.buyer)
        while not rows:
            await asyncio.sleep(LOOK_SECONDS)
            rows = await self.door.view("order", one.seller, "agreements", buyer_item=one.item, partner=one.buyer)
        await self._send("order", one.seller, "POST", f"{path}/accept", {"revision": rows[0]["revision"]})

    async def _count(self, pool: str) -> None:
        enterprise, site, item = pool.split("/")
        unit = self.scenario.items[f"{enterprise}/{item}"].unit
        body = {"counted": {"amount": str(self.scenario.stock[pool]), "unit": unit}}
        await self._send("inventory", enterprise, "POST", f"/pools/{site}/{item}/counts", body)

    def terms(self, one: Agreement) -> dict[str, Any]:
        """What buyer and seller agreed, as the order service takes it."""
        told = self.scenario
        place = f"{one.buyer}/{one.to}" if one.promise == "DELIVER" else f"{one.seller}/{one.start}"
        site = told.sites[place]
        return {
            "seller_item": one.seller_item,
            "factor": {
                "buyer_unit": told.items[f"{one.buyer}/{one.item}"].unit,
                "seller_unit": told.items[f"{one.seller}/{one.seller_item}"].unit,
            },
            "basis": one.promise, "ship_from": one.start, "ship_to": one.to, "time_zone": site.time_zone,
            "lead_time_minutes": told.lane_days(one) * 1440, "day_ends_minute": _minutes(site.day_ends),
        }  # fmt: skip

    # -- Days --------------------------------------------------------------------------------------------------------

    async def begin(self, day: int) -> None:
        """It is that day now, for every service."""
        self.day, self._minute = day, FIRST_MINUTE
        await self.clock.tick(at_ms(self.scenario.date(day), FIRST_MINUTE - 1))

    async def do(self, step: Step) -> None:
        """One step, until its effect is seen in a view."""
        self._minute += MINUTES_PER_STEP
        if step.place:
            await self._place(step.place)
        elif step.confirm:
            await self._confirm(step.confirm)
        elif step.ship:
            await self._ship(step.ship)
        elif step.receive:
            await self._receive(step.receive)
        elif step.make:
            await self._make(step.make)
        elif step.slip:
            await self._move(step.slip, late=True)
        elif step.recover:
            await self._move(step.recover, late=False)
        elif step.show == "chain":
            await self.show_chain()
        elif step.show == "lines":
            await self.show_lines(next(iter(self.scenario.enterprises)))

    @property
    def date(self) -> datetime.date:
        """Today."""
        return self.scenario.date(self.day)

    def _now(self) -> str:
        return instant(self.date, self._minute)

    def _name(self, enterprise: str) -> str:
        return self.scenario.enterprises[enterprise].name

    def _item_name(self, enterprise: str, item: str) -> str:
        return self.scenario.items[f"{enterprise}/{item}"].name

    def _what(self, order: str, amount: Decimal) -> str:
        """So many of the order's item, in its buyer's words."""
        buyer = order.partition("/")[0]
        one = self.scenario.items[f"{buyer}/{self.scenario.placed[order].item}"]
        return f"{number(amount)}{' kg' if one.unit == 'KGM' else ''} {one.name}"

    async def _place(self, place: Place) -> None:
        buyer, _, order = place.order.partition("/")
        body = self.order_body(self.scenario.agreement(buyer, place.item), place.quantity, place.due)
        await self._send("order", buyer, "PUT", f"/orders/{order}", body)
        row = await self.line(place.order, lambda row: row["stage"] == "PLACED")
        seller, wanted = self._name(row["partner"]), _date(row["requested_on"])
        what = self._what(place.order, Decimal(row["quantity"]))
        text = f"{self._name(buyer)} orders {what} from {seller} for {short(wanted)}"
        self.screen.says(self.date, f"{text} (order {order})")

    def order_body(self, one: Agreement, quantity: Decimal, due: int) -> dict[str, Any]:
        """An order with one line under an agreement."""
        delivery = {"due_on": self.scenario.date(due).isoformat(), "amount": str(quantity)}
        line = {"line": LINE, "buyer_item": one.item, "terms": self.terms(one), "requested": [delivery]}
        return {"seller": one.seller, "kind": "DISCRETE", "lines": [line]}

    async def _confirm(self, order: str) -> None:
        one = self.scenario.agreement_of(order)
        await self._send("order", one.seller, "POST", f"/orders/{order}/confirm", {})
        row = await self.line(order, lambda row: row["stage"] == "CONFIRMED" and bool(row["promised_on"]))
        pool = {"site": one.start, "item": one.seller_item, "flow_key": f"flow/{order}/{LINE}"}
        held = (await self.rows("inventory", one.seller, "reservations", lambda rows: bool(rows), **pool))[0]
        reserved, waiting = Decimal(held["reserved"]), Decimal(held["waiting"])
        stock = f"{number(reserved)} reserved" + (f", {number(waiting)} still lacking" if waiting else " from stock")
        number_ = order.partition("/")[2]
        promised = short(_date(row["promised_on"]))
        self.screen.says(self.date, f"{self._name(one.seller)} confirms {number_} for {promised}: {stock}")

    async def shipments(self, order: str) -> list[str]:
        """The ids of the order's shipments once all that is owed stands in shipments."""
        one = self.scenario.agreement_of(order)
        flow = f"flow/{order}/{LINE}"
        await self.rows(
            "fulfillment",
            one.seller,
            "flows",
            lambda rows: bool(rows) and rows[0]["stage"] != "AWAITING_STOCK",
            flow_key=flow,
        )
        rows = await self.rows("fulfillment", one.seller, "shipment-lines", lambda rows: bool(rows), flow_key=flow)
        return [row["shipment_key"].rpartition("/")[2] for row in rows]

    async def _ship(self, order: str) -> None:
        one = self.scenario.agreement_of(order)
        for shipment in await self.shipments(order):
            path = f"/shipments/{one.seller}/{shipment}/ship"
            await self._send("fulfillment", one.seller, "POST", path, {"shipped_at": self._now()})
        row = await self.line(order, lambda row: Decimal(row["shipped"]) == Decimal(row["quantity"]))
        what, to = self._what(order, Decimal(row["shipped"])), self._name(one.buyer)
        text = f"{self._name(one.seller)} ships {what} to {to}"
        self.screen.says(self.date, f"{text}, expected {short(_date(row['expected_on']))}")

    async def _receive(self, order: str) -> None:
        one = self.scenario.agreement_of(order)
        for shipment in await self.shipments(order):
            path = f"/shipments/{one.seller}/{shipment}/receive"
            await self._send("fulfillment", one.buyer, "POST", path, {"received_at": self._now()})
        row = await self.line(order, lambda row: row["stage"] == "CLOSED")
        inbound = {"site": one.to, "item": one.item}
        stock = await self.rows(
            "inventory", one.buyer, "inbound", lambda rows: not rows, flow_key=f"flow/{order}/{LINE}"
        )
        assert not stock
        pool = (await self.rows("inventory", one.buyer, "stock", bool, **inbound))[0]
        when = "on time" if not row["late"] else f"{row['days_late']} days late"
        have = f"; {number(Decimal(pool['on_hand']))} on hand now" if pool["on_hand"] is not None else ""
        what = self._what(order, Decimal(row["received"]))
        self.screen.says(self.date, f"{self._name(one.buyer)} receives {what} {when}{have}")

    async def _make(self, make: Make) -> None:
        enterprise, _, site = make.at.partition("/")
        for item, amount in make.uses.items():
            await self._move_stock(enterprise, site, item, amount, "issues")
        await self._move_stock(enterprise, site, make.item, make.quantity, "receipts")
        pool = (await self.rows("inventory", enterprise, "stock", bool, site=site, item=make.item))[0]
        used = " and ".join(
            f"{number(amount)} {self._item_name(enterprise, item)}" for item, amount in make.uses.items()
        )
        made = f"{number(make.quantity)} {self._item_name(enterprise, make.item)}"
        taken = f"; {number(Decimal(pool['reserved']))} of them reserved at once" if Decimal(pool["reserved"]) else ""
        self.screen.says(self.date, f"{self._name(enterprise)} makes {made} of {used}{taken}")

    async def _move_stock(self, enterprise: str, site: str, item: str, amount: Decimal, kind: str) -> None:
        unit = self.scenario.items[f"{enterprise}/{item}"].unit
        body = {"quantity": {"amount": str(amount), "unit": unit}, "reference": f"day {self.day}"}
        answer = await self._send("inventory", enterprise, "POST", f"/pools/{site}/{item}/{kind}", body)
        await self.door.view("inventory", enterprise, "stock", site=site, item=item, after=answer.position)

    async def _move(self, slip: Slip, *, late: bool) -> None:
        """The seller reports another delivery date; timed from the send to the buyer's view that shows it."""
        one = self.scenario.agreement_of(slip.order)
        day = self.scenario.date(slip.to)
        shipment = (await self.shipments(slip.order))[-1]
        body = {
            "kind": "DELIVERY", "certainty": "ESTIMATED", "at": instant(day, FIRST_MINUTE), "reason_code": slip.why,
            "reason_text": slip.text,
        }  # fmt: skip
        path = f"/shipments/{one.seller}/{shipment}/milestones"
        started = perf_counter()
        sending = asyncio.create_task(self._send("fulfillment", one.seller, "POST", path, body))
        await self.line(slip.order, lambda row: bool(row["late"]) is late)
        took_ms = (perf_counter() - started) * 1000
        await sending
        number_ = slip.order.partition("/")[2]
        says = f"{self._name(one.seller)} reports: {number_} arrives {short(day)} – {slip.text or slip.why}"
        self.screen.says(self.date, says)
        await self.show_lines(one.buyer)
        colour = "red" if late else "green again"
        self.screen.note(f"from the report to {self._name(one.buyer)}'s view turning {colour}: {took_ms:.0f} ms")

    # -- Showing -----------------------------------------------------------------------------------------------------

    async def show_lines(self, buyer: str) -> None:
        """The buyer's open order lines, as its view has them now."""
        rows = await self.door.view("order", buyer, "order-lines", role="BUYER")
        shown = [self._line_shown(buyer, row) for row in rows if row["stage"] in ("PLACED", "CONFIRMED")]
        self.screen.lines(f"What {self._name(buyer)} sees", shown)

    def _line_shown(self, buyer: str, row: Row) -> LineShown:
        return LineShown(
            row["number"], self._item_name(buyer, row["item"]), self._name(row["partner"]), Decimal(row["quantity"]),
            _maybe(row["promised_on"]), _maybe(row["expected_on"]), STATES.get(row["awaits"], row["awaits"].lower()),
            bool(row["late"]), int(row["days_late"]), row["reason"].partition(":")[2].strip() or row["reason"],
        )  # fmt: skip

    async def show_chain(self) -> None:
        """All firms in tiers, with stock and open orders from their views."""
        firms = await asyncio.gather(*(self._firm(id_) for id_ in self.scenario.enterprises))
        self.screen.chain(firms)

    async def _firm(self, id_: str) -> Firm:
        one = self.scenario.enterprises[id_]
        stock, lines = await asyncio.gather(
            self.door.view("inventory", id_, "stock"), self.door.view("order", id_, "order-lines", role="BUYER")
        )
        pools = tuple(
            StockLine(
                self._item_name(id_, row["item"]), row["unit"],
                None if row["on_hand"] is None else Decimal(row["on_hand"]),
                Decimal(row["reserved"]), Decimal(row["inbound"]), Decimal(row["waiting"]),
            )
            for row in stock
        )  # fmt: skip
        orders = tuple(
            OpenOrder(
                row["number"], self._item_name(id_, row["item"]), self._name(row["partner"]), Decimal(row["quantity"]),
                _date(row["promised_on"] or row["requested_on"]),
            )
            for row in lines
            if row["stage"] in ("PLACED", "CONFIRMED")
        )  # fmt: skip
        return Firm(one.name, one.tier, pools, orders)

    # -- Asking ------------------------------------------------------------------------------------------------------

    async def _send(self, service: str, enterprise: str, method: str, path: str, body: Row) -> Answer:
        answer = await self.door.send(service, enterprise, method, path, body)
        if not answer.accepted:
            raise CliError(f"{enterprise}: {method} {path} was refused: {answer.code}: {answer.advice}")
        return answer

    async def line(self, order: str, seen: Callable[[Row], bool]) -> Row:
        """The order's line in its buyer's view, once it is as wanted."""
        buyer, _, order_number = order.partition("/")
        rows = await self.rows(
            "order", buyer, "order-lines", lambda rows: bool(rows) and seen(rows[0]), number=order_number, role="BUYER"
        )
        return rows[0]

    async def rows(
        self, service: str, enterprise: str, view: str, seen: Callable[[list[Row]], bool], **wanted: str
    ) -> list[Row]:
        """The rows of a view, once they are as wanted. Raises CliError when they are not within 30 s."""
        deadline = monotonic() + SEEN_SECONDS_MAX
        while True:
            rows = await self.door.view(service, enterprise, view, **wanted)
            if seen(rows):
                return rows
            if monotonic() > deadline:
                raise CliError(f"{service}: {enterprise}'s view {view} {wanted} did not become as expected: {rows[:2]}")
            await asyncio.sleep(LOOK_SECONDS)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _maybe(text: str | None) -> datetime.date | None:
    return _date(text) if text else None
