"""Meters of a worker, in Prometheus' form. Deliberately lacks: metrics per tenant or key, whose number has no bound."""

import mmap
import os
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


class TransactionProbe:
    """The number of open transactions as one byte in a mapped file, readable while the process is stopped.

    It lets a fault test prove that its fault fell into an open transaction. Without a path it costs an addition.
    """

    def __init__(self, path: str | None = None) -> None:
        self.open = 0
        self._map: mmap.mmap | None = None
        if path:
            Path(path).write_bytes(b"\0")
            with Path(path).open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), 1)

    def move(self, by: int) -> None:
        """One more or one less."""
        self.open += by
        if self._map:
            self._map[0] = self.open


@dataclass(slots=True)
class Meters:
    """One process's meters, in a registry of their own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    probe: TransactionProbe = field(default_factory=lambda: TransactionProbe(os.environ.get("CHAINFLOW_PROBE")))
    records: Counter = field(init=False)
    decide_seconds: Histogram = field(init=False)
    transaction_seconds: Histogram = field(init=False)
    dead_letters: Counter = field(init=False)
    parked_keys: Gauge = field(init=False)
    leases: Gauge = field(init=False)
    lag_records: Gauge = field(init=False)
    recovery_seconds: Gauge = field(init=False)

    def __post_init__(self) -> None:
        name, registry = "chainflow_", self.registry
        self.records = Counter(name + "records", "input records committed", registry=registry)
        self.decide_seconds = Histogram(name + "decide_seconds", "deciding a batch", buckets=SECONDS, registry=registry)
        self.transaction_seconds = Histogram(
            name + "transaction_seconds",
            "a batch from its first decision to its commit",
            buckets=SECONDS,
            registry=registry,
        )
        self.dead_letters = Counter(name + "dead_letters", "records set aside, by kind", ["kind"], registry=registry)
        self.parked_keys = Gauge(
            name + "parked_keys", "keys that wait for a repaired step", ["partition"], registry=registry
        )
        self.leases = Gauge(name + "leases", "partitions owned and open", registry=registry)
        self.lag_records = Gauge(
            name + "lag_records", "input records not yet committed", ["partition"], registry=registry
        )
        self.recovery_seconds = Gauge(name + "recovery_seconds", "duration of the last recovery", registry=registry)
