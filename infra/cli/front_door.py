"""The services over HTTP as any client speaks to them: commands under an idempotency key, batches, views.

Owns: asking again under the same key until there is an outcome. That makes a command happen once, whatever breaks on
the way. Deliberately lacks: what to say (player.py, replay.py), and Kafka.
"""

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, Self

import httpx

from infra.cli.errors import CliError

PATIENCE_SECONDS = 60.0
WAIT_SECONDS_MIN, WAIT_SECONDS_MAX = 0.05, 1.0
PAGE_ROWS = 1_000
AGAIN = frozenset({202, 429, 502, 503, 504})
CONNECTIONS_MAX = 64

Row = dict[str, Any]


class GaveUp(CliError):
    """No outcome came within the patience, though the command was sent again and again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: ``code`` and ``advice`` where it was refused; how often it was sent for it."""

    key: str
    code: str = ""
    advice: str = ""
    position: str = ""
    tries: int = 1

    @property
    def accepted(self) -> bool:
        """True unless it was refused."""
        return not self.code


@dataclass(frozen=True, slots=True)
class Command:
    """One command for a batch: its name, its idempotency key, its whole body."""

    name: str
    key: str
    body: Mapping[str, Any]


class FrontDoor:
    """The three services. ``urls``: service to the addresses of its replicas."""

    def __init__(self, urls: Mapping[str, Sequence[str]]) -> None:
        self._urls = {service: list(found) for service, found in urls.items()}
        self._turn = dict.fromkeys(self._urls, 0)
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
        self._client = httpx.AsyncClient(timeout=35.0, limits=limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    def url(self, service: str) -> str:
        """An address of the service; the next one at each call."""
        urls = self._urls[service]
        self._turn[service] += 1
        return urls[self._turn[service] % len(urls)]

    async def send(
        self, service: str, enterprise: str, method: str, path: str, body: Mapping[str, Any], key: str = ""
    ) -> Answer:
        """Send one command until it has an outcome. Raises GaveUp after 60 s without one."""
        key = key or uuid.uuid4().hex
        deadline, wait, tries, last = monotonic() + PATIENCE_SECONDS, WAIT_SECONDS_MIN, 0, ""
        while True:
            tries += 1
            try:
                answer = await self._client.request(
                    method, f"{self.url(service)}/v1/{enterprise}{path}", json=body, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError as error:
                last = type(error).__name__
            else:
                if answer.status_code not in AGAIN:
                    return _answered(answer, key, tries)
                last = f"HTTP {answer.status_code}"
            if monotonic() > deadline:
                raise GaveUp(f"{service}: no outcome of {method} {path} after {PATIENCE_SECONDS:.0f} s ({last})")
            await asyncio.sleep(wait)
            wait = min(WAIT_SECONDS_MAX, wait * 2)

    async def tell(
        self, service: str, enterprise: str, method: str, path: str, body: Mapping[str, Any], key: str = ""
    ) -> Answer:
        """Send one command that is to be accepted. Raises CliError with the advice if it is refused."""
        answer = await self.send(service, enterprise, method, path, body, key)
        if not answer.accepted:
            raise CliError(f"{enterprise}: {method} {path} was refused: {answer.code}: {answer.advice}")
        return answer

    async def batch(self, service: str, enterprise: str, commands: Sequence[Command]) -> list[Answer]:
        """Send many commands of one enterprise at once; those without an outcome are sent again, others are not."""
        answers: dict[int, Answer] = {}
        waiting = list(range(len(commands)))
        deadline, wait, tries = monotonic() + PATIENCE_SECONDS, WAIT_SECONDS_MIN, 0
        while waiting:
            tries += 1
            found, last = await self._batch_once(service, enterprise, [commands[index] for index in waiting])
            for index, entry in zip(waiting, found, strict=True):
                if (answer := _batched(entry, commands[index].key, tries)) is not None:
                    answers[index] = answer
            if len(answers) > len(commands) - len(waiting):
                deadline, wait = monotonic() + PATIENCE_SECONDS, WAIT_SECONDS_MIN  # it goes on
            waiting = [index for index in waiting if index not in answers]
            if waiting:
                if monotonic() > deadline:
                    raise GaveUp(f"{service}: {len(waiting)} commands without an outcome ({last}); is it healthy?")
                await asyncio.sleep(wait)
                wait = min(WAIT_SECONDS_MAX, wait * 2)
        return [answers[index] for index in range(len(commands))]

    async def _batch_once(
        self, service: str, enterprise: str, commands: Sequence[Command]
    ) -> tuple[list[Row | None], str]:
        """The raw answers, None for each where the request itself failed; and how it failed."""
        entries = [{"command": command.name, "id": command.key, "body": command.body} for command in commands]
        try:
            answer = await self._client.post(f"{self.url(service)}/v1/{enterprise}/commands", json=entries)
        except httpx.TransportError as error:
            return [None] * len(commands), type(error).__name__
        if answer.status_code == 200:
            return answer.json(), ""
        if answer.status_code in AGAIN:
            return [None] * len(commands), f"HTTP {answer.status_code}"
        raise CliError(f"{service}: a batch was not taken: HTTP {answer.status_code} {answer.text[:300]}")

    async def view(self, service: str, enterprise: str, view: str, **wanted: str) -> list[Row]:
        """All rows of an enterprise's view that fit the filters. Raises GaveUp while nobody answers for 60 s."""
        rows: list[Row] = []
        cursor = ""
        while True:
            page = await self._page(service, f"/v1/{enterprise}/views/{view}", {**wanted, "cursor": cursor})
            rows += page["rows"]
            cursor = page["cursor"]
            if not cursor:
                return rows

    async def _page(self, service: str, path: str, query: Mapping[str, str]) -> Row:
        deadline, wait, last = monotonic() + PATIENCE_SECONDS, WAIT_SECONDS_MIN, ""
        while True:
            try:
                answer = await self._client.get(f"{self.url(service)}{path}", params={"limit": PAGE_ROWS, **query})
            except httpx.TransportError as error:
                last = type(error).__name__
            else:
                if answer.status_code == 200:
                    page: Row = answer.json()
                    return page
                last = f"HTTP {answer.status_code} {answer.text[:200]}"
                if answer.status_code not in AGAIN:
                    raise CliError(f"{service}: {path}: {last}")
            if monotonic() > deadline:
                raise GaveUp(f"{service}: {path} does not answer ({last})")
            await asyncio.sleep(wait)
            wait = min(WAIT_SECONDS_MAX, wait * 2)


def _answered(answer: httpx.Response, key: str, tries: int) -> Answer:
    body = answer.json()
    if answer.status_code == 200:
        return Answer(key, position=body["position"], tries=tries)
    code = str(body.get("type", "")).removeprefix("urn:chainflow:problem:") or f"http-{answer.status_code}"
    field = f" ({body['field']})" if body.get("field") else ""
    return Answer(key, code, f"{body.get('detail', '')}{field}", tries=tries)


def _batched(entry: Row | None, key: str, tries: int) -> Answer | None:
    """None if there is no outcome yet: the owner was away, or it took too long."""
    if entry is None or entry.get("status") in ("PENDING", 503) or entry.get("http") in AGAIN:
        return None
    if entry.get("status") == "ACCEPTED":
        return Answer(key, position=entry["position"], tries=tries)
    field = f" ({entry['field']})" if entry.get("field") else ""
    code = entry.get("code") or str(entry.get("type", "")).removeprefix("urn:chainflow:problem:") or "failed"
    return Answer(key, code, f"{entry.get('advice') or entry.get('detail', '')}{field}", tries=tries)


def refused(answers: Iterable[Answer]) -> list[Answer]:
    """Those that were refused."""
    return [answer for answer in answers if not answer.accepted]
