"""What every part stands on: one broker of its own on a temporary directory, topics, processes, progress by offsets.

Owns: measuring from the outside. How far an engine is, is asked of the broker (the group's committed offsets), which
costs it one small request per look; no consumer in Python shares the processors with what is measured.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from infra.kafka.broker import Broker
from infra.kafka.ports import is_free
from infra.kafka.provision import TopicSpec, provision_async
from services.kernel.batch import Headers
from tests.support.workers import ROOT, TIED

PORTS = range(25_092, 25_999)
LOOK_SECONDS = 0.025
BATCH_BYTES = 512 * 1024
STUCK_SECONDS_MAX = 120.0

Row = tuple[bytes | None, bytes, Headers]
Tell = Callable[[float], None]
"""Called with how much of the whole is done."""


class BenchError(RuntimeError):
    """A part that could not be measured, with what to look at."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How much was committed at a moment (seconds of the monotonic clock)."""

    at_s: float
    done: int


class Ground:
    """A running broker, and the few things that are asked of it."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker, self.folder = broker, folder
        self.bootstrap = broker.bootstrap
        self.admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, heap_mb: int = 512, *, lasting: bool = False) -> AsyncIterator["Ground"]:
        """Start a broker on a new directory; it ends with the block."""
        await asyncio.to_thread(folder.mkdir, parents=True)
        port = free_port()
        broker = await asyncio.to_thread(Broker.start, folder / "kafka", port=port, heap_mb=heap_mb, lasting=lasting)
        ground = cls(broker, folder)
        await ground.admin.start()
        try:
            yield ground
        finally:
            await ground.admin.close()
            await asyncio.to_thread(broker.stop)

    async def make_topics(self, topics: Mapping[str, TopicSpec]) -> None:
        """Create what is missing."""
        await provision_async(self.bootstrap, topics)

    async def fill(self, topic: str, rows: Iterable[tuple[int, Row]], total: int, tell: Tell) -> None:
        """Write rows to their partitions, in large batches."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", max_batch_size=BATCH_BYTES, max_request_size=2 * BATCH_BYTES
        )
        await producer.start()
        try:
            open_: dict[int, list[Row]] = {}
            sizes: dict[int, int] = {}
            done = 0
            for partition, row in rows:
                waiting = open_.setdefault(partition, [])
                waiting.append(row)
                sizes[partition] = sizes.get(partition, 0) + len(row[0] or b"") + len(row[1]) + 300
                if sizes[partition] > BATCH_BYTES // 2:
                    await _send(producer, topic, partition, waiting)
                    done += len(waiting)
                    tell(done / total)
                    open_[partition], sizes[partition] = [], 0
            for partition, waiting in open_.items():
                if waiting:
                    await _send(producer, topic, partition, waiting)
            await producer.flush()
        finally:
            await producer.stop()
        tell(1.0)

    async def ends(self, topic: str, partitions: int) -> dict[TopicPartition, int]:
        """Where each partition ends for a reader of committed records."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, isolation_level="read_committed")
        await consumer.start()
        try:
            found = await consumer.end_offsets([TopicPartition(topic, number) for number in range(partitions)])
            return dict(found)
        finally:
            await consumer.stop()

    async def committed(self, group: str, topics: Sequence[str]) -> int:
        """The sum of the group's positions on some topics; 0 before the first commit, or while the group moves."""
        try:
            offsets = await self.admin.list_consumer_group_offsets(group)
        except KafkaError:
            return 0
        return sum(max(at.offset, 0) for tp, at in offsets.items() if tp.topic in topics)

    async def follow(self, group: str, topic: str, total: int, alive: "Process", tell: Tell) -> list[Sample]:
        """Look at the group's position until it is at ``total``; BenchError if the process ends or nothing moves."""
        samples = [Sample(perf_counter(), await self.committed(group, (topic,)))]
        moved = monotonic()
        while samples[-1].done < total:
            await asyncio.sleep(LOOK_SECONDS)
            if not alive.running:
                raise BenchError(f"{alive.name} ended with {alive.process.returncode}:\n{alive.tail()}")
            done = await self.committed(group, (topic,))
            if done > samples[-1].done:
                samples.append(Sample(perf_counter(), done))
                moved = monotonic()
                tell(done / total)
            elif monotonic() - moved > STUCK_SECONDS_MAX:
                raise BenchError(f"{alive.name} stands at {done:,} of {total:,}:\n{alive.tail()}")
        return samples


def rate(samples: Sequence[Sample], total: int) -> float:
    """Per second, from the first commit that was seen to the last: starting up is not in it."""
    moving = [sample for sample in samples if sample.done > 0]
    if len(moving) < 2:
        raise BenchError("too few commits were seen to tell a rate; measure with more")
    return (min(moving[-1].done, total) - moving[0].done) / (moving[-1].at_s - moving[0].at_s)


async def _send(producer: AIOKafkaProducer, topic: str, partition: int, rows: list[Row]) -> None:
    batch = producer.create_batch()
    for key, value, headers in rows:
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            batch.close()
            await producer.send_batch(batch, topic, partition=partition)
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
    batch.close()
    await producer.send_batch(batch, topic, partition=partition)


def free_port() -> int:
    """A free port of the bench's own range."""
    for port in PORTS:
        if is_free(port):
            return port
    raise BenchError(f"no free port from {PORTS.start} to {PORTS.stop}")


class Process:
    """A process of an engine or a service, tied to this one's life, its output in a file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name, self.process, self.log = name, process, log

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> "Process":
        """Start ``command`` (the program's path first)."""
        log = folder / f"{name.replace(' ', '-')}.log"
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *TIED, str(os.getpid()), *command,
                stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=asyncio.subprocess.STDOUT, cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            )  # fmt: skip
        return cls(name, process, log)

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return self.process.returncode is None

    @property
    def rss_bytes(self) -> int:
        """Resident memory now."""
        return rss_of(self.process.pid)

    @property
    def cpu_seconds(self) -> float:
        """Processor time used so far, all threads."""
        return cpu_of(self.process.pid)

    def tail(self, lines: int = 12) -> str:
        """The last lines of its output."""
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join([*text[-lines:], f"more in {self.log}"])

    async def stop(self, seconds_max: float = 15.0) -> None:
        """SIGTERM, SIGKILL if that takes too long."""
        if not self.running:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), seconds_max)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        if self.running:
            self.process.kill()
            await self.process.wait()


def rss_of(pid: int) -> int:
    """Resident memory of a process, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_of(pid: int) -> float:
    """Processor time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
