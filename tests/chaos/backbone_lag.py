"""How far the services are behind, from the logs and the groups' positions: what is last in a log must be behind one.

Deliberately lacks: the services' own word for it.
"""

from collections.abc import Mapping, Sequence
from time import monotonic

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

LOOK_BACK = 256
LOOK_SECONDS_MAX = 30.0

Last = dict[TopicPartition, int]


async def last_records(consumer: AIOKafkaConsumer, topics: Sequence[str], partitions: int) -> Last:
    """The offset of the last committed record of each partition that has any; markers do not count. TimeoutError."""
    tps = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
    consumer.assign(tps)
    ends = await consumer.end_offsets(tps)
    found: Last = {}
    open_, back = {tp for tp in tps if ends[tp]}, LOOK_BACK
    deadline = monotonic() + LOOK_SECONDS_MAX
    while open_:
        consumer.assign(list(open_))
        for tp in open_:
            consumer.seek(tp, max(0, ends[tp] - back))
        while any([await consumer.position(tp) < ends[tp] for tp in open_]):
            if monotonic() > deadline:
                raise TimeoutError(f"no end of {open_}")
            for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                found[tp] = max(found.get(tp, -1), records[-1].offset)
        open_ = {tp for tp in open_ if tp not in found and back < ends[tp]}
        back *= 16
    return found


async def behind(admin: AIOKafkaAdminClient, group: str, last: Last, topics: Sequence[str]) -> Mapping[str, int]:
    """Partitions of these topics whose last record the group has not committed, with its distance."""
    at = await admin.list_consumer_group_offsets(group)
    return {
        f"{tp.topic}[{tp.partition}]": offset + 1 - (at[tp].offset if tp in at else 0)
        for tp, offset in last.items()
        if tp.topic in topics and not (tp in at and at[tp].offset > offset)
    }


class Lag:
    """Looks at all groups at once. ``read`` gives what is behind, and the last records it was held against."""

    def __init__(self, bootstrap: str, sources: Mapping[str, Sequence[str]], partitions: int) -> None:
        self._bootstrap, self._sources, self._partitions = bootstrap, sources, partitions

    async def start(self) -> None:
        """Connect."""
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await self._admin.start()
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, isolation_level="read_committed", enable_auto_commit=False,
            fetch_max_wait_ms=50,
        )  # fmt: skip
        await self._consumer.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()
        await self._admin.close()

    async def read(self) -> tuple[Mapping[str, int], Last] | None:
        """None if the broker does not say now."""
        topics = sorted({topic for some in self._sources.values() for topic in some})
        try:
            last = await last_records(self._consumer, topics, self._partitions)
            late: dict[str, int] = {}
            for name, some in self._sources.items():
                found = await behind(self._admin, f"chainflow-{name}", last, some)
                late |= {f"{name}: {where}": distance for where, distance in found.items()}
        except (KafkaError, TimeoutError):
            return None
        return late, last
