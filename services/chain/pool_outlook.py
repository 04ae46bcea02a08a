"""What a planner wants to know of a pool beyond dates: buffers, coming shortages, what may still be promised.

Owns: the numbers of a pool's views, computed on demand from its facts. Deliberately lacks: any part in the propagation
of delays; nothing here is sent on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.chain.moments import NEVER, SINCE
from services.chain.pool import PlainCurves, Shares, shares, units_of
from services.chain.pool_facts import DemandCovered, Pool, Supply


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


def supply_outlooks(pool: Pool, covered: Mapping[str, DemandCovered]) -> tuple[SupplyOutlook, ...]:
    """The outlook of every supply with something open, given the answers to the pool's demands (by id)."""
    served = shares(pool)
    return tuple(
        _outlook(pool, served, supply, _passed(supply.flow, covered.values()))
        for supply in pool.supplies
        if supply.open_parts
    )


def _passed(supply: str, covered: Iterable[DemandCovered]) -> int:
    """The most that a part which waits for this supply is behind what was agreed."""
    waiting = [part for answer in covered for part in answer.parts if part.late and part.late.flow == supply]
    return max((NEVER if part.date == NEVER else part.date - part.baseline for part in waiting), default=0)


def _outlook(pool: Pool, served: Shares, supply: Supply, passed: int) -> SupplyOutlook:
    absorbed = NEVER if supply.delay == NEVER != passed else supply.delay - passed
    slack = min([*_slack_for_queue(pool, served, supply), *_slack_for_holders(pool, served, supply)], default=None)
    return SupplyOutlook(supply.flow, supply.delay, passed, absorbed, slack)


def _slack_for_queue(pool: Pool, served: Shares, supply: Supply) -> Iterable[int]:
    """For each queued demand that is in time and would not be without the supply: the time until it is needed."""
    curves = PlainCurves(served.free_stock, served.free)
    own = [share.part for share in served.free if share.supply.flow == supply.flow]
    last = 0
    for demand in sorted(pool.demands, key=lambda demand: demand.order):
        waiting = demand.open - served.held_by(demand)
        last += waiting
        in_time = [part for part in own if part.date <= demand.need]
        there = curves.units_by(demand.need)
        if waiting and there >= last > there - units_of(in_time):
            yield demand.need - max(part.date for part in in_time)


def _slack_for_holders(pool: Pool, served: Shares, supply: Supply) -> Iterable[int]:
    """For each holder of the supply that is in time: the time until it is needed."""
    for demand in pool.demands:
        dates = [share.part.date for share in served.held.get(demand.id, ()) if share.supply.flow == supply.flow]
        if dates and max(dates) <= demand.need:
            yield demand.need - max(dates)


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
