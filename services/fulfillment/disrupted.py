"""What a disruption of a site means to a flow that it names: what line flows and work orders share.

What was to be worked on at the site, or to leave it, within [from, to) is not before ``to``:
- a work order that was to start then starts at ``to``, one that was at work then goes on at ``to``;
- of a line or a transfer what was to leave then leaves at ``to``; what has left is on its way. When what has begun is
  reported, what has not left has not left before, so it leaves at ``to`` even if it was to leave earlier;
- without ``to`` nobody knows when it goes on, so there is no date to expect;
- an actual wins: a finish is a finish, and a start that is reported from ``from`` on says that the site worked;
- an estimate given before the disruption knew nothing of it, and is held up by it as well, also a firm one; one given
  later stands as it is. So a later firm estimate decides alone, and a later plain one can only make it later still.

Owns: what is kept of a disruption beside a flow. Deliberately lacks: the disruption itself (disruption.py), and what
was to arrive at the site: goods that wait at its gate have no date that anybody would know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.chain.closures import Closure
from services.chain.moments import NEVER, SINCE, minute_of
from services.fulfillment.expecting import FlowReport
from services.fulfillment.keys import SiteId, owner_of
from services.kernel.model import Changes, Rows
from services.kernel.values import EnterpriseId, Refused

DISRUPTIONS_MAX: Final = 100
"""Standing at one time on one flow, by one enterprise."""

DISRUPTION: Final = "disruption"
"""The kind of the rows."""


@dataclass(frozen=True, slots=True)
class FlowDisrupted:
    """Link, fact and row: this is what a disruption says to a flow that it names; ``withdrawn``: nothing any more.

    ``disruption_key`` is what the delay is counted under. ``to_at_ms`` None: unknown. ``reported_at_ms``: since when it
    is known that the flow is held up.
    """

    disruption_key: str
    site: SiteId
    from_at_ms: int
    to_at_ms: int | None
    reason_code: str
    reported_at_ms: int
    withdrawn: bool = False

    @property
    def enterprise(self) -> EnterpriseId:
        """Who reported it."""
        return owner_of(self.disruption_key)


Ends = tuple[EnterpriseId, SiteId]
"""Who can report that a flow is disrupted, and the site at which it is worked on or leaves; "" where nobody said."""


def disrupted(rows: Rows, said: FlowDisrupted, ends: Ends | None) -> tuple[FlowDisrupted, ...] | Refused:
    """The fact that follows, none if it is known or not about this flow; ``ends`` None: the flow is to come yet."""
    row = _row(said)
    known: FlowDisrupted | None = rows.get(row)
    if said.withdrawn:
        return () if known is None else (said,)
    if said == known or (ends is not None and not _concerns(said, ends)):
        return ()
    if known is None and sum(1 for _ in rows.scan(f"{DISRUPTION}/{said.enterprise}/")) >= DISRUPTIONS_MAX:
        return Refused("disruptions-too-many", f"lift one of the {DISRUPTIONS_MAX} that stand on the flow", "flows")
    return (said,)


def evolve_disrupted(fact: FlowDisrupted) -> Changes:
    """The row that the fact changes."""
    return {_row(fact): None if fact.withdrawn else fact}


def drop_unconcerned(rows: Rows, ends: Ends) -> Changes:
    """What is forgotten once the flow comes: what others said of it, or what was said of another site."""
    return {row: None for row, said in rows.scan(f"{DISRUPTION}/") if not _concerns(said, ends)}


def closures_of(rows: Rows, report: FlowReport, leaving: bool = False) -> tuple[Closure, ...]:
    """The disruptions that stand, as the chain takes them; ``leaving``: for what is still at the site, as all know."""
    return tuple(_closure(said, report.reported_at_ms or 0, leaving) for said in _standing(rows))


def outdated(rows: Rows, report: FlowReport) -> bool:
    """Whether a disruption was reported after the report, so that saying the same again says something new."""
    return any(said.reported_at_ms > (report.reported_at_ms or 0) for said in _standing(rows))


def _standing(rows: Rows) -> Iterator[FlowDisrupted]:
    return (said for _, said in rows.scan(f"{DISRUPTION}/"))


def _closure(said: FlowDisrupted, estimated_at_ms: int, leaving: bool) -> Closure:
    since, until = minute_of(said.from_at_ms), NEVER if said.to_at_ms is None else minute_of(said.to_at_ms)
    if leaving and since <= minute_of(said.reported_at_ms) < until:
        since = SINCE
    overrules = said.reported_at_ms > estimated_at_ms
    return Closure(since, until, said.disruption_key, said.reason_code, overrules)


def _concerns(said: FlowDisrupted, ends: Ends) -> bool:
    owner, site = ends
    return said.enterprise == owner and site in ("", said.site)


def _row(said: FlowDisrupted) -> str:
    return said.disruption_key  # "disruption/<enterprise>/<id>"
