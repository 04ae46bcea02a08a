"""A disruption: from when to when a site of its reporter stands still, and which flows that holds up.

Key ``disruption/<enterprise>/<id>``, which is also what all delays by it are counted under: with reports that name the
same id they are one incident. Owns: site, dates, reason and the flows that were named, each told of it. What it means
to a flow is the flow's own reckoning (disrupted.py). Deliberately lacks: the choice of flows (its reporter names them),
and whether a flow exists: one that does not yet is held up once it comes, and others' are told in vain. Nothing is said
of that, or it would tell who orders what.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, assert_never

from services.fulfillment.amounts import first_refusal, refuse_instant
from services.fulfillment.keys import (
    DisruptionId,
    FlowKey,
    LineId,
    SiteId,
    TransferId,
    WorkId,
    disruption_key,
    line_flow_key,
    refuse_id,
    refuse_optional_id,
    refuse_text,
    transfer_flow_key,
    work_key,
)
from services.kernel.model import Aggregate, Changes, Rows
from services.kernel.values import EnterpriseId, Origin, Refused

FLOWS_MAX: Final = 1000
"""Of one disruption; each is told in the transaction in which it is reported."""


# Rows
@dataclass(frozen=True, slots=True)
class DisruptionHead:
    """What is reported. ``to_at_ms`` None: unknown. ``reported_at_ms``: when the site and the dates were."""

    site: SiteId
    from_at_ms: int
    to_at_ms: int | None
    reason_code: str
    reason: str
    reported_at_ms: int
    flows: int
    lifted: bool = False


@dataclass(frozen=True, slots=True)
class NamedFlow:
    """A flow that it holds up, and since when that is known; gone when it is not named any more."""

    flow_key: FlowKey
    named_at_ms: int


def named_row(key: FlowKey) -> str:
    """The key of a named flow's row."""
    return f"named/{key}"


# Facts
@dataclass(frozen=True, slots=True)
class SiteDisrupted:
    """The site stands still from then to then; the whole report but for the flows that were named before.

    ``reported_at_ms`` is that of the first report with this site and these dates.
    """

    site: SiteId
    from_at_ms: int
    to_at_ms: int | None
    reason_code: str
    reason: str
    reported_at_ms: int
    named_at_ms: int
    named: tuple[FlowKey, ...]
    named_no_more: tuple[FlowKey, ...]


@dataclass(frozen=True, slots=True)
class DisruptionLifted:
    """It is as if it had never been reported."""


Fact = SiteDisrupted | DisruptionLifted


# Commands, both reports of the sender.
@dataclass(frozen=True, slots=True)
class NamedLine:
    """An order line that the sender sells."""

    buyer: EnterpriseId
    number: str
    line: LineId


@dataclass(frozen=True, slots=True)
class DisruptSite:
    """Report: a site of the sender stands still; whole, it replaces what was reported under the id before.

    ``to_at_ms`` None: nobody knows until when. It holds up the work orders, the order lines and the transfers that it
    names, at most 1,000 in all, each as far as it is worked on at the site or leaves it.
    """

    disruption: DisruptionId
    site: SiteId
    from_at_ms: int
    to_at_ms: int | None = None
    reason_code: str = ""
    reason: str = ""
    work: tuple[WorkId, ...] = ()
    lines: tuple[NamedLine, ...] = ()
    transfers: tuple[TransferId, ...] = ()


@dataclass(frozen=True, slots=True)
class LiftDisruption:
    """Report: the sender takes the disruption back, and all that it held up is as before."""

    disruption: DisruptionId


Command = DisruptSite | LiftDisruption


def evolve(rows: Rows, fact: Fact) -> Changes:
    """The rows that the fact changes. Total."""
    head: DisruptionHead | None = rows.get("head")
    match fact:
        case SiteDisrupted():
            flows = (0 if head is None else head.flows) + len(fact.named) - len(fact.named_no_more)
            said = DisruptionHead(
                fact.site, fact.from_at_ms, fact.to_at_ms, fact.reason_code, fact.reason, fact.reported_at_ms, flows
            )
            return {
                "head": said,
                **{named_row(key): None for key in fact.named_no_more},
                **{named_row(key): NamedFlow(key, fact.named_at_ms) for key in fact.named},
            }
        case DisruptionLifted():
            return {} if head is None else {"head": replace(head, lifted=True)}
        case _:
            assert_never(fact)


def decide(rows: Rows, command: Command, origin: Origin) -> tuple[Fact, ...] | Refused:
    """The facts that the command makes, or why not; none if it says what is known already."""
    head: DisruptionHead | None = rows.get("head")
    match command:
        case DisruptSite():
            return _disrupt(rows, head, command, origin)
        case LiftDisruption():
            if head is None:
                return Refused("disruption-unknown", "name a disruption that you reported", "disruption")
            return () if head.lifted else (DisruptionLifted(),)
        case _:
            assert_never(command)


def _disrupt(
    rows: Rows, head: DisruptionHead | None, command: DisruptSite, origin: Origin
) -> tuple[Fact, ...] | Refused:
    flows = dict.fromkeys(_flows(command, origin.enterprise))
    refused = first_refusal(
        refuse_id(command.disruption, "disruption"),
        refuse_id(command.site, "site"),
        refuse_instant(command.from_at_ms, "from_at"),
        None if command.to_at_ms is None else refuse_instant(command.to_at_ms, "to_at"),
        refuse_optional_id(command.reason_code, "reason_code"),
        refuse_text(command.reason, "reason"),
        *(refuse_id(work, "work") for work in command.work),
        *(refuse_id(transfer, "transfers") for transfer in command.transfers),
        *(refuse_id(part, "lines") for named in command.lines for part in (named.buyer, named.number, named.line)),
    )
    if refused is not None:
        return refused
    if command.to_at_ms is not None and command.to_at_ms <= command.from_at_ms:
        return Refused(
            "disruption-without-time", "send a to_at that is after from_at, or none if it is unknown", "to_at"
        )
    if len(flows) > FLOWS_MAX:
        advice = f"name at most {FLOWS_MAX} flows; report the others under a second id"
        return Refused("flows-too-many", advice, "work")
    before = {row.flow_key for _, row in rows.scan("named/")}
    named = tuple(key for key in flows if key not in before)
    no_more = tuple(sorted(before - flows.keys()))
    dates = command.site, command.from_at_ms, command.to_at_ms
    says = *dates, command.reason_code, command.reason
    at_ms = origin.recorded_at_ms
    if head is not None and not head.lifted:
        if not (named or no_more) and says == (*_dates(head), head.reason_code, head.reason):
            return ()
        if dates == _dates(head):
            at_ms = head.reported_at_ms
    return (SiteDisrupted(*says, at_ms, origin.recorded_at_ms, named, no_more),)


def _dates(head: DisruptionHead) -> tuple[SiteId, int, int | None]:
    return head.site, head.from_at_ms, head.to_at_ms


def _flows(command: DisruptSite, owner: EnterpriseId) -> Iterator[FlowKey]:
    yield from (work_key(owner, work) for work in command.work)
    yield from (line_flow_key(named.buyer, named.number, named.line) for named in command.lines)
    yield from (transfer_flow_key(owner, transfer) for transfer in command.transfers)


def key_of(command: Command, sender: EnterpriseId) -> str:
    """The key of the sender's disruption that the command is for."""
    return disruption_key(sender, command.disruption)


DISRUPTION = Aggregate(
    kind="disruption",
    commands=Command.__args__,
    facts=Fact.__args__,
    rows={"head": DisruptionHead, "named": NamedFlow},
    key=key_of,
    decide=decide,
    evolve=evolve,
)
