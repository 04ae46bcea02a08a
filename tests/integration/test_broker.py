"""The embedded broker for real: Java, signals, locks, and records that survive."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.kafka import broker as broker_module
from infra.kafka.broker import Broker, bootstrap_servers
from infra.kafka.datadir import is_alive, is_our_java, read_record
from infra.kafka.errors import BrokerFailed, DataDirInUse, ForeignBroker
from infra.kafka.health import cluster_id_of
from infra.kafka.ports import PORT_LIMIT, Ports, choose_port, load_ports, save_ports
from infra.kafka.provision import Difference, TopicSpec, provision

pytestmark = pytest.mark.kafka

_ROOT = Path(__file__).resolve().parents[2]
_HEAP_MB = 256
_TOPIC = "broker-test-v1"

# Waits for a line, starts a broker, reports in JSON, and keeps it until its standard input is closed.
_SUPERVISOR = """
import json, sys
from pathlib import Path
from infra.kafka import broker, process
from infra.kafka.errors import KafkaSetupError
if "untied" in sys.argv:  # as where the kernel cannot tie Java's life to ours
    class Untied(process.JavaProcess):
        def __init__(self, command, *, output, keep_fd, tied):
            super().__init__(command, output=output, keep_fd=keep_fd, tied=False)
    broker.JavaProcess = Untied
print("ready", flush=True)
sys.stdin.readline()
try:
    started = broker.Broker.start(Path(sys.argv[1]), heap_mb=256)
except KafkaSetupError as error:
    print(json.dumps({"error": type(error).__name__, "message": str(error)}), flush=True)
else:
    print(json.dumps({"java": started.pid, "bootstrap": started.bootstrap}), flush=True)
    sys.stdin.read()
    started.stop()
"""


class Supervisor:
    """A process of its own that supervises a broker, started together with others at `go`."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SUPERVISOR, str(data_dir), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def outcome(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Let it stop its broker and end."""
        self.process.communicate(timeout=60)


def _until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def _write(bootstrap: str, values: list[bytes]) -> None:
    async def body() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(_TOPIC, value, key=b"k")
        finally:
            await producer.stop()

    asyncio.run(body())


def _read(bootstrap: str, count: int) -> list[bytes]:
    async def body() -> list[bytes]:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(_TOPIC, 0)])
            return [(await asyncio.wait_for(consumer.getone(), 30)).value for _ in range(count)]
        finally:
            await consumer.stop()

    return asyncio.run(body())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker.start(tmp_path_factory.mktemp("broker") / "data", heap_mb=_HEAP_MB) as broker:
        provision(broker.bootstrap, {_TOPIC: TopicSpec(1)})
        yield broker


def test_it_listens_below_the_ephemeral_range_and_reports_its_own_cluster(running: Broker) -> None:
    ports = load_ports(running.data_dir / "ports.json")
    assert ports is not None
    assert max(ports.broker, ports.controller) < PORT_LIMIT
    assert cluster_id_of(running.bootstrap) == running.cluster_id
    assert (running.data_dir / "cluster-id").read_text().strip() == running.cluster_id


def test_acknowledged_records_survive_a_kill(running: Broker) -> None:
    before = running.bootstrap, running.pid
    _write(running.bootstrap, [b"one", b"two"])
    running.kill()
    assert not is_alive(before[1])
    running.restart()
    assert (running.bootstrap, running.cluster_id) == (before[0], cluster_id_of(before[0]))
    assert running.pid != before[1]
    _write(running.bootstrap, [b"three"])
    assert _read(running.bootstrap, 3) == [b"one", b"two", b"three"]


def test_a_running_broker_is_not_started_twice(running: Broker) -> None:
    with pytest.raises(BrokerFailed, match="still runs"):
        running.restart()
    with pytest.raises(DataDirInUse, match=f"Java pid {running.pid} on port"):
        Broker.start(running.data_dir)


def test_it_is_found_again_from_its_directory_also_inside_an_event_loop(running: Broker) -> None:
    async def body() -> Broker | None:
        return Broker.attach(running.data_dir)

    found = asyncio.run(body())
    assert found is not None
    assert (found.bootstrap, found.pid, found.cluster_id) == (running.bootstrap, running.pid, running.cluster_id)


def test_a_broker_of_another_cluster_on_our_port_is_noticed(running: Broker) -> None:
    path = running.data_dir / "cluster-id"
    path.write_text("AAAAAAAAAAAAAAAAAAAAAA\n")
    try:
        with pytest.raises(ForeignBroker, match=f"answers as cluster {running.cluster_id}"):
            Broker.attach(running.data_dir)
    finally:
        path.write_text(running.cluster_id + "\n")


def test_a_taken_port_is_refused_if_it_was_asked_for(running: Broker, tmp_path: Path) -> None:
    with pytest.raises(BrokerFailed, match="is taken"):
        Broker.start(tmp_path, port=int(running.bootstrap.rpartition(":")[2]))


