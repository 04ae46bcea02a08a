"""The lease of one partition number: a transactional producer, rows and positions, opened and dropped as one thing.

Owns: the transaction. Records are decided over the rows; outputs, changed rows and input positions commit together;
only then the rows change in memory. All input topics of an app are co-partitioned, so one transaction at a time covers
them.
Deliberately lacks: retries of a failed transaction. Any error ends the process before it commits, and what was not
committed never happened; the supervisor starts it again.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter, thread_time
from typing import Any, NoReturn

from aiokafka import AIOKafkaProducer

from services.kernel.batch import NO_HEADERS, Effects, Output, Processor, Record
from services.kernel.store import Store
from services.kernel.telemetry import Meters

EXIT_CRASH_ONLY = 70
BATCH_BYTES_MAX = 1 << 20
LEASE_QUEUE_POLLS_MAX = 4
DECIDE_SECONDS_MAX = 0.020
"""HTTP shares the event loop: a batch that decides for longer would hold every answer. Seconds of processor, not of the
clock: on a busy machine the clock would cut batches short, and with more transactions the machine is busier still."""
DECIDE_RECORDS_MAX = 2_000
CLOCK_CHECK_RECORDS = 16
PATIENCE_SECONDS_MAX = 0.1
POSITIONS = b"~i\0"
"""The row of the inputs' positions: topic to the position behind the last record that the rows contain, as JSON."""


def die(why: str, error: BaseException | None = None) -> NoReturn:
    """End the process at once: crash-only, since state in memory can not be trusted any more."""
    print(f"chainflow: stopped: {why}{f': {error!r}' if error else ''}", file=sys.stderr, flush=True)
    os._exit(EXIT_CRASH_ONLY)


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """What a lease must know of its app; times in seconds."""

    group: str
    bootstrap: str
    changelog: str
    transaction_seconds_max: float = 20.0
    queue_polls_max: int = LEASE_QUEUE_POLLS_MAX
    patient: frozenset[str] = frozenset()
    """Topics nobody waits for by the millisecond (rows of views): they alone cause few transactions."""


@dataclass(frozen=True, slots=True)
class Polled:
    """Consecutive records of one topic: all between two positions, [start, end). The end alone may move (markers)."""

    topic: str
    start: int
    end: int
    records: Sequence[Record]
    turn: int = 0
    """The number of rebalances before the poll."""


