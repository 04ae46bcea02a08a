"""The next alarm of each aggregate of a partition, and the time: the greatest tick seen."""

from collections.abc import Container

from services.kernel.store import Store

TIMER = b"~t\0"
CLOCK = b"~c\0"
_DIGITS = 15
_KEY_AT = len(TIMER) + _DIGITS + 1


class Timers:
    """Alarms in the order of their time, as rows, so that a tick touches only what is due."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._new: dict[bytes, bytes | None] = {}
        self._now_ms: int | None = None
        self.behind = False
        """True while more was due than the last call was allowed to ring."""

    @property
    def now_ms(self) -> int:
        """The greatest tick seen, 0 before the first."""
        if self._now_ms is None:
            self._now_ms = int(self._store.rows.get(CLOCK, b"0"))
        return self._now_ms

    def see(self, now_ms: int) -> None:
        """A tick; an older one changes nothing."""
        if now_ms > self.now_ms:
            self._now_ms = now_ms
            self._new[CLOCK] = b"%d" % now_ms

    def move(self, key: str, from_ms: int, to_ms: int) -> None:
        """Set an aggregate's alarm; 0 is none."""
        if from_ms:
            self._new[_timer(key, from_ms)] = None
        if to_ms:
            self._new[_timer(key, to_ms)] = b""

    def due(self, most: int, held: Container[bytes] = ()) -> list[str]:
        """Aggregates whose alarm is not after now, earliest first, at most so many; those ``held`` wait on."""
        end = _timer("", self.now_ms + 1)
        found = [
            row_id
            for row_id, value in self._new.items()
            if value is not None and TIMER <= row_id < end and row_id[_KEY_AT:] not in held
        ]
        stored = 0
        for row_id, _ in self._store.scan(TIMER):
            if row_id >= end or stored > most:
                break
            if row_id not in self._new and row_id[_KEY_AT:] not in held:
                found.append(row_id)
                stored += 1
        found.sort()
        self.behind = len(found) > most
        return [row_id[_KEY_AT:].decode() for row_id in found[:most]]

    def changes(self) -> dict[bytes, bytes | None]:
        """What the batch changed; an alarm both set and removed in it never was."""
        stored = self._store.rows
        return {row_id: value for row_id, value in self._new.items() if value is not None or row_id in stored}

    def committed(self) -> None:
        """The store holds them now."""
        self._new = {}


def _timer(key: str, at_ms: int) -> bytes:
    return TIMER + b"%015d/" % min(max(at_ms, 0), 10**_DIGITS - 1) + key.encode()
