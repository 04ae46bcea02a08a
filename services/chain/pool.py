"""Who gets what when, and which supply or demand is to blame: the definition, written to be read.

Owns: the rules of a pool. Reservations are served first; the rest is a queue in the static order, strictly first come
first served; from which supply a unit comes is irrelevant to dates. Deliberately lacks: speed. It computes everything
from all facts; ``pool_index`` gives the same answers in proportion to what changed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from services.chain.causes import Cause, Root, RootClass
from services.chain.moments import NEVER, SINCE, split_at
from services.chain.pool_facts import (
    STOCK,
    CoveredPart,
    Demand,
    DemandCovered,
    LateSupply,
    Pool,
    Supply,
    SupplyPart,
)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a supply that is free, or held for one demand."""

    supply: Supply
    part: SupplyPart

    def late_supply(self) -> LateSupply:
        """It as the one to blame; a supply that gives no reason for its delay is the root itself."""
        cause = self.part.cause or Cause(Root(self.supply.flow, RootClass.REPORTED), ())
        return LateSupply(self.supply.flow, self.part.date, self.supply.baseline, cause, self.part.trail)


@dataclass(frozen=True, slots=True)
class Shares:
    """What remains for the queue when the reservations are served, and what each demand (by id) holds."""

    free_stock: int
    free: tuple[Share, ...]
    held_stock: Mapping[str, int]
    held: Mapping[str, tuple[Share, ...]]

    def held_by(self, demand: Demand) -> int:
        """How many units a demand holds in all."""
        return self.held_stock.get(demand.id, 0) + units_of(share.part for share in self.held.get(demand.id, ()))


def shares(pool: Pool) -> Shares:
    """Serves the reservations: holders of one source in the order of demands, from its earliest parts.

    What the source can not give to a holder any more waits in the queue with the rest.
    """
    holders = sorted(pool.demands, key=lambda demand: demand.order)
    stock, held_stock = split_among([SupplyPart(SINCE, max(0, pool.stock))], _claims(holders, STOCK))
    free: list[Share] = []
    held: dict[str, tuple[Share, ...]] = {}
    for supply in pool.supplies:
        rest, taken = split_among(supply.open_parts, _claims(holders, supply.flow))
        free += [Share(supply, part) for part in rest]
        for demand, parts in taken.items():
            held[demand] = (*held.get(demand, ()), *(Share(supply, part) for part in parts))
    return Shares(units_of(stock), tuple(free), {demand: units_of(parts) for demand, parts in held_stock.items()}, held)


def _claims(holders: Iterable[Demand], source: str) -> list[tuple[str, int]]:
    return [(demand.id, demand.claims().get(source, 0)) for demand in holders]


def split_among(
    parts: Sequence[SupplyPart], claims: Iterable[tuple[str, int]]
) -> tuple[tuple[SupplyPart, ...], dict[str, tuple[SupplyPart, ...]]]:
    """What is left of parts when holders (id, units) took from them in turn, and what each of them got."""
    rest, taken = tuple(parts), dict[str, tuple[SupplyPart, ...]]()
    for demand, units in claims:
        if units and rest:
            taken[demand], rest = split_at(rest, units)
    return tuple(part for part in rest if part.quantity), {demand: got for demand, got in taken.items() if got}


def units_of(parts: Iterable[SupplyPart]) -> int:
    """How many units the parts are."""
    return sum(part.quantity for part in parts)


class Curves(Protocol):
    """How much is there for the queue by when: as expected, and as it was agreed. Units are counted from 1."""

    def units_by(self, date: int) -> int:
        """S(t): free stock and all free supply that is expected by then."""

    def date_of(self, unit: int) -> int:
        """A(u): the first date by which so many units are expected."""

    def agreed_date(self, unit: int) -> int:
        """A0(u): the first date by which so many units were agreed to be there; SINCE for 0 and less."""

    def late_supply(self, date: int, baseline: int) -> Share | None:
        """Of the supplies that were due by the baseline and are not there before the date, the first to come.

        The least (date, baseline, flow). There is one whenever date > baseline: more was due than is there.
        """

    def supply_of(self, date: int) -> Share | None:
        """The free supply that comes at exactly this date, the least flow of several; stock is none."""


