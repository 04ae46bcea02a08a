"""What a pool knows (stock, demands, supplies) and what it answers to each demand.

Owns: these values, flat, and the static order of demands. Deliberately lacks: how the answers come about (``pool``).
Quantities are whole numbers of the pool's smallest unit, dates are minutes (``moments``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.chain.causes import Cause, Stages
from services.chain.moments import SINCE, delay_of, split_at

STOCK: Final = ""
"""As the source of a hold: the stock. No flow has an empty id."""

OrderKey = tuple[int, int, int, str, int]


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation: so many units of the stock (source STOCK) or of one supply (source: its flow)."""

    source: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Frozen:
    """What the pool knew of units when it issued them: when they came and were due, the delay that came in, and why.

    ``cause`` None: no late supply explained them. It is a fact from then on, so that a flow that started late keeps its
    history.
    """

    date: int
    baseline: int
    delay_in: int
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """One input of one flow: what it needs in total, what was issued to it, what it holds, and its place in the queue.

    ``need`` is the planned start of its flow, ``sequence`` the arrival of the command that created the flow.
    """

    flow: str
    n: int
    quantity: int
    need: int
    priority: int = 5
    sequence: int = 0
    issued: int = 0
    holds: tuple[Hold, ...] = ()
    frozen: Frozen | None = None

    @property
    def id(self) -> str:
        """``flow/n``."""
        return f"{self.flow}/{self.n}"

    @property
    def open(self) -> int:
        """What the pool still has to give, in units."""
        return max(0, self.quantity - self.issued)

    @property
    def order(self) -> OrderKey:
        """The static order in which demands are served, ascending.

        It never depends on a computed date: ordered by those, two flows that want one unit have two stable answers.
        """
        return (self.priority, self.need, self.sequence, self.flow, self.n)

    @property
    def arrival(self) -> tuple[int, str, int]:
        """The order in which demands arrived; only a greater sequence (its first part) is *later*."""
        return (self.sequence, self.flow, self.n)

    def claims(self) -> dict[str, int]:
        """What it holds of each source, no more than it is open in total; earlier holds go first."""
        claims: dict[str, int] = {}
        open_units = self.open
        for hold in self.holds:
            units = min(open_units, max(0, hold.quantity))
            if units:
                claims[hold.source] = claims.get(hold.source, 0) + units
                open_units -= units
        return claims


@dataclass(frozen=True, slots=True)
class SupplyPart:
    """A share of a supply: when it is expected, and how that came about (a cause if it is late)."""

    date: int
    quantity: int
    cause: Cause | None = None
    path: Stages = ()
    trail: Stages = ()


@dataclass(frozen=True, slots=True)
class Supply:
    """The output of one flow: its baseline, its parts in the order of their dates, and how much of it is in stock now.

    The parts are of the whole quantity; the first ``received`` units of them came and are counted as stock. A supply
    that its seller cancelled stays, with date NEVER; one that the buyer cancelled is not there any more.
    """

    flow: str
    baseline: int
    parts: tuple[SupplyPart, ...]
    received: int = 0

    @property
    def open_parts(self) -> tuple[SupplyPart, ...]:
        """The parts still to come."""
        return split_at(self.parts, self.received)[1] if self.received else self.parts

    @property
    def delay(self) -> int:
        """Minutes by which its last open part is late; 0 without one."""
        return delay_of(self.open_parts[-1].date, self.baseline) if self.open_parts else 0


@dataclass(frozen=True, slots=True)
class Pool:
    """All that decides who gets what when: stock that may be used (on hand without what is blocked), and both sides."""

    stock: int = 0
    demands: Sequence[Demand] = ()
    supplies: Sequence[Supply] = ()


@dataclass(frozen=True, slots=True)
class LateSupply:
    """The supply that a late part waits for: its flow, its date and baseline, why it is late, and the trail behind."""

    flow: str
    date: int
    baseline: int
    cause: Cause
    trail: Stages = ()

    @property
    def delay(self) -> int:
        """In minutes; never less than what the part that waits for it is late."""
        return delay_of(self.date, self.baseline)


@dataclass(frozen=True, slots=True)
class CoveredPart:
    """Units of a demand that are available at one date.

    ``baseline`` is the date at which they would be if every supply came as agreed; ``late``: the supply that explains
    the difference; ``culprit``: the flow that arrived later, was served first, and without which they would be
    earlier; ``missing``: units that nobody has promised; ``path``: how the date came about.
    """

    date: int
    quantity: int
    baseline: int = SINCE
    late: LateSupply | None = None
    culprit: str = ""
    missing: int = 0
    path: Stages = ()


@dataclass(frozen=True, slots=True)
class DemandCovered:
    """The pool's whole answer to one demand: the parts still open, by date, and what it issued before."""

    flow: str
    n: int
    parts: tuple[CoveredPart, ...]
    issued: int = 0
    frozen: Frozen | None = None


def frozen(part: CoveredPart) -> Frozen | None:
    """What is to be written when a part is issued: when it came and why so late; nothing of what was in stock."""
    if part.date == SINCE:
        return None
    if part.late is None:
        return Frozen(part.date, part.baseline, 0)
    return Frozen(part.date, part.baseline, part.late.delay, part.late.cause)
