"""What aggregates worked out of their rows and may need again in the next batch: a bounded cache beside the rows.

Owns: which key's memory is kept (the last asked for first). Deliberately lacks: knowledge of what a memory holds, and
storage: a memory that is gone is made anew from the rows, so none of it is in the changelog.
"""

from typing import Final

from services.kernel.model import Memory

MEMORIES_ROWS_MAX: Final = 50_000
"""So many rows may be remembered per partition, over all keys; one memory that is larger is kept alone."""


class Memories:
    """Key to memory, the least recently asked for first to go."""

    __slots__ = ("_kept", "_rows", "_sizes")

    def __init__(self) -> None:
        self._kept: dict[str, Memory] = {}
        self._sizes: dict[str, int] = {}
        self._rows = 0

    def find(self, key: str) -> Memory | None:
        """The memory of a key, which counts as the last asked for then."""
        memory = self._kept.pop(key, None)
        if memory is not None:
            self._kept[key] = memory
        return memory

    def keep(self, key: str, memory: Memory) -> None:
        """Keep it for the next time, or take note of how large it is now."""
        self.forget(key)
        size = len(memory)
        while self._kept and self._rows + size > MEMORIES_ROWS_MAX:
            self.forget(next(iter(self._kept)))
        self._kept[key], self._sizes[key] = memory, size
        self._rows += size

    def forget(self, key: str) -> None:
        """It is no longer right."""
        if self._kept.pop(key, None) is not None:
            self._rows -= self._sizes.pop(key)

    def __len__(self) -> int:
        return len(self._kept)
