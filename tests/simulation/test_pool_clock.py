"""What the clock brings to a pool: reservations end, however many, and the outlook is renewed day by day."""

from decimal import Decimal

import pytest

from services.inventory import pool
from services.inventory.item import ItemId
from services.inventory.pool_commands import CountStock, ReserveStock
from services.inventory.pool_facts import ReservationId
from services.inventory.site import SiteId
from services.kernel.memory_log import START_MS
from services.kernel.values import Quantity
from tests.support.backbone import Backbone

SITE, ITEM, DAY_MS = SiteId("madrid"), ItemId("cell"), 24 * 3_600_000


def pieces(amount: int) -> Quantity:
    return Quantity(Decimal(amount), "C62")


@pytest.mark.parametrize("crash_share", [0.0, 0.2])
def test_more_reservations_than_one_ring_ends_are_all_over(crash_share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "EXPIRIES_PER_RING", 2)
    backbone = Backbone(3, crash_share=crash_share)
    backbone.tick(START_MS)
    backbone.send("acme", CountStock(SITE, ITEM, pieces(10)))
    for number in range(5):
        ends = START_MS + 60_000
        backbone.send("acme", ReserveStock(SITE, ITEM, ReservationId(f"R{number}"), pieces(2), START_MS, ends))
    backbone.settle()
    assert len(backbone.view("inventory", "acme", "reservations")) == 5
    for seconds in (60, 61, 62, 63):  # each tick goes on where the one before was bounded
        backbone.tick(START_MS + seconds * 1_000)
        backbone.settle()
    assert backbone.dead_letters() == []
    assert backbone.view("inventory", "acme", "reservations") == {}
    backbone.check_laws()


def test_a_stock_that_lasts_for_five_days_lasts_for_four_tomorrow() -> None:
    backbone = Backbone(4)
    backbone.tick(START_MS)
    backbone.send("acme", CountStock(SITE, ITEM, pieces(10)))
    for day in range(1, 9):
        need = START_MS + day * DAY_MS
        backbone.send("acme", ReserveStock(SITE, ITEM, ReservationId(f"R{day}"), pieces(1), need, None))
    backbone.settle()
    backbone.tick(START_MS + 1_000)
    backbone.settle()
    (before,) = backbone.view("inventory", "acme", "outlook").values()
    assert (before.usable, before.available_to_promise) == (10, 2)
    backbone.tick(START_MS + DAY_MS)
    backbone.settle()
    (after,) = backbone.view("inventory", "acme", "outlook").values()
    assert after.usable == 10
    assert backbone.dead_letters() == []


@pytest.mark.parametrize("meanwhile", ["a tick", "a count", "an expiry"])
def test_what_was_read_is_not_stale_because_the_clock_went_on(meanwhile: str) -> None:
    """But it is when somebody said something, or when the clock brought the end that somebody set."""
    backbone = Backbone(5)
    backbone.tick(START_MS)
    ends = START_MS + DAY_MS // 2 if meanwhile == "an expiry" else None
    first = backbone.send("acme", CountStock(SITE, ITEM, pieces(10)))
    read = backbone.send("acme", ReserveStock(SITE, ITEM, ReservationId("R"), pieces(1), START_MS + 9 * DAY_MS, ends))
    backbone.settle()
    version = backbone.outcome(read).version
    if meanwhile == "a count":
        backbone.send("acme", CountStock(SITE, ITEM, pieces(11)))
    backbone.tick(START_MS + DAY_MS)
    backbone.settle()
    assert "OutlookReckoned" in {type(fact).__name__ for _, fact in backbone.events("inventory")}, "the version went on"
    write = backbone.send("acme", CountStock(SITE, ITEM, pieces(12)), expected=version)
    never = backbone.send("acme", CountStock(SITE, ITEM, pieces(13)), expected=version + 99)
    old = backbone.send("acme", CountStock(SITE, ITEM, pieces(14)), expected=backbone.outcome(first).version)
    backbone.settle()
    stale = meanwhile in ("a count", "an expiry")
    assert (backbone.outcome(write).code == "stale-version") is stale
    assert backbone.outcome(never).code == backbone.outcome(old).code == "stale-version"
    backbone.check_laws()
