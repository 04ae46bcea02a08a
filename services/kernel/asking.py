"""The front door's half of a command: produce it, wait for its outcome in the same process.

Owns: who waits for which outcome. Deliberately lacks: writing state; only the processor that owns the partition does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaProducer

from services.kernel.batch import Headers
from services.kernel.messages import Outcome
from services.kernel.processor import FINGERPRINT_HEADER

WAITING_MAX = 20_000
UNDER_WAY_SECONDS_MAX = 30.0
"""So long a command that is sent again joins the one under way; it may have been decided elsewhere meanwhile."""
LOOK_SECONDS = 0.25
"""How often to look whether the partition is still ours."""


class TooBusy(Exception):
    """More commands wait for their outcome than the process lets wait; the sender should slow down."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command ready to be produced: its key's partition, its bytes, and what its outcome is found by."""

    command_id: str
    fingerprint: bytes
    key: bytes
    partition: int
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Sent:
    """A command on its way into the log: its append, and its outcome."""

    asked: Asked
    appended: "asyncio.Future[Any]"
    outcome: "asyncio.Future[Outcome]"


def always() -> bool:
    """For partitions that do not move."""
    return True


class Asking:
    """Commands under way of one process, by command id and fingerprint."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.topic = topic
        self._waiting: dict[tuple[str, bytes], list[asyncio.Future[Outcome]]] = {}
        self._under_way: dict[tuple[str, bytes], tuple[asyncio.Future[Any], float]] = {}  # its append, and since when
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer

    async def start(self) -> None:
        """Connect the producer, which belongs to the running loop."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all", retry_backoff_ms=20
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is buffered and disconnect."""
        await self._producer.stop()

    def answer(self, command_id: str, fingerprint: bytes, outcome: Outcome) -> None:
        """The processor's word after its commit; nobody may be waiting."""
        self._under_way.pop((command_id, fingerprint), None)
        for future in self._waiting.pop((command_id, fingerprint), ()):
            if not future.done():
                future.set_result(outcome)

    async def ask(
        self, asked: Asked, seconds_max: float, here: Callable[[], bool] = always
    ) -> tuple[Outcome | None, int]:
        """The outcome, or None as ``wait`` says, and the command's offset. Raises TooBusy, KafkaError."""
        return await self.wait(await self.send(asked), seconds_max, here)

    async def send(self, asked: Asked) -> Sent:
        """Hand a command to the producer; what is sent first to a partition is first there. Raises TooBusy, KafkaError.

        Every ``Sent`` is to be given to ``wait``. A command that is under way already is not produced again: senders
        that lose patience with a busy service would make it busier with every try.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise TooBusy(f"{WAITING_MAX} commands wait for their outcome")
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        # Known before it is produced: the answer may come before the ack.
        name = asked.command_id, asked.fingerprint
        self._waiting.setdefault(name, []).append(outcome)
        appended = self._appended(name)
        if appended is None:
            try:
                headers = [*asked.headers, (FINGERPRINT_HEADER, asked.fingerprint)]
                appended = await self._producer.send(
                    self.topic, asked.value, key=asked.key, partition=asked.partition, headers=headers
                )
            except BaseException:
                self._forget(asked, outcome)
                raise
            if not outcome.done():
                self._under_way[name] = appended, monotonic()
                if len(self._under_way) > WAITING_MAX:
                    del self._under_way[next(iter(self._under_way))]
        return Sent(asked, appended, outcome)

    def _appended(self, name: tuple[str, bytes]) -> "asyncio.Future[Any] | None":
        """The append of the same command if it is under way still."""
        appended, since_s = self._under_way.get(name, (None, 0.0))
        if appended is None or monotonic() - since_s > UNDER_WAY_SECONDS_MAX:
            return None
        failed = appended.done() and (appended.cancelled() or appended.exception() is not None)
        return None if failed else appended

    async def wait(
        self, sent: Sent, seconds_max: float, here: Callable[[], bool] = always
    ) -> tuple[Outcome | None, int]:
        """The outcome, or None when it took too long, and the command's offset. Raises KafkaError.

        None too once the command's partition is not ``here`` any more: its outcome will be known elsewhere.
        """
        try:
            offset: int = (await asyncio.shield(sent.appended)).offset  # others may wait for the same append
            deadline, gone = monotonic() + seconds_max, False
            while True:
                left = deadline - monotonic()
                await asyncio.wait({sent.outcome}, timeout=max(0.0, min(left, LOOK_SECONDS)))
                if sent.outcome.done():
                    return sent.outcome.result(), offset
                if gone or left <= LOOK_SECONDS:
                    return None, offset
                gone = not here()  # what was committed at last is answered until the next look
        finally:
            self._forget(sent.asked, sent.outcome)

    def _forget(self, asked: Asked, outcome: "asyncio.Future[Outcome]") -> None:
        name = asked.command_id, asked.fingerprint
        waiting = self._waiting.get(name)
        if waiting is not None and outcome in waiting:
            waiting.remove(outcome)
            if not waiting:
                del self._waiting[name]
