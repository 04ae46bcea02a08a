"""The worked examples through the three services on the log in memory: every value that they keep and show."""

import json
from pathlib import Path

import pytest

from tests.service_chains.__main__ import run_file
from tests.service_chains.grounds import MemoryGround
from tests.service_chains.naming import Names
from tests.unit.chain.test_vectors import FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_services_say_and_show_what_is_expected(path: Path) -> None:
    compared = run_file(path, lambda facts: (MemoryGround(1), Names(facts["pools"])))
    assert compared.values
    assert not compared.differences, "\n".join(compared.differences[:20])


def test_a_fact_that_is_another_is_noticed(tmp_path: Path) -> None:
    story = json.loads(FILES[0].read_text())
    story["steps"] = story["steps"][:2]
    story["steps"][1]["facts"]["flows"][0]["estimated_finish"] += 1
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(story))
    compared = run_file(path, lambda facts: (MemoryGround(1), Names(facts["pools"])))
    for what in ("/flows/SL/expected", "/flows/LL/hops", "/pools/S1/part/supplies", "/alerts", "/shown/S1/order-lines"):
        assert any(what in line for line in compared.differences), what
