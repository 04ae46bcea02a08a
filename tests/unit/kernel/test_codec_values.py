"""Decimals, times, headers, JSON answers and partitions: one form each."""

import datetime
import json
from decimal import Decimal

import pytest
from aiokafka.partitioner import murmur2 as kafkas_murmur2
from hypothesis import given
from hypothesis import strategies as st

from services.kernel import canonical
from services.kernel.canonical import MS_MAX, date_of, decimal_of, decimal_text, instant_text
from services.kernel.codec import Meta, headers, to_json
from services.kernel.partitioner import murmur2, partition_of
from services.kernel.values import Quantity
from tests.support.model_values import DECIMALS, values_of
from tests.support.yard import DockKind, TruckDocked


@given(DECIMALS)
def test_a_decimal_has_one_plain_text(value: Decimal) -> None:
    text = decimal_text(value)
    assert decimal_of(text) == value
    assert decimal_text(decimal_of(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.50", "1.5"), ("-0.0", "0"), ("1E+3", "1000"), ("1E-7", "0.0000001"), ("100", "100"), ("0E+999999", "0"),
     ("-12.00", "-12"), ("0.10", "0.1"), ("9" * 24, "9" * 24)],
)  # fmt: skip
def test_the_plain_text_of(value: str, text: str) -> None:
    canonical._texts.clear()  # equal values are one entry: a known text would hide a wrong one
    assert decimal_text(Decimal(value)) == text


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1E+24", "1E-24", "1E+999999", "1E-999999", "9" * 25])
def test_what_has_no_plain_text(value: str) -> None:
    with pytest.raises(ValueError, match=r"number|digits"):
        decimal_text(Decimal(value))


def test_only_decimals_have_a_decimal_text() -> None:
    decimal_text(Decimal(5))  # known now, and equal to 5
    for other in (5, 5.0, "5", None, True):
        with pytest.raises(TypeError):
            decimal_text(other)  # type: ignore[arg-type]  # that is the point


@given(st.integers(0, MS_MAX))
def test_an_instant_is_its_rfc_3339_text(ms: int) -> None:
    assert datetime.datetime.fromisoformat(instant_text(ms)) == datetime.datetime(
        1970, 1, 1, tzinfo=datetime.UTC
    ) + datetime.timedelta(milliseconds=ms)


def test_instants_and_dates_have_bounds() -> None:
    assert instant_text(MS_MAX) == "9999-12-31T23:59:59.999Z"
    for ms in (-1, MS_MAX + 1):
        with pytest.raises(ValueError, match="1970"):
            instant_text(ms)
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        date_of("20260102")


def test_headers_are_cloudevents_in_binary_mode() -> None:
    meta = Meta("c1.1", "c1", "c0", 1_760_000_000_123, 1_760_000_000_456, "acme", "yard/acme/ü", 7)
    made = headers(meta, "yard.v1.TruckLeft", "/yard", "00-aa-bb-01")
    assert dict(made) == {
        "ce_specversion": b"1.0",
        "ce_id": b"c1.1",
        "ce_type": b"yard.v1.TruckLeft",
        "ce_source": b"/yard",
        "ce_time": b"2025-10-09T08:53:20.123Z",
        "ce_subject": "yard/acme/ü".encode(),
        "correlationid": b"c0",
        "causationid": b"c1",
        "traceparent": b"00-aa-bb-01",
    }
    assert len(made) == 9
    assert "traceparent" not in dict(headers(meta, "yard.v1.TruckLeft", "/yard"))


@given(values_of(TruckDocked))
def test_json_answers_are_json_by_the_names_of_the_wire(docked: TruckDocked) -> None:
    made = to_json(docked)
    assert json.loads(json.dumps(made)) == made
    assert made["at"] == instant_text(docked.at_ms)
    assert made["calls"] == [instant_text(ms) for ms in docked.calls_ms]
    assert made["expected"] == (None if docked.expected_ms is None else instant_text(docked.expected_ms))
    assert made["kind"] == docked.kind.value
    assert made["wished"] == (docked.wished and docked.wished.value)
    assert Decimal(made["load"]["amount"]) == docked.load.amount
    assert made["day"] == docked.day.isoformat()
    assert made["seal"] == {"number": docked.seal.number, "broken_by": docked.seal.broken_by}
    assert len(made) == 28


def test_json_of_a_quantity() -> None:
    assert to_json(Quantity(Decimal("1E+1"), "C62")) == {"amount": "10", "unit": "C62"}
    assert DockKind.GROUND_LEVEL.value == "ground"


@given(st.binary(max_size=40))
def test_murmur2_is_kafkas(key: bytes) -> None:
    assert murmur2(key) == kafkas_murmur2(key) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("key", "signed"),
    # Vectors of Kafka's own UtilsTest.testMurmur2.
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536),
     ("a-little-bit-longer-string", -1486304829), ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
     ("abc", 479470107)],
)  # fmt: skip
def test_murmur2_gives_the_published_vectors(key: str, signed: int) -> None:
    assert murmur2(key.encode()) == signed & 0xFFFFFFFF
    assert partition_of(key.encode(), 4) == (signed & 0x7FFFFFFF) % 4
