"""Rules of a lease that chance seldom meets: what must end a worker before it commits, and what must not mislead it.

A worker's end is seen as its exit code and reason; what it left behind is read back committed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaError

from infra.kafka.broker import Broker
from services.kernel.lease import EXIT_CRASH_ONLY
from tests.chaos.logs import read_all
from tests.support.workers import Fleet, Worker

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.slow]

WAIT_SECONDS_MAX = 90.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One of our own, small."""
    with Broker.start(tmp_path_factory.mktemp("rules-kafka"), heap_mb=384) as started:
        yield started


class Bench:
    """One counter with one partition, and what surrounds it."""

    def __init__(self, bootstrap: str, folder: Path, name: str, admin: AIOKafkaAdminClient) -> None:
        self.bootstrap, self.name, self.admin = bootstrap, name, admin
        self.source, self.out, self.changelog = f"{name}-a", f"{name}-out", f"{name}-changelog"
        self.fleet = Fleet(self._command, folder)

    def _command(self, instance: str) -> tuple[str, ...]:
        return (
            "-m", "tests.support.counter", "--group", self.name, "--bootstrap", self.bootstrap,
            "--source", self.source, "--out", self.out, "--changelog", self.changelog,
            "--instance", instance, "--partitions", "1",
        )  # fmt: skip

    async def send(self, count: int) -> None:
        """So many records of one key, in one batch."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await producer.start()
        batch = producer.create_batch()
        for _ in range(count):
            assert batch.append(key=b"k", value=b"x", timestamp=None)
        await (await producer.send_batch(batch, self.source, partition=0))
        await producer.stop()

    async def outputs(self) -> list[int]:
        """The counts put out, committed ones only."""
        return [int(record.value) async for _, record in read_all(self.bootstrap, self.out, 1)]

    async def position(self) -> int | None:
        """Where the group says that it stands; None before it said anything."""
        try:
            found = await self.admin.list_consumer_group_offsets(self.name)
        except KafkaError:  # a new broker makes the topic of the groups when it is first asked for
            return None
        at = found.get(TopicPartition(self.source, 0))
        return at.offset if at and at.offset >= 0 else None

    async def rewind(self) -> bool:
        """Set the group back to the beginning; False while it still has members (static ones, until time-out)."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.name, enable_auto_commit=False)
        await consumer.start()
        try:
            tp = TopicPartition(self.source, 0)
            consumer.assign([tp])
            await consumer.commit({tp: 0})
        except KafkaError:
            return False
        finally:
            await consumer.stop()
        return True

    async def ended(self, worker: Worker) -> str:
        """Wait until the worker has ended by itself; its reason."""
        await until(lambda: _true(worker.exits[EXIT_CRASH_ONLY] > 0), worker)
        (reason, *_) = self.fleet.reasons()
        return reason


async def _true(value: bool) -> bool:
    return value


async def until(done: Callable[[], Awaitable[bool]], worker: Worker) -> None:
    """Poll a condition."""
    deadline = monotonic() + WAIT_SECONDS_MAX
    while not await done():
        assert monotonic() < deadline, worker.log.read_text()[-3000:]
        await asyncio.sleep(0.1)


@asynccontextmanager
async def bench(broker: Broker, folder: Path, name: str, out: dict[str, str] | None = None) -> AsyncIterator[Bench]:
    """Topics and clients for one test; every worker is ended behind it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    it = Bench(broker.bootstrap, folder, name, admin)
    await admin.create_topics([NewTopic(it.source, 1, 1), NewTopic(it.changelog, 1, 1)])
    await admin.create_topics([NewTopic(it.out, 1, 1, topic_configs=out or {})])
    try:
        yield it
    finally:
        await it.fleet.kill_all()
        await admin.close()


def test_a_batch_that_was_refused_is_not_committed(broker: Broker, tmp_path: Path) -> None:
    """aiokafka's commit_transaction succeeds although a batch of the transaction has failed."""

    async def play() -> None:
        async with bench(broker, tmp_path, "refused", {"max.message.bytes": "1000"}) as it:
            await it.send(500)
            worker = await it.fleet.start("w1")
            assert "MessageSizeTooLarge" in await it.ended(worker)
            assert await it.position() is None
            assert await it.outputs() == []

    asyncio.run(play())


def test_group_offsets_that_went_back_repeat_nothing(broker: Broker, tmp_path: Path) -> None:
    """A loading coordinator says that there are none, and Kafka forgets those of a group that was away for long."""

    async def play() -> None:
        async with bench(broker, tmp_path, "forgotten") as it:
            await it.send(50)
            worker = await it.fleet.start("w1")

            async def counted() -> bool:
                return len(await it.outputs()) == 50

            await until(counted, worker)
            await it.fleet.stop("w1")

            async def forgotten() -> bool:
                return await it.rewind()

            await until(forgotten, worker)
            assert await it.position() == 0
            await it.send(10)
            worker = await it.fleet.start("w1")

            async def behind() -> bool:
                return await it.position() == 60

            await until(behind, worker)
            assert await it.outputs() == list(range(1, 61))

    asyncio.run(play())


def test_a_worker_too_many_waits_and_takes_over(broker: Broker, tmp_path: Path) -> None:
    """It owns no partition, which is no failure."""

    async def play() -> None:
        async with bench(broker, tmp_path, "spare") as it:
            await it.send(20)
            await it.fleet.start("w1")
            spare = await it.fleet.start("w2")

            async def counted() -> bool:
                return len(await it.outputs()) == 20

            async def joined() -> bool:
                (group,) = await it.admin.describe_consumer_groups([it.name])
                ((_, _, state, _, _, members, *_),) = group.groups
                return state == "Stable" and len(members) == 2

            await until(counted, spare)
            await until(joined, spare)
            await it.fleet.stop("w1")
            await it.send(10)

            async def taken_over() -> bool:
                return await it.outputs() == list(range(1, 31))

            await until(taken_over, spare)
            assert not spare.exits

    asyncio.run(play())


def test_records_removed_unread_end_the_worker(broker: Broker, tmp_path: Path) -> None:
    """Going on at the log's new beginning would be a silent gap."""

    async def play() -> None:
        async with bench(broker, tmp_path, "removed") as it:
            await it.send(20)
            worker = await it.fleet.start("w1")

            async def counted() -> bool:
                return await it.position() == 20

            await until(counted, worker)
            await it.fleet.stop("w1")
            await it.send(20)
            await it.admin.delete_records({TopicPartition(it.source, 0): RecordsToDelete(before_offset=30)})
            worker = await it.fleet.start("w1")
            assert "records are gone" in await it.ended(worker)
            assert await it.outputs() == list(range(1, 21))

    asyncio.run(play())


def test_a_log_that_was_made_anew_ends_a_running_worker(broker: Broker, tmp_path: Path) -> None:
    """aiokafka would start over at the beginning of what it takes for the same log."""

    async def play() -> None:
        async with bench(broker, tmp_path, "anew") as it:
            await it.send(20)
            worker = await it.fleet.start("w1")

            async def counted() -> bool:
                return await it.position() == 20

            await until(counted, worker)
            await it.admin.delete_topics([it.source])

            async def made() -> bool:
                (result,) = (await it.admin.create_topics([NewTopic(it.source, 1, 1)])).topic_errors
                return bool(result[1] == 0)

            await until(made, worker)
            await it.send(5)
            await it.ended(worker)
            assert await it.outputs() == list(range(1, 21))

    asyncio.run(play())
