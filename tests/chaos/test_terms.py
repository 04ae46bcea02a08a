"""Takeovers that chance seldom meets: who may write to a partition, and what becomes of those who might until now."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import ProducerFenced
from faust.types import TP

from infra.kafka.broker import Broker
from services.kernel import lease as lease_module
from services.kernel.batch import NO_HEADERS, Effects, Headers, Record
from services.kernel.consumer import KernelConsumer
from services.kernel.fence import fence_writers, last_writers
from services.kernel.lease import POSITIONS, Lease, LeaseSettings, Polled, standing
from services.kernel.ownership import Leases
from services.kernel.producer import Producer
from services.kernel.telemetry import Meters
from services.kernel.transactions import Transactions
from tests.chaos.logs import read_all
from tests.support.counter import Counter

pytestmark = [pytest.mark.chaos, pytest.mark.kafka]


@dataclass(frozen=True, slots=True)
class Heard:
    """An input record."""

    key: bytes
    offset: int
    partition: int = 0
    topic: str = "in"
    timestamp: int = 0
    value: bytes | None = b"x"
    headers: Headers = field(default_factory=list)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One of our own, small."""
    with Broker.start(tmp_path_factory.mktemp("terms-kafka"), heap_mb=384) as started:
        yield started


class Place:
    """A counter's topics, and leases of it in this process."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self.out, self.wake = f"{name}-out", asyncio.Event()
        self.settings = LeaseSettings(name, bootstrap, f"{name}-changelog", "w1")
        self.client = AIOKafkaClient(bootstrap_servers=bootstrap)

    def lease(self, partition: int = 0) -> Lease:
        """One more, which thinks that the partition is its own."""
        return Lease(partition, self.settings, Counter(self.out), self.wake)

    async def outputs(self) -> list[bytes]:
        """Committed ones."""
        return [record.value async for _, record in read_all(self.settings.bootstrap, self.out, 2)]


@asynccontextmanager
async def place(broker: Broker, name: str) -> AsyncIterator[Place]:
    """Two partitions of everything."""
    it = Place(broker.bootstrap, name)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(it.out, 2, 1), NewTopic(it.settings.changelog, 2, 1)])
    await admin.close()
    await it.client.bootstrap()
    try:
        yield it
    finally:
        await it.client.close()


@pytest.fixture
def died(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Reasons for which the process would have ended."""
    reasons: list[str] = []

    def die(why: str, error: BaseException | None = None) -> None:
        reasons.append(why)
        raise RuntimeError(why)

    monkeypatch.setattr(lease_module, "die", die)
    return reasons


async def started(place: Place, id_: str) -> Producer:
    """A worker's producer."""
    producer = Producer(place.client, id_)
    await producer.start()
    return producer


async def begun(place: Place, producer: Producer, writer: str) -> None:
    """A transaction as a worker makes it, up to its commit."""
    rows = [(b"k", b"1", NO_HEADERS), (POSITIONS, standing({}, writer), NO_HEADERS)]
    await producer.write({(place.out, 0): [(b"k", b"1", NO_HEADERS)], (place.settings.changelog, 0): rows})


def test_the_next_owner_ends_the_transaction_that_the_last_one_has_open(broker: Broker) -> None:
    """It is neither read half, nor waited for, nor committed afterwards."""

    async def play() -> None:
        async with place(broker, "zombie") as it:
            zombie = await started(it, "zombie-term")
            old = it.lease()
            await old.fence(it.client)
            await old.claim("zombie-term")
            await begun(it, zombie, "zombie-term")
            new = it.lease()
            await new.fence(it.client)
            await fence_writers(it.client, it.settings, [0, 1])
            await new.claim("new-term")
            with pytest.raises(ProducerFenced):
                await zombie.end()
            assert await it.outputs() == []
            assert await last_writers(it.settings, [0, 1]) == {"new-term"}

    asyncio.run(play())


def test_a_worker_of_another_partition_is_left_alone(broker: Broker) -> None:
    """It writes under an id of its own, which no changelog of the partitions taken over names."""

    async def play() -> None:
        async with place(broker, "bystander") as it:
            producer = await started(it, "bystander-term")
            theirs = it.lease(0)
            await theirs.fence(it.client)
            await theirs.claim("bystander-term")
            await begun(it, producer, "bystander-term")
            mine = it.lease(1)
            await mine.fence(it.client)
            await fence_writers(it.client, it.settings, [1])
            await mine.claim("my-term")
            await producer.end()
            assert await it.outputs() == [b"1"]

    asyncio.run(play())


def test_a_claim_behind_a_later_fence_does_not_stand(broker: Broker) -> None:
    """A worker that was frozen between its fence and its claim wakes up too late."""

    async def play() -> None:
        async with place(broker, "claims") as it:
            late, next_one = it.lease(), it.lease()
            await late.fence(it.client)
            await next_one.fence(it.client)
            with pytest.raises(ProducerFenced):
                await late.claim("late-term")
            await next_one.claim("next-term")
            assert await last_writers(it.settings, [0]) == {"next-term"}

    asyncio.run(play())


