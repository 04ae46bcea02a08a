"""What can go wrong around the embedded broker. Every message says what to do about it."""

from __future__ import annotations

__all__ = ["BrokerFailed", "DataDirInUse", "ForeignBroker", "JarsUnavailable", "JavaNotFound", "KafkaSetupError"]


class KafkaSetupError(Exception):
    """A broker could not be had; the message is meant for the person at the terminal."""


class JavaNotFound(KafkaSetupError):
    """No Java of version 17 or later, and the bundled one is not installed either."""


class JarsUnavailable(KafkaSetupError):
    """Some of the broker's jars are neither cached nor downloadable."""


class DataDirInUse(KafkaSetupError):
    """Another broker holds the data directory. ``holder`` is its lock record (empty if it had not written one yet)."""

    def __init__(self, message: str, holder: dict[str, object]) -> None:
        super().__init__(message)
        self.holder = holder


class ForeignBroker(KafkaSetupError):
    """Something answers on our port, but it is not the broker of our data directory."""


class BrokerFailed(KafkaSetupError):
    """The broker process ended, or did not become healthy in time."""
