"""What follows from all that a pool was told, and what of it is new: dates of demands, buffers of supplies, outlook.

Owns: the comparison with what was told last, so that nothing is told twice. Dates travel on, so they are reckoned with
each batch, in proportion to what changed of them (``pool_memory.py``). Buffers and outlook are looked at by people, and
each takes a pass over the whole pool: they are reckoned with the next tick of the clock, once for all that happened
until then, and once a day, since a stock that lasts for five days lasts for four tomorrow. Deliberately lacks: the
rules of the chain model (``services.chain``).
"""

from collections.abc import Mapping
from typing import Final

from services.inventory.draft import Draft
from services.inventory.pool_facts import Buffers, DemandDated, Outlook, OutlookReckoned, SupplyReckoned
from services.inventory.pool_memory import PoolMemory
from services.inventory.pool_outlook import buffers_of, outlook_of
from services.inventory.pool_rows import Buffered, Dated, Head, Supply, demand_row, supply_row
from services.kernel.model import Rows

DATED_MAX: Final = 5_000
"""Demands of which one reckoning says something; it bounds a transaction, the rest is told with the next ticks."""
DAY_MS: Final = 24 * 60 * 60_000


def reckon(draft: Draft) -> None:
    """Say what dates of demands are others than they were told last."""
    head: Head | None = draft.get("head")
    if head is None:
        return
    if not head.tracked:
        if head.stale:  # else it was said, or nobody ever knew the stock
            _say_nothing_more(draft)
        return
    memory = draft.recall(PoolMemory)
    for name in sorted(memory.untold):
        if len(draft.facts) >= DATED_MAX:
            return
        memory.untold.discard(name)
        if (fact := _dated(draft, memory, name)) is not None:
            draft.emit(fact)


def _dated(draft: Draft, memory: PoolMemory, name: str) -> DemandDated | None:
    """What is to be told of a demand's row, None if it was told."""
    row = memory.demand(name)
    told: Dated | None = draft.get(name.replace("demand/", "dated/", 1))
    if row is None:
        return None if told is None else DemandDated(told.flow_key, told.demand, ())
    parts = memory.parts(name)
    if Dated(row.flow_key, row.demand, row.reserved, row.waiting, row.issued, parts) == told:
        return None
    return DemandDated(row.flow_key, row.demand, parts)


def _say_nothing_more(draft: Draft) -> None:
    """The stock is unknown, and everyone who was told of dates is told so."""
    told: list[Dated] = [row for _, row in draft.scan("dated/")]
    for row in told:
        draft.emit(DemandDated(row.flow_key, row.demand, ()))
    if told:  # which has to be told again if the stock is known again
        draft.recall(PoolMemory).untold.update(demand_row(row.flow_key, row.demand) for row in told)


def look_ahead(draft: Draft, now_ms: int) -> None:
    """Say what is other of buffers and outlook, as of a moment (ms since 1970 UTC)."""
    head: Head | None = draft.get("head")
    if head is None:
        return
    if not head.tracked:
        _buffer(draft, {}, {})
        draft.emit(OutlookReckoned(None))
        return
    reckon(draft)
    if draft.facts:
        return  # dates come first; the pool remains stale, and is woken again by the next tick
    memory = draft.recall(PoolMemory)
    index, pool = memory.index, memory.index.pool
    _buffer(draft, memory.supplies, buffers_of(pool, memory.supplies, index.covered, index.served()))
    draft.emit(OutlookReckoned(outlook_of(pool, head, now_ms)))


def looks_ahead_at_ms(rows: Rows) -> int | None:
    """When buffers and outlook are to be looked at again (ms since 1970 UTC), None if nothing changes by itself."""
    head: Head | None = rows.get("head")
    if head is None:
        return None
    outlook: Outlook | None = rows.get("outlook")
    if head.stale:  # now, but who was looked at last comes last
        return (outlook.as_of_ms or 1) if outlook is not None else 1
    if outlook is None or outlook.days_of_supply is None:
        return None
    return ((outlook.as_of_ms or 0) // DAY_MS + 1) * DAY_MS


def _buffer(draft: Draft, supplies: Mapping[str, Supply], buffers: Mapping[str, Buffers]) -> None:
    rows: list[Buffered] = [row for _, row in draft.scan("buffers/")]
    told = {supply_row(row.flow_key, row.supply): row for row in rows}
    for key, before in told.items():
        if key not in supplies:
            draft.emit(SupplyReckoned(before.flow_key, before.supply, None))
    for key, row in sorted(supplies.items()):  # the memory has them in the order in which it heard of them
        if key not in told or told[key].buffers != buffers[key]:
            draft.emit(SupplyReckoned(row.flow_key, row.supply, buffers[key]))
