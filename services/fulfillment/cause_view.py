"""Why a flow is late, as its parties may see it. Deliberately lacks: names of flows, enterprises and events of others.

What others reported, left unsaid or lost is "supply" to all but the owner of the flow where the delay began; where that
is the common line itself, its buyer sees "transport", as in the order.
"""

from enum import StrEnum
from typing import Final

from services.chain.causes import Cause, RootClass, class_of
from services.chain.moments import NEVER


class CauseClass(StrEnum):
    """Why it is late: the first three are its owner's own doing or silence, SUPPLY is something that it needs."""

    REPORTED = "REPORTED"
    SILENT = "SILENT"
    LOST = "LOST"
    SUPPLY = "SUPPLY"
    SHARED = "SHARED"
    SHORT = "SHORT"
    PLANNED = "PLANNED"
    LOOP = "LOOP"
    TRANSPORT = "TRANSPORT"


_OWN: Final = {kind: CauseClass[kind.name] for kind in RootClass}
_OF_OTHERS: Final = {kind: CauseClass[class_of(kind).name] for kind in RootClass}
_MINUTES_PER_DAY: Final = 1440


def shown_to_owner(key: str, cause: Cause | None) -> tuple[CauseClass | None, str]:
    """The class, and the owner's own reason where that is the cause: of a work order, a transfer or a line it sells."""
    if cause is None:
        return None, ""
    root = cause.root
    return (_OWN[root.kind], root.reason) if root.flow == key else (_OF_OTHERS[root.kind], "")


def shown_to_buyer(key: str, cause: Cause | None) -> tuple[CauseClass | None, str]:
    """The class, and what the seller said of the line itself where that is the cause."""
    if cause is None:
        return None, ""
    seen = _OF_OTHERS[cause.root.kind]
    if cause.root.flow != key:
        return seen, ""
    return CauseClass.TRANSPORT if seen is CauseClass.SUPPLY else seen, cause.root.reason


def days_of(delay: int) -> int | None:
    """Days of a delay in minutes, begun ones included; None if there is no date to expect."""
    return None if delay == NEVER else -(-delay // _MINUTES_PER_DAY)
