"""Bodies are checked against models made of the dataclasses: what passes is what a message carries."""

import datetime
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from services.kernel.json_form import to_json
from services.kernel.json_models import body_model, to_dataclass
from services.kernel.values import Money, Quantity
from tests.support.model_values import values_of
from tests.support.yard import DockKind, Pallet, Seal, TruckDocked, TruckLeft

MODEL = body_model(TruckDocked)


def body(**changes: Any) -> dict[str, Any]:
    """A good body, changed."""
    good = {
        "truck_id": "t1", "dock": 3, "at": "2026-01-05T10:00:00Z", "expected": None, "kind": "ramp", "wished": None,
        "load": {"amount": "1.5", "unit": "KGM"}, "returns": None, "fee": {"currency": "EUR", "units": 5},
        "factor": "2", "share": None, "day": "2026-01-05", "next_day": None, "cooled": True, "insured": None,
        "offset": None, "note": None, "photo": "", "seal": {"number": "s"},
    }  # fmt: skip
    return good | changes


def read(raw: dict[str, Any]) -> TruckDocked:
    """As a handler reads it."""
    made = to_dataclass(TruckDocked, MODEL.model_validate(json.loads(json.dumps(raw))), {})
    assert isinstance(made, TruckDocked)
    return made


def test_a_body_becomes_the_dataclass() -> None:
    made = read(body(pallets=[{"quantity": {"amount": 2, "unit": "C62"}, "best_before": "2026-02-01T00:00:00+01:00"}]))
    assert made.at_ms == 1_767_607_200_000
    assert made.kind is DockKind.RAMP
    assert made.load == Quantity(Decimal("1.5"), "KGM")
    assert made.fee == Money("EUR", 5)
    assert made.day == datetime.date(2026, 1, 5)
    assert made.seal == Seal("s")
    assert made.pallets == (Pallet(Quantity(Decimal(2), "C62"), 1_769_900_400_000),)
    assert made.wait_ms == 5
    assert made.helpers == ()


@given(values_of(TruckLeft))
def test_what_an_answer_shows_can_be_sent_again(left: TruckLeft) -> None:
    shown = json.dumps(to_json(left))
    assert to_dataclass(TruckLeft, body_model(TruckLeft).model_validate_json(shown), {}) == left


def test_a_time_before_1970_is_a_number_that_no_message_takes() -> None:
    assert read(body(at="1969-12-31T23:59:59Z")).at_ms == -1_000
    assert read(body(at="1969-12-31T23:59:59.9999Z")).at_ms == -1  # cut downwards, not to 1970


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"dock": "three"}, "dock"),
        ({"dock": 3.5}, "dock"),
        ({"dock": None}, "dock"),
        ({"at": "2026-01-05T10:00:00"}, "at"),  # without a zone
        ({"at": "yesterday"}, "at"),
        ({"expected": "2026-13-01T00:00:00Z"}, "expected"),
        ({"kind": "RAMP"}, "kind"),  # values are sent, names are the messages'
        ({"wished": ""}, "wished"),
        ({"load": {"amount": "NaN", "unit": "KGM"}}, "load.amount"),
        ({"load": {"amount": "Infinity", "unit": "KGM"}}, "load.amount"),
        ({"load": {"amount": "1,5", "unit": "KGM"}}, "load.amount"),
        ({"load": {"unit": "KGM"}}, "load.amount"),
        ({"load": {"amount": "1", "unit": "KGM", "more": 1}}, "load.more"),
        ({"load": "1 KGM"}, "load"),
        ({"day": "2026-02-30"}, "day"),
        ({"seal": None}, "seal"),
        ({"pallets": [{}]}, "pallets.0.quantity"),
        ({"pallets": {}}, "pallets"),
        ({"more": 1}, "more"),
        ({"at_ms": 5}, "at_ms"),
        ({"truck_id": 5}, "truck_id"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as told:
        read(body(**changes))
    assert ".".join(str(part) for part in told.value.errors()[0]["loc"]) == place


def test_fields_of_the_address_are_not_in_the_body() -> None:
    model = body_model(TruckLeft, frozenset({"truck_id"}))
    with pytest.raises(ValidationError, match="truck_id"):
        model.model_validate({"truck_id": "x", "load": {"amount": 1, "unit": "KGM"}})
    made = to_dataclass(TruckLeft, model.model_validate({"load": {"amount": 1, "unit": "KGM"}}), {"truck_id": "x"})
    assert made == TruckLeft("x", Quantity(Decimal(1), "KGM"))  # type: ignore[arg-type]
