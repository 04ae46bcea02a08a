"""What views of a pool show on demand: what a supply passed on, its slack, and days of supply.

Deliberately lacks: projected stock and availability to promise, which are the same curves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chain_oracle.coverage import Covered, Pool, units_by
from tests.chain_oracle.dates import NEVER
from tests.chain_oracle.facts import Flow


def passed(supply: Flow, covered: Mapping[str, list[Covered]]) -> int:
    """Minutes of a supply's delay that reach a demand of its pool at the most; 0 if it is to blame for none."""
    blamed = [part.reach for parts in covered.values() for part in parts if part.late and part.late.flow == supply.id]
    return max(blamed, default=0)


def slack(pool: Pool, supply: Flow) -> int | None:
    """Minutes by which a supply may still slip before a demand that is in time because of it is not; None: any number.

    A queued demand is in time because of it if all units up to its last are there by its need date and would not be
    without those of the supply; a holder, if what it holds of the supply is there by then.
    """
    spare = []
    own = [(part.date, units) for part, units in pool.free if part.flow == supply.id and part.date != NEVER]
    for demand in pool.demands:
        if demand.queued:
            there = units_by(pool.there, demand.need)
            in_time = [(date, units) for date, units in own if date <= demand.need]
            last_unit = pool.units_before(demand) + demand.queued
            if there >= last_unit > there - sum(units for _, units in in_time):
                spare.append(demand.need - max(date for date, _ in in_time))
        held = pool.held.get((demand.id, supply.id))
        if held and held[-1][0] <= demand.need:
            spare.append(demand.need - held[-1][0])
    return min(spare, default=None)


@dataclass(frozen=True, slots=True)
class DaysOfSupply:
    """For how many of the following days the stock at the end of a day lasts; or that it outlasts the horizon."""

    days: float
    covers_horizon: bool


def days_of_supply(stock: int, demand: Sequence[int], inbound: Sequence[int]) -> list[DaysOfSupply]:
    """Stock before the first day, demand and inbound units per day -> the cover at the end of each day but the last."""
    covers = []
    for day in range(len(demand) - 1):
        stock += inbound[day] - demand[day]
        covers.append(_cover(stock, demand[day + 1 :]))
    return covers


def _cover(stock: int, following: Sequence[int]) -> DaysOfSupply:
    if stock <= 0:
        return DaysOfSupply(0.0, covers_horizon=False)
    for whole_days, wanted in enumerate(following):
        if wanted > stock:
            return DaysOfSupply(whole_days + stock / wanted, covers_horizon=False)
        stock -= wanted
    return DaysOfSupply(float(len(following)), covers_horizon=True)
