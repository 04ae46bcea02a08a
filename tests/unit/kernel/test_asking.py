"""Who waits for which outcome: a command that is sent again while it is under way joins the first."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError

from services.kernel import asking as module
from services.kernel.asking import Asked, Asking
from services.kernel.messages import Outcome, OutcomeStatus

OUTCOME = Outcome("ann/one", OutcomeStatus.ACCEPTED, "jar/ann/a", 1, 1, "jar-commands-v1", 0, 7, b"print", "", "", "")


class Appended:
    """What an append gives."""

    offset = 7


class Log:
    """Takes what is produced; an append is acknowledged at once, or fails if it is told so."""

    def __init__(self, error: KafkaError | None = None) -> None:
        self.values: list[bytes] = []
        self.error = error

    async def send(self, topic: str, value: bytes, **_: Any) -> "asyncio.Future[Any]":
        """One record."""
        self.values.append(value)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.error is None:
            future.set_result(Appended())
        else:
            future.set_exception(self.error)
        return future


def command(value: bytes = b"pour", fingerprint: bytes = b"print") -> Asked:
    """A command with an id of its sender."""
    return Asked("ann/one", fingerprint, b"jar/ann/a", 0, value, [])


def play(story: Callable[[Asking, Log], Awaitable[None]], log: Log | None = None) -> None:
    """A story in a loop of its own, with nothing left behind."""

    async def run() -> None:
        asking, taken = Asking("", "jar-commands-v1"), log or Log()
        asking._producer = taken
        await story(asking, taken)
        assert not asking._waiting

    asyncio.run(run())


def test_a_command_sent_again_while_it_is_under_way_is_produced_once() -> None:
    async def story(asking: Asking, log: Log) -> None:
        assert await asking.ask(command(), 0.0) == (None, 7)  # its sender loses patience
        waits = [asyncio.create_task(asking.ask(command(), 5.0)) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.answer("ann/one", b"print", OUTCOME)
        assert await asyncio.gather(*waits) == [(OUTCOME, 7)] * 3
        assert log.values == [b"pour"]

    play(story)


def test_once_answered_it_is_produced_again() -> None:
    async def story(asking: Asking, log: Log) -> None:
        await asking.ask(command(), 0.0)
        asking.answer("ann/one", b"print", OUTCOME)
        await asking.ask(command(), 0.0)
        assert len(log.values) == 2

    play(story)


def test_another_body_under_the_same_id_goes_its_own_way() -> None:
    async def story(asking: Asking, log: Log) -> None:
        await asking.ask(command(), 0.0)
        await asking.ask(command(b"fill", b"other"), 0.0)
        assert log.values == [b"pour", b"fill"]

    play(story)


def test_it_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The partition may have been away and back: decided elsewhere, it is answered by a repeat only."""
    monkeypatch.setattr(module, "UNDER_WAY_SECONDS_MAX", -1.0)

    async def story(asking: Asking, log: Log) -> None:
        await asking.ask(command(), 0.0)
        await asking.ask(command(), 0.0)
        assert len(log.values) == 2

    play(story)


def test_what_the_log_did_not_take_is_produced_again() -> None:
    async def story(asking: Asking, log: Log) -> None:
        with pytest.raises(KafkaTimeoutError):
            await asking.ask(command(), 0.0)
        log.error = None
        await asking.ask(command(), 0.0)
        assert len(log.values) == 2

    play(story, Log(KafkaTimeoutError()))


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 2)

    async def story(asking: Asking, log: Log) -> None:
        for number in range(5):
            await asking.ask(Asked(f"ann/{number}", b"", b"jar/ann/a", 0, b"", []), 0.0)
        assert [name for name, _ in asking._under_way] == ["ann/3", "ann/4"]

    play(story)
