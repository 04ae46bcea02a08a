"""Keyed records into two co-partitioned topics, with an exact account of what the broker acknowledged.

Source A is written by an idempotent producer, source B in transactions, some of which are aborted: real inputs come
from other services' transactions, so their logs have markers, and records that must not be counted.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

TICK_SECONDS = 0.05
DELIVERY_MS_MAX = 120_000
ABORTS = 0.1


class Account:
    """Per key: acknowledged, and in doubt (sent, but neither acknowledged nor refused)."""

    def __init__(self) -> None:
        self.acked: Counter[bytes] = Counter()
        self.doubtful: Counter[bytes] = Counter()
        self.total = 0

    def add(self, keys: Sequence[bytes]) -> None:
        """Acknowledged."""
        self.acked.update(keys)
        self.total += len(keys)


class Traffic:
    """Sends ``rate`` records a second in all, keys drawn by the seed, ``keys[p]`` being those of partition p."""

    def __init__(self, bootstrap: str, name: str, sources: tuple[str, str], keys: list[list[bytes]], rate: float,
                 seed: int) -> None:  # fmt: skip
        self.bootstrap, self.name, self.sources, self.keys, self.rate = bootstrap, name, sources, keys, rate
        self.rng = random.Random(seed)
        self.account = Account()
        self._running = asyncio.Event()
        self._ended = False
        self._tasks: list[asyncio.Task[None]] = []
        self._generation = 0
        self.value = b"x" * 100

    async def start(self) -> None:
        """Begin, or go on."""
        self._running.set()
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._plain()), asyncio.create_task(self._transactional())]

    def pause(self) -> None:
        """Send no more for now; what is under way still arrives."""
        self._running.clear()

    async def stop(self) -> None:
        """Send no more, and wait for what is under way."""
        self._ended = True
        self._running.set()
        await asyncio.gather(*self._tasks)

    def abandon(self) -> None:
        """Stop at once, whatever is under way; for the end of a run that failed."""
        for task in self._tasks:
            task.cancel()

    async def _ticks(self) -> AsyncIterator[int]:
        """Yields the number of records to send now."""
        due, last = 0.0, monotonic()
        while not self._ended:
            await asyncio.sleep(TICK_SECONDS)
            if not self._running.is_set():
                await self._running.wait()
                last = monotonic()
            now = monotonic()
            # A broker that was away is not owed what would have been sent meanwhile.
            due += min(now - last, 10 * TICK_SECONDS) * self.rate / 2
            last = now
            if not self._ended and due >= 1:
                yield int(due)
                due -= int(due)

    def _draw(self, count: int) -> dict[int, list[bytes]]:
        by_partition: dict[int, list[bytes]] = {}
        for _ in range(count):
            number = self.rng.randrange(len(self.keys))
            by_partition.setdefault(number, []).append(self.rng.choice(self.keys[number]))
        return by_partition

    async def _send(
        self, producer: AIOKafkaProducer, topic: str, count: int
    ) -> list[tuple[asyncio.Future[Any], list[bytes]]]:
        sent = []
        for partition, keys in self._draw(count).items():
            batch = producer.create_batch()
            for key in keys:
                assert batch.append(key=key, value=self.value, timestamp=None) is not None
            batch.close()
            sent.append((await producer.send_batch(batch, topic, partition=partition), keys))
        return sent

    async def _plain(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, enable_idempotence=True, request_timeout_ms=DELIVERY_MS_MAX,
            max_batch_size=1 << 20, retry_backoff_ms=50,
        )  # fmt: skip
        await producer.start()
        try:
            await self._plain_ticks(producer)
        finally:
            await producer.stop()

    async def _plain_ticks(self, producer: AIOKafkaProducer) -> None:
        waiting: list[asyncio.Task[None]] = []

        async def settle(future: asyncio.Future[Any], keys: list[bytes]) -> None:
            try:
                await future
                self.account.add(keys)
            except KafkaError:
                self.account.doubtful.update(keys)

        async for count in self._ticks():
            waiting += [asyncio.create_task(settle(*one)) for one in await self._send(producer, self.sources[0], count)]
            waiting = [task for task in waiting if not task.done()]
        await asyncio.gather(*waiting)

    async def _transactional(self) -> None:
        producer = await self._fenced()
        async for count in self._ticks():
            keys: list[bytes] = []
            try:
                await producer.begin_transaction()
                sent = await self._send(producer, self.sources[1], count)
                keys = [key for _, some in sent for key in some]
                await asyncio.gather(*(future for future, _ in sent))
                if self.rng.random() < ABORTS:
                    keys = []
                    await producer.abort_transaction()
                else:
                    await producer.commit_transaction()
                self.account.add(keys)
            except KafkaError:
                # Whether it was committed is not known here; the log tells. A new producer ends what is left open.
                self.account.doubtful.update(keys)
                with contextlib.suppress(Exception):
                    await producer.stop()
                producer = await self._fenced()
        await producer.stop()

    async def _fenced(self) -> AIOKafkaProducer:
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap, transactional_id=f"{self.name}-traffic", retry_backoff_ms=20,
                request_timeout_ms=DELIVERY_MS_MAX, transaction_timeout_ms=60_000, max_batch_size=1 << 20,
            )  # fmt: skip
            try:
                await producer.start()
            except KafkaError:
                with contextlib.suppress(Exception):
                    await producer.stop()
                await asyncio.sleep(0.5)
                continue
            return producer
