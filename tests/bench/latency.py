"""How long one waits: for the outcome of a command over HTTP, and for the output of one hop through the kernel.

Load is open: a request is due at its time whether or not the one before is answered, and its wait counts from when it
was due, so that a stall is seen by all that it delays. Deliberately lacks: load near saturation.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from infra.kafka.provision import TopicSpec
from services.kernel.partitioner import partition_of
from tests.bench.figures import Figures
from tests.bench.ground import BenchError, Ground, Process, Tell
from tests.bench.orders import PARTITIONS, body_of
from tests.bench.serving import Served, provision
from tests.bench.show import Show

PART = "latency"
PER_SECOND = 100
WARM_SECONDS = 10.0
HTTP_GOALS_MS = {50: 15.0, 99: 60.0}
HOP_GOALS_MS = {50: 8.0, 99: 30.0}
SETTLE_SECONDS_MAX = 15.0


async def measure(ground: Ground, show: Show, figures: Figures, seconds: float) -> None:
    """Both, one after the other."""
    await provision(ground)
    figures.percentiles(PART, "command over HTTP to its outcome", await _http(ground, show, seconds), HTTP_GOALS_MS)
    hop = await _hop(ground, show, seconds)
    figures.percentiles(PART, "one hop, produce to committed output", hop, HOP_GOALS_MS)


async def _open_load(seconds: float, tell: Tell, act: Callable[[int, float], Awaitable[None]]) -> None:
    """Call ``act(number, due)`` at its due time, PER_SECOND times a second; failures of any call are raised."""
    began, tasks = perf_counter() + 0.1, set[asyncio.Task[None]]()
    for number in range(int(seconds * PER_SECOND)):
        due = began + number / PER_SECOND
        if (pause := due - perf_counter()) > 0:
            await asyncio.sleep(pause)
        task = asyncio.ensure_future(act(number, due))
        tasks.add(task)
        if number % PER_SECOND == 0:
            tell(number / (seconds * PER_SECOND))
    await asyncio.gather(*tasks)


async def _http(ground: Ground, show: Show, seconds: float) -> list[float]:
    """Seconds from due to answer, of orders of one line placed."""
    served = await Served.start("order", ground)
    body, waits = orjson.dumps(body_of()), list[float]()

    async def place(number: int, due: float) -> None:
        path = f"/v1/buyer-{number % 97}/orders/L{number}"
        answer = await served.web.ask("PUT", path, body)
        waits.append(perf_counter() - due)
        if answer.status != 200:
            raise BenchError(f"PUT {path} was answered {answer.status}: {answer.body.decode()}")

    async def warm(number: int, due: float) -> None:
        await served.web.ask("PUT", f"/v1/buyer-{number % 97}/orders/W{number}", body)

    try:
        await _open_load(WARM_SECONDS, lambda share: None, warm)
        with show.step(f"{PER_SECOND} commands a second over HTTP") as tell:
            await _open_load(seconds, tell, place)
    finally:
        await served.stop()
    return waits


async def _hop(ground: Ground, show: Show, seconds: float) -> list[float]:
    """Seconds from due to the moment at which a reader of committed records has the counter's output."""
    source, out, changelog = "bench-hop-in", "bench-hop-out", "bench-hop-changelog"
    await ground.make_topics({topic: TopicSpec(PARTITIONS) for topic in (source, out, changelog)})
    command = (
        sys.executable, "-m", "tests.support.counter", "--group", "bench-hop", "--bootstrap", ground.bootstrap,
        "--source", source, "--out", out, "--changelog", changelog, "--instance", "w1",
    )  # fmt: skip
    process = await Process.start("counter", command, ground.folder)
    producer = AIOKafkaProducer(bootstrap_servers=ground.bootstrap, acks="all")
    consumer = AIOKafkaConsumer(bootstrap_servers=ground.bootstrap, isolation_level="read_committed")
    await asyncio.gather(producer.start(), consumer.start())
    dues, waits, warmed = dict[bytes, float](), list[float](), asyncio.Event()

    async def send(number: int, due: float) -> None:
        key = b"h%d" % number
        dues[key] = due
        await producer.send(source, b"x" * 224, key=key, partition=partition_of(key, PARTITIONS))

    async def read() -> None:
        places = [TopicPartition(out, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        async for record in consumer:
            if (due := dues.pop(record.key, None)) is not None:
                waits.append(perf_counter() - due)
            warmed.set()

    reading = asyncio.create_task(read())
    try:
        await producer.send_and_wait(source, b"x", key=b"first", partition=0)
        async with asyncio.timeout(60):
            await warmed.wait()
        await _open_load(WARM_SECONDS, lambda share: None, lambda number, due: send(-number - 1, due))
        await _drained(dues, process)
        waits.clear()
        with show.step(f"{PER_SECOND} records a second through one hop") as tell:
            await _open_load(seconds, tell, send)
            await _drained(dues, process)
    finally:
        reading.cancel()
        await asyncio.gather(producer.stop(), consumer.stop(), process.stop())
    return waits


async def _drained(dues: dict[bytes, float], process: Process) -> None:
    deadline = perf_counter() + SETTLE_SECONDS_MAX
    while dues:
        if perf_counter() > deadline:
            raise BenchError(f"{len(dues)} outputs did not come:\n{process.tail()}")
        await asyncio.sleep(0.05)
