"""The chain as the firms' own views show it, read firm by firm, and held against the forecast.

Owns: reading, the comparison, what a row is called, and who may be named in whose views. Nobody in the chain can see
all of this; the demo can, because it asks for each firm. Deliberately lacks: layout (chain_screen.py).
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from infra.cli.forecast import Forecast, line_flow
from infra.cli.front_door import FrontDoor, Row
from infra.cli.scenario import Scenario
from services.chain.moments import NEVER

VIEWS = {
    "order": ("order-lines", "partners", "exposure", "incidents", "incident-lines", "incident-places", "agreements"),
    "inventory": ("stock", "reservations", "inbound", "outlook", "supplies"),
    "fulfillment": ("flows", "work", "shipments", "shipment-lines", "lanes", "disruptions", "disrupted-flows"),
}
"""All views in which something about others could stand."""


@dataclass(frozen=True, slots=True)
class Firm:
    """What one firm sees: its lines as buyer and as seller by order, its work orders by key."""

    bought: Mapping[str, Row]
    sold: Mapping[str, Row]
    work: Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Chain:
    """All firms."""

    firms: Mapping[str, Firm]

    def bought(self, order: str) -> Row:
        """The row of an order in its buyer's view."""
        return self.firms[order.partition("/")[0]].bought[order]

    def work(self, key: str) -> Row:
        """The row of a work order in its owner's view."""
        return self.firms[key.partition("/")[0]].work[key]


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds from sending a report to the first changed row of the leader, and to the last; 0 if none changed."""

    first_ms: float
    all_ms: float


async def look(door: FrontDoor, scenario: Scenario) -> Chain:
    """Read what each firm sees now."""
    firms = await asyncio.gather(*(_firm(door, id_) for id_ in scenario.enterprises))
    return Chain(dict(zip(scenario.enterprises, firms, strict=True)))


async def _firm(door: FrontDoor, id_: str) -> Firm:
    lines, work = await asyncio.gather(
        door.view("order", id_, "order-lines"), door.view("fulfillment", id_, "work")
    )  # fmt: skip
    by_role: dict[str, dict[str, Row]] = {"BUYER": {}, "SELLER": {}}
    for row in lines:
        by_role[row["role"]][row["id"].rpartition("/")[0]] = row
    return Firm(by_role["BUYER"], by_role["SELLER"], {f"{id_}/{row['id']}": row for row in work})


def delay_of(row: Row | None) -> int | None:
    """Minutes late, as a row of order-lines or work says; None if there is no date to expect."""
    if row is None or row["delay_minutes"] is None or row["delay_minutes"] >= NEVER:
        return None
    return int(row["delay_minutes"])


def differences(scenario: Scenario, chain: Chain, wanted: Forecast) -> list[str]:
    """Where what the firms see is not what the chain model computes; empty if all is equal."""
    found: list[str] = []
    for order, expected in wanted.orders.items():
        seller = scenario.agreement_of(order).seller
        sides = {"buyer": chain.firms[order.partition("/")[0]].bought, "seller": chain.firms[seller].sold}
        for side, rows in sides.items():
            found += _difference(f"{order} ({side})", rows.get(order), _or_none(expected.delay))
    for key, expected in wanted.work.items():
        row = chain.firms[key.partition("/")[0]].work.get(key)
        found += _difference(key, row, _or_none(expected.delay))
    return found


def _or_none(delay: int) -> int | None:
    return None if delay >= NEVER else delay


def _difference(name: str, row: Row | None, wanted: int | None) -> Iterator[str]:
    if row is None:
        yield f"{name}: no row"
    elif row.get("expected_basis", row.get("basis")) is None:
        yield f"{name}: nothing is expected yet"
    elif delay_of(row) != wanted:
        yield f"{name}: {row['delay_minutes']} minutes late in the view, {wanted} by the model"


async def slacks(door: FrontDoor, scenario: Scenario) -> tuple[dict[str, int], set[str]]:
    """How many minutes later each order may come before somebody feels it, as its buyer's pool says; without those that
    have no limit. And all orders that a pool has looked at, and found in time."""
    buyers = list(dict.fromkeys(order.partition("/")[0] for order in scenario.orders))
    views = await asyncio.gather(*(door.view("inventory", buyer, "supplies") for buyer in buyers))
    found = {row["flow_key"]: row["slack_minutes"] for rows in views for row in rows if row["delay_minutes"] == 0}
    orders = {order: found[flow] for order in scenario.orders if (flow := line_flow(order)) in found}
    return {order: slack for order, slack in orders.items() if slack is not None}, set(orders)


# -- The way of a delay ------------------------------------------------------------------------------------------------


def paths(scenario: Scenario, late: Iterable[str], plant: str) -> list[list[str]]:
    """All ways of late orders from the plant to the leader, each with the leader's order first."""
    late = set(late)
    found: list[list[str]] = []

    def follow(way: list[str]) -> None:
        if scenario.agreement_of(way[-1]).seller == plant:
            found.append(way)
        for order in scenario.needed_for(way[-1]):
            if order in late and order not in way:
                follow([*way, order])

    for order in scenario.orders:
        if order in late and order.startswith(f"{scenario.leader}/"):
            follow([order])
    return found


def tiers_between(scenario: Scenario, ways: Iterable[list[str]]) -> int:
    """How often news must be passed on from firm to firm along the shortest way; 0 without any."""
    return min(map(len, ways), default=0)


# -- What a firm may not read ------------------------------------------------------------------------------------------


async def leaks(door: FrontDoor, scenario: Scenario, secrets: Mapping[str, Iterable[str]]) -> tuple[int, list[str]]:
    """How many rows were searched, and where a firm's views name one that is neither itself nor a direct partner.

    ``secrets``: further words, with the firms of which each is; only they and their direct partners may read it.
    """
    rows, found = 0, []
    for viewer in scenario.enterprises:
        near = {viewer, *scenario.partners(viewer)}
        forbidden = {word: id_ for id_ in scenario.enterprises if id_ not in near for word in _names(scenario, id_)}
        forbidden |= {word: viewer for word, owners in secrets.items() if near.isdisjoint(owners)}
        for service, views in VIEWS.items():
            for view in views:
                for row in await door.view(service, viewer, view):
                    rows += 1
                    text = " ".join(_texts(row))
                    found += [f"{viewer}'s {view} names {word}" for word in forbidden if _is_in(word, text)]
    return rows, found


def _is_in(word: str, text: str) -> bool:
    """As a word of its own, not in the middle of another."""
    return word in text and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _names(scenario: Scenario, id_: str) -> tuple[str, ...]:
    return id_, scenario.enterprises[id_].name


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value


def day(text: str | None) -> date | None:
    """A date of a row."""
    return date.fromisoformat(text) if text else None
