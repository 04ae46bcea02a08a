"""Why a date is what it is: hops, roots, causes, and the paths by which chains notice that they bite their own tail.

Owns: the account that each flow on the way gives (a hop) and the law that it obeys, the root of a delay, the bounded
list of hops, and the two kinds of chains of stages (*path*: what decided a date; *trail*: which late supply explains
it). Deliberately lacks: how a flow arrives at its hop (``accounts``), and what of a cause a viewer may see.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from services.chain.moments import NEVER, plus

HOPS_MAX: Final = 16
STAGES_MAX: Final = 1000


class ChainTooLong(Exception):
    """A path or trail has more stages than any supply chain has, so that nobody can say what comes of it."""


class RootClass(StrEnum):
    """What kind of thing started a delay."""

    REPORTED = "reported"  # somebody said so
    SILENT = "silent"  # nobody said anything, and it is overdue
    SHARED = "shared"  # a demand that arrived later was served first
    PLANNED = "planned"  # the plan itself was too tight
    LOST = "lost"  # the goods will not come: cancelled by the seller, destroyed
    LOOP = "loop"  # flows wait for one another
    SHORT = "short"  # nobody has promised enough


class CauseClass(StrEnum):
    """What of the cause of a delay those may know who are not its root: neither whose it is nor where it began."""

    SUPPLY = "supply"
    SHARED = "shared"
    SHORT = "short"
    PLANNED = "planned"
    LOOP = "loop"


def class_of(kind: RootClass) -> CauseClass:
    """Whether somebody said so, kept silent or lost the goods is the root's own affair: to others it is a supply."""
    if kind in (RootClass.REPORTED, RootClass.SILENT, RootClass.LOST):
        return CauseClass.SUPPLY
    return CauseClass(kind.value)


@dataclass(frozen=True, slots=True)
class Root:
    """Where a delay began: the flow, the event that was last reported on it, and its reason code ("" if none).

    ``members`` only for a loop: its flows in the direction of the goods. ``missing`` only for ``short``, in units.
    ``culprit`` only for ``shared``: the flow that was served first.
    """

    flow: str
    kind: RootClass
    event: str = ""
    reason: str = ""
    members: tuple[str, ...] = ()
    missing: int = 0
    culprit: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One flow's account of a delay, in minutes: what came in, what became of it, what went out.

    ``stock``: absorbed by stock and other supplies of the pool; ``reach``: what reached the flow's start; ``slack``:
    absorbed by time in hand; ``recovered``: made up by faster work; ``plan``: added because the plan was too tight;
    ``own``: added by the flow itself; ``calendar``: added (or, negative, saved) by closed hours. ``count`` > 1: so many
    hops folded into one, which names the oldest of them.
    """

    flow: str
    enterprise: str
    delay_in: int = 0
    stock: int = 0
    reach: int = 0
    slack: int = 0
    recovered: int = 0
    plan: int = 0
    own: int = 0
    calendar: int = 0
    delay_out: int = 0
    count: int = 1


def obeys_law(hop: Hop) -> bool:
    """Whether a hop adds up: in - stock - slack - recovered + plan + own + calendar = out, none but calendar below 0.

    What comes in and never comes is absorbed by the pool as a whole (``stock`` is NEVER), and what reached the start
    counts from there on. A flow that never ends says no more than what came in. A hop folded of several can be held
    against the sum only, and only if all of it is finite.
    """
    amounts = (hop.delay_in, hop.stock, hop.reach, hop.slack, hop.recovered, hop.plan, hop.own, hop.delay_out)
    if min(amounts) < 0:
        return False
    if hop.count > 1:
        return NEVER in amounts or hop.delay_in - hop.stock + _added(hop) == hop.delay_out
    if hop.delay_out == NEVER:
        return not any((*amounts[1:-1], hop.calendar))
    stock = NEVER if hop.delay_in == NEVER else hop.delay_in - hop.reach
    return hop.stock == stock and hop.reach + _added(hop) == hop.delay_out


def _added(hop: Hop) -> int:
    return hop.plan + hop.own + hop.calendar - hop.slack - hop.recovered


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a part is late: where it began, and the hops of the critical path, oldest first.

    The out of a hop is the in of the next. Other slips that do not set the date are not in it.
    """

    root: Root
    hops: tuple[Hop, ...]


def extended(hops: tuple[Hop, ...], hop: Hop) -> tuple[Hop, ...]:
    """The hops with one more at the end; of more than HOPS_MAX the two oldest are folded into one."""
    longer = (*hops, hop)
    return longer if len(longer) <= HOPS_MAX else (_folded(longer[0], longer[1]), *longer[2:])


def _folded(first: Hop, second: Hop) -> Hop:
    return replace(
        first,
        stock=plus(first.stock, second.stock),
        reach=plus(first.reach, second.reach),
        slack=plus(first.slack, second.slack),
        recovered=plus(first.recovered, second.recovered),
        plan=plus(first.plan, second.plan),
        own=plus(first.own, second.own),
        calendar=first.calendar + second.calendar,
        delay_out=second.delay_out,
        count=first.count + second.count,
    )


@dataclass(frozen=True, slots=True, order=True)
class Stage:
    """A part of a flow's output, named by its last unit."""

    flow: str
    last_unit: int


Stages = tuple[Stage, ...]
"""Oldest first."""


def depends_on_itself(path: Stages, flow: str, units_before: int) -> bool:
    """Whether a date came about by the very flow that is to use it, for units behind the first so many.

    A part may wait for an earlier part of its own flow, but never for itself or a later one: that would be a date that
    holds itself up, and messages would count it upwards for ever.
    """
    return any(stage.flow == flow and stage.last_unit > units_before for stage in path)


def loop_in(trail: Stages, own: Stage) -> Stages:
    """The stages of a trail from one's own entry on, in the direction of the goods; none if one is not in it."""
    return trail[trail.index(own) :] if own in trail else ()


def continued(stages: Stages, own: Stage) -> Stages:
    """The stages with one's own at the end; what stood up to an earlier entry of one's own is cut away.

    Raises ChainTooLong beyond STAGES_MAX.
    """
    if own in stages:
        stages = stages[stages.index(own) + 1 :]
    if len(stages) >= STAGES_MAX:
        raise ChainTooLong(f"more than {STAGES_MAX} stages lead to unit {own.last_unit} of {own.flow}")
    return (*stages, own)
