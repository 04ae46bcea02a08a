"""A yard that books trucks onto docks: a model that uses every type that a wire or a row can carry."""

import datetime
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from services.kernel.values import Money, Quantity

TruckId = NewType("TruckId", str)

PROTO = """
syntax = "proto3";
package yard.v1;
import "chainflow/common/v1/common.proto";
import "google/protobuf/timestamp.proto";
message YardEvent {
  chainflow.common.v1.Envelope envelope = 1;
  string link = 2;
  bool removed = 3;
  oneof event {
    TruckDocked truck_docked = 10;
    TruckLeft truck_left = 11;
    YardClosed yard_closed = 12;
  }
}
enum DockKind {
  DOCK_KIND_UNSPECIFIED = 0;
  DOCK_KIND_RAMP = 1;
  DOCK_KIND_GROUND_LEVEL = 2;
}
message Seal { string number = 1; optional string broken_by = 2; }
message Pallet {
  chainflow.common.v1.Quantity quantity = 1;
  google.protobuf.Timestamp best_before = 2;
}
message TruckDocked {
  string truck_id = 1;
  uint32 dock = 2;
  google.protobuf.Timestamp at = 3;
  google.protobuf.Timestamp expected = 4;
  DockKind kind = 5;
  DockKind wished = 6;
  chainflow.common.v1.Quantity load = 7;
  chainflow.common.v1.Quantity returns = 8;
  chainflow.common.v1.Money fee = 9;
  string factor = 10;
  optional string share = 11;
  string day = 12;
  optional string next_day = 13;
  bool cooled = 14;
  optional bool insured = 15;
  optional int64 offset = 16;
  optional string note = 17;
  bytes photo = 18;
  repeated string helpers = 19;
  repeated sint32 steps = 20;
  repeated google.protobuf.Timestamp calls = 21;
  repeated DockKind tried = 22;
  repeated string weights = 23;
  repeated string days = 24;
  repeated Pallet pallets = 25;
  Seal seal = 26;
  Seal spare_seal = 27;
  int64 wait_ms = 28;
}
message TruckLeft { string truck_id = 1; chainflow.common.v1.Quantity load = 2; }
message YardClosed {}
"""


class DockKind(StrEnum):
    """Its values are not its names: the wire uses names, rows and JSON use values."""

    RAMP = "ramp"
    GROUND_LEVEL = "ground"


@dataclass(frozen=True, slots=True)
class Seal:
    number: str
    broken_by: str | None = None


@dataclass(frozen=True, slots=True)
class Pallet:
    quantity: Quantity
    best_before_ms: int


@dataclass(frozen=True, slots=True)
class TruckDocked:
    truck_id: TruckId
    dock: int
    at_ms: int
    expected_ms: int | None
    kind: DockKind
    wished: DockKind | None
    load: Quantity
    returns: Quantity | None
    fee: Money
    factor: Decimal
    share: Decimal | None
    day: datetime.date
    next_day: datetime.date | None
    cooled: bool
    insured: bool | None
    offset: int | None
    note: str | None
    photo: bytes
    seal: Seal
    helpers: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    calls_ms: tuple[int, ...] = ()
    tried: tuple[DockKind, ...] = ()
    weights: tuple[Decimal, ...] = ()
    days: tuple[datetime.date, ...] = ()
    pallets: tuple[Pallet, ...] = ()
    spare_seal: Seal | None = None
    wait_ms: int = 5


@dataclass(frozen=True, slots=True)
class TruckLeft:
    truck_id: TruckId
    load: Quantity


@dataclass(frozen=True, slots=True)
class YardClosed:
    pass


EVENTS = (TruckDocked, TruckLeft, YardClosed)