def test_a_port_lost_to_another_broker_after_the_choice(
    running: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = int(running.bootstrap.rpartition(":")[2])
    save_ports(tmp_path / "ports.json", Ports(taken, choose_port()))
    monkeypatch.setattr(broker_module, "is_free", lambda _: True)  # it was, when we looked
    with pytest.raises(ForeignBroker, match="Another broker has the port"):
        Broker.start(tmp_path, heap_mb=_HEAP_MB, port=taken)
    with Broker.start(tmp_path, heap_mb=_HEAP_MB) as other:
        assert other.bootstrap != running.bootstrap
        assert cluster_id_of(other.bootstrap) == other.cluster_id != running.cluster_id


def test_topics_are_created_once_and_differences_told(running: Broker) -> None:
    name = "provision-test-v1"
    spec = TopicSpec(3, {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"})
    assert provision(running.bootstrap, {name: spec}).created == (name,)
    again = provision(running.bootstrap, {name: spec})
    assert (again.created, again.differences) == ((), ())
    other = TopicSpec(4, {"retention.ms": "1000"})
    assert set(provision(running.bootstrap, {name: other}).differences) == {
        Difference(name, "partitions", "4", "3"),
        Difference(name, "retention.ms", "1000", "-1"),
    }


def test_of_two_supervisors_started_together_exactly_one_starts_a_broker(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    both = [Supervisor(data_dir), Supervisor(data_dir)]
    try:
        for supervisor in both:
            supervisor.go()
        outcomes = [supervisor.outcome() for supervisor in both]
        winners = [n for n, outcome in enumerate(outcomes) if "java" in outcome]
        assert len(winners) == 1, outcomes
        winner, loser = winners[0], outcomes[1 - winners[0]]
        assert loser["error"] == "DataDirInUse"
        assert f"held by process {both[winner].process.pid}" in loser["message"]
        assert cluster_id_of(outcomes[winner]["bootstrap"]) == (data_dir / "cluster-id").read_text().strip()
    finally:
        for supervisor in both:
            supervisor.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ties a child's life to its parent's")
def test_java_dies_with_a_killed_supervisor_and_the_stale_record_stops_nobody(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.go()
    java = supervisor.outcome()["java"]
    supervisor.kill()
    _until(lambda: not is_alive(java), "the kernel ends Java")
    record = read_record(tmp_path)
    assert record is not None
    assert record.java == java, "the record of the dead is still there"
    with Broker.start(tmp_path, heap_mb=_HEAP_MB) as next_one:
        assert next_one.running


def test_a_java_that_outlived_its_killed_supervisor_is_ended_by_the_next_start(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, "untied")
    supervisor.go()
    outcome = supervisor.outcome()
    supervisor.kill()
    assert is_our_java(outcome["java"], tmp_path), "this test is about a Java that lives on"
    said: list[str] = []
    with Broker.start(tmp_path, heap_mb=_HEAP_MB, on_progress=said.append) as next_one:
        assert not is_our_java(outcome["java"], tmp_path)
        assert next_one.bootstrap == outcome["bootstrap"]
    assert any("was killed" in line for line in said)


def test_a_directory_mixed_from_two_clusters_is_refused(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "meta.properties").write_text("version=1\ncluster.id=elsewhere\nnode.id=1\n")
    with pytest.raises(BrokerFailed, match="belongs to cluster elsewhere"):
        Broker.start(tmp_path, heap_mb=_HEAP_MB)


def test_a_given_broker_is_used_and_nothing_is_started(tmp_path: Path) -> None:
    assert bootstrap_servers(tmp_path / "d", environ={"KAFKA_BOOTSTRAP_SERVERS": "h:9092"}) == ("h:9092", None)
    assert not (tmp_path / "d").exists()


def test_the_command_leaves_a_broker_running_and_stops_it(tmp_path: Path) -> None:
    def kafka(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "infra.kafka", *arguments, "--data-dir", str(tmp_path)]
        environ = {**os.environ, "CHAINFLOW_KAFKA_HEAP_MB": str(_HEAP_MB)}
        return subprocess.run(command, capture_output=True, text=True, cwd=_ROOT, env=environ, check=False)

    assert kafka("status").returncode == 3
    up = kafka("up")
    assert up.returncode == 0, up.stderr
    bootstrap = up.stdout.strip()
    try:
        record = read_record(tmp_path)
        assert record is not None
        assert record.detached
        assert is_our_java(record.java, tmp_path)
        assert kafka("status", "--quiet").stdout.strip() == bootstrap
        assert kafka("up").stdout.strip() == bootstrap
        with pytest.raises(DataDirInUse):
            Broker.start(tmp_path)
    finally:
        down = kafka("down")
    assert down.returncode == 0, down.stderr
    assert not is_alive(record.java)
    assert kafka("status").returncode == 3


def test_a_stopped_java_takes_its_lock_along(tmp_path: Path) -> None:
    broker = Broker.start(tmp_path, heap_mb=_HEAP_MB)
    os.kill(broker.pid, signal.SIGKILL)  # from outside, not through the broker
    _until(lambda: not broker.running, "the broker sees that Java has ended")
    broker.restart()
    assert cluster_id_of(broker.bootstrap) == broker.cluster_id
    broker.stop()
    assert broker.pid == 0
    broker.stop()
