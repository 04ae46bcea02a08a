"""The third way to have a broker: in a container, through testcontainers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from infra.kafka.container import KafkaContainer, why_no_daemon
from infra.kafka.health import cluster_id_of
from infra.kafka.provision import TopicSpec, provision

pytestmark = pytest.mark.container

_TOPIC = "container-test-v1"


@pytest.fixture(scope="module")
def container() -> Iterator[KafkaContainer]:
    reason = why_no_daemon()
    if reason is not None:
        pytest.skip(reason)
    with KafkaContainer() as running:
        yield running


def test_a_record_goes_through_a_broker_in_a_container(container: KafkaContainer) -> None:
    provision(container.bootstrap, {_TOPIC: TopicSpec(2)})

    async def body() -> tuple[bytes | None, bytes | None]:
        producer = AIOKafkaProducer(bootstrap_servers=container.bootstrap, transactional_id="container-test")
        await producer.start()
        try:
            async with producer.transaction():
                await producer.send_and_wait(_TOPIC, b"value", key=b"key")
        finally:
            await producer.stop()
        consumer = AIOKafkaConsumer(
            _TOPIC,
            bootstrap_servers=container.bootstrap,
            group_id="container-test",
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            record = await asyncio.wait_for(consumer.getone(), 60)
            return record.key, record.value
        finally:
            await consumer.stop()

    assert asyncio.run(body()) == (b"key", b"value")


def test_it_is_a_cluster_of_its_own(container: KafkaContainer) -> None:
    assert cluster_id_of(container.bootstrap) == container.cluster_id
