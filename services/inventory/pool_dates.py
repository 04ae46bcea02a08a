"""The rows of a pool as the chain model takes them, and what it answers: when will there be what is open.

Owns: the way in. Dates become whole minutes (rounded up), quantities whole millionths of the unit; what is reserved is
a hold of the stock, what is held by hand is no stock for anybody else. What flows state is made fit here, never
refused. Deliberately lacks: the rules (``services.chain``), and what is made of the answers (``pool_reckoning.py``).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from services.chain.moments import NEVER, SINCE, minute_of, split_at
from services.chain.pool_facts import STOCK, CoveredPart, DemandCovered, Frozen, Hold, Pool, SupplyPart, frozen
from services.chain.pool_facts import Demand as ChainDemand
from services.chain.pool_facts import Supply as ChainSupply
from services.chain.pool_index import PoolIndex
from services.chain.quantities import millionths
from services.inventory.pool_facts import DemandId
from services.inventory.pool_rows import (
    PRIORITY_MAX,
    Coming,
    Demand,
    Head,
    Held,
    Planned,
    Supply,
    Waiting,
    demand_row,
    supply_row,
)
from services.kernel.canonical import MS_MAX
from services.kernel.model import Rows

LAST_MINUTE: Final = MS_MAX // 60_000
"""The last minute of the year 9999; what is said to come later never comes."""


def moment_of(minute: int) -> int | None:
    """A date of the chain model in milliseconds since 1970 UTC; None for what never comes."""
    return minute * 60_000 if minute <= LAST_MINUTE else None


def _minute(at_ms: int | None) -> int:
    return _date(minute_of(at_ms)) if at_ms is not None else NEVER


def _date(minute: int) -> int:
    return max(SINCE, minute) if minute <= LAST_MINUTE else NEVER


def holds_at_the_door(holds: Iterable[Hold]) -> tuple[Hold, ...]:
    """Reservations as another service states them, without those of nothing."""
    return tuple(hold for hold in holds if hold.quantity > 0)


def parts_at_the_door(parts: Iterable[SupplyPart]) -> tuple[SupplyPart, ...]:
    """Parts as another service states them, by date, without those of nothing; of one date the last speaks for all."""
    fit: dict[int, SupplyPart] = {}
    for part in parts:
        date = _date(part.date)
        if part.quantity > 0:
            before = fit[date].quantity if date in fit else 0
            fit[date] = replace(part, date=date, quantity=before + part.quantity)
    return tuple(fit[date] for date in sorted(fit))


def open_demands(rows: Rows) -> dict[str, Demand]:
    """The demands for which the pool has still to give something, by row key."""
    found: dict[str, Demand] = {}
    entry: Waiting | Planned | Held
    for prefix in ("wait/", "plan/", "held/"):
        for _, entry in rows.scan(prefix):
            row = rows.get(entry.row)
            if isinstance(row, Demand):
                found[entry.row] = row
    return found


def open_supplies(rows: Rows) -> dict[str, Supply]:
    """The supplies of which something is still to come, by row key."""
    found: dict[str, Supply] = {}
    entry: Coming
    for _, entry in rows.scan("coming/"):
        row: Supply | None = rows.get(entry.row)
        if row is not None:
            found[entry.row] = row
    return found


def chain_pool(head: Head, demands: Iterable[Demand], supplies: Iterable[Supply]) -> Pool:
    """The pool as the chain model takes it, from what is open of it."""
    demands = list(demands)
    free = millionths(head.usable - head.reserved)
    stock = free + sum(millionths(demand.reserved) for demand in demands)
    in_order = sorted(((_chain_demand(demand), demand) for demand in demands), key=lambda pair: pair[0].order)
    placed: list[ChainDemand] = []
    for demand, row in in_order:
        reserved = Hold(STOCK, millionths(row.reserved))
        stated = tuple(_held(row.holds, demand.open - reserved.quantity, free))
        free -= sum(hold.quantity for hold in stated if hold.source == STOCK)
        placed.append(replace(demand, holds=(reserved, *stated)))
    return Pool(stock, tuple(placed), tuple(_chain_supply(supply) for supply in supplies))


def _held(stated: Iterable[Hold], open_units: int, free: int) -> Iterator[Hold]:
    """What a flow says that it holds beyond what is reserved for it: of the stock no more than nobody else holds."""
    for hold in stated:
        units = min(open_units, hold.quantity)
        if hold.source == STOCK:
            units = min(units, free)
            free -= units
        open_units -= units
        if units:
            yield Hold(hold.source, units)


def _chain_demand(row: Demand) -> ChainDemand:
    return ChainDemand(
        row.flow_key,
        number_of(row.demand),
        millionths(row.quantity),
        _minute(row.need_at_ms),
        min(max(row.priority, 0), PRIORITY_MAX),
        max(row.sequence_ms, 0),
        millionths(row.issued),
        frozen=row.frozen,
    )


def number_of(demand: DemandId) -> int:
    """Which input of its flow a demand is: the number at the end of ``<flow key>#<n>``, or 0."""
    number = demand.rpartition("#")[2]
    return int(number) if number.isascii() and number.isdecimal() else 0


