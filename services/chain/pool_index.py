"""A pool kept in memory: the answers of ``pool.cover``, with work in proportion to what changed.

Owns: the queue as running sums, who waits for which late supply, and the question which demands a change of facts can
reach: those with units between the old and the new place of a supply, those whose units cross a step of a curve, those
that hold a changed supply or wait for it, and those that may have a better one to wait for. They are computed again,
the others are not looked at, but for one number each if a change lets demands overtake (``overtaken``). Deliberately
lacks: rules of its own (an answer is put together by ``pool``), and storage.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.chain.moments import NEVER, SINCE
from services.chain.overtaken import Arrival, Overtaken
from services.chain.pool import (
    Candidate,
    Share,
    Shares,
    held_candidates,
    queued_candidates,
    represented,
    split_among,
    units_of,
)
from services.chain.pool_curves import ALL_UNITS, NO_UNITS, DateKey, IndexedCurves, Units
from services.chain.pool_facts import STOCK, Demand, DemandCovered, OrderKey, Pool, Supply, SupplyPart
from services.chain.running_sums import RunningSums

REBUILD_MIN: Final = 64
"""So many demands that change at once, if they are a tenth of all, are not worth being told apart."""


@dataclass(frozen=True, slots=True)
class _Wait:
    """Where a demand stands: its keys, the units that it waits for, and the stock that it holds."""

    order: OrderKey
    arrival: Arrival
    units: int
    stock: int


class PoolIndex:
    """The answers to all demands of one pool, equal to ``cover`` of its facts after each update.

    ``touched`` counts the demands that the last update computed again.
    """

    def __init__(self, pool: Pool | None = None) -> None:
        self.covered: dict[str, DemandCovered] = {}
        self.touched = 0
        self._stock = 0
        self._claimed = 0  # of the stock, by all together
        self._enough = False  # of it for all who claimed some when it was shared out last
        self._demands: dict[str, Demand] = {}
        self._supplies: dict[str, Supply] = {}
        self._holders: dict[str, set[str]] = {}  # source → the demands that claim some of it
        self._held: dict[str, dict[str, tuple[SupplyPart, ...]]] = {}  # source → demand → what it got
        self._free: dict[str, dict[DateKey, Share]] = {}  # source → what is left for the queue
        self._curves = IndexedCurves()
        self._queue: RunningSums[OrderKey] = RunningSums()
        self._ids: dict[OrderKey, str] = {}
        self._waits: dict[str, _Wait] = {}
        self._dirty: set[str] = set()
        self._overtaken = Overtaken()
        self._waiting_for: dict[str, set[str]] = {}  # late supply → demands
        if pool:
            self.update(pool.stock, pool.demands, pool.supplies)

    @property
    def pool(self) -> Pool:
        """The facts as they were told."""
        return Pool(self._stock, tuple(self._demands.values()), tuple(self._supplies.values()))

    def served(self) -> Shares:
        """What remains for the queue when the reservations are served, and what each demand holds."""
        held: dict[str, tuple[Share, ...]] = {}
        for source, taken in self._held.items():
            if source != STOCK and source in self._supplies:
                supply = self._supplies[source]
                for id_, parts in taken.items():
                    held[id_] = (*held.get(id_, ()), *(Share(supply, part) for part in parts))
        free = [share for source, by_key in self._free.items() if source != STOCK for share in by_key.values()]
        stock = units_of(share.part for share in self._free.get(STOCK, {}).values())
        held_stock = {id_: units_of(parts) for id_, parts in self._held.get(STOCK, {}).items()}
        return Shares(stock, tuple(free), held_stock, held)

    def update(
        self,
        stock: int | None = None,
        demands: Iterable[Demand] = (),
        supplies: Iterable[Supply] = (),
        gone_demands: Iterable[str] = (),
        gone_supplies: Iterable[str] = (),
    ) -> Mapping[str, DemandCovered]:
        """Takes a batch of facts as they are now (gone: ids and flows), and gives the answers that changed by it."""
        self._dirty = set[str]()
        sources = self._note_supplies(supplies, gone_supplies)
        if stock is not None and stock != self._stock:
            self._stock = stock
            sources.add(STOCK)
        requeue = self._note_demands(demands, gone_demands, sources)
        gone, come = dict[DateKey, Share](), dict[DateKey, Share]()
        if STOCK in sources:
            requeue |= self._serve_stock(requeue, gone, come)
        for source in sources - {STOCK}:
            requeue |= self._serve(source, gone, come)
        self._dirty |= requeue
        if len(requeue) > max(REBUILD_MIN, len(self._demands) // 10):
            self._rebuild(requeue, gone, come)
        else:
            self._adjust(requeue, gone, come)
        return self._answer()

    def _adjust(self, requeue: set[str], gone: Mapping[DateKey, Share], come: Mapping[DateKey, Share]) -> None:
        """One change after the other, each with those whom it can reach."""
        expected, agreed = self._curves.replace(gone, come)
        for units in (*expected, *agreed):
            self._touch(units)
        self._touch_those_with_another_supply(gone, come)
        moved = [self._requeue(id_) for id_ in requeue]
        if any(moved) or agreed:
            anew = (min(agreed)[0], max(upto for _, upto in agreed)) if agreed else NO_UNITS
            overtaken = self._overtaken.changed(self._curves.agreed_steps(), anew)
            self._dirty |= {self._ids[order] for order in overtaken}

    def _rebuild(self, requeue: set[str], gone: Mapping[DateKey, Share], come: Mapping[DateKey, Share]) -> None:
        """All changes at once; everybody is computed again."""
        self._curves.replace(gone, come)
        for id_ in requeue:
            before, now = self._note_wait(id_)
            if before and before.units:
                self._queue.put(before.order, 0)
            if now and now.units:
                self._queue.put(now.order, now.units)
        self._ids = {wait.order: id_ for id_, wait in self._waits.items()}
        self._overtaken = Overtaken((wait.order, wait.arrival, wait.units, wait.stock) for wait in self._waits.values())
        list(self._overtaken.changed(self._curves.agreed_steps(), ALL_UNITS))
        self._dirty |= self._demands.keys()

    def _note_supplies(self, supplies: Iterable[Supply], gone: Iterable[str]) -> set[str]:
        """The supplies that changed. Who holds of them or waits for them must be told."""
        changed = {supply.flow: supply for supply in supplies if self._supplies.get(supply.flow) != supply}
        self._supplies |= changed
        flows = changed.keys() | {flow for flow in gone if self._supplies.pop(flow, None)}
        for flow in flows:
            self._dirty |= self._waiting_for.get(flow, set()) | self._held.get(flow, {}).keys()
        return set(flows)

    def _note_demands(self, demands: Iterable[Demand], gone: Iterable[str], sources: set[str]) -> set[str]:
        """The demands that changed; of what they claim or claimed the sources must be shared out anew."""
        changed: dict[str, Demand | None] = {d.id: d for d in demands if self._demands.get(d.id) != d}
        changed |= {id_: None for id_ in gone if id_ in self._demands}
        for id_, demand in changed.items():
            before = self._demands.pop(id_, None)
            for source in before.claims() if before else ():
                self._holders[source].discard(id_)
                if not self._holders[source]:
                    del self._holders[source]
                sources.add(source)
            for source in demand.claims() if demand else ():
                self._holders.setdefault(source, set()).add(id_)
                sources.add(source)
            self._claimed += _claim(demand) - _claim(before)
            if demand:
                self._demands[id_] = demand
        self._dirty |= changed.keys()
        return set(changed)

    def _serve_stock(self, changed: set[str], gone: dict[DateKey, Share], come: dict[DateKey, Share]) -> set[str]:
        """As ``_serve``; where there is enough for all, as mostly, nobody but who changed is looked at."""
        was_enough, self._enough = self._enough, self._claimed <= self._stock
        if not (was_enough and self._enough):
            return self._serve(STOCK, gone, come)
        held, others = self._held.setdefault(STOCK, {}), set[str]()
        for id_ in changed:
            units = _claim(self._demands.get(id_))
            now = (SupplyPart(SINCE, units),) if units else None
            if now != held.pop(id_, None):
                others.add(id_)
            if now:
                held[id_] = now
        self._set_free(STOCK, Supply(STOCK, SINCE, ()), [SupplyPart(SINCE, self._stock - self._claimed)], gone, come)
        return others

    def _serve(self, source: str, gone: dict[DateKey, Share], come: dict[DateKey, Share]) -> set[str]:
        """Shares a source out among those who claim it; gives those who got something else than before."""
        supply = self._supplies.get(source) or Supply(source, SINCE, ())
        parts = (SupplyPart(SINCE, max(0, self._stock)),) if source == STOCK else supply.open_parts
        holders = sorted((self._demands[id_] for id_ in self._holders.get(source, ())), key=lambda demand: demand.order)
        rest, held = split_among(parts, [(demand.id, demand.claims()[source]) for demand in holders])
        before = self._held.pop(source, {})
        if held:
            self._held[source] = held
        self._set_free(source, supply, rest, gone, come)
        return {id_ for id_ in before.keys() | held.keys() if before.get(id_) != held.get(id_)}

    def _set_free(
        self,
        source: str,
        supply: Supply,
        rest: Iterable[SupplyPart],
        gone: dict[DateKey, Share],
        come: dict[DateKey, Share],
    ) -> None:
        """What is left of a source for the queue."""
        gone |= self._free.pop(source, {})
        free = {(part.date, supply.baseline, source): Share(supply, part) for part in rest if part.quantity}
        if free:
            self._free[source] = free
            come |= free

    def _touch(self, units: Units) -> None:
        """Whoever waits for some of the units is to be computed again."""
        above, upto = units
        found = self._queue.at(max(0, above) + 1) if upto > above else None
        if found is None:
            return
        start, before = found
        for order, amount in self._queue.items(start):
            if before >= upto:
                return
            self._dirty.add(self._ids[order])
            before += amount

    def _touch_those_with_another_supply(self, gone: Mapping[DateKey, Share], come: Mapping[DateKey, Share]) -> None:
        """Those who wait for a late supply that another one now precedes, or whose path leads over a changed one."""
        for source in {key[2] for key in come}:
            new = [key for key in come if key[2] == source and key not in gone]
            old = [key for key in gone if key[2] == source and key not in come]
            if new:
                for key in self._curves.keys_between(min(new), max(old, default=(NEVER + 1,))):
                    self._dirty |= self._waiting_for.get(key[2], set())
        for key in come.keys() & gone.keys():
            if come[key].part.path != gone[key].part.path and key[0] != NEVER:
                self._touch((self._curves.units_by(key[0] - 1), self._curves.units_by(key[0])))

    def _note_wait(self, id_: str) -> tuple[_Wait | None, _Wait | None]:
        """How a demand stood in the queue, and how it stands now."""
        before, now = self._waits.pop(id_, None), None
        demand = self._demands.get(id_)
        if demand:
            got = {source: units_of(self._held.get(source, {}).get(id_, ())) for source in demand.claims()}
            now = _Wait(demand.order, demand.arrival, demand.open - sum(got.values()), got.get(STOCK, 0))
            self._waits[id_] = now
        return before, now

    def _requeue(self, id_: str) -> bool:
        """Puts a demand where it stands now, and touches whom that shifts over a step; False if nothing changed."""
        before, now = self._note_wait(id_)
        if before == now:
            return False
        if before and (now is None or now.order != before.order):
            self._shift(id_, _Wait(before.order, before.arrival, 0, 0))
        if now:
            self._shift(id_, now)
        return True

    def _shift(self, id_: str, wait: _Wait) -> None:
        more = wait.units - self._queue.amount(wait.order)
        self._overtaken.hold_stock(wait.arrival, wait.stock)
        self._overtaken.wait(wait.order, wait.arrival, wait.units)
        self._queue.put(wait.order, wait.units)
        if wait.units:
            self._ids[wait.order] = id_
        else:
            self._ids.pop(wait.order, None)
        if more:
            for units in self._curves.crossing(self._queue.before(wait.order), more):
                self._touch(units)

    def _answer(self) -> Mapping[str, DemandCovered]:
        """Computes again who was touched, and gives the answers that are others now."""
        changed: dict[str, DemandCovered] = {}
        self.touched = len(self._dirty)
        for id_ in self._dirty:
            demand, before = self._demands.get(id_), self.covered.pop(id_, None)
            now = self._cover(demand) if demand else None
            if now:
                self.covered[id_] = now
            if now != before:
                for flow in _late_supplies(before):
                    self._waiting_for[flow].discard(id_)
                    if not self._waiting_for[flow]:
                        del self._waiting_for[flow]
                for flow in _late_supplies(now):
                    self._waiting_for.setdefault(flow, set()).add(id_)
                if now:
                    changed[id_] = now
        return changed

    def _cover(self, demand: Demand) -> DemandCovered:
        wait, candidates = self._waits[demand.id], list[Candidate]()
        for source in demand.claims():
            parts, supply = self._held.get(source, {}).get(demand.id, ()), self._supplies.get(source)
            candidates += held_candidates(0, (Share(supply, part) for part in parts) if supply else ())
        candidates += held_candidates(wait.stock, ())
        if wait.units:
            place, first = self._overtaken.place(demand.order), self._queue.before(demand.order)
            latest = place.latest[1] if place.latest else ""
            queued = list(queued_candidates(self._curves, first, first + wait.units, place.jumped, latest))
            place.in_parts = len(queued) > 1
            candidates += queued
        return DemandCovered(demand.flow, demand.n, represented(candidates), demand.issued, demand.frozen)


def _late_supplies(answer: DemandCovered | None) -> set[str]:
    return {part.late.flow for part in answer.parts if part.late} if answer else set()


def _claim(demand: Demand | None) -> int:
    return demand.claims().get(STOCK, 0) if demand else 0
