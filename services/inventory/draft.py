"""The rows as they stand in the middle of a decision: the rows before it and what its facts have changed so far.

Deliberately lacks: any rule. A decision of several steps (issue, release, serve) sees through it what the step before
left, by the same ``evolve`` that the kernel applies afterwards, so that the two cannot disagree.
"""

from collections.abc import Callable, Iterator
from heapq import merge
from operator import itemgetter
from typing import Any

from services.kernel.model import Changes, MemoryT, Rows, RowsWithMemory


class Draft:
    """Rows that grow with the facts emitted. Lives for one decision and is never shared."""

    __slots__ = ("_changes", "_evolve", "_rows", "facts")

    def __init__(self, rows: RowsWithMemory, evolve: Callable[[Rows, Any], Changes]) -> None:
        self._rows = rows
        self._evolve = evolve
        self._changes: dict[str, Any | None] = {}
        self.facts: list[Any] = []

    def emit(self, fact: Any) -> None:
        """Add a fact to the decision and let the rows follow it."""
        self.facts.append(fact)
        self._changes.update(self._evolve(self, fact))

    def get(self, key: str) -> Any | None:
        """The row as it is now, or None."""
        return self._changes[key] if key in self._changes else self._rows.get(key)

    def recall(self, make: Callable[[Rows], MemoryT]) -> MemoryT:
        """What was worked out of the rows as they were before this decision."""
        return self._rows.recall(make)

    def scan(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """The rows whose key starts with the prefix, in the order of their keys, as few as are asked for.

        Facts may be emitted while it runs, as long as they add no row behind the place where it stands.
        """
        before = ((key, row) for key, row in self._rows.scan(prefix) if key not in self._changes)
        own = sorted(key for key in self._changes if key.startswith(prefix))
        if not own:
            return before
        changed = ((key, row) for key in own if (row := self._changes[key]) is not None)
        return merge(before, changed, key=itemgetter(0))
