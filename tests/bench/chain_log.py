"""What a broker's files say of when a record was there: the moment of its append, and of the commit that made it seen.

Read when a measurement is over, so that no reader shares the processors with what is measured, and none can be late
itself. A record of a transaction can be read from the moment on at which the broker wrote its commit marker behind it.
Owns: Kafka's record batches on disk (format 2). Deliberately lacks: compression, which no producer here uses.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka.record.default_records import DefaultRecordBatch

_HEAD: Final = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, epoch, magic, checksum, attributes, last offset delta, two times, producer, its epoch, …"""
_LENGTH_BEFORE: Final = 12  # bytes of a batch that its length does not count
_TRANSACTIONAL, _CONTROL = 0x10, 0x20


@dataclass(frozen=True, slots=True)
class Logged:
    """One record; times in ms since 1970 UTC. ``seen_ms`` None: its transaction was not committed."""

    topic: str
    partition: int
    offset: int
    appended_ms: int
    seen_ms: int | None
    key: bytes
    value: bytes | None
    headers: dict[str, bytes]


def records_since(folder: Path, starts: dict[tuple[str, int], int]) -> Iterator[Logged]:
    """The records of some partitions of a broker's data folder, from an offset on; partition by partition."""
    for (topic, partition), start in starts.items():
        yield from _of_partition(folder / "records" / f"{topic}-{partition}", topic, partition, start)


def _of_partition(folder: Path, topic: str, partition: int, start: int) -> Iterator[Logged]:
    open_: dict[int, list[tuple[Any, int]]] = {}  # producer to what it has not committed yet
    for attributes, producer, time_ms, data in _batches(folder, start):
        if attributes & _CONTROL:
            committed = _is_commit(data)
            for record, appended_ms in open_.pop(producer, ()):
                yield _logged(topic, partition, record, appended_ms, time_ms if committed else None)
            continue
        records = [(record, time_ms) for record in DefaultRecordBatch(bytearray(data)) if record.offset >= start]
        if attributes & _TRANSACTIONAL:
            open_.setdefault(producer, []).extend(records)
        else:
            for record, appended_ms in records:
                yield _logged(topic, partition, record, appended_ms, appended_ms)


def _batches(folder: Path, start: int) -> Iterator[tuple[int, int, int, bytes]]:
    """(attributes, producer, time, the whole batch), from the one that holds an offset on."""
    segments = sorted(folder.glob("*.log"))
    first = max((n for n, path in enumerate(segments) if int(path.stem) <= start), default=0)
    for path in segments[first:]:
        data = path.read_bytes()
        at = 0
        while at + _HEAD.size <= len(data):
            base, length, _, _, _, attributes, last, _, time_ms, producer, _, _, _ = _HEAD.unpack_from(data, at)
            end = at + _LENGTH_BEFORE + length
            if length <= 0 or end > len(data):
                break
            if base + last >= start:
                yield attributes, producer, time_ms, data[at:end]
            at = end


def _is_commit(batch: bytes) -> bool:
    (record,) = DefaultRecordBatch(bytearray(batch))
    return int.from_bytes((record.key or b"")[2:4], "big") == 1


def _logged(topic: str, partition: int, record: Any, appended_ms: int, seen_ms: int | None) -> Logged:
    return Logged(
        topic, partition, record.offset, appended_ms, seen_ms, record.key or b"", record.value, dict(record.headers)
    )
