"""Scenario files: the shipped one holds, mistakes are told all at once, with their lines and what to do."""

from pathlib import Path

import pytest

from infra.cli.errors import CliError
from infra.cli.home import ROOT
from infra.cli.scenario_file import load

SHIPPED = ROOT / "infra" / "scenarios" / "city-car.yaml"


def test_the_shipped_scenario_is_whole() -> None:
    told = load(SHIPPED)
    assert {firm.tier for firm in told.enterprises.values()} == {0, 1, 2, 3}
    assert {told.agreement_of(order).seller for order in told.placed} <= set(told.enterprises)
    assert told.lane_days(told.agreement("kobalta", "NMC")) == 4
    assert told.needed_for("corvida/4502") == ["ampero/7710", "ampero/7711"]
    assert told.partners("miratec") == {"ampero", "voltaro", "fennmark"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("item: BP-61, quantity: 120, due: 26", "item: BP-16, quantity: 120, due: 26",
         "corvida has no agreement on 'BP-16'; BP-61 perhaps?"),
        ("fennmark/kristiansand, to: kobalta/gyor", "fennmark/kristiansand, to: kobalta/gior",
         "there is no site 'kobalta/gior'; kobalta/gyor perhaps?"),
        ("quantity: 120, due: 19", "quantity: 0, due: 19", "greater than 0"),
        ("- show: chain", "- shwo: chain", "is not known here; show perhaps?"),
        ("  corvida/graz/BP-61: 0", "  corvida/graz/BX: 0", "there is no item 'corvida/BX'"),
        ("days: [2, 9]", "days: [9, 2]", "the last day is before the first"),
        ("at: fennmark/kristiansand", "at: ampero/graz", "there is no site 'ampero/graz'"),
        ("time_zone: Europe/Oslo", "time_zone: Europe/Olso", "no such time zone: Europe/Olso"),
        ("  corvida/4504:", "  corvida/4503:", "is there twice: keep one"),
        ("starts_on: 2027-02-15", "", "starts_on: is missing: add it"),
        ("uses: {NMC: 9216}", "uses: {KC-174: 9216}", "KC-174 can not be made of itself"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_lines(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    line = text[: text.index(old)].count("\n") + 1 if new else 1
    file = tmp_path / "s.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CliError) as caught:
        load(file)
    said = [one for one in str(caught.value).splitlines() if told in one]
    assert said, str(caught.value)
    assert said[0].strip().startswith(f"line {line}: "), said[0]


def test_a_step_is_one_thing(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    file = tmp_path / "s.yaml"
    file.write_text(text.replace("- show: chain", "- {show: chain, ship: corvida/4501}"), encoding="utf-8")
    with pytest.raises(CliError, match="give exactly one of"):
        load(file)


def test_a_step_can_not_speak_of_an_order_before_it_is_placed(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    file = tmp_path / "s.yaml"
    file.write_text(text.replace("- show: chain", "- confirm: corvida/4599"), encoding="utf-8")
    with pytest.raises(CliError, match="'corvida/4599' is not placed before"):
        load(file)
