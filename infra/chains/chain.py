"""A generated chain as it stands at one moment: who is there, what is agreed, what is open, and what will slip.

Owns: the values, flat, and the keys of their flows. Deliberately lacks: how they are made (``generate``), and what
follows from them (``solution``). Quantities are pieces, moments are whole minutes since 1970 UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

FIRST_DAY: Final = date(2031, 1, 6)
"""A Monday ahead of any clock: what is open stays open, however long the chain is looked at."""
DAY_MINUTES: Final = 24 * 60
DAY_ENDS_MINUTE: Final = 17 * 60
"""The working day of every site ends at five in the afternoon, UTC."""
TIME_ZONE: Final = "UTC"
UNIT: Final = "C62"
SITE: Final = "plant"

_EPOCH: Final = date(1970, 1, 1)


def day_end(day: date) -> int:
    """The minute at which what is due on a day is due."""
    return (day - _EPOCH).days * DAY_MINUTES + DAY_ENDS_MINUTE


def last_day_by(minute: int) -> date:
    """The last day that ends by a minute."""
    return _EPOCH + timedelta(days=(minute - DAY_ENDS_MINUTE) // DAY_MINUTES)


@dataclass(frozen=True, slots=True)
class Enterprise:
    """Tier 0 leads; tier n supplies tier n - 1. Each has one site, SITE."""

    enterprise: str
    tier: int


@dataclass(frozen=True, slots=True)
class Item:
    """``kind``: product (made and sold), part (bought of a partner), raw (bought of nobody in the chain).

    ``tracked`` false: its owner gives orders and promises and nothing else, so nobody knows the stock.
    """

    enterprise: str
    item: str
    kind: str
    tracked: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the buyer calls its part is the seller's product; one to one in pieces, and so many minutes on the way."""

    buyer: str
    part: str
    seller: str
    product: str
    lead_minutes: int


@dataclass(frozen=True, slots=True)
class Line:
    """One order line, placed and confirmed as requested: due at the buyer's at the end of a day."""

    buyer: str
    number: str
    line: str
    seller: str
    part: str
    product: str
    quantity: int
    due_on: date
    lead_minutes: int
    tracked: bool

    @property
    def key(self) -> str:
        """Of its flow."""
        return f"flow/{self.buyer}/{self.number}/{self.line}"

    @property
    def due(self) -> int:
        """When it is promised to arrive."""
        return day_end(self.due_on)

    @property
    def start(self) -> int:
        """When it is to leave, so that it keeps its promise."""
        return self.due - self.lead_minutes


@dataclass(frozen=True, slots=True)
class Order:
    """What a buyer orders of a seller at once, as ``<buyer>/<number>``."""

    buyer: str
    number: str
    seller: str
    lines: tuple[Line, ...]


def orders_of(lines: Iterable[Line]) -> list[Order]:
    """The orders of some lines, in the order in which they are placed: first those of which something is due first."""
    found: dict[tuple[str, str], list[Line]] = {}
    for line in sorted(lines, key=lambda line: line.key):
        found.setdefault((line.buyer, line.number), []).append(line)
    orders = (Order(buyer, number, mine[0].seller, tuple(mine)) for (buyer, number), mine in found.items())
    return sorted(orders, key=lambda order: (min(line.due for line in order.lines), order.buyer, order.number))


@dataclass(frozen=True, slots=True)
class Component:
    """What a work order needs of one item of its owner, in all."""

    item: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Work:
    """One planned work order; without components it is bought in."""

    owner: str
    work: str
    item: str
    quantity: int
    start: int
    lead_minutes: int
    components: tuple[Component, ...]

    @property
    def key(self) -> str:
        """Of its flow."""
        return f"work/{self.owner}/{self.work}"

    @property
    def due(self) -> int:
        """The planned finish."""
        return self.start + self.lead_minutes


@dataclass(frozen=True, slots=True)
class Stock:
    """What is there of an item when the chain begins."""

    enterprise: str
    item: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Slip:
    """At a minute the owner of a flow says that it will end later than agreed, and perhaps later on takes it back."""

    slip: str
    flow: str
    enterprise: str
    reported_at: int
    estimated_finish: int
    late_minutes: int
    reason: str
    taken_back_at: int | None


@dataclass(frozen=True, slots=True)
class Chain:
    """All of it, each in an order that follows from the seed alone; lines and work orders by their due dates."""

    enterprises: tuple[Enterprise, ...]
    items: tuple[Item, ...]
    agreements: tuple[Agreement, ...]
    stock: tuple[Stock, ...]
    lines: tuple[Line, ...]
    work: tuple[Work, ...]
    slips: tuple[Slip, ...]

    @property
    def tiers(self) -> dict[str, int]:
        """Enterprise to tier."""
        return {one.enterprise: one.tier for one in self.enterprises}
