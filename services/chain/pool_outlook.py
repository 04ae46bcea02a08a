"""What a planner wants to know of a pool beyond dates: buffers, coming shortages, what may still be promised.

Owns: the numbers of a pool's views, computed on demand from its facts. Deliberately lacks: any part in the propagation
of delays; nothing here is sent on.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from services.chain.moments import NEVER, SINCE
from services.chain.pool import Shares
from services.chain.pool_facts import DemandCovered, Pool, Supply, SupplyPart

_BLOCK: Final = 64


@dataclass(frozen=True, slots=True)
class SupplyOutlook:
    """One supply: its delay, what of it reached demands, what the pool absorbed, and how much later it may come.

    All in minutes. ``slack`` is the greatest further delay that makes no demand late that is in time now; None if
    there is no such limit.
    """

    flow: str
    delay_in: int
    passed: int
    absorbed: int
    slack: int | None


def supply_outlooks(pool: Pool, covered: Mapping[str, DemandCovered], served: Shares) -> tuple[SupplyOutlook, ...]:
    """The outlook of every supply with something open, given the answers to the pool's demands (by id), and its shares.

    A pass over the demands and one over the supplies, each with a search among the demands.
    """
    passed, held = _passed(covered.values()), _slack_for_holders(pool, served)
    waiting, free = _Waiting(pool, served), dict[str, list[SupplyPart]]()
    for share in served.free:
        free.setdefault(share.supply.flow, []).append(share.part)
    return tuple(
        _outlook(
            supply, passed.get(supply.flow, 0), [*waiting.slack(free.get(supply.flow, ())), *held.get(supply.flow, ())]
        )
        for supply in pool.supplies
        if supply.open_parts
    )


def _outlook(supply: Supply, passed: int, slack: Iterable[int]) -> SupplyOutlook:
    absorbed = NEVER if supply.delay == NEVER != passed else supply.delay - passed
    return SupplyOutlook(supply.flow, supply.delay, passed, absorbed, min(slack, default=None))


def _passed(covered: Iterable[DemandCovered]) -> dict[str, int]:
    """Late supply to the most that a part which waits for it is behind what was agreed."""
    passed: dict[str, int] = {}
    for answer in covered:
        for part in answer.parts:
            if part.late:
                behind = NEVER if part.date == NEVER else part.date - part.baseline
                passed[part.late.flow] = max(behind, passed.get(part.late.flow, 0))
    return passed


def _slack_for_holders(pool: Pool, served: Shares) -> dict[str, list[int]]:
    """Supply to the time, for each of its holders that is in time, until it is needed."""
    needs = {demand.id: demand.need for demand in pool.demands}
    slack: dict[str, list[int]] = {}
    for holder, held in served.held.items():
        for flow in {share.supply.flow for share in held}:
            last = max(share.part.date for share in held if share.supply.flow == flow)
            if last <= needs[holder] < NEVER:
                slack.setdefault(flow, []).append(needs[holder] - last)
    return slack


class _Waiting:
    """The queued demands that are in time, by need date: when each needs its last unit, and how many are there beyond.

    A demand is in time because of a supply if fewer units are there beyond it than the supply has brought by then.
    """

    def __init__(self, pool: Pool, served: Shares) -> None:
        last, lasts = 0, list[tuple[int, int]]()
        for demand in sorted(pool.demands, key=lambda demand: demand.order):
            queued = demand.open - served.held_by(demand)
            last += queued
            if queued and demand.need < NEVER:
                lasts.append((demand.need, last))
        parts = sorted((share.part.date, share.part.quantity) for share in served.free)
        self._needs, self._beyond = list[int](), list[int]()
        there, at = served.free_stock, 0
        for need, unit in sorted(lasts):
            while at < len(parts) and parts[at][0] <= need:
                there += parts[at][1]
                at += 1
            if there >= unit:
                self._needs.append(need)
                self._beyond.append(there - unit)
        self._least = [min(self._beyond[at : at + _BLOCK]) for at in range(0, len(self._beyond), _BLOCK)]

    def slack(self, own: Iterable[SupplyPart]) -> Iterator[int]:
        """The times from a supply's last part that came by then to the need of a demand that is in time because of it.

        Of each span between two parts only that of the first demand, which is the least.
        """
        parts = [part for part in sorted(own, key=lambda part: part.date) if part.date < NEVER]
        units = 0
        for part, following in zip_longest(parts, parts[1:]):
            units += part.quantity
            at = self._first_with_less(bisect_left(self._needs, part.date), units)
            if at < len(self._needs) and (following is None or self._needs[at] < following.date):
                yield self._needs[at] - part.date

    def _first_with_less(self, start: int, units: int) -> int:
        """The first demand from a place on that has fewer units beyond it; their number if there is none."""
        at = start
        while at < len(self._beyond):
            if at % _BLOCK == 0 and self._least[at // _BLOCK] >= units:
                at += _BLOCK
            elif self._beyond[at] < units:
                return at
            else:
                at += 1
        return len(self._beyond)


@dataclass(frozen=True, slots=True)
class StockLevel:
    """How many units there are from a date on; below zero: so many are missing."""

    date: int
    quantity: int


def projected_stock(pool: Pool) -> tuple[StockLevel, ...]:
    """The stock after each date at which something comes or is needed, if all that is needed were taken.

    Starts at SINCE with the stock of now; what never comes is not in it.
    """
    changes: dict[int, int] = {SINCE: pool.stock}
    for supply in pool.supplies:
        for part in supply.open_parts:
            changes[part.date] = changes.get(part.date, 0) + part.quantity
    for demand in pool.demands:
        changes[demand.need] = changes.get(demand.need, 0) - demand.open
    levels: list[StockLevel] = []
    quantity = 0
    for date in sorted(date for date in changes if date != NEVER):
        quantity += changes[date]
        levels.append(StockLevel(date, quantity))
    return tuple(levels)


def first_shortage(levels: Iterable[StockLevel]) -> int | None:
    """The first date at which less than nothing would be there; None if there is none."""
    return next((level.date for level in levels if level.quantity < 0), None)


def cumulative_available_to_promise(levels: Sequence[StockLevel]) -> tuple[StockLevel, ...]:
    """What may be promised in total for each date, so that nobody who was promised before goes without.

    That is the least projected stock from that date on, at least zero.
    """
    least = levels[-1].quantity if levels else 0
    promisable: list[StockLevel] = []
    for level in reversed(levels):
        least = min(least, level.quantity)
        promisable.append(StockLevel(level.date, max(0, least)))
    return tuple(reversed(promisable))


def discrete_available_to_promise(levels: Sequence[StockLevel]) -> tuple[StockLevel, ...]:
    """What each date adds to what may be promised; dates that add nothing are left out."""
    before, added = 0, list[StockLevel]()
    for level in cumulative_available_to_promise(levels):
        if level.quantity > before:
            added.append(StockLevel(level.date, level.quantity - before))
        before = level.quantity
    return tuple(added)


@dataclass(frozen=True, slots=True)
class DaysOfSupply:
    """How many of the following days the stock at the end of a day lasts; ``covers_horizon``: all that are known."""

    days: float
    covers_horizon: bool = False


def days_of_supply(stock: int, demand: Sequence[int], inbound: Sequence[int]) -> tuple[DaysOfSupply, ...]:
    """The days of supply at the end of each day but the last, from the demand and the inbound units of each day.

    The following days are taken in turn while the stock covers them whole; the first that it does not cover counts as
    the fraction that it covers. No stock gives 0, whatever follows.
    """
    result: list[DaysOfSupply] = []
    for day in range(len(demand) - 1):
        stock += inbound[day] - demand[day]
        result.append(_days_covered(stock, demand[day + 1 :]) if stock > 0 else DaysOfSupply(0.0))
    return tuple(result)


def _days_covered(stock: int, demand: Sequence[int]) -> DaysOfSupply:
    for days, needed in enumerate(demand):
        if needed > stock:
            return DaysOfSupply((days * needed + stock) / needed)
        stock -= needed
    return DaysOfSupply(float(len(demand)), covers_horizon=True)
