"""The producer of a transactional id, against the broker that the kernel trusts it with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, ProducerFenced

from infra.kafka.broker import Broker
from services.kernel.batch import NO_HEADERS, Output
from services.kernel.producer import BATCH_BYTES_MAX, Producer
from tests.chaos.logs import make_topics, read_all

pytestmark = [pytest.mark.kafka]

PARTITIONS = 2


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker of our own."""
    with Broker.start(tmp_path_factory.mktemp("producer-kafka"), heap_mb=256) as broker:
        yield broker.bootstrap


@asynccontextmanager
async def connected(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaClient]:
    """A client, and a topic."""
    await make_topics(bootstrap, [topic], PARTITIONS)
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()


def played(bootstrap: str, topic: str, play: Callable[[AIOKafkaClient], Awaitable[None]]) -> list[tuple[int, bytes]]:
    """What is committed after it: partition and value."""

    async def run() -> list[tuple[int, bytes]]:
        async with connected(bootstrap, topic) as client:
            await play(client)
        return await committed(bootstrap, topic)

    return asyncio.run(run())


async def committed(bootstrap: str, topic: str) -> list[tuple[int, bytes]]:
    """Partition and value of each record that a reader of committed ones finds."""
    return [(tp.partition, record.value) async for tp, record in read_all(bootstrap, topic, PARTITIONS)]


def outputs(*values: bytes) -> list[Output]:
    """Records."""
    return [(b"k", value, NO_HEADERS) for value in values]


def test_positions_behind_what_was_written(kafka: str) -> None:
    """They count the markers of the commits before, and records of each partition for itself."""

    async def play(client: AIOKafkaClient) -> None:
        producer = Producer(client, "positions")
        await producer.start()
        both = {("positions", 0): outputs(b"1", b"2"), ("positions", 1): outputs(b"3")}
        assert await producer.write(both) == {("positions", 0): 2, ("positions", 1): 1}
        assert await producer.write({("positions", 1): outputs(b"4")}) == {("positions", 1): 2}
        await producer.end()
        assert await producer.write({("positions", 1): outputs(b"5")}) == {("positions", 1): 4}
        await producer.end()

    assert sorted(played(kafka, "positions", play)) == [(0, b"1"), (0, b"2"), (1, b"3"), (1, b"4"), (1, b"5")]


def test_what_is_aborted_is_not_read(kafka: str) -> None:
    """And the next transaction of the same producer goes on with its sequence numbers."""

    async def play(client: AIOKafkaClient) -> None:
        producer = Producer(client, "aborts")
        await producer.start()
        for commit in (True, False, True, False):
            await producer.write({("aborts", 0): outputs(b"%d" % commit)})
            await producer.end(commit=commit)

    assert played(kafka, "aborts", play) == [(0, b"1"), (0, b"1")]


def test_more_than_a_batch(kafka: str) -> None:
    """A request holds one batch of a partition, so several are asked; their order is that of the records."""
    values = [b"%d" % number + bytes(300_000) for number in range(9)]

    async def play(client: AIOKafkaClient) -> None:
        producer = Producer(client, "large")
        await producer.start()
        ends = await producer.write({("large", 0): outputs(*values), ("large", 1): outputs(b"small")})
        assert ends == {("large", 0): 9, ("large", 1): 1}
        await producer.end()

    assert [value for partition, value in played(kafka, "large", play) if partition == 0] == values


def test_a_record_larger_than_a_batch(kafka: str) -> None:
    """It is refused before anything of its batch is sent."""

    async def play(client: AIOKafkaClient) -> None:
        producer = Producer(client, "huge")
        await producer.start()
        with pytest.raises(ValueError, match="larger than a batch"):
            await producer.write({("huge", 0): outputs(b"x", bytes(BATCH_BYTES_MAX + 1))})

    assert played(kafka, "huge", play) == []


def test_whoever_has_the_id_next_ends_what_is_open(kafka: str) -> None:
    """What the first has open is aborted, and it is refused at each of its steps."""

    async def play(client: AIOKafkaClient) -> None:
        first, second = Producer(client, "fenced"), Producer(client, "fenced")
        await first.start()
        await first.write({("fenced", 0): outputs(b"lost")})
        await second.start()
        with pytest.raises(ProducerFenced):
            await first.write({("fenced", 0): outputs(b"late")})
        with pytest.raises(ProducerFenced):
            await first.write({("fenced", 1): outputs(b"late, elsewhere")})
        with pytest.raises(ProducerFenced):
            await first.end()
        await second.write({("fenced", 0): outputs(b"kept")})
        await second.end()

    assert played(kafka, "fenced", play) == [(0, b"kept")]


def test_transactions_behind_each_other_wait_for_markers(kafka: str) -> None:
    """The coordinator refuses a transaction while the one before it is completed; nobody hears of it."""

    async def play(client: AIOKafkaClient) -> None:
        producer = Producer(client, "fast")
        await producer.start()
        for number in range(50):
            await producer.write({("fast", part): outputs(b"%d" % number) for part in range(PARTITIONS)})
            await producer.end()

    found = played(kafka, "fast", play)
    assert [value for partition, value in found if partition == 1] == [b"%d" % number for number in range(50)]


def test_a_broker_that_comes_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A transaction that the broker's end cuts in two goes on when it is there again, each record once."""

    async def play() -> list[tuple[int, bytes]]:
        with Broker.start(tmp_path_factory.mktemp("producer-killed"), heap_mb=256) as broker:
            async with connected(broker.bootstrap, "back") as client:
                producer = Producer(client, "back")
                await producer.start()
                await producer.write({("back", 0): outputs(b"1")})
                broker.kill()
                second = asyncio.create_task(producer.write({("back", part): outputs(b"2") for part in range(2)}))
                await asyncio.sleep(0.5)
                assert not second.done()
                await asyncio.to_thread(broker.restart)
                await second
                await producer.end()
            return await committed(broker.bootstrap, "back")

    assert sorted(asyncio.run(play())) == [(0, b"1"), (0, b"2"), (1, b"2")]


def test_no_broker() -> None:
    """Connecting is the client's part, and it says so."""

    async def play() -> None:
        client = AIOKafkaClient(bootstrap_servers="127.0.0.1:1")
        with pytest.raises(KafkaConnectionError):
            await client.bootstrap()
        await client.close()

    asyncio.run(play())
