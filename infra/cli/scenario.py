"""A scenario: who is there, what is agreed and planned, and what happens on which day. Format: docs/how-to/demo.md.

Owns: the format, and questions about its structure. Deliberately lacks: reading it from a file and telling mistakes
(scenario_file.py), how a step is done (player.py), what follows from it (forecast.py).
"""

import datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from infra.cli.words import Lang, Text

Id = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f\x7f]{1,64}$")]
Pair = Annotated[str, StringConstraints(pattern=r"^[^/]+/[^/]+$")]
Amount = Annotated[Decimal, Field(gt=0)]
DayNumber = Annotated[int, Field(ge=1, le=400)]
Minute = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]

LINE = "10"
"""The one line of each order of a scenario."""

MOVING = frozenset({"place", "confirm", "ship", "receive", "make", "slip", "recover", "burst"})
"""Steps that change orders, stock or dates in a way that the forecast does not follow."""


class Part(BaseModel):
    """A part of the file; what is not known is a mistake, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Enterprise(Part):
    """A firm of the chain; tier 0 is the one that the goods go to."""

    name: str
    tier: Annotated[int, Field(ge=0, le=9)]


class Site(Part):
    """A place, by ``<enterprise>/<site>``."""

    name: str
    time_zone: str = "UTC"
    day_ends: Minute = "18:00"


class Item(Part):
    """An item in its owner's words, by ``<enterprise>/<item>``."""

    name: Text
    unit: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,3}$")] = "C62"


class Lane(Part):
    """How long goods take; ``from`` and ``to`` are ``<enterprise>/<site>``."""

    start: Pair = Field(alias="from")
    end: Pair = Field(alias="to")
    days: Annotated[int, Field(ge=1, le=90)]
    mode: str = "ROAD"


class Agreement(Part):
    """What the buyer may order of the seller, and how."""

    buyer: Id
    item: Id
    to: Id
    seller: Id
    seller_item: Id
    start: Id = Field(alias="from")
    promise: Annotated[str, StringConstraints(pattern=r"^(SHIP|DELIVER)$")] = "DELIVER"


class Ordered(Part):
    """The buyer orders one item, due at the end of a day of the scenario, by ``<buyer>/<number>``."""

    item: Id
    quantity: Amount
    due: DayNumber


class Work(Part):
    """What a plant plans to make, by ``<enterprise>/<number>``, on whole working days, from the first to the last."""

    site: Id
    item: Id
    quantity: Amount
    days: tuple[DayNumber, DayNumber]
    uses: dict[Id, Amount] = Field(default_factory=dict)

    @model_validator(mode="after")
    def forwards(self) -> Self:
        """It does not end before it starts."""
        if self.days[0] > self.days[1]:
            raise ValueError("the last day is before the first: give [first, last]")
        return self


class Place(Ordered):
    """The same as a step of a day; ``order`` is ``<buyer>/<number>``."""

    order: Pair


class Make(Part):
    """A plant reports what it used and what it made of it, without a work order."""

    at: Pair
    item: Id
    quantity: Amount
    uses: dict[Id, Amount] = Field(default_factory=dict)


class Slip(Part):
    """The seller reports that the shipment of an order will be delivered on another day."""

    order: Pair
    to: DayNumber
    why: str
    text: Text = Field(default_factory=dict)


class Disrupt(Part):
    """A site stands still for so many days from now: what is made there, and what leaves it. One report is made."""

    at: Pair
    days: Annotated[int, Field(ge=1, le=365)]
    why: Id
    text: Text = Field(default_factory=dict)


class Repair(Part):
    """The site is well again: the report is taken back, all goes on as planned."""

    at: Pair
    text: Text = Field(default_factory=dict)


class Burst(Part):
    """Many small orders at once, each shipped from stock, and a service that is killed in the middle."""

    buyer: Id
    item: Id
    orders: Annotated[int, Field(ge=2, le=5_000)]
    quantity: Amount
    due: DayNumber
    kill: Annotated[str, StringConstraints(pattern=r"^(order|inventory|fulfillment)$")] = "fulfillment"


class Compare(Part):
    """How the news would go without: each firm phones on at a time of the next working day, or plans every night."""

    phone_at: Minute = "08:00"
    plan_at: Minute = "02:00"


