"""One Java process: start, wait, end. Knows nothing of Kafka.

The thread that starts Java stays until Java has ended. It has to: the kernel ties a child's death signal to the
*thread* that made the child, not to the process, so a caller's short-lived thread must not be the one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from infra.kafka.datadir import is_alive

__all__ = ["JavaProcess", "end_process"]

_LAUNCHER = Path(__file__).with_name("launch.py")


class JavaProcess:
    """A running command. ``tied``: it dies with this process. ``keep_fd`` is inherited, so a lock on it lives on."""

    def __init__(self, command: Sequence[str], *, output: Path, keep_fd: int, tied: bool) -> None:
        self.pid = 0
        self.returncode: int | None = None
        self._failure: OSError | None = None
        self._started = threading.Event()
        self._ended = threading.Event()
        parent = os.getpid() if tied else 0
        # -I and -S: the launcher needs nothing that is installed, and starts in a third of the time without.
        full = [sys.executable, "-I", "-S", str(_LAUNCHER), str(parent), *command]
        threading.Thread(target=self._run, args=(full, output, keep_fd), name="java-watch", daemon=True).start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def _run(self, command: list[str], output: Path, keep_fd: int) -> None:
        try:
            with output.open("ab") as out:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, pass_fds=(keep_fd,)
                )
        except OSError as error:
            self._failure = error
            self._started.set()
            return
        self.pid = process.pid
        self._started.set()
        self.returncode = process.wait()
        self._ended.set()

    @property
    def running(self) -> bool:
        """True until the process has ended and been reaped."""
        return not self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; True if it came within ``seconds``."""
        return self._ended.wait(seconds)


def end_process(pid: int, *, term_seconds: float, kill_seconds: float = 10.0) -> bool:
    """SIGTERM, wait, then SIGKILL and wait; True if the process is gone. Zero ``term_seconds`` kills at once."""
    steps = ((signal.SIGTERM, term_seconds), (signal.SIGKILL, kill_seconds))
    for number, seconds in steps[0 if term_seconds > 0 else 1 :]:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + seconds
        while is_alive(pid):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            return True
    return False
