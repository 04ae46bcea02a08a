"""Whatever is well-formed is answered: no command and no link parks a key of the three services, however odd it is."""

import dataclasses
import datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from services.inventory.item import ItemId as StockItemId
from services.inventory.pool_commands import CountStock
from services.inventory.site import SiteId as StockSiteId
from services.kernel.codec import Meta, Unencodable
from services.kernel.memory_log import START_MS
from services.kernel.messages import DeadLetterKind
from services.kernel.partitioner import partition_of
from services.kernel.shapes import Field, Kind, fields_of
from services.kernel.values import EnterpriseId, Quantity
from services.order.order_commands import ConfirmOrder
from services.order.terms import OrderNumber, PromiseBasis
from tests.support import ordering
from tests.support.backbone import PARTITIONS, WIRING, Backbone

DAY_MS = 86_400_000
FLOW, ORDER, POOL, SHIPMENT = "flow/acme/o1/10", "order/acme/o1", "pool/bolt/main/part", "shipment/bolt/acme-o1-10-1"
KEYS = {
    "order-lines-v1": (FLOW, "flow/acme/o9/20", "flow/bolt/transfer/t1"),
    "inventory-availability-v1": (FLOW, "flow/bolt/transfer/t1"),
    "fulfillment-pool-inputs-v1": (POOL, "pool/acme/dock/teil", "item/bolt/part", "site/bolt/main"),
    "fulfillment-lines-v1": (ORDER, "enterprise/acme", "agreement/acme/bolt/teil"),
    "fulfillment-legs-v1": (FLOW, SHIPMENT, "lane/acme/acme/main/bolt/dock", "work/bolt/w1", "disruption/bolt/d1"),
    "order-naming-v1": (ORDER, "enterprise/acme", "agreement/acme/bolt/teil"),
}
USUAL: dict[str, tuple[str, ...]] = {
    "number": ("o1", "o2"), "line": ("10", "20", "1"), "site": ("main", "dock"), "item": ("part", "teil"),
    "buyer": ("acme",), "seller": ("bolt",), "shipment": ("acme-o1-10-1", "s1"), "transfer": ("t1",),
    "reservation": ("r1",), "ship_from": ("main",), "ship_to": ("dock",), "seller_item": ("part",),
    "buyer_item": ("teil",), "from_enterprise": ("acme", "bolt"), "to_enterprise": ("acme", "bolt"),
    "from_site": ("main",), "to_site": ("dock",), "unit": ("C62", "C62", "KGM"), "buyer_unit": ("C62",),
    "seller_unit": ("C62", "KGM"), "base_unit": ("C62", "KGM"), "time_zone": ("Europe/Berlin", "Mars/Base"),
    "currency": ("EUR",), "order_key": (ORDER, "order/acme/o9"), "flow_key": (FLOW, "flow/bolt/transfer/t1"),
    "pool_key": (POOL,), "shipment_key": (SHIPMENT,), "demand": (f"{FLOW}#0",), "supply": (FLOW,),
}  # fmt: skip
ODD_TEXTS = ("", "x" * 64, "x" * 65, "a/b", "a\nb", "ü", " ", "..", "~", "#0", "-1")
USUAL_AMOUNTS = tuple(Decimal(text) for text in ("1", "2", "5", "0.5", "10"))
ODD_AMOUNTS = tuple(
    Decimal(text)
    for text in ("0", "-1", "-0.000001", "0.000001", "0.0000001", "999999999999.999999", "1000000000000", "1E+23")
)
DATES = tuple(datetime.date(*parts) for parts in ((2026, 1, 9), (2026, 2, 1), (1, 1, 1), (1970, 1, 1), (9999, 12, 31)))


