"""The rows of a pool and their keys. How facts change them is in ``pool_evolve.py``.

One row per demand, supply and reservation; index rows give the next waiting demand and the holder that gives back
first without looking at all of them, and what is open without looking at all that ever was; the head keeps the sums.
So no row grows, and a decision reads and writes only what it changes.

Row keys: ``head``, ``demand/<flow key>/<demand>``, ``supply/<flow key>/<supply>``, ``reservation/<reservation>``; the
indexes ``wait/<static order>``, ``plan/<static order>``, ``coming/<flow key>/<supply>``, ``held/<order of giving
back>``, ``expiry/<time>/<reservation>``; and what was reckoned last: ``dated/<flow key>/<demand>``, ``buffers/<flow
key>/<supply>``, ``outlook``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.chain.pool_facts import CoveredPart, Frozen, Hold, SupplyPart
from services.inventory.pool_facts import (
    Buffers,
    Contradiction,
    DemandId,
    FlowKey,
    Outlook,
    ReservationId,
    SupplyId,
)
from services.inventory.units import ZERO

MS_MAX = 10**15 - 1  # far behind every date; also the need date of a demand that names none
PRIORITY_MAX = 10**10 - 1


@dataclass(frozen=True, slots=True)
class Head:
    """The sums of a pool, in its base unit; ``movements`` counts ledger lines, ``expiring`` reservations that end.

    ``stale``: something changed since its outlook was reckoned last.
    """

    unit: str
    on_hand: Decimal = ZERO
    blocked: Decimal = ZERO
    reserved: Decimal = ZERO
    waiting: Decimal = ZERO
    inbound: Decimal = ZERO
    tracked: bool = False
    movements: int = 0
    expiring: int = 0
    contradicted: Contradiction | None = None
    stale: bool = False

    @property
    def stale_then(self) -> bool:
        """What ``stale`` is after a change: a pool that nobody tracks says nothing that could grow stale."""
        return self.stale or self.tracked

    @property
    def grows_stale(self) -> bool:
        """Whether a change makes it stale that was not."""
        return self.tracked and not self.stale

    @property
    def usable(self) -> Decimal:
        """What may be held at most: on hand without what is blocked, at least zero."""
        return max(ZERO, self.on_hand - self.blocked)


@dataclass(frozen=True, slots=True)
class Demand:
    """One input of one flow. ``unit`` is empty unless the flow speaks in a unit that the pool cannot convert.

    ``issued`` is what left the book for it, in the pool's unit always; ``quantity`` is in ``unit`` if that is given.
    ``holds`` is what its flow says that it holds of the stock or of supplies. ``frozen`` is what was known of the
    latest of the units that left for it, ``held_late`` the same of those that are held for it, or that
    are there for it while it is only planned.
    """

    flow_key: FlowKey
    demand: DemandId
    quantity: Decimal
    issued: Decimal
    reserved: Decimal
    need_at_ms: int | None
    priority: int
    sequence_ms: int
    withdrawn: bool
    unit: str = ""
    planned: bool = False
    holds: tuple[Hold, ...] = ()
    frozen: Frozen | None = None
    held_late: Frozen | None = None

    @property
    def open(self) -> Decimal:
        """What the pool still has to give, held or not."""
        if self.withdrawn or self.unit:
            return ZERO
        return max(ZERO, self.quantity - self.issued)

    @property
    def reservable(self) -> Decimal:
        """What may be held for it: what is only planned holds nothing."""
        return ZERO if self.planned else self.open

    @property
    def waiting(self) -> Decimal:
        """What may be held and is not."""
        return max(ZERO, self.reservable - self.reserved)


@dataclass(frozen=True, slots=True)
class Supply:
    """The output of one flow, in the pool's unit, or with ``unit`` in one that the pool cannot convert."""

    flow_key: FlowKey
    supply: SupplyId
    quantity: Decimal
    received: Decimal
    expected_at_ms: int | None
    promised_at_ms: int | None
    withdrawn: bool
    unit: str = ""
    parts: tuple[SupplyPart, ...] = ()

    @property
    def open(self) -> Decimal:
        """What is still to come."""
        if self.withdrawn or self.unit:
            return ZERO
        return max(ZERO, self.quantity - self.received)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A quantity held by hand."""

    reservation: ReservationId
    quantity: Decimal
    need_at_ms: int
    expires_at_ms: int | None
    sequence_ms: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Index: the demand row that takes next, in the order of the keys."""

    row: str


