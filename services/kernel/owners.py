"""Who owns a partition, and asking it: a request for another replica's partition is forwarded there.

The group tells everybody: Faust's assignor hands each member the web address of every partition's owner.
"""

from typing import Any

import httpx
from fastapi import Request
from starlette.responses import Response

from services.kernel.app import KernelApp
from services.kernel.lease import Lease
from services.kernel.problems import problem

FORWARDED = "x-chainflow-forwarded"
FORWARD_SECONDS_MAX = 15.0
RETRY = {"Retry-After": "1"}
PASSED_ON = ("content-type", "idempotency-key", "if-match", "x-actor", "x-timeout-seconds")


class Owners:
    """The replicas of one service as this one sees them."""

    def __init__(self, app: KernelApp, url: str) -> None:
        self._app, self._url = app, url.rstrip("/")
        self._client = httpx.AsyncClient(timeout=FORWARD_SECONDS_MAX, limits=httpx.Limits(max_connections=200))

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
            answer = await self._client.get(f"{owner}{path}", params=query, headers={FORWARDED: "1"})
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
        try:
            answer = await self._client.request(
                request.method,
                f"{owner}{request.url.path}",
                params=request.url.query,
                content=body if body is not None else await request.body(),
                headers=headers | {FORWARDED: "1"},
            )
        except httpx.HTTPError as error:
            detail = f"its owner does not answer ({type(error).__name__}); send it again"
            return problem(503, "owner-unreachable", detail, headers=RETRY)
        kept = {name: answer.headers[name] for name in ("etag", "location", "retry-after") if name in answer.headers}
        return Response(answer.content, answer.status_code, headers=kept, media_type=answer.headers.get("content-type"))


class NobodyOwns(Exception):
    """No replica answers for a partition now; ask again."""


def owners_known(app: KernelApp) -> dict[str, Any]:
    """Address to its partitions, for the health page."""
    changelog = app.leases.settings.changelog
    return {str(url): sorted(topics.get(changelog, ())) for url, topics in app.assignor.tables_metadata().items()}
