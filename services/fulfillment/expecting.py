"""When the output of a flow is expected: what line flows and work orders share.

Owns: what a pool said of an input, what the owner reported, what was told last of the output, the numbers of the chain
at the door (minutes, millionths), and when silence becomes news. Deliberately lacks: the rules of dates and causes
(``services.chain``), and the plan of a flow, which each kind of flow knows for itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.chain.closures import Closure, latest_start
from services.chain.expectation import Expectation, expectation_of
from services.chain.flow import Basis, Expected, ExpectedPart
from services.chain.moments import NEVER, minute_of
from services.chain.pool_facts import CoveredPart, DemandCovered, Frozen, SupplyPart
from services.fulfillment.amounts import (
    INSTANT_MAX_MS,
    MINUTE_MS,
    first_refusal,
    in_range,
    refuse_future,
    refuse_instant,
)
from services.fulfillment.keys import disruption_key, refuse_optional_id
from services.kernel.model import Rows
from services.kernel.values import Origin, Refused

SILENCE_GRID_MINUTES: Final = 60
"""Silence is told on the hour: an overdue flow that moved with each tick would set its whole chain in motion."""

TOLD: Final = "told"
REPORT: Final = "report"
"""Row keys of FlowReckoned and FlowReport."""


# Facts, each also the row that it leaves
@dataclass(frozen=True, slots=True)
class InputCovered:
    """What a pool said of a flow's n-th input; quantities in millionths of the pool's unit.

    ``parts``: when what is open will be there; ``frozen``: what was known of the units that were issued late.
    ``tracked`` false: nothing is known of the input, so nothing is to be waited for.
    """

    n: int
    tracked: bool
    issued: int = 0
    parts: tuple[CoveredPart, ...] = ()
    frozen: Frozen | None = None


@dataclass(frozen=True, slots=True)
class FlowReckoned:
    """What a flow tells of its output: its parts for the pool that waits for it, its expectation for all others.

    The parts are of the whole quantity, in millionths; what was received comes first. None: nothing is to come.
    ``quiet_until``: the minute from which on silence moves a date; 0 if it moves none.
    """

    parts: tuple[SupplyPart, ...] = ()
    expectation: Expectation | None = None
    quiet_until: int = 0


@dataclass(frozen=True, slots=True)
class FlowReport:
    """What the owner of a flow says of it. ``event``: the report, or the disruption that it names; "" for no report.

    ``reported_at_ms``: when it was said, None for no report.
    """

    estimated_start_at_ms: int | None = None
    estimated_finish_at_ms: int | None = None
    firm: bool = False
    actual_start_at_ms: int | None = None
    actual_finish_at_ms: int | None = None
    lost: bool = False
    reason_code: str = ""
    event: str = ""
    reported_at_ms: int | None = None


NOTHING_REPORTED: Final = FlowReport()
NOTHING_TO_COME: Final = FlowReckoned()


def report_of(rows: Rows) -> FlowReport:
    """What the owner of a flow reported last."""
    return rows.get(REPORT) or NOTHING_REPORTED


def told_of(rows: Rows) -> FlowReckoned:
    """What was told last of a flow's output."""
    return rows.get(TOLD) or NOTHING_TO_COME


def reported(said: FlowReport, before: FlowReport, disruption_id: str, outdated: bool) -> FlowReport:
    """What was said, but as it was reported before if that is no news: it says nothing else and names no disruption.

    ``outdated``: a disruption was reported meanwhile, so a firm word that is repeated is one in its knowledge.
    """
    as_before = replace(said, event=before.event, reported_at_ms=before.reported_at_ms) == before
    return before if as_before and not disruption_id and not (said.firm and outdated) else said


def event_of(origin: Origin, disruption_id: str) -> str:
    """What a report is counted under: its sender's disruption, so that several reports are one incident, or itself."""
    return disruption_key(origin.enterprise, disruption_id) if disruption_id else origin.command_id


