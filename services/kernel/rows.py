"""Row ids to rows, two levels deep: by key, then by name; sorted only where many rows share a key.

A row id is ``key + NUL + row name``. Rows of one aggregate share their key, so the key is kept once, common names are
kept once for all, and a new row costs no search among a million others: one sorted table of all rows costs 4 µs per
new row, most of it waiting for memory. Few rows of a key are sorted when they are scanned, many are kept sorted.
"""

from collections.abc import Iterator, MutableMapping
from typing import Any, Final

from sortedcontainers import SortedDict

UNSORTED_ROWS_MAX: Final = 64
NAMES_SHARED_MAX: Final = 4_096
NAME_BYTES_SHARED_MAX: Final = 16
_NUL: Final = b"\0"
_MISSING: Final[Any] = object()

_names: dict[bytes, bytes] = {}
"""Names that many aggregates have (``head``, ``line/0010``), each kept once."""


class Rows(MutableMapping[bytes, bytes]):
    """A mapping of row ids, with ``scan`` in their order."""

    __slots__ = ("_count", "_keys")

    def __init__(self) -> None:
        self._keys: dict[bytes, dict[bytes, bytes]] = {}
        self._count = 0

    def get(self, row_id: bytes, default: Any = None) -> Any:
        """The row, or the default."""
        at = row_id.find(_NUL) + 1
        named = self._keys.get(row_id[:at])
        return default if named is None else named.get(row_id[at:], default)

    def __getitem__(self, row_id: bytes) -> bytes:
        row = self.get(row_id, _MISSING)
        if row is _MISSING:
            raise KeyError(row_id)
        return row  # type: ignore[no-any-return]

    def __contains__(self, row_id: object) -> bool:
        return isinstance(row_id, bytes) and self.get(row_id, _MISSING) is not _MISSING

    def __setitem__(self, row_id: bytes, row: bytes) -> None:
        at = row_id.find(_NUL) + 1
        key, name = row_id[:at], row_id[at:]
        named = self._keys.get(key)
        if named is None:
            named = self._keys[key] = {}
        elif name in named:
            named[name] = row
            return
        elif len(named) == UNSORTED_ROWS_MAX and type(named) is dict:
            named = self._keys[key] = SortedDict(named)
        if len(name) <= NAME_BYTES_SHARED_MAX:
            name = _names.setdefault(name, name) if len(_names) < NAMES_SHARED_MAX else _names.get(name, name)
        named[name] = row
        self._count += 1

    def __delitem__(self, row_id: bytes) -> None:
        at = row_id.find(_NUL) + 1
        named = self._keys.get(row_id[:at])
        if named is None or row_id[at:] not in named:
            raise KeyError(row_id)
        del named[row_id[at:]]
        self._count -= 1
        if not named:
            del self._keys[row_id[:at]]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        return (key + name for key, named in self._keys.items() for name in named)

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Rows whose id starts with the prefix, which holds a whole key and its NUL; from behind ``after`` if given."""
        at = prefix.find(_NUL) + 1
        key, start, last = prefix[:at], prefix[at:], after[at:]
        named = self._keys.get(key)
        if named is None:
            return
        if type(named) is dict:
            for name in sorted([name for name in named if name.startswith(start) and (not after or name > last)]):
                yield key + name, named[name]
            return
        for name in named.irange(last or start, inclusive=(not after, True)):  # type: ignore[attr-defined]
            if not name.startswith(start):
                return
            yield key + name, named[name]
