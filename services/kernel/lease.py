"""The lease of one partition number: its rows, positions and what was polled for it, opened and dropped as one thing.

Owns: what is decided of a partition, and the claim, by which its changelog says whose transactions may follow.
Deliberately lacks: the transaction that its effects are written in, with those of other leases; see transactions.py.
"""

import asyncio
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter, thread_time
from typing import NoReturn

import orjson
from aiokafka.client import AIOKafkaClient

from services.kernel.batch import NO_HEADERS, Processor, Record
from services.kernel.producer import Producer
from services.kernel.store import Pair, Store

EXIT_CRASH_ONLY = 70
LEASE_QUEUE_POLLS_MAX = 4
DECIDE_RECORDS_MAX = 2_000
CLOCK_CHECK_RECORDS = 16
PATIENCE_SECONDS_MAX = 0.1
BREATH_SECONDS = 0.02
"""Between two transactions that only ring alarms: time for links to come, which go first."""
POSITIONS = b"~i\0"
"""The row that every transaction writes last: JSON, ``at``: topic to the position behind the last record that the rows
contain; ``by``: the transactional id of the owner. So the last record of a changelog names who may write to it."""


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
    instance: str
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

    def __init__(self, partition: int, settings: LeaseSettings, processor: Processor, wake: asyncio.Event) -> None:
        self.partition, self.settings = partition, settings
        self.store = Store()
        self.processor = processor.open(self.store, partition)
        self.position: dict[str, int] = {}
        self.recovered = 0  # changelog position up to which the rows are complete
        self.end = 0  # where the changelog ended behind our fence; nobody else has written to it since
        self.written: int | None = None  # changelog position behind our own last record
        self.turn = 0  # the rebalance since which it is open; what was polled before it is void
        self.open = False
        self.queue: list[Polled] = []
        self.moved = asyncio.Event()  # set after every commit; views that wait for their own write listen
        self.committed_at_s = 0.0
        self.idle = asyncio.Event()  # cleared while a transaction has its records
        self.idle.set()
        self._wake = wake
        self._claimer: Producer | None = None

    async def fence(self, client: AIOKafkaClient) -> None:
        """From here on nobody else claims the partition: InitProducerId ends the claim of whoever is at it."""
        self._claimer = Producer(client, f"{self.settings.group}-{self.partition}")
        await self._claimer.start()

    async def claim(self, writer: str) -> None:
        """Say in the changelog, behind the fence and with complete rows, whose transactions follow.

        The next owner reads it there and fences them. Rows kept over a rebalance are good only if the changelog
        ends where this owner wrote last, with its commit's marker behind it.
        """
        claimer, place = self._claimer, (self.settings.changelog, self.partition)
        assert claimer
        end = (await claimer.write({place: [(POSITIONS, standing(self.position, writer), NO_HEADERS)]}))[place]
        await claimer.end()
        if self.written is not None and end != self.written + 2:
            die(f"partition {self.partition} was written to by another owner, from {self.written} to {end - 1}")
        self.recovered = self.written = end

    def find_position(self) -> None:
        """Take over where the rows say that their inputs were read to; a topic they do not name was never read.

        The group's offsets do not serve: a coordinator that is loading answers that there are none, or older ones, and
        aiokafka does not see the error beside that answer. Kafka also forgets them when a group is away for long.
        """
        found = self.store.rows.get(POSITIONS)
        if found is None and len(self.store):
            die(f"partition {self.partition} has rows that do not say how far their inputs were read")
        self.position = stands(found)[0] if found else {}

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

    def due_s(self) -> float | None:
        """From when on something asks for a transaction, by perf_counter; None: nothing does, or one has it already.

        While only patient topics are queued they keep a distance from the last transaction, which costs the same for
        one record or many. The first record after a quiet time does not wait. Alarms that are due still are rung while
        nothing else is, a few in each transaction, so that what comes meanwhile waits for few.
        """
        behind = self.processor.behind
        if not (self.open and (self.queue or behind) and self.idle.is_set()):
            return None
        patient = self.settings.patient
        if self.full or any(polled.records and polled.topic not in patient for polled in self.queue):
            return 0.0
        return self.committed_at_s + (BREATH_SECONDS if behind else PATIENCE_SECONDS_MAX)

    def decide(self, deadline_s: float) -> tuple[int, dict[str, int]]:
        """Decide queued records until a bound is reached; what is left stays first in the queue.

        Answers how many, and the positions behind them. ``deadline_s`` is one of this thread's processor time.
        """
        taken, ends = 0, dict(self.position)
        take = self.processor.take
        while self.queue:
            polled = self.queue[0]
            if polled.start != ends.get(polled.topic):  # polled before the last seek, which brings it again
                self.queue.pop(0)
                continue
            for index, record in enumerate(polled.records):
                if taken >= DECIDE_RECORDS_MAX or (taken % CLOCK_CHECK_RECORDS == 0 and thread_time() > deadline_s):
                    self.queue[0] = replace(polled, start=record.offset, records=polled.records[index:])
                    ends[polled.topic] = record.offset
                    return taken, ends
                take(record)
                taken += 1
            self.queue.pop(0)
            ends[polled.topic] = polled.end
        return taken, ends

    def committed(self, changes: Iterable[Pair], end: int) -> None:
        """Its part of a transaction is visible: the rows follow. ``end`` is the changelog's position behind them."""
        self.store.apply(changes)
        self.recovered = self.written = end  # our own writes need not be read when we stay
        self.committed_at_s = perf_counter()
        self.processor.committed()


def standing(positions: dict[str, int], writer: str) -> bytes:
    """The row of positions."""
    return orjson.dumps({"at": positions, "by": writer})


def stands(row: bytes) -> tuple[dict[str, int], str | None]:
    """Positions by topic, and the writer, of a row of positions.

    Rows from before there were terms hold positions alone: their writers used the transactional id of the claims.
    """
    found = orjson.loads(row)
    return (found["at"], found["by"]) if "by" in found else (found, None)