class Odd:
    """Values of a model that are mostly usual, and now and then anything that its messages can carry."""

    def __init__(self, random: Random, share: float) -> None:
        self.random, self.share = random, share

    def build(self, cls: type) -> Any:
        """A dataclass."""
        return cls(**{item.name: self._field(item) for item in fields_of(cls)})

    def _field(self, item: Field) -> Any:
        if item.many:
            return tuple(self._one(item) for _ in range(self.random.choice((0, 1, 1, 2, 3))))
        if item.optional and self.random.random() < 0.4:
            return None
        if item.default is not dataclasses.MISSING and self.random.random() < 0.5:
            return item.default
        return self._one(item)

    def _one(self, item: Field) -> Any:
        odd = self.random.random() < self.share
        match item.kind:
            case Kind.STRUCT:
                return self.build(item.of)
            case Kind.CHOICE:
                return self.random.choice(list(item.of))
            case Kind.TEXT | Kind.IDENTIFIER:
                return self.random.choice(ODD_TEXTS if odd else USUAL.get(item.name, ("", "why")))
            case Kind.DECIMAL:
                return self.random.choice(ODD_AMOUNTS if odd else USUAL_AMOUNTS)
            case Kind.INTEGER:
                return self.random.choice((0, 1, 2, 1440, 1441, 2**31 - 1) if odd else (1, 1, 60))
            case Kind.INSTANT:
                days = START_MS + self.random.randint(0, 40) * DAY_MS
                return self.random.choice((0, 1, 253_402_300_799_999)) if odd else days
            case Kind.DATE:
                return self.random.choice(DATES if odd else DATES[:2])
            case Kind.BOOLEAN:
                return self.random.random() < 0.5
            case Kind.BYTES:
                return b"x"


def traded(seed: int) -> Backbone:
    """Two orders on their way, so that odd messages meet something."""
    backbone = Backbone(seed)
    backbone.tick(START_MS)
    terms = ordering.terms("part", "main", "dock", PromiseBasis.SHIP, "Europe/Berlin")
    for number in ("o1", "o2"):
        lines = [ordering.placed(line, "teil", terms, (DATES[0], 5), (DATES[1], 3)) for line in ("10", "20")]
        backbone.send("acme", ordering.order(number, "bolt", *lines))
        backbone.send("bolt", ConfirmOrder(EnterpriseId("acme"), OrderNumber(number)))
    amount = Quantity(Decimal(backbone.random.choice((0, 5, 30))), "C62")
    backbone.send("bolt", CountStock(StockSiteId("main"), StockItemId("part"), amount))
    backbone.settle()
    return backbone


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_well_formed_is_answered(seed: int) -> None:
    backbone = traded(seed)
    odd = Odd(backbone.random, (0.02, 0.1, 0.3)[seed % 3])
    commands = [
        command
        for domain, _ in WIRING.values()
        for aggregate in domain.aggregates
        for command in aggregate.commands
        if command not in domain.reactions
    ]
    sent = 0
    for number in range(60):
        if backbone.random.random() < 0.4:
            _, wires = backbone.random.choice(list(WIRING.values()))
            topic = backbone.random.choice(sorted(wires.links_in))
            state = odd.build(backbone.random.choice(wires.links_in[topic].union))
            sender = backbone.random.choice((ORDER, FLOW, POOL, SHIPMENT, "x"))
            meta = Meta(f"l{number}", occurred_at_ms=START_MS, aggregate=sender, version=number + 1)
            key = backbone.random.choice(KEYS[topic]).encode()
            value = wires.links_in[topic].encode(meta, state, link=backbone.random.choice(("", "line/10")))
            backbone.log.append(topic, partition_of(key, PARTITIONS), key, value, [])
        else:
            try:
                backbone.send(
                    backbone.random.choice(("acme", "bolt", "eve")), odd.build(backbone.random.choice(commands))
                )
            except Unencodable:
                continue  # refused at the door
            sent += 1
        if number % 10 == 0:
            backbone.tick(START_MS + number * DAY_MS)
            backbone.settle()
    backbone.tick(START_MS + 400 * DAY_MS)
    backbone.settle()
    parked = [letter for letter in backbone.dead_letters() if letter.kind is DeadLetterKind.PARKED]
    assert not parked, parked[0]
    assert sent > 20
    backbone.check_laws()
