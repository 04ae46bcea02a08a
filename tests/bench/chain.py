"""How fast a slip at the far end of a chain is seen by its leader, what it costs, and what that cost depends on.

A generated chain is loaded into the three real services on a real broker, in two parts that have nothing to do with
each other: a tenth, then the rest, or as much of it as is loaded in nine minutes. The same slips of the first part are
reported with a tenth of the lines and with all of them. All moments are the broker's own, read from its files
afterwards (``chain_log``). Deliberately lacks: HTTP.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from math import inf
from multiprocessing import get_context
from time import perf_counter
from typing import Final

from infra.chains.chain import Chain
from infra.chains.shape import Shape
from tests.bench import chain_pool, chain_profile
from tests.bench.chain_commands import stages_of
from tests.bench.chain_ground import SERVICES, ChainGround
from tests.bench.chain_slips import VIEWS, Arrival, Trail, arrivals, hops, prepared, send, tiers_of
from tests.bench.figures import Figure, Figures, percentile
from tests.bench.ground import Ground
from tests.bench.serving import provision
from tests.bench.show import Show

PART: Final = "chain"
TIERS: Final = 6
ENTERPRISES: Final = 10_000
ORDERS_PER_DAY: Final = 188  # of leaders; with what follows from them some 200,000 lines are open
DAYS: Final = 90
FIRST_SHARE: Final = 0.1
FEW_TIERS_BELOW: Final = 500  # enterprises: six tiers would have hardly anybody in them

CALM_PER_SECOND: Final = 3.0
CALM_SLIPS: Final = 50
CALM_ROUND_SECONDS: Final = 10.0  # at least, so that a slip is not taken back before it arrived
SAME_PER_SECOND: Final = 10.0
SAME_SLIPS: Final = 75
RATES: Final = (10, 25, 50, 75, 100, 150, 200, 250, 300)
RATE_SECONDS: Final = 10.0
TRAILS, TRAILS_OF_FIRST = 450, 120
LOAD_SECONDS_MAX: Final = 540.0  # of the second part, by what the first one took
SECONDS_OF_STAGE: Final = 0.75  # until it is sure that nothing is in flight any more
P99_SECONDS_MAX: Final = 2.0
MISSING_SAID_MAX: Final = 10
GOAL_MS: Final = {50: 250.0, 99: 500.0}
GOAL_RATE: Final = 300.0
GOAL_GROWTH: Final = 1.3
IDLE_SECONDS: Final = 10.0
_SPAWN: Final = get_context("spawn")  # a fork would take sockets and threads along

LINKS: Final = {
    "inventory-availability-v1": "a pool answers a flow",
    "fulfillment-pool-inputs-v1": "a flow tells a pool",
    "fulfillment-lines-v1": "a line tells its order",
}


def part(seed: int, share: float, name: str) -> Shape:
    """A share of the chain that is measured."""
    enterprises = max(40, int(ENTERPRISES * share))
    tiers = TIERS if enterprises >= FEW_TIERS_BELOW else 4
    orders = max(1, round(ORDERS_PER_DAY * share))
    return Shape(seed, enterprises, tiers, orders_per_day=orders, days=DAYS, slip_rate=0.1, name=name)


async def measure(ground: Ground, show: Show, figures: Figures, scale: float) -> None:
    """All of it; the second part is as large as what remains, or as can be loaded in LOAD_SECONDS_MAX."""
    await asyncio.to_thread(chain_pool.measure, show, figures)
    await asyncio.to_thread(chain_profile.measure, show, figures)
    await provision(ground)
    where = ChainGround(ground)
    try:
        await where.start()
        chain, trails = await made(show, part(1, scale * FIRST_SHARE, "t"), TRAILS_OF_FIRST)
        seconds = await load(where, show, figures, chain)
        lines = [len(chain.lines)]
        await unloaded(where, show, figures, trails, lines[0])
        costs = [await same_slips(where, show, trails, lines[0])]
        times = min(1 / FIRST_SHARE - 1, LOAD_SECONDS_MAX / seconds)
        rest, more = await made(show, part(2, scale * FIRST_SHARE * times, "u"), TRAILS)
        await load(where, show, figures, rest)
        lines.append(lines[0] + len(rest.lines))
        costs.append(await same_slips(where, show, trails, lines[1]))
        growth(figures, lines, costs)
        await unloaded(where, show, figures, [*trails, *more], lines[1])
        await loaded(where, show, figures, [*trails, *more], lines[1])
        await check(where, figures)
    finally:
        await where.stop()


async def made(show: Show, shape: Shape, most: int) -> tuple[Chain, list[Trail]]:
    """A chain and slips of it, made in a process of its own, as the bench has to look after others meanwhile."""
    with show.step(f"make a chain of {shape.enterprises:,}, and its dates"), ProcessPoolExecutor(1, _SPAWN) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, prepared, shape, most)


def growth(figures: Figures, lines: Sequence[int], costs: Sequence[float]) -> None:
    """What the same slips cost with a tenth of the lines, and with all of them."""
    shown = " and ".join(f"{cost:.1f} ms with {count:,}" for cost, count in zip(costs, lines, strict=True))
    name = f"services' processor for the same slips, with {lines[1] / lines[0]:.1f} times the lines"
    note = f"a slip takes {shown} lines"
    figures.add(Figure(PART, name, costs[1] / costs[0], "×", GOAL_GROWTH, more_is_better=False, note=note))


async def load(where: ChainGround, show: Show, figures: Figures, chain: Chain) -> float:
    """Load a chain stage by stage; the rate is of lines, until all dates stand. Seconds without looking and waiting."""
    began, before = perf_counter(), where.cpu_seconds()
    lines, work = len(chain.lines), len(chain.work)
    with show.step(f"load {lines:,} lines and {work:,} work orders") as tell:
        stages = list(stages_of(chain))
        for number, (_, told) in enumerate(stages):
            await where.load(told, len(told), lambda share: None)
            await where.rest()
            tell((number + 1) / len(stages))
    took = perf_counter() - began
    spent = ", ".join(f"{name} {at - before[name]:.0f}" for name, at in where.cpu_seconds().items())
    note = f"{took:.0f} s until all dates stand; seconds of processor: {spent}"
    figures.add(Figure(PART, f"load {lines:,} lines, {work:,} work orders", lines / took, "lines/s", note=note))
    return max(1.0, took - SECONDS_OF_STAGE * len(stages))


async def unloaded(where: ChainGround, show: Show, figures: Figures, trails: Sequence[Trail], lines: int) -> None:
    """Slips of what the deepest tier buys in, one after the other: the way of each, and of each of its hops."""
    deepest = max(trail.tier for trail in trails if trail.bought_in)
    chosen = [trail for trail in trails if trail.bought_in and trail.tier == deepest][:CALM_SLIPS]
    with show.step(f"{len(chosen)} slips {deepest} tiers away reported and taken back, {lines:,} lines"):
        per_second = min(CALM_PER_SECOND, len(chosen) / CALM_ROUND_SECONDS)
        await send(where, chosen[:10], 1.0, 2 * len(chosen[:10]))  # to warm up
        await where.rest()
        starts = await where.ends([VIEWS, *LINKS, "fulfillment-commands-v1"])
        sent = await send(where, chosen, per_second, 2 * len(chosen))
        await where.rest()
    views = {at: n for at, n in starts.items() if at[0] == VIEWS}
    name = f"{lines:,} lines: a slip {deepest} tiers away, to the leader's row"
    waits, missing = waits_of(show, await asyncio.to_thread(arrivals, where, views, sent))
    figures.percentiles(PART, name, waits, GOAL_MS)
    figures.add(Figure(PART, f"{name}: not arrived", missing, "rows", 0, more_is_better=False, note=f"of {len(waits)}"))
    each = await asyncio.to_thread(hops, where, {at: n for at, n in starts.items() if at[0] != VIEWS})
    for topic, what in LINKS.items():
        if topic in each:
            note = f"of {len(each[topic]):,}; 99 % within {percentile(each[topic], 99) * 1e3:.0f} ms"
            figures.add(Figure(PART, f"{lines:,} lines: one hop, {what}: p50", percentile(each[topic], 50) * 1e3, "ms",
                               note=note))  # fmt: skip


def waits_of(show: Show, found: Sequence[Arrival]) -> tuple[list[float], int]:
    """Seconds of each, and how many did not arrive; of those the first are said, with what their rows showed."""
    missing = [one for one in found if one.seconds == inf]
    for one in missing[:MISSING_SAID_MAX]:
        show.say(one.text)
    if len(missing) > MISSING_SAID_MAX:
        show.say(f"not arrived: {len(missing) - MISSING_SAID_MAX:,} more")
    return [one.seconds for one in found], len(missing)


async def same_slips(where: ChainGround, show: Show, trails: Sequence[Trail], lines: int) -> float:
    """Milliseconds of processor that the three services take for a slip, less what they take when nothing happens."""
    chosen = trails[:SAME_SLIPS]
    count = 2 * len(chosen)
    with show.step(f"{count} reports, {SAME_PER_SECOND:.0f} a second, with {lines:,} lines"):
        before = where.cpu_seconds()
        await asyncio.sleep(IDLE_SECONDS)
        idle = services_of(where.cpu_seconds()) - services_of(before)
        began, before = perf_counter(), where.cpu_seconds()
        await send(where, chosen, SAME_PER_SECOND, count)
        await where.rest()
        await asyncio.sleep(IDLE_SECONDS / 2)  # the next tick renews the outlook of pools: it belongs to the cost
        used = services_of(where.cpu_seconds()) - services_of(before)
        return (used - idle * (perf_counter() - began) / IDLE_SECONDS) / count * 1e3


def services_of(cpu: dict[str, float]) -> float:
    """Of the services together."""
    return sum(cpu[name] for name in SERVICES)


async def loaded(where: ChainGround, show: Show, figures: Figures, trails: Sequence[Trail], lines: int) -> None:
    """Rising rates, until slips arrive late."""
    flows, statements = (sum(getattr(one, name) for one in trails) / len(trails) for name in ("flows", "statements"))
    show.say(f"{len(trails)} slips: {tiers_of(trails)}; each moves {flows:.1f} flows by {statements:.1f} hops")
    best = 0.0
    for rate in RATES:
        count = int(rate * RATE_SECONDS)
        used = trails[: max(1, min(len(trails), count // 2))]
        count -= count % (2 * len(used))  # whole rounds: the chain is as it was
        starts = await where.ends([VIEWS])
        with show.step(f"{rate} reports a second"):
            before, began = where.cpu_seconds(), perf_counter()
            sent = await send(where, used, rate, count)
            await where.rest()
            took = perf_counter() - began
            cpu = services_of(where.cpu_seconds()) - services_of(before)
        waits, missing = waits_of(show, await asyncio.to_thread(arrivals, where, starts, sent))
        p50, p99 = percentile(waits, 50), percentile(waits, 99)
        hop = cpu / (count * statements) * 1e6
        note = f"{count:,} reports; p50 {p50:.2f} s; {hop:.0f} µs of the services a hop; at rest after {took:.0f} s"
        note += f"; {missing:,} of {len(waits):,} rows not arrived" if missing else ""
        figures.add(Figure(PART, f"{rate} slips/s: p99 to the leader's row", p99, "s", P99_SECONDS_MAX,
                           more_is_better=False, note=note))  # fmt: skip
        if p99 > P99_SECONDS_MAX:
            break
        best = rate
    note = f"{lines:,} lines; a slip moves {flows:.1f} flows by {statements:.1f} hops in the mean"
    figures.add(Figure(PART, "slips a second with p99 ≤ 2 s", best, "slips/s", GOAL_RATE, note=note))


async def check(where: ChainGround, figures: Figures) -> None:
    """Nothing was set aside."""
    aside = sum((await where.ends([f"{name}-dead-letters-v1" for name in SERVICES])).values())
    figures.add(Figure(PART, "records set aside", aside, "records", 0, more_is_better=False))
