"""The account of one flow's delay: what came in by its critical input, what it absorbed, what it added, and the root.

Owns: the numbers of a hop, whose fault a delay is, and how the flows of a loop agree on one root. Deliberately lacks:
dates (``flow`` has computed them) and slips that do not set the date: only the critical path is told.
"""

from dataclasses import dataclass, field

from services.chain.causes import Cause, Hop, Root, RootClass, Stage, Stages, continued, extended, loop_in
from services.chain.flow_facts import Flow
from services.chain.moments import NEVER, SINCE, Calendar, delay_of, end_of
from services.chain.pool_facts import CoveredPart, Frozen


@dataclass(frozen=True, slots=True)
class Driver:
    """The input that decides: when its last units are there, when they would be as agreed, and what lies between.

    ``cause`` is that of the late supply behind it and ``delay_in`` that supply's delay; without a late supply there is
    none. The rest is the pool's word on these units (``CoveredPart``).
    """

    date: int = SINCE
    baseline: int = SINCE
    delay_in: int = 0
    cause: Cause | None = None
    trail: Stages = ()
    path: Stages = ()
    culprit: str = ""
    missing: int = 0

    @staticmethod
    def of_part(part: CoveredPart) -> "Driver":
        """Of components that are still to come."""
        if part.late is None:
            return Driver(part.date, part.baseline, path=part.path, culprit=part.culprit, missing=part.missing)
        late = part.late
        return Driver(
            part.date, part.baseline, late.delay, late.cause, late.trail, part.path, part.culprit, part.missing
        )

    @staticmethod
    def of_issued(frozen: Frozen) -> "Driver":
        """Of components that were issued: a fact, so nothing leads back from it."""
        return Driver(frozen.date, frozen.baseline, frozen.delay_in, frozen.cause)


@dataclass(frozen=True, slots=True)
class Account:
    """The hop of one part, its cause if it is late, and the trail by which others notice a loop."""

    hop: Hop
    cause: Cause | None = None
    trail: Stages = field(default=())


def account(
    flow: Flow, driver: Driver, date: int, silent: bool, own: Stage, calendar: Calendar, held_for_ever: bool = False
) -> Account:
    """The account of output that is expected at a date; ``silent`` if it would be earlier but for the clock.

    ``held_for_ever``: it never comes because its site stands still, not for want of inputs.

    The late supply *drives* if it made the input late and the start was late with it; if the part is in time anyway it
    is only told what was absorbed. In a loop of late supplies the least member breaks the circle: a part that never
    comes has the loop as its root, one that comes is told without what comes in. All others start from there.
    """
    late = date > flow.baseline
    drives = driver.cause is not None and driver.date > driver.baseline
    drives = drives and (driver.date > flow.planned_start or not late)
    loop = loop_in(driver.trail, own) if drives and late else ()
    breaks_circle = own == min(loop, default=None)
    if breaks_circle and date != NEVER:
        drives = False
    hop = _hop(flow, driver, date, drives, calendar)
    if not late:
        return Account(hop)
    if date == NEVER:
        root = _root_of_never(flow, driver, drives, loop if breaks_circle else (), held_for_ever)
    else:
        root = _root_of_late(flow, driver, hop, drives, silent)
    before = driver.cause if drives and not breaks_circle else None
    hops = extended(before.hops if before else (), hop)
    return Account(hop, Cause(root, hops), continued(driver.trail if before else (), own))


def _hop(flow: Flow, driver: Driver, date: int, drives: bool, calendar: Calendar) -> Hop:
    """The numbers. ``explained`` is the date by plan and inputs alone, ``margin`` what the plan had in hand."""
    delay_in = driver.delay_in if drives else 0
    if date == NEVER:
        return Hop(flow.flow, flow.enterprise, delay_in, delay_out=NEVER)

    def end(start: int) -> int:
        return end_of(start, flow.lead_minutes, calendar)

    explained = end(max(flow.planned_start, driver.date))
    reach = driver.date - driver.baseline if drives else 0
    shifts_start = drives and driver.date > flow.planned_start
    as_agreed = end(driver.baseline) if shifts_start else explained
    stretched = explained - as_agreed - reach if shifts_start else 0
    margin, own_signed = flow.baseline - as_agreed, date - explained
    plan, own, delay_out = max(0, -margin), max(0, own_signed), delay_of(date, flow.baseline)
    absorbed = reach + stretched + plan + own - delay_out
    recovered = min(max(0, -own_signed), absorbed)
    stock = NEVER if delay_in == NEVER else delay_in - reach
    return Hop(
        flow.flow,
        flow.enterprise,
        delay_in,
        stock,
        reach,
        absorbed - recovered,
        recovered,
        plan,
        own,
        stretched,
        delay_out,
    )


def _root_of_never(flow: Flow, driver: Driver, drives: bool, loop: Stages, held_for_ever: bool) -> Root:
    if flow.is_lost:
        return _own_root(flow, RootClass.LOST)
    if held_for_ever:
        return _own_root(flow, RootClass.REPORTED)
    if loop:
        members = tuple(dict.fromkeys(stage.flow for stage in loop))
        return Root(flow.flow, RootClass.LOOP, flow.event, flow.reason, members=members)
    if drives and driver.cause:
        return driver.cause.root
    return Root(flow.flow, RootClass.SHORT, flow.event, flow.reason, missing=driver.missing)


def _root_of_late(flow: Flow, driver: Driver, hop: Hop, drives: bool, silent: bool) -> Root:
    """The larger share names the root; inherited minutes win a tie, the flow's own win one against its plan's."""
    inherited = hop.reach + hop.calendar - hop.slack - hop.recovered
    if drives and driver.cause and inherited >= hop.plan + hop.own:
        return driver.cause.root
    if hop.own and hop.own >= hop.plan:
        return _own_root(flow, RootClass.SILENT if silent else RootClass.REPORTED)
    if driver.culprit and driver.date > flow.planned_start:
        return Root(flow.flow, RootClass.SHARED, flow.event, flow.reason, culprit=driver.culprit)
    return _own_root(flow, RootClass.PLANNED)


def _own_root(flow: Flow, kind: RootClass) -> Root:
    return Root(flow.flow, kind, flow.event, flow.reason)
