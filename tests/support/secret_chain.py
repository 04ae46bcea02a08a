"""Random chains in which every name and number is a secret that would be recognised anywhere, played by commands.

Owns: secrets with the enterprises that may see each, and stories: masters, orders down the tiers, work, slips of every
kind, shipments, strangers who ask. Deliberately lacks: what a leak is (see tests/simulation/test_leaks.py).
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from services.fulfillment.flow import ReportLine
from services.fulfillment.lane import CarrierMode, DefineLane
from services.fulfillment.shipment import ReceiveShipment, ShipShipment
from services.fulfillment.shipment_facts import ShipmentLinePlanned
from services.fulfillment.work import CancelWork, Component, PlanWork, ReportWork
from services.inventory.item import DefineItem
from services.inventory.pool_commands import BlockStock, CountStock, ReserveStock
from services.inventory.site import DefineSite
from services.kernel.memory_log import START_MS
from services.kernel.values import Quantity
from services.order.agreement import ProposeAgreement
from services.order.enterprise import AllowNaming, RegisterEnterprise
from services.order.incident import AcknowledgeIncident, CommentIncident
from services.order.order_commands import (
    AcknowledgeDemandChange,
    CancelLine,
    ConfirmOrder,
    PlaceOrder,
    PlanLine,
    ProposeChange,
    ReportDelay,
    RevisePromise,
)
from services.order.order_facts import OrderKind
from services.order.terms import Delivery, InboundLine, PlacedLine, PromiseBasis, Terms, UnitFactor
from tests.support.backbone import Backbone

UNIT, ZONE, DAY_MS = "C62", "Europe/Berlin", 86_400_000
FIRST_DAY = date(2026, 1, 1)
LEAST = 4_600_000_000  # beyond 32 bits, so that each form of a number is long enough to be no accident
BAND = 750_000_000  # quantities of a deeper tier are greater, so that most plans hold


class Secrets:
    """Names and numbers, each with those who may see it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.seen_by: dict[str | int, set[str]] = {}

    def name(self, *seen_by: str) -> Any:
        """A name that nobody else has, to be used as an id of any kind."""
        made = f"{self.random.getrandbits(56) | 1 << 55:x}"
        self.seen_by[made] = set(seen_by)
        return made

    def number(self, least: int, most: int, *seen_by: str) -> int:
        """A number that nobody else has."""
        made = self.random.randint(least, most)
        self.seen_by[made] = set(seen_by)
        return made

    def share(self, secret: str | int, *seen_by: str) -> None:
        """Others may see it too."""
        self.seen_by[secret].update(seen_by)

    def kept_from(self, viewer: str) -> list[str | int]:
        """What the viewer must never see."""
        return [secret for secret, seen_by in self.seen_by.items() if viewer not in seen_by]


def forms(secret: str | int) -> tuple[bytes, ...]:
    """How a secret may stand in bytes: as text, as a number of protobuf or of MessagePack, whole or in millionths."""
    if isinstance(secret, str):
        return (secret.encode(),)
    millionths = secret * 1_000_000  # its text begins with that of the number
    binary = (form for number in (secret, millionths) for form in (varint(number), number.to_bytes(8, "big")))
    return (str(secret).encode(), *binary)


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    return bytes([*data, number])


@dataclass(slots=True)
class Firm:
    """An enterprise and its one site; ``product`` is the item that it sells, ``sellers`` are who it buys from."""

    name: Any
    tier: int
    site: Any
    product: Any
    sellers: list["Firm"]


@dataclass(frozen=True, slots=True)
class Bought:
    """A line of an order between two firms, and its quantity."""

    buyer: Firm
    seller: Firm
    number: Any
    line: Any
    quantity: int
    due_on: date


