"""Who owns a partition, and asking it: a request for another replica's partition is forwarded there.

The group tells everybody: Faust's assignor hands each member the web address of every partition's owner.
"""

from typing import Any
from urllib.parse import quote

import httpx
from fastapi import Request
from starlette.responses import Response

from services.kernel.app import KernelApp
from services.kernel.lease import Lease
from services.kernel.problems import problem

FORWARDED = "x-chainflow-forwarded"
WAIT_SECONDS = 10.0
WAIT_SECONDS_MAX = 30.0
FORWARD_SECONDS = 5.0  # on top of what the sender lets the owner wait
RETRY = {"Retry-After": "1"}
PASSED_BACK = ("etag", "location", "retry-after", "x-position")
PASSED_ON = ("content-type", "idempotency-key", "if-match", "x-actor", "x-timeout-seconds")


class Owners:
    """The replicas of one service as this one sees them."""

    def __init__(self, app: KernelApp, url: str) -> None:
        self._app, self._url = app, url.rstrip("/")
        # trust_env: a replica is asked directly, whatever proxy the environment names for the world outside.
        timeout = httpx.Timeout(FORWARD_SECONDS, connect=2.0)
        self._client = httpx.AsyncClient(timeout=timeout, limits=httpx.Limits(max_connections=200), trust_env=False)

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    def lease(self, partition: int) -> Lease | None:
        """The lease, if this process owns the partition and its rows are complete."""
        lease = self._app.leases.get(partition)
        return lease if lease is not None and lease.open else None

    def url_of(self, partition: int) -> str | None:
        """Another replica's address for a partition; None while nobody else is known to own it."""
        changelog = self._app.leases.settings.changelog
        for url, topics in self._app.assignor.tables_metadata().items():
            if partition in topics.get(changelog, ()):
                found = str(url).rstrip("/")
                return None if found == self._url else found
        return None

    async def ask(self, partition: int, path: str, query: dict[str, str]) -> dict[str, Any]:
        """The owner's JSON answer to a query of this process's own. Raises NobodyOwns."""
        owner = self.url_of(partition)
        if owner is None:
            raise NobodyOwns(f"partition {partition} is changing hands")
        try:
            answer = await self._client.get(f"{owner}{quote(path)}", params=query, headers={FORWARDED: "1"})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise NobodyOwns(f"the owner of partition {partition} does not answer: {error}") from error
        body: dict[str, Any] = answer.json()
        return body

    async def forward(self, request: Request, partition: int, body: bytes | None = None) -> Response:
        """The owner's answer to this request, or 503 with a hint to try again while ownership moves."""
        owner = self.url_of(partition)
        if owner is None or FORWARDED in request.headers:
            return problem(503, "moving", "this partition is changing hands; send it again", headers=RETRY)
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        # As it came, not decoded and encoded again: a # or a % in an id would name another aggregate.
        target: bytes = request.scope["raw_path"]
        if query := request.scope["query_string"]:
            target += b"?" + query
        try:
            answer = await self._client.request(
                request.method,
                httpx.URL(owner).copy_with(raw_path=target),
                content=body if body is not None else await request.body(),
                headers=headers | {FORWARDED: "1"},
                timeout=httpx.Timeout(FORWARD_SECONDS + wait_seconds(request), connect=2.0),
            )
        except httpx.HTTPError as error:
            again = "ask again" if request.method == "GET" else "send it again under the same Idempotency-Key"
            detail = f"its owner does not answer ({type(error).__name__}); {again}"
            return problem(503, "owner-unreachable", detail, headers=RETRY)
        kept = {name: answer.headers[name] for name in PASSED_BACK if name in answer.headers}
        return Response(answer.content, answer.status_code, headers=kept, media_type=answer.headers.get("content-type"))


def wait_seconds(request: Request) -> float:
    """How long the sender lets us wait for an outcome, in seconds: x-timeout-seconds, or 10."""
    try:
        wanted = float(request.headers.get("x-timeout-seconds") or WAIT_SECONDS)
    except ValueError:
        return WAIT_SECONDS
    return min(max(0.0, wanted), WAIT_SECONDS_MAX)


class NobodyOwns(Exception):
    """No replica answers for a partition now; ask again."""


def owners_known(app: KernelApp) -> dict[str, Any]:
    """Address to its partitions, for the health page."""
    changelog = app.leases.settings.changelog
    return {str(url): sorted(topics.get(changelog, ())) for url, topics in app.assignor.tables_metadata().items()}
