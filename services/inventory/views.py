"""What the owner of sites, items and pools sees of them. Rows go to that owner only; no partner sees stock here.

Deliberately lacks: history (the event log has it), and numbers for what is unknown.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from services.chain.causes import CauseClass
from services.inventory.item import ItemDefined, ItemId
from services.inventory.pool_facts import (
    Contradiction,
    DemandDated,
    DemandIssued,
    DemandRecorded,
    DemandReleased,
    DemandReserved,
    FlowKey,
    Outlook,
    OutlookReckoned,
    ReservationConsumed,
    ReservationMade,
    ReservationReleased,
    SupplyId,
    SupplyReceived,
    SupplyReckoned,
    SupplyRecorded,
)
from services.inventory.pool_rows import (
    Demand,
    Head,
    Reservation,
    Supply,
    demand_row,
    reservation_row,
    supply_row,
)
from services.inventory.site import SiteDefined, SiteId
from services.inventory.units import ZERO, UnitConversion
from services.kernel.model import FeedRow, RowsAfter, View
from services.kernel.values import EnterpriseId, Origin


class ReservationState(StrEnum):
    """How far a holder has what it needs."""

    RESERVED = "reserved"
    PARTLY_RESERVED = "partly-reserved"
    WAITING = "waiting"
    PLANNED = "planned"
    UNIT_UNKNOWN = "unit-unknown"


@dataclass(frozen=True, slots=True)
class StockRow:
    """View ``stock``, row id ``<site>/<item>``. Without tracking, on hand and available are None: unknown, not zero."""

    site: SiteId
    item: ItemId
    unit: str
    tracked: bool
    on_hand: Decimal | None
    blocked: Decimal
    reserved: Decimal
    available: Decimal | None
    waiting: Decimal
    inbound: Decimal
    contradicted: Contradiction | None
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """View ``reservations``: who holds or waits. ``flow_key`` is empty for a reservation made by hand.

    Row id ``<site>/<item>/hand/<reservation>`` or ``<site>/<item>/<flow key>/<demand>``; gone when nothing is open.
    """

    site: SiteId
    item: ItemId
    holder: str
    flow_key: str
    state: ReservationState
    unit: str
    quantity: Decimal
    reserved: Decimal
    waiting: Decimal
    issued: Decimal
    need_at_ms: int | None
    expires_at_ms: int | None
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class InboundRow:
    """View ``inbound``, row id ``<site>/<item>/<flow key>/<supply>``: what is still to come; gone when nothing is."""

    site: SiteId
    item: ItemId
    flow_key: FlowKey
    supply: SupplyId
    unit: str
    quantity: Decimal
    received: Decimal
    open: Decimal
    expected_at_ms: int | None
    promised_at_ms: int | None
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class OutlookRow:
    """View ``outlook``, row id ``<site>/<item>``: what a planner asks of a tracked pool first; see ``Outlook``."""

    site: SiteId
    item: ItemId
    unit: str
    usable: Decimal
    available_to_promise: Decimal
    first_shortage_at_ms: int | None
    days_of_supply: Decimal | None
    late_supplies: int
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class SupplyRow:
    """View ``supplies``, row id as in ``inbound``: how late a supply of a tracked pool is, and who feels it.

    See ``Buffers``. Of what made it late no more than the class is known here.
    """

    site: SiteId
    item: ItemId
    flow_key: FlowKey
    supply: SupplyId
    unit: str
    quantity: Decimal
    expected_at_ms: int | None
    baseline_at_ms: int | None
    delay_minutes: int | None
    slack_minutes: int | None
    absorbed_minutes: int | None
    cause: CauseClass | None
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class SiteRow:
    """View ``sites``, row id the site."""

    site: SiteId
    name: str
    time_zone: str
    weekdays: tuple[int, ...]
    day_end_minute: int
    holidays: tuple[datetime.date, ...]
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """View ``items``, row id the item."""

    item: ItemId
    description: str
    base_unit: str
    conversions: tuple[UnitConversion, ...]
    as_of_ms: int


VIEWS = (
    View("stock", StockRow),
    View("reservations", ReservationRow),
    View("inbound", InboundRow),
    View("outlook", OutlookRow),
    View("supplies", SupplyRow),
    View("sites", SiteRow),
    View("items", ItemRow),
)


def project(key: str, rows: RowsAfter, facts: tuple[Any, ...], origin: Origin) -> Iterable[FeedRow]:
    """The feed rows after the facts, for the owner named in the key; ``as_of_ms`` is the time of recording."""
    kind, owner, rest = key.split("/", 2)
    enterprise = EnterpriseId(owner)
    if kind == "pool":
        site, item = rest.split("/")
        return list(_pool_rows(enterprise, SiteId(site), ItemId(item), rows, facts, origin.recorded_at_ms))
    return [
        _master_row(enterprise, fact, origin.recorded_at_ms)
        for fact in facts
        if isinstance(fact, SiteDefined | ItemDefined)
    ]


def _master_row(enterprise: EnterpriseId, fact: SiteDefined | ItemDefined, as_of: int) -> FeedRow:
    match fact:
        case SiteDefined(site, name, time_zone, weekdays, day_end_minute, holidays):
            row = SiteRow(site, name, time_zone, weekdays, day_end_minute, holidays, as_of)
            return FeedRow(enterprise, "sites", site, row)
        case ItemDefined(item, description, base_unit, conversions):
            return FeedRow(enterprise, "items", item, ItemRow(item, description, base_unit, conversions, as_of))


Reckoned = DemandDated | SupplyReckoned | OutlookReckoned
"""Facts that leave the stock as it was."""


def _pool_rows(
    enterprise: EnterpriseId, site: SiteId, item: ItemId, rows: RowsAfter, facts: tuple[Any, ...], as_of: int
) -> Iterator[FeedRow]:
    head: Head | None = rows.get("head")
    if head is None or not facts:
        return
    pool = f"{site}/{item}"
    if not all(isinstance(fact, Reckoned) for fact in facts):
        stock, before = _stock_row(site, item, head, as_of), rows.before("head")
        if before is None or stock != _stock_row(site, item, before, as_of):  # a supply's date is not in it
            yield FeedRow(enterprise, "stock", pool, stock)
    demands: dict[str, str] = {}  # row key to row id; each row once, however many facts touched it
    supplies: dict[str, str] = {}
    reservations: dict[str, str] = {}
    for fact in facts:
        match fact:
            case DemandRecorded() | DemandReserved() | DemandReleased() | DemandIssued():
                demands[demand_row(fact.flow_key, fact.demand)] = f"{pool}/{fact.flow_key}/{fact.demand}"
            case SupplyRecorded() | SupplyReceived():
                supplies[supply_row(fact.flow_key, fact.supply)] = f"{pool}/{fact.flow_key}/{fact.supply}"
            case ReservationMade() | ReservationReleased() | ReservationConsumed():
                reservations[reservation_row(fact.reservation)] = f"{pool}/hand/{fact.reservation}"
            case OutlookReckoned(outlook):
                yield FeedRow(enterprise, "outlook", pool, _outlook_row(site, item, head, outlook, as_of))
            case SupplyReckoned(flow_key, supply):
                row_id = f"{pool}/{flow_key}/{supply}"
                yield FeedRow(enterprise, "supplies", row_id, _supply_row(site, item, head, fact, as_of))
            case _:
                pass
    for key, row_id in demands.items():
        yield FeedRow(enterprise, "reservations", row_id, _demand_view(site, item, head, rows.get(key), as_of))
    for key, row_id in reservations.items():
        yield FeedRow(enterprise, "reservations", row_id, _hand_view(site, item, head, rows.get(key), as_of))
    for key, row_id in supplies.items():
        yield FeedRow(enterprise, "inbound", row_id, _inbound_view(site, item, head, rows.get(key), as_of))


def _outlook_row(site: SiteId, item: ItemId, head: Head, outlook: Outlook | None, as_of: int) -> OutlookRow | None:
    if outlook is None:
        return None
    return OutlookRow(
        site,
        item,
        head.unit,
        outlook.usable,
        outlook.available_to_promise,
        outlook.first_shortage_at_ms,
        outlook.days_of_supply,
        outlook.late_supplies,
        as_of,
    )


def _supply_row(site: SiteId, item: ItemId, head: Head, fact: SupplyReckoned, as_of: int) -> SupplyRow | None:
    buffers = fact.buffers
    if buffers is None:
        return None
    return SupplyRow(
        site,
        item,
        fact.flow_key,
        fact.supply,
        head.unit,
        buffers.quantity,
        buffers.expected_at_ms,
        buffers.baseline_at_ms,
        buffers.delay_minutes,
        buffers.slack_minutes,
        buffers.absorbed_minutes,
        buffers.cause,
        as_of,
    )


def _stock_row(site: SiteId, item: ItemId, head: Head, as_of: int) -> StockRow:
    return StockRow(
        site,
        item,
        head.unit,
        head.tracked,
        head.on_hand if head.tracked else None,
        head.blocked,
        head.reserved,
        head.usable - head.reserved if head.tracked else None,
        head.waiting,
        head.inbound,
        head.contradicted,
        as_of,
    )


def _demand_view(site: SiteId, item: ItemId, head: Head, demand: Demand | None, as_of: int) -> ReservationRow | None:
    if demand is None or demand.withdrawn or not (demand.open or demand.unit):
        return None
    if demand.unit:
        state, waiting = ReservationState.UNIT_UNKNOWN, demand.quantity
    else:
        state, waiting = ReservationState.PARTLY_RESERVED, demand.waiting
        if demand.planned:
            state = ReservationState.PLANNED
        elif not waiting:
            state = ReservationState.RESERVED
        elif not demand.reserved:
            state = ReservationState.WAITING
    return ReservationRow(
        site,
        item,
        demand.demand,
        demand.flow_key,
        state,
        demand.unit or head.unit,
        demand.quantity,
        demand.reserved,
        waiting,
        demand.issued,
        demand.need_at_ms,
        None,
        as_of,
    )


def _hand_view(site: SiteId, item: ItemId, head: Head, held: Reservation | None, as_of: int) -> ReservationRow | None:
    if held is None:
        return None
    return ReservationRow(
        site,
        item,
        held.reservation,
        "",
        ReservationState.RESERVED,
        head.unit,
        held.quantity,
        held.quantity,
        ZERO,
        ZERO,
        held.need_at_ms,
        held.expires_at_ms,
        as_of,
    )


def _inbound_view(site: SiteId, item: ItemId, head: Head, supply: Supply | None, as_of: int) -> InboundRow | None:
    if supply is None or supply.withdrawn or not (supply.open or supply.unit):
        return None
    return InboundRow(
        site,
        item,
        supply.flow_key,
        supply.supply,
        supply.unit or head.unit,
        supply.quantity,
        supply.received,
        supply.quantity if supply.unit else supply.open,
        supply.expected_at_ms,
        supply.promised_at_ms,
        as_of,
    )
