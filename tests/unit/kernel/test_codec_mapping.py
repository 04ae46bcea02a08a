"""A model and a schema that differ are found at start, and the error names both sides."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from services.kernel.codec import Malformed, MappingError, Meta, Wire
from services.kernel.shapes import fields_of
from services.kernel.values import Quantity
from tests.support.protos import compile_proto, message_class

HEAD = (
    'syntax = "proto3"; package t; import "chainflow/common/v1/common.proto"; import "google/protobuf/timestamp.proto";'
)
TOP = "message TEvent { chainflow.common.v1.Envelope envelope = 1; oneof event { Made made = 2; } }"


@dataclass(frozen=True, slots=True)
class Made:
    item: str
    due_at_ms: int


def wire(
    fields: str, model: type = Made, more: str = "", top: str = TOP, union: tuple[type, ...] | None = None
) -> Wire:
    pool = compile_proto(f"{HEAD} {top} message {model.__name__} {{ {fields} }} {more}")
    return Wire(message_class(pool, "t.TEvent"), 1, union or (model,), "event")


def made(hint: Any, name: str = "x") -> type:
    """A model Made with one field of a type."""
    cls = type("Made", (), {"__annotations__": {name: hint}})
    return dataclass(frozen=True)(cls)


GOOD = "string item = 1; google.protobuf.Timestamp due_at = 2;"


def test_equal_sides_fit() -> None:
    assert wire(GOOD).type_names == {Made: "t.Made"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ("string item = 1;", "no field 'due_at'"),
        (GOOD + "bool late = 3;", "no field 'late'"),
        ("string item = 1; string due_at = 2;", "due_at"),
        ("string item = 1; chainflow.common.v1.Money due_at = 2;", "Money"),
        ("bytes item = 1; google.protobuf.Timestamp due_at = 2;", "'item' is of another protobuf type"),
        ("repeated string item = 1; google.protobuf.Timestamp due_at = 2;", "'item' is repeated on one side"),
        ("optional string item = 1; google.protobuf.Timestamp due_at = 2;", "'item' is optional on one side"),
    ],
)
def test_a_field_that_differs_is_named_with_both_sides(fields: str, says: str) -> None:
    with pytest.raises(MappingError, match=re.escape(says)) as raised:
        wire(fields)
    assert "Made" in str(raised.value)
    assert "t.Made" in str(raised.value)


@pytest.mark.parametrize(
    ("hint", "field"),
    [
        (str | None, "string x = 1;"),
        (int | None, "uint32 x = 1;"),
        (Decimal | None, "string x = 1;"),
        (int, "float x = 1;"),
        (int, "fixed32 x = 1;"),
        (Decimal, "double x = 1;"),
        (Quantity, "string x = 1;"),
        (tuple[str, ...], "string x = 1;"),
        (bool, "uint32 x = 1;"),
    ],
    ids=str,
)
def test_types_that_differ_are_refused(hint: Any, field: str) -> None:
    with pytest.raises(MappingError, match=r"'x'|no message"):
        wire(field, made(hint))


def test_an_instant_may_be_a_plain_number_of_the_same_name() -> None:
    assert wire("int64 x_ms = 1;", made(int, "x_ms"))


class Colour(StrEnum):
    RED = "r"
    DARK_BLUE = "b"


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ("COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1;", "DARK_BLUE"),
        ("COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; COLOUR_DARK_BLUE = 2; COLOUR_GREEN = 3;", "GREEN"),
        ("COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; DARK_BLUE2 = 2;", "DARK_BLUE2"),
    ],
)
def test_choices_that_differ_are_named(members: str, says: str) -> None:
    with pytest.raises(MappingError, match=says):
        wire("Colour x = 1;", made(Colour), f"enum Colour {{ {members} }}")


def test_choices_with_another_name_or_optional_are_refused() -> None:
    members = "{ PAINT_UNSPECIFIED = 0; PAINT_RED = 1; PAINT_DARK_BLUE = 2; }"
    with pytest.raises(MappingError, match="names differ"):
        wire("Paint x = 1;", made(Colour), f"enum Paint {members}")
    with pytest.raises(MappingError, match="optional on one side"):
        wire("optional Colour x = 1;", made(Colour), f"enum Colour {members.replace('PAINT', 'COLOUR')}")


@pytest.mark.parametrize("field", ["Colour x = 1;", "optional Colour x = 1;"])
def test_an_absent_choice_is_unspecified_or_not_there(field: str) -> None:
    maybe = made(Colour | None)
    both = wire(field, maybe, "enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; COLOUR_DARK_BLUE = 2; }")
    for value in (None, *Colour):
        assert both.decode(both.encode(Meta("1"), maybe(value)))[1].x is value
    nothing = both.encode(Meta("1"), maybe(None))
    assert nothing.endswith(b"\x12\x00")
    assert both.decode(nothing[:-1] + b"\x02\x08\x00")[1].x is None


def test_the_union_and_the_oneof_have_the_same_members() -> None:
    with pytest.raises(MappingError, match="no member for Colour"):
        wire(GOOD, union=(Made, Colour))
    top = TOP.replace("Made made = 2;", "Made made = 2; Lost lost = 3;")
    with pytest.raises(MappingError, match="no dataclass Lost"):
        wire(GOOD, more="message Lost {}", top=top)
    with pytest.raises(MappingError, match="two dataclasses"):
        wire(GOOD, union=(Made, made(str)))
    pool = compile_proto(f"{HEAD} {TOP} message Made {{ {GOOD} }}")
    with pytest.raises(MappingError, match="no oneof 'body'"):
        Wire(message_class(pool, "t.TEvent"), 1, (Made,), "body")


def test_the_place_of_a_message_in_its_file_is_in_the_frame() -> None:
    """Confluent's wire format: a list of indexes as zigzag varints, and one 0x00 for the list of a single 0."""
    body = Made("screw", 60_000)
    assert wire(GOOD).encode(Meta("1"), body)[:6].hex() == "000000000100"
    third = wire(GOOD, top="message First {} message Second {} " + TOP)
    data = third.encode(Meta("1"), body)
    assert data[:7].hex() == "00000000010204"
    assert third.decode(data)[1] == body
    with pytest.raises(Malformed, match="unknown-message-index"):
        third.decode(wire(GOOD).encode(Meta("1"), body))
    with pytest.raises(MappingError, match="message 64"):
        wire(GOOD, top="".join(f"message M{n} {{}} " for n in range(64)) + TOP)


def test_beside_the_oneof_stand_scalars_only() -> None:
    with pytest.raises(MappingError, match="places"):
        wire(GOOD, top=TOP.replace("oneof", "repeated string places = 9; oneof"))


def test_another_envelope_is_refused() -> None:
    with pytest.raises(MappingError, match="Envelope"):
        wire(GOOD, more="message Envelope { string id = 1; }", top=TOP.replace("chainflow.common.v1.", ""))


@pytest.mark.parametrize(
    "hint",
    [float, dict[str, int], Mapping[str, int], list[str], tuple[str, int], str | int, tuple[str | None, ...], Any, set],
)
def test_types_that_no_format_carries_are_refused_by_name(hint: Any) -> None:
    with pytest.raises(MappingError, match=r"Made\.x"):
        fields_of(made(hint))


def test_only_frozen_dataclasses_are_a_model() -> None:
    with pytest.raises(MappingError, match="not a dataclass"):
        fields_of(str)

    @dataclass
    class Loose:
        x: int

    with pytest.raises(MappingError, match="not frozen"):
        fields_of(Loose)
