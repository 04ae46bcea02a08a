"""The producer of a transactional id: whole transactions, in the three requests that Kafka's protocol asks for.

aiokafka's own producer collects, in background tasks, what callers who do not know each other send. Here all records
of a transaction are known before its first request, and without those tasks it costs half the processor time.

Owns: fencing by InitProducerId, record batches and their sequence numbers, asking again where Kafka says so.
Deliberately lacks: an end of its patience, which is the caller's time-out, and going on after a transaction failed.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    KafkaError,
    NotEnoughReplicasError,
    OperationNotAttempted,
    ProducerFenced,
    for_code,
)
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

from services.kernel.batch import Output, Place

BATCH_BYTES_MAX = 1 << 20
TRANSACTION_MS_MAX = 30_000
PRODUCE_MS_MAX = 30_000
SEQUENCES = 1 << 31
RECORD_FORMAT, UNCOMPRESSED, ALL_REPLICAS = 2, 0, -1
SOON = frozenset({ConcurrentTransactions, NotEnoughReplicasError})
"""Markers of the transaction before are being written; a produce that meets them is told the second."""
SOON_SECONDS, LATER_SECONDS = 0.002, 0.1
FENCED = frozenset({47, 90})
"""InvalidProducerEpoch and ProducerFenced, as brokers of different age say it; aiokafka does not know the latter."""

T = TypeVar("T")


class Producer:
    """One transaction at a time; ``start`` first. After an error of ``write`` or ``end`` it is of no use any more."""

    def __init__(self, client: AIOKafkaClient, id_: str) -> None:
        self.id, self._client = id_, client
        self._pid, self._epoch = -1, -1
        self._coordinator: int | None = None
        self._added: set[Place] = set()
        self._sequences: dict[Place, int] = {}

    async def start(self) -> None:
        """End what others have open under this id, and refuse them any other transaction.

        Returns when what was open is aborted, and what was being committed is committed.
        """
        answer = await self._coordinate(InitProducerIdRequest(self.id, TRANSACTION_MS_MAX), _of_answer)
        self._pid, self._epoch = answer.producer_id, answer.producer_epoch

    async def write(self, outputs: Mapping[Place, Iterable[Output]]) -> dict[Place, int]:
        """Append to the open transaction, or to a new one; answers the positions behind the last records.

        Raises ValueError for a record that is larger than a batch, ProducerFenced if another producer has the id now.
        """
        batches = {place: self._batches(place, records) for place, records in outputs.items()}
        if new := {place: place[1] for place in batches if place not in self._added}:
            request = AddPartitionsToTxnRequest(self.id, self._pid, self._epoch, _by_topic(new))
            await self._coordinate(request, _of_partitions)
            self._added.update(new)
        ends: dict[Place, int] = {}
        while first := {place: batch for place, rest in batches.items() if (batch := next(rest, None))}:
            starts = await self._produce({place: batch for place, (batch, _) in first.items()})
            ends |= {place: starts[place] + count for place, (_, count) in first.items()}
        return ends

    async def end(self, *, commit: bool = True) -> None:
        """Commit or abort the open transaction. Raises ProducerFenced if another producer has the id now."""
        await self._coordinate(EndTxnRequest(self.id, self._pid, self._epoch, commit), _of_answer)
        self._added.clear()

    def _batches(self, place: Place, records: Iterable[Output]) -> Iterator[tuple[bytes, int]]:
        """Batches with how many records they hold: a request takes one for each place."""
        builder, count = self._builder(place), 0
        for key, value, headers in records:
            if builder.append(count, None, key=key, value=value, headers=headers) is None:
                yield self._built(place, builder, count)
                builder, count = self._builder(place), 0
                builder.append(count, None, key=key, value=value, headers=headers)  # the first always finds room
            if not count and builder.size() > BATCH_BYTES_MAX:
                raise ValueError(f"record for {place[0]} is larger than a batch of {BATCH_BYTES_MAX} bytes: {key!r}")
            count += 1
        if count:
            yield self._built(place, builder, count)

    def _builder(self, place: Place) -> Any:
        return DefaultRecordBatchBuilder(
            RECORD_FORMAT, UNCOMPRESSED, is_transactional=1, producer_id=self._pid, producer_epoch=self._epoch,
            base_sequence=self._sequences.get(place, 0), batch_size=BATCH_BYTES_MAX,
        )  # fmt: skip

    def _built(self, place: Place, builder: Any, count: int) -> tuple[bytes, int]:
        self._sequences[place] = (self._sequences.get(place, 0) + count) % SEQUENCES
        return bytes(builder.build()), count

    async def _produce(self, batches: Mapping[Place, bytes]) -> dict[Place, int]:
        """Write one batch at each place; answers where they begin."""
        starts: dict[Place, int] = {}
        while len(starts) < len(batches):
            leaders: dict[int, dict[Place, bytes]] = {}
            errors: set[type[KafkaError]] = set()
            for place in batches.keys() - starts.keys():
                leaders.setdefault(await self._leader(place), {})[place] = batches[place]
            asked = [self._produce_to(node, of_node, starts, errors) for node, of_node in leaders.items()]
            await asyncio.gather(*asked)
            await self._wait(errors)
        return starts

    async def _produce_to(
        self, node: int, batches: Mapping[Place, bytes], starts: dict[Place, int], errors: set[type[KafkaError]]
    ) -> None:
        topics = _by_topic({place: (place[1], batch) for place, batch in batches.items()})
        try:
            answer = await self._client.send(node, ProduceRequest(self.id, ALL_REPLICAS, PRODUCE_MS_MAX, topics))
        except KafkaError as error:
            errors.add(type(error))
            return
        for topic, partitions in answer.topics:
            for number, code, start, *_ in partitions:
                if code:
                    errors.add(_error(code))
                else:
                    starts[topic, number] = start

    async def _leader(self, place: Place) -> int:
        while (node := self._client.cluster.leader_for_partition(TopicPartition(*place))) in (None, -1):
            self._client.add_topic(place[0])
            if not await self._client.force_metadata_update():
                await asyncio.sleep(LATER_SECONDS)
        known: int = node
        return known

    async def _coordinate(self, request: Any, codes_of: Callable[[Any], Iterable[int]]) -> Any:
        """Ask the id's coordinator until it answers without an error. The same request again does no harm."""
        while True:
            try:
                if self._coordinator is None:
                    self._coordinator = await self._client.coordinator_lookup(CoordinationType.TRANSACTION, self.id)
                answer = await self._client.send(self._coordinator, request, group=ConnectionGroup.COORDINATION)
                errors = {_error(code) for code in codes_of(answer) if code}
            except KafkaError as error:
                errors = {type(error)}
            if not errors:
                return answer
            await self._wait(errors)

    async def _wait(self, errors: set[type[KafkaError]]) -> None:
        """A while, as long as all errors are of those that pass; raises one that does not."""
        errors.discard(OperationNotAttempted)  # because of another one, that is there too
        if not errors:
            return
        for error in errors:
            if not (error.retriable or error in SOON):
                raise ProducerFenced if error is ProducerFenced else error(self.id)
        if errors <= SOON:
            await asyncio.sleep(SOON_SECONDS)
            return
        self._coordinator = None  # it, the leader, or the broker with both may have moved
        self._client.force_metadata_update()
        await asyncio.sleep(LATER_SECONDS)


def _error(code: int) -> type[KafkaError]:
    known: type[KafkaError] = ProducerFenced if code in FENCED else for_code(code)
    return known


def _of_answer(answer: Any) -> tuple[int]:
    return (answer.error_code,)


def _of_partitions(answer: Any) -> list[int]:
    return [code for _, partitions in answer.errors for _, code in partitions]


def _by_topic(places: Mapping[Place, T]) -> list[tuple[str, list[T]]]:
    topics: dict[str, list[T]] = {}
    for (topic, _), what in places.items():
        topics.setdefault(topic, []).append(what)
    return list(topics.items())
