"""Real services on a real broker, for tests: processes, HTTP calls, raw records in and out of topics.

Owns: replicas of services as processes that end with us, waiting with a deadline; a replica that ends itself is started
again, as in production, and what it said is kept. Deliberately lacks: any domain.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from time import monotonic, sleep
from typing import Any, TypeVar

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.kafka.ports import is_free
from services.kernel.batch import Headers
from services.kernel.lease import EXIT_CRASH_ONLY
from services.kernel.partitioner import partition_of

ROOT = Path(__file__).resolve().parents[2]
PORTS = range(26_000, 27_000)
SERVICES = ("order", "inventory", "fulfillment")
TIED = (sys.executable, "-I", "-S", str(ROOT / "infra" / "kafka" / "launch.py"))
READY_SECONDS = 90.0
READ_SECONDS_MAX = 60.0
T = TypeVar("T")


def free_port() -> int:
    """A free port of those that these tests use."""
    for port in SystemRandom().sample(PORTS, 200):
        if is_free(port):
            return port
    raise RuntimeError(f"no free port in {PORTS}")


def until(what: str, probe: Callable[[], T], seconds: float = 30.0) -> T:
    """What the probe gives once it gives something true; AssertionError with what was last seen at the deadline."""
    deadline, pause = monotonic() + seconds, 0.01
    while True:
        found = probe()
        if found:
            return found
        if monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {found!r}")
        sleep(pause)
        pause = min(pause * 1.5, 0.25)


@dataclass(slots=True)
class Replica:
    """One process of a service; ``instance`` is its name in the group, the same after a restart."""

    service: str
    bootstrap: str
    folder: Path
    instance: str
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    wanted: bool = True
    crashes: list[str] = field(default_factory=list)
    """What it said when it ended by itself."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it writes."""
        return self.folder / f"{self.instance}.log"

    def start(self) -> "Replica":
        """Start the process; it is not ready yet."""
        self.wanted = True
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "CHAINFLOW_PORT": str(self.port),
            "CHAINFLOW_INSTANCE": self.instance,
            "CHAINFLOW_TICK_SECONDS": "1",
            "PYTHONUNBUFFERED": "1",
            **self.settings,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*TIED, str(os.getpid()), sys.executable, "-m", f"services.{self.service}"],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        return self

    def revive(self) -> None:
        """Start it again if it ended by itself as crash-only processes do; AssertionError if it ended otherwise."""
        if not self.wanted or self.process is None or (code := self.process.poll()) is None:
            return
        assert code == EXIT_CRASH_ONLY, f"{self.instance} ended with {code}: {self.tail()}"
        self.crashes.append(next((line for line in self.tail().splitlines() if "chainflow: stopped" in line), "?"))
        self.start()

    def ready(self) -> bool:
        """True if it says so."""
        self.revive()
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health/ready", timeout=2.0).status_code == 200
        return False

    def mine(self) -> list[int]:
        """The partitions that it serves, as it says."""
        with contextlib.suppress(httpx.HTTPError):
            found: list[int] = httpx.get(f"{self.url}/health/ready", timeout=2.0).json()["mine"]
            return found
        return []

    def await_ready(self) -> "Replica":
        """Return when it is ready."""
        until(f"{self.instance} is ready", self.ready, READY_SECONDS)
        return self

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL, 10.0)

    def stop(self) -> int:
        """SIGTERM; its return code. AssertionError if it does not end."""
        return self._end(signal.SIGTERM, 30.0)

    def _end(self, number: signal.Signals, seconds: float) -> int:
        assert self.process is not None
        self.wanted = False
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            raise AssertionError(f"{self.instance} did not end on {number.name}: {self.tail()}") from error

    def tail(self, lines: int = 30) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass(frozen=True, slots=True)
class Read:
    """A record as it was read from a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Raw:
    """A record to be written as it is; without a partition it goes where its key belongs."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int | None = None


