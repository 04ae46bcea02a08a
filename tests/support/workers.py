"""Worker processes under a supervisor that starts again what exits, as in production: the kernel is crash-only.

Owns: processes, their log files, their transaction probes, the back-off between restarts. Deliberately lacks: any idea
of what a worker does, or of when one should be hurt (see faults.py).
"""

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[2]
# Ties a worker's life to ours, so that a harness that is killed leaves nothing behind; the pid stays the worker's.
TIED = ("-I", "-S", str(ROOT / "infra" / "kafka" / "launch.py"))
BACKOFF_SECONDS_MIN = 0.2
BACKOFF_SECONDS_MAX = 4.0
STEADY_SECONDS = 10.0
"""A worker that lived so long is healthy: its next exit is answered without delay."""
STOP_SECONDS_MAX = 30.0
FREEZE_SECONDS_MAX = 2.0

Command = Callable[[str], Sequence[str]]
"""Instance name to the arguments after ``python``."""


@dataclass(slots=True)
class Worker:
    """One place in the fleet: the process that runs there now, and what became of those before."""

    name: str
    log: Path
    probe: Path
    process: asyncio.subprocess.Process | None = None
    wanted: bool = True
    stopped: bool = False
    """Frozen by SIGSTOP."""
    starts: int = 0
    exits: Counter[int] = field(default_factory=Counter)
    overdue: int = 0
    """How often it did not stop in time when asked to."""
    _keeper: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """True while a process runs or is frozen."""
        return self.process is not None and self.process.returncode is None

    def transactions_open(self) -> int:
        """The number of open transactions, from the probe; true at a moment only while the process is frozen."""
        try:
            content = self.probe.read_bytes()
        except FileNotFoundError:
            return 0
        return content[0] if content else 0


class Fleet:
    """Named workers; ``start`` and ``stop`` change the wanted number, the supervisor keeps the real one there."""

    def __init__(self, command: Command, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.command, self.folder = command, folder
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self.workers: dict[str, Worker] = {}
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def wanted(self) -> list[Worker]:
        """Those that should run, in the order of their names."""
        return [self.workers[name] for name in sorted(self.workers) if self.workers[name].wanted]

    async def start(self, name: str) -> Worker:
        """Start a worker and keep it running. A name that ran before is taken up again, with its log."""
        worker = self.workers.get(name) or Worker(name, self.folder / f"{name}.log", self.folder / f"{name}.probe")
        self.workers[name] = worker
        worker.wanted = True
        if worker._keeper is None or worker._keeper.done():
            await self._spawn(worker)
            worker._keeper = asyncio.create_task(self._keep(worker))
        return worker

    async def stop(self, name: str, *, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop a worker for good, gracefully by default, with SIGKILL if it takes too long; its last return code."""
        worker = self.workers[name]
        worker.wanted = False
        if worker.stopped:
            self.thaw(worker)
        self.send(worker, number)
        if not await self._ended(worker, STOP_SECONDS_MAX):
            self.send(worker, signal.SIGKILL)
            await self._ended(worker, STOP_SECONDS_MAX)
            worker.overdue += 1
        return worker.process.returncode or 0 if worker.process else 0

    async def stop_all(self) -> None:
        """Stop every worker, at once."""
        await asyncio.gather(*(self.stop(name) for name in self.workers))

    async def kill_all(self) -> None:
        """End every process now; for the end of a run that has failed."""
        await asyncio.gather(*(self.stop(name, number=signal.SIGKILL) for name in self.workers))

    @staticmethod
    def send(worker: Worker, number: signal.Signals) -> None:
        """Send a signal to the process if there is one."""
        if worker.process is not None and worker.process.returncode is None:
            worker.process.send_signal(number)

    async def freeze(self, worker: Worker) -> bool:
        """SIGSTOP, and wait until every thread stands; False if the process ended meanwhile."""
        if not worker.alive or worker.process is None:
            return False
        pid = worker.process.pid
        worker.process.send_signal(signal.SIGSTOP)
        deadline = monotonic() + FREEZE_SECONDS_MAX
        while not _stands(pid):
            if not worker.alive or monotonic() > deadline:
                self.send(worker, signal.SIGCONT)
                return False
            await asyncio.sleep(0.001)
        worker.stopped = True
        return True

    def thaw(self, worker: Worker) -> None:
        """SIGCONT."""
        worker.stopped = False
        self.send(worker, signal.SIGCONT)

    async def freeze_in_transaction(self, worker: Worker, seconds: float) -> bool:
        """Freeze the worker while it has a transaction open; False, and frozen all the same, if none was met in time.

        Frozen, looked at, and let go again until the look finds an open transaction: what the look finds stays true.
        """
        deadline = monotonic() + seconds
        while True:
            if await self.freeze(worker):
                if worker.transactions_open():
                    return True
                if monotonic() > deadline:
                    return False
                self.thaw(worker)
            elif monotonic() > deadline:
                return False
            # Not a rhythm that could fall into step with the worker's own.
            await asyncio.sleep(0.002 + 0.011 * (monotonic() % 0.01) / 0.01)

    def reasons(self) -> Counter[str]:
        """Why workers ended by themselves, from their logs: the lines that say so, with numbers made equal."""
        found: Counter[str] = Counter()
        for worker in self.workers.values():
            if worker.log.exists():
                for line in worker.log.read_text(errors="replace").splitlines():
                    if "chainflow: stopped:" in line:
                        found[re.sub(r"\d+", "#", line.split("chainflow: stopped: ", 1)[1])[:120]] += 1
        return found

    async def _spawn(self, worker: Worker) -> None:
        worker.starts += 1
        with worker.log.open("ab") as log:
            log.write(f"--- start {worker.starts} of {worker.name}\n".encode())
            log.flush()
            worker.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *TIED,
                str(os.getpid()),
                sys.executable,
                *self.command(worker.name),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**self.environment, "CHAINFLOW_PROBE": str(worker.probe)},
                cwd=ROOT,
            )

    async def _keep(self, worker: Worker) -> None:
        backoff = 0.0
        while True:
            assert worker.process is not None
            born = monotonic()
            code = await worker.process.wait()
            worker.exits[code] += 1
            worker.stopped = False
            if not worker.wanted:
                return
            backoff = 0.0 if monotonic() - born > STEADY_SECONDS else min(
                BACKOFF_SECONDS_MAX, max(BACKOFF_SECONDS_MIN, backoff * 2)
            )  # fmt: skip
            await asyncio.sleep(backoff)
            if not worker.wanted:
                return
            await self._spawn(worker)

    @staticmethod
    async def _ended(worker: Worker, seconds: float) -> bool:
        return worker._keeper is None or bool((await asyncio.wait({worker._keeper}, timeout=seconds))[0])


def _stands(pid: int) -> bool:
    """True if every thread of the process is stopped."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return all((thread / "stat").read_text().rsplit(")", 1)[1].split()[0] in "TtZX" for thread in threads)
    except (FileNotFoundError, ProcessLookupError):
        return False
