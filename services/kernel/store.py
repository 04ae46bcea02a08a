"""The rows of one partition, as bytes: what a changelog holds, nothing more.

Owns: the sorted rows and the outcomes of one partition, applied only after their transaction has committed.
Deliberately lacks: decoding (rows are read through batch.py), persistence (the changelog is it).
"""

from collections.abc import Iterable, Iterator

from services.kernel.rows import Rows

Pair = tuple[bytes, bytes | None]

OUTCOME = b"~o\0"
"""Rows of outcomes start with this; they are kept in the order of arrival, so that the oldest is the first to go."""


class Store:
    """Row id to row, both bytes; a row id is ``key + NUL + row name``."""

    __slots__ = ("outcomes", "rows")

    def __init__(self) -> None:
        self.rows = Rows()
        self.outcomes: dict[bytes, bytes] = {}

    def apply(self, pairs: Iterable[Pair]) -> None:
        """Take over changed rows; None removes. Same pairs in the same order, same store."""
        rows, outcomes = self.rows, self.outcomes
        for row_id, value in pairs:
            if row_id.startswith(OUTCOME):
                if value is None:
                    outcomes.pop(row_id, None)
                else:
                    outcomes[row_id] = value
            elif value is None:
                rows.pop(row_id, None)
            else:
                rows[row_id] = value

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Rows whose id starts with the prefix, ascending, from behind ``after`` if given; see ``Rows.scan``."""
        return self.rows.scan(prefix, after)

    def __len__(self) -> int:
        return len(self.rows) + len(self.outcomes)
