"""Keys whose step raised: a defect, not weather. Their records wait in order, every other key goes on."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from services.kernel.batch import Headers, Record
from services.kernel.store import Store

PARKED = b"~p\0"
QUEUE_RECORDS_MAX = 10_000
ROW_BYTES_MAX = 1_000_000
"""What the changelog takes with certainty; a record can be larger by what is around it."""


class ParkedQueueFull(Exception):
    """More records wait behind one parked key than we keep; the worker stops and asks for a human."""


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


_decode = msgspec.msgpack.Decoder(ParkedRecord).decode
_encode = msgspec.msgpack.Encoder().encode


class Parking:
    """The parked keys of one partition, and the records behind them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._new: dict[bytes, bytes | None] = {}
        self._keys: dict[bytes, int] | None = None

    @property
    def keys(self) -> dict[bytes, int]:
        """Parked key to the number that its next record gets."""
        if self._keys is None:
            self._keys = {}
            for row_id, _ in self._store.scan(PARKED):
                key, _, number = row_id[len(PARKED) :].rpartition(b"\0")
                self._keys[key] = int(number) + 1
        return self._keys

    def is_parked(self, key: bytes) -> bool:
        """True while records of this key wait."""
        return key in self.keys

    def queue(self, key: bytes, record: Record) -> bool:
        """Park a record behind the others of its key; False if it is too large to be kept. Raises ParkedQueueFull."""
        number = self.keys.get(key, 0)
        if number >= QUEUE_RECORDS_MAX:
            raise ParkedQueueFull(f"{number} records wait behind the parked key {key!r}")
        parked = ParkedRecord(
            record.topic, record.partition, record.offset, record.timestamp, record.key, record.value,
            list(record.headers),
        )  # fmt: skip
        row = _encode(parked)
        if len(row) > ROW_BYTES_MAX:
            return False
        self._new[PARKED + key + b"\0%06d" % number] = row
        self.keys[key] = number + 1
        return True

    def release(self, key: bytes) -> Iterator[ParkedRecord]:
        """Take the key's records out, in order, to be tried again; one that fails parks the rest anew."""
        prefix = PARKED + key + b"\0"
        waiting = dict(self._store.scan(prefix))
        waiting.update((row_id, value) for row_id, value in self._new.items() if row_id.startswith(prefix) and value)
        self.keys.pop(key, None)
        records = [_decode(waiting[row_id]) for row_id in sorted(waiting) if self._new.get(row_id, b"x") is not None]
        self._new.update(dict.fromkeys(waiting))
        yield from records

    def changes(self) -> dict[bytes, bytes | None]:
        """What the batch changed."""
        return self._new

    def committed(self) -> None:
        """The store holds them now."""
        self._new = {}
