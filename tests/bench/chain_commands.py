"""A generated chain as commands to the three services, in an order in which nobody waits for what is not there yet.

Owns: the translation, and the stages: what is there, then tier by tier from the deepest what is made and ordered.
In any order the end would be the same; in this one few dates are told twice. Deliberately lacks: sites, lanes and
agreements, which only fill in what a line leaves out: these lines leave nothing out.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from infra.chains.chain import DAY_ENDS_MINUTE, SITE, TIME_ZONE, UNIT, Chain, Line, Slip, Work, orders_of
from services.fulfillment.flow import ReportLine
from services.fulfillment.keys import ItemId as FulfillmentItem
from services.fulfillment.keys import SiteId as FulfillmentSite
from services.fulfillment.keys import WorkId
from services.fulfillment.work import Component, PlanWork, ReportWork
from services.inventory.item import ItemId as InventoryItem
from services.inventory.pool_commands import CountStock
from services.inventory.site import SiteId as InventorySite
from services.kernel.values import EnterpriseId, Quantity
from services.order.order_commands import ConfirmOrder
from services.order.terms import OrderNumber, PlacedLine
from tests.support import ordering

MINUTE_MS: Final = 60_000

Told = tuple[EnterpriseId, Any]
"""Who says it, and the command."""


def stages_of(chain: Chain) -> Iterator[tuple[str, list[Told]]]:
    """(what it is, commands); each stage is to be settled before the next for the least work, and need not be."""
    tiers = chain.tiers
    yield "stock", list(stock_of(chain))
    deepest = max(tiers.values())
    for tier in range(deepest, 0, -1):
        for bought_in in (True, False):
            work = [one for one in chain.work if tiers[one.owner] == tier and bool(one.components) != bought_in]
            if work:
                what = "what is bought in" if bought_in else "work orders"
                yield f"{what} of tier {tier}", [(EnterpriseId(one.owner), plan_of(one)) for one in work]
        lines = [line for line in chain.lines if tiers[line.seller] == tier]
        yield f"orders of tier {tier}", list(placed(lines))


def stock_of(chain: Chain) -> Iterator[Told]:
    """The first count of each pool that is tracked."""
    for one in chain.stock:
        counted = Quantity(Decimal(one.quantity), UNIT)
        yield EnterpriseId(one.enterprise), CountStock(InventorySite(SITE), InventoryItem(one.item), counted)


def plan_of(work: Work) -> PlanWork:
    """One work order."""
    return PlanWork(
        WorkId(work.work),
        FulfillmentSite(SITE),
        FulfillmentItem(work.item),
        Quantity(Decimal(work.quantity), UNIT),
        work.start * MINUTE_MS,
        work.lead_minutes,
        tuple(
            Component(FulfillmentSite(SITE), FulfillmentItem(one.item), Quantity(Decimal(one.quantity), UNIT))
            for one in work.components
        ),
        bought_in=not work.components,
    )


def placed(lines: Iterable[Line]) -> Iterator[Told]:
    """Each order placed, then confirmed as requested."""

    for order in orders_of(lines):
        buyer, seller, number = EnterpriseId(order.buyer), EnterpriseId(order.seller), OrderNumber(order.number)
        yield buyer, ordering.order(number, seller, *map(_placed, order.lines))
        yield seller, ConfirmOrder(buyer, number)


def _placed(line: Line) -> PlacedLine:
    terms = ordering.terms(
        line.product, SITE, SITE, time_zone=TIME_ZONE,
        lead_time_minutes=line.lead_minutes, day_ends_minute=DAY_ENDS_MINUTE,
    )  # fmt: skip
    return ordering.placed(line.line, line.part, terms, (line.due_on, line.quantity))


def report_of(slip: Slip) -> Told:
    """The report of a slip."""
    kind, first, *rest = slip.flow.split("/")
    finish = slip.estimated_finish * MINUTE_MS
    if kind == "work":
        return EnterpriseId(slip.enterprise), ReportWork(
            WorkId(rest[0]), estimated_finish_at_ms=finish, reason_code=slip.reason
        )
    return EnterpriseId(slip.enterprise), ReportLine(
        EnterpriseId(first), rest[0], rest[1], estimated_finish_at_ms=finish, reason_code=slip.reason
    )


def withdrawal_of(slip: Slip) -> Told:
    """The report that takes it back."""
    kind, first, *rest = slip.flow.split("/")
    if kind == "work":
        return EnterpriseId(slip.enterprise), ReportWork(WorkId(rest[0]), withdraw=True)
    return EnterpriseId(slip.enterprise), ReportLine(EnterpriseId(first), rest[0], rest[1], withdraw=True)
