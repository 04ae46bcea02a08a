"""The seams: places of Faust and aiokafka, most of them private, that the kernel replaces or reads.

An upgrade that renames one of them, changes what it takes, or no longer calls it must fail here, and not as a lost
record later. Each test names the seam it is for. Signatures and calls are looked up in the installed packages; no
broker runs.
"""

import asyncio
import inspect
import re
import tomllib
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import Subscription, TopicPartitionState
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    for_code,
)
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition
from faust import App
from faust.assignor.partition_assignor import PartitionAssignor
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.consumer import Fetcher as BaseFetcher
from faust.transport.consumer import TransactionManager
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, ConsumerMessage
from faust.types.enums import ProcessingGuarantee
from mode.services import ServiceTask
from mode.threads import QueueServiceThread, ServiceThread

from services.kernel.app import AppSettings, KernelApp, make_app
from services.kernel.consumer import Inline, KernelConsumer, KernelThread, KernelTransport
from services.kernel.ownership import KernelAssignor, KernelTransactions
from services.kernel.recovery import KernelRecovery, KernelTables
from tests.support.counter import Counter


def takes(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters."""
    return [name for name in inspect.signature(function).parameters if name != "self"]


def says(thing: Any, *fragments: str) -> None:
    """The source of a thing still contains these, whatever their line breaks."""
    source = re.sub(r"\s+", "", inspect.getsource(thing))
    for fragment in fragments:
        assert re.sub(r"\s+", "", fragment) in source, f"{thing.__qualname__} no longer says {fragment!r}"


@pytest.fixture
def app() -> KernelApp:
    """A counter's app, as a worker makes it; nothing is started."""
    settings = AppSettings(
        group="seams",
        bootstrap="127.0.0.1:1",
        sources=("a", "b"),
        changelog="seams-changelog",
        partitions=4,
        instance="w1",
    )
    return make_app(settings, Counter("out"))


def test_versions_are_those_the_seams_were_read_in() -> None:
    pinned = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"faust-streaming=={version('faust-streaming')}" in pinned
    assert f"aiokafka[lz4]=={version('aiokafka')}" in pinned


def test_transport_and_consumer_are_ours(app: KernelApp) -> None:
    """App._new_transport, Transport.Consumer, Consumer._new_consumer_thread."""
    assert takes(App._new_transport) == []
    says(App.transport.fget, "self._new_transport()")
    says(Transport.create_consumer, "self.Consumer(")
    says(BaseConsumer.on_init_dependencies, "if self.in_transaction: return [self.transactions]")

    async def look() -> None:
        assert isinstance(app.transport, KernelTransport)
        assert isinstance(app.consumer, KernelConsumer)
        assert isinstance(app.consumer._thread, KernelThread)
        assert isinstance(app.consumer.transactions, KernelTransactions)

    asyncio.run(look())


def test_getmany() -> None:
    """Consumer.getmany, and what it rests on: _wait_next_records, flow_active, ConsumerMessage."""
    assert inspect.isasyncgenfunction(BaseConsumer.getmany)
    assert takes(BaseConsumer.getmany) == takes(KernelConsumer.getmany) == ["timeout"]
    assert takes(BaseConsumer._wait_next_records) == ["timeout"]
    says(BaseConsumer._wait_next_records, "return records, active_partitions")
    assert takes(BaseConsumer._drain_messages) == takes(KernelConsumer._drain_messages) == ["fetcher"]
    says(BaseConsumer._drain_messages, "callback = self.callback", "except self.consumer_stopped_errors")
    says(BaseFetcher._fetcher.fun, "await consumer._drain_messages(self)")
    says(BaseConsumer.stop_flow, "self.flow_active = False", "self.suspend_flow.set()")
    assert takes(ConsumerMessage.__init__)[:12] == [
        "topic", "partition", "offset", "timestamp", "timestamp_type", "headers", "key", "value",
        "checksum", "serialized_key_size", "serialized_value_size", "tp",
    ]  # fmt: skip
    assert "generation_id" in takes(ConsumerMessage.__init__)


@pytest.mark.parametrize("ending", [True, False])
def test_a_fetcher_that_is_cancelled_at_the_end_does_not_crash(app: KernelApp, ending: bool) -> None:
    """Faust takes a cancelled fetcher for a crash while the group rebalances, unless it was the app's end."""
    says(BaseFetcher._fetcher.fun, "except asyncio.CancelledError as exc", "if self.app.rebalancing")

    async def look() -> bool:
        consumer = app.consumer
        consumer.getmany = lambda timeout: polls()
        if ending:
            app._stopped.set()
        draining = asyncio.create_task(consumer._drain_messages(SimpleNamespace(should_stop=False)))
        await asyncio.sleep(0)
        draining.cancel()
        await asyncio.wait({draining})
        return draining.cancelled()

    async def polls() -> AsyncIterator[None]:
        await asyncio.sleep(60)
        yield

    assert asyncio.run(look()) is not ending


def test_offsets_that_faust_keeps() -> None:
    """Consumer._new_offset: Faust's memory of acks grows without its commits; ours forgets it."""
    assert takes(BaseConsumer._new_offset) == ["tp"]
    says(BaseConsumer.__init__, "self._acked =", "self._acked_index =")


def test_perform_seek() -> None:
    """Consumer.perform_seek is what Faust calls when a recovery has ended, with and without tables."""
    assert takes(BaseConsumer.perform_seek) == takes(KernelConsumer.perform_seek) == []
    says(Recovery.on_recovery_completed, "consumer.perform_seek()")
    says(Recovery._resume_streams, "consumer.perform_seek()")


def test_the_consumers_thread_is_none(app: KernelApp) -> None:
    """ServiceThread: what starts it, what ends it, and what would cancel all tasks of its loop."""
    says(ServiceThread.start, "self._thread = self.Worker(self)", "self._thread.start()", "await self._thread_running")
    says(ServiceThread.stop, "self._thread.stop()")
    says(ServiceThread._serve, "await self._gather_remaining_tasks()")
    says(ServiceThread.__init__, "self._close_thread_loop_on_stop = thread_loop is None")
    assert takes(QueueServiceThread.call_thread) == takes(KernelThread.call_thread) == ["fun", "args", "kwargs"]
    assert takes(ServiceThread._gather_remaining_tasks) == takes(KernelThread._gather_remaining_tasks) == []

    async def look() -> None:
        thread = app.consumer._thread
        assert thread.Worker is Inline
        assert thread.thread_loop is app.consumer.loop

    asyncio.run(look())


def test_consumer_thread_creation() -> None:
    """AIOKafkaConsumerThread._create_worker_consumer; the wait for a fetch is set before the fetcher is made."""
    assert takes(AIOKafkaConsumerThread._create_worker_consumer) == ["transport"]
    says(AIOKafkaConsumerThread, "isolation_level=")
    says(AIOKafkaConsumer.start, "fetch_max_wait_ms=self._fetch_max_wait_ms")


def test_consumer_thread_highwaters() -> None:
    """AIOKafkaConsumerThread._highwaters, behind Consumer.highwaters; recovery's end comes from it."""
    assert takes(AIOKafkaConsumerThread._highwaters) == ["partitions"]
    says(AIOKafkaConsumerThread.highwaters, "self.call_thread(self._highwaters, partitions)")
    says(Consumer.highwaters, "self._thread.highwaters(*partitions)")
    says(Recovery._build_highwaters, "await consumer.highwaters(*tps)", "value - 1 if value is not None else -1")
    assert takes(AIOKafkaConsumer.end_offsets) == takes(AIOKafkaConsumer.beginning_offsets) == ["partitions"]


def test_consumer_thread_seek() -> None:
    """AIOKafkaConsumerThread._seek_wait: every seek goes through it, and it seeks before it first waits."""
    assert takes(AIOKafkaConsumerThread._seek_wait) == ["consumer", "partitions"]
    says(AIOKafkaConsumerThread.seek_wait, "self.call_thread(self._seek_wait, consumer, partitions)")
    source = inspect.getsource(AIOKafkaConsumerThread._seek_wait)
    assert 0 < source.index("consumer.seek(tp, offset)") < source.index("await ")
    says(Recovery._seek_offsets, "await consumer.seek_wait(new_offsets)")


def test_consumer_thread_fetch() -> None:
    """AIOKafkaConsumerThread._fetch_records: what it returns, positions already count as consumed, without a wait."""
    assert takes(AIOKafkaConsumerThread._fetch_records) == [
        "consumer",
        "active_partitions",
        "timeout",
        "max_records",
    ]
    says(
        AIOKafkaConsumerThread._fetch_records,
        "if not self.consumer.flow_active: return {}",
        "return await fetcher.fetched_records(",
    )
    says(AIOKafkaConsumerThread.getmany, "self._fetch_records")
    source = inspect.getsource(Fetcher.fetched_records)
    assert "await" not in source[source.index("drained = {}") : source.index("return drained\n\n")]


def test_aiokafka_positions() -> None:
    """Subscription, assignment, state: where a poll's positions are read, and how a reset is refused."""
    says(AIOKafkaConsumer.__init__, "self._subscription =")
    tp = TopicPartition("a", 0)

    async def look() -> TopicPartitionState:
        subscription = Subscription({"a"})
        subscription._assign({tp})
        return subscription.assignment.state_value(tp)

    state = asyncio.run(look())
    state.seek(5)
    assert state._position == 5
    refused: list[Any] = []
    state.await_reset = refused.append
    state.await_reset(1)
    assert refused == [1]
    assert state._position == 5
    says(Fetcher._proc_fetch_request, "tp_state.await_reset(self._default_reset_strategy)")


def test_transaction_manager_hooks() -> None:
    """TransactionManager: before a revocation, before tables ask where changelogs end, at a commit, at the end."""
    assert takes(TransactionManager.on_partitions_revoked) == takes(KernelTransactions.on_partitions_revoked)
    assert takes(TransactionManager.on_rebalance) == takes(KernelTransactions.on_rebalance)
    assert takes(TransactionManager.commit) == takes(KernelTransactions.commit)
    assert takes(TransactionManager.on_stop) == takes(KernelTransactions.on_stop)
    says(App._on_partitions_revoked, "await T(consumer.transactions.on_partitions_revoked)(revoked)")
    says(App._on_partitions_revoked, "T(consumer.stop_flow)()")
    source = inspect.getsource(App._on_partitions_assigned)
    assert 0 < source.index("consumer.transactions.on_rebalance") < source.index("self.tables.on_rebalance")
    says(App._update_assignment, "newly_assigned = assigned - self._assignment")
    says(BaseConsumer, "await self.transactions.commit(")


def test_recovery() -> None:
    """Recovery: its own reading is a task that ours replaces, the signals and the counts are what ours sets."""
    assert isinstance(Recovery._slurp_changelogs, ServiceTask)
    assert isinstance(KernelRecovery._slurp_changelogs, ServiceTask)
    for method in (Recovery._set_recovery_started, Recovery._set_recovery_ended, Recovery.need_recovery):
        assert takes(method) == []
    says(Recovery._set_recovery_started, "self.in_recovery = True")
    says(Recovery.__init__, "self.active_offsets = Counter()", "self.active_highwaters = Counter()")
    source = inspect.getsource(Recovery._restart_recovery.fun)
    assert source.rindex("self._set_recovery_started()") < source.index("self.signal_recovery_end.wait()")
    says(Recovery.active_remaining, "active_highwaters", "active_offsets")
    says(Recovery._build_offsets, "last_value = destination[tp]")


def test_a_leader_that_misses_a_topic_ends(app: KernelApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The assignor: Faust leaves out topics that a loading broker does not know; everybody would own nothing."""
    says(PartitionAssignor._get_copartitioned_groups, "Ignoring missing topic", "continue")
    assert takes(PartitionAssignor.assign) == takes(KernelAssignor.assign) == ["cluster", "member_metadata"]
    assert isinstance(app.assignor, KernelAssignor)

    def ended(why: str) -> None:
        raise SystemExit(why)

    monkeypatch.setattr("services.kernel.ownership.die", ended)
    member = app.assignor.metadata({"in", "clock"})
    cluster = ClusterMetadata()
    with pytest.raises(SystemExit, match="does not know clock, in"):
        app.assignor.assign(cluster, {"w1": member})


def test_fausts_own_watchdog_is_replaced() -> None:
    """It looks at commits that are not made here, and would cry every five minutes."""
    assert takes(AIOKafkaConsumerThread.verify_event_path) == takes(KernelThread.verify_event_path) == ["now", "tp"]


def test_notes_to_the_group() -> None:
    """A consumer's commit outside transactions takes positions; anything that hinders it is a KafkaError."""
    assert takes(AIOKafkaConsumer.commit) == ["offsets"]
    assert issubclass(CommitFailedError, KafkaError)
    assert issubclass(IllegalStateError, KafkaError)


def test_table_manager(app: KernelApp) -> None:
    """The TableManager setting, and the recovery that it makes."""
    assert isinstance(app.tables, KernelTables)
    assert isinstance(app.tables.recovery, KernelRecovery)
    says(TableManager.recovery.fget, "self._recovery")
    says(TableManager.on_rebalance, "await T(self.recovery.on_rebalance)(")


def test_settings_are_taken(app: KernelApp) -> None:
    """Settings without which records are lost or repeated, under the names that Faust knows."""
    conf = app.conf
    assert conf.consumer_group_instance_id == "w1"
    assert conf.table_standby_replicas == 0
    assert not conf.topic_allow_declare
    assert conf.topic_disable_leader
    assert not conf.stream_wait_empty
    assert conf.processing_guarantee == ProcessingGuarantee.EXACTLY_ONCE
    says(App, "return (self.in_worker and self.conf.processing_guarantee == ProcessingGuarantee.EXACTLY_ONCE)")
    says(AIOKafkaConsumerThread, "group_instance_id=conf.consumer_group_instance_id")
    says(AIOKafkaConsumerThread, '"read_committed"')


def test_a_crash_ends_the_process() -> None:
    """App.crash and App._crash: Faust's services report there what killed them."""
    assert takes(App.crash) == takes(KernelApp.crash) == ["reason"]
    assert takes(App._crash) == takes(KernelApp._crash) == ["reason"]


def test_aiokafka_requests() -> None:
    """What a producer is made of: the client's requests, their answers, and batches made by hand."""
    assert takes(AIOKafkaClient.send) == ["node_id", "request", "group"]
    assert takes(AIOKafkaClient.coordinator_lookup) == ["coordinator_type", "coordinator_key"]
    assert takes(AIOKafkaClient.add_topic) == ["topic"]
    assert takes(InitProducerIdRequest.__init__) == ["transactional_id", "transaction_timeout_ms"]
    transaction = ["transactional_id", "producer_id", "producer_epoch"]
    assert takes(AddPartitionsToTxnRequest.__init__) == [*transaction, "topics"]
    assert takes(EndTxnRequest.__init__) == [*transaction, "transaction_result"]
    assert takes(ProduceRequest.__init__) == ["transactional_id", "required_acks", "timeout", "topics"]
    for struct in InitProducerIdRequest._CLASSES:
        assert struct.RESPONSE_TYPE.SCHEMA.names[1:] == ("error_code", "producer_id", "producer_epoch")
    for struct in EndTxnRequest._CLASSES:
        assert "error_code" in struct.RESPONSE_TYPE.SCHEMA.names
    for struct in AddPartitionsToTxnRequest._CLASSES:
        assert struct.RESPONSE_TYPE.SCHEMA.names[1] == "errors"
    for struct in ProduceRequest._CLASSES[3:]:
        answer = struct.RESPONSE_TYPE.SCHEMA
        assert answer.fields[answer.names.index("topics")].array_of.fields[1].array_of.names[:3] == (
            "partition",
            "error_code",
            "offset",
        )


def test_a_batch_takes_its_first_record_whatever_its_size() -> None:
    """DefaultRecordBatchBuilder: None is the answer when there is no room, and only then."""
    builder = DefaultRecordBatchBuilder(
        2, 0, is_transactional=1, producer_id=1, producer_epoch=0, base_sequence=0, batch_size=1_000
    )
    assert builder.append(0, None, key=b"k", value=b"x" * 2_000, headers=[]) is not None
    assert builder.size() > 2_000
    assert builder.append(1, None, key=b"k", value=b"x", headers=[]) is None


def test_errors_that_pass() -> None:
    """aiokafka's word for it is ``retriable``; a fenced producer's error must not be."""
    passing = {3, 5, 6, 7, 14, 15, 16, 19, 20}
    assert {code for code in range(-1, 120) if code and for_code(code).retriable} >= passing
    assert not any(for_code(code).retriable for code in (45, 46, 47, 48, 49, 51, 90))
    assert KafkaConnectionError.retriable
    assert NodeNotReadyError.retriable


def test_rebalance_generations() -> None:
    """What Faust drops by itself: recoveries and messages of another generation than the group's."""
    says(Recovery.on_rebalance, "if generation_id != app.consumer_generation_id")
    says(Recovery.on_recovery_completed, "if self.app.consumer_generation_id != generation_id")
    assert issubclass(TP, tuple)
