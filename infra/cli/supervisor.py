"""The process that ``up`` leaves behind: holds the broker and the services, and says what it holds.

``python -m infra.cli.supervisor HOME REPLICAS TICK_SECONDS``. Owns: ``run/supervisor.lock`` (held as long as it lives;
its children die with it) and ``run/supervisor.json``. Deliberately lacks: a way to be talked to; SIGTERM ends it.
"""

import asyncio
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from time import monotonic
from typing import Any

from infra.cli.errors import CliError
from infra.cli.home import Home, write_json
from infra.cli.processes import Keeper
from infra.cli.stack import Say, make_topics, specs, start_broker, start_services
from infra.kafka.broker import Broker
from infra.kafka.errors import KafkaSetupError

WATCH_SECONDS = 2.0
BROKER_BACKOFF_SECONDS_MAX = 60.0
STOP_SECONDS = 10.0


class Supervisor:
    """One run of it."""

    def __init__(self, home: Home, replicas: int, tick_seconds: float | None, say: Say) -> None:
        self.home, self.replicas, self.tick_seconds, self.say = home, replicas, tick_seconds, say
        self.keeper = Keeper(self.tell)
        self.bootstrap, self.broker_pid, self.phase, self.error = "", 0, "starting", ""
        self.started_at = time.time()

    def tell(self) -> None:
        """Write down what runs, for ``status``."""
        write_json(
            self.home.run / "supervisor.json",
            {
                "pid": os.getpid(), "started_at": self.started_at, "phase": self.phase, "error": self.error,
                "bootstrap": self.bootstrap, "broker_pid": self.broker_pid, "processes": [
                    {
                        "name": kept.spec.name, "pid": kept.pid, "port": kept.spec.port, "starts": kept.starts,
                        "last_code": kept.last_code, "log": str(kept.spec.log),
                    }
                    for kept in self.keeper.kept.values()
                ],
            },
        )  # fmt: skip

    async def run(self) -> int:
        """Start all, then keep it running until a signal; the exit code."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self.tell()
        try:
            broker = await self._start()
        except (CliError, KafkaSetupError) as error:
            self.phase, self.error = "failed", str(error)
            await self.keeper.stop_all(STOP_SECONDS)
            self.tell()
            return 1
        self.phase = "running"
        self.tell()
        watch = asyncio.create_task(self._watch(broker))
        await stop.wait()
        watch.cancel()
        self.phase = "stopping"
        await self.keeper.stop_all(STOP_SECONDS)
        self.phase = "stopped"
        self.tell()
        return 0

    async def _start(self) -> Broker | None:
        self.bootstrap, broker = await start_broker(self.home, detached=True, say=self.say)
        self.broker_pid = broker.pid if broker else 0
        await make_topics(self.bootstrap, self.say)
        await start_services(self.keeper, specs(self.home, self.bootstrap, self.replicas, self.tick_seconds))
        return broker

    async def _watch(self, broker: Broker | None) -> None:
        """Start our own broker again when it ends by itself; another's broker is another's business."""
        backoff, since = 1.0, monotonic()
        while broker is not None:
            await asyncio.sleep(WATCH_SECONDS)
            if broker.running:
                if monotonic() - since > BROKER_BACKOFF_SECONDS_MAX:
                    backoff = 1.0
                continue
            self.say("the broker has ended; starting it again")
            try:
                _, found = await start_broker(self.home, detached=True, say=self.say)
                broker = found or broker
                since, self.broker_pid = monotonic(), broker.pid
            except KafkaSetupError as error:
                self.say(str(error))
            self.tell()
            await asyncio.sleep(backoff)
            backoff = min(BROKER_BACKOFF_SECONDS_MAX, backoff * 2)


def _say(text: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), text, flush=True)


def lock(home: Home) -> int | None:
    """Hold the supervisor's lock; its file descriptor, or None while another process holds it."""
    fd = os.open(home.run / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def main(arguments: list[Any]) -> int:
    """Run it; 0 after a signal, 1 if something could not be started, 3 if another one runs."""
    home = Home(Path(arguments[0]))
    home.make()
    if lock(home) is None:
        _say("another supervisor runs here")
        return 3
    tick_seconds = float(arguments[2]) if arguments[2] else None
    return asyncio.run(Supervisor(home, int(arguments[1]), tick_seconds, _say).run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
