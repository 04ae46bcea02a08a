"""The wire: what goes in comes out, the bytes are Confluent-framed protobuf, and bad bytes are told as such."""

import contextlib
import datetime
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.codec import NO_META, Malformed, Meta, Unencodable, Wire
from services.kernel.mapping import ID_CHARS_MAX, TEXT_CHARS_MAX
from services.kernel.values import Money, Quantity
from tests.support.model_values import values_of
from tests.support.protos import compile_proto, message_class
from tests.support.yard import EVENTS, PROTO, DockKind, Pallet, Seal, TruckDocked, TruckId, TruckLeft, YardClosed

META = Meta("c1.1", "c1", "c0", 1_760_000_000_123, 1_760_000_000_456, "acme", "yard/acme/1", 7, "u-17", 3)
LEFT = TruckLeft(TruckId("t1"), Quantity(Decimal("12.5"), "KGM"))
FULL = TruckDocked(
    truck_id=TruckId("t1"),
    dock=4,
    at_ms=1_760_000_000_123,
    expected_ms=0,
    kind=DockKind.GROUND_LEVEL,
    wished=DockKind.RAMP,
    load=Quantity(Decimal("12.50"), "KGM"),
    returns=Quantity(Decimal(0), "KGM"),
    fee=Money("EUR", 12, 500_000_000),
    factor=Decimal("-0.25"),
    share=Decimal(0),
    day=datetime.date(2026, 1, 2),
    next_day=datetime.date(2026, 1, 3),
    cooled=True,
    insured=False,
    offset=0,
    note="",
    photo=b"\x00\xff",
    seal=Seal("s1", "nobody"),
    helpers=("a", ""),
    steps=(-1, 2),
    calls_ms=(0, 1001),
    tried=(DockKind.RAMP,),
    weights=(Decimal(1), Decimal("2.5")),
    days=(datetime.date(2026, 1, 2),),
    pallets=(Pallet(Quantity(Decimal(3), "C62"), 60_000),),
    spare_seal=Seal("s2"),
    wait_ms=250,
)


@cache
def message() -> Any:
    return message_class(compile_proto(PROTO), "yard.v1.YardEvent")


@cache
def wire() -> Wire:
    return Wire(message(), 7001, EVENTS, "event")


def framed(event: Any) -> bytes:
    return b"\x00\x00\x00\x1b\x59\x00" + bytes(event.SerializeToString())


def valid() -> Any:
    return message().FromString(wire().encode(META, FULL)[6:])


def reason_of(data: bytes | None) -> str:
    with pytest.raises(Malformed) as raised:
        wire().decode(data)
    assert raised.value.detail
    return raised.value.reason


def test_bytes_are_framed_protobuf_that_protobuf_itself_reads() -> None:
    data = wire().encode(META, FULL, link="l1")
    assert data[:6] == b"\x00\x00\x00\x1b\x59\x00"  # magic, schema id 7001, first message of the file
    event = message().FromString(data[6:])
    envelope, docked = event.envelope, event.truck_docked
    assert (envelope.id, envelope.causation_id, envelope.correlation_id) == ("c1.1", "c1", "c0")
    assert envelope.occurred_at.ToJsonString() == "2025-10-09T08:53:20.123Z"
    assert envelope.recorded_at.ToJsonString() == "2025-10-09T08:53:20.456Z"
    assert (envelope.enterprise, envelope.aggregate, envelope.version) == ("acme", "yard/acme/1", 7)
    assert (envelope.actor, envelope.schema_version, event.link) == ("u-17", 3, "l1")
    assert event.WhichOneof("event") == "truck_docked"
    assert docked.at.ToJsonString() == "2025-10-09T08:53:20.123Z"
    assert (docked.kind, docked.wished) == (2, 1)
    assert (docked.load.amount, docked.load.unit) == ("12.5", "KGM")
    assert (docked.fee.currency, docked.fee.units, docked.fee.nanos) == ("EUR", 12, 500_000_000)
    assert (docked.factor, docked.day, docked.photo) == ("-0.25", "2026-01-02", b"\x00\xff")
    assert [docked.HasField(name) for name in ("expected", "returns", "share", "insured", "note")] == [True] * 5
    assert [item.seconds for item in docked.calls] == [0, 1]
    assert (list(docked.weights), docked.wait_ms) == (["1", "2.5"], 250)


