"""An order as a buyer's sheet has it: what it leaves out is stamped from the agreement between the two.

Owns: which agreements a sheet needs, and the order made of both. Deliberately lacks: reading them; a changed agreement
touches new orders only, since the terms stand on the line from here on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.kernel.values import EnterpriseId, Money, Refused
from services.order.order_commands import PlaceOrder
from services.order.order_facts import OrderKind
from services.order.terms import Delivery, ItemId, LineNumber, OrderNumber, PlacedLine, Terms
from services.order.views import AgreementView


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line; without terms it takes those of the agreement on the item."""

    line: LineNumber
    buyer_item: ItemId
    requested: tuple[Delivery, ...]
    terms: Terms | None = None
    unit_price: Money | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class OrderSheet:
    """The buyer orders; sending the same sheet again finds the same order and changes nothing."""

    number: OrderNumber
    seller: EnterpriseId
    lines: tuple[SheetLine, ...]
    kind: OrderKind = OrderKind.DISCRETE


def agreements_of(buyer: EnterpriseId, sheet: OrderSheet) -> tuple[str, ...]:
    """Row ids, in the view ``agreements``, of those that the sheet needs."""
    missing = {line.buyer_item for line in sheet.lines if line.terms is None}
    return tuple(f"{buyer}/{sheet.seller}/{item}" for item in sorted(missing))


def order_of(buyer: EnterpriseId, sheet: OrderSheet, agreements: Mapping[str, AgreementView]) -> PlaceOrder | Refused:
    """The order with all terms on its lines, or ``no-agreement`` with the line's place."""
    lines = []
    for index, line in enumerate(sheet.lines):
        terms = line.terms
        if terms is None:
            found = agreements.get(f"{buyer}/{sheet.seller}/{line.buyer_item}")
            terms = found.terms if found else None
            if terms is None:
                advice = (
                    f"no agreement on {line.buyer_item} with {sheet.seller} is in force; agree on one or send terms"
                )
                return Refused("no-agreement", advice, f"lines.{index}.terms")
        lines.append(PlacedLine(line.line, line.buyer_item, terms, line.requested, line.unit_price, line.priority))
    return PlaceOrder(sheet.number, sheet.seller, sheet.kind, tuple(lines))
