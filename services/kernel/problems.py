"""Refusals and failures as HTTP answers: RFC 9457 problem documents with a stable type, the field, and what to do."""

import asyncio
import logging
from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kernel.values import Refused

log = logging.getLogger("chainflow.http")

PROBLEM = "application/problem+json"
CONFLICTS = frozenset({"stale-version", "command-id-reused"})
NO_CODES: frozenset[str] = frozenset()
HTTP_CODES = {400: "bad-request", 404: "no-such-path", 405: "method-not-allowed", 415: "not-json"}


def problem(status: int, code: str, advice: str, field: str = "", headers: dict[str, str] | None = None) -> Response:
    """A problem document; ``type`` is stable for a code, so that programs can tell problems apart."""
    body: dict[str, Any] = {"type": f"urn:chainflow:problem:{code}", "title": code.replace("-", " "), "status": status}
    body |= {"detail": _plain(advice)} | ({"field": _plain(field)} if field else {})
    return Response(orjson.dumps(body), status, media_type=PROBLEM, headers=headers)


def _plain(text: str) -> str:
    """Text that JSON can carry: what a sender wrote may hold half of a surrogate pair, and comes back in an advice."""
    return text.encode(errors="replace").decode()


def refusal(refused: Refused, not_found: frozenset[str] = NO_CODES) -> Response:
    """How a refused command is answered: 404 for what the sender can not know, 409/412 for races, else 422.

    ``not_found`` are the codes which say that what the address names is not there for the sender.
    """
    if refused.code in not_found:
        status = 404
    elif refused.code == "stale-version":
        status = 412
    elif refused.code in CONFLICTS:
        status = 409
    else:
        status = 422
    return problem(status, refused.code, refused.advice, refused.field)


async def invalid(request: Request, error: Exception) -> Response:
    """A body or query that does not fit its model: the first fault, with the place of it."""
    assert isinstance(error, RequestValidationError)
    if request.method != "GET" and not request.headers.get("content-type", "").startswith("application/json"):
        return problem(415, "not-json", "send the body as JSON, with the header Content-Type: application/json")
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    more = f" (and {len(error.errors()) - 1} more)" if len(error.errors()) > 1 else ""
    return problem(422, "invalid-input", f"{first['msg']}{more}", place)


async def failed(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: no such path, no such method, a body that can not be read."""
    assert isinstance(error, HTTPException)
    code = HTTP_CODES.get(error.status_code, "http-error")
    return problem(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))


async def defect(request: Request, error: Exception) -> Response:
    """A defect of ours, as a problem document; the log has its trace."""
    log.error("%s %s raised", request.method, request.url.path, exc_info=error)
    return problem(500, "internal", "a defect of ours, not of yours; the service's log has its trace")


class CutOff:
    """ASGI middleware: what the end of the process cuts off is answered 503: it is no defect, and can be repeated."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if started:
                raise
            advice = "this replica ends; send it again under the same Idempotency-Key"
            await problem(503, "stopping", advice, headers={"Retry-After": "1"})(scope, receive, send)
