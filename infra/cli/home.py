"""Where one installation keeps its things: the broker's data, logs, ports, and who runs.

Owns: the layout of ``.chainflow`` (``kafka/``, ``logs/``, ``run/``) and the ports of the services, chosen once and
remembered, so that two checkouts side by side do not meet. Deliberately lacks: the layout of ``kafka/`` (infra.kafka).
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.kafka.ports import choose_port, is_free

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = ROOT / ".chainflow"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one installation."""

    folder: Path

    @property
    def kafka(self) -> Path:
        """Data of the embedded broker."""
        return self.folder / "kafka"

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """Ports, the supervisor's lock and what it says of itself."""
        return self.folder / "run"

    def make(self) -> None:
        """Create the folders."""
        for folder in (self.kafka, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"

    def ports(self, names: Iterable[str]) -> dict[str, int]:
        """A free port below 32768 for each name: the remembered one while nobody else has it, else a new one."""
        path = self.run / "ports.json"
        known = _read(path)
        taken = {int(port) for port in known.values()}
        for name in names:
            port = known.get(name)
            if not isinstance(port, int) or not is_free(port):
                known[name] = choose_port(avoid=frozenset(taken))
                taken.add(known[name])
        write_json(path, known)
        return {name: known[name] for name in names}


def default_home(folder: Path | None = None) -> Home:
    """The home that was asked for: the option, else ``CHAINFLOW_HOME``, else ``.chainflow`` in the checkout."""
    given = folder or (Path(text) if (text := os.environ.get("CHAINFLOW_HOME", "")) else DEFAULT_FOLDER)
    return Home(given.resolve())


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, value: Any) -> None:
    """Replace the file whole, so that a reader never sees half of it."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(value, indent=1) + "\n")
    beside.replace(path)
