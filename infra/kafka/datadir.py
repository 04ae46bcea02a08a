"""The exclusive hold on a broker's data directory.

Two brokers on one directory damage it, so the hold is a ``flock`` taken before Java starts and *inherited by Java*: it
lives exactly as long as the last of the two processes, whatever kills either, and a dead holder never blocks a start.
The lock file's text says who holds it; it is information for people and for `down`, never the lock itself. The file is
never removed: an unlinked lock file could be held by one process while another locks its successor.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.kafka.errors import DataDirInUse

__all__ = ["DataDirLock", "LockRecord", "is_alive", "is_our_java", "read_record"]

LOCK_NAME = "broker.lock"
_RECORD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class LockRecord:
    """Who holds a data directory: pids (0: not started yet), client port, and whether Java may outlive its starter."""

    supervisor: int
    java: int = 0
    port: int = 0
    detached: bool = False
    since: float = 0.0


def is_alive(pid: int) -> bool:
    """True if a process with this id runs; a zombie, which only waits for its parent, counts as dead."""
    if pid <= 0:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return False
    except OSError:
        return False
    else:
        return stat.rpartition(")")[2].split()[0] not in "ZX"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def marker(data_dir: Path) -> str:
    """The argument that a broker's command line carries, so that its process is told apart from a reused pid."""
    return f"-Dchainflow.data.dir={data_dir}"


def is_our_java(pid: int, data_dir: Path) -> bool:
    """True if ``pid`` is the broker process of ``data_dir`` (where there is no /proc, any live process is believed)."""
    if not is_alive(pid):
        return False
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return not Path("/proc/self/cmdline").exists()
    return marker(data_dir).encode() in arguments


def read_record(data_dir: Path) -> LockRecord | None:
    """The last holder's record, or None; says nothing about whether the lock is still held."""
    try:
        raw = json.loads((data_dir / LOCK_NAME).read_text())
        return LockRecord(**raw)
    except (OSError, ValueError, TypeError):
        return None


class DataDirLock:
    """An open, exclusively locked lock file. Pass ``fd`` on to Java; `release` drops this process's share only."""

    def __init__(self, data_dir: Path, fd: int) -> None:
        self.data_dir = data_dir
        self.fd = fd

    @classmethod
    def acquire(cls, data_dir: Path, *, wait_seconds: float = 0.0) -> DataDirLock:
        """Lock ``data_dir`` (created if missing), waiting at most ``wait_seconds`` for a holder that is ending.

        Raises DataDirInUse, which says who holds it.
        """
        data_dir.mkdir(parents=True, exist_ok=True)
        fd = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(0.02)
                    continue
                os.close(fd)
                raise _in_use(data_dir, _await_holder(data_dir)) from None
            return cls(data_dir, fd)

    def write(self, record: LockRecord) -> None:
        """Say who holds the lock, in place (a replaced file would be another lock)."""
        text = json.dumps(asdict(record)).encode() + b"\n"
        os.pwrite(self.fd, text, 0)
        os.ftruncate(self.fd, len(text))

    def release(self) -> None:
        """Drop this process's share of the hold; Java's inherited share stays until Java ends."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _await_holder(data_dir: Path) -> LockRecord | None:
    """Who holds the lock. A holder of this moment has not written its record yet, so one of the dead is waited out."""
    deadline = time.monotonic() + _RECORD_SECONDS
    while True:
        record = read_record(data_dir)
        lives = record is not None and (is_alive(record.supervisor) or is_our_java(record.java, data_dir))
        if lives or time.monotonic() > deadline:
            return record
        time.sleep(0.01)


def _in_use(data_dir: Path, record: LockRecord | None) -> DataDirInUse:
    if record is None:
        return DataDirInUse(f"{data_dir} is held by another broker that is just starting; use another --data-dir.", {})
    running = f"Java pid {record.java} on port {record.port}" if record.java else "Java not started yet"
    holder = "a broker that `up` left running" if record.detached else f"process {record.supervisor}"
    return DataDirInUse(
        f"{data_dir} is held by {holder} ({running}). "
        f"Stop it (`python -m infra.kafka down --data-dir {data_dir}`), or use another --data-dir.",
        asdict(record),
    )
