"""Real service processes on the bench's broker, and what is asked of them.

Owns: their start, readiness, meters, and filling their command topic as their front door would.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from time import perf_counter

from infra.kafka.provision import load_topics
from services.kernel.catalogue import TOPICS_FILE
from tests.bench.ground import BenchError, Ground, Process, Tell, free_port
from tests.bench.orders import PARTITIONS, Told, record_of
from tests.bench.show import Show
from tests.bench.web import Answer, Web

IDLE_SECONDS_MAX = 600.0
READY_SECONDS_MAX = 90.0
COMMANDS, GROUP = "order-commands-v1", "chainflow-order"


class Served:
    """One process of a service."""

    def __init__(self, name: str, ground: Ground) -> None:
        self.name, self.port, self._ground = name, free_port(), ground
        self.web = Web("127.0.0.1", self.port)
        self.process: Process

    @classmethod
    async def start(cls, name: str, ground: Ground) -> "Served":
        """Start a service and return when it is ready."""
        served = cls(name, ground)
        await served.spawn()
        await served.ready()
        return served

    async def spawn(self) -> None:
        """Start the process, on the same port and under the same member's name each time."""
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self._ground.bootstrap,
            "CHAINFLOW_PORT": str(self.port),
            "CHAINFLOW_INSTANCE": f"bench-{self.name}",
            "CHAINFLOW_LOG_LEVEL": "WARNING",
        }
        command = (sys.executable, "-m", f"services.{self.name}")
        self.process = await Process.start(self.name, command, self._ground.folder, environment)

    async def ready(self) -> None:
        """Wait until it serves all partitions."""
        deadline = perf_counter() + READY_SECONDS_MAX
        while perf_counter() < deadline:
            if not self.process.running:
                raise BenchError(f"{self.name} ended with {self.process.process.returncode}:\n{self.process.tail()}")
            if (answer := await self.try_("GET", "/health/ready")) is not None and answer.status == 200:
                return
            await asyncio.sleep(0.02)
        raise BenchError(f"{self.name} is not ready after {READY_SECONDS_MAX:.0f} s:\n{self.process.tail()}")

    async def try_(self, method: str, path: str, body: bytes = b"") -> Answer | None:
        """The answer, or None if nobody gives one."""
        try:
            return await self.web.ask(method, path, body, seconds_max=2)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return None

    async def meter(self, name: str) -> float:
        """One of its meters, summed over labels."""
        answer = await self.web.ask("GET", "/metrics")
        lines = [line for line in answer.body.decode().splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    async def idle(self, tell: Tell) -> float:
        """Wait until all commands, and all rows of views that they caused, are read; the moment (within 0.2 s)."""
        began, topics = perf_counter(), (f"{self.name}-commands-v1", f"{self.name}-feed-v1")
        while True:
            logs = [await self._ground.ends(topic, PARTITIONS) for topic in topics]
            ends = sum(end for log in logs for end in log.values())
            done = await self._ground.committed(f"chainflow-{self.name}", topics)
            if done >= ends:
                return perf_counter()
            if perf_counter() - began > IDLE_SECONDS_MAX or not self.process.running:
                raise BenchError(f"{self.name} stands at {done:,} of {ends:,}:\n{self.process.tail()}")
            tell(done / ends)
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """Stop it."""
        self.web.close()
        await self.process.stop()


async def provision(ground: Ground) -> None:
    """All topics of the backbone."""
    await ground.make_topics(load_topics(TOPICS_FILE))


async def fill_commands(ground: Ground, show: Show, what: str, told: Iterable[Told], count: int) -> None:
    """Write commands to the order service's topic."""
    rows = (
        (partition, (key, value, head))
        for number, one in enumerate(told)
        for partition, key, value, head in (record_of(one, f"{one.sender}:b{number}"),)
    )
    with show.step(f"write {what}") as tell:
        await ground.fill(COMMANDS, rows, count, tell)


async def refusals(ground: Ground, topics: Sequence[str] = ("order-dead-letters-v1",)) -> int:
    """How many records were set aside."""
    return sum([sum((await ground.ends(topic, PARTITIONS)).values()) for topic in topics])
