"""Service processes that are kept running: the services are crash-only, so whatever ends is started again.

Owns: processes, their log files, the bounded back-off between restarts. Deliberately lacks: what a service is and when
it is healthy (see stack.py).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from infra.cli.home import ROOT

BACKOFF_SECONDS_MIN = 0.2
BACKOFF_SECONDS_MAX = 10.0
STEADY_SECONDS = 10.0
"""A process that lived so long was healthy: its next end is answered at once."""
LOG_BYTES_MAX = 20 * 1024 * 1024

# Ties a child's life to ours, also when we are killed; the pid stays the child's, and Ctrl-C does not reach it.
_LAUNCHER = (sys.executable, "-I", "-S", str(ROOT / "infra" / "kafka" / "launch.py"))


@dataclass(frozen=True, slots=True)
class Spec:
    """A process to keep: its name, the module that ``python -m`` runs, its port, its settings, its log."""

    name: str
    module: str
    port: int
    environment: Mapping[str, str]
    log: Path


@dataclass(slots=True)
class Kept:
    """One place for a process: the one that runs there now, and how often there was another."""

    spec: Spec
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    last_code: int | None = None
    wanted: bool = True
    keeper: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """0 while none runs."""
        return self.process.pid if self.process is not None and self.process.returncode is None else 0


class Keeper:
    """Keeps processes running. ``changed`` is called whenever one starts or ends.

    Use it in the main thread only: the kernel ties a child to the thread that made it.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.kept: dict[str, Kept] = {}
        self._changed = changed

    async def start(self, spec: Spec) -> Kept:
        """Start a process and keep it running until `stop_all`."""
        kept = self.kept[spec.name] = Kept(spec)
        if spec.log.exists() and spec.log.stat().st_size > LOG_BYTES_MAX:
            spec.log.replace(spec.log.with_suffix(".log.1"))
        await self._spawn(kept)
        kept.keeper = asyncio.create_task(self._keep(kept), name=f"keep {spec.name}")
        return kept

    def kill(self, name: str) -> int:
        """SIGKILL, as a crash would; the pid that was hit, 0 if none ran."""
        kept = self.kept[name]
        pid = kept.pid
        if pid and kept.process is not None:
            kept.process.send_signal(signal.SIGKILL)
        return pid

    async def stop_all(self, term_seconds: float) -> None:
        """End every process: SIGTERM, so many seconds, then SIGKILL."""
        for kept in self.kept.values():
            kept.wanted = False
            self._signal(kept, signal.SIGTERM)
        keepers = [kept.keeper for kept in self.kept.values() if kept.keeper is not None]
        if not keepers:
            return
        _, slow = await asyncio.wait(keepers, timeout=term_seconds)
        if slow:
            for kept in self.kept.values():
                self._signal(kept, signal.SIGKILL)
            await asyncio.wait(slow, timeout=5.0)
        for keeper in keepers:
            keeper.cancel()

    @staticmethod
    def _signal(kept: Kept, number: signal.Signals) -> None:
        if kept.pid and kept.process is not None:
            kept.process.send_signal(number)

    async def _spawn(self, kept: Kept) -> None:
        spec = kept.spec
        kept.starts += 1
        with spec.log.open("ab") as log:
            log.write(f"--- start {kept.starts} of {spec.name}\n".encode())
            log.flush()
            kept.process = await asyncio.create_subprocess_exec(
                *_LAUNCHER, str(os.getpid()), sys.executable, "-m", spec.module,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **spec.environment}, cwd=ROOT,
            )  # fmt: skip
        self._changed()

    async def _keep(self, kept: Kept) -> None:
        backoff = 0.0
        while True:
            assert kept.process is not None
            born = monotonic()
            kept.last_code = await kept.process.wait()
            self._changed()
            if not kept.wanted:
                return
            steady = monotonic() - born > STEADY_SECONDS
            backoff = 0.0 if steady else min(BACKOFF_SECONDS_MAX, max(BACKOFF_SECONDS_MIN, backoff * 2))
            await asyncio.sleep(backoff)
            if not kept.wanted:
                return
            await self._spawn(kept)
