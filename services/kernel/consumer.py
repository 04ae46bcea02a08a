"""Faust's consumer, handing over whole polls instead of single events, each with the positions it covers.

Owns: positions. A poll's result carries [start, end), read together with its records, and is applied only where the
lease stands: a poll begun before a rebalance may return after the seek.
Deliberately lacks: acks per event, and commits that anything depends on (positions are rows, see lease.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from functools import partial
from time import monotonic
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, ConsumerMessage
from mode.utils.futures import maybe_async

from services.kernel.lease import Polled, die
from services.kernel.ownership import KernelTransactions, Leases

FETCH_WAIT_MS_MAX = 100  # Faust fixes 1500, and a seek waits for the idle long poll before it
POLL_SECONDS_MAX = 1.0
RECOVERY_POLL_SECONDS = 0.02
RECOVERY_STUCK_SECONDS_MAX = 60.0

log = logging.getLogger("chainflow.consumer")


class Inline:
    """Stands where Faust starts a thread: the consumer runs as a task of the worker's own loop.

    A second thread costs every poll two hand-overs between loops and a fight over the interpreter's lock, and shields
    from nothing here, since a batch decides for 20 ms at most.
    """

    def __init__(self, service: Any) -> None:
        self._service = service

    def start(self) -> None:
        """Begin to serve."""
        self._task = asyncio.create_task(self._service._serve())

    def stop(self) -> None:
        """Nothing to join: the service's own stop ends the task."""


class KernelThread(AIOKafkaConsumerThread):
    """What Faust takes for the thread in which aiokafka polls."""

    Worker: Any = Inline

    async def call_thread(self, fun: Any, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return await maybe_async(fun(*args, **kwargs))

    async def _gather_remaining_tasks(self) -> None:
        """Not these: the loop is everybody's."""

    @property
    def leases(self) -> Leases:
        """The app's."""
        leases: Leases = self.app.leases
        return leases

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS_MAX
        return consumer

    async def _highwaters(self, partitions: Any) -> Any:
        # The broker's answer, behind the fence. Faust's is the last stable offset of the last fetch, or None before it.
        ends = await self._ensure_consumer().end_offsets(partitions)
        for tp in ends:  # our own last transaction is committed, but its marker may still be on its way
            lease = self.leases.get(tp.partition)
            if lease and tp.topic == self.leases.settings.changelog:
                ends[tp] = max(ends[tp], lease.recovered)
        return ends

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's own watchdog, which looks at commits that it does not make here; ours is in app.py."""

    async def note(self, positions: Mapping[TP, int]) -> None:
        """Tell the group how far its partitions are committed: for people's tools, and for `group_position`."""
        try:
            await self._ensure_consumer().commit({TopicPartition(*tp): at for tp, at in positions.items()})
        except KafkaError as error:  # a rebalance is under way; the next note will say it
            log.debug("positions not noted: %r", error)

    async def group_position(self, tp: TP) -> int:
        """How far the group is known to have committed, 0 if nothing is known: to wait for, never to start from."""
        committed: int | None = await self._ensure_consumer().committed(tp)
        return committed or 0

    async def bounds(self, tps: list[TP]) -> dict[TP, tuple[int, int]]:
        """The first position of each log, and the one behind its last record."""
        consumer = self._ensure_consumer()
        first, last = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        return {tp: (first[tp], last[tp]) for tp in tps}

    async def _seek_wait(self, consumer: Any, partitions: Mapping[TP, int]) -> None:
        leases = self.leases
        for tp, offset in partitions.items():
            leases.follow[TP(*tp)] = offset
            lease = leases.get(tp.partition)
            if lease and tp.topic == leases.settings.changelog and not len(lease.store):
                lease.recovered = offset
        await super()._seek_wait(consumer, partitions)
        for tp in partitions:
            state = consumer._subscription.subscription.assignment.state_value(tp)
            if state and tp.topic in leases.sources:
                state.await_reset = partial(_refuse_reset, tp)

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: Any = None, max_records: Any = None
    ) -> dict[TP, Polled]:
        records = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        # No await from here: start, end and records belong together. The turn first, so that it is never too new.
        turn, follow = self.leases.turn, self.leases.follow
        assignment = consumer._subscription.subscription.assignment
        polled = {}
        for tp, start in follow.items():
            state = assignment.state_value(tp) if assignment else None
            if state and state._position is not None and (state._position > start or tp in records):
                polled[tp] = Polled(tp.topic, start, state._position, records.get(tp, ()), turn)
        follow.update((tp, chunk.end) for tp, chunk in polled.items())
        return polled


