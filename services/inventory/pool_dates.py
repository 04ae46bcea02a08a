"""The rows of a pool as the chain model takes them, one by one, and what was known of units when they came.

Owns: the way in. Dates become whole minutes (rounded up), quantities whole millionths of the unit; what is reserved is
a hold of the stock, what is held by hand is no stock for anybody else. What flows state is made fit here, never
refused. Deliberately lacks: the rules (``services.chain``), the pool as a whole (``pool_memory.py``), and what is made
of the answers (``pool_reckoning.py``).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from services.chain.moments import LAST_MINUTE, NEVER, SINCE, minute_of, split_at
from services.chain.pool_facts import STOCK, CoveredPart, Frozen, Hold, OrderKey, SupplyPart, frozen
from services.chain.pool_facts import Demand as ChainDemand
from services.chain.pool_facts import Supply as ChainSupply
from services.chain.quantities import millionths
from services.inventory.pool_facts import DemandId
from services.inventory.pool_rows import PRIORITY_MAX, Demand, Supply, demand_row


def _minute(at_ms: int | None) -> int:
    return _date(minute_of(at_ms)) if at_ms is not None else NEVER


def _date(minute: int) -> int:
    return max(SINCE, minute) if minute <= LAST_MINUTE else NEVER


def holds_at_the_door(holds: Iterable[Hold]) -> tuple[Hold, ...]:
    """Reservations as another service states them, without those of nothing."""
    return tuple(hold for hold in holds if hold.quantity > 0)


def parts_at_the_door(parts: Iterable[SupplyPart]) -> tuple[SupplyPart, ...]:
    """Parts as another service states them, by date, without those of nothing; of one date the last speaks for all."""
    fit: dict[int, SupplyPart] = {}
    for part in parts:
        date = _date(part.date)
        if part.quantity > 0:
            before = fit[date].quantity if date in fit else 0
            fit[date] = replace(part, date=date, quantity=before + part.quantity)
    return tuple(fit[date] for date in sorted(fit))


def chain_demand(row: Demand) -> ChainDemand:
    """A demand that says nothing of the stock as the chain model takes it: what is reserved for it is a hold."""
    return chain_demand_holding(row, 0)[0]


def chain_demand_holding(row: Demand, free_units: int) -> tuple[ChainDemand, int]:
    """The same of one that may say that it holds of the units that nobody else holds, and what is left of these."""
    demand, reserved = _chain_demand(row), Hold(STOCK, millionths(row.reserved))
    stated = tuple(_held(row.holds, demand.open - reserved.quantity, free_units))
    left = free_units - sum(hold.quantity for hold in stated if hold.source == STOCK)
    return replace(demand, holds=(reserved, *stated)), left


def id_of(row: Demand) -> str:
    """The id by which the chain model knows a demand."""
    return f"{row.flow_key}/{number_of(row.demand)}"


def order_of(row: Demand) -> OrderKey:
    """Its place in the static order of the chain model."""
    return _chain_demand(row).order


def _held(stated: Iterable[Hold], open_units: int, free: int) -> Iterator[Hold]:
    """What a flow says that it holds beyond what is reserved for it: of the stock no more than nobody else holds."""
    for hold in stated:
        units = min(open_units, hold.quantity)
        if hold.source == STOCK:
            units = min(units, free)
            free -= units
        open_units -= units
        if units:
            yield Hold(hold.source, units)


def _chain_demand(row: Demand) -> ChainDemand:
    return ChainDemand(
        row.flow_key,
        number_of(row.demand),
        millionths(row.quantity),
        _minute(row.need_at_ms),
        min(max(row.priority, 0), PRIORITY_MAX),
        max(row.sequence_ms, 0),
        millionths(row.issued),
        frozen=row.frozen,
    )


def number_of(demand: DemandId) -> int:
    """Which input of its flow a demand is: the number at the end of ``<flow key>#<n>``, or 0."""
    number = demand.rpartition("#")[2]
    return int(number) if number.isascii() and number.isdecimal() else 0


def chain_supply(row: Supply) -> ChainSupply:
    """A sender that states no parts has one, on the date that it expects; one that promised nothing is never late."""
    promised, units = row.promised_at_ms, millionths(row.quantity)
    expected = row.expected_at_ms if row.expected_at_ms is not None else promised
    parts = _fitted(row.parts or (SupplyPart(_minute(expected), units),), units)
    baseline = _minute(promised) if promised is not None or not parts else parts[-1].date
    return ChainSupply(row.flow_key, baseline, parts, millionths(row.received))


def _fitted(parts: tuple[SupplyPart, ...], units: int) -> tuple[SupplyPart, ...]:
    """The parts for so many units: what they are too many is cut off, what they are too few comes with the last."""
    fit = split_at(parts, units)[0]
    missing = units - sum(part.quantity for part in fit)
    return fit if not missing else (*fit[:-1], replace(parts[-1], quantity=fit[-1].quantity + missing))


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of the units of demands; ``by``: the minute by which those that are asked about had come."""

    parts: Callable[[str], tuple[CoveredPart, ...]]  # of the demand with this row key
    by: int

    def late(self, demand: Demand, amount: Decimal) -> Frozen | None:
        """What was known of so many units behind those that are held for a demand, by the last of them; None if they
        came in time, or if nobody knows why not."""
        parts = self.parts(demand_row(demand.flow_key, demand.demand))
        unheld = split_at(parts, millionths(demand.reserved))[1]
        units = split_at(unheld, millionths(amount))[0]
        known = frozen(units[-1]) if units else None
        if known is None or min(known.date, self.by) <= known.baseline:
            return None
        return replace(known, date=min(known.date, self.by))


NOTHING_KNOWN: Final = Known(lambda _: (), SINCE)
