"""What can be known of an order: its facts, in the order of its life. Part of the aggregate in ``order``.

Amounts are in the buyer's unit of the line unless the name or the comment says the seller's. ``at_ms`` is the clock's
time when the fact was decided. The order's key (buyer and number) stands in the envelope of each.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.chain.expectation import Expectation
from services.kernel.values import EnterpriseId, Money
from services.order.terms import Delivery, InboundLine, ItemId, LineNumber, OrderNumber, PlacedLine, Side, SiteId


class OrderKind(StrEnum):
    """DISCRETE: each line once. CALL_OFF: a frame; each release replaces the open schedule."""

    DISCRETE = "DISCRETE"
    CALL_OFF = "CALL_OFF"


class Awaits(StrEnum):
    """The step that a line waits for: who must act next is a query, not a search."""

    CONFIRMATION = "CONFIRMATION"
    CHANGE_ANSWER = "CHANGE_ANSWER"
    RELEASE = "RELEASE"
    STOCK = "STOCK"
    SHIPMENT = "SHIPMENT"
    RECEIPT = "RECEIPT"
    CANCELLATION_ANSWER = "CANCELLATION_ANSWER"
    NOTHING = "NOTHING"


class ClosedBecause(StrEnum):
    """Why nothing more is owed on a line."""

    RECEIVED = "RECEIVED"
    SHORT_ACCEPTED = "SHORT_ACCEPTED"
    REST_CANCELLED = "REST_CANCELLED"


@dataclass(frozen=True, slots=True)
class LineRelease:
    """The open schedule of one line of a call-off, and the cumulative quantity received before it."""

    line: LineNumber
    received_before: Decimal
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """``sequence_ms``: the broker's time of the command, the static order of demands. ``watch_at_ms``: when first to
    look whether a line is overdue."""

    buyer: EnterpriseId
    number: OrderNumber
    seller: EnterpriseId
    kind: OrderKind
    lines: tuple[PlacedLine, ...]
    sequence_ms: int
    at_ms: int
    watch_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LinesAdded:
    """Lines that the buyer added later."""

    lines: tuple[PlacedLine, ...]
    sequence_ms: int
    at_ms: int
    watch_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CallOffReleased:
    """A release: the whole open schedule of the lines named, in place of the one before."""

    release: int
    lines: tuple[LineRelease, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineConfirmed:
    """The seller's promise of a line."""

    line: LineNumber
    promised: tuple[Delivery, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineRejected:
    """The seller will not deliver the line."""

    line: LineNumber
    reason_code: str
    reason_text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ChangeProposed:
    """One side asks for another schedule or price; ``change`` counts the line's proposals. No deliveries: as is."""

    line: LineNumber
    change: int
    by: Side
    deliveries: tuple[Delivery, ...]
    unit_price: Money | None
    reason_code: str
    reason_text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ChangeAccepted:
    """The other side agreed: from now on this is the schedule, the promise if there is one, and the price."""

    line: LineNumber
    change: int
    proposed_by: Side
    deliveries: tuple[Delivery, ...]
    unit_price: Money | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class ChangeDeclined:
    """The proposal is off the table; ``by`` its own side when it was withdrawn."""

    line: LineNumber
    change: int
    by: Side
    reason_code: str
    reason_text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class DemandChangeAcknowledged:
    """The seller has taken note of what the buyer wants otherwise."""

    line: LineNumber
    at_ms: int


@dataclass(frozen=True, slots=True)
class NamingSought:
    """The order asks who is behind the delay that came by the line ``about``, no more about the one ``dropped``."""

    line: LineNumber
    about: str
    dropped: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class NamingRelayed:
    """An order far up asks who sold the line; its seller is to say."""

    line: LineNumber
    asker: str
    asker_line: LineNumber
    viewer: EnterpriseId
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class OriginNamed:
    """Who is behind the delay of the line lets the buyer know its name, item and site; empty: not any more."""

    line: LineNumber
    name: str
    item: ItemId
    site: SiteId


@dataclass(frozen=True, slots=True)
class LinePlanned:
    """The seller starts a line then (None: the lead time before the promise) and takes the goods from these lines."""

    line: LineNumber
    start_at_ms: int | None
    waits_for: tuple[InboundLine, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineDelayReported:
    """The seller's word of when the line will be met; it changes what is expected, not what is promised."""

    line: LineNumber
    expected_on: date
    reason_code: str
    reason_text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class CancellationRequested:
    """The buyer asks to cancel; ``seller_amount``: total asked until now, in the seller's unit."""

    line: LineNumber
    seller_amount: Decimal
    reason_code: str
    reason_text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineProgressRecorded:
    """What the line's flow reported; totals in the seller's unit. ``awaits``: the step that the flow waits for.

    ``expectation``: what the chain said, with the whole cause; rows and feeds keep less of it.
    """

    line: LineNumber
    awaits: Awaits
    reserved: Decimal
    planned: Decimal
    shipped: Decimal
    received: Decimal
    cancelled: Decimal
    cancel_answered: Decimal
    expected_at_ms: int | None
    fulfilled_at_ms: int | None
    stock_known: bool
    reason: str
    at_ms: int
    expectation: Expectation | None = None


@dataclass(frozen=True, slots=True)
class LineOverDelivered:
    """More was received than was ordered and tolerated; both in the seller's unit."""

    line: LineNumber
    received: Decimal
    ordered: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineOverdue:
    """The date is over and nobody said anything: silence is shown as late."""

    line: LineNumber
    at_ms: int


@dataclass(frozen=True, slots=True)
class WatchMoved:
    """When next to look whether a line is overdue; absent: not any more."""

    watch_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LineCancelled:
    """Nothing of the line will come."""

    line: LineNumber
    reason_code: str
    reason_text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineClosed:
    """Nothing more is owed on the line."""

    line: LineNumber
    because: ClosedBecause
    reason_code: str
    reason_text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineDelayRaised:
    """The chain expects the line later than promise and tolerance allow; no ``expected_at_ms``: it will not come."""

    line: LineNumber
    delay_minutes: int
    expected_at_ms: int | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineDelayChanged:
    """Still late, by another delay."""

    line: LineNumber
    delay_minutes: int
    expected_at_ms: int | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class LineDelayCleared:
    """Not late any more, or cancelled."""

    line: LineNumber
    delay_minutes: int
    expected_at_ms: int | None
    at_ms: int


LineDelayFact = LineDelayRaised | LineDelayChanged | LineDelayCleared


@dataclass(frozen=True, slots=True)
class OrderCompleted:
    """No line of the order is open any more."""

    at_ms: int


LineFact = (
    LineConfirmed
    | LineRejected
    | ChangeProposed
    | ChangeAccepted
    | ChangeDeclined
    | DemandChangeAcknowledged
    | LinePlanned
    | NamingSought
    | OriginNamed
    | LineDelayReported
    | CancellationRequested
    | LineProgressRecorded
    | LineOverdue
    | LineCancelled
    | LineClosed
    | LineDelayRaised
    | LineDelayChanged
    | LineDelayCleared
)
"""Facts about one line that change its row."""

OrderFact = (
    OrderPlaced
    | LinesAdded
    | CallOffReleased
    | LineFact
    | LineOverDelivered
    | NamingRelayed
    | WatchMoved
    | OrderCompleted
)
