"""Many commands at once, a service killed in the middle, and the account afterwards: what was lost, what came twice.

Owns: the account. Every number in it is read from answers and views; nothing is taken for granted. Deliberately lacks:
the killing itself (it is given), and mercy: what does not come out even makes the demo fail.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic, perf_counter
from typing import Any

from infra.cli.errors import CliError
from infra.cli.forecast import line_flow
from infra.cli.front_door import Answer, GaveUp
from infra.cli.opening import order_body
from infra.cli.player import SEEN_SECONDS_MAX, Player
from infra.cli.scenario import Agreement, Burst, Ordered
from infra.cli.words import number

AT_ONCE = 24


@dataclass(frozen=True, slots=True)
class Killed:
    """A process that was killed and is back."""

    service: str
    pid: int
    new_pid: int
    seconds: float


Kill = Callable[[str], Coroutine[Any, Any, Killed]]
"""Kills a process of the service with SIGKILL; returns when its successor is healthy."""


@dataclass(slots=True)
class Account:
    """What was sent and what came of it."""

    sent: int = 0
    outcomes: int = 0
    refused: int = 0
    repeated: int = 0
    lost: int = 0
    twice: int = 0
    differently_answered: int = 0
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    shipped: Decimal = Decimal(0)

    @property
    def even(self) -> bool:
        """True if nothing is lost, nothing came twice, and stock says the same as shipments."""
        good = self.outcomes == self.sent and not (self.refused or self.lost or self.twice or self.differently_answered)
        return good and self.before == self.after + self.shipped


class BurstRun:
    """One burst."""

    def __init__(self, player: Player, burst: Burst, kill: Kill) -> None:
        self.player, self.burst, self.kill = player, burst, kill
        self.one: Agreement = player.scenario.agreement(burst.buyer, burst.item)
        self.numbers = [f"B{index:04d}" for index in range(1, burst.orders + 1)]
        self.account = Account()
        self.killing: asyncio.Task[Killed] | None = None
        self._positions: dict[str, str] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> bool:
        """Place, confirm and ship all orders, kill on the way, send all again, and draw up the account."""
        screen, player, account = self.player.screen, self.player, self.account
        account.before = await self._on_hand()
        what = player.scenario.item_name(self.burst.buyer, self.burst.item, screen.word)
        amount, service = number(self.burst.quantity), self.burst.kill
        screen.heading(screen.word("burst_title"))
        screen.note(screen.word("burst", n=self.burst.orders, amount=amount, what=what, service=service))
        started = perf_counter()
        await self._all("place", self._place)
        await self._all("confirm", self._confirm)
        shipments = await self._shipments()
        await self._all("ship", lambda order: self._ship(shipments[order]))
        killed = await self.killing if self.killing else None
        took = perf_counter() - started
        await self._settled()
        await self._again(shipments)
        await self._draw_up()
        screen.measured(screen.word("burst_took", n=account.sent, seconds=f"{took:.1f}", again=account.repeated))
        self._show(killed)
        return account.even

    # -- Sending -----------------------------------------------------------------------------------------------------

    async def _all(self, phase: str, work: Callable[[str], Awaitable[Answer]]) -> None:
        done = 0

        async def one(order: str) -> None:
            nonlocal done
            async with self._gate:
                self.account.sent += 1
                try:
                    answer = await work(order)
                except GaveUp:
                    return  # counted: sent, and no outcome
            done += 1
            self.account.outcomes += 1
            self.account.refused += not answer.accepted
            self.account.repeated += answer.tries > 1
            self._positions[answer.key] = answer.position
            if phase == self._phase_hit and done == self.burst.orders // 3:
                self.killing = asyncio.create_task(self.kill(self.burst.kill))

        await asyncio.gather(*(one(order) for order in self.numbers))

    @property
    def _phase_hit(self) -> str:
        return "confirm" if self.burst.kill == "order" else "ship"

    async def _place(self, order: str) -> Answer:
        wanted = Ordered(item=self.burst.item, quantity=self.burst.quantity, due=self.burst.due)
        body = order_body(self.player.scenario, f"{self.burst.buyer}/{order}", wanted)
        return await self.player.door.send(
            "order", self.burst.buyer, "PUT", f"/orders/{order}", body, key=f"place-{order}"
        )

    async def _confirm(self, order: str) -> Answer:
        path = f"/orders/{self.burst.buyer}/{order}/confirm"
        return await self.player.door.send("order", self.one.seller, "POST", path, {}, key=f"confirm-{order}")

    async def _ship(self, shipment: str) -> Answer:
        path, body = f"/shipments/{self.one.seller}/{shipment}/ship", {"shipped_at": self.player._now()}
        return await self.player.door.send(
            "fulfillment", self.one.seller, "POST", path, body, key=f"ship-{shipment}"[:64]
        )

    async def _again(self, shipments: dict[str, str]) -> None:
        """Every command once more under its key, as clients do that lost their answers: the same answers, no effect."""

        async def one(work: Awaitable[Answer]) -> None:
            async with self._gate:
                answer = await work
            self.account.differently_answered += self._positions.get(answer.key) != answer.position

        await asyncio.gather(
            *(one(self._place(order)) for order in self.numbers),
            *(one(self._confirm(order)) for order in self.numbers),
            *(one(self._ship(shipments[order])) for order in self.numbers),
        )

    # -- Reading back ------------------------------------------------------------------------------------------------

    def _flow(self, order: str) -> str:
        return line_flow(f"{self.burst.buyer}/{order}")

    async def _shipments(self) -> dict[str, str]:
        """Order to the one shipment that its flow asked for, from the seller's view, once all are planned."""
        flows = {self._flow(order): order for order in self.numbers}
        found: dict[str, str] = {}
        deadline = monotonic() + SEEN_SECONDS_MAX
        while len(found) < len(flows) and monotonic() < deadline:
            rows = await self.player.door.view("fulfillment", self.one.seller, "shipment-lines")
            found = {
                flows[row["flow_key"]]: row["shipment_key"].rpartition("/")[2]
                for row in rows
                if row["flow_key"] in flows
            }
            await asyncio.sleep(0.1)
        if len(found) < len(flows):
            missing = f"{len(flows) - len(found)} of {len(flows)} orders of the burst got no shipment"
            raise CliError(
                f"{missing}; is enough of {self.one.seller}'s {self.one.seller_item} in stock, for them alone?"
            )
        return found

    async def _on_hand(self) -> Decimal:
        wanted = {"site": self.one.start, "item": self.one.seller_item}
        rows = await self.player.door.view("inventory", self.one.seller, "stock", **wanted)
        return Decimal(rows[0]["on_hand"])

    async def _settled(self) -> None:
        """Wait until nothing of the item is reserved or waiting any more, and each line is shipped; or give it up."""
        deadline = monotonic() + SEEN_SECONDS_MAX
        while monotonic() < deadline:
            wanted = {"site": self.one.start, "item": self.one.seller_item}
            pool = (await self.player.door.view("inventory", self.one.seller, "stock", **wanted))[0]
            lines = await self._lines()
            done = sum(Decimal(row["shipped"]) >= Decimal(row["quantity"]) for row in lines.values())
            if not Decimal(pool["reserved"]) and not Decimal(pool["waiting"]) and done == len(self.numbers):
                return
            await asyncio.sleep(0.1)

    async def _lines(self) -> dict[str, dict[str, str]]:
        rows = await self.player.door.view("order", self.burst.buyer, "order-lines", role="BUYER", item=self.burst.item)
        wanted = set(self.numbers)
        return {row["number"]: row for row in rows if row["number"] in wanted}

    async def _draw_up(self) -> None:
        account, lines = self.account, await self._lines()
        account.after = await self._on_hand()
        flows = {self._flow(order) for order in self.numbers}
        rows = await self.player.door.view("fulfillment", self.one.seller, "shipment-lines")
        account.shipped = sum((Decimal(row["shipped"]) for row in rows if row["flow_key"] in flows), Decimal(0))
        for order in self.numbers:
            row = lines.get(order)
            shipped = Decimal(row["shipped"]) if row else Decimal(0)
            account.lost += shipped < self.burst.quantity
            account.twice += shipped > self.burst.quantity

    def _show(self, killed: Killed | None) -> None:
        account, word, check = self.account, self.player.screen.word, self.player.checks.add
        if killed is not None:
            seconds = f"{killed.seconds:.1f}"
            text = word(
                "killed_text", service=killed.service, pid=str(killed.pid), new=str(killed.new_pid), seconds=seconds
            )
            self.player.screen.measured(text)
        check(
            "killed", word("killed_text_short" if killed else "not_killed", service=self.burst.kill), killed is not None
        )
        answered = word("outcomes_text", n=account.outcomes, all=account.sent, refused=account.refused)
        check("outcomes", answered, account.outcomes == account.sent and not account.refused)
        check("lost", word("of_orders", n=account.lost, all=self.burst.orders), not account.lost)
        check("twice", word("of_orders", n=account.twice, all=self.burst.orders), not account.twice)
        again = word("repeated_text", all=account.sent, n=account.differently_answered)
        check("repeated", again, not account.differently_answered)
        even = account.before == account.after + account.shipped
        amounts = {name: number(getattr(account, name)) for name in ("before", "after", "shipped")}
        check("stock", word("stock_even" if even else "stock_odd", **amounts), even)
