"""Who may do what to an order: the buyer's own orders, the orders that a seller is named in, and nobody else's.

Owns: the one answer for an order that is unknown and for one that is not the sender's business; they must not differ.
"""

from services.kernel.model import Rows
from services.kernel.values import EnterpriseId, Origin, Refused
from services.order.line import HEAD, Line, Order, is_open, line_key
from services.order.order_facts import OrderFact
from services.order.terms import LineNumber, Side

Decision = tuple[OrderFact, ...] | Refused

ORDER_UNKNOWN = Refused(
    "order-unknown", "check the buyer and the number; a seller finds an order once its buyer has placed it", "number"
)
LINE_UNKNOWN = Refused("line-unknown", "check the line's number in the order", "line")
LINE_ENDED = Refused("line-ended", "the line is rejected, cancelled or closed; place or add a new one", "line")


def order_of_buyer(rows: Rows) -> Order | Refused:
    """The order of a command that only reaches the sender's own orders."""
    head: Order | None = rows.get(HEAD)
    return ORDER_UNKNOWN if head is None else head


def order_of_seller(rows: Rows, origin: Origin) -> Order | Refused:
    """The order, if the sender is its seller."""
    head: Order | None = rows.get(HEAD)
    return ORDER_UNKNOWN if head is None or head.seller != origin.enterprise else head


def open_line_of_either(
    rows: Rows, buyer: EnterpriseId, number: LineNumber, origin: Origin
) -> tuple[Order, Line, Side] | Refused:
    """The order, the line if something may still be owed on it, and the side that the sender is on."""
    head: Order | None = rows.get(HEAD)
    if head is None or origin.enterprise not in (buyer, head.seller):
        return ORDER_UNKNOWN
    line = open_line_of(rows, number)
    side = Side.BUYER if origin.enterprise == buyer else Side.SELLER
    return line if isinstance(line, Refused) else (head, line, side)


def line_of(rows: Rows, number: LineNumber) -> Line | Refused:
    """The line, whatever its stage."""
    line: Line | None = rows.get(line_key(number))
    return LINE_UNKNOWN if line is None else line


def open_line_of(rows: Rows, number: LineNumber) -> Line | Refused:
    """The line, if something may still be owed on it."""
    line: Line | None = rows.get(line_key(number))
    if line is None:
        return LINE_UNKNOWN
    return line if is_open(line) else LINE_ENDED
