"""Replays order lines through the front door: place, plan, confirm, ship and receive, in the order of their dates.

Owns: which commands a line is, their order, and ids made of their content, so that a second replay changes nothing.
Writes the time as it goes. Deliberately lacks: reading files (mapping.py) and judging the result (report.py).
"""

import asyncio
import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from infra.cli.clock import Clock, at_ms, instant
from infra.cli.front_door import Answer, Command, FrontDoor
from infra.cli.mapping import OrderLine

BATCH_COMMANDS_MAX = 500
BATCH_BYTES_MAX = 2 * 1024 * 1024
COMMAND_LINES_MAX = 300
WINDOW_EVENTS = 3_000
WINDOW_DAYS_MAX = 92
AT_ONCE = 6
NOON = 12 * 60

# What an outcome says when the same thing was done before under an id that is forgotten by now.
KNOWN_ALREADY = frozenset({"line-ended", "shipment-exists", "lines-missing", "order-completed"})


@dataclass(frozen=True, slots=True)
class Shipment:
    """Lines of one order that left and came together."""

    seller: str
    id: str
    order: "Order"
    lines: tuple[OrderLine, ...]
    shipped_on: datetime.date | None
    received_on: datetime.date | None


@dataclass(frozen=True, slots=True)
class Order:
    """The lines of one order number of one buyer with one seller."""

    buyer: str
    seller: str
    number: str
    lines: tuple[OrderLine, ...]

    @property
    def placed_on(self) -> datetime.date:
        """The earliest date of its lines."""
        return min(line.placed_on for line in self.lines)


@dataclass(slots=True)
class Progress:
    """How far the replay is."""

    lines: int = 0
    commands: int = 0
    known_already: int = 0
    tries_more: int = 0
    day: datetime.date | None = None
    refused: list[tuple[str, Answer]] = field(default_factory=list)


Told = Callable[[Progress], None]


def orders_of(lines: Iterable[OrderLine]) -> list[Order]:
    """The lines by order; one number under two sellers is two orders, told apart by the seller's id."""
    grouped: dict[tuple[str, str, str], list[OrderLine]] = defaultdict(list)
    for line in lines:
        grouped[line.buyer, line.order, line.seller].append(line)
    sellers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for buyer, number, seller in grouped:
        sellers[buyer, number].add(seller)
    found = []
    for (buyer, number, seller), members in grouped.items():
        alone = len(sellers[buyer, number]) == 1
        name = number if alone else f"{number[:40]}~{_digest(f'{number}/{seller}'.encode())[:16]}"
        found.append(Order(buyer, seller, name, tuple(members)))
    return found


def shipments_of(orders: Iterable[Order]) -> list[Shipment]:
    """The shipments of the orders. One id with several dates or orders is several shipments: a suffix counts them."""
    grouped: dict[tuple[str, str], dict[tuple[Any, ...], list[OrderLine]]] = defaultdict(dict)
    of: dict[int, Order] = {}
    for order in orders:
        of[id(order)] = order
        for line in order.lines:
            moved = (id(order), line.shipped_on, line.received_on, line.ship_from, line.ship_to)
            grouped[order.seller, line.shipment].setdefault(moved, []).append(line)
    found = []
    for (seller, name), parts in grouped.items():
        for count, ((order_id, shipped, received, *_), members) in enumerate(parts.items(), 1):
            own = name if count == 1 else f"{name[:58]}.{count}"
            found.append(Shipment(seller, own, of[order_id], tuple(members), shipped, received))
    return found


# -- Commands ----------------------------------------------------------------------------------------------------------


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def command(enterprise: str, name: str, body: dict[str, Any]) -> Command:
    """A command under an id made of its content: the same content again is the same command."""
    return Command(name, "replay-" + _digest(orjson.dumps([enterprise, name, body])), body)


def placing(order: Order) -> Command:
    """The order, with as many lines as one command takes."""
    lines = [_placed(line) for line in order.lines[:COMMAND_LINES_MAX]]
    body = {"number": order.number, "seller": order.seller, "kind": "DISCRETE", "lines": lines}
    return command(order.buyer, "PlaceOrder", body)


