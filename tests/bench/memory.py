"""What an open order weighs, in the processor's own process and in a real worker, and what everything weighs idle.

An order here has three lines, two of which the seller has promised. Owns: weighing whole processes (resident bytes), as
an operator sees them. "Each further" is the growth over the second half: caches and remembered outcomes, which have
a bound, are full by then.
"""

import asyncio
import json
import sys

from infra.kafka.provision import load_topics
from services.kernel.catalogue import TOPICS_FILE
from tests.bench.figures import Figure, Figures
from tests.bench.ground import BenchError, Ground, rss_of
from tests.bench.orders import placed_with_promises
from tests.bench.serving import Served, fill_commands, provision
from tests.bench.show import Show
from tests.support.workers import ROOT

PART = "memory"
GOAL_BYTES_PER_ORDER = 2_048.0
GOAL_IDLE_MIB = 1_536.0
SETTLE_SECONDS = 5.0
KINDS = {"rows": "its rows", "rows+views": "its rows and its rows in views", "all": "with outcomes remembered too"}


async def measure(ground: Ground, show: Show, figures: Figures, orders: int) -> None:
    """The core alone, then the real processes."""
    for kind, name in KINDS.items():
        with show.step(f"{orders:,} open orders in memory: {name}"):
            found = await _probe(orders, kind)
        grown = found["after_orders"] - found["before_orders"]
        whole = (found["after"] - found["before"]) / grown
        further = (found["after"] - found["half"]) / (found["after_orders"] - found["half_orders"])
        goal = GOAL_BYTES_PER_ORDER if kind == "rows" else None
        note = f"of {grown:,}; each further {further:,.0f} B; {found['rows'] / found['after_orders']:.1f} rows an order"
        figures.add(Figure(PART, f"an open order: {name}", whole, "B", goal, more_is_better=False, note=note))
    await _processes(ground, show, figures, orders)


async def _probe(orders: int, kind: str) -> dict[str, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.memory_probe", str(orders), kind,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()
    if process.returncode:
        raise BenchError(f"the probe exited with {process.returncode}:\n{error.decode()[-2000:]}")
    found: dict[str, int] = json.loads(out)
    return found


async def _processes(ground: Ground, show: Show, figures: Figures, orders: int) -> None:
    await provision(ground)
    names = sorted({topic.partition("-")[0] for topic in load_topics(TOPICS_FILE)} - {"clock"})
    served: list[Served] = []
    try:
        with show.step("start the services, and let them idle"):
            for name in names:
                served.append(await Served.start(name, ground))
            await asyncio.sleep(SETTLE_SECONDS)
        each = {one.name: one.process.rss_bytes / 2**20 for one in served} | {
            "broker": rss_of(ground.broker.pid) / 2**20
        }
        note = ", ".join(f"{name} {size:.0f}" for name, size in each.items())
        figures.add(
            Figure(PART, "idle: broker and services", sum(each.values()), "MiB", GOAL_IDLE_MIB, more_is_better=False,
                   note=note)
        )  # fmt: skip
        order = next(one for one in served if one.name == "order")
        before = order.process.rss_bytes
        await fill_commands(ground, show, f"{orders:,} orders", placed_with_promises(orders), 2 * orders)
        with show.step("order service: until it holds them") as tell:
            await order.idle(tell)
            await asyncio.sleep(SETTLE_SECONDS)
        grown = (order.process.rss_bytes - before) / orders
        figures.add(
            Figure(PART, "an open order in the running service", grown, "B", more_is_better=False,
                   note=f"of {orders:,}; rows, views, outcomes, caches and buffers")
        )  # fmt: skip
    finally:
        await asyncio.gather(*(one.stop() for one in served))
