"""The transactions of one worker: what its leases decided commits together, in one for all that have something to do.

A transaction costs the same for one record or for many, and for one partition or for all of a worker's. So a worker
has one producer, and one transaction at a time; while it commits the next collects, so that load makes them larger.

Owns: the transaction. Outputs, changed rows and input positions commit together; only then the rows change in memory.
Deliberately lacks: retries of a failed transaction. Any error ends the process before it commits, and what was not
committed never happened; the supervisor starts it again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from time import perf_counter, thread_time

from aiokafka.client import AIOKafkaClient

from services.kernel.batch import NO_HEADERS, Effects, Output, Place
from services.kernel.lease import POSITIONS, Lease, LeaseSettings, die, standing
from services.kernel.producer import Producer
from services.kernel.telemetry import Meters

DECIDE_SECONDS_MAX = 0.020
"""HTTP shares the event loop: a batch that decides for longer would hold every answer. Seconds of processor, not of the
clock: on a busy machine the clock would cut batches short, and with more transactions the machine is busier still."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one lease has in a transaction."""

    lease: Lease
    ends: dict[str, int]
    effects: Effects


class Transactions:
    """The producer of one term: the time between two rebalances in which a worker owns the same leases.

    A term's transactional id is used by nobody else, before or after: the next owner of any of its partitions ends
    what this term has open, and no transaction of anybody's later term.
    """

    def __init__(
        self,
        client: AIOKafkaClient,
        settings: LeaseSettings,
        leases: Mapping[int, Lease],
        wake: asyncio.Event,
        meters: Meters,
    ) -> None:
        self._settings, self._leases, self._wake, self._meters = settings, leases, wake, meters
        self.id = f"{settings.group}-{settings.instance}-{token_hex(6)}"
        self._producer = Producer(client, self.id)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; leases are served as soon as they are open."""
        await self._producer.start()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda task: task.cancelled() or die("transactions ended", task.exception()))

    def stop(self) -> None:
        """End the term; every lease must be idle."""
        if self._task:
            self._task.cancel()

    async def _run(self) -> None:
        settings = self._settings
        while True:
            due = [(at, lease) for lease in self._leases.values() if (at := lease.due_s()) is not None]
            first = min((at for at, _ in due), default=None)
            if first is None or first > perf_counter():
                await self._sleep(first)
                continue
            # All that wait, whoever was due: company costs little. The longest without a transaction decides first.
            leases = sorted((lease for _, lease in due), key=lambda lease: lease.committed_at_s)
            for lease in leases:
                lease.idle.clear()
            try:
                async with asyncio.timeout(settings.transaction_seconds_max):
                    await self._transact(leases)
            except BaseException as error:
                die(f"transaction of {settings.group}, partitions {[lease.partition for lease in leases]}", error)
            for lease in leases:
                lease.idle.set()

    async def _sleep(self, until_s: float | None) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(None if until_s is None else max(0.0, until_s - perf_counter())):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _transact(self, leases: Sequence[Lease]) -> None:
        began_s, deadline_s = perf_counter(), thread_time() + DECIDE_SECONDS_MAX
        parts: list[Part] = []
        stands: list[tuple[Lease, dict[str, int]]] = []
        records = 0
        for lease in leases:
            taken, ends = lease.decide(deadline_s)
            stands.append((lease, ends))
            idle = not lease.queue and thread_time() <= deadline_s
            if taken or (idle and lease.processor.behind):  # alarms that are due still, where nothing else is
                parts.append(Part(lease, ends, lease.processor.finish()))
                records += taken
        if parts:
            self._meters.decide_seconds.observe(perf_counter() - began_s)
            await self._commit(parts)
            self._meters.records.inc(records)
            self._meters.transaction_seconds.observe(perf_counter() - began_s)
        for lease, ends in stands:
            lease.position = ends
            lease.moved.set()

    async def _commit(self, parts: Sequence[Part]) -> None:
        self._meters.probe.move(1)
        outputs: dict[Place, list[Output]] = {}
        for part in parts:
            for place, records in part.effects.outputs.items():
                outputs.setdefault(place, []).extend(records)
        # The positions are a row: where the rows are read back, so is how far they go, from one log and at one moment.
        changes = [[*part.effects.changes.items(), (POSITIONS, standing(part.ends, self.id))] for part in parts]
        changelogs = [(self._settings.changelog, part.lease.partition) for part in parts]
        rows = {
            place: ((key, value, NO_HEADERS) for key, value in changed)
            for place, changed in zip(changelogs, changes, strict=True)
        }
        ends = await self._producer.write({**outputs, **rows})
        await self._producer.end()
        self._meters.probe.move(-1)
        for part, place, changed in zip(parts, changelogs, changes, strict=True):
            part.lease.committed(changed, ends[place])
