"""What happened in a pool: ids and facts. Commands are in ``pool_commands.py``, rows in ``pool_rows.py``.

Quantities of facts are in the pool's base unit, except where a fact keeps what was stated. Deliberately lacks: who and
when (the envelope has both), and the pool's own key (the envelope again).
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from services.chain.causes import CauseClass
from services.chain.pool_facts import CoveredPart, Frozen, Hold, SupplyPart
from services.kernel.values import Quantity

FlowKey = NewType("FlowKey", str)
DemandId = NewType("DemandId", str)
SupplyId = NewType("SupplyId", str)
ReservationId = NewType("ReservationId", str)


class MovementKind(StrEnum):
    """Why goods entered or left the book."""

    RECEIPT = "receipt"
    ISSUE = "issue"
    COUNT = "count"
    ADJUSTMENT = "adjustment"


class ReleaseCause(StrEnum):
    """Why somebody holds less than before."""

    OWNER = "owner"
    EXPIRED = "expired"
    SHORT = "short"
    NOT_NEEDED = "not-needed"
    UNTRACKED = "untracked"


class Contradiction(StrEnum):
    """How a report and the book disagree. The report is in the book all the same."""

    ON_HAND_BELOW_ZERO = "on-hand-below-zero"
    BLOCKED_ABOVE_ON_HAND = "blocked-above-on-hand"
    UNBLOCKED_ABOVE_BLOCKED = "unblocked-above-blocked"
    TOTAL_TAKEN_BACK = "total-taken-back"
    RESERVATION_UNKNOWN = "reservation-unknown"
    UNIT_UNKNOWN = "unit-unknown"


# Facts
@dataclass(frozen=True, slots=True)
class PoolOpened:
    """Somebody spoke of the pool for the first time; it keeps its stock in this base unit for ever."""

    unit: str


@dataclass(frozen=True, slots=True)
class PoolTracked:
    """From now on the book is taken for the stock; ``by_count`` is false if it is by the owner's word."""

    by_count: bool


@dataclass(frozen=True, slots=True)
class PoolUntracked:
    """From now on the stock is unknown; movements are still recorded."""


@dataclass(frozen=True, slots=True)
class StockMoved:
    """One line of the ledger: ``quantity`` is signed; ``stated`` is what the sender said if it was in another unit."""

    kind: MovementKind
    quantity: Quantity
    reference: str
    reason: str
    on_hand_after: Quantity
    stated: Quantity | None = None


@dataclass(frozen=True, slots=True)
class StockCounted:
    """Somebody counted, and the book had said ``booked``; what contradicted the book before is settled with it."""

    counted: Quantity
    booked: Quantity
    reference: str


@dataclass(frozen=True, slots=True)
class StockBlocked:
    """A quantity must not be used."""

    quantity: Quantity
    blocked_after: Quantity
    reason: str
    reference: str


@dataclass(frozen=True, slots=True)
class StockUnblocked:
    """A blocked quantity may be used again."""

    quantity: Quantity
    blocked_after: Quantity
    reason: str
    reference: str


@dataclass(frozen=True, slots=True)
class StockContradicted:
    """A report was recorded although the book says otherwise: ``claimed`` by the report, ``booked`` before it."""

    contradiction: Contradiction
    claimed: Quantity
    booked: Quantity
    reference: str


@dataclass(frozen=True, slots=True)
class ReservationMade:
    """The owner holds a quantity by hand until it is used, released or expired."""

    reservation: ReservationId
    quantity: Quantity
    need_at_ms: int
    expires_at_ms: int | None
    sequence_ms: int


@dataclass(frozen=True, slots=True)
class ReservationReleased:
    """A reservation made by hand holds less, and at zero it is gone."""

    reservation: ReservationId
    quantity: Quantity
    held_after: Quantity
    cause: ReleaseCause


@dataclass(frozen=True, slots=True)
class ReservationConsumed:
    """Goods held by hand left the pool; the movement is a fact of its own."""

    reservation: ReservationId
    quantity: Quantity
    held_after: Quantity


