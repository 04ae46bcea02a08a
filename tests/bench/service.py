"""Commands a second through the whole order service, in one process: decode, decide, events, outcome, feed, state.

The command topic is full before the service starts; no HTTP request is made. Owns: what counts as done (the group's
position is behind the last command: its outcome is committed), and that nothing was set aside.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import process_time

from tests.bench.figures import Figure, Figures
from tests.bench.ground import BenchError, Ground, Process, Sample, cpu_of, rate
from tests.bench.orders import Told, only_placed, placed_and_confirmed
from tests.bench.service_worker import GROUP as GROUP_WITHOUT_FEED
from tests.bench.serving import COMMANDS, GROUP, Served, fill_commands, provision, refusals
from tests.bench.show import Show

PART = "service"
GOAL = 10_000.0
TRANSACTIONS = "chainflow_transaction_seconds_count"

MIXES: dict[str, Callable[[int], Iterable[Told]]] = {
    "orders of one line placed": only_placed,
    "placed and confirmed, one each": placed_and_confirmed,
}


async def measure(folder: Path, show: Show, figures: Figures, count: int) -> None:
    """Both mixes through the real service, then one without the feed."""
    for number, (mix, make) in enumerate(MIXES.items()):
        async with Ground.open(folder / f"mix{number}") as ground:
            await provision(ground)
            await fill_commands(ground, show, f"{count:,} commands: {mix}", make(count), count)
            await _real(ground, show, figures, mix, count)
    mix, make = next(iter(MIXES.items()))
    async with Ground.open(folder / "without-feed") as ground:
        await provision(ground)
        few = count // 2
        await fill_commands(ground, show, f"{few:,} commands: {mix}", make(few), few)
        await _without_feed(ground, show, figures, mix, few)


async def _real(ground: Ground, show: Show, figures: Figures, mix: str, count: int) -> None:
    served = Served("order", ground)
    broker_s, bench_s = cpu_of(ground.broker.pid), process_time()
    await served.spawn()  # and not waited for: what it does first is measured too
    try:
        with show.step(f"order service: {mix}") as tell:
            samples = await ground.follow(GROUP, COMMANDS, count, served.process, tell)
        with show.step("order service: until the views stand too") as tell:
            views_at_s = await served.idle(tell)
        cpu, transactions = served.process.cpu_seconds, await served.meter(TRANSACTIONS)
        records = await served.meter("chainflow_records_total")
        broker_s, bench_s = cpu_of(ground.broker.pid) - broker_s, process_time() - bench_s
    finally:
        await served.stop()
    await _check(ground)
    figures.add(
        Figure(
            PART, mix, rate(samples, count), "commands/s", GOAL, note=f"{count:,} commands, one process, feed read too"
        )
    )
    whole = rate([*samples[:-1], Sample(views_at_s, count)], count)
    used = (f"{who} {seconds / count * 1e6:.0f}" for who, seconds in (("broker", broker_s), ("this bench", bench_s)))
    note = (
        f"{cpu / count * 1e6:.0f} µs of processor a command, starting included ({', '.join(used)}); "
        f"{records / transactions:.0f} records a transaction"
    )
    figures.add(Figure(PART, f"{mix}: until the views stand", whole, "commands/s", note=note))


async def _without_feed(ground: Ground, show: Show, figures: Figures, mix: str, count: int) -> None:
    command = (sys.executable, "-m", "tests.bench.service_worker", ground.bootstrap)
    process = await Process.start("order-without-feed", command, ground.folder)
    try:
        with show.step(f"the same without its feed: {mix}") as tell:
            samples = await ground.follow(GROUP_WITHOUT_FEED, COMMANDS, count, process, tell)
        cpu = process.cpu_seconds
    finally:
        await process.stop()
    await _check(ground)
    note = f"not the real service: what views cost; {cpu / count * 1e6:.0f} µs of processor a command"
    figures.add(Figure(PART, f"{mix}, feed not read", rate(samples, count), "commands/s", note=note))


async def _check(ground: Ground) -> None:
    if aside := await refusals(ground):
        raise BenchError(f"{aside:,} records were set aside; see order-dead-letters-v1")