def test_a_full_event_and_its_extras_come_back() -> None:
    data = wire().encode(META, FULL, link="l1")
    assert wire().decode(data) == (META, FULL, {"link": "l1", "removed": False})


LONG = st.text(st.characters(exclude_categories=["Cs"]), min_size=100, max_size=ID_CHARS_MAX)
WIDE = st.builds(
    replace, values_of(TruckDocked), truck_id=LONG, note=st.none() | LONG, helpers=st.lists(LONG).map(tuple),
    dock=st.integers(0, 2**32 - 1), offset=st.integers(-(2**63), 2**63 - 1), photo=st.binary(max_size=300),
    steps=st.lists(st.integers(-(2**31), 2**31 - 1)).map(tuple), fee=st.builds(Money, LONG, st.integers(-(2**63), -1)),
)  # fmt: skip


@given(values_of(TruckDocked) | WIDE | st.sampled_from([FULL, LEFT]), values_of(Meta), st.text(max_size=300))
def test_the_bytes_are_those_of_protobufs_own_serializer(body: object, meta: Meta, link: str) -> None:
    data = wire().encode(replace(meta, id=meta.id or "x"), body, link=link)[6:]
    assert data == message().FromString(data).SerializeToString(deterministic=True)


def test_absent_is_none_and_not_a_default() -> None:
    bare = replace(
        FULL,
        expected_ms=None,
        wished=None,
        returns=None,
        share=None,
        next_day=None,
        insured=None,
        offset=None,
        note=None,
        spare_seal=None,
        seal=Seal(""),
        helpers=(),
        pallets=(),
    )
    assert wire().decode(wire().encode(META, bare))[1] == bare


@given(st.one_of([values_of(event) for event in EVENTS]), values_of(Meta), st.text(max_size=5))
def test_whatever_is_encoded_is_decoded_again(body: object, meta: Meta, link: str) -> None:
    meta = replace(meta, id=meta.id or "x")
    assert wire().decode(wire().encode(meta, body, link=link)) == (meta, body, {"link": link, "removed": False})


@given(
    values_of(TruckLeft),
    st.decimals() | st.builds(Decimal, st.from_regex(r"-?[0-9]{1,50}\.?[0-9]{0,50}", fullmatch=True)),
)
def test_nothing_is_written_that_could_not_be_read(left: TruckLeft, amount: Decimal) -> None:
    body = replace(left, load=Quantity(amount, "C62"))
    try:
        data = wire().encode(META, body)
    except Unencodable:
        return
    assert wire().decode(data)[1] == body


@given(values_of(TruckLeft))
def test_equal_bodies_have_equal_bytes(left: TruckLeft) -> None:
    text = format(left.load.amount, "f")
    longer = replace(left, load=replace(left.load, amount=Decimal(text + ("00" if "." in text else ".00"))))
    assert longer == left
    assert wire().encode(META, longer) == wire().encode(META, left)


def test_a_removed_row_has_no_body() -> None:
    assert wire().decode(wire().encode(META, None, removed=True)) == (META, None, {"link": "", "removed": True})
    with pytest.raises(Unencodable, match="not removed"):
        wire().encode(META, None)


def test_a_message_without_fields_is_a_body() -> None:
    assert wire().decode(wire().encode(META, YardClosed()))[1] == YardClosed()


def test_a_message_without_oneof_and_envelope_is_its_own_body() -> None:
    proto = 'syntax = "proto3"; package t; import "google/protobuf/timestamp.proto"; '
    pool = compile_proto(proto + "message Pallet { google.protobuf.Timestamp best_before = 2; Quantity quantity = 1; } "
                         "message Quantity { string amount = 1; string unit = 2; }")  # fmt: skip
    plain = Wire(message_class(pool, "t.Pallet"), 5, (Pallet,))
    pallet = Pallet(Quantity(Decimal(3), "C62"), 60_000)
    assert plain.decode(plain.encode(NO_META, pallet)) == (NO_META, pallet, {})


def test_frames_of_others_are_told_apart() -> None:
    data = wire().encode(META, LEFT)
    assert reason_of(None) == reason_of(b"") == "empty"
    assert reason_of(b"{" + data[1:]) == "bad-magic"
    assert reason_of(b"\x00\x00\x00\x00\x07" + data[5:]) == reason_of(data[:3]) == "unknown-schema"
    assert reason_of(data[:5] + b"\x02" + data[6:]) == reason_of(data[:5]) == "unknown-message-index"
    assert reason_of(data[:-1]) == reason_of(data + b"\xff") == reason_of(data[:6] + b"{}") == "undecodable"
    assert reason_of(data[:6]) == "envelope-missing"


