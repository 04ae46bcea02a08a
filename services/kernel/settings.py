"""What a service's process is told by its environment: one frozen object, all mistakes reported at once."""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class SettingsError(ValueError):
    """All settings that can not be used, each with what it takes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds. ``instance`` names the static member: give each replica its own, and the same after a restart.

    ``tick_seconds`` 0: this process writes no time, a scenario or a replay does.
    """

    bootstrap: str
    host: str
    port: int
    url: str
    instance: str
    session_seconds: float
    tick_seconds: float
    log_level: str


def read(service: str, default_port: int, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a service. Raises SettingsError.

    ``KAFKA_BOOTSTRAP_SERVERS``; ``CHAINFLOW_HOST``, ``CHAINFLOW_PORT``, ``CHAINFLOW_URL`` (what other replicas reach
    this one at), ``CHAINFLOW_INSTANCE``,
    ``CHAINFLOW_SESSION_SECONDS``, ``CHAINFLOW_TICK_SECONDS``, ``CHAINFLOW_LOG_LEVEL``.
    """
    mistakes: list[str] = []

    def take(name: str, default: T, make: Callable[[str], T], takes: str) -> T:
        text = environment.get(name)
        if text is None or text == "":
            return default
        try:
            return make(text)
        except ValueError:
            mistakes.append(f"{name}={text!r}: takes {takes}")
            return default

    bootstrap = environment.get("KAFKA_BOOTSTRAP_SERVERS", "")
    if not bootstrap:
        mistakes.append(
            "KAFKA_BOOTSTRAP_SERVERS is not set: host:port of the broker (`make up` starts one and says it)"
        )
    host = environment.get("CHAINFLOW_HOST") or "127.0.0.1"
    port = take("CHAINFLOW_PORT", default_port, _port, "a port from 1 to 65535")
    settings = Settings(
        bootstrap=bootstrap,
        host=host,
        port=port,
        url=environment.get("CHAINFLOW_URL") or f"http://{host}:{port}",
        instance=environment.get("CHAINFLOW_INSTANCE") or f"{service}-{socket.gethostname()}-{port}",
        session_seconds=take("CHAINFLOW_SESSION_SECONDS", 6.0, _from(1.0, 300.0), "seconds from 1 to 300"),
        tick_seconds=take("CHAINFLOW_TICK_SECONDS", 5.0, _from(0.0, 86_400.0), "seconds from 0 to 86400"),
        log_level=take("CHAINFLOW_LOG_LEVEL", "INFO", _level, "DEBUG, INFO, WARNING or ERROR"),
    )
    if mistakes:
        raise SettingsError("settings:\n  " + "\n  ".join(mistakes))
    return settings


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_535:
        raise ValueError(text)
    return port


def _from(low: float, high: float) -> Callable[[str], float]:
    def make(text: str) -> float:
        number = float(text)
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return make


def _level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(text)
    return text.upper()