def _chain_supply(row: Supply) -> ChainSupply:
    """A sender that states no parts has one, on the date that it expects; one that promised nothing is never late."""
    promised, units = row.promised_at_ms, millionths(row.quantity)
    expected = row.expected_at_ms if row.expected_at_ms is not None else promised
    parts = _fitted(row.parts or (SupplyPart(_minute(expected), units),), units)
    baseline = _minute(promised) if promised is not None or not parts else parts[-1].date
    return ChainSupply(row.flow_key, baseline, parts, millionths(row.received))


def _fitted(parts: tuple[SupplyPart, ...], units: int) -> tuple[SupplyPart, ...]:
    """The parts for so many units: what they are too many is cut off, what they are too few comes with the last."""
    fit = split_at(parts, units)[0]
    missing = units - sum(part.quantity for part in fit)
    return fit if not missing else (*fit[:-1], replace(parts[-1], quantity=fit[-1].quantity + missing))


def answers(pool: Pool) -> Mapping[str, DemandCovered]:
    """The chain model's answer to each demand of a pool, by its own id of it: what ``services.chain.pool.cover`` says.

    All is computed anew from all that is open. A ``PoolIndex`` that outlives the batch would be told the changes
    instead, and give the changed answers only; it needs a place beside the rows, which nothing pure has.
    """
    return PoolIndex(pool).covered


Dates = Mapping[str, tuple[CoveredPart, ...]]
"""Row key of a demand to the dates of what is open of it."""


def dates_of(covered: Mapping[str, DemandCovered], demands: Mapping[str, Demand]) -> Dates:
    """When what is open of each demand will be there, by row key."""
    return {key: covered[f"{row.flow_key}/{number_of(row.demand)}"].parts for key, row in demands.items()}


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of the units of demands; ``by``: the minute by which those that are asked about had come."""

    parts: Dates
    by: int

    def late(self, demand: Demand, amount: Decimal) -> Frozen | None:
        """What was known of so many units behind those that are held for a demand, by the last of them; None if they
        came in time, or if nobody knows why not."""
        parts = self.parts.get(demand_row(demand.flow_key, demand.demand), ())
        unheld = split_at(parts, millionths(demand.reserved))[1]
        units = split_at(unheld, millionths(amount))[0]
        known = frozen(units[-1]) if units else None
        if known is None or min(known.date, self.by) <= known.baseline:
            return None
        return replace(known, date=min(known.date, self.by))


NOTHING_KNOWN: Final = Known({}, SINCE)


def known_before(rows: Rows, arriving: Supply, by: int) -> Known:
    """What is known of those who wait when a supply arrives, with what it says itself of its dates.

    Afterwards it is stock, of which nobody can tell any more when it came.
    """
    head: Head = rows.get("head") or Head("")
    if not (head.tracked and head.waiting):
        return NOTHING_KNOWN
    demands, supplies = open_demands(rows), open_supplies(rows)
    supplies[supply_row(arriving.flow_key, arriving.supply)] = arriving
    covered = answers(chain_pool(head, demands.values(), supplies.values()))
    return Known(dates_of(covered, demands), by)
