"""Stream processors side by side: the same events, the same broker, one process each, exactly once, and checked.

The work: for each event read the state of its key, write it back with a changelog, emit one record. Owns: the events,
each engine's command line, the check that every key's outputs are 1, 2, 3, … up to the number of its inputs.
Deliberately lacks: faults (tests.chaos has them), work on the events themselves (the part ``service`` has it).
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from infra.kafka.java import find_java
from infra.kafka.provision import TopicSpec
from services.kernel.batch import NO_HEADERS
from services.kernel.codec import Meta
from services.kernel.memory_log import START_MS
from services.kernel.partitioner import partition_of
from services.order.order_facts import LineConfirmed
from services.order.terms import Delivery, LineNumber
from services.order.wire import WIRES
from tests.bench.figures import Figure, Figures
from tests.bench.ground import BenchError, Ground, Process, Row, Sample, Tell, cpu_of, rate
from tests.bench.orders import FIRST_DUE, place
from tests.bench.show import Show
from tests.support.workers import ROOT

PART = "engines"
PARTITIONS = 4
KEYS = 100_000
FEW_EVENTS = 50_000
DISTINCT_EVENTS = 1_000
BUILD = ROOT / "build" / "bench"
HERE = Path(__file__).parent
ALL, FEW = "bench-events", "bench-events-few"

STOCK_TIMES, QUIX_TIMES, STREAMS_TIMES = 20.0, 2.0, 1.0
"""How many times an engine's rate the kernel's is wished to be."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One candidate. ``command`` starts it; ``few``: it is given fewer events, being slow."""

    name: str
    command: Sequence[str]
    note: str
    few: bool = False

    @property
    def tag(self) -> str:
        """Its name as part of topics and groups."""
        return self.name.lower().replace(" ", "-").replace(",", "")


async def measure(ground: Ground, show: Show, figures: Figures, events: int, *, peers: bool) -> None:
    """All engines, one after the other; figures of each, then how many times the kernel is as fast."""
    few = min(FEW_EVENTS, events)
    topics = {ALL: TopicSpec(PARTITIONS), FEW: TopicSpec(PARTITIONS)}
    engines = _engines(ground, show, peers)
    for engine in engines:
        topics[f"bench-{engine.tag}-out"] = TopicSpec(PARTITIONS)
        topics[f"bench-{engine.tag}-changelog"] = TopicSpec(PARTITIONS, {"cleanup.policy": "compact"})
    await ground.make_topics(topics)
    with show.step(f"write {events:,} events of {len(_values()[0])} bytes, {KEYS:,} keys") as tell:
        await ground.fill(ALL, _events(events), events, tell)
        await ground.fill(FEW, _events(few), few, tell)
    rates: dict[str, float] = {}
    for engine in engines:
        total = few if engine.few else events
        rates[engine.name] = await _run(ground, show, figures, engine, total)
    kernel = rates["kernel"]
    for engine in engines:
        if engine.name != "kernel":
            times = STOCK_TIMES if engine.few else QUIX_TIMES if engine.name.startswith("Quix") else STREAMS_TIMES
            figures.add(Figure(PART, f"kernel ÷ {engine.name}", kernel / rates[engine.name], "×", times))


async def _run(ground: Ground, show: Show, figures: Figures, engine: Engine, total: int) -> float:
    topic, out = FEW if engine.few else ALL, f"bench-{engine.tag}-out"
    broker_before = cpu_of(ground.broker.pid)
    process = await Process.start(engine.name, engine.command, ground.folder)
    try:
        with show.step(f"{engine.name}: {total:,} events") as tell:
            samples = await ground.follow(f"bench-{engine.tag}", topic, total, process, tell)
        cpu, broker_cpu, rss = process.cpu_seconds, cpu_of(ground.broker.pid) - broker_before, process.rss_bytes
    finally:
        await process.stop()
    with show.step(f"{engine.name}: check every output") as tell:
        await _check(ground, engine, out, total, tell)
    per_second = best_rate(samples, total)
    note = (
        f"{engine.note}; {total:,} events, {cpu / total * 1e6:.1f} µs of processor each"
        f" (broker {broker_cpu / total * 1e6:.1f}), {rss / 2**20:.0f} MiB"
    )
    figures.add(Figure(PART, engine.name, per_second, "events/s", note=note))
    return per_second


def best_rate(samples: Sequence[Sample], total: int) -> float:
    """The rate to the last commit, or to the one before: a last, half-empty commit interval is held against nobody."""
    whole = rate(samples, total)
    return max(whole, rate(samples[:-1], total)) if len(samples) > 3 else whole


