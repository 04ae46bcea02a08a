"""The account of a chain: per part of a flow the hop, the cause, the root; and loops, that are broken at one place.

Read off afterwards, from the dates of a finished play. A part is named by its flow and its date. Owns: which input was
critical, which late supply drives, how the minutes of a delay are made up. Deliberately lacks: dates (``oracle``), what
a pool knows (``coverage``), how results are written (``expected``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.chain_oracle.coverage import Covered
from tests.chain_oracle.dates import NEVER, SINCE, minus, plus
from tests.chain_oracle.facts import Facts, Flow, Frozen
from tests.chain_oracle.hops import HOPS_MAX, Hop, folded
from tests.chain_oracle.oracle import finish_date

PartName = tuple[str, int]  # flow, date


@dataclass(frozen=True, slots=True)
class Root:
    """Where a delay comes from: a flow, what was reported last on it, and the class of the cause."""

    flow: str
    event: str | None
    reason: str | None
    cause_class: str
    culprit: str | None = None
    missing: int | None = None
    members: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a part is late: the root, and the hops from there to the part, oldest first."""

    root: Root
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Critical:
    """The input that comes last: its date (A), its date by plan (A0), and what stands behind the difference.

    ``late`` names the supply part to blame; ``frozen`` is what was written when the components were issued. At most one
    of the two. ``late_by`` is the delay of either.
    """

    date: int = SINCE
    baseline: int = SINCE
    late: PartName | None = None
    frozen: Frozen | None = None
    late_by: int = 0
    culprit: str | None = None
    missing: int = 0

    @property
    def is_late(self) -> bool:
        """Whether something explains that the input comes later than by plan."""
        return (self.late is not None or self.frozen is not None) and self.date > self.baseline

    def without_late(self) -> "Critical":
        """The same date, with nothing to blame."""
        return replace(self, late=None, frozen=None, late_by=0)


@dataclass(frozen=True, slots=True)
class FlowPart:
    """One part of a flow: when it ends, the date of its inputs that are still open, and which input was critical."""

    flow: Flow
    date: int
    open_date: int
    critical: Critical

    @property
    def name(self) -> PartName:
        """How other parts point to this one."""
        return self.flow.id, self.date

    @property
    def delay(self) -> int:
        """Minutes after the baseline."""
        return max(0, minus(self.date, self.flow.baseline))

    @property
    def driven(self) -> bool:
        """Whether a late supply has a share in the account of this part."""
        critical = self.critical
        return critical.is_late and (critical.date > self.flow.planned_start or self.date <= self.flow.baseline)


@dataclass(frozen=True, slots=True)
class Account:
    """The whole account: per part its hop, and its cause if it is late; ``cut`` are finite parts that broke a loop."""

    hops: Mapping[PartName, Hop]
    causes: Mapping[PartName, Cause]
    cut: frozenset[PartName]


def account(facts: Facts, flows: Mapping[str, list[tuple[int, int]]], inputs: Mapping[str, list[Covered]]) -> Account:
    """Facts, parts of every flow, covered parts of every demand (``flow/n``) -> the account of every flow's parts."""
    parts = {
        part.name: part
        for flow in facts.flows.values()
        for part in flow_parts(flow, [date for date, _ in flows[flow.id]], inputs, facts.now)
    }
    roots: dict[PartName, Root] = {}
    cut = set()
    for loop in _loops(parts):
        least = min(loop)
        if least[1] == NEVER:
            start = loop.index(least)
            members = tuple(flow for flow, _ in loop[start:] + loop[:start])
            roots[least] = replace(_root(parts[least].flow, "loop"), members=members)
        else:
            parts[least] = replace(parts[least], critical=parts[least].critical.without_late())
            cut.add(least)
    hops = {name: hop_of(part) for name, part in parts.items()}
    causes: dict[PartName, Cause] = {}
    for name in parts:
        _explain(name, parts, hops, roots, causes, facts.now)
    return Account(hops, causes, frozenset(cut))


def flow_parts(flow: Flow, dates: list[int], inputs: Mapping[str, list[Covered]], now: int) -> list[FlowPart]:
    """A flow's parts with their critical inputs; where parts of inputs end on one date, the last of them tells."""
    if flow.decided:
        frozen = flow.frozen if flow.actual_finish is not None and flow.frozen and flow.frozen.root else None
        critical = _from_frozen(frozen) if frozen else Critical()
        return [FlowPart(flow, date, SINCE, critical) for date in dates]
    if not flow.goes_in_parts:
        last = [_from_input(inputs[f"{flow.id}/{number}"][-1]) for number in flow.open_inputs]
        return [_part(flow, date, last) for date in dates]
    steps = [[_from_input(part)] for part in inputs[f"{flow.id}/{flow.open_inputs[0]}"]]
    if flow.inputs[0].issued:
        steps.insert(0, [])
    told = {}
    for step in steps:
        told[finish_date(flow, step[0].date if step else SINCE, now)] = step
    return [_part(flow, date, told[date]) for date in dates]


