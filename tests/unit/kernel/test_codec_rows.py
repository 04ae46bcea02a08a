"""Rows as bytes: the same row always has the same bytes, and one written before a field was appended is read."""

import datetime
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given

from services.kernel.row_codec import RowCodec, RowError
from services.kernel.shapes import MappingError
from services.kernel.values import Quantity
from tests.support.model_values import values_of
from tests.support.yard import DockKind, Seal, TruckDocked, YardClosed

CODEC = RowCodec(TruckDocked)


@given(values_of(TruckDocked))
def test_a_row_comes_back(row: TruckDocked) -> None:
    again = CODEC.decode(CODEC.encode(row))
    assert again == row
    assert type(again) is TruckDocked
    assert isinstance(again.kind, DockKind)
    assert isinstance(again.factor, Decimal)


@given(values_of(TruckDocked))
def test_a_row_has_one_form(row: TruckDocked) -> None:
    data = CODEC.encode(row)
    assert CODEC.encode(CODEC.decode(data)) == data
    longer = replace(row, weights=tuple(_with_zeros(weight) for weight in row.weights), factor=_with_zeros(row.factor))
    assert longer == row
    assert CODEC.encode(longer) == data


def _with_zeros(value: Decimal) -> Decimal:
    text = format(value, "f")
    return Decimal(text + ("00" if "." in text else ".00"))


ONE_AND_A_HALF = Quantity(Decimal("1.50"), "C62")


@dataclass(frozen=True, slots=True)
class Berth:
    name: str
    depth: Decimal
    built: datetime.date


@dataclass(frozen=True, slots=True)
class WiderBerth:
    """The same row kind, some releases later."""

    name: str
    depth: Decimal
    built: datetime.date
    load: Quantity = ONE_AND_A_HALF
    kind: DockKind = DockKind.RAMP
    seals: tuple[Seal, ...] = (Seal("a"),)
    checked: datetime.date | None = None
    cranes: tuple[str, ...] = field(default_factory=tuple)


def test_appended_fields_leave_old_rows_as_they_were() -> None:
    old = Berth("north", Decimal("9.5"), datetime.date(1990, 5, 1))
    data = RowCodec(Berth).encode(old)
    today = WiderBerth("north", Decimal("9.5"), datetime.date(1990, 5, 1))
    wider = RowCodec(WiderBerth)
    assert wider.decode(data) == today
    assert wider.encode(today) == data
    part = replace(today, kind=DockKind.GROUND_LEVEL)
    assert wider.decode(wider.encode(part)) == part
    assert len(msgspec.msgpack.decode(wider.encode(part))) == 5


def test_a_row_of_a_newer_release_is_not_cut_short() -> None:
    newer = WiderBerth("north", Decimal(9), datetime.date(1990, 5, 1), checked=datetime.date(2026, 1, 1))
    with pytest.raises(RowError, match="Berth has 3 to 3"):
        RowCodec(Berth).decode(RowCodec(WiderBerth).encode(newer))


def test_the_bytes_themselves() -> None:
    """They are in every changelog: a change of the form is a migration, not a refactoring."""
    row = WiderBerth(
        "north", Decimal("9.50"), datetime.date(1990, 5, 1), Quantity(Decimal(2), "KGM"), DockKind.GROUND_LEVEL
    )
    assert msgspec.msgpack.decode(RowCodec(WiderBerth).encode(row)) == [
        "north", "9.5", "1990-05-01", ["2", "KGM"], "ground"
    ]  # fmt: skip
    assert (
        RowCodec(WiderBerth).encode(row).hex()
        == "95a56e6f727468a3392e35aa313939302d30352d303192a132a34b474da667726f756e64"
    )


def test_a_row_without_fields() -> None:
    codec = RowCodec(YardClosed)
    assert codec.decode(codec.encode(YardClosed())) == YardClosed()


class Base:
    pass


@dataclass(frozen=True)
class Loose(Base):
    """Neither slots nor object as its base: built by calling it."""

    amount: Decimal

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError("below zero")


def test_classes_that_check_themselves_are_called() -> None:
    codec = RowCodec(Loose)
    assert codec.decode(codec.encode(Loose(Decimal("1.5")))) == Loose(Decimal("1.5"))
    with pytest.raises(RowError, match="below zero"):
        codec.decode(b"\x91\xa2-1")


@pytest.mark.parametrize(
    "data", [b"", b"\xc0", b"\x93", b"\x80", b"\x91\xa1x", b"\x93\xa1x\xa3NaN\xaa1990-05-01", b"\x93\xa1x\xa11\x05"]
)
def test_bytes_that_are_no_row_are_told(data: bytes) -> None:
    with pytest.raises(RowError, match="Berth"):
        RowCodec(Berth).decode(data)


@pytest.mark.parametrize("bad", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+41"), 1.5])
def test_a_row_that_has_no_bytes_is_told(bad: Any) -> None:
    with pytest.raises(RowError, match="Berth"):
        RowCodec(Berth).encode(Berth("north", bad, datetime.date(1990, 5, 1)))


def test_rows_of_unknown_types_are_refused_at_start() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd:
        share: float

    with pytest.raises(MappingError, match=r"Odd\.share"):
        RowCodec(Odd)