class Lease:
    """One partition's owner. ``open`` once its rows were found complete; ``position`` is behind the last commit."""

    def __init__(self, partition: int, settings: LeaseSettings, processor: Processor, meters: Meters) -> None:
        self.partition, self.settings, self.meters = partition, settings, meters
        self.store = Store()
        self.processor = processor.open(self.store, partition)
        self.position: dict[str, int] = {}
        self.recovered = 0  # changelog position up to which the rows are complete
        self.end = 0  # where the changelog ended behind our fence; nobody else has written to it since
        self.turn = 0  # the rebalance since which it is open; what was polled before it is void
        self.open = False
        self.queue: list[Polled] = []
        self.moved = asyncio.Event()  # set after every commit; views that wait for their own write listen
        self._wake, self.idle = asyncio.Event(), asyncio.Event()
        self.idle.set()
        self._task: asyncio.Task[None] | None = None
        self._committed_at_s = 0.0
        self.producer = AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap,
            transactional_id=f"{settings.group}-{partition}",
            transaction_timeout_ms=30_000,
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=BATCH_BYTES_MAX + 65_536,
            # A produce that meets the last transaction's markers is answered NOT_ENOUGH_REPLICAS; 100 ms is an age.
            retry_backoff_ms=5,
        )

    def find_position(self) -> None:
        """Take over where the rows say that their inputs were read to; a topic they do not name was never read.

        The group's offsets do not serve: a coordinator that is loading answers that there are none, or older ones, and
        aiokafka does not see the error beside that answer. Kafka also forgets them when a group is away for long.
        """
        found = self.store.rows.get(POSITIONS)
        if found is None and len(self.store):
            die(f"partition {self.partition} has rows that do not say how far their inputs were read")
        self.position = {str(topic): int(at) for topic, at in json.loads(found or b"{}").items()}

    async def start(self) -> None:
        """Fence: InitProducerId ends the last owner's transaction and refuses it any other."""
        await self.producer.start()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda task: task.cancelled() or die("lease task ended", task.exception()))

    async def stop(self) -> None:
        """Give the partition up; waits for nothing but the producer's connections."""
        self.close()
        if self._task:
            self._task.cancel()
        await self.producer.stop()

    def close(self) -> None:
        """Take nothing new: what was polled but not begun is dropped, since a seek brings it again."""
        self.open, self.queue = False, []
        self.moved.set()

    @property
    def full(self) -> bool:
        """True while the poller should wait."""
        return len(self.queue) >= self.settings.queue_polls_max

    def put(self, polled: Polled) -> None:
        """Queue what was polled, unless that was before the last seek, which brings it again."""
        if polled.turn == self.turn:
            self.queue.append(polled)
            self._wake.set()

    async def _run(self) -> None:
        while await self._wake.wait():
            self._wake.clear()
            while self.queue and self.open:
                await self._gather()
                if not self.open:
                    break
                self.idle.clear()
                try:
                    async with asyncio.timeout(self.settings.transaction_seconds_max):
                        await self._transact()
                except BaseException as error:
                    die(f"transaction of {self.settings.group}, partition {self.partition}", error)
                self.idle.set()

    async def _gather(self) -> None:
        """While only patient topics are queued, keep a distance from the last transaction.

        A transaction costs the same for one record or many. The first record after a quiet time does not wait.
        """
        patient, end = self.settings.patient, self._committed_at_s + PATIENCE_SECONDS_MAX
        while self.open and not self.full and all(p.topic in patient or not p.records for p in self.queue):
            self._wake.clear()
            left = end - perf_counter()
            if left <= 0:
                return
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                return

    async def _transact(self) -> None:
        began = perf_counter()
        taken, ends = self._decide()
        if taken:
            effects = self.processor.finish()
            self.meters.decide_seconds.observe(perf_counter() - began)
            await self._commit(effects, ends)
            self.processor.committed()
            self._committed_at_s = perf_counter()
            self.meters.records.inc(taken)
            self.meters.transaction_seconds.observe(perf_counter() - began)
        self.position = ends
        self.moved.set()

    def _decide(self) -> tuple[int, dict[str, int]]:
        """Decide queued records until a bound is reached; what is left stays first in the queue."""
        taken, ends = 0, dict(self.position)
        deadline = thread_time() + DECIDE_SECONDS_MAX
        take = self.processor.take
        while self.queue:
            polled = self.queue[0]
            if polled.start != ends.get(polled.topic):  # polled before the last seek, which brings it again
                self.queue.pop(0)
                continue
            for index, record in enumerate(polled.records):
                if taken >= DECIDE_RECORDS_MAX or (taken % CLOCK_CHECK_RECORDS == 0 and thread_time() > deadline):
                    self.queue[0] = replace(polled, start=record.offset, records=polled.records[index:])
                    ends[polled.topic] = record.offset
                    return taken, ends
                take(record)
                taken += 1
            self.queue.pop(0)
            ends[polled.topic] = polled.end
        return taken, ends

    async def _commit(self, effects: Effects, ends: dict[str, int]) -> None:
        producer, partition = self.producer, self.partition
        await producer.begin_transaction()
        self.meters.probe.move(1)
        sent: list[Sent] = []
        for (topic, number), outputs in effects.outputs.items():
            sent += await self._write(topic, number, outputs)
        # The positions are a row: where the rows are read back, so is how far they go, from one log and at one moment.
        changes = [*effects.changes.items(), (POSITIONS, json.dumps(ends).encode())]
        rows = await self._write(
            self.settings.changelog, partition, ((key, value, NO_HEADERS) for key, value in changes)
        )
        # aiokafka's commit_transaction returns OK although a batch has failed: look at each of them first.
        results = await asyncio.gather(*(future for future, _ in sent), *(future for future, _ in rows))
        await producer.commit_transaction()
        self.meters.probe.move(-1)
        self.store.apply(changes)
        self.recovered = results[-1].offset + rows[-1][1]  # our own writes need not be read when we stay

    async def _write(self, topic: str, partition: int, outputs: Iterable[Output]) -> "list[Sent]":
        sent: list[Sent] = []
        producer = self.producer
        batch, count = producer.create_batch(), 0
        for key, value, headers in outputs:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                batch.close()
                sent.append((await producer.send_batch(batch, topic, partition=partition), count))
                batch, count = producer.create_batch(), 0
                if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                    raise ValueError(f"record for {topic} is larger than a batch of {BATCH_BYTES_MAX} bytes: {key!r}")
            count += 1
        if count:
            batch.close()
            sent.append((await producer.send_batch(batch, topic, partition=partition), count))
        return sent


Sent = tuple["asyncio.Future[Any]", int]