def _part(flow: Flow, date: int, last: list[Critical]) -> FlowPart:
    """A part of a flow from the last parts of its open inputs; on equal dates the lowest input, what is open first."""
    candidates = last + ([_from_frozen(flow.frozen)] if flow.frozen else [])
    critical = max(candidates, key=lambda candidate: candidate.date, default=Critical())
    return FlowPart(flow, date, max((candidate.date for candidate in last), default=SINCE), critical)


def _from_input(part: Covered) -> Critical:
    late_by = minus(part.late.date, part.late.baseline) if part.late else 0
    late = (part.late.flow, part.late.date) if part.late else None
    return Critical(part.date, part.baseline, late, None, late_by, part.culprit, part.missing)


def _from_frozen(frozen: Frozen) -> Critical:
    known = frozen if frozen.root else None
    return Critical(frozen.date, frozen.baseline, frozen=known, late_by=frozen.late_by if known else 0)


def _loops(parts: Mapping[PartName, FlowPart]) -> list[list[PartName]]:
    """The cycles of late supplies, each in the direction of the goods."""
    behind = {name: part.critical.late for name, part in parts.items() if part.driven and part.critical.late}
    loops = []
    seen: set[PartName] = set()
    for name in behind:
        walk: list[PartName] = []
        at: PartName | None = name
        while at is not None and at not in seen:
            seen.add(at)
            walk.append(at)
            at = behind.get(at)
        if at is not None and at in walk:
            loops.append(walk[walk.index(at) :][::-1])
    return loops


def hop_of(part: FlowPart) -> Hop:
    """How the minutes of a part are made up: what came in, what absorbed it, what was added, what goes out."""
    flow, critical, driven = part.flow, part.critical, part.driven
    late_by = critical.late_by if driven else 0
    if part.date == NEVER:
        return Hop(flow.id, flow.enterprise, late=late_by, out=NEVER)
    reach = critical.date - critical.baseline if driven else 0
    explained = max(flow.planned_start, critical.date) + flow.lead_minutes
    own_signed = part.date - explained
    margin = flow.baseline - explained
    if driven and critical.date > flow.planned_start:
        margin = flow.baseline - plus(critical.baseline, flow.lead_minutes)
    plan, own = max(0, -margin), max(0, own_signed)
    absorbed = reach + plan + own - part.delay
    recovered = min(max(0, -own_signed), absorbed)
    return Hop(
        flow=flow.id,
        enterprise=flow.enterprise,
        late=late_by,
        stock=minus(late_by, reach),
        reach=reach,
        slack=absorbed - recovered,
        recovered=recovered,
        plan=plan,
        own=own,
        out=part.delay,
    )


def _explain(
    name: PartName,
    parts: Mapping[PartName, FlowPart],
    hops: Mapping[PartName, Hop],
    roots: Mapping[PartName, Root],
    causes: dict[PartName, Cause],
    now: int,
) -> None:
    """Writes the cause of a late part, and of those behind it first."""
    chain: list[PartName] = []
    at: PartName | None = name
    while at is not None and at not in causes and parts[at].delay > 0:
        assert at not in chain, f"a loop that was not broken: {chain}"
        chain.append(at)
        at = parts[at].critical.late if parts[at].driven and at not in roots else None
    for part in (parts[at] for at in reversed(chain)):
        before = None
        if part.driven and part.name not in roots:
            before = _cause_behind(part.critical, causes)
        root = roots.get(part.name) or _root_of(part, hops[part.name], before, now)
        hops_behind = before.hops if before else ()
        causes[part.name] = Cause(root, folded((*hops_behind, hops[part.name]), HOPS_MAX))


def _cause_behind(critical: Critical, causes: Mapping[PartName, Cause]) -> Cause:
    if critical.late:
        return causes[critical.late]
    frozen = critical.frozen
    assert frozen is not None
    assert frozen.root is not None
    return Cause(_read_root(frozen.root), tuple(Hop.read(hop) for hop in frozen.hops))


def _root_of(part: FlowPart, hop: Hop, before: Cause | None, now: int) -> Root:
    """The larger share names the root: what came in and was not absorbed here, or what was added here."""
    flow, critical = part.flow, part.critical
    if part.date == NEVER:
        if flow.lost:
            return _root(flow, "lost")
        return before.root if before else replace(_root(flow, "short"), missing=critical.missing)
    if before and hop.reach - hop.slack - hop.recovered >= hop.plan + hop.own:
        return before.root
    if hop.own >= hop.plan and hop.own > 0:
        spoken = finish_date(flow, part.open_date, SINCE) == part.date
        return _root(flow, "reported" if spoken else "silent")
    if critical.culprit and critical.date > flow.planned_start:
        return replace(_root(flow, "shared"), culprit=critical.culprit)
    return _root(flow, "planned")


def _root(flow: Flow, cause_class: str) -> Root:
    return Root(flow.id, flow.event, flow.reason, cause_class)


def _read_root(root: Mapping[str, Any]) -> Root:
    members = root.get("members")
    return Root(
        root["flow"],
        root["event"],
        root["reason"],
        root["class"],
        root.get("culprit"),
        root.get("missing"),
        members and tuple(members),
    )
