"""What the flows and pools of a chain of facts are called in the services, and who does what there.

A pool ``S1/part`` is item ``part`` of enterprise ``S1``; one without an owner belongs to ``E``. In the services a pool
has one owner, and what is taken from it its owner takes. So a flow is the doing of whoever owns the pool that it takes
from, whatever enterprise the facts name (in the worked examples 07 and 08 these differ).

A flow of kind ``line`` with at most one input is an order line; its buyer owns the pool that it fills, or is
``customer`` where it fills none. What takes from the pool that it fills goes out and comes back: two transfers. All
else is a work order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any, Final

from services.fulfillment.keys import line_flow_key, transfer_flow_key, work_key

Written = Mapping[str, Any]

FIRST_DAY: Final = date(2030, 1, 1)
CUSTOMER: Final = "customer"
LINE: Final = "1"
NO_OWNER: Final = "E"
AWAY: Final = "away"
SITE: Final = "main"


class Kind(Enum):
    """What a flow is in the services."""

    LINE = "order line"
    WORK = "work order"
    ROUND_TRIP = "two transfers"


@dataclass(frozen=True, slots=True)
class Place:
    """A pool in the services."""

    enterprise: str
    item: str
    unit: str
    site: str = SITE

    @property
    def key(self) -> str:
        """The key of the pool."""
        return f"pool/{self.enterprise}/{self.site}/{self.item}"

    @property
    def row(self) -> str:
        """The row id of the pool in views."""
        return f"{self.site}/{self.item}"


@dataclass(frozen=True, slots=True)
class Named:
    """A flow in the services: its keys in the order of the goods, and who does it."""

    id: str
    kind: Kind
    does: str
    buyer: str
    keys: tuple[str, ...]

    @property
    def last(self) -> str:
        """The key of the flow that gives the output."""
        return self.keys[-1]


class Names:
    """The names and the calendar of one story.

    Each pool counts in a unit of its own, so that lines may convert as they like. ``tag``: behind the name of each
    enterprise. Minute 0 of the facts begins ``first_day``, which is after every time at which a test runs, so that the
    time of the facts is the services' time as soon as the clock says so.
    """

    def __init__(self, pools: Iterable[str], tag: str = "", first_day: date = FIRST_DAY) -> None:
        self.tag, self.first_day = tag, first_day
        self.base_minute = int(datetime.combine(first_day, time(), UTC).timestamp()) // 60
        self.places = {pool: self._place(pool, number) for number, pool in enumerate(sorted(pools))}
        self.flows: dict[str, Named] = {}
        self.by_key: dict[str, str] = {}

    def _place(self, pool: str, number: int) -> Place:
        owner, _, item = pool.rpartition("/")
        return Place((owner or NO_OWNER) + self.tag, item, f"P{number:02}")

    def at_ms(self, minute: int) -> int:
        """A minute of the facts in ms since 1970 UTC."""
        return (self.base_minute + minute) * 60_000

    def learn(self, flow: Written) -> Named:
        """The flow by its services' name, from now on known by its keys too."""
        named = self._named(flow)
        self.flows[named.id] = named
        self.by_key.update(dict.fromkeys(named.keys, named.id))
        return named

    def _named(self, flow: Written) -> Named:
        output = self.places[flow["output"]] if flow["output"] else None
        sources = [self.places[taken["pool"]].enterprise for taken in flow["inputs"]]
        id_ = flow["id"]
        if flow["output"] and [taken["pool"] for taken in flow["inputs"]] == [flow["output"]]:
            owner = sources[0]
            keys = transfer_flow_key(owner, f"{id_}-out"), transfer_flow_key(owner, f"{id_}-back")
            return Named(id_, Kind.ROUND_TRIP, owner, owner, keys)
        does = sources[0] if sources else flow["enterprise"] + self.tag
        buyer = output.enterprise if output else CUSTOMER + self.tag
        if flow["kind"] == "line" and len(sources) <= 1 and does != buyer:
            return Named(id_, Kind.LINE, does, buyer, (line_flow_key(buyer, id_, LINE),))
        does = sources[0] if sources else buyer if output else flow["enterprise"] + self.tag
        return Named(id_, Kind.WORK, does, does, (work_key(does, id_),))

    def flow_of(self, key: str) -> str:
        """The flow of a key, or the key itself if it is none of ours."""
        return self.by_key.get(key, key)


def event_key(named: Named, event: str) -> str:
    """What a report with this disruption is counted under."""
    return f"disruption/{named.does}/{event}"


def event_of(key: str) -> str | None:
    """The event of such a key; None if nothing was reported."""
    return key.rpartition("/")[2] or None
