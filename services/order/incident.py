"""What the people of an enterprise say about an incident: who has taken it up, and what they tell each other.

Owns: row ``head`` under ``incident/<enterprise>/<reference>``, the last comments only (the event log has all). The key
has the tenant in it, so nobody says anything about what another enterprise sees. Deliberately lacks: which lines are
late by it (``exposure`` counts them), so whether there is such an incident at all: the front door asks the view.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, assert_never

from services.kernel.model import Aggregate, Rows
from services.kernel.values import EnterpriseId, Origin, Refused
from services.order.terms import bad_id, check_text, is_id

COMMENTS_MAX: Final = 5
INCIDENT_UNKNOWN: Final = Refused(
    "incident-unknown", "give the reference of a row of the view incidents; it goes when no line is late any more"
)


class IncidentState(StrEnum):
    """OPEN: nobody has taken it up. CONFIRMED: somebody has. RESOLVED: taken up, and no line is late by it any more."""

    OPEN = "OPEN"
    CONFIRMED = "CONFIRMED"
    RESOLVED = "RESOLVED"


# Facts
@dataclass(frozen=True, slots=True)
class IncidentAcknowledged:
    """Somebody has taken it up; ``by`` is the opaque id of the person, empty where nobody was named."""

    by: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class IncidentCommented:
    """Somebody said something about it, for the own enterprise only."""

    by: str
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class IncidentClosed:
    """What was said about it is done with."""

    by: str
    at_ms: int


IncidentFact = IncidentAcknowledged | IncidentCommented | IncidentClosed


# Commands
@dataclass(frozen=True, slots=True)
class AcknowledgeIncident:
    """A person takes it up; who was first stays."""

    reference: str


@dataclass(frozen=True, slots=True)
class CommentIncident:
    """A person says something about it to the others of the enterprise."""

    reference: str
    text: str


@dataclass(frozen=True, slots=True)
class CloseIncident:
    """Done with: what is late by it still is open again, what is not late any more leaves the view."""

    reference: str


IncidentCommand = AcknowledgeIncident | CommentIncident | CloseIncident


# Rows
@dataclass(frozen=True, slots=True)
class Comment:
    """Who said what, and when (ms since 1970 UTC)."""

    by: str
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Notes:
    """Row ``head``: who took the incident up first, and the last comments, oldest first."""

    acknowledged_by: str = ""
    acknowledged_at_ms: int | None = None
    comments: tuple[Comment, ...] = ()


HEAD: Final = "head"


def parties_of_key(key: str) -> tuple[EnterpriseId, str]:
    """Enterprise and reference, read back from the key."""
    _, enterprise, reference = key.split("/", 2)
    return EnterpriseId(enterprise), reference


def key_of(command: Any, sender: EnterpriseId) -> str:
    """An incident is the sender's own, whoever else may suffer from what is behind it."""
    return f"incident/{sender}/{command.reference}"


def evolve(rows: Rows, fact: IncidentFact) -> dict[str, Any]:
    """The rows that the fact changes."""
    notes: Notes = rows.get(HEAD) or Notes()
    match fact:
        case IncidentAcknowledged(by, at_ms):
            return {HEAD: replace(notes, acknowledged_by=by, acknowledged_at_ms=at_ms)}
        case IncidentCommented(by, text, at_ms):
            return {HEAD: replace(notes, comments=(*notes.comments, Comment(by, text, at_ms))[-COMMENTS_MAX:])}
        case IncidentClosed():
            return {HEAD: None}
        case _:
            assert_never(fact)


def decide(rows: Rows, command: IncidentCommand, origin: Origin) -> tuple[IncidentFact, ...] | Refused:
    """The facts that the command makes, or why not; acknowledged or closed again adds nothing."""
    if not is_id(command.reference):
        return bad_id(command.reference, "reference")
    notes: Notes | None = rows.get(HEAD)
    by, at_ms = origin.actor, origin.now_ms
    match command:
        case AcknowledgeIncident():
            if notes is not None and notes.acknowledged_at_ms is not None:
                return ()
            return (IncidentAcknowledged(by, at_ms),)
        case CommentIncident(_, text):
            if not text.strip():
                return Refused("bad-text", "say something, or nothing at all", "text")
            return check_text(text, "text") or (IncidentCommented(by, text, at_ms),)
        case CloseIncident():
            return () if notes is None else (IncidentClosed(by, at_ms),)
        case _:
            assert_never(command)


INCIDENT = Aggregate(
    kind="incident",
    commands=IncidentCommand.__args__,
    facts=IncidentFact.__args__,
    rows={HEAD: Notes},
    key=key_of,
    decide=decide,
    evolve=evolve,
)
