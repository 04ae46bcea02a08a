"""A bound on request bodies, held before anything reads or checks them.

Deliberately lacks: bounds on rate and number of requests; what stands in front of the services has those.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kernel.problems import problem

DRAINED_BYTES_MAX = 64 * 1024 * 1024
"""So much is read and dropped, so that a client that sends first and reads afterwards gets to see the answer."""


class BodyTooLarge(Exception):
    """More was sent than the path takes."""


class BodyLimit:
    """ASGI middleware: 413 for a body of more than ``bytes_max(path)`` bytes, announced or not."""

    def __init__(self, app: ASGIApp, bytes_max: Callable[[str], int]) -> None:
        self._app, self._bytes_max = app, bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most, taken, more = self._bytes_max(scope["path"]), 0, True

        async def counted() -> Message:
            nonlocal taken, more
            message = await receive()
            taken += len(message.get("body", b""))
            more = message.get("more_body", False)
            if taken > most:
                raise BodyTooLarge
            return message

        async def unless_too_large(message: Message) -> None:
            if taken <= most:  # else it is what the app makes of BodyTooLarge
                await send(message)

        if _announced(scope) <= most:
            with suppress(BodyTooLarge):
                await self._app(scope, counted, unless_too_large)
            if taken <= most:
                return
        while more and taken <= DRAINED_BYTES_MAX:
            message = await receive()
            more = message.get("more_body", False)
            taken += len(message.get("body", b""))
        await problem(413, "body-too-large", f"send at most {most // 1024} KiB here")(scope, receive, send)


def _announced(scope: Any) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
