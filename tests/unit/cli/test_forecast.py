"""What the chain model makes of a scenario file: dates by its plan, and by what stands still."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.cli.chain_seen import paths, tiers_between
from infra.cli.errors import CliError
from infra.cli.forecast import Forecast, forecast, work_ms
from infra.cli.home import ROOT
from infra.cli.scenario import Scenario
from infra.cli.scenario_file import load
from services.chain.closures import Closure
from services.chain.moments import NEVER, minute_of

CITY = ROOT / "infra" / "scenarios" / "city-car.yaml"
PLANT = "fennmark/kristiansand"
DAY = 1440


@pytest.fixture(scope="module")
def city() -> Scenario:
    return load(CITY)


def stopped(scenario: Scenario, days: int, from_day: int = 4) -> Forecast:
    since = minute_of(work_ms(scenario, "fennmark/F-61")[0]) + (from_day - 2) * DAY
    return forecast(scenario, {PLANT: Closure(since, since + days * DAY, PLANT)})


def delays(found: Forecast) -> dict[str, int]:
    """Days late of each order and work order that is late."""
    expected = {**found.orders, **found.work}
    assert all(one.delay % DAY == 0 for one in expected.values())
    return {name: one.delay // DAY for name, one in expected.items() if one.delay}


def test_by_its_plan_nothing_is_late(city: Scenario) -> None:
    found = forecast(city, {})
    assert not delays(found)
    assert found.from_stock == {"corvida/4501"}, "the first packs are on the shelf, nothing else is"


def test_a_stop_reaches_the_leader_less_the_slack_on_its_way(city: Scenario) -> None:
    """Written down from the file by hand: what is needed when, less when it comes."""
    days = 6
    cells_wait, packs_wait = 2, 1  # cells due on day 19, needed from day 22; packs done on day 24, leave on day 25
    resin_waits, inverters_wait = 4, 1  # resin due on day 11, needed from day 16; inverters done on 24, leave on 25
    late = delays(stopped(city, days))
    assert late["kobalta/301"] == late["miratec/512"] == late["ampero/7710"] == days
    assert late["ampero/A-20"] == days - cells_wait
    assert late["corvida/4502"] == days - cells_wait - packs_wait
    assert late["ampero/7711"] == late["voltaro/640"] == days - resin_waits
    assert late["corvida/4503"] == days - resin_waits - inverters_wait
    assert "corvida/4501" not in late
    assert "corvida/4504" not in late


@pytest.mark.parametrize(
    ("days", "reached"), [(1, set()), (3, set()), (4, {"corvida/4502"}), (6, {"corvida/4502", "corvida/4503"})]
)
def test_what_the_slack_takes_up_the_leader_never_sees(city: Scenario, days: int, reached: set[str]) -> None:
    assert {name for name in delays(stopped(city, days)) if name.startswith("corvida/4")} == reached


def test_without_an_end_nothing_behind_it_has_a_date(city: Scenario) -> None:
    found = forecast(city, {PLANT: Closure(1, NEVER, PLANT)})
    assert found.orders["corvida/4502"].date == NEVER
    assert found.orders["corvida/4504"].delay == 0


def test_three_ways_lead_from_the_plant_to_the_leader(city: Scenario) -> None:
    late = delays(stopped(city, 6))
    ways = paths(city, [name for name in late if name in city.orders], "fennmark")
    assert ways == [
        ["corvida/4502", "ampero/7710", "kobalta/301"],
        ["corvida/4502", "ampero/7711", "miratec/512"],
        ["corvida/4503", "voltaro/640", "miratec/512"],
    ]
    assert tiers_between(city, ways) == 3


def test_a_site_that_only_ships_holds_up_what_leaves_it(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(SHOP, encoding="utf-8")
    shop = load(file)
    due = forecast(shop, {}).orders["acme/1"].baseline
    leaves = due - DAY
    stop = Closure(leaves - 10, leaves + 90, "bolts/brno")
    assert forecast(shop, {"bolts/brno": stop}).orders["acme/1"].delay == 90
    assert forecast(shop, {"bolts/brno": replace(stop, until=leaves)}).orders["acme/1"].delay == 0


def test_what_goes_into_itself_waits_for_ever(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(SHOP + LOOP, encoding="utf-8")
    found = forecast(load(file), {})
    assert found.work["bolts/W1"].date == found.work["bolts/W2"].date == NEVER


def test_a_chain_has_one_answer_whatever_the_order_of_its_file(city: Scenario) -> None:
    turned = city.model_copy(
        update={"work": dict(reversed(city.work.items())), "orders": dict(reversed(city.orders.items()))}
    )
    assert delays(stopped(turned, 6)) == delays(stopped(city, 6))


def test_an_unknown_site_is_told(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(SHOP.replace("from: brno", "from: brmo"), encoding="utf-8")
    with pytest.raises(CliError, match=r"there is no site 'bolts/brmo'; bolts/brno perhaps\?"):
        load(file)


SHOP = """
scenario: a shop
starts_on: 2027-03-01
enterprises: {acme: {name: Acme, tier: 0}, bolts: {name: Bolts, tier: 1}}
sites: {acme/graz: {name: Graz}, bolts/brno: {name: Brno}}
items: {acme/B: {name: bolts}, bolts/X: {name: bolts}, bolts/Y: {name: blanks}}
lanes: [{from: bolts/brno, to: acme/graz, days: 1}]
agreements: [{buyer: acme, item: B, to: graz, seller: bolts, seller_item: X, from: brno}]
stock: {bolts/brno/X: 50, bolts/brno/Y: 0}
orders: {acme/1: {item: B, quantity: 50, due: 9}}
days: {1: [{show: chain}]}
"""
LOOP = """
work:
  bolts/W1: {site: brno, item: X, quantity: 5, days: [2, 3], uses: {Y: 5}}
  bolts/W2: {site: brno, item: Y, quantity: 5, days: [2, 3], uses: {X: 5}}
"""
