"""The scenario file: who is there, what is agreed, and what happens on which day. Format: docs/how-to/demo.md.

Owns: the format and its checks, all mistakes at once. Deliberately lacks: how a step is done (player.py).
"""

import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from infra.cli.errors import CliError

Id = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f\x7f]{1,64}$")]
Amount = Annotated[Decimal, Field(gt=0)]
DayNumber = Annotated[int, Field(ge=1, le=400)]
Minute = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Mistakes = list[str]


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

    name: str
    unit: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,3}$")] = "C62"


class Lane(Part):
    """How long goods take; ``from`` and ``to`` are ``<enterprise>/<site>``."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")
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


class Place(Part):
    """The buyer orders one item, due on a day of the scenario. ``order`` is ``<buyer>/<number>``."""

    order: str
    item: Id
    quantity: Amount
    due: DayNumber


class Make(Part):
    """A plant reports what it used and what it made of it."""

    at: str
    item: Id
    quantity: Amount
    uses: dict[Id, Amount] = Field(default_factory=dict)


class Slip(Part):
    """The seller reports that the shipment of an order will be delivered on another day."""

    order: str
    to: DayNumber
    why: str
    text: str = ""


class Burst(Part):
    """Many small orders at once, each shipped from stock, and a service that is killed in the middle."""

    buyer: Id
    item: Id
    orders: Annotated[int, Field(ge=2, le=5_000)]
    quantity: Amount
    due: DayNumber
    kill: Annotated[str, StringConstraints(pattern=r"^(order|inventory|fulfillment)$")] = "fulfillment"


class Step(Part):
    """One thing that happens; exactly one of the fields is given. Those with a plain text name an order."""

    place: Place | None = None
    confirm: str | None = None
    ship: str | None = None
    receive: str | None = None
    make: Make | None = None
    slip: Slip | None = None
    recover: Slip | None = None
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
    """A whole file."""

    scenario: str
    about: str = ""
    starts_on: datetime.date
    enterprises: dict[Id, Enterprise]
    sites: dict[str, Site]
    items: dict[str, Item]
    lanes: list[Lane]
    agreements: list[Agreement]
    stock: dict[str, Annotated[Decimal, Field(ge=0)]] = Field(default_factory=dict)
    days: dict[DayNumber, list[Step]]

    def date(self, day: int) -> datetime.date:
        """The date of a day of the scenario, 1 being the first."""
        return self.starts_on + datetime.timedelta(days=day - 1)

    def agreement(self, buyer: str, item: str) -> Agreement:
        """What holds for the buyer's item; the first that fits."""
        return next(one for one in self.agreements if (one.buyer, one.item) == (buyer, item))

    def lane_days(self, agreement: Agreement) -> int:
        """Days on the way of an agreement."""
        ends = f"{agreement.seller}/{agreement.start}", f"{agreement.buyer}/{agreement.to}"
        return next(lane.days for lane in self.lanes if (lane.start, lane.end) == ends)

    @cached_property
    def placed(self) -> dict[str, Place]:
        """Order to how it is placed."""
        return {step.place.order: step.place for steps in self.days.values() for step in steps if step.place}

    def agreement_of(self, order: str) -> Agreement:
        """The agreement under which an order is placed."""
        return self.agreement(order.partition("/")[0], self.placed[order].item)


def load(path: Path) -> Scenario:
    """The scenario of a file. Raises CliError with every mistake and where it stands."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}; name a scenario file") from error
    try:
        found = Scenario.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise CliError(f"{path}: not YAML: {error}") from error
    except ValidationError as error:
        raise CliError(_told(path, [_mistake(one) for one in error.errors()])) from error
    if mistakes := _check(found):
        raise CliError(_told(path, mistakes))
    return found


def _told(path: Path, mistakes: Mistakes) -> str:
    return "\n  ".join([f"{path}: {len(mistakes)} to mend (docs/how-to/demo.md has the format)", *mistakes])


def _mistake(error: Any) -> str:
    place = " › ".join(str(part) for part in error["loc"]) or "file"
    return f"{place}: {error['msg']}"


def _check(found: Scenario) -> Mistakes:
    """References that lead nowhere."""
    mistakes: Mistakes = []

    def need(known: object, name: str, where: str, what: str) -> None:
        if isinstance(known, dict | set) and name not in known:
            mistakes.append(f"{where}: there is no {what} {name!r}")

    for kind, names in (("sites", found.sites), ("items", found.items)):
        for name in names:
            if name.count("/") != 1:
                mistakes.append(f"{kind}: name {name!r} as <enterprise>/<{kind[:-1]}>")
            need(found.enterprises, name.partition("/")[0], f"{kind} › {name}", "enterprise")
    for lane in found.lanes:
        need(found.sites, lane.start, "lanes", "site")
        need(found.sites, lane.end, "lanes", "site")
    ways = {(lane.start, lane.end) for lane in found.lanes}
    for one in found.agreements:
        where, start, end = f"agreements › {one.buyer} {one.item}", f"{one.seller}/{one.start}", f"{one.buyer}/{one.to}"
        need(found.sites, start, where, "site")
        need(found.sites, end, where, "site")
        need(found.items, f"{one.buyer}/{one.item}", where, "item")
        need(found.items, f"{one.seller}/{one.seller_item}", where, "item")
        if (start, end) not in ways:
            mistakes.append(f"{where}: there is no lane from {start} to {end}")
    for pool in found.stock:
        enterprise, _, rest = pool.partition("/")
        site, _, item = rest.partition("/")
        need(found.sites, f"{enterprise}/{site}", f"stock › {pool}", "site")
        need(found.items, f"{enterprise}/{item}", f"stock › {pool}", "item")
    return mistakes + _check_days(found)


def _check_days(found: Scenario) -> Mistakes:
    mistakes: Mistakes = []
    agreed = {(one.buyer, one.item) for one in found.agreements}
    placed: set[str] = set()
    for day, steps in sorted(found.days.items()):
        for step in steps:
            where = f"days › {day} › {step.kind}"
            if step.place is not None:
                buyer, _, number = step.place.order.partition("/")
                if not number:
                    mistakes.append(f"{where}: name the order as <buyer>/<number>")
                if (buyer, step.place.item) not in agreed:
                    mistakes.append(f"{where}: {buyer} has no agreement on {step.place.item!r}")
                if step.place.order in placed:
                    mistakes.append(f"{where}: {step.place.order} is placed twice")
                placed.add(step.place.order)
            elif step.burst is not None:
                if (step.burst.buyer, step.burst.item) not in agreed:
                    mistakes.append(f"{where}: {step.burst.buyer} has no agreement on {step.burst.item!r}")
            elif step.make is not None:
                if step.make.at not in found.sites:
                    mistakes.append(f"{where}: there is no site {step.make.at!r}")
                enterprise = step.make.at.partition("/")[0]
                for item in (step.make.item, *step.make.uses):
                    if f"{enterprise}/{item}" not in found.items:
                        mistakes.append(f"{where}: there is no item {enterprise}/{item}")
            elif step.show is None:
                moved = step.slip or step.recover
                order = moved.order if moved else step.confirm or step.ship or step.receive or ""
                if order not in placed:
                    mistakes.append(f"{where}: {order!r} is not placed before")
    return mistakes
