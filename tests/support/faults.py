"""Faults for a fleet of workers and its broker, drawn by a seed, and done for real.

Owns: the kinds, the plan, how each is done, and the proof that a worker was hit while a transaction was open. A plan
says kinds, pauses and draws; which worker is hit is settled when it happens, among those that run then.
Deliberately lacks: checks of what the faults did (each workload has its own).
"""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

from infra.kafka.broker import Broker
from tests.support.workers import Fleet, Worker

REPLICAS_MAX = 3
OPEN_SECONDS_MAX = 8.0
"""How long an open transaction is waited for before a worker is hit without one."""
TWICE_SECONDS_MAX = 4.0


class Fault(StrEnum):
    """What can happen."""

    KILL = "kill"
    """kill -9 of a worker; the supervisor starts it again."""
    ZOMBIE = "zombie"
    """SIGSTOP past the session time-out, then SIGCONT: others own its partitions when it goes on."""
    ZOMBIE_IDLE = "zombie-idle"
    """The same without an open transaction; the others are killed after it, so that its old partitions come back."""
    BROKER_KILL = "broker-kill"
    """kill -9 of the broker, and its restart."""
    RESTART = "restart"
    """SIGTERM of a worker, and its restart."""
    ADD = "add"
    """One worker more."""
    REMOVE = "remove"
    """One worker less, gracefully."""
    TWICE = "twice"
    """Two rebalances in quick succession: two workers come within seconds of each other, and go again together."""
    STALL = "stall"
    """SIGSTOP for less than the session time-out: positions and the group are kept."""


IN_TRANSACTION = frozenset({Fault.KILL, Fault.ZOMBIE})
"""Kinds that are done while a transaction is open, if one can be met."""

WEIGHTS = {
    Fault.KILL: 5,
    Fault.ZOMBIE: 3,
    Fault.ZOMBIE_IDLE: 2,
    Fault.BROKER_KILL: 2,
    Fault.RESTART: 2,
    Fault.ADD: 2,
    Fault.REMOVE: 2,
    Fault.TWICE: 2,
    Fault.STALL: 1,
}


@dataclass(frozen=True, slots=True)
class Step:
    """A fault to come: after a pause, with two draws in [0, 1) that settle its details."""

    kind: Fault
    pause_seconds: float
    target: float
    detail: float


@dataclass(slots=True)
class Done:
    """A fault that was done; times in seconds of the monotonic clock."""

    kind: Fault
    what: str
    began_s: float
    ended_s: float = 0.0
    in_transaction: bool | None = None
    """None where it does not apply to the kind."""
    recovery_seconds: float | None = None


def plan(seed: int, pace_seconds: float, kinds: Collection[Fault] = tuple(Fault)) -> Iterator[Step]:
    """Steps without end, of these kinds. Each comes once, in random order, before the rest is drawn by weight.

    Pauses are mostly about ``pace_seconds``; one in three is short, so that a fault meets the last one's recovery.
    """
    rng = random.Random(seed)
    first = [kind for kind in Fault if kind in kinds]
    weights = {kind: WEIGHTS[kind] for kind in first}
    rng.shuffle(first)
    while True:
        kind = first.pop() if first else rng.choices(list(weights), weights=list(weights.values()))[0]
        short = rng.random() < 1 / 3
        pause = rng.uniform(0.2, 1.5) if short else rng.uniform(0.5, 1.5) * pace_seconds
        yield Step(kind, pause, rng.random(), rng.random())


