"""Which lines are late and which delays are one incident: functions of the present facts and of nothing else.

Owns: the state of an alert, what to call a change of it, and the grouping of late lines by what made them late.
Deliberately lacks: hold times, digests and acknowledgements (they are about notifications), prices, and who may see
what.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.chain.causes import Root, RootClass
from services.chain.moments import NEVER


class AlertState(StrEnum):
    """What there is to say about a line."""

    NONE = "none"
    LATE = "late"
    SHORT = "short"


class AlertChange(StrEnum):
    """What there is to say about a change of it."""

    RAISED = "DelayRaised"
    CHANGED = "DelayChanged"
    CLEARED = "DelayCleared"


def alert_state(delay: int, tolerance_minutes: int = 0) -> AlertState:
    """The state for a delay (minutes, NEVER without a date) on an edge that tolerates so many minutes."""
    if delay == NEVER:
        return AlertState.SHORT
    return AlertState.LATE if delay > tolerance_minutes else AlertState.NONE


def alert_change(delay_before: int, delay: int, tolerance_minutes: int = 0) -> AlertChange | None:
    """What the change from one delay to another is to be called; None if there is nothing to say."""
    before, after = alert_state(delay_before, tolerance_minutes), alert_state(delay, tolerance_minutes)
    if before == AlertState.NONE:
        return None if after == AlertState.NONE else AlertChange.RAISED
    if after == AlertState.NONE:
        return AlertChange.CLEARED
    return None if delay_before == delay else AlertChange.CHANGED


def incident_of(root: Root) -> str:
    """What a delay is counted under: the reported event, so that one fire in two work orders is one incident.

    Without an event it is the demand that was served first, the least member of a loop, or the flow where it began.
    """
    if root.event:
        return root.event
    if root.kind == RootClass.SHARED:
        return root.culprit
    return min(root.members) if root.kind == RootClass.LOOP else root.flow


@dataclass(frozen=True, slots=True)
class LateLine:
    """An order line that is behind its promise, the enterprises that are parties of it, and the root of its delay."""

    line: str
    enterprises: tuple[str, ...]
    root: Root


@dataclass(frozen=True, slots=True)
class Incident:
    """All late lines with one root, in the order in which they were given, and all enterprises that it reaches."""

    incident: str
    lines: tuple[str, ...]
    enterprises: tuple[str, ...]


def incidents(lines: Iterable[LateLine]) -> tuple[Incident, ...]:
    """The incidents behind late lines, in the order of their first lines; enterprises sorted."""
    grouped: dict[str, list[LateLine]] = {}
    for line in lines:
        grouped.setdefault(incident_of(line.root), []).append(line)
    return tuple(
        Incident(
            incident,
            tuple(late.line for late in together),
            tuple(sorted({enterprise for late in together for enterprise in late.enterprises})),
        )
        for incident, together in grouped.items()
    )
