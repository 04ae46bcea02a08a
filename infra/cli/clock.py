"""The time of a scenario or a replay: ticks on the clock's topic, one for each partition.

Deliberately lacks: live time (the services write that themselves), and turning it back: a partition's time is the
greatest tick it has seen.
"""

import datetime
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.cli.errors import CliError
from services.kernel.catalogue import load
from services.kernel.codec import NO_META, Wire
from services.kernel.messages import Tick
from services.kernel.processor import CLOCK_TOPIC
from services.order.wire import WIRES

DAY_MS = 86_400_000


class Clock:
    """Writes ticks. ``now_ms``: the last one written, 0 before the first."""

    def __init__(self, bootstrap: str) -> None:
        self._wire: Wire = WIRES.clock
        self._partitions = load()[CLOCK_TOPIC].partitions
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer
        self.now_ms = 0

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all")
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise CliError(f"the broker at {self._bootstrap} does not answer ({error}); is it running?") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def tick(self, now_ms: int) -> None:
        """It is that late now (ms since 1970 UTC), on every partition; an earlier time than before is dropped."""
        if now_ms <= self.now_ms:
            return
        value = self._wire.encode(NO_META, Tick(now_ms))
        for partition in range(self._partitions):
            await self._producer.send(CLOCK_TOPIC, value, partition=partition)
        await self._producer.flush()
        self.now_ms = now_ms


def at_ms(day: datetime.date, minute: int = 0) -> int:
    """The instant (ms since 1970 UTC) so many minutes into the day, UTC."""
    return (day - datetime.date(1970, 1, 1)).days * DAY_MS + minute * 60_000


def instant(day: datetime.date, minute: int = 0) -> str:
    """The same as an RFC 3339 time."""
    return f"{day.isoformat()}T{minute // 60:02d}:{minute % 60:02d}:00Z"
