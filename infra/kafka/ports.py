"""Chooses loopback ports for a broker, below the range from which the kernel takes ports for outgoing connections.

A port at or above 32768 may be taken by any client's outgoing connection between the choice and the bind, also years
later at a restart; below it only servers bind. Deliberately lacks a reservation: whoever binds first has the port, and
the broker's start tries another pair when it lost that race.
"""

from __future__ import annotations

import json
import random
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.kafka.errors import KafkaSetupError

__all__ = ["FIRST_PORT", "PORT_LIMIT", "Ports", "choose_port", "is_free", "load_ports", "save_ports"]

FIRST_PORT = 20_000
PORT_LIMIT = 32_768
_TRIES = 200


@dataclass(frozen=True, slots=True)
class Ports:
    """The two loopback ports of one broker: where clients connect, and where the controller quorum talks to itself."""

    broker: int
    controller: int


def is_free(port: int) -> bool:
    """True if a server could bind ``port`` on 127.0.0.1 now (a closed connection still lingering does not count)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(*, avoid: frozenset[int] = frozenset(), rng: random.Random | None = None) -> int:
    """A free port in [20000, 32768), chosen at random so that two starts at once seldom choose the same."""
    source = rng or random.SystemRandom()
    for _ in range(_TRIES):
        port = source.randrange(FIRST_PORT, PORT_LIMIT)
        if port not in avoid and is_free(port):
            return port
    raise KafkaSetupError(
        f"No free port between {FIRST_PORT} and {PORT_LIMIT - 1} after {_TRIES} tries; "
        "stop servers that are no longer needed, or pass --port."
    )


def load_ports(path: Path) -> Ports | None:
    """The ports remembered in ``path``, or None where there are none or the file is unreadable."""
    try:
        raw = json.loads(path.read_text())
        return Ports(int(raw["broker"]), int(raw["controller"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save_ports(path: Path, ports: Ports) -> None:
    """Remember ``ports`` in ``path``, so that a restart answers where clients already look."""
    path.write_text(json.dumps(asdict(ports)) + "\n")