class SecretChain:
    """One story on a backbone; ``play`` tells it to its end."""

    def __init__(self, backbone: Backbone, tiers: int) -> None:
        self.backbone, self.random = backbone, backbone.random
        self.secrets = Secrets(self.random)
        self.firms: list[Firm] = []
        self.bought: list[Bought] = []
        self.works: list[tuple[Firm, Any]] = []
        self.backed: list[tuple[Firm, Any, int]] = []  # components that are taken from stock
        self.registered: dict[str, Any] = {}
        self.day = 0
        self._found(tiers)

    @property
    def names(self) -> list[str]:
        """All enterprises."""
        return [firm.name for firm in self.firms]

    def _found(self, tiers: int) -> None:
        by_tier: list[list[Firm]] = []
        for tier in range(tiers):
            row = []
            for _ in range(1 if tier == 0 else self.random.randint(1, 2)):
                name = self.secrets.name()
                self.secrets.share(name, name)
                row.append(Firm(name, tier, self.secrets.name(name), self.secrets.name(name), []))
            by_tier.append(row)
            self.firms += row
        for upper, lower in itertools.pairwise(by_tier):
            for seller in lower:  # nobody is without a buyer
                self._acquaint(self.random.choice(upper), seller)
            for buyer in upper:
                if not buyer.sellers or self.random.random() < 0.3:
                    self._acquaint(buyer, self.random.choice(lower))

    def _acquaint(self, buyer: Firm, seller: Firm) -> None:
        if seller not in buyer.sellers:
            buyer.sellers.append(seller)
            for secret in (buyer.name, buyer.site):
                self.secrets.share(secret, seller.name)
            for secret in (seller.name, seller.site, seller.product):
                self.secrets.share(secret, buyer.name)

    # -- Telling ---------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Everything that happens, with messages in flight between the steps."""
        self.backbone.tick(START_MS)
        for firm in self.firms:
            for command in self._masters(firm):
                self.say(firm, command)
        self._settle_a_little()
        self._order(self.firms[0], 4)
        self.backbone.settle()
        for _ in range(22):
            slips = *(self._slip,) * 6, self._hurry, self._hurry
            steps = *slips, self._ship, self._ask, self._wait, self._talk, self._name
            for firm, command in self.random.choice(steps)():
                self.say(firm, command)
            self._settle_a_little()
        self.backbone.settle()

    def say(self, firm: Firm, command: Any) -> None:
        """A command of a firm, under an id and by a person that only the firm knows."""
        self.backbone.send(firm.name, command, id_=self.secrets.name(firm.name), actor=self.secrets.name(firm.name))

    def _settle_a_little(self) -> None:
        if self.random.random() < 0.5:
            self.backbone.settle()
        for _ in range(self.random.randint(1, 20)):
            self.random.choice(self.backbone.workers).step(self.random)

    def _masters(self, firm: Firm) -> Iterable[Any]:
        """What a firm says of itself, most of it to nobody else."""
        mine, site, product = firm.name, firm.site, firm.product
        self.registered[mine] = self.secrets.name(mine)
        yield RegisterEnterprise(self.registered[mine])
        yield DefineSite(site, self.secrets.name(mine), ZONE, (1, 2, 3, 4, 5), 1_080)
        yield DefineItem(product, self.secrets.name(mine), UNIT)
        for seller in firm.sellers:
            yield DefineLane(seller.name, seller.site, mine, site, 1_440, CarrierMode.ROAD)
        if self.random.random() < 0.9:
            stock = self.secrets.number(LEAST - 200_000_000, LEAST - 1, mine)
            yield CountStock(site, product, _pieces(0), reference=self.secrets.name(mine))
            if self.random.random() < 0.3:
                yield CountStock(site, product, _pieces(stock))
                blocked = self.secrets.number(1 << 32, LEAST - 200_000_001, mine)
                yield BlockStock(site, product, _pieces(blocked), self.secrets.name(mine))

    def _order(self, buyer: Firm, due_in_days: int) -> None:
        """The firm plans work and orders what it takes for it, down to the last tier; deeper orders are due earlier."""
        due = due_in_days + 5 * (max(firm.tier for firm in self.firms) - buyer.tier)
        low = LEAST + BAND * buyer.tier
        components = []
        for seller in buyer.sellers:
            item = self.secrets.name(buyer.name, seller.name)
            taken = self.secrets.number(low + BAND // 4, low + BAND // 3, buyer.name)
            ordered = self.secrets.number(low + BAND // 3, low + BAND // 2, buyer.name, seller.name)
            components.append(Component(buyer.site, item, _pieces(taken)))
            there, due_in = 0, due - 4
            if self.random.random() < 0.4:  # from stock, and the line is to fill it up again; or only too late
                due_in = due + 2
                if self.random.random() < 0.7:
                    there = self.secrets.number(low + BAND // 3, low + BAND // 2, buyer.name)
                    self.backed.append((buyer, item, taken))
            if there or self.random.random() < 0.8:
                self.say(buyer, CountStock(buyer.site, item, _pieces(there)))
            self._buy(buyer, seller, item, ordered, due_in)
            self._order(seller, due_in_days)
        work = self.secrets.name(buyer.name)
        quantity = self.secrets.number(low - BAND // 3, low - 1, buyer.name)
        start = START_MS + (due - 3) * DAY_MS
        self.works.append((buyer, work))
        self.say(
            buyer,
            PlanWork(
                work, buyer.site, buyer.product, _pieces(quantity), start, 2 * 1_440 + self.random.randint(0, 99),
                tuple(components), priority=self.random.choice((3, 5)), bought_in=not components,
                reports_start=self.random.random() < 0.2,
            ),
        )  # fmt: skip

    def _buy(self, buyer: Firm, seller: Firm, item: Any, quantity: int, due_in_days: int) -> None:
        both = buyer.name, seller.name
        terms = Terms(
            seller.product, UnitFactor(UNIT, UNIT), self.random.choice(list(PromiseBasis)), seller.site, buyer.site,
            ZONE, lead_time_minutes=self.random.choice((60, 1_440)),
        )  # fmt: skip
        if self.random.random() < 0.4:
            self.say(buyer, ProposeAgreement(buyer.name, seller.name, item, terms))
        number, line = self.secrets.name(*both), self.secrets.name(*both)
        due_on = FIRST_DAY + timedelta(days=due_in_days)
        placed = PlacedLine(line, item, terms, (Delivery(due_on, Decimal(quantity)),))
        self.bought.append(Bought(buyer, seller, number, line, quantity, due_on))
        self.say(buyer, PlaceOrder(number, seller.name, OrderKind.DISCRETE, (placed,)))
        self.backbone.settle()
        if self.random.random() < 0.95:
            self.say(seller, ConfirmOrder(buyer.name, number))

    # -- What happens ----------------------------------------------------------------------------------------------

    def _slip(self) -> Iterable[tuple[Firm, Any]]:
        """Something will be late, or is not any more; the deeper, the more often."""
        bought = max(self.random.sample(self.bought, min(2, len(self.bought))), key=lambda one: one.seller.tier)
        firm, work = max(self.random.sample(self.works, min(2, len(self.works))), key=lambda one: one[0].tier)
        seller, both = bought.seller, (bought.buyer.name, bought.seller.name)
        later = bought.due_on + timedelta(days=self.random.randint(3, 25))
        at_ms = START_MS + self.random.randint(20, 60) * DAY_MS
        order = bought.buyer.name, bought.number, bought.line
        fire, why = self.secrets.name(firm.name), self.secrets.name(firm.name)
        said, truck = self.secrets.name(*both), self.secrets.name(seller.name)
        rest = self.secrets.number(LEAST, LEAST + BAND, *both)
        need = START_MS + self.random.randint(5, 60) * DAY_MS
        held = self.secrets.number(LEAST, LEAST + BAND, seller.name)
        urgent = self.secrets.name(seller.name)
        made: tuple[tuple[Firm, Any], ...] = (
            (firm, ReportWork(work, estimated_finish_at_ms=at_ms, reason_code=why, disruption_id=fire)),
            (firm, ReportWork(work, estimated_finish_at_ms=at_ms, reason_code=why, disruption_id=fire)),
            (firm, ReportWork(work, lost=True, reason_code=why, disruption_id=fire)),
            (firm, ReportWork(work, withdraw=True)),
            (firm, CancelWork(work, why)),
            (seller, ReportLine(*order, estimated_finish_at_ms=at_ms, reason_code=said, disruption_id=truck)),
            (seller, ReportLine(*order, lost=True, reason_code=said, disruption_id=truck)),
            (seller, ReportLine(*order, withdraw=True)),
            (seller, ReportDelay(*order, later, said)),
            (seller, RevisePromise(*order, (Delivery(later, Decimal(bought.quantity)),), said)),
            (seller, PlanLine(*order, START_MS + self.random.randint(1, 30) * DAY_MS, self._inbound(seller))),
            (bought.buyer, ProposeChange(*order, (Delivery(later, Decimal(bought.quantity)),), reason_code=said)),
            (seller, AcknowledgeDemandChange(*order)),
            (bought.buyer, CancelLine(bought.number, bought.line, Decimal(rest), said)),
            (seller, ReserveStock(seller.site, seller.product, urgent, _pieces(held), need)),
            (seller, CountStock(seller.site, seller.product, _pieces(held))),
        )
        return (self.random.choice(made),)

    def _hurry(self) -> Iterable[tuple[Firm, Any]]:
        """A work order for another product, that came last, takes the stock from one that came before."""
        if not self.backed:
            return ()
        firm, item, taken = max(self.random.choices(self.backed, k=2), key=lambda one: one[0].tier)
        other = self.secrets.name(firm.name)
        urgent, amount = self.secrets.name(firm.name), self.secrets.number(taken - 1_000, taken - 1, firm.name)
        components = (Component(firm.site, item, _pieces(amount)),)
        plan = PlanWork(
            urgent, firm.site, other, _pieces(amount), START_MS + DAY_MS, 1_440, components, priority=1
        )  # fmt: skip
        return ((firm, plan),)

    def _ship(self) -> Iterable[tuple[Firm, Any]]:
        """A shipment that is planned by now leaves, or comes."""
        planned = [
            (meta.aggregate.split("/")[1:], fact.flow_key.split("/")[1])
            for meta, fact in self.backbone.events("fulfillment")
            if isinstance(fact, ShipmentLinePlanned)
        ]
        if not planned:
            return ()
        (seller, shipment), buyer = self.random.choice(planned)
        both, at_ms = (buyer, seller), START_MS + (self.day + 1) * DAY_MS
        ids: tuple[Any, Any, int] = seller, shipment, at_ms
        carrier, tracking = self.secrets.name(*both), self.secrets.name(*both)
        made: tuple[tuple[str, Any], ...] = (
            (seller, ShipShipment(*ids, carrier=carrier, tracking=tracking)),
            (buyer, ReceiveShipment(*ids)),
        )
        firm, command = self.random.choice(made)
        return ((self._firm(firm), command),)

    def _ask(self) -> Iterable[tuple[Firm, Any]]:
        """A stranger who has somehow heard of an order wants to know more."""
        bought = self.random.choice(self.bought)
        strangers = [firm for firm in self.firms if firm not in (bought.buyer, bought.seller)]
        if not strangers:
            return ()
        order = bought.buyer.name, bought.number, bought.line
        made = (
            ReportDelay(*order, bought.due_on, "x"),
            ReportLine(*order, withdraw=True),
            ConfirmOrder(bought.buyer.name, bought.number),
        )
        return ((self.random.choice(strangers), self.random.choice(made)),)

    def _name(self) -> Iterable[tuple[Firm, Any]]:
        """A firm lets another know when delays begin with it: from then on that one may know what this names."""
        firm, viewer = self.random.choice(self.firms), self.random.choice(self.firms)
        if firm is viewer:
            return ()
        for secret in (self.registered[firm.name], firm.product, firm.site):
            self.secrets.share(secret, viewer.name)
        self.secrets.share(viewer.name, firm.name)
        return ((firm, AllowNaming(viewer.name)),)

    def _talk(self) -> Iterable[tuple[Firm, Any]]:
        """People of a firm take up what hits it, and say what others must not hear."""
        for firm in self.firms:
            for reference in self.backbone.view("order", firm.name, "incidents"):
                yield firm, AcknowledgeIncident(reference)
                yield firm, CommentIncident(reference, self.secrets.name(firm.name))

    def _wait(self) -> Iterable[tuple[Firm, Any]]:
        """Some days of silence."""
        self.day += self.random.randint(1, 9)
        self.backbone.tick(START_MS + self.day * DAY_MS)
        return ()

    def _inbound(self, firm: Firm) -> tuple[InboundLine, ...]:
        """A line that the firm buys, if there is one."""
        own = [InboundLine(one.number, one.line) for one in self.bought if one.buyer is firm]
        return tuple(self.random.sample(own, min(1, len(own))))

    def _firm(self, name: str) -> Firm:
        return next(firm for firm in self.firms if firm.name == name)


def _pieces(amount: int) -> Quantity:
    return Quantity(Decimal(amount), UNIT)
