"""Fencing the last owners of partitions, whom the last record of each partition's changelog names.

Owns: reading that, and ending all that they have open. Deliberately lacks: the order of a takeover; see ownership.py.
"""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient

from services.kernel.lease import POSITIONS, LeaseSettings, stands
from services.kernel.producer import Producer

TAIL_RECORDS = 8
TAIL_GROWS = 16
POLL_MS_MAX = 100


async def fence_writers(client: AIOKafkaClient, settings: LeaseSettings, partitions: Iterable[int]) -> None:
    """End the open transactions of the writers that these partitions' changelogs name, and refuse them any other.

    Nobody may become the writer of one of them meanwhile: the claims are fenced before. Returns when what was open is
    aborted, and what was being committed is committed.
    """
    writers = await last_writers(settings, partitions)
    await asyncio.gather(*(Producer(client, writer).start() for writer in writers))


async def last_writers(settings: LeaseSettings, partitions: Iterable[int]) -> set[str]:
    """The transactional ids of the owners that the changelogs' last committed records name."""
    tps = [TopicPartition(settings.changelog, number) for number in partitions]
    if not tps:  # a worker too many; and aiokafka's consumer fails if it is stopped before its tasks have begun
        return set()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=POLL_MS_MAX,
    )
    await consumer.start()
    try:
        first, last = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        found: set[str] = set()
        length = TAIL_RECORDS
        while tps:  # markers and aborted records may be all that there is at an end
            starts = {tp: max(first[tp], last[tp] - length) for tp in tps}
            rows = await _positions(consumer, starts, last)
            found.update(writer for row in rows.values() if (writer := stands(row)[1]))
            tps = [tp for tp in tps if tp not in rows and starts[tp] > first[tp]]
            length *= TAIL_GROWS
        return found
    finally:
        await consumer.stop()


async def _positions(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> dict[TopicPartition, bytes]:
    """The last row of positions between each start and end, where there is one."""
    found: dict[TopicPartition, bytes] = {}
    waiting = {tp for tp, start in starts.items() if start < ends[tp]}
    consumer.assign(sorted(waiting))
    for tp in waiting:
        consumer.seek(tp, starts[tp])
    while waiting:
        for tp, records in (await consumer.getmany(*waiting, timeout_ms=POLL_MS_MAX)).items():
            for record in records:
                if record.key == POSITIONS and record.offset < ends[tp]:
                    found[tp] = record.value
        waiting = {tp for tp in waiting if await consumer.position(tp) < ends[tp]}
    return found