class Injector:
    """Does faults to a fleet and a broker; ``session_seconds`` is the workers' session time-out."""

    def __init__(
        self,
        fleet: Fleet,
        broker: Broker,
        session_seconds: float,
        quiet: Callable[[bool], Awaitable[None]],
    ) -> None:
        """``quiet(True)`` pauses the traffic and returns when all workers are idle, ``quiet(False)`` resumes it."""
        self.fleet, self.broker, self.session_seconds, self.quiet = fleet, broker, session_seconds, quiet
        self.frozen_seconds = session_seconds + 2.0

    async def do(self, step: Step) -> Done:
        """Do one fault to its end (not to the end of the recovery from it)."""
        kind = step.kind
        done = Done(kind, "", monotonic())
        if kind is Fault.KILL:
            await self._kill(step, done)
        elif kind is Fault.ZOMBIE:
            await self._zombie(step, done)
        elif kind is Fault.ZOMBIE_IDLE:
            await self._zombie_idle(step, done)
        elif kind is Fault.BROKER_KILL:
            done.what = "broker"
            await asyncio.to_thread(self.broker.kill)
            await asyncio.sleep(step.detail * 2)
            await asyncio.to_thread(self.broker.restart)
        elif kind is Fault.RESTART:
            worker = self._pick(step)
            done.what = worker.name
            await self.fleet.stop(worker.name)
            await self.fleet.start(worker.name)
        elif kind is Fault.ADD or kind is Fault.REMOVE:
            await self._resize(kind, done)
        elif kind is Fault.TWICE:
            await self._twice(step, done)
        else:
            worker = self._pick(step)
            done.what = worker.name
            if await self.fleet.freeze(worker):
                await asyncio.sleep(self.session_seconds * (0.2 + 0.5 * step.detail))
                self.fleet.thaw(worker)
        done.ended_s = monotonic()
        return done

    def _pick(self, step: Step) -> Worker:
        wanted = self.fleet.wanted
        return wanted[int(step.target * len(wanted))]

    async def _in_transaction(self, step: Step) -> tuple[Worker, bool | None]:
        """Freeze a worker with an open transaction: the drawn one, or another one if that has nothing to do."""
        first = self._pick(step)
        if not first.probe.exists():  # it does not say whether it has one
            await self.fleet.freeze(first)
            return first, None
        deadline = monotonic() + OPEN_SECONDS_MAX
        while True:
            for worker in [first, *(other for other in self.fleet.wanted if other is not first)]:
                if await self.fleet.freeze_in_transaction(worker, 0.5):
                    return worker, True
                if monotonic() > deadline and worker.stopped:
                    return worker, False
                self.fleet.thaw(worker)

    async def _kill(self, step: Step, done: Done) -> None:
        worker, done.in_transaction = await self._in_transaction(step)
        done.what = worker.name
        self.fleet.send(worker, signal.SIGKILL)

    async def _zombie(self, step: Step, done: Done) -> None:
        worker, done.in_transaction = await self._in_transaction(step)
        done.what = worker.name
        await asyncio.sleep(self.frozen_seconds + step.detail * 4)
        self.fleet.thaw(worker)

    async def _zombie_idle(self, step: Step, done: Done) -> None:
        worker = self._pick(step)
        await self.quiet(True)
        try:
            frozen = await self.fleet.freeze(worker)
            idle = frozen and not worker.transactions_open()
        finally:
            await self.quiet(False)
        done.what = f"{worker.name}{'' if idle else ' (not idle)'}"
        await asyncio.sleep(self.frozen_seconds + step.detail * 2)
        self.fleet.thaw(worker)
        others = [other for other in self.fleet.wanted if other is not worker]
        if others and step.detail < 0.7:  # else they share again, and it gets some of its partitions back that way
            await asyncio.sleep(2 * step.detail)
            for other in others:
                self.fleet.send(other, signal.SIGKILL)
            done.what += f", then kill {'+'.join(other.name for other in others)}"

    async def _resize(self, kind: Fault, done: Done) -> None:
        """Add or remove one; at the bounds the other of the two, so that something happens."""
        wanted = self.fleet.wanted
        add = len(wanted) == 1 or (kind is Fault.ADD and len(wanted) < REPLICAS_MAX)
        if add:
            done.what = f"+{await self._add()}"
        else:
            done.what = f"-{wanted[-1].name}"
            await self.fleet.stop(wanted[-1].name)

    async def _add(self) -> str:
        taken = {worker.name for worker in self.fleet.wanted}
        name = next(f"w{number}" for number in range(1, REPLICAS_MAX + 3) if f"w{number}" not in taken)
        await self.fleet.start(name)
        return name

    async def _twice(self, step: Step, done: Done) -> None:
        # Static members that leave are missed only after the session time-out, but one that comes is seen at once.
        pause = 0.3 + step.detail * TWICE_SECONDS_MAX
        first = await self._add()
        await asyncio.sleep(pause)
        second = await self._add()
        done.what = f"+{first}, {pause:.1f} s, +{second}, then both away"
        await asyncio.sleep(TWICE_SECONDS_MAX)
        await asyncio.gather(self.fleet.stop(first), self.fleet.stop(second))
