"""Amounts under sorted keys, with running sums that can be asked from both sides in far less than a pass over all.

Owns: the order-statistics structure of the incremental pool: blocks of sorted keys with a sum for each. A question
looks at one block and at one number of each other. Deliberately lacks: what keys and amounts mean.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final, Generic, TypeVar

BLOCK_MAX: Final = 256

KeyT = TypeVar("KeyT", bound=tuple[Any, ...])


class _Block(Generic[KeyT]):
    """Keys and amounts side by side; what is derived of them is made when it is asked for the first time."""

    __slots__ = ("_least_second", "_sums", "amounts", "keys")

    def __init__(self, keys: list[KeyT], amounts: list[int]) -> None:
        self.keys, self.amounts = keys, amounts
        self.forget()

    def forget(self) -> None:
        """To be called after a change."""
        self._sums: list[int] | None = None
        self._least_second: int | None = None

    def sums(self) -> list[int]:
        """The sums before each key, and at the end that of all."""
        if self._sums is None:
            self._sums = list(accumulate(self.amounts, initial=0))
        return self._sums

    def least_second(self) -> int:
        """The least second component of all keys."""
        if self._least_second is None:
            self._least_second = min(key[1] for key in self.keys)
        return self._least_second


class RunningSums(Generic[KeyT]):
    """Positive amounts under tuples as keys, in the order of the keys."""

    __slots__ = ("_blocks", "_firsts", "_sums")

    def __init__(self) -> None:
        self._blocks: list[_Block[KeyT]] = []
        self._firsts: list[KeyT] = []  # the first key of each block
        self._sums: list[int] | None = None  # the sums before each block, and at the end that of all

    def _block_sums(self) -> list[int]:
        if self._sums is None:
            self._sums = list(accumulate((block.sums()[-1] for block in self._blocks), initial=0))
        return self._sums

    @property
    def total(self) -> int:
        """The sum of all amounts."""
        return self._block_sums()[-1]

    def amount(self, key: KeyT) -> int:
        """The amount under a key, 0 if there is none."""
        i, at = self._place(key)
        block = self._blocks[i] if self._blocks else None
        return block.amounts[at] if block and at < len(block.keys) and block.keys[at] == key else 0

    def put(self, key: KeyT, amount: int) -> None:
        """Sets the amount under a key; 0 takes the key away."""
        if not self._blocks:
            self._blocks, self._firsts = [_Block([], [])], [key]
        i, at = self._place(key)
        block = self._blocks[i]
        if at < len(block.keys) and block.keys[at] == key:
            block.amounts[at] = amount
            if not amount:
                del block.keys[at], block.amounts[at]
        elif amount:
            block.keys.insert(at, key)
            block.amounts.insert(at, amount)
        block.forget()
        self._sums = None
        self._tidy(i)

    def before(self, key: tuple[Any, ...]) -> int:
        """The sum of all amounts under lesser keys; a shorter tuple stands before all that begin with it."""
        if not self._blocks:
            return 0
        i, at = self._place(key)
        return self._block_sums()[i] + self._blocks[i].sums()[at]

    def at(self, unit: int) -> tuple[KeyT, int] | None:
        """The key whose amount holds a unit (counted from 1), with the sum before it; None beyond the total."""
        sums = self._block_sums()
        if not 0 < unit <= sums[-1]:
            return None
        i = bisect_left(sums, unit) - 1
        block, before = self._blocks[i], sums[i]
        at = bisect_left(block.sums(), unit - before) - 1
        return block.keys[at], before + block.sums()[at]

    def last(self) -> KeyT | None:
        """The greatest key, None without any."""
        return self._blocks[-1].keys[-1] if self._blocks else None

    def items(self, start: tuple[Any, ...] = ()) -> Iterator[tuple[KeyT, int]]:
        """(key, amount) from a key on, ascending."""
        if not self._blocks:
            return
        i, at = self._place(start)
        for block in self._blocks[i:]:
            yield from zip(block.keys[at:], block.amounts[at:], strict=True)
            at = 0

    def first_with(self, start: tuple[Any, ...], second_most: int) -> KeyT | None:
        """The first key from ``start`` on whose second component is no more than this; None without one."""
        if not self._blocks:
            return None
        i, at = self._place(start)
        for block in self._blocks[i:]:
            if at or block.least_second() <= second_most:
                for key in block.keys[at:]:
                    if key[1] <= second_most:
                        return key
            at = 0
        return None

    def _place(self, key: tuple[Any, ...]) -> tuple[int, int]:
        """Block and position of the first key that is not less."""
        if not self._blocks:
            return 0, 0
        i = max(0, bisect_right(self._firsts, key) - 1)
        at = bisect_left(self._blocks[i].keys, key)
        return i, at

    def _tidy(self, i: int) -> None:
        """After a change: a block that is too long becomes two, an empty one goes, a first key is noted."""
        block = self._blocks[i]
        if not block.keys:
            del self._blocks[i], self._firsts[i]
            return
        self._firsts[i] = block.keys[0]
        if len(block.keys) > BLOCK_MAX:
            half = len(block.keys) // 2
            upper = _Block(block.keys[half:], block.amounts[half:])
            del block.keys[half:], block.amounts[half:]
            block.forget()
            self._blocks.insert(i + 1, upper)
            self._firsts.insert(i + 1, upper.keys[0])
