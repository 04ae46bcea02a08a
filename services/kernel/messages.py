"""The kernel's own messages: what a command came to, what was set aside, what time it is."""

from dataclasses import dataclass
from enum import StrEnum

from services.kernel.values import Refused


class OutcomeStatus(StrEnum):
    """What became of a command."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The one answer to a command. ``version``: stream version of the aggregate after it; ``events``: how many it made.

    ``topic``, ``partition``, ``offset``: the command's own position, a token to read one's own write with.
    """

    command_id: str
    status: OutcomeStatus
    aggregate: str
    version: int
    events: int
    topic: str
    partition: int
    offset: int
    fingerprint: bytes
    code: str = ""
    advice: str = ""
    field: str = ""

    @property
    def refused(self) -> Refused | None:
        """The refusal, if it is one."""
        return Refused(self.code, self.advice, self.field) if self.status is OutcomeStatus.REFUSED else None


class DeadLetterKind(StrEnum):
    """Why a record was set aside."""

    MALFORMED = "MALFORMED"
    PARKED = "PARKED"
    REFUSED_REACTION = "REFUSED_REACTION"


@dataclass(frozen=True, slots=True)
class DeadLetterHeader:
    """One header of the original record; ``null``: it had no value, and ``value`` is empty."""

    name: str
    value: bytes
    null: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that was not processed: where it came from, why, and its original bytes."""

    kind: DeadLetterKind
    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes
    headers: tuple[DeadLetterHeader, ...] = ()


@dataclass(frozen=True, slots=True)
class Tick:
    """The time, as a message."""

    now_ms: int
