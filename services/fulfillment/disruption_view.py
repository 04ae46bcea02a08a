"""What an enterprise sees of the disruptions that it reported. Deliberately lacks: rows for anybody else.

How much later a named flow is for it shows with the flow (views ``work`` and ``flows``), for those whose flow it is:
that a flow is named here does not say that there is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.fulfillment.disruption import DisruptionHead, NamedFlow, SiteDisrupted
from services.fulfillment.keys import FlowKey, SiteId
from services.kernel.model import FeedRow, Rows
from services.kernel.values import EnterpriseId


class DisruptionState(StrEnum):
    """Whether it holds anything up."""

    OPEN = "OPEN"
    LIFTED = "LIFTED"


@dataclass(frozen=True, slots=True)
class DisruptionRow:
    """View ``disruptions``, row id the disruption's. ``to_at_ms`` None: unknown; ``flows``: how many it names."""

    disruption_key: str
    site: SiteId
    state: DisruptionState
    from_at_ms: int
    to_at_ms: int | None
    reason_code: str
    reason: str
    flows: int
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class DisruptedFlowRow:
    """View ``disrupted-flows``, row id ``<disruption>/<flow key>``; gone once it is lifted or names it no more."""

    disruption_key: str
    flow_key: FlowKey
    named_at_ms: int
    as_of_ms: int


def disruption_rows(key: str, rows: Rows, facts: tuple[Any, ...], as_of_ms: int) -> Iterator[FeedRow]:
    """The reporter's rows that the facts changed."""
    head: DisruptionHead | None = rows.get("head")
    if head is None:
        return
    _, reporter, disruption = key.split("/", 2)
    viewer = EnterpriseId(reporter)
    row = DisruptionRow(
        disruption_key=key,
        site=head.site,
        state=DisruptionState.LIFTED if head.lifted else DisruptionState.OPEN,
        from_at_ms=head.from_at_ms,
        to_at_ms=head.to_at_ms,
        reason_code=head.reason_code,
        reason=head.reason,
        flows=head.flows,
        as_of_ms=as_of_ms,
    )
    yield FeedRow(viewer, "disruptions", disruption, row)
    for fact in facts:
        if isinstance(fact, SiteDisrupted):
            for flow in fact.named_no_more:
                yield FeedRow(viewer, "disrupted-flows", f"{disruption}/{flow}", None)
    named: NamedFlow
    for _, named in rows.scan("named/"):
        shown = None if head.lifted else DisruptedFlowRow(key, named.flow_key, named.named_at_ms, as_of_ms)
        yield FeedRow(viewer, "disrupted-flows", f"{disruption}/{named.flow_key}", shown)
