"""From kill -9 to serving again: the order service with 200,000 rows, killed while idle and started at once.

Serving is a new command answered over HTTP, and an old order known: its confirmation is accepted, with the version
that only its recovered rows can give.
"""

import asyncio
from time import perf_counter

import orjson

from tests.bench.figures import Figure, Figures
from tests.bench.ground import BenchError, Ground
from tests.bench.orders import PARTITIONS, body_of, confirm, only_placed
from tests.bench.serving import Served, fill_commands, provision
from tests.bench.show import Show

PART = "recovery"
GOAL_SECONDS = 10.0
ROWS_PER_ORDER = 7  # head, line, the kernel's own, an alarm, an outcome, two rows of views
ROUNDS = 3


async def measure(ground: Ground, show: Show, figures: Figures, rows: int) -> None:
    """Kill and start three times; the slowest counts."""
    orders = rows // ROWS_PER_ORDER
    await provision(ground)
    await fill_commands(ground, show, f"{orders:,} orders", only_placed(orders), orders)
    served = await Served.start("order", ground)
    took, after_start = [], []
    try:
        with show.step(f"order service: until it has {rows:,} rows") as tell:
            await served.idle(tell)
        log_records = sum((await ground.ends("order-changelog-v1", PARTITIONS)).values())
        for number in range(ROUNDS):
            with show.step(f"kill -9, and until it serves again ({number + 1} of {ROUNDS})"):
                killed = perf_counter()
                await served.process.kill()
                served.web.close()
                started = perf_counter()
                await served.spawn()
                await _serves(served, number)
                took.append(perf_counter() - killed)
                after_start.append(perf_counter() - started)
            await _knows(served, number)
    finally:
        await served.stop()
    note = f"slowest of {ROUNDS}; {log_records:,} changelog records read; {min(took):.1f} s the fastest"
    figures.add(
        Figure(
            PART, f"kill -9 to serving, {rows:,} rows", max(took), "s", GOAL_SECONDS, more_is_better=False, note=note
        )
    )


async def _serves(served: Served, number: int) -> None:
    """Return when a new command to every partition has been answered."""
    body, waiting, attempt = orjson.dumps(body_of()), set(range(12)), 0
    deadline = perf_counter() + 120
    while waiting:
        for one in sorted(waiting):
            answer = await served.try_("PUT", f"/v1/buyer-{one}/orders/R{number}-{one}", body)
            if answer is None or answer.status != 200:
                break
            waiting.discard(one)
        else:
            return
        attempt += 1
        if perf_counter() > deadline:
            raise BenchError(f"the service does not serve {attempt} tries later:\n{served.process.tail()}")
        await asyncio.sleep(0.02)


async def _knows(served: Served, number: int) -> None:
    told = confirm(number)
    path = f"/v1/{told.sender}/orders/{told.command.buyer}/{told.command.number}/confirm"  # type: ignore[union-attr]
    answer = await served.web.ask("POST", path, b"{}")
    if answer.status != 200 or orjson.loads(answer.body)["version"] < 2:
        raise BenchError(f"an old order was not known after the restart: {answer.status} {answer.body.decode()}")
