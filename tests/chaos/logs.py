"""Reading topics back: whole, committed only, in order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition

READ_SECONDS_MAX = 60.0
"""Without any advance; a transaction left open for ever would hold a reader so."""


class LogStuck(Exception):
    """Committed reading does not reach the end of a log."""


async def make_topics(bootstrap: str, names: Sequence[str], partitions: int) -> None:
    """Create topics, one copy each. Raises aiokafka's errors."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1) for name in names])
    finally:
        await admin.close()


async def read_all(bootstrap: str, topic: str, partitions: int) -> AsyncIterator[tuple[TopicPartition, Any]]:
    """Every committed record of a topic as it stands at the call, in order per partition. Raises LogStuck."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest",
        enable_auto_commit=False, fetch_max_wait_ms=100, max_partition_fetch_bytes=4 << 20,
    )  # fmt: skip
    await consumer.start()
    try:
        tps = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        await consumer.seek_to_beginning(*tps)
        moved = monotonic()
        before: list[int] = []
        while True:
            at = [await consumer.position(tp) for tp in tps]
            if all(position >= ends[tp] for tp, position in zip(tps, at, strict=True)):
                return
            if at != before:
                before, moved = at, monotonic()
            elif monotonic() - moved > READ_SECONDS_MAX:
                raise LogStuck(f"{topic}: read up to {at}, ends are {[ends[tp] for tp in tps]}")
            for tp, records in (await consumer.getmany(timeout_ms=500, max_records=10_000)).items():
                for record in records:
                    yield tp, record
    finally:
        await consumer.stop()


class Tail:
    """Follows a topic's committed records from its start and counts them per partition; a broker may go and come."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self.counts = dict.fromkeys(range(partitions), 0)
        self.tps = [TopicPartition(topic, number) for number in range(partitions)]
        self._bootstrap = bootstrap
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._consumer = consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, isolation_level="read_committed", auto_offset_reset="earliest",
            enable_auto_commit=False, fetch_max_wait_ms=200,
        )  # fmt: skip
        await consumer.start()
        consumer.assign(self.tps)
        self._task = asyncio.create_task(self._follow(consumer))

    async def stop(self) -> None:
        """End."""
        if self._task:
            self._task.cancel()
        if self._consumer:
            await self._consumer.stop()

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            for tp, records in (await consumer.getmany(timeout_ms=200, max_records=20_000)).items():
                self.counts[tp.partition] += len(records)