def _refuse_reset(tp: TP, *_: Any) -> None:
    # aiokafka would go on at the log's beginning, and all of it would be decided again.
    die(f"{tp} does not hold the position it was read up to")


class KernelConsumer(Consumer):
    """Faust's consumer with leases."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stands: list[int] = []
        self._stands_since_s = 0.0
        self.transactions = self.transport.transactions = KernelTransactions(
            self.transport, consumer=self, producer=self.app.producer, beacon=self.beacon
        )

    def _new_consumer_thread(self) -> KernelThread:
        return KernelThread(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """A kept lease goes on where it stands, a new one where its rows say; then both are open."""
        leases: Leases = self.app.leases
        turn = leases.turn
        if not leases.settled:  # Faust may end a recovery when the next rebalance has begun: that one will seek
            return
        closed = [lease for lease in leases.values() if not lease.open]
        for lease in closed:
            if lease.recovered < lease.end:
                die(f"rows of partition {lease.partition} are complete up to {lease.recovered} of {lease.end}")
            lease.find_position()  # always: rows that a rebalance has overtaken may be of later positions by now
        tps = [TP(topic, lease.partition) for lease in closed for topic in leases.sources]
        for tp, (first, last) in (await self._thread.bounds(tps)).items():
            position = leases[tp.partition].position.setdefault(tp.topic, first) if leases.turn == turn else first
            if not first <= position <= last:
                die(f"{tp} holds {first} to {last}, but was read up to {position}: records are gone, or the log is new")
        if leases.turn != turn or not await leases.claim(closed, turn):
            return
        # Open before the seek: Faust polls already, and what comes after a seek must be taken.
        for lease in closed:
            lease.open, lease.turn = True, turn
        leases.meters.leases.set(len(leases))
        await self._thread.seek_wait({tp: leases[tp.partition].position[tp.topic] for tp in tps})

    async def _drain_messages(self, fetcher: Any) -> None:
        """What Faust's fetcher runs: poll, and hand over. Faust's own makes two tasks for each message."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                async for _, message in self.getmany(POLL_SECONDS_MAX):
                    await self.callback(message)
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.app.should_stop:  # else it is the end of the process, in good order
                raise

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """A poll: all of its inputs as one message for the agent, the changelog's straight into the rows."""
        recovery, leases = self.app.tables.recovery, self.app.leases
        polled, _ = await self._wait_next_records(RECOVERY_POLL_SECONDS if recovery.in_recovery else timeout)
        self.app.polled_at_s = monotonic()
        inputs: dict[TP, Polled] = {}
        for tp, chunk in (polled or {}).items():
            lease = leases.get(tp.partition)
            if tp.topic in leases.sources:
                inputs[tp] = chunk
            elif lease and not lease.open and chunk.start <= lease.recovered:  # Faust seeks to one before the last seen
                lease.store.apply((record.key, record.value) for record in chunk.records)
                lease.recovered = chunk.end
        if inputs:
            tp = next(iter(inputs))
            yield tp, ConsumerMessage(
                tp.topic, tp.partition, inputs[tp].end - 1, 0.0, 0, [], None, inputs, None, 0, 0, tp,
                generation_id=self.app.consumer_generation_id,
            )  # fmt: skip
        if recovery.in_recovery and recovery.active_highwaters and self.flow_active:
            self._end_recovery(recovery, leases)
        else:
            self._stands = []

    def _end_recovery(self, recovery: Any, leases: Leases) -> None:
        for tp in recovery.active_highwaters:
            if tp.partition in leases:
                recovery.active_offsets[tp] = leases[tp.partition].recovered - 1
        if not recovery.need_recovery():
            recovery._set_recovery_ended()
            recovery.signal_recovery_end.set()
            return
        stands = [leases.turn, *(lease.recovered for lease in leases.values())]
        if stands != self._stands:
            self._stands, self._stands_since_s = stands, monotonic()
        elif monotonic() - self._stands_since_s > RECOVERY_STUCK_SECONDS_MAX:
            die(f"the recovery of rows stands at {stands[1:]} for {RECOVERY_STUCK_SECONDS_MAX:.0f} s")

    def _new_offset(self, tp: TP) -> None:
        self._acked[tp].clear()
        self._acked_index[tp].clear()


class KernelTransport(Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = KernelConsumer