@dataclass(frozen=True, slots=True)
class Planned:
    """Index: a demand row with something open that is only planned, in the same order."""

    row: str


@dataclass(frozen=True, slots=True)
class Coming:
    """Index: a supply row of which something is still to come."""

    row: str


@dataclass(frozen=True, slots=True)
class Held:
    """Index: the demand or reservation row that gives back next, in the order of the keys."""

    row: str


@dataclass(frozen=True, slots=True)
class Expiry:
    """Index: the reservation that ends next."""

    reservation: ReservationId
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Dated:
    """What the flow of a demand was told last."""

    flow_key: FlowKey
    demand: DemandId
    reserved: Decimal
    waiting: Decimal
    issued: Decimal
    parts: tuple[CoveredPart, ...]


@dataclass(frozen=True, slots=True)
class Buffered:
    """What its owner was told last of a supply."""

    flow_key: FlowKey
    supply: SupplyId
    buffers: Buffers


POOL_ROWS: Mapping[str, type] = {
    "head": Head,
    "demand": Demand,
    "supply": Supply,
    "reservation": Reservation,
    "wait": Waiting,
    "plan": Planned,
    "coming": Coming,
    "held": Held,
    "expiry": Expiry,
    "dated": Dated,
    "buffers": Buffered,
    "outlook": Outlook,
}


def demand_row(flow_key: FlowKey, demand: DemandId) -> str:
    """The key of a demand's row; the flow is part of it, so that two flows may number their inputs alike."""
    return f"demand/{flow_key}/{demand}"


def supply_row(flow_key: FlowKey, supply: SupplyId) -> str:
    """The key of a supply's row."""
    return f"supply/{flow_key}/{supply}"


def reservation_row(reservation: ReservationId) -> str:
    """The key of a reservation's row."""
    return f"reservation/{reservation}"


def _digits(number: int | None, most: int) -> int:
    return most if number is None else min(max(number, 0), most)


def dated_row(flow_key: FlowKey, demand: DemandId) -> str:
    """The key of the row that says what a demand's flow was told last."""
    return f"dated/{flow_key}/{demand}"


def buffers_row(flow_key: FlowKey, supply: SupplyId) -> str:
    """The key of the row that says what the owner was told last of a supply."""
    return f"buffers/{flow_key}/{supply}"


def coming_key(supply: Supply) -> str:
    """The key by which a supply is found while something of it is to come."""
    return f"coming/{supply.flow_key}/{supply.supply}"


def wait_key(demand: Demand) -> str:
    """The key by which a demand is found while it waits."""
    return f"wait/{_static_order(demand)}"


def plan_key(demand: Demand) -> str:
    """The key by which a demand is found while it is planned."""
    return f"plan/{_static_order(demand)}"


def _static_order(demand: Demand) -> str:
    """The static order of demands as text: priority, need date, arrival sequence, flow, demand, all ascending."""
    priority = _digits(demand.priority, PRIORITY_MAX)
    need = _digits(demand.need_at_ms, MS_MAX)
    sequence = _digits(demand.sequence_ms, MS_MAX)
    return f"{priority:010}/{need:015}/{sequence:015}/{demand.flow_key}/{demand.demand}"


def held_key(holder: Demand | Reservation) -> str:
    """The order of giving back as text: latest need first.

    Among equal need dates those by hand come first (they are served last), then the less important (greater priority
    number), then the later arrival; what is still equal goes by the row's key, only to be the same every time.
    """
    need = MS_MAX - _digits(holder.need_at_ms, MS_MAX)
    sequence = MS_MAX - _digits(holder.sequence_ms, MS_MAX)
    if isinstance(holder, Reservation):
        return f"held/{need:015}/{0:011}/{sequence:015}/{reservation_row(holder.reservation)}"
    importance = PRIORITY_MAX + 1 - _digits(holder.priority, PRIORITY_MAX)
    return f"held/{need:015}/{importance:011}/{sequence:015}/{demand_row(holder.flow_key, holder.demand)}"


def expiry_key(reservation: Reservation) -> str:
    """The order in which reservations end, as text."""
    return f"expiry/{_digits(reservation.expires_at_ms, MS_MAX):015}/{reservation.reservation}"
