"""The hold on a data directory, between real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from infra.kafka.datadir import DataDirLock, LockRecord, is_alive, is_our_java, read_record
from infra.kafka.errors import DataDirInUse

_ROOT = Path(__file__).resolve().parents[2]

# Says "ready", waits for "go", takes the lock, reports, and keeps it until its standard input is closed.
_CONTENDER = """
import os, subprocess, sys
from pathlib import Path
from infra.kafka.datadir import DataDirLock, LockRecord
from infra.kafka.errors import DataDirInUse
print("ready", flush=True)
sys.stdin.readline()
try:
    lock = DataDirLock.acquire(Path(sys.argv[1]))
except DataDirInUse:
    print("refused", flush=True)
else:
    lock.write(LockRecord(os.getpid()))
    if "child" in sys.argv:
        child = subprocess.Popen(["/bin/sleep", "60"], pass_fds=(lock.fd,), stdout=subprocess.DEVNULL)
        print(f"held {child.pid}", flush=True)
    else:
        print("held", flush=True)
    sys.stdin.read()
"""


def _contender(data_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _CONTENDER, str(data_dir), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    assert _line(process) == "ready"
    return process


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_of_processes_started_together_exactly_one_holds(tmp_path: Path) -> None:
    contenders = [_contender(tmp_path / "data") for _ in range(4)]
    try:
        for contender in contenders:
            _go(contender)
        answers = [_line(contender) for contender in contenders]
        assert sorted(answers) == ["held", "refused", "refused", "refused"]
    finally:
        for contender in contenders:
            _end(contender)


def test_the_refused_one_is_told_who_holds(tmp_path: Path) -> None:
    holder = _contender(tmp_path)
    try:
        _go(holder)
        assert _line(holder) == "held"
        with pytest.raises(DataDirInUse, match=f"held by process {holder.pid}.*Stop it") as refusal:
            DataDirLock.acquire(tmp_path)
        assert refusal.value.holder["supervisor"] == holder.pid
    finally:
        _end(holder)


def test_a_holder_that_has_not_written_its_name_yet_is_waited_for(tmp_path: Path) -> None:
    dead = subprocess.Popen(["/bin/true"])
    dead.wait()
    lock = DataDirLock.acquire(tmp_path)
    lock.write(LockRecord(dead.pid, detached=True))  # what the holder before left
    threading.Timer(0.1, lambda: lock.write(LockRecord(os.getpid()))).start()
    with pytest.raises(DataDirInUse, match=f"held by process {os.getpid()}"):
        DataDirLock.acquire(tmp_path)
    lock.release()


def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    holder = _contender(tmp_path)
    _go(holder)
    assert _line(holder) == "held"
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    record = read_record(tmp_path)
    assert record is not None
    assert record.supervisor == holder.pid
    DataDirLock.acquire(tmp_path).release()


def test_the_hold_lives_on_in_the_process_that_inherited_it(tmp_path: Path) -> None:
    holder = _contender(tmp_path, "child")
    _go(holder)
    child = int(_line(holder).split()[1])
    try:
        _end(holder)
        with pytest.raises(DataDirInUse):
            DataDirLock.acquire(tmp_path)
    finally:
        os.kill(child, signal.SIGKILL)
    DataDirLock.acquire(tmp_path, wait_seconds=10).release()


def test_a_shorter_record_replaces_a_longer_one_whole(tmp_path: Path) -> None:
    lock = DataDirLock.acquire(tmp_path)
    lock.write(LockRecord(123456789, 987654321, 21_000, detached=False, since=1234567.891))
    lock.write(LockRecord(1))
    assert read_record(tmp_path) == LockRecord(1)
    lock.release()


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"unknown": 1}'])
def test_an_unreadable_record_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "broker.lock").write_text(content)
    assert read_record(tmp_path) is None


def test_a_reused_pid_is_not_taken_for_our_java(tmp_path: Path) -> None:
    assert is_alive(os.getpid())
    assert not is_our_java(os.getpid(), tmp_path)


def test_a_zombie_counts_as_dead() -> None:
    ended = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has reaped it
    try:
        assert not is_alive(ended.pid)
    finally:
        ended.wait()
    assert not is_alive(ended.pid)
    assert not is_alive(0)
