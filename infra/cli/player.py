"""Plays a scenario: every step a command over HTTP, every sentence read back from a view.

Owns: which command a step is, and when its effect can be seen. Deliberately lacks: rules (the services decide; a
refusal stops the play and is shown), and the burst (burst.py).
"""

import asyncio
import datetime
from collections.abc import Callable
from decimal import Decimal
from time import monotonic, perf_counter

from infra.cli.chain_screen import ChainScreen
from infra.cli.checks import Checks
from infra.cli.clock import Clock, at_ms, instant
from infra.cli.disruption import Disruptions
from infra.cli.errors import CliError
from infra.cli.forecast import line_flow
from infra.cli.front_door import FrontDoor, Row
from infra.cli.opening import Opening, order_body
from infra.cli.scenario import MOVING, Make, Place, Scenario, Slip, Step
from infra.cli.screen import LineShown, Screen
from infra.cli.words import number

FIRST_MINUTE, MINUTES_PER_STEP = 8 * 60, 15
SEEN_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.01


class Player:
    """One scenario on one set of services."""

    def __init__(self, scenario: Scenario, door: FrontDoor, clock: Clock, screen: Screen) -> None:
        self.scenario, self.door, self.clock, self.screen = scenario, door, clock, screen
        self.checks = Checks(screen)
        self.disruptions = Disruptions(scenario, door, clock, ChainScreen(scenario, screen), self.checks)
        self.day = 1
        self._minute = FIRST_MINUTE

    async def set_up(self) -> None:
        """All that the scenario begins with."""
        await self.clock.tick(at_ms(self.scenario.date(1), FIRST_MINUTE - 60))
        await Opening(self.scenario, self.door, self.screen).play()

    # -- Days --------------------------------------------------------------------------------------------------------

    async def begin(self, day: int) -> None:
        """It is that day now, for every service."""
        self.day, self._minute = day, FIRST_MINUTE
        self.screen.today = self.date
        await self.clock.tick(at_ms(self.scenario.date(day), FIRST_MINUTE - 1))

    async def do(self, step: Step) -> None:
        """One step, until its effect is seen in a view."""
        self._minute += MINUTES_PER_STEP
        self.disruptions.followed = self.disruptions.followed and step.kind not in MOVING
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
        elif step.disrupt:
            await self.disruptions.strike(step.disrupt, at_ms(self.date, self._minute))
        elif step.repair:
            await self.disruptions.repair(step.repair, at_ms(self.date, self._minute))
        elif step.show == "chain":
            await self.disruptions.show_chain(at_ms(self.date, self._minute))
        elif step.show == "lines":
            await self.show_lines(self.scenario.leader)

    @property
    def date(self) -> datetime.date:
        """Today."""
        return self.scenario.date(self.day)

    def _now(self) -> str:
        return instant(self.date, self._minute)

    def _name(self, enterprise: str) -> str:
        return self.scenario.enterprises[enterprise].name

    def _item_name(self, enterprise: str, item: str) -> str:
        return self.scenario.item_name(enterprise, item, self.screen.word)

    def _what(self, order: str, amount: Decimal) -> str:
        """So many of the order's item, in its buyer's words."""
        buyer = order.partition("/")[0]
        one = self.scenario.items[f"{buyer}/{self.scenario.placed[order].item}"]
        return f"{number(amount)}{' kg' if one.unit == 'KGM' else ''} {self.screen.word.of(one.name)}"

    def _day(self, text: str) -> str:
        return self.screen.word.day(datetime.date.fromisoformat(text))

    def _says(self, key: str, **values: object) -> None:
        self.screen.says(self.screen.word(key, **values))

    async def _place(self, place: Place) -> None:
        buyer, _, order = place.order.partition("/")
        body = order_body(self.scenario, place.order, place)
        await self.door.tell("order", buyer, "PUT", f"/orders/{order}", body)
        row = await self.line(place.order, lambda row: row["stage"] == "PLACED")
        what, day = self._what(place.order, Decimal(row["quantity"])), self._day(row["requested_on"])
        self._says("places", who=self._name(buyer), what=what, seller=self._name(row["partner"]), day=day, number=order)

    async def _confirm(self, order: str) -> None:
        one = self.scenario.agreement_of(order)
        await self.door.tell("order", one.seller, "POST", f"/orders/{order}/confirm", {})
        row = await self.line(order, lambda row: row["stage"] == "CONFIRMED" and bool(row["promised_on"]))
        pool = {"site": one.start, "item": one.seller_item, "flow_key": line_flow(order)}
        held = (await self.rows("inventory", one.seller, "reservations", lambda rows: bool(rows), **pool))[0]
        reserved, waiting = Decimal(held["reserved"]), Decimal(held["waiting"])
        stock = self.screen.word("partly" if waiting else "from_stock", n=number(reserved), m=number(waiting))
        day, number_ = self._day(row["promised_on"]), order.partition("/")[2]
        self._says("confirms", who=self._name(one.seller), number=number_, day=day, stock=stock)

    async def shipments(self, order: str) -> list[str]:
        """The ids of the order's shipments once all that is owed stands in shipments."""
        one = self.scenario.agreement_of(order)
        flow = line_flow(order)
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
            await self.door.tell("fulfillment", one.seller, "POST", path, {"shipped_at": self._now()})
        row = await self.line(order, lambda row: Decimal(row["shipped"]) == Decimal(row["quantity"]))
        what, to = self._what(order, Decimal(row["shipped"])), self._name(one.buyer)
        self._says("ships", who=self._name(one.seller), what=what, to=to, day=self._day(row["expected_on"]))

    async def _receive(self, order: str) -> None:
        one = self.scenario.agreement_of(order)
        for shipment in await self.shipments(order):
            path = f"/shipments/{one.seller}/{shipment}/receive"
            await self.door.tell("fulfillment", one.buyer, "POST", path, {"received_at": self._now()})
        row = await self.line(order, lambda row: row["stage"] == "CLOSED")
        inbound = {"site": one.to, "item": one.item}
        stock = await self.rows("inventory", one.buyer, "inbound", lambda rows: not rows, flow_key=line_flow(order))
        assert not stock
        pool = (await self.rows("inventory", one.buyer, "stock", bool, **inbound))[0]
        when = self.screen.word.late(row["days_late"] * 1440 if row["late"] else 0)
        what, have = self._what(order, Decimal(row["received"])), pool["on_hand"]
        key, amount = ("receives", "") if have is None else ("receives_have", number(Decimal(have)))
        self._says(key, who=self._name(one.buyer), what=what, when=when, n=amount)

    async def _make(self, make: Make) -> None:
        enterprise, _, site = make.at.partition("/")
        for item, amount in make.uses.items():
            await self._move_stock(enterprise, site, item, amount, "issues")
        await self._move_stock(enterprise, site, make.item, make.quantity, "receipts")
        used = self.screen.word("and").join(
            f"{number(amount)} {self._item_name(enterprise, item)}" for item, amount in make.uses.items()
        )
        made = f"{number(make.quantity)} {self._item_name(enterprise, make.item)}"
        self._says("makes_of" if used else "makes", who=self._name(enterprise), what=made, used=used)

    async def _move_stock(self, enterprise: str, site: str, item: str, amount: Decimal, kind: str) -> None:
        unit = self.scenario.items[f"{enterprise}/{item}"].unit
        body = {"quantity": {"amount": str(amount), "unit": unit}, "reference": f"day {self.day}"}
        answer = await self.door.tell("inventory", enterprise, "POST", f"/pools/{site}/{item}/{kind}", body)
        await self.door.view("inventory", enterprise, "stock", site=site, item=item, after=answer.position)

    async def _move(self, slip: Slip, *, late: bool) -> None:
        """The seller reports another delivery date; timed from the send to the buyer's view that shows it."""
        one = self.scenario.agreement_of(slip.order)
        day = self.scenario.date(slip.to)
        shipment = (await self.shipments(slip.order))[-1]
        body = {
            "kind": "DELIVERY", "certainty": "ESTIMATED", "at": instant(day, FIRST_MINUTE), "reason_code": slip.why,
            "reason_text": self.screen.word.of(slip.text),
        }  # fmt: skip
        path = f"/shipments/{one.seller}/{shipment}/milestones"
        started = perf_counter()
        sending = asyncio.create_task(self.door.tell("fulfillment", one.seller, "POST", path, body))
        await self.line(slip.order, lambda row: bool(row["late"]) is late)
        took_ms = (perf_counter() - started) * 1000
        await sending
        text, number_ = self.screen.word.of(slip.text) or slip.why, slip.order.partition("/")[2]
        self._says("slips", who=self._name(one.seller), number=number_, day=self.screen.word.day(day), text=text)
        await self.show_lines(one.buyer)
        self.screen.measured(self.screen.word("took_slip", who=self._name(one.buyer), ms=f"{took_ms:.0f}"))

    # -- Showing -----------------------------------------------------------------------------------------------------

    async def show_lines(self, buyer: str) -> None:
        """The buyer's open order lines, as its view has them now."""
        rows = await self.door.view("order", buyer, "order-lines", role="BUYER")
        shown = [self._line_shown(buyer, row) for row in rows if row["stage"] in ("PLACED", "CONFIRMED")]
        self.screen.lines(self.screen.word("leader_sees", who=self._name(buyer)), shown)

    def _line_shown(self, buyer: str, row: Row) -> LineShown:
        return LineShown(
            row["number"], self._item_name(buyer, row["item"]), self._name(row["partner"]), Decimal(row["quantity"]),
            _maybe(row["promised_on"]), _maybe(row["expected_on"]), self.screen.word(row["awaits"]),
            bool(row["late"]), int(row["days_late"]),
        )  # fmt: skip

    # -- Asking ------------------------------------------------------------------------------------------------------

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


def _maybe(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None