def adding(order: Order) -> Iterator[Command]:
    """The lines beyond, once the order is placed."""
    for start in range(COMMAND_LINES_MAX, len(order.lines), COMMAND_LINES_MAX):
        lines = [_placed(line) for line in order.lines[start : start + COMMAND_LINES_MAX]]
        yield command(order.buyer, "AddLines", {"number": order.number, "lines": lines})


def _placed(line: OrderLine) -> dict[str, Any]:
    return {
        "line": line.line,
        "buyer_item": line.item,
        "terms": {
            "seller_item": line.seller_item, "factor": {"buyer_unit": line.unit, "seller_unit": line.unit},
            "basis": "DELIVER", "ship_from": line.ship_from, "ship_to": line.ship_to, "time_zone": "UTC",
        },
        "requested": [{"due_on": line.due_on.isoformat(), "amount": str(line.quantity)}],
    }  # fmt: skip


def planning(shipment: Shipment) -> Command:
    """The shipment as its seller plans it: to be there when it was promised."""
    due = min(line.due_on for line in shipment.lines)
    leaves = min(shipment.shipped_on or due, due)
    first = shipment.lines[0]
    lines = [
        {
            "line": line.line, "item": line.seller_item, "buyer_item": line.item,
            "quantity": {"amount": str(line.quantity), "unit": line.unit},
            "flow_key": f"flow/{shipment.order.buyer}/{shipment.order.number}/{line.line}",
        }
        for line in shipment.lines
    ]  # fmt: skip
    body = {
        "shipment": shipment.id, "buyer": shipment.order.buyer, "ship_from": first.ship_from, "ship_to": first.ship_to,
        "carrier": "", "ship_at": instant(leaves, NOON), "deliver_at": instant(due, NOON), "lines": lines,
    }  # fmt: skip
    return command(shipment.seller, "PlanShipment", body)


def confirming(order: Order) -> Command:
    """All lines as requested."""
    body = {"buyer": order.buyer, "number": order.number}
    return command(order.seller, "ConfirmOrder", body)


def shipping(shipment: Shipment) -> Command:
    """All of it left. Without lines: said again it adds nothing, even to services that forgot the first time."""
    assert shipment.shipped_on is not None
    body = {"seller": shipment.seller, "shipment": shipment.id, "shipped_at": instant(shipment.shipped_on, NOON)}
    return command(shipment.seller, "ShipShipment", body)


def receiving(shipment: Shipment) -> Command:
    """All of it came."""
    assert shipment.received_on is not None
    body = {"seller": shipment.seller, "shipment": shipment.id, "received_at": instant(shipment.received_on, NOON)}
    return command(shipment.order.buyer, "ReceiveShipment", body)


# -- Running -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Window:
    """A few days, and what happens on them: orders placed; shipments planned, shipped, received."""

    first: datetime.date
    last: datetime.date
    placed: list[Order] = field(default_factory=list)
    planned: list[Shipment] = field(default_factory=list)
    shipped: list[Shipment] = field(default_factory=list)
    received: list[Shipment] = field(default_factory=list)


def windows(orders: Sequence[Order], shipments: Sequence[Shipment]) -> list[Window]:
    """All that happens, in the order of its dates, cut into windows: enough at once to be quick, a quarter at most."""
    days: dict[datetime.date, Window] = {}

    def day(on: datetime.date) -> Window:
        return days.setdefault(on, Window(on, on))

    for order in orders:
        day(order.placed_on).placed.append(order)
    for shipment in shipments:
        day(shipment.order.placed_on).planned.append(shipment)
        if shipment.shipped_on is not None:
            day(shipment.shipped_on).shipped.append(shipment)
        if shipment.received_on is not None:
            day(shipment.received_on).received.append(shipment)
    found: list[Window] = []
    for on in sorted(days):
        one = days[on]
        last = found[-1] if found else None
        if last is None or _events(last) >= WINDOW_EVENTS or (on - last.first).days >= WINDOW_DAYS_MAX:
            found.append(one)
            continue
        last.last = on
        for name in ("placed", "planned", "shipped", "received"):
            getattr(last, name).extend(getattr(one, name))
    return found