def refuse_report(said: FlowReport, disruption_id: str, now_ms: int) -> Refused | None:
    """Why nobody can mean the report (actuals still to come, a finish before the start, firm without date), or None."""
    dates = {
        "estimated_start_at": said.estimated_start_at_ms,
        "estimated_finish_at": said.estimated_finish_at_ms,
        "actual_start_at": said.actual_start_at_ms,
        "actual_finish_at": said.actual_finish_at_ms,
    }
    refused = first_refusal(
        *(refuse_instant(at_ms, field) for field, at_ms in dates.items() if at_ms is not None),
        refuse_optional_id(said.reason_code, "reason_code"),
        refuse_optional_id(disruption_id, "disruption_id"),
    )
    if refused is not None:
        return refused
    for field in ("actual_start_at", "actual_finish_at"):
        if (refused := refuse_future(dates[field] or 0, field, now_ms)) is not None:
            return refused
    start = said.actual_start_at_ms or said.estimated_start_at_ms
    finish = said.actual_finish_at_ms or said.estimated_finish_at_ms
    if start is not None and finish is not None and finish < start:
        return Refused(
            "finish-before-start",
            "send a finish that is not before the start",
            "estimated_finish_at" if said.actual_finish_at_ms is None else "actual_finish_at",
        )
    if said.firm and said.estimated_finish_at_ms is None:
        return Refused("firm-without-finish", "send the estimated finish that is firm", "estimated_finish_at")
    return None


def outdated_of(told: FlowReckoned, now: int) -> FlowReckoned:
    """What is told instead of a date to which more stages lead than any supply chain has: the one before, as such.

    Whoever made the chain so long is perhaps not the flow's owner, so it goes on with what is said of it next. And with
    silence: once what it waits for is overdue itself, that does not decide any more, however many stages led to it.
    """
    said = told.expectation
    return replace(
        told, expectation=said and replace(said, basis=Basis.OUTDATED), quiet_until=max(told.quiet_until, now)
    )


def minute_or_none(at_ms: int | None) -> int | None:
    """The minute of a moment that may not be known."""
    return None if at_ms is None else minute_of(at_ms)


def answer_of(flow: str, said: InputCovered) -> DemandCovered:
    """What a pool said, as the chain takes it."""
    return DemandCovered(flow, said.n, said.parts, said.issued, said.frozen)


def supply_part(part: ExpectedPart) -> SupplyPart:
    """What is told of an expected part to the pool that waits for it."""
    return SupplyPart(part.date, part.quantity, part.cause, part.path, part.trail)


def reckoned_of(expected: Expected, quiet_until: int) -> FlowReckoned:
    """What is told of a flow that is one whole."""
    return FlowReckoned(tuple(map(supply_part, expected.parts)), expectation_of(expected), quiet_until)


def quiet_until(dates: Iterable[int], lead_when_silent: int = 0, closures: Sequence[Closure] = ()) -> int:
    """The minute after which silence moves one of the dates (of goods that are still to come); 0 if it moves none.

    A date is never before now; ``lead_when_silent``: nor before a start now would end, where starts are reported.
    """
    lead = lead_when_silent
    starts = (latest_start(date, lead, closures) if lead else date for date in dates if date != NEVER)
    return min((max(start, 1) for start in starts), default=0)


def alarm_of(told: FlowReckoned | None) -> int | None:
    """The moment (ms) at which silence is to be told next: on the hour, when it has moved a date."""
    if told is None or not told.quiet_until:
        return None
    at_ms = (told.quiet_until // SILENCE_GRID_MINUTES + 1) * SILENCE_GRID_MINUTES * MINUTE_MS
    return at_ms if at_ms <= INSTANT_MAX_MS else None


def later_ms(at_ms: int, date: int) -> int | None:
    """A moment, or that of a date of the chain if that is later: None if it is never."""
    if date == NEVER:
        return None
    return at_ms if date <= minute_of(at_ms) else in_range(date * MINUTE_MS)
