"""What a replay came to: sums per partner from the views, beside an independent count of the file.

Owns: waiting until the views are complete, and the comparison. Deliberately lacks: a tolerance; figures are equal or
not.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from infra.cli.front_door import FrontDoor, Row
from infra.cli.tally import Tally

QUIET_SECONDS_MAX = 60.0
QUIET_SECONDS_AFTER_REFUSALS = 5.0
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Compared:
    """One partner: what the views say and what the file says."""

    partner: str
    seen: Tally
    counted: Tally

    @property
    def equal(self) -> bool:
        """True if every figure is."""
        return self.seen == self.counted


async def settled(door: FrontDoor, buyer: str, lines: int, open_lines: int, quiet_seconds_max: float) -> list[Row]:
    """The buyer's row per seller, once their sums have all lines and only so many open ones; or as they are when
    nothing has moved for so long, and then they will not compare equal."""
    before: tuple[int, int] = (-1, -1)
    since = monotonic()
    while True:
        rows = await door.view("order", buyer, "partners", role="BUYER")
        now = sum(row["lines"] for row in rows), sum(row["open_lines"] for row in rows)
        if now != before:
            before, since = now, monotonic()
        if (now[0] >= lines and now[1] <= open_lines) or monotonic() - since > quiet_seconds_max:
            return rows
        await asyncio.sleep(LOOK_SECONDS)


async def sums(door: FrontDoor, buyer: str, rows: Sequence[Row]) -> dict[str, Tally]:
    """Seller to its sums in the views. Lines that have not come are late by the clock, which the file knows nothing of;
    where a seller has such, its late lines are counted among those that came."""
    found = {row["partner"]: Tally(row["lines"], row["late_lines"], row["days_late"]) for row in rows}
    if unfinished := {row["partner"] for row in rows if row["open_lines"]}:
        came: dict[str, Tally] = defaultdict(Tally)
        for line in await door.view("order", buyer, "order-lines", role="BUYER"):
            if line["partner"] in unfinished and line["fulfilled_on"] and line["late"]:
                came[line["partner"]].late_lines += 1
                came[line["partner"]].days_late += line["days_late"]
        for partner in unfinished:
            found[partner] = Tally(found[partner].lines, came[partner].late_lines, came[partner].days_late)
    return found


def compare(seen: Mapping[str, Tally], names: Mapping[str, str], counted: Mapping[str, Tally]) -> list[Compared]:
    """Every partner that one of the two sides has, most lines first. ``names``: id to the text in the file."""
    by_name: dict[str, Tally] = defaultdict(Tally)
    for id_, tally in seen.items():
        have = by_name[names.get(id_, id_)]
        have.lines += tally.lines
        have.late_lines += tally.late_lines
        have.days_late += tally.days_late
    found = [Compared(name, by_name.get(name, Tally()), counted.get(name, Tally())) for name in {*by_name, *counted}]
    return sorted(found, key=lambda one: (-one.counted.lines, one.partner))
