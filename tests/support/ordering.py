"""What a buyer places, in few words: strings, dates and whole numbers of pieces.

Deliberately lacks: lines in other units, and anything that a test is about; a test says that itself.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from services.kernel.values import EnterpriseId
from services.order.order_commands import PlaceOrder
from services.order.order_facts import OrderKind
from services.order.terms import (
    Delivery,
    ItemId,
    LineNumber,
    OrderNumber,
    PlacedLine,
    PromiseBasis,
    SiteId,
    Terms,
    UnitFactor,
)

PIECES = UnitFactor("C62", "C62")


def terms(
    item: str,
    ship_from: str,
    ship_to: str,
    basis: PromiseBasis = PromiseBasis.DELIVER,
    time_zone: str = "UTC",
    **more: Any,
) -> Terms:
    """Terms for the seller's item; ``more``: further fields."""
    return Terms(ItemId(item), PIECES, basis, SiteId(ship_from), SiteId(ship_to), time_zone, **more)


def placed(line: str, item: str, agreed: Terms, *requested: tuple[date, int]) -> PlacedLine:
    """A line for the buyer's item, with a delivery for each date and amount."""
    deliveries = tuple(Delivery(due_on, Decimal(amount)) for due_on, amount in requested)
    return PlacedLine(LineNumber(line), ItemId(item), agreed, deliveries)


def order(number: str, seller: str, *lines: PlacedLine) -> PlaceOrder:
    """An order of these lines, each to be met once."""
    return PlaceOrder(OrderNumber(number), EnterpriseId(seller), OrderKind.DISCRETE, lines)
