"""What an order keeps of what the chain expects of a line: its date, its delay, and of the cause what may be shown.

Owns: the reduction of a cause. The hops are counted and forgotten here; of the root its identity stays, for references
only. Deliberately lacks: how a viewer sees it (``line_view``), and the whole cause (the event log has it).
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Final

from services.chain.alerts import incident_of
from services.chain.causes import Cause, CauseClass, RootClass, class_of
from services.chain.expectation import Expectation
from services.chain.flow import Basis
from services.chain.moments import NEVER

TIERS_MAX: Final = 4  # from the buyer of the line; its seller counts one less, and three or more are one to both


class CauseKind(StrEnum):
    """What kind of thing made a line late, as its parties may know it."""

    SUPPLY = "supply"
    SHARED = "shared"
    SHORT = "short"
    PLANNED = "planned"
    TRANSPORT = "transport"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class DelayShare:
    """What the seller's own flows on the way of a delay did, in minutes: incoming − absorbed + caused = passed on."""

    incoming_minutes: int
    absorbed_minutes: int
    caused_minutes: int
    passed_minutes: int


@dataclass(frozen=True, slots=True)
class LineCause:
    """``root``: what the delay is counted under, never to be shown. ``tiers``: enterprises from the buyer to the root.

    ``reason``: what was said of the line itself, where the delay began there. ``share``: for the seller only.
    ``origin``: the flow key of the line by which the delay left the root's enterprise, empty where that is a party.
    """

    root: str
    kind: CauseKind
    tiers: int
    reason: str = ""
    share: DelayShare | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """``date`` in minutes since 1970 UTC, ``delay`` in minutes; NEVER: there is no date to expect."""

    date: int
    delay: int
    basis: Basis
    cause: LineCause | None = None


def outlook_of(said: Expectation | None) -> Outlook | None:
    """What is kept of what the flow of a line said."""
    if said is None:
        return None
    return Outlook(said.date, said.delay, said.basis, None if said.cause is None else _kept(said.cause))


def _kept(cause: Cause) -> LineCause:
    root = cause.root
    begins_here = bool(cause.hops) and root.flow == cause.hops[-1].flow  # the last hop is the line's own
    return LineCause(
        incident_of(root), _kind(root.kind, begins_here), _tiers(cause), root.reason if begins_here else "",
        _share(cause), _origin(cause),
    )  # fmt: skip


def _origin(cause: Cause) -> str:
    """The last flow of the enterprise where it began, if that is an order line and it is no party; else nothing."""
    places = [place for place, hop in enumerate(cause.hops) if hop.flow == cause.root.flow]
    if not places:
        return ""
    began = cause.hops[places[0]].enterprise
    left = list(takewhile(lambda hop: hop.enterprise == began, cause.hops[places[0] :]))[-1].flow
    own = cause.hops[-1]
    return left if _buyer_of(left) and began not in (own.enterprise, _buyer_of(own.flow)) else ""


def _buyer_of(flow: str) -> str:
    """The buyer of an order line by the key of its flow; empty for another flow."""
    kind, *parts = flow.split("/")
    return parts[0] if kind == "flow" and len(parts) == 3 else ""


def _share(cause: Cause) -> DelayShare | None:
    """Of the last hops that are all the seller's; None where one is folded (it may be others' as well) or endless."""
    own = list(takewhile(lambda hop: hop.enterprise == cause.hops[-1].enterprise, reversed(cause.hops)))
    if not own or any(hop.count > 1 or NEVER in (hop.delay_in, hop.delay_out) for hop in own):
        return None
    absorbed = sum(hop.stock + hop.slack + hop.recovered - min(hop.calendar, 0) for hop in own)
    caused = sum(hop.plan + hop.own + max(hop.calendar, 0) for hop in own)
    return DelayShare(own[-1].delay_in, absorbed, caused, own[0].delay_out)


def _kind(kind: RootClass, begins_here: bool) -> CauseKind:
    """As others may know it; a supply that is late by itself is a matter of its delivery."""
    seen = class_of(kind)
    return CauseKind.TRANSPORT if begins_here and seen is CauseClass.SUPPLY else CauseKind(seen.value)


def _tiers(cause: Cause) -> int:
    """From the last hop, the line's own, back to that of the root: how often the goods come to another enterprise.

    Hops that stand before the root's were late too, but did not decide. A root whose hop was folded away is far enough.
    """
    tiers, enterprise = 0, None
    for hop in reversed(cause.hops):
        if hop.enterprise != enterprise:
            tiers, enterprise = tiers + 1, hop.enterprise
        if hop.flow == cause.root.flow:
            break
    return min(max(tiers, 1), TIERS_MAX)
