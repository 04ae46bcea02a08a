"""The commands that the service is measured with: orders of one or three lines, placed, and confirmed by the seller.

Owns: what they look like, so that every part measures the same work. Deterministic: the same number, the same command.
Deliberately lacks: sending them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.kernel.batch import Headers
from services.kernel.codec import Meta, headers
from services.kernel.memory_log import START_MS
from services.kernel.partitioner import partition_of
from services.kernel.values import EnterpriseId, Money
from services.order.order import key_of
from services.order.order_commands import ConfirmOrder, LinePromise, PlaceOrder
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
from services.order.wire import WIRES

PARTITIONS = 4
BUYERS = 400
SELLERS = 80
FIRST_DUE = date(2031, 3, 3)  # ahead of any clock: an order that is overdue makes work of its own


@dataclass(frozen=True, slots=True)
class Told:
    """One command with its sender, ready to be encoded."""

    sender: EnterpriseId
    command: PlaceOrder | ConfirmOrder


def place(number: int, lines: int = 1, deliveries: int = 1) -> Told:
    """Buyer and seller follow from the number; each line asks for so many deliveries."""
    buyer, seller = _parties(number)
    placed = tuple(_line(number, line, deliveries) for line in range(1, lines + 1))
    return Told(buyer, PlaceOrder(_number(number), seller, OrderKind.DISCRETE, placed))


def confirm(number: int, promises: int = 1, deliveries: int = 1) -> Told:
    """The seller promises the first so many lines of that order as they were requested, in so many deliveries each."""
    buyer, seller = _parties(number)
    promised = tuple(
        LinePromise(LineNumber(f"{line:04d}"), _schedule(number, line, deliveries)) for line in range(1, promises + 1)
    )
    return Told(seller, ConfirmOrder(buyer, _number(number), promised))


def only_placed(count: int) -> Iterator[Told]:
    """So many commands that each place an order of one line."""
    return (place(number) for number in range(count))


def placed_and_confirmed(count: int, apart: int = 500) -> Iterator[Told]:
    """So many commands: each order is placed, and confirmed when ``apart`` further ones were placed."""
    half = count // 2
    for number in range(half + apart):
        if number < half:
            yield place(number)
        if number >= apart:
            yield confirm(number - apart)


def placed_with_promises(orders: int, apart: int = 500) -> Iterator[Told]:
    """Open orders of three lines, two of which the seller has promised; two commands for each order."""
    for number in range(orders + apart):
        if number < orders:
            yield place(number, lines=3)
        if number >= apart:
            yield confirm(number - apart, promises=2)


def record_of(told: Told, id_: str) -> tuple[int, bytes, bytes, Headers]:
    """Partition, key, value and headers, as the service's own front door writes them."""
    key = key_of(told.command, told.sender)
    meta = Meta(id=id_, correlation_id=id_, occurred_at_ms=START_MS, enterprise=told.sender, aggregate=key)
    head = headers(meta, WIRES.commands.type_names[type(told.command)], "/order")
    return partition_of(key.encode(), PARTITIONS), key.encode(), WIRES.commands.encode(meta, told.command), head


def body_of(lines: int = 1) -> dict[str, Any]:
    """The JSON body with which a buyer places an order over HTTP."""
    return {
        "seller": "seller-1",
        "kind": "DISCRETE",
        "lines": [
            {
                "line": f"{line:04d}", "buyer_item": f"item-{line}",
                "terms": {
                    "seller_item": f"part-{line}", "factor": {"buyer_unit": "C62", "seller_unit": "C62"},
                    "basis": "DELIVER", "ship_from": "plant-1", "ship_to": "dock-1", "time_zone": "Europe/Berlin",
                    "incoterm": "DAP", "lead_time_minutes": 2880,
                },
                "requested": [{"due_on": FIRST_DUE.isoformat(), "amount": "12"}],
                "unit_price": {"currency": "EUR", "units": 12, "nanos": 500_000_000},
            }
            for line in range(1, lines + 1)
        ],
    }  # fmt: skip


def _parties(number: int) -> tuple[EnterpriseId, EnterpriseId]:
    return EnterpriseId(f"buyer-{number % BUYERS}"), EnterpriseId(f"seller-{number * 7 % SELLERS}")


def _number(number: int) -> OrderNumber:
    return OrderNumber(f"45{number:08d}")


def _line(number: int, line: int, deliveries: int) -> PlacedLine:
    item = (number * 31 + line * 17) % 5_000
    terms = Terms(
        ItemId(f"part-{item}"), UnitFactor("C62", "C62"), PromiseBasis.DELIVER, SiteId("plant-1"), SiteId("dock-1"),
        "Europe/Berlin", "DAP", "Hamburg", lead_time_minutes=2_880,
    )  # fmt: skip
    return PlacedLine(
        LineNumber(f"{line:04d}"), ItemId(f"item-{item}"), terms, _schedule(number, line, deliveries),
        Money("EUR", 12, 500_000_000),
    )  # fmt: skip


def _schedule(number: int, line: int, deliveries: int) -> tuple[Delivery, ...]:
    first = FIRST_DUE + timedelta(days=(number + line) % 60)
    amount = Decimal(10 + number % 90)
    return tuple(Delivery(first + timedelta(days=7 * part), amount) for part in range(deliveries))
