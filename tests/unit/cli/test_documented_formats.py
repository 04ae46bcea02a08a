"""The examples in the how-to pages are files that the commands take."""

import re
from pathlib import Path

import pytest

from infra.cli import mapping, scenario, scenario_file
from infra.cli.home import ROOT


def example(page: str, tmp_path: Path) -> Path:
    """The page's YAML example as a file."""
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    (found,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "example.yaml"
    file.write_text(found, encoding="utf-8")
    return file


def test_the_scenario_of_the_page(tmp_path: Path) -> None:
    told = scenario_file.load(example("demo.md", tmp_path))
    kinds = {step.kind for steps in told.days.values() for step in steps}
    assert kinds == set(scenario.Step.model_fields), "a step is not documented"


def test_the_mapping_of_the_page(tmp_path: Path) -> None:
    told = mapping.load(example("replay.md", tmp_path))
    mapping.check(tmp_path, told, ["Supplier", "PO", "Pos", "Material", "Qty", "Promised", "Ordered", "Delivered"])


@pytest.mark.parametrize("field", mapping.Fields.model_fields)
def test_every_field_is_documented(field: str) -> None:
    assert f"`{field}`" in (ROOT / "docs" / "how-to" / "replay.md").read_text(encoding="utf-8")
