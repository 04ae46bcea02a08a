"""``up``, ``down`` and ``status``: the supervisor seen from outside, through its lock and what it wrote down.

Deliberately lacks: any process of its own; see supervisor.py.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx

from infra.cli.errors import CliError, NotRunning
from infra.cli.home import ROOT, Home
from infra.cli.stack import HEALTHY_SECONDS_MAX, Health, Say, health
from infra.cli.supervisor import lock
from infra.kafka.broker import Broker
from infra.kafka.datadir import is_alive
from infra.kafka.process import end_process

STOP_SECONDS_MAX = 25.0
START_SECONDS_MAX = HEALTHY_SECONDS_MAX + 90.0
LOG_LINES = 12


@dataclass(frozen=True, slots=True)
class Process:
    """One service process as the supervisor wrote it down; ``pid`` 0 while it is being started again."""

    name: str
    pid: int
    port: int
    starts: int
    last_code: int | None
    log: str

    @property
    def service(self) -> str:
        """Which service it runs."""
        return self.name.rpartition("-")[0]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Running:
    """What a supervisor holds, as it last said."""

    pid: int
    started_at: float
    phase: str
    error: str
    bootstrap: str
    broker_pid: int
    processes: tuple[Process, ...]

    def urls(self) -> dict[str, list[str]]:
        """Service to the addresses of its replicas."""
        found: dict[str, list[str]] = {}
        for process in self.processes:
            found.setdefault(process.service, []).append(process.url)
        return found


@dataclass(frozen=True, slots=True)
class Seen:
    """A process and how it is now; memory in bytes, 0 if there is no telling."""

    process: Process
    health: Health
    memory_bytes: int


def look(home: Home) -> Running | None:
    """What runs here, or None. A supervisor that was killed has lost its lock, whatever it wrote."""
    if not home.run.is_dir() or not (home.run / "supervisor.json").exists():
        return None
    fd = lock(home)
    if fd is not None:
        os.close(fd)
        return None
    return _read(home)


def _read(home: Home) -> Running | None:
    try:
        raw = json.loads((home.run / "supervisor.json").read_text())
        raw["processes"] = tuple(Process(**entry) for entry in raw["processes"])
        return Running(**raw)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def require(home: Home) -> Running:
    """What runs here. Raises NotRunning."""
    found = look(home)
    if found is None or found.phase != "running":
        phase = f"it is {found.phase}" if found else "nothing runs"
        raise NotRunning(
            f"{phase} in {home.folder}; start it with `chainflow up` (or `make up`), or name the addresses"
        )
    return found


def up(home: Home, replicas: int, tick_seconds: float | None, say: Say) -> Running:
    """Start the supervisor unless one runs, and wait until all is healthy. Raises CliError."""
    found = look(home)
    if found is not None and found.phase == "running":
        have = max((int(process.name.rpartition("-")[2]) for process in found.processes), default=0)
        if have != replicas:
            say(f"runs with {have} of each service; for {replicas}: `chainflow down`, then `chainflow up` again")
        return found
    home.make()
    log = home.log("supervisor")
    mark = log.stat().st_size if log.exists() else 0
    if found is not None:
        say(f"another `up` is at it, its supervisor (pid {found.pid}) is {found.phase}")
        return _await_running(home, found.pid, lambda: None if is_alive(found.pid) else 0, log, mark, say)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "infra.cli.supervisor", str(home.folder), str(replicas),
                "" if tick_seconds is None else f"{tick_seconds:g}",
            ],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
    return _await_running(home, process.pid, process.poll, log, mark, say)


def _await_running(
    home: Home, pid: int, ended_with: Callable[[], int | None], log: Path, mark: int, say: Say
) -> Running:
    deadline = monotonic() + START_SECONDS_MAX
    while True:
        code = ended_with()
        with log.open("rb") as file:
            file.seek(mark)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                mark += len(line)
                say(line.decode(errors="replace").rstrip().partition(" ")[2].partition(" ")[2])
        found = _read(home)
        if found is not None and found.pid == pid:
            if found.phase == "running":
                return found
            if found.phase == "failed":
                raise CliError(found.error)
        if code is not None:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
            raise CliError(f"the supervisor ended with code {code}. The end of {log}:\n{tail}")
        if monotonic() > deadline:
            raise CliError(f"not up after {START_SECONDS_MAX:.0f} s; look at {log}, then `chainflow down`")
        time.sleep(0.1)


def down(home: Home, say: Say) -> bool:
    """Stop supervisor, services and the embedded broker; data stays. False if nothing ran."""
    found, did = look(home), False
    if found is not None:
        did = True
        say(f"stopping {len(found.processes)} services")
        os.kill(found.pid, signal.SIGTERM)
        deadline = monotonic() + STOP_SECONDS_MAX
        while look(home) is not None:
            if monotonic() > deadline:
                say("the supervisor does not end; killing it (its services end with it)")
                end_process(found.pid, term_seconds=0.0)
                break
            time.sleep(0.05)
    broker = Broker.attach(home.kafka) if home.kafka.is_dir() else None
    if broker is not None:
        did = True
        say(f"stopping the broker, pid {broker.pid}")
        broker.stop()
    return did


def status(found: Running) -> list[Seen]:
    """Every process with its health and memory."""

    async def ask() -> list[Health]:
        async with httpx.AsyncClient(timeout=3.0) as client:
            return list(await asyncio.gather(*(health(client, process.port) for process in found.processes)))

    return [
        Seen(process, one, memory_bytes(process.pid))
        for process, one in zip(found.processes, asyncio.run(ask()), strict=True)
    ]


def memory_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where it has ended, or the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)
