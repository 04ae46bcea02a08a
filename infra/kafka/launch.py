"""Becomes the Java process: ``python launch.py PARENT_PID COMMAND…``, run as a script: imports nothing of ours.

Asks the kernel to kill the process when its parent dies (PARENT_PID > 0; 0 means that it may outlive its parent), then
executes the command in its own place, so the pid stays. Doing this here rather than between fork and exec of the
parent keeps the parent free to have threads. Only Linux has the call; elsewhere a killed supervisor leaves an orphan,
which the next start on the same directory finds and stops.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _die_with_parent(parent: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl failed with errno {ctypes.get_errno()}")
    # The parent may have died before the call above took effect; nothing would tell us then.
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")


def main(arguments: list[str]) -> None:
    """Tie this process to its parent if asked to, then execute the command."""
    parent, command = int(arguments[0]), arguments[1:]
    if parent:
        _die_with_parent(parent)
    # Ctrl-C goes to the whole foreground group; the supervisor decides when the broker stops.
    os.setsid()
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
