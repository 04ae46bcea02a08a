"""The rows of one aggregate while a batch decides: what is staged, over what the batch changed, over what is stored.

Owns: isolation. A record that fails leaves nothing behind, a batch that fails leaves nothing behind.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from services.kernel.memories import Memories
from services.kernel.model import Changes, MemoryT, Rows
from services.kernel.row_codec import RowCodec
from services.kernel.store import Store

MISSING: Any = object()
META = b"~"
"""Row name of the kernel's own row of an aggregate; the kernel's row names start with it and sort behind all others."""
LINK = b"~l/"
"""Row names of link versions start with this."""

DECODED_ROWS_MAX = 4_000


class DecodedRows(dict[bytes, Any]):
    """A bounded cache of decoded stored rows; first in, first out."""

    def keep(self, row_id: bytes, row: Any) -> None:
        """Remember a row that the store holds in this form."""
        if len(self) >= DECODED_ROWS_MAX and row_id not in self:
            # A quarter at once: to find the first key of a dict is as slow as the number of keys removed before it.
            for old in list(islice(self, max(1, DECODED_ROWS_MAX // 4))):
                del self[old]
        self[row_id] = row


class WorkingRows:
    """Implements ``model.Rows``; ``version`` is the aggregate's stream version, ``alarm_ms`` its next alarm or 0.

    ``said`` is the version of the last fact that does not merely follow from others: who read something since then has
    read nothing stale.
    """

    __slots__ = (
        "_before",
        "_cache",
        "_codecs",
        "_data",
        "_kept_said",
        "_kept_version",
        "_links",
        "_links_staged",
        "_memories",
        "_meta_changed",
        "_staged_data",
        "_store",
        "alarm_ms",
        "changed",
        "key",
        "prefix",
        "said",
        "staged",
        "version",
    )

    def __init__(
        self, key: str, store: Store, cache: DecodedRows, memories: Memories, codecs: dict[str, RowCodec]
    ) -> None:
        self.key = key
        self.prefix = key.encode() + b"\0"
        self._store, self._cache, self._memories, self._codecs = store, cache, memories, codecs
        self.staged: dict[str, Any] = {}
        self.changed: dict[str, Any] = {}
        self._before: dict[str, Any] = {}
        self._staged_data: dict[str, bytes | None] = {}
        self._data: dict[str, bytes | None] = {}
        meta = store.rows.get(self.prefix + META)
        self.version, self.alarm_ms, self.said = decode_meta(meta) if meta else (0, 0, 0)
        self._kept_version, self._kept_said = self.version, self.said
        self._meta_changed = False
        self._links: dict[bytes, bytes] = {}
        self._links_staged: dict[bytes, bytes] = {}

    def get(self, key: str) -> Any | None:
        """The row as it stands after all that was decided until now."""
        row = self.staged.get(key, MISSING)
        if row is MISSING:
            row = self.changed.get(key, MISSING)
            if row is MISSING:
                row = self._stored(self.prefix + key.encode())
        return row

    def _stored(self, row_id: bytes) -> Any | None:
        row = self._cache.get(row_id)
        if row is None and (data := self._store.rows.get(row_id)) is not None:
            row = self.codec_of(row_id[len(self.prefix) :].decode()).decode(data)
            self._cache.keep(row_id, row)
        return row

    def scan(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Rows by prefix, ascending; lazily, so that a caller may stop early."""
        mine = sorted({key for rows in (self.changed, self.staged) for key in rows if key.startswith(prefix)})
        at = 0
        for row_id, _ in self._store.scan(self.prefix + prefix.encode()):
            name = row_id[len(self.prefix) :].decode()
            if name[0] == "~":
                break
            while at < len(mine) and mine[at] < name:
                if (row := self.get(mine[at])) is not None:
                    yield mine[at], row
                at += 1
            if at < len(mine) and mine[at] == name:
                at += 1
            if (row := self.get(name)) is not None:
                yield name, row
        for name in mine[at:]:
            if (row := self.get(name)) is not None:
                yield name, row

    def recall(self, make: Callable[[Rows], MemoryT]) -> MemoryT:
        """The key's memory, which knows by then of all that was decided until now."""
        memory: Any = self._memories.find(self.key)
        if memory is None:
            memory = make(self)
        else:
            memory.changed(self.staged)
            memory.refresh(self)
        self._memories.keep(self.key, memory)
        return memory  # type: ignore[no-any-return]

    def begin(self) -> None:
        """A decision begins: what its facts change stands until here as it was ``before``."""
        self._before = {}

    def stage(self, changes: Changes) -> None:
        """Changes of the record at work."""
        before = self._before
        for name in changes:
            if name not in before:
                before[name] = self.get(name)
        self.staged.update(changes)

    def before(self, key: str) -> Any | None:
        """The row as it stood before the decision at work."""
        row = self._before.get(key, MISSING)
        return self.get(key) if row is MISSING else row

    def count(self, facts: tuple[Any, ...], derived: tuple[type, ...]) -> None:
        """The version goes on with the facts of the record at work; ``derived``: those that say nothing new."""
        for number, fact in enumerate(facts, self.version + 1):
            if type(fact) not in derived:
                self.said = number
        self.version += len(facts)

    def encode_staged(self) -> None:
        """Give the staged rows their bytes, while the record can still fail: a row without bytes is a defect of a step.

        Raises RowError, KeyError.
        """
        self._staged_data = {
            name: None if row is None else self.codec_of(name).encode(row) for name, row in self.staged.items()
        }

    def keep(self) -> None:
        """The record was decided and its rows encoded: what it staged belongs to the batch. Never raises."""
        if self.staged:
            self.changed.update(self.staged)
            if (memory := self._memories.find(self.key)) is not None:
                memory.changed(self.staged)
            self._data.update(self._staged_data)
            self.staged.clear()
        if self._links_staged:
            self._links.update(self._links_staged)
            self._links_staged.clear()
        if self.version != self._kept_version:
            self._kept_version, self._kept_said, self._meta_changed = self.version, self.said, True

    def drop(self) -> None:
        """The record failed: it changed nothing. What was worked out for it may rest on rows that never were."""
        self._memories.forget(self.key)
        self.staged.clear()
        self._links_staged.clear()
        self.version, self.said = self._kept_version, self._kept_said

    def set_alarm(self, at_ms: int) -> None:
        """The next moment at which the aggregate wants to be rung, 0 for none."""
        self.alarm_ms, self._meta_changed = at_ms, True

    def link_version(self, link: str) -> int:
        """The last version that was taken from a link, 0 for none."""
        row_id = self.prefix + LINK + link.encode()
        links, staged = self._links, self._links_staged
        return int(staged.get(row_id) or links.get(row_id) or self._store.rows.get(row_id) or 0)

    def set_link_version(self, link: str, version: int) -> None:
        """What comes with this version or an older one is known once the record is kept."""
        self._links_staged[self.prefix + LINK + link.encode()] = b"%d" % version

    def codec_of(self, name: str) -> RowCodec:
        """The codec of a row's kind; KeyError names a kind that the aggregate did not declare."""
        return self._codecs[name.partition("/")[0]]

    def encoded(self) -> Iterator[tuple[bytes, bytes | None]]:
        """The rows that the batch really changed, in canonical bytes."""
        stored = self._store.rows
        for name, data in self._data.items():
            row_id = self.prefix + name.encode()
            if stored.get(row_id) != data:
                yield row_id, data
        yield from self._links.items()
        if self._meta_changed:
            yield self.prefix + META, encode_meta(self.version, self.alarm_ms, self.said)

    def committed(self) -> None:
        """The batch is visible: decoded rows are worth keeping."""
        for name, row in self.changed.items():
            row_id = self.prefix + name.encode()
            if row is None:
                self._cache.pop(row_id, None)
            else:
                self._cache.keep(row_id, row)


def encode_meta(version: int, alarm_ms: int, said: int) -> bytes:
    """The kernel's row of an aggregate: decimal text, readable in any tool."""
    if said != version:
        return b"%d %d %d" % (version, alarm_ms, said)
    return b"%d %d" % (version, alarm_ms) if alarm_ms else b"%d" % version


def decode_meta(data: bytes) -> tuple[int, int, int]:
    """Version, alarm (0 for none), and the version of the last fact that does not merely follow from others."""
    version, alarm, said = (*map(int, data.split()), 0, 0)[:3]
    return version, alarm, said or version


def is_known(store: Store, key: str) -> bool:
    """Whether an aggregate has a version: it has decided something."""
    return store.rows.get(key.encode() + b"\0" + META) is not None
