"""What firms see is held against the model, and searched for what they must not know."""

import asyncio
from typing import Any

import pytest

from infra.cli.chain_seen import Chain, Firm, differences, leaks
from infra.cli.forecast import forecast
from infra.cli.front_door import FrontDoor, Row
from infra.cli.home import ROOT
from infra.cli.scenario import Scenario
from infra.cli.scenario_file import load


@pytest.fixture(scope="module")
def city() -> Scenario:
    return load(ROOT / "infra" / "scenarios" / "city-car.yaml")


def as_planned(scenario: Scenario) -> dict[str, Firm]:
    """What all firms would see if everything were in time."""
    firms = {id_: Firm({}, {}, {}) for id_ in scenario.enterprises}
    for order in scenario.orders:
        row = {"delay_minutes": 0, "expected_basis": "PROMISED"}
        for id_, rows in ((order.partition("/")[0], "bought"), (scenario.agreement_of(order).seller, "sold")):
            getattr(firms[id_], rows)[order] = dict(row)
    for key in scenario.work:
        firms[key.partition("/")[0]].work[key] = {"delay_minutes": 0, "basis": "PROMISED"}  # type: ignore[index]
    return firms


def test_what_is_equal_has_no_differences(city: Scenario) -> None:
    assert differences(city, Chain(as_planned(city)), forecast(city, {})) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [({"delay_minutes": 1}, "1 minutes late in the view, 0 by the model"), ({"delay_minutes": None}, "None minutes"),
     ({"delay_minutes": 2**53 - 1}, "minutes late in the view"), ({"expected_basis": None}, "nothing is expected yet")],
)  # fmt: skip
@pytest.mark.parametrize("side", ["bought", "sold"])
def test_every_difference_of_either_side_is_told(city: Scenario, change: dict[str, Any], told: str, side: str) -> None:
    firms = as_planned(city)
    owner = "corvida" if side == "bought" else "ampero"
    getattr(firms[owner], side)["corvida/4502"].update(change)
    (found,) = differences(city, Chain(firms), forecast(city, {}))
    assert found.startswith("corvida/4502 (")
    assert told in found


def test_a_row_that_is_missing_is_told(city: Scenario) -> None:
    firms = as_planned(city)
    del firms["miratec"].work["miratec/M-77"]  # type: ignore[attr-defined]
    assert differences(city, Chain(firms), forecast(city, {})) == ["miratec/M-77: no row"]


class Rows(FrontDoor):
    """A front door with these rows in one view of one firm."""

    def __init__(self, viewer: str, rows: list[Row]) -> None:
        self.viewer, self.rows = viewer, rows

    async def view(self, service: str, enterprise: str, view: str, **wanted: str) -> list[Row]:
        """The rows."""
        return self.rows if (enterprise, view) == (self.viewer, "order-lines") else []


@pytest.mark.parametrize(
    ("row", "leak"),
    [
        ({"id": "x", "partner": "ampero"}, False),
        ({"id": "x", "cause": {"reference": "a1", "path": ["work/kobalta/K-31"]}}, True),
        ({"id": "x", "text": "Kobalta Cells is late"}, True),
        ({"id": "kobalta/301/10"}, True),
        ({"id": "x", "text": "kobaltablue"}, False),
        ({"id": "x", "reason": "fire"}, True),
        ({"id": "x", "reason": "fireproof"}, False),
        ({"kobalta": "x"}, False),
    ],
)
def test_a_name_beyond_the_partners_is_found(city: Scenario, row: Row, leak: bool) -> None:
    rows, found = asyncio.run(leaks(Rows("corvida", [row]), city, {"fire": ("fennmark",)}))
    assert rows == 1
    assert bool(found) is leak


def test_who_reported_may_read_it(city: Scenario) -> None:
    _, found = asyncio.run(leaks(Rows("fennmark", [{"reason": "fire"}]), city, {"fire": ("fennmark",)}))
    assert not found
