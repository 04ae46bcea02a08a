"""Sites and items: what is accepted, what is refused, what their owner sees."""

import datetime
from dataclasses import replace

import pytest

from services.inventory import item, site
from services.inventory.item import DefineItem, ItemDefined, ItemId
from services.inventory.site import DefineSite, SiteDefined, SiteId
from services.inventory.units import UnitConversion
from services.inventory.views import ItemRow, SiteRow, project
from services.kernel.model import DictRows, FeedRow
from services.kernel.values import EnterpriseId, Refused
from tests.unit.inventory.pool_case import origin

MADRID = DefineSite(
    SiteId("madrid"), "Madrid works", "Europe/Madrid", (5, 1, 2, 3, 4, 1), 1_020, (datetime.date(2027, 1, 6),)
)
CELL = DefineItem(ItemId("cell"), "Battery cell", "C62", (UnitConversion("PF", 480, 1), UnitConversion("BX", 12, 1)))


def test_a_site_is_defined_and_seen_by_its_owner() -> None:
    rows = DictRows()
    facts = site.decide(rows, MADRID, origin())
    assert facts == (
        SiteDefined(
            SiteId("madrid"),
            "Madrid works",
            "Europe/Madrid",
            (1, 2, 3, 4, 5),
            1_020,
            (datetime.date(2027, 1, 6),),
        ),
    )
    assert not isinstance(facts, Refused)
    rows.update(site.evolve(rows, facts[0]))
    assert site.decide(rows, MADRID, origin()) == ()
    assert project("site/acme/madrid", rows, facts, origin()) == [
        FeedRow(
            EnterpriseId("acme"),
            "sites",
            "madrid",
            SiteRow(
                SiteId("madrid"),
                "Madrid works",
                "Europe/Madrid",
                (1, 2, 3, 4, 5),
                1_020,
                (datetime.date(2027, 1, 6),),
                1_000,
            ),
        )
    ]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"site": "a/b"}, "id-invalid"),
        ({"name": ""}, "name-missing"),
        ({"time_zone": "Madrid time"}, "time-zone-invalid"),
        ({"time_zone": "../etc/passwd"}, "time-zone-invalid"),
        ({"weekdays": ()}, "weekdays-invalid"),
        ({"weekdays": (1, 8)}, "weekdays-invalid"),
        ({"day_end_minute": 0}, "day-end-invalid"),
        ({"day_end_minute": 1_441}, "day-end-invalid"),
        ({"holidays": (datetime.date(2027, 1, 1),) * 401}, "holidays-too-many"),
    ],
)
def test_site_refusals(changed: dict[str, object], code: str) -> None:
    answer = site.decide(DictRows(), replace(MADRID, **changed), origin())  # type: ignore[arg-type]  # any field
    assert isinstance(answer, Refused)
    assert answer.code == code


@pytest.mark.parametrize("zone", ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Europe/Madrid"])
def test_names_of_the_zone_database_have_the_right_shape(zone: str) -> None:
    assert not isinstance(site.decide(DictRows(), replace(MADRID, time_zone=zone), origin()), Refused)


def test_an_item_is_defined_and_keeps_its_base_unit() -> None:
    rows = DictRows()
    facts = item.decide(rows, CELL, origin())
    assert not isinstance(facts, Refused)
    conversions = (UnitConversion("BX", 12, 1), UnitConversion("PF", 480, 1))
    assert facts == (ItemDefined(ItemId("cell"), "Battery cell", "C62", conversions),)
    rows.update(item.evolve(rows, facts[0]))
    assert item.decide(rows, CELL, origin()) == ()
    assert project("item/acme/cell", rows, facts, origin()) == [
        FeedRow(
            EnterpriseId("acme"), "items", "cell", ItemRow(ItemId("cell"), "Battery cell", "C62", conversions, 1_000)
        )
    ]
    other = item.decide(rows, replace(CELL, base_unit="KGM"), origin())
    assert isinstance(other, Refused)
    assert other.code == "base-unit-fixed"
    renamed = item.decide(rows, replace(CELL, description="Cell, 280 Ah"), origin())
    assert isinstance(renamed, tuple)
    assert len(renamed) == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"item": ""}, "id-invalid"),
        ({"description": "a\tb"}, "text-invalid"),
        ({"base_unit": "piece"}, "unit-invalid"),
        ({"conversions": (UnitConversion("BX", 0, 1),)}, "factor-invalid"),
        ({"conversions": (UnitConversion("box", 1, 1),)}, "unit-invalid"),
        ({"conversions": (UnitConversion("C62", 1, 1),)}, "conversions-repeated"),
        ({"conversions": (UnitConversion("BX", 1, 1), UnitConversion("BX", 2, 1))}, "conversions-repeated"),
        ({"conversions": tuple(UnitConversion(f"X{n}", 1, 1) for n in range(41))}, "conversions-too-many"),
    ],
)
def test_item_refusals(changed: dict[str, object], code: str) -> None:
    answer = item.decide(DictRows(), replace(CELL, **changed), origin())  # type: ignore[arg-type]  # any field
    assert isinstance(answer, Refused)
    assert answer.code == code


def test_master_data_is_the_senders_own() -> None:
    assert site.site_key(MADRID, EnterpriseId("acme")) == "site/acme/madrid"
    assert item.item_key(CELL, EnterpriseId("acme")) == "item/acme/cell"
