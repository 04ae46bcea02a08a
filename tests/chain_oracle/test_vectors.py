"""The oracle against the worked examples: every field of every step."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.chain_oracle.differences import differences
from tests.chain_oracle.expected import expected_story
from tests.chain_oracle.pool_views import DaysOfSupply, days_of_supply

DIRECTORY = Path(os.environ.get("CHAIN_VECTORS", Path(__file__).parents[1] / "vectors"))
FILES = sorted(DIRECTORY.glob("*.json"))


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text())
    return content


STORIES = [file for file in FILES if "steps" in read(file)]
COVERS = [file for file in FILES if "cases" in read(file)]


def test_the_vectors_are_there() -> None:
    assert len(STORIES) >= 11, DIRECTORY
    assert COVERS, DIRECTORY


@pytest.mark.parametrize("file", STORIES, ids=lambda file: file.stem)
def test_stories_come_out(file: Path) -> None:
    steps = read(file)["steps"]
    for step, got in zip(steps, expected_story(step["facts"] for step in steps), strict=True):
        assert differences(step["expected"], got) == [], step["step"]
        assert got == step["expected"], step["step"]


@pytest.mark.parametrize("file", COVERS, ids=lambda file: file.stem)
def test_days_of_supply_come_out(file: Path) -> None:
    for case in read(file)["cases"]:
        expected = [DaysOfSupply(**cover) for cover in case["expected"]]
        assert days_of_supply(case["stock"], case["demand"], case["inbound"]) == expected, case
