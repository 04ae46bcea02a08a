"""The demo: a broker and services of its own, a scenario played on them, and what to try next.

Owns: the order of its parts, its throw-away folder, its exit code (1 if a check fails). Everything runs in this process
or is tied to it: Ctrl-C ends it all. Deliberately lacks: data that lasts (``up`` has that).
"""

import asyncio
import datetime
import json
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx

from infra.cli.burst import BurstRun, Killed
from infra.cli.clock import Clock
from infra.cli.errors import CliError
from infra.cli.front_door import FrontDoor
from infra.cli.home import ROOT, Home
from infra.cli.player import Player
from infra.cli.processes import Keeper
from infra.cli.scenario import Scenario
from infra.cli.screen import Screen
from infra.cli.stack import Say, health, make_topics, specs, start_services, urls_of
from infra.kafka.broker import Broker

BACK_SECONDS_MAX = 60.0
STOP_SECONDS = 1.5


@dataclass(slots=True)
class Stage:
    """What the demo runs on."""

    home: Home
    bootstrap: str
    keeper: Keeper
    urls: dict[str, list[str]]

    async def kill(self, service: str) -> Killed:
        """SIGKILL one process of the service; returns when its successor serves all its partitions."""
        name = f"{service}-1"
        kept = self.keeper.kept[name]
        started, starts = perf_counter(), kept.starts
        pid = self.keeper.kill(name)
        async with httpx.AsyncClient(timeout=1.0) as client:
            while perf_counter() - started < BACK_SECONDS_MAX:
                if kept.starts > starts and (await health(client, kept.spec.port)).ready:
                    return Killed(service, pid, kept.pid, perf_counter() - started)
                await asyncio.sleep(0.02)
        raise CliError(f"{name} did not come back within {BACK_SECONDS_MAX:.0f} s; its log is {kept.spec.log}")


@asynccontextmanager
async def own_stage(folder: Path, say: Say, screen: Screen) -> AsyncIterator[Stage]:
    """A broker and the services, tied to this process; ended at the end of the block.

    Always a broker of its own: a play on the one that KAFKA_BOOTSTRAP_SERVERS names would join the groups of the
    services that run there, and turn their time.
    """
    home = Home(folder)
    home.make()
    keeper, broker = Keeper(), None
    try:
        started = perf_counter()
        broker = await asyncio.to_thread(Broker.start, home.kafka)
        bootstrap = broker.bootstrap
        screen.done(screen.word("set_kafka", at=bootstrap), perf_counter() - started)
        started = perf_counter()
        topics = await make_topics(bootstrap, say)
        screen.done(screen.word("set_topics", n=topics), perf_counter() - started)
        started = perf_counter()
        wanted = specs(home, bootstrap, 1, 0.0)
        await start_services(keeper, wanted)
        shown = ", ".join(f"{spec.name.rpartition('-')[0]} :{spec.port}" for spec in wanted)
        screen.done(screen.word("set_services", names=shown), perf_counter() - started)
        yield Stage(home, bootstrap, keeper, urls_of(wanted))
    finally:
        await keeper.stop_all(STOP_SECONDS)
        if broker is not None:
            await asyncio.to_thread(_end, broker)


def _end(broker: Broker) -> None:
    broker.kill()  # its data is thrown away, so there is nothing to save


async def run(scenario: Scenario, screen: Screen, say: Say, *, stay: bool, keep: Path | None, kill: str = "") -> int:
    """Play it all; 0, or 1 if a check did not hold. ``stay``: afterwards wait for Ctrl-C."""
    stop = asyncio.Event()
    playing = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def stopped() -> None:
        stop.set()
        if playing is not None:
            playing.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped)
    folder, code = keep or _throw_away(), 1
    try:
        code = await _play(scenario, screen, say, folder, stay=stay, kill=kill)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        code = 0 if stay else 130
    finally:
        if code == 1:
            say(f"what ran is kept for a look: {folder / 'logs'} (delete {folder} when done)")
        elif keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return code


def _throw_away() -> Path:
    base = ROOT / ".chainflow"
    base.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="demo-", dir=base))


async def _play(scenario: Scenario, screen: Screen, say: Say, folder: Path, *, stay: bool, kill: str) -> int:
    began = perf_counter()
    screen.title(screen.word.of(scenario.scenario), screen.word.of(scenario.about))
    async with own_stage(folder, say, screen) as stage, FrontDoor(stage.urls) as door, Clock(stage.bootstrap) as clock:
        player = Player(scenario, door, clock, screen)
        await player.set_up()
        screen.title(screen.word("days_title"))
        for day, steps in sorted(scenario.days.items()):
            await player.begin(day)
            for step in steps:
                await player.do(step)
                if step.burst is not None:
                    burst = step.burst.model_copy(update={"kill": kill}) if kill else step.burst
                    await BurstRun(player, burst, stage.kill).run()
        player.disruptions.compare()
        screen.title(screen.word("checks_title"))
        player.checks.show()
        screen.title(screen.word("next_title"))
        _next(screen, scenario, stage, stay=stay)
        good, seconds = player.checks.good, f"{perf_counter() - began:.0f}"
        screen.plain(screen.word("all_hold" if good else "not_all_hold", seconds=seconds))
        if stay:
            screen.plain(screen.word("stays"))
            await asyncio.Event().wait()
    return 0 if good else 1


def _next(screen: Screen, scenario: Scenario, stage: Stage, *, stay: bool) -> None:
    order, inventory, fulfillment = (stage.urls[name][0] for name in ("order", "inventory", "fulfillment"))
    leader = scenario.leader
    supplier = next((one.seller for one in scenario.agreements if one.buyer == leader), leader)
    if not stay:
        screen.plain(f"  {screen.word('no_terminal')}")
    for text in (
        *_again(scenario, fulfillment)[:1],
        f"curl '{order}/v1/{leader}/views/exposure'",
        *_again(scenario, fulfillment)[1:],
        f"curl '{order}/v1/{leader}/views/order-lines?limit=3'",
        f"curl '{inventory}/v1/{supplier}/views/supplies'",
        f"curl '{fulfillment}/v1/{supplier}/views/work'",
    ):
        screen.plain(f"  {text}")
    screen.plain(f"  {screen.word('every_command')}")
    screen.plain("  " + " ".join(f"{url}/openapi.json" for url in (order, inventory, fulfillment)))
    screen.plain(f"  {screen.word('own_scenario')}")
    screen.plain(f"  {screen.word('own_lines')}")


def _again(scenario: Scenario, fulfillment: str) -> list[str]:
    """The commands that stop the same site once more, and lift that; nothing in a scenario that stops none."""
    for steps in scenario.days.values():
        for step in steps:
            if step.disrupt is not None:
                owner, _, site = step.disrupt.at.partition("/")
                first = scenario.date(max(scenario.days))
                last = first + datetime.timedelta(days=step.disrupt.days)
                work = [key.partition("/")[2] for key in scenario.work_at(step.disrupt.at)]
                body = {"site": site, "from_at": f"{first}T09:00:00Z", "to_at": f"{last}T09:00:00Z", "work": work}
                url = f"{fulfillment}/v1/{owner}/disruptions/again"
                content = "-H 'Content-Type: application/json'"
                return [
                    f"curl -X PUT '{url}' {content} -d '{json.dumps(body)}'",
                    f"curl -X POST '{url}/lift' {content} -d '{{}}'",
                ]
    return []
