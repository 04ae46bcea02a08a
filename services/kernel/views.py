"""Views per enterprise, kept from the feed: one row per entry, and sums by the difference that a row makes."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from services.kernel.codec import Malformed
from services.kernel.model import View
from services.kernel.row_codec import RowCodec
from services.kernel.store import Store
from services.kernel.working_rows import MISSING, DecodedRows

PREFIXES_CACHED_MAX: Final = 8_192


@lru_cache(PREFIXES_CACHED_MAX)
def view_prefix(enterprise: str, view: str) -> bytes:
    """Row ids of one view of one enterprise start with this."""
    return f"view/{enterprise}/{view}\0".encode()


class Views:
    """The views of one partition during a batch, over the store's rows."""

    def __init__(self, views: tuple[View, ...], store: Store) -> None:
        self._store = store
        self._views = {view.name: view for view in views}
        self._codecs = {view.name: RowCodec(view.row) for view in views}
        self._cache = DecodedRows()
        self._changed: dict[bytes, tuple[Any | None, bytes | None]] = {}  # row id to the row and its bytes

    def take(self, enterprise: str, view: str, row_id: str, row: Any | None) -> None:
        """A row as it stands now; None removes it. Raises Malformed for a view that the service does not keep."""
        declared = self._views.get(view)
        if declared is None or (row is not None and not isinstance(row, declared.row)):
            raise Malformed("view-unknown", f"no view {view!r} takes a {type(row).__name__}")

        def read(name: str, entry: str) -> Any | None:
            return self._read(name, view_prefix(enterprise, name) + entry.encode())

        where = view_prefix(enterprise, view) + row_id.encode()
        changed = {where: self._encoded(view, row)}
        if declared.derive is not None:
            derived = declared.derive(self._read(view, where), row, read)
            for (name, entry), value in derived.items():
                changed[view_prefix(enterprise, name) + entry.encode()] = self._encoded(name, value)
        self._changed.update(changed)  # all or nothing: what can raise is done

    def _encoded(self, view: str, row: Any | None) -> tuple[Any | None, bytes | None]:
        return row, None if row is None else self._codecs[view].encode(row)

    def _read(self, view: str, row_id: bytes) -> Any | None:
        changed = self._changed.get(row_id, MISSING)
        if changed is not MISSING:
            return changed[0]
        row = self._cache.get(row_id)
        if row is None and (data := self._store.rows.get(row_id)) is not None:
            row = self._codecs[view].decode(data)
            self._cache.keep(row_id, row)
        return row

    def encoded(self) -> Iterator[tuple[bytes, bytes | None]]:
        """The rows that the batch really changed."""
        stored = self._store.rows
        for row_id, (_, data) in self._changed.items():
            if stored.get(row_id) != data:
                yield row_id, data

    def committed(self) -> None:
        """The store holds them now."""
        for row_id, (row, _) in self._changed.items():
            if row is None:
                self._cache.pop(row_id, None)
            else:
                self._cache.keep(row_id, row)
        self._changed = {}
