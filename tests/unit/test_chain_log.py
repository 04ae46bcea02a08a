"""The bench's reading of a broker's files: a record can be read from the commit marker of its transaction on."""

import struct
from pathlib import Path

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from tests.bench.chain_log import records_since

ATTRIBUTES_AT = 21
CONTROL = 0x20


def batch(offset: int, producer: int, time_ms: int, *keys: bytes, transactional: bool = True) -> bytes:
    """A batch of a record for each key, as a broker with append times keeps it."""
    builder = DefaultRecordBatchBuilder(2, 0, int(transactional), producer, 0, 0, 100_000)
    for number, key in enumerate(keys):
        builder.append(number, time_ms, key, b"value", [("ce_id", b"x")])
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, offset)
    return bytes(data)


def marker(offset: int, producer: int, time_ms: int, *, commit: bool) -> bytes:
    """What ends a transaction."""
    data = bytearray(batch(offset, producer, time_ms, struct.pack(">hh", 0, int(commit))))
    (attributes,) = struct.unpack_from(">h", data, ATTRIBUTES_AT)
    struct.pack_into(">h", data, ATTRIBUTES_AT, attributes | CONTROL)
    return bytes(data)


def read(folder: Path, parts: list[bytes], start: int = 0) -> list[tuple[int, bytes, int, int | None]]:
    """(offset, key, appended, seen) of a partition with these batches."""
    place = folder / "records" / "views-0"
    place.mkdir(parents=True)
    (place / f"{0:020}.log").write_bytes(b"".join(parts))
    return [(one.offset, one.key, one.appended_ms, one.seen_ms) for one in records_since(folder, {("views", 0): start})]


def test_a_record_is_seen_when_its_own_producer_commits(tmp_path: Path) -> None:
    """Whatever others commit meanwhile; one that is aborted is never seen, one that is open is not there yet."""
    found = read(tmp_path, [
        batch(0, 7, 100, b"a"), batch(1, 8, 110, b"b"), marker(2, 8, 120, commit=True), batch(3, 9, 125, b"c"),
        marker(4, 7, 130, commit=True), marker(5, 9, 140, commit=False), batch(6, 7, 150, b"open"),
    ])  # fmt: skip
    assert sorted(found) == [(0, b"a", 100, 130), (1, b"b", 110, 120), (3, b"c", 125, None)]


def test_what_is_outside_of_transactions_is_seen_at_once_and_what_lies_before_the_start_is_left_out(
    tmp_path: Path,
) -> None:
    """A command of a front door is a plain record."""
    found = read(tmp_path, [batch(0, -1, 100, b"a", b"b", transactional=False)], start=1)
    assert found == [(1, b"b", 100, 100)]
