"""What is off or lost needs nothing any more: its pools give the rest to whom they have, and take it back if it is not.

Two work orders want ten bars each; there are ten, for the first. A line that is lost is another matter: it is owed to
its buyer, until the two agree otherwise.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.fulfillment.flow import ReportLine
from services.fulfillment.keys import WorkId
from services.fulfillment.work import CancelWork, Component, ComponentTotal, IssueComponents, PlanWork, ReportWork
from services.inventory.pool_commands import CountStock
from services.kernel.memory_log import START_MS
from services.kernel.values import EnterpriseId, Quantity
from services.order.order_commands import CancelOrder, ConfirmOrder
from services.order.terms import OrderNumber
from tests.support import ordering
from tests.support.backbone import Backbone
from tests.support.laws import domain_rows

MAKER = EnterpriseId("maker")
PLANT: Any = "plant"  # each service has types of its own for ids
BAR: Any = "bar"
AXLE: Any = "axle"
DOCK: Any = "dock"
ORDER = OrderNumber("o")
FIRST, SECOND = WorkId("w1"), WorkId("w2")
DAY_MS, DAY_MINUTES = 86_400_000, 1440


def pieces(amount: int) -> Quantity:
    return Quantity(Decimal(amount), "C62")


def work(id_: WorkId) -> PlanWork:
    bars = (Component(PLANT, BAR, pieces(10)),)
    return PlanWork(id_, PLANT, AXLE, pieces(10), START_MS + 5 * DAY_MS, DAY_MINUTES, bars)


def short(backbone: Backbone) -> set[str]:
    """Work orders for which there is no date to expect."""
    rows = backbone.view("fulfillment", MAKER, "work")
    return {name for name, row in rows.items() if row.basis is not None and row.expected_at_ms is None}


@pytest.fixture
def backbone() -> Backbone:
    backbone = Backbone(1)
    backbone.tick(START_MS)
    backbone.send(MAKER, CountStock(PLANT, BAR, pieces(10)))
    for id_ in (FIRST, SECOND):
        backbone.send(MAKER, work(id_))
        backbone.settle()
    assert short(backbone) == {"w2"}
    return backbone


def inventory(backbone: Backbone) -> dict[bytes, bytes]:
    return domain_rows(backbone._table("inventory"))


@pytest.mark.parametrize("end", [CancelWork(FIRST), ReportWork(FIRST, lost=True)])
def test_the_components_of_what_is_off_or_lost_are_free(backbone: Backbone, end: Any) -> None:
    backbone.send(MAKER, end)
    backbone.settle()
    assert short(backbone) - {"w1"} == set(), "the second has the bars"
    assert not [row for row in inventory(backbone) if b"bar\0" in row and b"work/maker/w1" in row]
    backbone.check_laws()


def test_what_is_not_lost_after_all_has_its_old_place(backbone: Backbone) -> None:
    before = inventory(backbone)
    backbone.send(MAKER, ReportWork(FIRST, lost=True))
    backbone.settle()
    backbone.send(MAKER, ReportWork(FIRST, withdraw=True))
    backbone.settle()
    assert short(backbone) == {"w2"}
    assert inventory(backbone) == before
    backbone.check_laws()


def test_what_was_taken_stays_taken(backbone: Backbone) -> None:
    backbone.send(MAKER, IssueComponents(FIRST, (ComponentTotal(PLANT, BAR, pieces(4)),)))
    backbone.send(MAKER, ReportWork(FIRST, lost=True))
    backbone.settle()
    assert backbone.view("inventory", MAKER, "stock")["plant/bar"].on_hand == 6
    assert short(backbone) == {"w1", "w2"}, "four of ten are gone, so the second is short of four"


def _axles_for(buyer: str, backbone: Backbone) -> None:
    terms = ordering.terms(AXLE, PLANT, DOCK, lead_time_minutes=DAY_MINUTES)
    due = date(1970, 1, 1) + timedelta(days=START_MS // DAY_MS + 9)
    backbone.send(buyer, ordering.order(ORDER, MAKER, ordering.placed("10", AXLE, terms, (due, 10))))
    backbone.settle()
    backbone.send(MAKER, ConfirmOrder(EnterpriseId(buyer), ORDER))
    backbone.settle()


@pytest.fixture
def sold() -> Backbone:
    """Ten axles are there, for the first of two buyers of ten."""
    backbone = Backbone(2)
    backbone.tick(START_MS)
    backbone.send(MAKER, CountStock(PLANT, AXLE, pieces(10)))
    for buyer in ("first", "second"):
        _axles_for(buyer, backbone)
    assert held(backbone) == {"first": 10, "second": 0}
    return backbone


def held(backbone: Backbone) -> dict[str, Decimal]:
    """What the pool reserves for each buyer's line."""
    rows = backbone.view("inventory", MAKER, "reservations").values()
    return {row.flow_key.split("/")[1]: row.reserved for row in rows}


def test_a_line_that_is_lost_is_owed_until_its_parties_agree_otherwise(sold: Backbone) -> None:
    """What is reserved for it stays so, since to take the report back takes everything back."""
    before = inventory(sold)
    lost = ReportLine(EnterpriseId("first"), "o", "10", lost=True)
    sold.send(MAKER, lost)
    sold.settle()
    row = sold.view("fulfillment", MAKER, "flows")["first/o/10"]
    assert (row.expected_at_ms, row.waiting) == (None, 0)
    assert held(sold) == {"first": 10, "second": 0}
    sold.send(MAKER, replace(lost, lost=False, withdraw=True))
    sold.settle()
    assert inventory(sold) == before
    sold.send(MAKER, lost)
    sold.send("first", CancelOrder(ORDER))
    sold.settle()
    assert held(sold) == {"second": 10}
    sold.check_laws()
