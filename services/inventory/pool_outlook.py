"""The numbers of a pool's views: how late its supplies are and who feels it, and how long the stock lasts.

Owns: the way out, from the chain model's minutes and millionths to dates and amounts, and from a cause to the class
that the owner of the pool may see of it. Deliberately lacks: the formulas (``services.chain.pool_outlook``).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from services.chain.causes import CauseClass, class_of
from services.chain.moments import NEVER, minute_of, moment_of
from services.chain.pool import Shares
from services.chain.pool_facts import DemandCovered, Pool
from services.chain.pool_facts import Supply as ChainSupply
from services.chain.pool_outlook import (
    SupplyOutlook,
    cumulative_available_to_promise,
    days_of_supply,
    first_shortage,
    projected_stock,
    supply_outlooks,
)
from services.chain.quantities import amount_of
from services.inventory.pool_facts import Buffers, Outlook
from services.inventory.pool_rows import Head, Supply

DAYS_MAX: Final = 90
"""A stock that lasts longer than so many days is as good as one that lasts for ever."""

_MINUTES_PER_DAY: Final = 24 * 60


def buffers_of(
    pool: Pool, supplies: Mapping[str, Supply], covered: Mapping[str, DemandCovered], served: Shares
) -> dict[str, Buffers]:
    """The buffers of each open supply, by the key of its row, given the answers to the pool's demands, and shares."""
    outlooks = {outlook.flow: outlook for outlook in supply_outlooks(pool, covered, served)}
    chain = {supply.flow: supply for supply in pool.supplies}
    return {key: _buffers(chain[row.flow_key], outlooks[row.flow_key]) for key, row in supplies.items()}


def _buffers(supply: ChainSupply, outlook: SupplyOutlook) -> Buffers:
    parts = supply.open_parts
    cause = parts[-1].cause
    kind = CauseClass.SUPPLY if cause is None else class_of(cause.root.kind)
    return Buffers(
        amount_of(sum(part.quantity for part in parts)),
        moment_of(parts[-1].date),
        moment_of(supply.baseline),
        _minutes(outlook.delay_in),
        _minutes(outlook.slack),
        _minutes(outlook.absorbed),
        kind if outlook.delay_in else None,
    )


def _minutes(duration: int | None) -> int | None:
    return None if duration is None or duration >= NEVER else duration


def outlook_of(pool: Pool, head: Head, now_ms: int) -> Outlook:
    """The outlook of a pool as of a moment (ms since 1970 UTC)."""
    now = minute_of(now_ms)
    levels = projected_stock(pool)
    promisable = [level.quantity for level in cumulative_available_to_promise(levels) if level.date <= now]
    shortage = first_shortage(levels)
    return Outlook(
        head.usable,
        amount_of(promisable[-1]),
        None if shortage is None else moment_of(shortage),
        _days_of_supply(pool, now),
        sum(1 for supply in pool.supplies if supply.delay),
        now_ms,
    )


def _days_of_supply(pool: Pool, now: int) -> Decimal | None:
    """How many days from today on the stock lasts if nothing came, to a tenth; None if for all that is known."""
    today = now // _MINUTES_PER_DAY
    by_day: dict[int, int] = {}
    for demand in pool.demands:
        day = max(0, demand.need // _MINUTES_PER_DAY - today)  # what is overdue is needed today
        if day < DAYS_MAX:
            by_day[day] = by_day.get(day, 0) + demand.open
    if not by_day:
        return None
    needed = [0, *(by_day.get(day, 0) for day in range(max(by_day) + 1))]  # as of the end of yesterday
    days = days_of_supply(pool.stock, needed, [0] * len(needed))[0]
    return None if days.covers_horizon else Decimal(round(days.days * 10)) / 10
