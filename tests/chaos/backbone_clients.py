"""Clients of the three services' HTTP: batches of commands, each sent under one id until it has its outcome.

Owns: the account of what was sent and what was answered, and the look whether anything is ever answered differently
twice; some commands are sent again on purpose after their answer. Deliberately lacks: what to send (stories), and
looking into a topic.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
import orjson

from services.kernel.codec import to_json

BATCH_COMMANDS_MAX = 50
LINGER_SECONDS = 0.15
BATCHES_MAX = 48
"""Under way at once, all services together."""
ANSWER_SECONDS = (4.0, 14.0)
"""Drawn for each request; a service waits 10 s for an outcome, so what is asked again may meet what still waits."""
AGAIN_SECONDS, AGAIN_SECONDS_MAX = 0.25, 6.0
"""Twice as long each time: services that have just come back must not drown in what waited for them."""
ECHO_SHARE = 0.02
BURST_SECONDS = 1.0
IDLE_SECONDS = 0.3

Answer = dict[str, Any]
Urls = Callable[[str], Sequence[str]]
"""Service to the addresses of its replicas that should run now."""


@dataclass(slots=True)
class Entry:
    """One command on its way to its outcome. ``done`` resolves once; ``echo`` entries only compare."""

    service: str
    enterprise: str
    id: str
    body: dict[str, Any]
    done: "asyncio.Future[Answer]"
    tries: int = 0
    echo: bool = False

    @property
    def command_id(self) -> str:
        """The id in the log."""
        return f"{self.enterprise}/{self.id}"


@dataclass(slots=True)
class Account:
    """Command id to its service, and to its one answer."""

    sent: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, entry: Entry, answer: Answer) -> None:
        """An outcome that was told; a second one must be the first."""
        first = self.answers.setdefault(entry.command_id, answer)
        if first is answer:
            self.counts[answer["status"].lower()] += 1
        elif first != answer:
            self.conflicts.append(f"{entry.command_id}: {first}, then {answer}"[:600])

    @property
    def unanswered(self) -> list[str]:
        """Sent and never answered."""
        return [id_ for id_ in self.sent if id_ not in self.answers]


class Clients:
    """Lanes per service and enterprise; ``rate`` is new commands a second, over all of them."""

    def __init__(self, urls: Urls, rate: float, seed: int) -> None:
        self.account = Account()
        self._urls, self._rate = urls, rate
        self._rng = random.Random(seed + 1)  # of its own: which replica is asked must not change what is asked
        self._running = asyncio.Event()
        self._due = 0.0
        self._lanes: dict[tuple[str, str], asyncio.Queue[Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(BATCHES_MAX)
        self._http: httpx.AsyncClient
        self.open = 0
        """Commands without an answer, echoes included."""

    def start(self) -> None:
        """Connect lazily; to be called in the loop of the run."""
        limits = httpx.Limits(max_connections=4 * BATCHES_MAX, max_keepalive_connections=BATCHES_MAX)
        timeout = httpx.Timeout(ANSWER_SECONDS[1], connect=2.0)
        self._http = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    def pause(self, paused: bool) -> None:
        """No new commands, or again; what was begun goes on to its answer."""
        if paused:
            self._running.clear()
        else:
            self._running.set()

    @property
    def idle(self) -> bool:
        """True while fewer commands come than the rate lets through."""
        return self._running.is_set() and self._due < monotonic() + IDLE_SECONDS

    async def say(self, service: str, enterprise: str, id_: str, command: Any) -> Answer:
        """One command's outcome, however often it must be sent for that."""
        await self._paced()
        body = {"command": type(command).__name__, "id": id_, "body": to_json(command)}
        entry = Entry(service, enterprise, id_, body, asyncio.get_running_loop().create_future())
        assert entry.command_id not in self.account.sent, f"{entry.command_id} stands for two commands"
        self.account.sent[entry.command_id] = service
        self._queue(entry)
        return await entry.done

    async def look(self, service: str, enterprise: str, view: str, **wanted: str) -> list[Any] | None:
        """Rows of a view from some replica, or None if it has no answer now."""
        urls = self._urls(service)
        if not urls:
            return None
        try:
            answer = await self._http.get(
                f"{self._rng.choice(urls)}/v1/{enterprise}/views/{view}", params=wanted, timeout=20.0
            )
        except httpx.HTTPError:
            return None
        if answer.status_code != 200:
            return None
        rows: list[Any] = answer.json()["rows"]
        return rows

    async def _paced(self) -> None:
        await self._running.wait()
        now = monotonic()
        self._due = max(self._due + 1 / self._rate, now - BURST_SECONDS)
        if self._due > now:
            await asyncio.sleep(self._due - now)

    def _queue(self, entry: Entry) -> None:
        self.open += entry.tries == 0
        lane = self._lanes.get((entry.service, entry.enterprise))
        if lane is None:
            lane = self._lanes[entry.service, entry.enterprise] = asyncio.Queue()
            self._spawn(self._serve(lane))
        lane.put_nowait(entry)

    def _spawn(self, what: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.account.invalid.append(f"the client itself failed: {error!r}")

    async def _serve(self, lane: "asyncio.Queue[Entry]") -> None:
        while True:
            batch = [await lane.get()]
            await asyncio.sleep(LINGER_SECONDS)
            await self._slots.acquire()
            while len(batch) < BATCH_COMMANDS_MAX and not lane.empty():
                batch.append(lane.get_nowait())
            self._spawn(self._send(batch))

    async def _send(self, batch: list[Entry]) -> None:
        try:
            answers = await self._ask(batch)
        finally:
            self._slots.release()
        for entry, answer in itertools.zip_longest(batch, answers or ()):
            if answer is None or answer["status"] in ("PENDING", "UNAVAILABLE"):
                entry.tries += 1
                self.account.counts["sent again"] += 1
                pause = min(AGAIN_SECONDS * 2**entry.tries, AGAIN_SECONDS_MAX) * self._rng.uniform(0.5, 1.0)
                asyncio.get_running_loop().call_later(pause, self._queue, entry)
            else:
                self._answered(entry, answer)

    async def _ask(self, batch: list[Entry]) -> list[Answer] | None:
        service, enterprise = batch[0].service, batch[0].enterprise
        urls = self._urls(service)
        if not urls:
            return None
        self.account.counts["requests"] += 1
        try:
            answer = await self._http.post(
                f"{self._rng.choice(urls)}/v1/{enterprise}/commands",
                content=orjson.dumps([entry.body for entry in batch]),
                headers={"content-type": "application/json"},
                timeout=httpx.Timeout(self._rng.uniform(*ANSWER_SECONDS), connect=2.0),
            )
        except httpx.HTTPError:
            return None
        if answer.status_code == 200:
            answers: list[Answer] = answer.json()
            return answers
        if answer.status_code < 500 and answer.status_code != 429:
            self.account.invalid.append(f"{answer.status_code} {answer.text[:300]}")
        return None

    def _answered(self, entry: Entry, answer: Answer) -> None:
        self.open -= 1
        if answer["status"] == "INVALID":
            self.account.invalid.append(f"{entry.body}: {answer}"[:600])
        self.account.take(entry, answer)
        if entry.echo:
            self.account.counts["asked again"] += 1
            return
        entry.done.set_result(answer)
        if self._rng.random() < ECHO_SHARE:
            again = Entry(entry.service, entry.enterprise, entry.id, entry.body, entry.done, echo=True)
            self._queue(again)
