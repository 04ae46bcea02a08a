"""A generated chain in the three real services on a real broker: loading it, and waiting until nothing is in flight.

Owns: writing commands straight to the command topics as a front door would, and what "at rest" means: every service has
committed all that was written for it. Deliberately lacks: measuring what happens afterwards.
"""

import asyncio
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

import services.fulfillment.wire as fulfillment_wire
import services.inventory.wire as inventory_wire
import services.order.wire as order_wire
from services.kernel.codec import Meta, headers
from services.kernel.partitioner import partition_of
from services.kernel.processor import DomainProcessor
from tests.bench.chain_commands import Told
from tests.bench.ground import BenchError, Ground, Row, Tell
from tests.bench.orders import PARTITIONS
from tests.bench.serving import Served

SERVICES: Final = {
    module.DOMAIN.name: DomainProcessor(module.DOMAIN, module.WIRES, PARTITIONS)
    for module in (order_wire, inventory_wire, fulfillment_wire)
}
LOOK_SECONDS = 0.25
REST_SECONDS_MAX = 1_800.0


class Encoder:
    """Commands to records, numbered, so that each has an id of its own."""

    def __init__(self) -> None:
        self.count = 0

    def record(self, told: Told, id_: str = "") -> tuple[str, int, Row]:
        """(topic, partition, record) of a command."""
        sender, command = told
        self.count += 1
        service = next(one for one in SERVICES.values() if type(command) in one.by_command)
        key = service.by_command[type(command)].key(command, sender)
        id_ = id_ or f"{sender}:bench-{self.count}"
        meta = Meta(id=id_, correlation_id=id_, enterprise=sender, aggregate=key)
        value = service.wires.commands.encode(meta, command)
        name = service.domain.name
        head = headers(meta, service.wires.commands.type_names[type(command)], f"/{name}")
        return f"{name}-commands-v1", partition_of(key.encode(), PARTITIONS), (key.encode(), value, head)


class ChainGround:
    """The services on a broker. ``served`` by name."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.encoder = ground, Encoder()
        self.served: dict[str, Served] = {}
        self._consumer: Any = None
        self.producer: Any = None

    async def start(self) -> None:
        """Start all three, and the one consumer that asks for ends."""
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self.ground.bootstrap)
        self.producer = AIOKafkaProducer(bootstrap_servers=self.ground.bootstrap, acks="all", linger_ms=0)
        await asyncio.gather(self._consumer.start(), self.producer.start())
        for name in SERVICES:  # one by one: each takes the next free port
            self.served[name] = await Served.start(name, self.ground)

    async def stop(self) -> None:
        """Stop all."""
        await asyncio.gather(*(one.stop() for one in self.served.values()))
        for client in (self._consumer, self.producer):
            if client is not None:
                await client.stop()

    async def load(self, told: Iterable[Told], count: int, tell: Tell) -> None:
        """Write commands to their topics, in their order."""
        by_topic: dict[str, list[tuple[int, Row]]] = {}
        for one in told:
            topic, partition, row = self.encoder.record(one)
            by_topic.setdefault(topic, []).append((partition, row))
        for topic, rows in by_topic.items():
            await self.ground.fill(topic, rows, count, tell)

    async def ends(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """Where partitions end, with what is not committed yet."""
        places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        found = await self._consumer.end_offsets(places)
        return {(place.topic, place.partition): at for place, at in found.items()}

    async def lag(self) -> int:
        """Records that were written for the services, and are not yet committed as read by them."""
        sources = {name: service.sources for name, service in SERVICES.items()}
        ends = await self.ends(sorted({topic for topics in sources.values() for topic in topics}))
        behind = 0
        for name, topics in sources.items():
            done = await self.ground.admin.list_consumer_group_offsets(f"chainflow-{name}")
            noted = {(place.topic, place.partition): at.offset for place, at in done.items()}
            behind += sum(
                max(0, end - max(0, noted.get(place, 0))) for place, end in ends.items() if place[0] in topics
            )
        return behind

    async def rest(self) -> float:
        """Wait until nothing is in flight, twice in a row; the moment (perf_counter) at which that was seen first.

        BenchError if a service ends, or nothing moves.
        """
        began, calm, seen_at = perf_counter(), 0, 0.0
        while calm < 2:
            for one in self.served.values():
                if not one.process.running:
                    raise BenchError(f"{one.name} ended with {one.process.process.returncode}:\n{one.process.tail()}")
            if perf_counter() - began > REST_SECONDS_MAX:
                raise BenchError(f"{await self.lag():,} records are in flight after {REST_SECONDS_MAX:.0f} s")
            if await self.lag():
                calm = 0
            else:
                seen_at = seen_at if calm else perf_counter()
                calm += 1
            await asyncio.sleep(LOOK_SECONDS)
        return seen_at

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each service so far, and of the broker."""
        from tests.bench.ground import cpu_of

        found = {name: one.process.cpu_seconds for name, one in self.served.items()}
        return found | {"broker": cpu_of(self.ground.broker.pid)}


def chunks(told: list[Told], size: int) -> Iterator[list[Told]]:
    """Pieces of a list."""
    return (told[at : at + size] for at in range(0, len(told), size))
