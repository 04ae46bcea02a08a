"""What can be said to a pool: reports and intents of its owner, and reactions to flows and to the clock.

Deliberately lacks: the owner (a command is for the sender's own pool) and the moment (the envelope has both).
"""

from dataclasses import dataclass
from typing import NewType

from services.chain.pool_facts import Hold, SupplyPart
from services.inventory.item import ItemId
from services.inventory.pool_facts import DemandId, FlowKey, ReservationId, SupplyId
from services.inventory.site import SiteId
from services.inventory.units import UnitFactor
from services.kernel.values import Quantity

PoolKey = NewType("PoolKey", str)


# Commands of the pool's owner. Reports are recorded even where they contradict the book; intents may be refused.
@dataclass(frozen=True, slots=True)
class ReceiveStock:
    """Report: goods came in that no supply announced."""

    site: SiteId
    item: ItemId
    quantity: Quantity
    factor: UnitFactor | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class IssueStock:
    """Report: goods left that no demand asked for."""

    site: SiteId
    item: ItemId
    quantity: Quantity
    factor: UnitFactor | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class CountStock:
    """Report: so much was there, blocked stock included. The first count makes the pool tracked."""

    site: SiteId
    item: ItemId
    counted: Quantity
    factor: UnitFactor | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class AdjustStock:
    """Report: the book is to be moved by a signed quantity, for a reason (scrap, found, wrong posting)."""

    site: SiteId
    item: ItemId
    quantity: Quantity
    reason: str
    factor: UnitFactor | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class BlockStock:
    """Report: a quantity must not be used, for a reason (quality, damage, customs)."""

    site: SiteId
    item: ItemId
    quantity: Quantity
    reason: str
    factor: UnitFactor | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class UnblockStock:
    """Report: a blocked quantity may be used again."""

    site: SiteId
    item: ItemId
    quantity: Quantity
    reason: str = ""
    factor: UnitFactor | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """Intent: hold a quantity by hand, all of it or nothing; ``expires_at_ms`` None holds it until it is released."""

    site: SiteId
    item: ItemId
    reservation: ReservationId
    quantity: Quantity
    need_at_ms: int
    expires_at_ms: int | None = None
    factor: UnitFactor | None = None


@dataclass(frozen=True, slots=True)
class ReleaseReservation:
    """Intent: give back a reservation made by hand, or (``quantity``) a part of it."""

    site: SiteId
    item: ItemId
    reservation: ReservationId
    quantity: Quantity | None = None
    factor: UnitFactor | None = None


@dataclass(frozen=True, slots=True)
class ConsumeReservation:
    """Report: goods left that were held by hand; what goes beyond the reservation is an issue like any other."""

    site: SiteId
    item: ItemId
    reservation: ReservationId
    quantity: Quantity
    factor: UnitFactor | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class TrackPool:
    """Intent: the owner's word that the book is the stock; ``unit`` becomes the base unit if there is none yet."""

    site: SiteId
    item: ItemId
    unit: str


@dataclass(frozen=True, slots=True)
class UntrackPool:
    """Intent: the owner's word that the stock is unknown; everything held is released."""

    site: SiteId
    item: ItemId


# Reactions: what flows state and what the clock brings; never taken from outside, never refused.
@dataclass(frozen=True, slots=True)
class StateDemand:
    """A flow's demand as it is now; totals, see DemandStated of the fulfillment service."""

    pool_key: PoolKey
    flow_key: FlowKey
    demand: DemandId
    quantity: Quantity
    issued: Quantity | None
    need_at_ms: int | None
    priority: int
    sequence_ms: int
    withdrawn: bool
    reference: str
    planned: bool = False
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class StateSupply:
    """A flow's supply as it is now; totals, see SupplyStated of the fulfillment service."""

    pool_key: PoolKey
    flow_key: FlowKey
    supply: SupplyId
    quantity: Quantity
    received: Quantity | None
    expected_at_ms: int | None
    promised_at_ms: int | None
    withdrawn: bool
    reference: str
    parts: tuple[SupplyPart, ...] = ()


@dataclass(frozen=True, slots=True)
class WakePool:
    """The clock has passed the expiry of a reservation, or the moment at which the outlook is to be looked at."""

    pool_key: PoolKey
    now_ms: int


@dataclass(frozen=True, slots=True)
class ReckonPool:
    """All that there was to tell was told: work out what follows from it."""

    pool_key: PoolKey


Reaction = StateDemand | StateSupply | WakePool | ReckonPool

OwnersCommand = (
    ReceiveStock
    | IssueStock
    | CountStock
    | AdjustStock
    | BlockStock
    | UnblockStock
    | ReserveStock
    | ReleaseReservation
    | ConsumeReservation
    | TrackPool
    | UntrackPool
)

Command = OwnersCommand | Reaction
