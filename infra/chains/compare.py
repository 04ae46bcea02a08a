"""What the leaders of a generated chain get to know of its slips, and when: of Chainflow, of nightly planning runs that
pass on new dates, and of alerts that go one hop. A simulation: pure, each slip by itself, with its assumptions below.

*Truth* is the chain model's: which lines of leaders a slip makes late, and by how much. Chainflow computes with that
model, so it is right by definition here; that the services do compute it is what the tests prove.

*Nightly planning* is taken at its best: every firm plans every night at NIGHT_MINUTE with the same exact netting,
trusts its partners' dates and confirms its own new ones in the morning. So each firm on the way costs a night: the
one that slips plans, the next one reads that in its own run of the night after. The end is right, without a cause.

*One-hop alerts* are sent at once to those who bought of the one that slips: for the line that it speaks of, or for the
lines for which its lot was planned, as late as the lot. What stock, slack and other lots make good is not in them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from infra.chains.chain import DAY_MINUTES, Chain, Line, Slip, Work
from infra.chains.solution import Effect, Solution

NIGHT_MINUTE: Final = 2 * 60
"""Every firm's planning run is at two in the morning, UTC."""


@dataclass(slots=True)
class Seen:
    """What leaders get to know in one way. ``told``: late lines that are named, of ``late`` in all.

    ``right``: named with the right day; ``caused``: with what made them late; ``void``: named late when the slip had
    been taken back; ``hours``: from the report to each naming. ``alarms``: lines of anybody, leader or not, that are
    named at the first hop, ``false``: those that are in time after all.
    """

    way: str
    late: int = 0
    told: int = 0
    right: int = 0
    caused: int = 0
    void: int = 0
    alarms: int = 0
    false: int = 0
    hours: list[float] = field(default_factory=list)

    @property
    def median_hours(self) -> float:
        """Half of what is told is told by then; 0 if nothing is."""
        return median(self.hours) if self.hours else 0.0

    @property
    def last_hours(self) -> float:
        """All that is told is told by then."""
        return max(self.hours, default=0.0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The three ways on one chain, and what the chain's slips are like."""

    slips: int
    reaching: int
    taken_back: int
    chainflow: Seen
    nightly: Seen
    one_hop: Seen

    @property
    def ways(self) -> tuple[Seen, Seen, Seen]:
        """In the order of the table."""
        return self.nightly, self.one_hop, self.chainflow


def compare(chain: Chain) -> Comparison:
    """All slips of a chain, each by itself."""
    solution, reaching = Solution(chain), 0
    chainflow, nightly, one_hop = Seen("Chainflow"), Seen("nightly planning"), Seen("one-hop alerts")
    for slip in chain.slips:
        alerts = dict(_alerts(solution, slip))
        effect = solution.report(slip.flow, slip.estimated_finish, slip.slip, slip.reason)
        late = _late_lines(solution, effect)
        reaching += bool(late)
        for seen in (chainflow, nightly, one_hop):
            seen.late += len(late)
        chainflow.told += len(late)
        chainflow.right += len(late)
        chainflow.caused += sum(_names(solution, line, slip) for line in late)
        _plan(nightly, solution, slip, late)
        _alert(one_hop, solution, late, alerts)
        solution.undo()
    back = sum(slip.taken_back_at is not None for slip in chain.slips)
    return Comparison(len(chain.slips), reaching, back, chainflow, nightly, one_hop)


def _late_lines(solution: Solution, effect: Effect) -> dict[str, int]:
    """Late lines of leaders, with their delay."""
    return {
        key: moved.after.delay
        for key, moved in effect.moved.items()
        if solution.tier_of(key) == 0 and moved.after.delay
    }


def _names(solution: Solution, line: str, slip: Slip) -> bool:
    cause = solution.expected[line].cause
    return cause is not None and cause.root.event == slip.slip


# -- Nightly planning --------------------------------------------------------------------------------------------------


def nights(solution: Solution, slip: Slip) -> int:
    """Planning runs between a report and the leader: those of the firms on the way, the slipping one's with them.

    A line's new date reaches its buyer without any; a work order's goes through its owner's run first.
    """
    tier = solution.tiers[slip.enterprise]
    return tier - 1 if isinstance(solution.facts[slip.flow], Line) else tier


def told_at_night(slip: Slip, runs: int) -> int:
    """The minute at which the last of so many nightly runs tells it on."""
    if not runs:
        return slip.reported_at
    first = -(-(slip.reported_at - NIGHT_MINUTE) // DAY_MINUTES) * DAY_MINUTES + NIGHT_MINUTE
    return first + (runs - 1) * DAY_MINUTES


def _plan(seen: Seen, solution: Solution, slip: Slip, late: dict[str, int]) -> None:
    runs = nights(solution, slip)
    at, back = told_at_night(slip, runs), slip.taken_back_at
    if back is not None and runs and back <= told_at_night(slip, 1):
        return  # taken back before anybody planned with it
    seen.told += len(late)
    seen.right += len(late)
    seen.hours += [(at - slip.reported_at) / 60] * len(late)
    seen.void += len(late) if back is not None and back <= at else 0


# -- One-hop alerts ----------------------------------------------------------------------------------------------------


def _alerts(solution: Solution, slip: Slip) -> Iterator[tuple[str, int]]:
    """(line, delay that the alert names)."""
    fact = solution.facts[slip.flow]
    for key in [fact.key] if isinstance(fact, Line) else pegged(solution, fact):
        if isinstance(solution.facts[key], Line):
            yield key, slip.late_minutes


def pegged(solution: Solution, work: Work) -> Sequence[str]:
    """The flows for which the units of a lot were planned: those whose units of the queue are the lot's, by plan."""
    name = work.owner, work.item
    supplies = sorted(solution.supplies_of(name), key=lambda supply: (supply.baseline, supply.flow))
    before = solution.stock_of(name)
    for supply in supplies:
        units = sum(part.quantity for part in supply.parts)
        if supply.flow == work.key:
            break
        before += units
    found, upto = [], 0
    for demand in sorted(solution.demands_of(name), key=lambda demand: demand.order):
        first, upto = upto, upto + demand.quantity
        if first < before + work.quantity and upto > before:
            found.append(demand.flow)
    return found


def _alert(seen: Seen, solution: Solution, late: dict[str, int], alerts: dict[str, int]) -> None:
    named = late.keys() & alerts.keys()
    seen.told += len(named)
    seen.right += sum(_days(late[key]) == _days(alerts[key]) for key in named)
    seen.caused += len(named)  # it comes from the one that slips, with the reason
    seen.hours += [0.0] * len(named)
    seen.alarms += len(alerts)
    seen.false += sum(not solution.expected[key].delay for key in alerts)


def _days(minutes: int) -> int:
    return -(-minutes // DAY_MINUTES)
