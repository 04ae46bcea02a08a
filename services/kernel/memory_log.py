"""A log in memory with the same port: the same processors, no broker, and every step in the hands of a seed.

Owns: topics, transactions and recovery as the real ones behave for a processor: all of a batch is visible at once or
never; a crashed partition starts from its changelog. Deliberately lacks: time that passes by itself, threads,
retention.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from services.kernel.batch import Effects, Headers, PartitionProcessor, Processor
from services.kernel.store import Store

START_MS = 1_767_225_600_000  # 2026-01-01, so that times look like times


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """A record of the log in memory."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)


class MemoryLog:
    """Topic and partition to records. The append time grows by a millisecond a record."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, int], list[MemoryRecord]] = {}
        self.now_ms = START_MS

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers) -> int:
        """The new record's offset."""
        records = self._records.setdefault((topic, partition), [])
        self.now_ms += 1
        records.append(MemoryRecord(topic, partition, len(records), self.now_ms, key, value, headers))
        return len(records) - 1

    def read(self, topic: str, partition: int, offset: int, most: int) -> Sequence[MemoryRecord]:
        """Records from an offset on."""
        return self._records.get((topic, partition), [])[offset : offset + most]

    def end(self, topic: str, partition: int) -> int:
        """The offset behind the last record."""
        return len(self._records.get((topic, partition), ()))

    def all(self, topic: str) -> Iterator[MemoryRecord]:
        """A topic's records, partition by partition."""
        for name, partition in sorted(self._records):
            if name == topic:
                yield from self._records[name, partition]


class Crash(Exception):
    """The simulated process died here."""


class MemoryWorker:
    """One partition of one service on the log in memory: a lease without Kafka."""

    def __init__(
        self, log: MemoryLog, processor: Processor, sources: Iterable[str], changelog: str, partition: int
    ) -> None:
        self.log, self.sources, self.changelog, self.partition = log, sorted(sources), changelog, partition
        self._service = processor
        self.committed: dict[str, int] = dict.fromkeys(self.sources, 0)  # the group's offsets: they outlive a crash
        self.store: Store
        self._processor: PartitionProcessor
        self.recover()

    def recover(self) -> None:
        """Start from the changelog, as after a crash or a rebalance."""
        self.store = Store()
        end = self.log.end(self.changelog, self.partition)
        records = self.log.read(self.changelog, self.partition, 0, end)
        self.store.apply((record.key or b"", record.value) for record in records)
        self._processor = self._service.open(self.store, self.partition)

    @property
    def lag(self) -> int:
        """Records of all sources not yet processed."""
        return sum(self.log.end(topic, self.partition) - at for topic, at in self.committed.items())

    @property
    def busy(self) -> bool:
        """Something is left to do, if only of what is due."""
        return self.lag > 0 or self._processor.behind

    def step(self, random: Random, *, crash_share: float = 0.0, batch_records_max: int = 20) -> None:
        """One transaction over some records of some sources; with a chance a crash before or after its commit."""
        ends = dict(self.committed)
        for topic in random.sample(self.sources, len(self.sources)):
            for record in self.log.read(topic, self.partition, ends[topic], random.randint(1, batch_records_max)):
                self._processor.take(record)
                ends[topic] = record.offset + 1
            if random.random() < 0.5:
                break
        effects = self._processor.finish()
        if random.random() < crash_share:
            self.recover()  # before the commit: nothing of it ever happened
            return
        self._commit(effects, ends)
        if random.random() < crash_share:
            self.recover()  # after the commit, before memory knew
            return
        self.store.apply(effects.changes.items())
        self._processor.committed()

    def _commit(self, effects: Effects, ends: dict[str, int]) -> None:
        for (topic, partition), outputs in effects.outputs.items():
            for key, value, headers in outputs:
                self.log.append(topic, partition, key, value, headers)
        for key, value in effects.changes.items():
            self.log.append(self.changelog, self.partition, key, value, [])
        self.committed = ends


def run_until_quiet(
    workers: Sequence[MemoryWorker], random: Random, *, crash_share: float = 0.0, steps_max: int = 1_000_000
) -> int:
    """Step workers in random order until nothing is in flight; the number of steps. RuntimeError at the bound."""
    for step in range(steps_max):
        busy = [worker for worker in workers if worker.busy]
        if not busy:
            return step
        random.choice(busy).step(random, crash_share=crash_share)
    raise RuntimeError(f"still {sum(worker.lag for worker in workers)} records in flight after {steps_max} steps")
