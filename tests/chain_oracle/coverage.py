"""Why a pool's demands are covered when they are: baseline dates, late supplies, who was served first, what is missing.

Read off a finished play, straight from the definitions. With S(t) the free stock and all free supply parts dated up to
t, unit u of the queue is there at A(u), the first t with S(t) >= u; S0 and A0 are the same with every supply at its
baseline. Owns: that reading for one pool. Deliberately lacks: what flows make of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tests.chain_oracle.dates import NEVER, SINCE
from tests.chain_oracle.facts import STOCK, Demand, Facts
from tests.chain_oracle.oracle import Parts, Played


@dataclass(frozen=True, slots=True)
class LateSupply:
    """The supply part that explains a late unit, by the flow that gives it and its date."""

    flow: str
    date: int
    baseline: int


@dataclass(frozen=True, slots=True)
class Covered:
    """A part of a demand: the units of one date, with what is known of the last of them.

    ``baseline`` is the date by plan (A0); ``late`` the supply to blame if the part is later than that; ``culprit`` a
    flow that arrived later and was served first; ``missing`` the units that nothing will ever bring.
    """

    date: int
    quantity: int
    baseline: int
    late: LateSupply | None = None
    culprit: str | None = None
    missing: int = 0

    @property
    def reach(self) -> int:
        """Minutes by which the part comes later than by plan; NEVER if it does not come."""
        return NEVER if self.date == NEVER else self.date - self.baseline


Curve = list[tuple[int, int]]  # (date, units there by then), dates ascending


@dataclass(frozen=True)
class Pool:
    """One pool with everything dated: what is held of each supply by whom, and what is left for the queue."""

    name: str
    facts: Facts
    demands: list[Demand]
    free_stock: int
    free: list[tuple[LateSupply, int]]  # the free parts of all supplies, late or not, with their units
    held: Mapping[tuple[str, str], Parts]  # (demand, supply) -> what the holder gets of it

    @cached_property
    def there(self) -> Curve:
        """S: what is free by each date, NEVER being none."""
        return _curve(self.free_stock, [(part.date, units) for part, units in self.free if part.date != NEVER])

    @cached_property
    def planned(self) -> Curve:
        """S0: what would be free by each date with every supply on its baseline."""
        return _curve(self.free_stock, [(part.baseline, units) for part, units in self.free])

    def late_supply(self, date: int, baseline: int) -> LateSupply | None:
        """The least free part that was due by ``baseline`` and is not there before ``date``, if that is late."""
        if date <= baseline:
            return None
        behind = [part for part, _ in self.free if part.date >= date and part.baseline <= baseline]
        return min(behind, key=lambda part: (part.date, part.baseline, part.flow))

    def culprit(self, demand: Demand, unit: int) -> str | None:
        """The latest arrived of those who arrived later than a demand and took what it would have had by plan."""
        ahead: list[Demand] = []
        taken = 0
        for other in self.demands:
            before = other.queued if other.order < demand.order else 0
            took = before + other.held.get(STOCK, 0)
            if other.sequence > demand.sequence and took:
                ahead.append(other)
                taken += took
        if first_date(self.planned, unit - taken) >= first_date(self.planned, unit):
            return None
        return max(ahead, key=lambda other: (other.sequence, other.order)).flow

    def units_before(self, demand: Demand) -> int:
        """How many units of the queue stand before a demand."""
        return sum(other.queued for other in self.demands if other.order < demand.order)


def units_by(curve: Curve, date: int) -> int:
    """How many units a curve has by a date."""
    return max((units for at, units in curve if at <= date), default=0)


def first_date(curve: Curve, unit: int) -> int:
    """The first date by which a curve has so many units."""
    return next((date for date, units in curve if units >= unit), NEVER)


def _curve(stock: int, parts: Parts) -> Curve:
    dates = sorted({SINCE, *(date for date, _ in parts)})
    return [(date, stock + sum(units for at, units in parts if at <= date)) for date in dates]


def read_pool(facts: Facts, played: Played, name: str) -> Pool:
    """One pool of a finished play: holders take from the earliest parts of their supply, in the order of demands."""
    demands = facts.demands[name]
    free: list[tuple[LateSupply, int]] = []
    held: dict[tuple[str, str], Parts] = {}
    for supply in facts.supplies[name]:
        left = list(played.flows[supply.id])
        for demand in demands:
            if demand.held.get(supply.id):
                held[demand.id, supply.id], left = _first_units(left, demand.held[supply.id])
        free += [(LateSupply(supply.id, date, supply.baseline), units) for date, units in left]
    free_stock = facts.stock[name] - sum(demand.held.get(STOCK, 0) for demand in demands)
    return Pool(name, facts, demands, free_stock, free, held)


def _first_units(parts: Parts, quantity: int) -> tuple[Parts, Parts]:
    """The first so many units of some parts, and the rest."""
    first: Parts = []
    rest: Parts = []
    for date, units in parts:
        taken = min(units, quantity)
        quantity -= taken
        first += [(date, taken)] if taken else []
        rest += [(date, units - taken)] if units > taken else []
    return first, rest


def covered(pool: Pool, demand: Demand) -> list[Covered]:
    """A demand's parts, one per date, ascending; a date that is both held and queued is told by its worst reach."""
    candidates: dict[int, list[tuple[tuple[int, int, str], Covered]]] = {}
    for part in _queued(pool, demand):
        candidates.setdefault(part.date, []).append(((part.baseline, 0, ""), part))
    for source, part in _held(pool, demand):
        candidates.setdefault(part.date, []).append(((part.baseline, 1, source), part))
    parts = []
    for date in sorted(candidates):
        quantity = sum(part.quantity for _, part in candidates[date])
        _, told = min(candidates[date], key=lambda candidate: candidate[0])
        parts.append(Covered(date, quantity, told.baseline, told.late, told.culprit, told.missing))
    return parts


def _queued(pool: Pool, demand: Demand) -> list[Covered]:
    """The queued units of a demand, one by one; those of one date are one part, with the story of the last of them."""
    before = pool.units_before(demand)
    last_of: dict[int, int] = {}
    count_of: dict[int, int] = {}
    for unit in range(before + 1, before + demand.queued + 1):
        date = first_date(pool.there, unit)
        last_of[date] = unit
        count_of[date] = count_of.get(date, 0) + 1
    return [_story(pool, demand, date, count_of[date], unit) for date, unit in last_of.items()]


def _story(pool: Pool, demand: Demand, date: int, quantity: int, unit: int) -> Covered:
    baseline = first_date(pool.planned, unit)
    if baseline == NEVER:
        return Covered(date, quantity, baseline, missing=unit - pool.planned[-1][1])
    late, culprit = pool.late_supply(date, baseline), pool.culprit(demand, unit)
    return Covered(date, quantity, baseline, late, culprit)


def _held(pool: Pool, demand: Demand) -> list[tuple[str, Covered]]:
    parts = [(STOCK, Covered(SINCE, demand.held[STOCK], SINCE))] if demand.held.get(STOCK) else []
    for (holder, supply), units in pool.held.items():
        if holder == demand.id:
            due = pool.facts.flows[supply].baseline
            for date, quantity in units:
                late = LateSupply(supply, date, due) if date > due else None
                parts.append((supply, Covered(date, quantity, due, late)))
    return parts