def test_an_envelope_needs_an_id_and_a_time() -> None:
    event = valid()
    event.envelope.id = ""
    assert reason_of(framed(event)) == "envelope-incomplete"
    event = valid()
    event.envelope.ClearField("occurred_at")
    assert reason_of(framed(event)) == "envelope-incomplete"
    event = valid()
    event.envelope.ClearField("recorded_at")
    assert wire().decode(framed(event))[0].recorded_at_ms == 0
    with pytest.raises(Unencodable, match="id"):
        wire().encode(replace(META, id=""), LEFT)


@pytest.mark.parametrize(("seconds", "nanos"), [(-1, 0), (253_402_300_800, 0), (5, -1), (5, 1_000_000_000)])
def test_times_outside_the_years_1970_to_9999_are_malformed(seconds: int, nanos: int) -> None:
    for path in ("envelope.occurred_at", "envelope.recorded_at", "truck_docked.at", "truck_docked.expected"):
        event = valid()
        owner, _, name = path.partition(".")
        stamp = getattr(getattr(event, owner), name)
        stamp.seconds, stamp.nanos = seconds, nanos
        assert reason_of(framed(event)) == "bad-timestamp", path
    event = valid()
    event.truck_docked.calls.add(seconds=seconds, nanos=nanos)
    assert reason_of(framed(event)) == "bad-timestamp"


@pytest.mark.parametrize("ms", [-1, 253_402_300_800_000])
def test_times_outside_the_years_1970_to_9999_are_not_written(ms: int) -> None:
    for body in (replace(FULL, at_ms=ms), replace(FULL, expected_ms=ms), replace(FULL, calls_ms=(ms,))):
        with pytest.raises(Unencodable, match="1970"):
            wire().encode(META, body)
    with pytest.raises(Unencodable, match="1970"):
        wire().encode(replace(META, occurred_at_ms=ms), LEFT)


NO_DECIMALS = ["", " 1", "1 ", "+1", "1.", ".5", "1e5", "1E5", "NaN", "sNaN", "Infinity", "-Infinity", "-", "1_000",
               "٣", "1,5", "007", "--1", "0x1", "1" * 25, "0." + "1" * 24, "1" * 100_000]  # fmt: skip


@pytest.mark.parametrize("text", NO_DECIMALS, ids=lambda text: text[:12])
def test_decimals_are_plain_and_bounded(text: str) -> None:
    for change in (
        lambda docked: setattr(docked.load, "amount", text),
        lambda docked: setattr(docked, "factor", text),
        lambda docked: setattr(docked, "share", text),
        lambda docked: docked.weights.append(text),
    ):
        event = valid()
        change(event.truck_docked)
        assert reason_of(framed(event)) == "bad-decimal"


@pytest.mark.parametrize(
    "text", ["", "2026-1-2", "20260102", "2026-02-30", "2026-W01-1", "2026-01-02T00:00", "٢٠٢٦-01-02"]
)
def test_dates_are_iso_dates(text: str) -> None:
    event = valid()
    event.truck_docked.day = text
    assert reason_of(framed(event)) == "bad-date"
    event = valid()
    event.truck_docked.days.append(text)
    assert reason_of(framed(event)) == "bad-date"


def test_a_required_message_must_be_there() -> None:
    for name in ("at", "load", "fee", "seal"):
        event = valid()
        event.truck_docked.ClearField(name)
        assert reason_of(framed(event)) == "field-missing", name


def test_what_a_newer_producer_wrote() -> None:
    event = valid()
    event.truck_docked.kind = 3
    assert reason_of(framed(event)) == "unknown-choice"
    event.truck_docked.kind = 0
    assert reason_of(framed(event)) == "choice-missing"
    event = valid()
    event.truck_docked.tried.append(3)
    assert reason_of(framed(event)) == "unknown-choice"
    event = valid()
    event.truck_docked.wished = 3
    assert reason_of(framed(event)) == "unknown-choice"
    event = valid()
    event.ClearField("event")
    newer = b"\x6a\x02\x0a\x00"  # field 13, a message: a kind of event that is not known here
    assert reason_of(framed(event) + newer) == "body-missing"
    more = b"\xf2\x01\x01x"  # field 30 of the top message, a text
    assert wire().decode(framed(valid()) + more)[1] == FULL, "an unknown field is what compatible change looks like"


