"""A slip's way through a chain: from its report to the row that the leader sees, on real services and a real broker.

A generated chain is loaded, then slips are reported at fixed times, whether or not those before have arrived. A slip
has arrived at a leader's line when the row of the leader's view that shows its final delay is committed. All moments
are the broker's own, read from its files afterwards (``chain_log``). Deliberately lacks: HTTP (``latency`` has it).
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from infra.chains.chain import Chain, Slip
from infra.chains.generate import generate
from infra.chains.shape import Shape
from infra.chains.solution import Effect, Solution
from services.kernel.row_codec import RowCodec
from services.kernel.views import view_prefix
from services.order.line_view import OrderLineView
from services.order.views import ORDER_LINES
from tests.bench.chain_commands import report_of, stages_of, withdrawal_of
from tests.bench.chain_ground import ChainGround
from tests.bench.chain_log import records_since
from tests.bench.figures import Figure, Figures
from tests.bench.ground import Ground
from tests.bench.serving import provision
from tests.bench.show import Show

PART = "chain"
VIEWS: Final = "order-changelog-v1"
TIERS: Final = 6
ENTERPRISES: Final = 10_000
ORDERS_PER_DAY: Final = 140
DAYS: Final = 90


def shape_of(scale: float) -> Shape:
    """The chain that is measured; its lines and firms by the scale, with four tiers where there are too few of them."""
    enterprises = max(40, int(ENTERPRISES * scale))
    tiers = TIERS if enterprises >= 500 else 4
    return Shape(1, enterprises, tiers, orders_per_day=max(2, int(ORDERS_PER_DAY * scale)), days=DAYS, slip_rate=0.2)


@dataclass(frozen=True, slots=True)
class Trail:
    """A slip that reaches leaders: the rows of their views that it moves, each with the delay that it ends with."""

    slip: Slip
    rows: dict[bytes, int]
    flows: int
    statements: int
    tiers: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A report: of which slip, whether it takes it back, and when it was due (ms since 1970 UTC)."""

    trail: Trail
    back: bool
    due_ms: float


def trails_of(chain: Chain, solution: Solution, slips: Iterable[Slip], most: int) -> list[Trail]:
    """Slips that reach a leader and have no flow in common, so that each row moves with one slip only."""
    found: list[Trail] = []
    taken: set[str] = set()
    for slip in slips:
        effect = solution.report(slip.flow, slip.estimated_finish, slip.slip, slip.reason)
        solution.undo()
        late = {key: moved.after.delay for key, moved in effect.moved.items() if solution.tier_of(key) == 0}
        if any(late.values()) and not taken & effect.moved.keys():
            taken |= effect.moved.keys()
            found.append(_trail(solution, slip, effect, late))
        if len(found) == most:
            break
    return found


def _trail(solution: Solution, slip: Slip, effect: Effect, late: dict[str, int]) -> Trail:
    rows = {}
    for key, delay in late.items():
        _, buyer, number, line = key.split("/")
        if delay:
            rows[view_prefix(buyer, ORDER_LINES) + f"{buyer}/{number}/{line}".encode()] = delay
    return Trail(slip, rows, len(effect.moved), effect.statements, solution.tiers[slip.enterprise])


async def load(where: ChainGround, show: Show, figures: Figures, chain: Chain) -> None:
    """Load a chain stage by stage; the rate is of lines, until all dates stand."""
    began = perf_counter()
    cpu = where.cpu_seconds()
    for what, told in stages_of(chain):
        with show.step(f"load {len(told):,} commands: {what}") as tell:
            await where.load(told, len(told), tell)
            await where.rest()
    took = perf_counter() - began
    used = {name: at - cpu[name] for name, at in where.cpu_seconds().items()}
    lines = len(chain.lines)
    note = ", ".join(f"{name} {spent:.0f}" for name, spent in used.items())
    figures.add(Figure(PART, f"load {lines:,} lines, {len(chain.work):,} work orders", lines / took, "lines/s",
                       note=f"{took:.0f} s until all dates stand; seconds of processor: {note}"))  # fmt: skip


async def send(where: ChainGround, trails: Sequence[Trail], per_second: float, count: int) -> list[Sent]:
    """Report and take back by schedule, round and round over the trails."""
    sent: list[Sent] = []
    lead = perf_counter() + 0.2
    zero_ms = (time.time() + 0.2) * 1e3
    waiting = []
    for number in range(count):
        trail, back = trails[number % len(trails)], bool(number // len(trails) % 2)
        due = number / per_second
        if (pause := lead + due - perf_counter()) > 0:
            await asyncio.sleep(pause)
        told = withdrawal_of(trail.slip) if back else report_of(trail.slip)
        topic, partition, (key, value, head) = where.encoder.record(told)
        waiting.append(await where.producer.send(topic, value, key=key, partition=partition, headers=head))
        sent.append(Sent(trail, back, zero_ms + due * 1e3))
    await asyncio.gather(*waiting)
    return sent


def arrivals(where: ChainGround, starts: dict[tuple[str, int], int], sent: Sequence[Sent]) -> list[float]:
    """Seconds from each report to the commit of each leader's row that it moves; inf for one that did not come."""
    codec = RowCodec(OrderLineView)
    wanted = {row for one in sent for row in one.trail.rows}
    changes: dict[bytes, list[tuple[int, int]]] = {row: [] for row in wanted}  # (seen, delay)
    for record in records_since(where.ground.folder / "kafka", starts):
        if record.key in changes and record.value is not None and record.seen_ms is not None:
            changes[record.key].append((record.seen_ms, codec.decode(record.value).delay_minutes))
    waits: list[float] = []
    for one in sent:
        for row, delay in one.trail.rows.items():
            right = [at for at, shown in changes[row] if at >= one.due_ms and shown == (0 if one.back else delay)]
            waits.append((min(right) - one.due_ms) / 1e3 if right else float("inf"))
    return waits


async def measure(ground: Ground, show: Show, figures: Figures, scale: float) -> None:
    """All of it on one chain."""
    await provision(ground)
    with show.step("make the chain, and work out its dates"):
        chain = await asyncio.to_thread(generate, shape_of(scale))
        solution = await asyncio.to_thread(Solution, chain)
        trails = trails_of(chain, solution, chain.slips, 200)
    show.say(f"{len(chain.lines):,} lines, {len(chain.work):,} work orders, {len(trails)} slips to report")
    where = ChainGround(ground)
    try:
        await where.start()
        await load(where, show, figures, chain)
        await unloaded(where, show, figures, trails)
    finally:
        await where.stop()


async def unloaded(where: ChainGround, show: Show, figures: Figures, trails: Sequence[Trail]) -> None:
    """Report one slip after the other, each when the one before has long arrived."""
    deep = max(trail.tiers for trail in trails)
    chosen = [trail for trail in trails if trail.tiers == deep]
    for name, used in ((f"warm {deep} tiers", chosen[:5]), (f"from tier {deep}", chosen)):
        starts = await where.ends([VIEWS])
        with show.step(f"{name}: {len(used)} slips reported and taken back"):
            sent = await send(where, used, 4.0, 2 * len(used))
            await where.rest()
        waits = arrivals(where, starts, sent)
    late = [wait for wait in waits if wait != float("inf")]
    show.say(f"{len(waits) - len(late)} of {len(waits)} did not come")
    figures.percentiles(PART, f"a slip at tier {deep} to the leader's row", late, {50: 250.0, 99: 500.0})