class Step(Part):
    """One thing that happens; exactly one of the fields is given. Those with a plain text name an order."""

    place: Place | None = None
    confirm: Pair | None = None
    ship: Pair | None = None
    receive: Pair | None = None
    make: Make | None = None
    slip: Slip | None = None
    recover: Slip | None = None
    disrupt: Disrupt | None = None
    repair: Repair | None = None
    burst: Burst | None = None
    show: Annotated[str, StringConstraints(pattern=r"^(chain|lines)$")] | None = None

    @model_validator(mode="after")
    def one(self) -> Self:
        """Exactly one."""
        if len(self.model_fields_set) != 1:
            raise ValueError(f"give exactly one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def kind(self) -> str:
        """Which one."""
        return next(iter(self.model_fields_set))


class Scenario(Part):
    """A whole file. The first enterprise is the leader."""

    scenario: Text
    about: Text = Field(default_factory=dict)
    starts_on: datetime.date
    enterprises: Annotated[dict[Id, Enterprise], Field(min_length=1)]
    sites: dict[Pair, Site]
    items: dict[Pair, Item]
    lanes: list[Lane]
    agreements: list[Agreement]
    stock: dict[str, Annotated[Decimal, Field(ge=0)]] = Field(default_factory=dict)
    orders: dict[Pair, Ordered] = Field(default_factory=dict)
    work: dict[Pair, Work] = Field(default_factory=dict)
    compare: Compare = Compare()
    days: dict[DayNumber, list[Step]]

    def date(self, day: int) -> datetime.date:
        """The date of a day of the scenario, 1 being the first."""
        return self.starts_on + datetime.timedelta(days=day - 1)

    @property
    def leader(self) -> str:
        """The enterprise that all of this is for."""
        return next(iter(self.enterprises))

    @cached_property
    def _agreements(self) -> dict[tuple[str, str], Agreement]:
        return {(one.buyer, one.item): one for one in reversed(self.agreements)}

    def agreement(self, buyer: str, item: str) -> Agreement:
        """What holds for the buyer's item; the first that fits."""
        return self._agreements[buyer, item]

    def lane_days(self, agreement: Agreement) -> int:
        """Days on the way of an agreement."""
        ends = f"{agreement.seller}/{agreement.start}", f"{agreement.buyer}/{agreement.to}"
        return next(lane.days for lane in self.lanes if (lane.start, lane.end) == ends)

    @cached_property
    def placed(self) -> dict[str, Ordered]:
        """Order to how it is placed, those of the days as well."""
        later = {step.place.order: step.place for steps in self.days.values() for step in steps if step.place}
        return {**self.orders, **later}

    def agreement_of(self, order: str) -> Agreement:
        """The agreement under which an order is placed."""
        return self.agreement(order.partition("/")[0], self.placed[order].item)

    def partners(self, enterprise: str) -> set[str]:
        """Those that it has an agreement with."""
        sold = {one.buyer for one in self.agreements if one.seller == enterprise}
        return sold | {one.seller for one in self.agreements if one.buyer == enterprise}

    def work_at(self, site: str) -> dict[str, Work]:
        """What is planned at a site (``<enterprise>/<site>``)."""
        owner, _, place = site.partition("/")
        return {key: one for key, one in self.work.items() if key.startswith(f"{owner}/") and one.site == place}

    def leaving(self, site: str) -> list[str]:
        """The orders whose goods leave a site (``<enterprise>/<site>``)."""
        ways = {order: self.agreement_of(order) for order in self.orders}
        return [order for order, one in ways.items() if f"{one.seller}/{one.start}" == site]

    def feeds(self, order: str) -> str:
        """The pool (``<enterprise>/<site>/<item>``) that the goods of an order come to."""
        one = self.agreement_of(order)
        return f"{one.buyer}/{one.to}/{one.item}"

    def needed_for(self, order: str) -> list[str]:
        """The orders whose goods go into what is made for an order, by item and site."""
        one = self.agreement_of(order)
        made = [work for key, work in self.work_at(f"{one.seller}/{one.start}").items() if work.item == one.seller_item]
        used = {item: None for work in made for item in work.uses}
        return [key for key in self.orders if self._brings(key, one.seller, one.start, used)]

    def _brings(self, order: str, buyer: str, site: str, items: dict[str, None]) -> bool:
        one = self.agreement_of(order)
        return (one.buyer, one.to) == (buyer, site) and one.item in items

    def item_name(self, enterprise: str, item: str, lang: Lang) -> str:
        """An item in its owner's words."""
        return lang.of(self.items[f"{enterprise}/{item}"].name)