@dataclass(frozen=True, slots=True)
class PlainCurves:
    """The curves by their definition."""

    free_stock: int
    free: tuple[Share, ...]

    def units_by(self, date: int) -> int:
        """S(t)."""
        return self.free_stock + sum(share.part.quantity for share in self.free if share.part.date <= date)

    def agreed_by(self, date: int) -> int:
        """S0(t): the same with every supply at its baseline."""
        return self.free_stock + sum(share.part.quantity for share in self.free if share.supply.baseline <= date)

    def date_of(self, unit: int) -> int:
        """A(u) = min {t: S(t) >= u}."""
        dates = sorted({SINCE, *(share.part.date for share in self.free)})
        return next((date for date in dates if self.units_by(date) >= unit), NEVER)

    def agreed_date(self, unit: int) -> int:
        """A0(u) = min {t: S0(t) >= u}."""
        dates = sorted({SINCE, *(share.supply.baseline for share in self.free)})
        return next((date for date in dates if self.agreed_by(date) >= unit), NEVER)

    def late_supply(self, date: int, baseline: int) -> Share | None:
        """The least (date, baseline, flow) of those that were due."""
        due = (share for share in self.free if share.part.date >= date and share.supply.baseline <= baseline)
        return min(due, key=lambda s: (s.part.date, s.supply.baseline, s.supply.flow), default=None)

    def supply_of(self, date: int) -> Share | None:
        """The least flow of those that come then."""
        return min((s for s in self.free if s.part.date == date), key=lambda s: s.supply.flow, default=None)


Candidate = tuple[tuple[int, int, str], CoveredPart]
"""A part of a demand and its rank as the representative of all its parts on one date."""


def cover(pool: Pool) -> dict[str, DemandCovered]:
    """The answer to every demand, by its id; without parts if all of it was issued."""
    served = shares(pool)
    curves = PlainCurves(served.free_stock, served.free)
    answers: dict[str, DemandCovered] = {}
    ahead: list[tuple[Demand, int]] = []  # with the units that each waits for
    first = 0
    for demand in sorted(pool.demands, key=lambda demand: demand.order):
        waiting = demand.open - served.held_by(demand)
        overtaken = _overtaken(demand, ahead, [d for d in pool.demands if d.id in served.held_stock], served.held_stock)
        held = held_candidates(served.held_stock.get(demand.id, 0), served.held.get(demand.id, ()))
        parts = represented([*held, *queued_candidates(curves, first, first + waiting, *overtaken)])
        answers[demand.id] = DemandCovered(demand.flow, demand.n, parts, demand.issued, demand.frozen)
        ahead.append((demand, waiting))
        first += waiting
    return answers


def held_candidates(stock: int, own: Iterable[Share]) -> Iterator[Candidate]:
    """What is held: of stock at once, of a supply when it comes; then that supply is the one to blame."""
    if stock:
        yield ((SINCE, 1, STOCK), CoveredPart(SINCE, stock))
    for share in own:
        date, baseline = share.part.date, share.supply.baseline
        late = share.late_supply() if date > baseline else None
        path = () if date == NEVER else share.part.path
        yield ((baseline, 1, share.supply.flow), CoveredPart(date, share.part.quantity, baseline, late, path=path))


def queued_candidates(curves: Curves, first: int, last: int, jumped: int, latest: str) -> Iterator[Candidate]:
    """Units first+1 … last of the queue, those of one date together; each part is judged by its last unit.

    ``jumped`` units are for demands that arrived later and are served before, ``latest`` is the last arrived of these.
    """
    while first < last:
        date = curves.date_of(first + 1)
        unit = last if date == NEVER else min(last, curves.units_by(date))
        baseline = curves.agreed_date(unit)
        late = curves.late_supply(date, baseline) if date > baseline else None
        supply = curves.supply_of(date) if SINCE < date < NEVER else None
        part = CoveredPart(
            date,
            unit - first,
            baseline,
            late.late_supply() if late else None,
            latest if jumped and curves.agreed_date(unit - jumped) < baseline else "",
            unit - curves.units_by(NEVER) if baseline == NEVER else 0,
            supply.part.path if supply else (),
        )
        yield (baseline, 0, STOCK), part
        first = unit


def _overtaken(
    demand: Demand, ahead: Iterable[tuple[Demand, int]], stock_holders: Iterable[Demand], held_stock: Mapping[str, int]
) -> tuple[int, str]:
    """How many units are served before a demand although they are for later arrivals, and the latest of these."""
    later = [(other, waiting) for other, waiting in ahead if waiting and other.sequence > demand.sequence]
    later += [(other, held_stock[other.id]) for other in stock_holders if other.sequence > demand.sequence]
    latest = max((other for other, _ in later), key=lambda other: other.arrival, default=None)
    return sum(units for _, units in later), latest.flow if latest else ""


def represented(candidates: Iterable[Candidate]) -> tuple[CoveredPart, ...]:
    """One part per date, by date: all that comes then, with the account of the candidate of the least rank."""
    by_date: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        by_date.setdefault(candidate[1].date, []).append(candidate)
    parts = []
    for _, on_date in sorted(by_date.items()):
        quantity = sum(part.quantity for _, part in on_date)
        part = min(on_date, key=lambda candidate: candidate[0])[1]
        parts.append(part if part.quantity == quantity else replace(part, quantity=quantity))
    return tuple(parts)
