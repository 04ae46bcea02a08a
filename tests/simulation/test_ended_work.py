"""What is off or lost needs nothing any more: its pools give the rest to whom they have, and take it back if it is not.

Two work orders want ten bars each; there are ten, for the first.
"""

from decimal import Decimal
from typing import Any

import pytest

from services.fulfillment.keys import WorkId
from services.fulfillment.work import CancelWork, Component, ComponentTotal, IssueComponents, PlanWork, ReportWork
from services.inventory.pool_commands import CountStock
from services.kernel.memory_log import START_MS
from services.kernel.values import EnterpriseId, Quantity
from tests.support.backbone import Backbone
from tests.support.laws import domain_rows

MAKER = EnterpriseId("maker")
PLANT: Any = "plant"  # each service has types of its own for ids
BAR: Any = "bar"
AXLE: Any = "axle"
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
