"""Slips that are reported to a running chain, and when each of them has arrived at its leaders.

Owns: which slips (those that reach a leader, move no pool in common, so that together they do what each does alone, and
do the same in whatever order the broker appended the commands), reporting by schedule, and arrival: the row of the
leader's view that shows the slip's final delay is committed. Load is open: a report is due at its time whether or not
those before have arrived, and its wait counts from then.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
SHOWN_MAX: Final = 5
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


@dataclass(frozen=True, slots=True)
class Arrival:
    """A leader's row that a report makes another: ``wanted`` delay (minutes), and ``seconds`` from when the report was
    due to the commit of the row with it, inf if there was none. ``shown``: its commits since then, as (seconds from
    when the report was due, minutes of delay).
    """

    sent: Sent
    row: bytes
    wanted: int
    seconds: float
    shown: tuple[tuple[float, int], ...]

    @property
    def text(self) -> str:
        """Of one that did not arrive, for people."""
        slip, line = self.sent.trail.slip, self.row.rpartition(b"\0")[2].decode()
        shown = ", ".join(f"{minutes:,} after {seconds:.1f} s" for seconds, minutes in self.shown[:SHOWN_MAX])
        more = f" and {len(self.shown) - SHOWN_MAX} times more" if len(self.shown) > SHOWN_MAX else ""
        return (
            f"not arrived: slip {slip.slip} of {slip.flow}, {'taken back' if self.sent.back else 'reported'}: "
            f"{line} was to show {self.wanted:,} minutes late, and showed {shown or 'nothing'}{more}"
        )


def prepared(shape: Shape, most: int) -> tuple[Chain, list[Trail]]:
    """The chain of a shape, and up to so many slips of it that reach a leader, move no pool in common, and do so in
    whatever order commands arrive.

    Where several want something by the same minute, that order decides who waits for what is late, and so which leader
    gets to know of it; and nobody knows beforehand how a broker appends what is told at once, nor what of it in one
    batch, with one time.
    """
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
        if trail.rows and not effect.tied and not taken & pools:
            taken |= pools
            found.append(trail)
    return chain, found


def _trail(solution: Solution, slip: Slip, effect: Effect) -> Trail:
    fact = solution.facts[slip.flow]
    bought_in = isinstance(fact, Work) and not fact.components
    tier = solution.tiers[slip.enterprise]
    return Trail(slip, rows_of(solution, effect), len(effect.moved), effect.statements, tier, bought_in)


def rows_of(solution: Solution, effect: Effect) -> dict[bytes, int]:
    """The rows of leaders' views that become late, each with its delay (minutes)."""
    rows = {}
    for key, moved in effect.moved.items():
        if solution.tier_of(key) == 0 and moved.after.delay:
            _, buyer, number, line = key.split("/")
            rows[view_prefix(buyer, ORDER_LINES) + f"{buyer}/{number}/{line}".encode()] = moved.after.delay
    return rows


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


def arrivals(where: ChainGround, starts: dict[tuple[str, int], int], sent: Sequence[Sent]) -> list[Arrival]:
    """Each leader's row that each report makes another, with when it showed that, as the broker's files have it."""
    codec = RowCodec(OrderLineView)
    commits: dict[bytes, list[tuple[int, int]]] = {row: [] for one in sent for row in one.trail.rows}
    for record in records_since(where.ground.folder / "kafka", starts):
        if record.key in commits and record.value is not None and record.seen_ms is not None:
            commits[record.key].append((record.seen_ms, codec.decode(record.value).delay_minutes))
    return arrivals_of(commits, sent)


def arrivals_of(commits: Mapping[bytes, Iterable[tuple[int, int]]], sent: Sequence[Sent]) -> list[Arrival]:
    """The same from the commits of each row, as (ms since 1970 UTC, minutes of delay)."""
    found: list[Arrival] = []
    for one in sent:
        for row, delay in one.trail.rows.items():
            wanted = 0 if one.back else delay
            shown = tuple(((at - one.due_ms) / 1e3, late) for at, late in sorted(commits[row]) if at >= one.due_ms)
            seconds = next((after for after, late in shown if late == wanted), inf)
            found.append(Arrival(one, row, wanted, seconds, shown))
    return found


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
