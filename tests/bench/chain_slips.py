"""Slips that are reported to a running chain, and when each of them has arrived at its leaders.

Owns: which slips (those that reach a leader and move no pool in common, so that together they do what each does alone),
reporting by schedule, and arrival: the row of the leader's view that shows the slip's final delay is committed. Load is
open: a report is due at its time whether or not those before have arrived, and its wait counts from then.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Final

from infra.chains.chain import Chain, Slip, Work
from infra.chains.generate import generate
from infra.chains.shape import Shape
from infra.chains.solution import Effect, Solution
from services.kernel.row_codec import RowCodec
from services.kernel.views import view_prefix
from services.order.line_view import OrderLineView
from services.order.views import ORDER_LINES
from tests.bench.chain_commands import report_of, withdrawal_of
from tests.bench.chain_ground import ChainGround
from tests.bench.chain_log import records_since

VIEWS: Final = "order-changelog-v1"
CANDIDATES_PER_TRAIL: Final = 6
_AHEAD_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Trail:
    """A slip that reaches leaders: the rows of their views that it makes late, each with its delay (minutes).

    ``flows`` that it moves, ``statements`` between pools and flows that carry it, the ``tier`` that reports it; from
    what is ``bought_in`` it is four statements for each tier to the leader's line.
    """

    slip: Slip
    rows: dict[bytes, int]
    flows: int
    statements: int
    tier: int
    bought_in: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """A report: of which slip, whether it takes it back, and when it was due (ms since 1970 UTC)."""

    trail: Trail
    back: bool
    due_ms: float


def prepared(shape: Shape, most: int) -> tuple[Chain, list[Trail]]:
    """The chain of a shape, and up to so many slips of it that reach a leader and move no pool in common."""
    chain = generate(shape)
    solution = Solution(chain)
    found: list[Trail] = []
    taken: set[tuple[str, str]] = set()
    for slip in chain.slips[: CANDIDATES_PER_TRAIL * most]:
        if len(found) == most:
            break
        effect = solution.report(slip.flow, slip.estimated_finish, slip.slip, slip.reason)
        solution.undo()
        trail = _trail(solution, slip, effect)
        pools = {solution.output_of(key) for key in effect.moved}
        if trail.rows and not taken & pools:
            taken |= pools
            found.append(trail)
    return chain, found


def _trail(solution: Solution, slip: Slip, effect: Effect) -> Trail:
    rows = {}
    for key, moved in effect.moved.items():
        if solution.tier_of(key) == 0 and moved.after.delay:
            _, buyer, number, line = key.split("/")
            rows[view_prefix(buyer, ORDER_LINES) + f"{buyer}/{number}/{line}".encode()] = moved.after.delay
    fact = solution.facts[slip.flow]
    bought_in = isinstance(fact, Work) and not fact.components
    return Trail(slip, rows, len(effect.moved), effect.statements, solution.tiers[slip.enterprise], bought_in)


async def send(where: ChainGround, trails: Sequence[Trail], per_second: float, count: int) -> list[Sent]:
    """Report, round and round over the trails, every second round taking back; ends when all are written.

    An even number of rounds leaves the chain as it was.
    """
    sent, waiting = list[Sent](), list[asyncio.Future[object]]()
    zero, zero_ms = perf_counter() + _AHEAD_SECONDS, (time.time() + _AHEAD_SECONDS) * 1e3
    for number in range(count):
        trail, back = trails[number % len(trails)], bool(number // len(trails) % 2)
        told = withdrawal_of(trail.slip) if back else report_of(trail.slip)
        topic, partition, (key, value, head) = where.encoder.record(told)
        due = number / per_second
        if (pause := zero + due - perf_counter()) > 0:
            await asyncio.sleep(pause)
        waiting.append(await where.producer.send(topic, value, key=key, partition=partition, headers=head))
        sent.append(Sent(trail, back, zero_ms + due * 1e3))
    await asyncio.gather(*waiting)
    return sent


def arrivals(where: ChainGround, starts: dict[tuple[str, int], int], sent: Sequence[Sent]) -> list[float]:
    """Seconds from when each report was due to the commit of each leader's row that it moves; inf: it never showed."""
    codec = RowCodec(OrderLineView)
    shown: dict[bytes, list[tuple[int, int]]] = {row: [] for one in sent for row in one.trail.rows}
    for record in records_since(where.ground.folder / "kafka", starts):
        if record.key in shown and record.value is not None and record.seen_ms is not None:
            shown[record.key].append((record.seen_ms, codec.decode(record.value).delay_minutes))
    waits: list[float] = []
    for one in sent:
        for row, delay in one.trail.rows.items():
            wanted = 0 if one.back else delay
            seen = min((at for at, minutes in shown[row] if at >= one.due_ms and minutes == wanted), default=inf)
            waits.append((seen - one.due_ms) / 1e3)
    return waits


def hops(where: ChainGround, starts: dict[tuple[str, int], int]) -> dict[str, list[float]]:
    """Seconds from the moment at which a message could be read to that of what its receiver said because of it.

    By topic of the answer: a pool's, a flow's, a line's to its order. What was said because of several is counted for
    the one that the receiver names.
    """
    seen: dict[bytes, int] = {}
    because: list[tuple[str, bytes, int]] = []
    for record in records_since(where.ground.folder / "kafka", starts):
        if record.seen_ms is not None:
            seen[record.headers.get("ce_id", b"")] = record.seen_ms
            because.append((record.topic, record.headers.get("causationid", b""), record.seen_ms))
    found: dict[str, list[float]] = {}
    for topic, cause, at in because:
        if cause in seen:
            found.setdefault(topic, []).append((at - seen[cause]) / 1e3)
    return found


def tiers_of(trails: Iterable[Trail]) -> str:
    """How many slips are reported at which tier, for people."""
    counted = Counter(trail.tier for trail in trails)
    return ", ".join(f"{count} at tier {tier}" for tier, count in sorted(counted.items(), reverse=True))