@dataclass(slots=True)
class Live:
    """The broker, and one replica of each service."""

    bootstrap: str
    folder: Path
    partitions: int
    replicas: dict[str, Replica]
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60.0, trust_env=False))

    # --- HTTP ---------------------------------------------------------------------------------------------------------

    def call(
        self, service: str, method: str, enterprise: str, path: str, body: Any = None, *, url: str = "", **kwargs: Any
    ) -> httpx.Response:
        """One request; ``url`` asks another replica than the session's."""
        self.replicas[service].revive()
        base = url or self.replicas[service].url
        sent = None if method == "GET" else {} if body is None else body
        return self.http.request(method, f"{base}/v1/{enterprise}{path}", json=sent, **kwargs)

    def done(self, service: str, method: str, enterprise: str, path: str, body: Any = None, **kwargs: Any) -> str:
        """A command that must be accepted; the position of it."""
        answer = self.call(service, method, enterprise, path, body, **kwargs)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        position: str = answer.json()["position"]
        return position

    def view(self, service: str, enterprise: str, view: str, *, url: str = "", **wanted: Any) -> dict[str, Any]:
        """Row id to row, over all pages."""
        rows: dict[str, Any] = {}
        wanted.setdefault("limit", 1_000)
        while True:
            answer = self.call(service, "GET", enterprise, f"/views/{view}", params=wanted, url=url)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            for row in page["rows"]:
                assert row["id"] not in rows
                rows[row["id"]] = row
            wanted["cursor"] = page["cursor"]
            if not page["cursor"]:
                return rows

    def row(self, service: str, enterprise: str, view: str, row_id: str, **wanted: Any) -> Any:
        """One row, or None."""
        answer = self.call(service, "GET", enterprise, f"/views/{view}", params={"id": row_id, **wanted})
        assert answer.status_code == 200, answer.text
        rows = answer.json()["rows"]
        return rows[0] if rows else None

    # --- topics -------------------------------------------------------------------------------------------------------

    def write(self, records: Iterable[Raw]) -> list[tuple[int, int]]:
        """Produce raw records in order; partition and offset of each."""
        return asyncio.run(self._write(list(records)))

    async def _write(self, records: list[Raw]) -> list[tuple[int, int]]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, enable_idempotence=True, max_request_size=16 * 1024 * 1024
        )
        await producer.start()
        try:
            futures = []
            for record in records:
                where = record.partition
                if where is None:
                    where = partition_of(record.key or b"", self.partitions)
                futures.append(
                    await producer.send(
                        record.topic, record.value, key=record.key, partition=where, headers=list(record.headers)
                    )
                )
            sent = await asyncio.gather(*futures)
        finally:
            await producer.stop()
        return [(one.partition, one.offset) for one in sent]

    def read(self, topic: str, start: Mapping[int, int] | None = None) -> list[Read]:
        """All committed records of a topic, or those from the given offsets on, partition by partition."""
        return asyncio.run(self._read(topic, start or {}))

    async def _read(self, topic: str, start: Mapping[int, int]) -> list[Read]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level="read_committed", enable_auto_commit=False,
            fetch_max_wait_ms=50,
        )  # fmt: skip
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, number) for number in range(self.partitions)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            begins = await consumer.beginning_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, max(start.get(partition.partition, 0), begins[partition]))
            found: list[Read] = []
            deadline = monotonic() + READ_SECONDS_MAX
            while behind := {tp: at for tp in partitions if (at := await consumer.position(tp)) < ends[tp]}:
                assert monotonic() < deadline, f"{topic} is not read to its end {ends}: {behind}"
                for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                    found += [
                        Read(topic, partition.partition, r.offset, r.timestamp, r.key, r.value, list(r.headers))
                        for r in records
                        if r.offset < ends[partition]
                    ]
            return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            await consumer.stop()

    def ends(self, topic: str) -> dict[int, int]:
        """Where each partition of a topic ends now."""
        return asyncio.run(self._ends(topic))

    async def _ends(self, topic: str) -> dict[int, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, isolation_level="read_committed")
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, number) for number in range(self.partitions)]
            return {tp.partition: end for tp, end in (await consumer.end_offsets(partitions)).items()}
        finally:
            await consumer.stop()
