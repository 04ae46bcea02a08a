"""Asks a broker who it is: its cluster id, as Kafka's own metadata tells it. Deliberately lacks retries and waiting."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["cluster_id_of", "run_apart"]

T = TypeVar("T")


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end in an event loop of its own thread, so that callers may be inside a loop already."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def body() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:  # handed on to the caller below
            failure.append(error)

    thread = threading.Thread(target=body, name="kafka-admin")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


async def _ask(bootstrap: str, timeout_ms: int) -> str | None:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=timeout_ms)
    try:
        await admin.start()
        answer = await admin.describe_cluster()
        # A broker that is up but still fenced lists no node: not ready for clients.
        return str(answer["cluster_id"]) if answer["brokers"] else None
    finally:
        await admin.close()


def cluster_id_of(bootstrap: str, *, timeout_ms: int = 3000) -> str | None:
    """The cluster id that the broker at ``bootstrap`` ("host:port") reports, or None if it is not ready for clients."""
    from aiokafka.errors import KafkaError

    noisy = logging.getLogger("aiokafka")
    before = noisy.level
    # Being asked too early is the expected case here; the client would log each refusal as an error.
    noisy.setLevel(logging.CRITICAL)
    try:
        return run_apart(_ask(bootstrap, timeout_ms))
    except (KafkaError, OSError, TimeoutError):
        return None
    finally:
        noisy.setLevel(before)
