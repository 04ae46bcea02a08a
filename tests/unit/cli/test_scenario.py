"""Scenario files: the shipped one holds, mistakes are told all at once."""

from pathlib import Path

import pytest

from infra.cli.errors import CliError
from infra.cli.home import ROOT
from infra.cli.scenario import load

SHIPPED = ROOT / "infra" / "scenarios" / "city-car.yaml"


def test_the_shipped_scenario_is_whole() -> None:
    told = load(SHIPPED)
    assert {firm.tier for firm in told.enterprises.values()} == {0, 1, 2, 3}
    assert {told.agreement_of(order).seller for order in told.placed} <= set(told.enterprises)
    assert told.lane_days(told.agreement("kobalta", "NMC")) == 4


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("confirm: corvida/4501", "confirm: corvida/4599", "'corvida/4599' is not placed before"),
        ("fennmark/kokkola, to: kobalta/gyor", "fennmark/kokkola, to: kobalta/gior", "no site 'kobalta/gior'"),
        ("item: BP-61, quantity: 120", "item: BP-99, quantity: 120", "corvida has no agreement on 'BP-99'"),
        ("quantity: 120, due: 4", "quantity: 0, due: 4", "greater than 0"),
        ("- ship: ampero/7710", "- shipp: ampero/7710", "shipp: Extra inputs"),
        ("  corvida/graz/BP-61: 35", "  corvida/graz/BX: 35", "there is no item 'corvida/BX'"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "s.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CliError) as caught:
        load(file)
    assert told in str(caught.value)


def test_a_step_is_one_thing(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    file = tmp_path / "s.yaml"
    file.write_text(
        text.replace("- ship: ampero/7710", "- {ship: ampero/7710, receive: ampero/7710}"), encoding="utf-8"
    )
    with pytest.raises(CliError, match="give exactly one of"):
        load(file)