def _events(window: Window) -> int:
    return len(window.placed) * 2 + len(window.planned) + len(window.shipped) + len(window.received)


class Replay:
    """One replay. ``until``: the clock is never set beyond it, None for no bound (services that have no other time)."""

    def __init__(self, door: FrontDoor, clock: Clock | None, told: Told, until: datetime.date | None = None) -> None:
        self._door, self._clock, self._told, self._until = door, clock, told, until
        self._gates = {service: asyncio.Semaphore(AT_ONCE) for service in ("order", "fulfillment")}
        self.progress = Progress()

    async def register(self, names: dict[str, str]) -> None:
        """Every enterprise introduces itself by the name in the file."""
        commands = ((id_, command(id_, "RegisterEnterprise", {"name": name})) for id_, name in names.items())
        await self._send("order", commands, frozenset({"enterprise-differs"}))

    async def run(self, orders: Sequence[Order]) -> None:
        """All of it. What depends on something waits for its outcome; what is agreed next meets what moves now."""
        found = windows(orders, shipments_of(orders))
        if found:
            await self._tick(found[0].first)
            await self._agree(found[0])
        for index, window in enumerate(found):
            ahead = found[index + 1 : index + 2]
            await asyncio.gather(self._move(window), *(self._agree(one) for one in ahead))
            # After what came in the window, so that nothing that came in time is ever overdue.
            await self._tick(window.last)

    async def _agree(self, window: Window) -> None:
        """Placed, planned and confirmed."""
        await asyncio.gather(
            self._send("order", ((o.buyer, placing(o)) for o in window.placed)),
            # Planned before the flow asks for a shipment of its own: the file says which one it was.
            self._send("fulfillment", ((s.seller, planning(s)) for s in window.planned)),
        )
        await self._send("order", ((o.buyer, one) for o in window.placed for one in adding(o)))
        await self._send("order", ((o.seller, confirming(o)) for o in window.placed))

    async def _move(self, window: Window) -> None:
        """Shipped and received; what left is planned in this window or one before."""
        self.progress.day = window.first
        await self._send("fulfillment", ((s.seller, shipping(s)) for s in window.shipped))
        await self._send("fulfillment", ((s.order.buyer, receiving(s)) for s in window.received))
        self.progress.lines += sum(len(shipment.lines) for shipment in window.received)
        self._told(self.progress)

    async def _tick(self, day: datetime.date) -> None:
        if self._clock is not None and (self._until is None or day <= self._until):
            await self._clock.tick(at_ms(day, NOON - 60))

    async def _send(
        self, service: str, commands: Iterable[tuple[str, Command]], known: frozenset[str] = KNOWN_ALREADY
    ) -> None:
        by_enterprise: dict[str, list[Command]] = defaultdict(list)
        for enterprise, one in commands:
            by_enterprise[enterprise].append(one)

        async def send(enterprise: str, batch: list[Command]) -> None:
            async with self._gates[service]:
                answers = await self._door.batch(service, enterprise, batch)
            for one, answer in zip(batch, answers, strict=True):
                self.progress.commands += 1
                self.progress.tries_more += answer.tries > 1
                if answer.code in known:
                    self.progress.known_already += 1
                elif not answer.accepted:
                    self.progress.refused.append((f"{enterprise}: {one.name} {_subject(one)}", answer))
            self._told(self.progress)

        await asyncio.gather(*(send(e, batch) for e, all_ in by_enterprise.items() for batch in batches(all_)))


def batches(commands: Sequence[Command]) -> Iterator[list[Command]]:
    """The commands in portions that one request takes."""
    portion: list[Command] = []
    size = 0
    for one in commands:
        more = len(orjson.dumps(one.body)) + 100
        if portion and (len(portion) >= BATCH_COMMANDS_MAX or size + more > BATCH_BYTES_MAX):
            yield portion
            portion, size = [], 0
        portion.append(one)
        size += more
    if portion:
        yield portion


def _subject(one: Command) -> str:
    return str(one.body.get("number") or one.body.get("shipment") or "")
