"""What the bench shows while it runs: one bar per step, and lines where there is no terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from tests.bench.ground import Tell

console = Console(width=None if sys.stdout.isatty() else 140)


class Show:
    """Bars on a terminal; otherwise a line when a step ends."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description:60}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console
        )

    @contextmanager
    def running(self) -> Iterator["Show"]:
        """Bars are drawn within the block."""
        if not console.is_terminal:
            yield self
            return
        with self._bars:
            yield self

    @contextmanager
    def step(self, what: str) -> Iterator[Tell]:
        """One bar; the block is given a function to call with the share that is done."""
        began = monotonic()
        task = self._bars.add_task(what, total=1.0)
        yield lambda share: self._bars.update(task, completed=min(share, 1.0))
        self._bars.update(task, completed=1.0)
        if not console.is_terminal:
            console.print(f"{what}: {monotonic() - began:.1f} s")

    def say(self, line: str) -> None:
        """A line that stays."""
        console.print(line)
