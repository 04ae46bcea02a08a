"""What follows from all that a pool was told, and what of it is new: dates of demands, buffers of supplies, outlook.

Owns: the comparison with what was told last, so that nothing is told twice. Deliberately lacks: proportion. A pool of
which something changed is computed whole (see ``pool_dates.answers``), one of which nothing changed is not read. One
whose answers stayed the same although something changed remains stale and is computed again the next time; that is
cheaper than an event each time to say that nothing happened. All answers of a reckoning are written in one transaction.
"""

from collections.abc import Mapping

from services.inventory.draft import Draft
from services.inventory.pool_dates import Dates, answers, chain_pool, dates_of, open_demands, open_supplies
from services.inventory.pool_facts import Buffers, DemandDated, OutlookReckoned, SupplyReckoned
from services.inventory.pool_outlook import buffers_of, outlook_of
from services.inventory.pool_rows import (
    Buffered,
    Dated,
    Demand,
    Head,
    Supply,
    buffers_row,
    dated_row,
    demand_row,
    supply_row,
)


def reckon(draft: Draft, now_ms: int) -> None:
    """Say what is other than it was told last, as of the last tick (ms since 1970 UTC)."""
    head: Head | None = draft.get("head")
    if head is None or not head.stale:
        return
    demands = open_demands(draft)
    if not head.tracked:
        _say_nothing_more(draft, demands)
        return
    supplies = open_supplies(draft)
    pool = chain_pool(head, demands.values(), supplies.values())
    covered = answers(pool)
    _date(draft, demands, dates_of(covered, demands))
    _buffer(draft, supplies, buffers_of(pool, supplies, covered))
    outlook = outlook_of(pool, head, now_ms)
    if outlook != draft.get("outlook"):
        draft.emit(OutlookReckoned(outlook))


def _say_nothing_more(draft: Draft, demands: Mapping[str, Demand]) -> None:
    """The stock is unknown now, and everyone who waits for something is told so."""
    told = dict.fromkeys((demand.flow_key, demand.demand) for demand in demands.values())
    dated: Dated
    for _, dated in draft.scan("dated/"):
        told[dated.flow_key, dated.demand] = None
    for flow_key, demand in told:
        draft.emit(DemandDated(flow_key, demand, ()))
    _buffer(draft, {}, {})
    draft.emit(OutlookReckoned(None))


def _date(draft: Draft, demands: Mapping[str, Demand], dates: Dates) -> None:
    dated: Dated
    for _, dated in list(draft.scan("dated/")):
        if demand_row(dated.flow_key, dated.demand) not in demands:
            draft.emit(DemandDated(dated.flow_key, dated.demand, ()))
    for key, row in demands.items():
        now = Dated(row.flow_key, row.demand, row.reserved, row.waiting, row.issued, dates[key])
        if now != draft.get(dated_row(row.flow_key, row.demand)):
            draft.emit(DemandDated(row.flow_key, row.demand, dates[key]))


def _buffer(draft: Draft, supplies: Mapping[str, Supply], buffers: Mapping[str, Buffers]) -> None:
    told: Buffered
    for _, told in list(draft.scan("buffers/")):
        if supply_row(told.flow_key, told.supply) not in supplies:
            draft.emit(SupplyReckoned(told.flow_key, told.supply, None))
    for key, row in supplies.items():
        before: Buffered | None = draft.get(buffers_row(row.flow_key, row.supply))
        if before is None or before.buffers != buffers[key]:
            draft.emit(SupplyReckoned(row.flow_key, row.supply, buffers[key]))