@dataclass(frozen=True, slots=True)
class DemandRecorded:
    """What a flow needs in total, and its place in the static order, as the flow states them (in the flow's unit)."""

    flow_key: FlowKey
    demand: DemandId
    quantity: Quantity
    need_at_ms: int | None
    priority: int
    sequence_ms: int
    withdrawn: bool
    planned: bool = False
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class DemandReserved:
    """The pool holds a quantity more for the demand; ``late``: what was known of these units if they came late."""

    flow_key: FlowKey
    demand: DemandId
    quantity: Quantity
    reserved_after: Quantity
    late: Frozen | None = None


@dataclass(frozen=True, slots=True)
class DemandServedLate:
    """Units came that a demand which is only planned would get, and they came late; nothing is held for it."""

    flow_key: FlowKey
    demand: DemandId
    late: Frozen


@dataclass(frozen=True, slots=True)
class DemandReleased:
    """The pool holds a quantity less for the demand; what it still needs waits."""

    flow_key: FlowKey
    demand: DemandId
    quantity: Quantity
    reserved_after: Quantity
    cause: ReleaseCause


@dataclass(frozen=True, slots=True)
class DemandIssued:
    """Goods left for the demand (or came back, if negative), ``consumed`` of them out of what was held for it.

    ``frozen``: what was known of these units when they left, if they were late.
    """

    flow_key: FlowKey
    demand: DemandId
    quantity: Quantity
    consumed: Quantity
    issued_after: Quantity
    frozen: Frozen | None = None


@dataclass(frozen=True, slots=True)
class SupplyRecorded:
    """What a flow will give in total and when, as the flow states it (in the flow's unit)."""

    flow_key: FlowKey
    supply: SupplyId
    quantity: Quantity
    expected_at_ms: int | None
    promised_at_ms: int | None
    withdrawn: bool
    parts: tuple[SupplyPart, ...] = ()


@dataclass(frozen=True, slots=True)
class SupplyReceived:
    """Goods came in from the supply (or were taken back, if negative); the movement is a fact of its own."""

    flow_key: FlowKey
    supply: SupplyId
    quantity: Quantity
    received_after: Quantity


# What follows from all of these: reckoned once when the pool was told all that there was to tell.
@dataclass(frozen=True, slots=True)
class DemandDated:
    """What is open of the demand is there on these dates (``services.chain``); no parts: nothing is said any more."""

    flow_key: FlowKey
    demand: DemandId
    parts: tuple[CoveredPart, ...]


@dataclass(frozen=True, slots=True)
class Buffers:
    """How late a supply is, and how much of that its pool takes without harm; in minutes, and None without end.

    ``quantity`` is still to come, the last of it at ``expected_at_ms`` (None: never). ``slack_minutes``: how much later
    it may come until a demand is late that is in time now. ``absorbed_minutes``: what of its delay reaches no demand.
    """

    quantity: Decimal
    expected_at_ms: int | None
    baseline_at_ms: int | None
    delay_minutes: int | None
    slack_minutes: int | None
    absorbed_minutes: int | None
    cause: CauseClass | None


@dataclass(frozen=True, slots=True)
class SupplyReckoned:
    """The buffers of a supply are others now; None when nothing is to come of it."""

    flow_key: FlowKey
    supply: SupplyId
    buffers: Buffers | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a planner asks of a pool first, in its base unit.

    ``first_shortage_at_ms``: when less than nothing would be there, None if never. ``days_of_supply``: how long the
    stock lasts, None if for all that is known to be needed, as of ``as_of_ms``.
    """

    usable: Decimal
    available_to_promise: Decimal
    first_shortage_at_ms: int | None
    days_of_supply: Decimal | None
    late_supplies: int
    as_of_ms: int | None = None  # older ones do not say it


@dataclass(frozen=True, slots=True)
class OutlookReckoned:
    """The outlook is another now; None when the stock is unknown."""

    outlook: Outlook | None


Fact = (
    PoolOpened
    | PoolTracked
    | PoolUntracked
    | StockMoved
    | StockCounted
    | StockBlocked
    | StockUnblocked
    | StockContradicted
    | ReservationMade
    | ReservationReleased
    | ReservationConsumed
    | DemandRecorded
    | DemandReserved
    | DemandServedLate
    | DemandReleased
    | DemandIssued
    | SupplyRecorded
    | SupplyReceived
    | DemandDated
    | SupplyReckoned
    | OutlookReckoned
)
