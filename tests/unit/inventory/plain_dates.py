"""The dates of a pool by the definition, from all its rows: no index of what is open, no comparison with before."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.chain.moments import NEVER, SINCE
from services.chain.pool import cover
from services.chain.pool_facts import STOCK, CoveredPart, Hold, Pool, SupplyPart
from services.chain.pool_facts import Demand as ChainDemand
from services.chain.pool_facts import Supply as ChainSupply
from services.inventory.pool_rows import Demand, Head, Reservation, Supply, demand_row
from services.kernel.model import DictRows

MINUTE_MS = 60_000


def plain_dates(rows: DictRows) -> Mapping[str, tuple[CoveredPart, ...]]:
    """Row key of each demand with something open to its parts; none if the stock is unknown."""
    head: Head | None = rows.get("head")
    if head is None or not head.tracked:
        return {}
    demands = [row for row in rows.values() if isinstance(row, Demand) and row.open]
    pool = Pool(
        units(head.usable - sum((row.quantity for row in rows.values() if isinstance(row, Reservation)), Decimal(0))),
        _demands(demands, units(head.usable - head.reserved)),
        [_supply(row) for row in rows.values() if isinstance(row, Supply) and row.open],
    )
    answers = {(answer.flow, answer.n): answer.parts for answer in cover(pool).values()}
    return {demand_row(row.flow_key, row.demand): answers[row.flow_key, number(row)] for row in demands}


def units(amount: Decimal) -> int:
    exact = amount * 10**6
    assert exact == int(exact)
    return int(exact)


def number(row: Demand) -> int:
    return int(row.demand[-1])


def _minute(at_ms: int | None) -> int:
    return NEVER if at_ms is None else at_ms // MINUTE_MS + (at_ms % MINUTE_MS > 0)


def _demands(rows: list[Demand], free: int) -> list[ChainDemand]:
    made: list[ChainDemand] = []
    for row in sorted(rows, key=lambda r: (r.priority, _minute(r.need_at_ms), r.sequence_ms, r.flow_key, number(r))):
        holds, wants = [Hold(STOCK, units(row.reserved))], units(row.open - row.reserved)
        for hold in row.holds:
            got = min(wants, hold.quantity, free if hold.source == STOCK else wants)
            free, wants = free - got * (hold.source == STOCK), wants - got
            holds.append(Hold(hold.source, got))
        where: dict[str, Any] = {"priority": row.priority, "sequence": row.sequence_ms, "issued": units(row.issued)}
        need, quantity = _minute(row.need_at_ms), units(row.quantity)
        made.append(ChainDemand(row.flow_key, number(row), quantity, need, holds=tuple(holds), **where))
    return made


def _supply(row: Supply) -> ChainSupply:
    """Unit by unit: what it has too many parts for is dropped, what too few comes with the last."""
    parts: list[SupplyPart] = []
    left = units(row.quantity)
    expected = row.expected_at_ms if row.expected_at_ms is not None else row.promised_at_ms
    for part in row.parts or (SupplyPart(_minute(expected), left),):
        if left:
            parts.append(SupplyPart(part.date, min(left, part.quantity), part.cause, part.path, part.trail))
            left -= parts[-1].quantity
    if left:
        last = parts.pop()
        parts.append(SupplyPart(last.date, last.quantity + left, last.cause, last.path, last.trail))
    baseline = parts[-1].date if row.promised_at_ms is None else _minute(row.promised_at_ms)
    assert all(SINCE <= part.date <= NEVER for part in parts)
    return ChainSupply(row.flow_key, baseline, tuple(parts), units(row.received))