def test_texts_are_bounded_on_both_sides() -> None:
    event = valid()
    event.truck_docked.note = "n" * TEXT_CHARS_MAX
    event.truck_docked.truck_id = "ü" * ID_CHARS_MAX
    assert wire().decode(framed(event))[1].note == "n" * TEXT_CHARS_MAX
    for change in (
        {"note": "n" * (TEXT_CHARS_MAX + 1)},
        {"truck_id": "t" * (ID_CHARS_MAX + 1)},
        {"helpers": ("", "h" * (TEXT_CHARS_MAX + 1))},
        {"seal": Seal("s" * (TEXT_CHARS_MAX + 1))},
        {"pallets": (Pallet(Quantity(Decimal(1), "u" * (TEXT_CHARS_MAX + 1)), 0),)},
    ):
        with pytest.raises(Unencodable, match="too long"):
            wire().encode(META, replace(FULL, **change))
    with pytest.raises(Unencodable, match="too long"):
        wire().encode(replace(META, correlation_id="c" * (ID_CHARS_MAX + 1)), LEFT)
    event.truck_docked.truck_id = "t" * (ID_CHARS_MAX + 1)
    assert reason_of(framed(event)) == "too-long"
    event = valid()
    event.envelope.aggregate = "a" * (ID_CHARS_MAX + 1)
    assert reason_of(framed(event)) == "too-long"


@pytest.mark.parametrize(
    "body",
    [
        replace(FULL, dock=-1),
        replace(FULL, dock=2**32),
        replace(FULL, truck_id=TruckId("\ud800")),
        replace(FULL, factor=Decimal("NaN")),
        replace(FULL, factor=Decimal("sNaN")),
        replace(FULL, factor=Decimal("1E+999999")),
        replace(FULL, seal=None),  # type: ignore[arg-type]  # what mypy would have found
        replace(FULL, truck_id=b"t1"),  # type: ignore[arg-type]
        replace(FULL, truck_id=None),  # type: ignore[arg-type]
        replace(FULL, dock=4.0),  # type: ignore[arg-type]
        replace(FULL, dock="4"),  # type: ignore[arg-type]
        replace(FULL, cooled="yes"),  # type: ignore[arg-type]
        replace(FULL, factor=1),  # type: ignore[arg-type]
        replace(FULL, kind="no dock"),  # type: ignore[arg-type]
        replace(FULL, at_ms=None),  # type: ignore[arg-type]
        replace(FULL, day="2026-01-02"),  # type: ignore[arg-type]
        replace(FULL, photo="a"),  # type: ignore[arg-type]
        replace(FULL, steps=(2**31,)),
        Seal("1"),
        None,
    ],
    ids=lambda body: type(body).__name__,
)
def test_a_value_that_does_not_fit_is_told_to_the_writer(body: Any) -> None:
    with pytest.raises(Unencodable):
        wire().encode(META, body)


def test_a_number_that_is_not_whole_is_told_whatever_was_written_before() -> None:
    wire().encode(META, replace(FULL, dock=200))
    with pytest.raises(Unencodable):
        wire().encode(META, replace(FULL, dock=200.0))  # type: ignore[arg-type]


def test_unknown_extras_are_told_to_the_writer() -> None:
    with pytest.raises(Unencodable):
        wire().encode(META, LEFT, colour="red")


@given(st.binary(max_size=80))
def test_any_bytes_are_malformed_or_read(data: bytes) -> None:
    for candidate in (data, b"\x00\x00\x00\x1b\x59\x00" + data):
        with contextlib.suppress(Malformed):
            wire().decode(candidate)


@given(st.data())
def test_a_damaged_message_is_malformed_or_read(data: st.DataObject) -> None:
    good = bytearray(wire().encode(META, FULL))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(good) - 1))
        good[place] = data.draw(st.integers(0, 255))
    try:
        meta, body, extras = wire().decode(bytes(good))
    except Malformed:
        return
    assert wire().decode(wire().encode(meta, body, **extras)) == (meta, body, extras)