def test_the_last_writer_is_found_behind_what_was_aborted(broker: Broker) -> None:
    """The end of a changelog may hold markers and aborted records by the hundred."""

    async def play() -> None:
        async with place(broker, "aborted") as it:
            lease = it.lease()
            await lease.fence(it.client)
            await lease.claim("a-term")
            producer = await started(it, "unlucky")
            for _ in range(3):
                row = POSITIONS, standing({}, "unlucky"), NO_HEADERS
                await producer.write({(it.settings.changelog, 0): [row] * 60})
                await producer.end(commit=False)
            assert await last_writers(it.settings, [0, 1]) == {"a-term"}

    asyncio.run(play())


def test_rows_are_kept_over_a_rebalance_only_if_nobody_else_wrote(broker: Broker, died: list[str]) -> None:
    """Faust may not notice that a partition was another's for a while; the changelog does."""

    async def play() -> None:
        async with place(broker, "kept") as it:
            mine, other = it.lease(), it.lease()
            for term in ("first-term", "second-term"):
                await mine.fence(it.client)
                await mine.claim(term)
            assert not died
            await other.fence(it.client)
            await other.claim("other-term")
            await mine.fence(it.client)
            with pytest.raises(RuntimeError):
                await mine.claim("third-term")
            assert "another owner" in died[0]

    asyncio.run(play())


class Thread:
    """The consumer's thread of a lease whose seek is looked at."""

    sought: dict[TP, int]

    async def bounds(self, tps: list[TP]) -> dict[TP, tuple[int, int]]:
        return dict.fromkeys(tps, (0, 100))

    async def seek_wait(self, positions: dict[TP, int]) -> None:
        self.sought = positions


def test_a_lease_goes_on_where_its_rows_are_by_now(broker: Broker) -> None:
    """A rebalance overtook it after it had found its position, somebody else wrote, and it has read their rows."""

    async def play() -> None:
        async with place(broker, "overtaken") as it:
            leases = Leases(frozenset({"in"}), it.settings, Counter(it.out), Meters(), fence_seconds_max=20)
            leases[0], thread = it.lease(), Thread()
            consumer: Any = SimpleNamespace(app=SimpleNamespace(leases=leases), _thread=thread)
            leases.settled, leases._transactions = True, Transactions(it.client, it.settings, leases, it.wake, Meters())
            for position in (10, 70):
                leases[0].store.apply([(POSITIONS, standing({"in": position}, "another-term"))])
                leases[0].open = False
                await leases[0].fence(it.client)
                await KernelConsumer.perform_seek(consumer)
                assert thread.sought == {TP("in", 0): position}

    asyncio.run(play())


def test_what_waits_in_several_partitions_is_one_transaction(broker: Broker) -> None:
    """It costs the same for one lease or for all of them."""

    async def play() -> None:
        async with place(broker, "together") as it:
            meters = Meters()
            leases = {number: it.lease(number) for number in range(2)}
            term = Transactions(it.client, it.settings, leases, it.wake, meters)
            await term.start()
            for number, lease in leases.items():
                await lease.fence(it.client)
                await lease.claim(term.id)
                lease.open, lease.position = True, {"in": 0}
                heard = [Heard(b"%d" % number, offset, number) for offset in range(3)]
                lease.queue.append(Polled("in", 0, 3, heard))
            it.wake.set()
            for lease in leases.values():
                while lease.position != {"in": 3}:
                    await lease.moved.wait()
            assert meters.registry.get_sample_value("chainflow_transaction_seconds_count") == 1
            assert meters.registry.get_sample_value("chainflow_records_total") == 6
            assert sorted(await it.outputs()) == [b"1", b"1", b"2", b"2", b"3", b"3"]
            term.stop()

    asyncio.run(play())


def test_what_a_tick_left_goes_on_while_nothing_else_waits(broker: Broker) -> None:
    """A lease whose processor is behind gets transactions without a record, until it is not."""

    async def play() -> None:
        async with place(broker, "behind") as it:
            lease, left = it.lease(), Behind(it.out)
            lease.processor = left
            term = Transactions(it.client, it.settings, {0: lease}, it.wake, Meters())
            await term.start()
            await lease.fence(it.client)
            await lease.claim(term.id)
            lease.open = True
            it.wake.set()
            while left.behind:
                await asyncio.wait_for(lease.moved.wait(), 20)
                lease.moved.clear()
            assert await it.outputs() == [b"3", b"2", b"1"]
            assert lease.due_s() is None
            term.stop()

    asyncio.run(play())


class Behind:
    """A processor with three things left to do."""

    def __init__(self, out: str) -> None:
        self.out, self.left = out, 3

    @property
    def behind(self) -> bool:
        return self.left > 0

    def finish(self) -> Effects:
        return Effects({(self.out, 0): [(b"k", b"%d" % self.left, NO_HEADERS)]})

    def committed(self) -> None:
        self.left -= 1

    def take(self, record: Record) -> None:
        raise AssertionError(record)


def test_rows_of_positions_of_before_terms_are_understood() -> None:
    """Their writers had the id of the claims, which is fenced anyway."""
    assert lease_module.stands(b'{"order-commands-v1": 7}') == ({"order-commands-v1": 7}, None)
    assert lease_module.stands(standing({"order-commands-v1": 7}, "t")) == ({"order-commands-v1": 7}, "t")


def test_partitions_that_nobody_wrote_to_have_no_writer(broker: Broker) -> None:
    """The first start of all."""

    async def play() -> None:
        async with place(broker, "fresh") as it:
            assert await last_writers(it.settings, [0, 1]) == set()
            assert await last_writers(it.settings, []) == set()  # a worker too many owns nothing

    asyncio.run(play())