async def _check(ground: Ground, engine: Engine, out: str, total: int, tell: Tell) -> None:
    """Read all committed outputs; BenchError if a key's are not 1, 2, 3, …, or if there are not ``total``."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=ground.bootstrap, isolation_level="read_committed", max_partition_fetch_bytes=4 << 20
    )
    await consumer.start()
    try:
        places = [TopicPartition(out, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        last: dict[bytes, int] = {}
        seen = 0
        while any([await consumer.position(tp) < ends[tp] for tp in places]):
            for records in (await consumer.getmany(timeout_ms=200, max_records=20_000)).values():
                for record in records:
                    number = int(record.value)
                    if last.get(record.key, 0) + 1 != number:
                        raise BenchError(f"{engine.name}: {record.key!r} jumps from {last.get(record.key)} to {number}")
                    last[record.key] = number
                seen += len(records)
            tell(seen / total)
    finally:
        await consumer.stop()
    if seen != total or sum(last.values()) != total:
        raise BenchError(f"{engine.name}: {seen:,} outputs with a sum of {sum(last.values()):,} for {total:,} inputs")


def _values() -> list[bytes]:
    """Distinct events of the order service, as its wire writes them."""
    values = []
    for number in range(DISTINCT_EVENTS):
        told = place(number)
        key, cause = f"order/{told.sender}/45{number:08d}", f"{told.sender}:4f1c6e0a-7d3b-4c55-9a51-{number:012d}"
        fact = LineConfirmed(LineNumber("0010"), (Delivery(FIRST_DUE, told.command.lines[0].requested[0].amount),), 1)  # type: ignore[union-attr]
        meta = Meta(
            id=f"{key}@2", causation_id=cause, correlation_id=cause, occurred_at_ms=START_MS + number * 977,
            recorded_at_ms=START_MS + number * 977 + 5, enterprise="seller-77", aggregate=key, version=2,
        )  # fmt: skip
        values.append(WIRES.events.encode(meta, fact))
    return values


def _events(count: int) -> Iterator[tuple[int, Row]]:
    draw, values = Random(20_260_301), _values()
    keys = [b"order/buyer-%d/45%08d" % (number % 400, number) for number in range(KEYS)]
    places = [partition_of(key, PARTITIONS) for key in keys]
    for number in range(count):
        at = int(draw.random() * KEYS)
        yield places[at], (keys[at], values[number % DISTINCT_EVENTS], NO_HEADERS)


def _engines(ground: Ground, show: Show, peers: bool) -> list[Engine]:
    def ours(module: str, tag: str, source: str) -> tuple[str, ...]:
        return (
            sys.executable, "-m", module, "--group", f"bench-{tag}", "--bootstrap", ground.bootstrap,
            "--source", source, "--out", f"bench-{tag}-out", "--changelog", f"bench-{tag}-changelog",
            "--instance", "w1", "--partitions", str(PARTITIONS),
        )  # fmt: skip

    quix = _quix_python(show)
    engines = [
        Engine(
            "Faust, stock",
            ours("tests.support.stock_counter", "faust-stock", FEW),
            "exactly_once, table in memory; under faults it is not exact",
            few=True,
        ),
        Engine(
            "Quix Streams",
            (
                str(quix), str(HERE / "quix_counter.py"), "--bootstrap", ground.bootstrap, "--group",
                "bench-quix-streams", "--source", ALL, "--out", "bench-quix-streams-out",
                "--folder", str(ground.folder / "quix"),
            ),
            "exactly-once, RocksDB, a commit a second",
        ),
    ]  # fmt: skip
    if peers:
        for threads, store in ((1, "cached"), (2, "cached")):
            name = f"Kafka Streams, {threads} thread{'s' if threads > 1 else ''}"
            tag = Engine(name, (), "").tag
            command = (
                *_streams_command(show), ground.bootstrap, f"bench-{tag}", ALL, f"bench-{tag}-out",
                str(ground.folder / tag), str(threads), store,
            )  # fmt: skip
            engines.append(Engine(name, command, f"exactly_once_v2, RocksDB, {store} store, a commit per 100 ms"))
    engines.append(
        Engine("kernel", ours("tests.support.counter", "kernel", ALL), "exactly once, rows in memory with a changelog")
    )
    return engines


def _quix_python(show: Show) -> Path:
    """Python of Quix's own virtual environment, made when the lock has changed."""
    folder, lock = BUILD / "quix", HERE / "quix.lock"
    stamp = folder / "installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == wanted):
        with show.step("install Quix Streams into a virtual environment of its own (once)"):
            shutil.rmtree(folder, ignore_errors=True)
            _must([sys.executable, "-m", "venv", str(folder)])
            _must(
                [str(folder / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes",
                 "-r", str(lock)]
            )  # fmt: skip
            stamp.write_text(wanted)
    return folder / "bin" / "python"


def _streams_command(show: Show) -> tuple[str, ...]:
    """Java and the class path of the Kafka Streams counter, built when its sources have changed."""
    folder, project = BUILD / "kafka-streams", HERE / "kafka_streams"
    stamp = folder / "built"
    sources = [project / "pom.xml", *sorted(project.rglob("*.java"))]
    wanted = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()
    if not (stamp.exists() and stamp.read_text() == wanted):
        maven = shutil.which("mvn")
        if maven is None:
            raise BenchError(
                "Kafka Streams is built with Maven, which is not on the PATH; measure `engines` without it"
            )
        with show.step("build the Kafka Streams counter (once)"):
            shutil.rmtree(folder, ignore_errors=True)
            _must([maven, "-q", "-B", "-f", str(project / "pom.xml"), "package", f"-Dbench.build={folder}"])
            stamp.write_text(wanted)
    path = os.pathsep.join((str(folder / "counter.jar"), str(folder / "libraries" / "*")))
    return (
        str(find_java().executable), "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", path,
        "chainflow.bench.Counter",
    )  # fmt: skip


def _must(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise BenchError(f"{' '.join(command)} exited with {done.returncode}:\n{said}")
