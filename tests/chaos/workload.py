"""What a workload is to the chaos run: workers to hurt, traffic to send, progress to watch, a check at the end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.support.workers import Fleet


@dataclass(slots=True)
class Verdict:
    """What a check found. ``violations`` by kind (0 is as good as absent); ``examples`` to start looking from."""

    inputs: int = 0
    outputs: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    """What is worth saying beside."""
    too_little: list[str] = field(default_factory=list)
    """Why the run proves too little, if it does: nothing was violated, but little was tried."""

    @property
    def ok(self) -> bool:
        """True if nothing was violated."""
        return not any(self.violations.values())

    def blame(self, kind: str, example: str, count: int = 1) -> None:
        """Count a violation, and keep the first few examples of its kind."""
        if count:
            self.violations[kind] += count
            if self.violations[kind] <= 3 * count:
                self.examples.append(f"{kind}: {example}")


class Workload(Protocol):
    """One kind of work. Made for one run; all its topics carry the run's name, so that runs do not meet."""

    @property
    def fleets(self) -> Sequence[Fleet]:
        """The workers to hurt, in fleets whose workers stand in for one another."""

    async def prepare(self) -> None:
        """Make topics, and start the first workers; returns when they serve."""

    async def start_traffic(self) -> None:
        """Send at the set rate until told to stop."""

    async def stop_traffic(self) -> None:
        """Send no more; returns when what was sent is acknowledged or known to be in doubt."""

    async def quiet(self, pause: bool) -> None:
        """Pause the traffic and return when the workers are idle, or resume it."""

    async def settle(self, seconds: float) -> bool:
        """Wait until all that was sent is decided (lag 0); False if that took longer than ``seconds``."""

    def progress(self) -> Mapping[int, int]:
        """Partition to a number that grows with what is committed there."""

    def inputs(self) -> int:
        """How much was sent and acknowledged so far."""

    async def check(self) -> Verdict:
        """Read everything back and judge; called after ``settle``, with workers still running."""

    async def close(self) -> None:
        """Stop the workers and every client."""
