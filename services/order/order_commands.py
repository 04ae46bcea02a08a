"""What can be asked of an order or reported to it. Part of the aggregate in ``order``.

A command that only the buyer may send names no buyer: it goes to the sender's own order. Amounts are in the buyer's
unit of the line. Intents (place, confirm, propose, cancel …) may be refused; reports (of a delay, of the flow) are not.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.chain.expectation import Expectation
from services.kernel.values import EnterpriseId, Money
from services.order.order_facts import Awaits, LineRelease, OrderKind
from services.order.terms import Delivery, InboundLine, ItemId, LineNumber, OrderNumber, PlacedLine, SiteId


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """The buyer orders; sending the same content again changes nothing."""

    number: OrderNumber
    seller: EnterpriseId
    kind: OrderKind
    lines: tuple[PlacedLine, ...]


@dataclass(frozen=True, slots=True)
class AddLines:
    """The buyer adds lines to an open order."""

    number: OrderNumber
    lines: tuple[PlacedLine, ...]


@dataclass(frozen=True, slots=True)
class ReleaseCallOff:
    """The buyer states the open schedule of lines of a call-off; ``release`` grows with each."""

    number: OrderNumber
    release: int
    lines: tuple[LineRelease, ...]


@dataclass(frozen=True, slots=True)
class LinePromise:
    """What the seller promises for one line; no deliveries: as requested."""

    line: LineNumber
    promised: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfirmOrder:
    """The seller confirms the lines given, or, if none is given, all that await it as they were requested."""

    buyer: EnterpriseId
    number: OrderNumber
    lines: tuple[LinePromise, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfirmLine:
    """The seller confirms one line; no deliveries: as requested."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    promised: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanLine:
    """The seller says how it will meet a line, in place of what it said before; before or after it confirms.

    ``start_at_ms``: when it starts, None: the lead time before the promise. ``waits_for``: which of the lines that it
    buys itself the goods come from.
    """

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    start_at_ms: int | None = None
    waits_for: tuple[InboundLine, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectOrder:
    """The seller will deliver none of the lines that await confirmation."""

    buyer: EnterpriseId
    number: OrderNumber
    reason_code: str
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class RejectLine:
    """The seller will not deliver the line."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    reason_code: str
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class ProposeChange:
    """Either side asks for another schedule (quantity, dates), another price, or both."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    deliveries: tuple[Delivery, ...] = ()
    unit_price: Money | None = None
    reason_code: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class RevisePromise:
    """The seller will be late (or early): the new dates are expected at once, and promised when the buyer accepts."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    deliveries: tuple[Delivery, ...]
    reason_code: str
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class AcceptChange:
    """The side that did not propose accepts the proposal with this count."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    change: int


@dataclass(frozen=True, slots=True)
class DeclineChange:
    """The other side declines the proposal, or its own side withdraws it."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    change: int
    reason_code: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class RelayNaming:
    """Reaction: an order far up asks who sold the line."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    asker: str
    asker_line: LineNumber
    viewer: EnterpriseId
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class NameOrigin:
    """Reaction: who is behind the delay of the line answers; without a name the buyer may not know."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    about: str
    name: str
    item: ItemId
    site: SiteId


@dataclass(frozen=True, slots=True)
class AcknowledgeDemandChange:
    """The seller has taken note of what the buyer wants otherwise; a proposal still waits for its answer."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber


@dataclass(frozen=True, slots=True)
class ReportDelay:
    """A report of the seller: the line will be met on this local date at the site of the promise."""

    buyer: EnterpriseId
    number: OrderNumber
    line: LineNumber
    expected_on: date
    reason_code: str
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class CancelLine:
    """The buyer cancels what has not left yet, or an amount of it."""

    number: OrderNumber
    line: LineNumber
    amount: Decimal | None = None
    reason_code: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """The buyer cancels all open lines."""

    number: OrderNumber
    reason_code: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class CloseLine:
    """The buyer wants no more of a confirmed line and accepts what came."""

    number: OrderNumber
    line: LineNumber
    reason_code: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class CloseOrder:
    """The buyer closes all confirmed lines and cancels those that nobody confirmed."""

    number: OrderNumber
    reason_code: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class RecordLineProgress:
    """Made from the flow's message; never taken from outside. Totals in the seller's unit, None: nothing yet."""

    buyer: EnterpriseId
    number: OrderNumber
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
    expectation: Expectation | None = None


@dataclass(frozen=True, slots=True)
class NoteOverdue:
    """Made from the clock: look which lines are overdue now."""

    buyer: EnterpriseId
    number: OrderNumber
    now_ms: int


OrderCommand = (
    PlaceOrder
    | AddLines
    | ReleaseCallOff
    | ConfirmOrder
    | ConfirmLine
    | PlanLine
    | RejectOrder
    | RejectLine
    | ProposeChange
    | RevisePromise
    | AcceptChange
    | DeclineChange
    | AcknowledgeDemandChange
    | RelayNaming
    | NameOrigin
    | ReportDelay
    | CancelLine
    | CancelOrder
    | CloseLine
    | CloseOrder
    | RecordLineProgress
    | NoteOverdue
)
