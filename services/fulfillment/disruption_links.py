"""What a disruption tells the flows that it names. Deliberately lacks: any state and any decision.

All of them are told with each change: who is told the same again takes no note of it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from services.fulfillment.disrupted import FlowDisrupted
from services.fulfillment.disruption import DisruptionHead, NamedFlow, SiteDisrupted
from services.fulfillment.links import LEGS_TOPIC
from services.kernel.model import Link, Rows


def tell_named(key: str, rows: Rows, facts: tuple[Any, ...]) -> Iterator[Link]:
    """Every flow that is named now, and every one that is not any more."""
    head: DisruptionHead | None = rows.get("head")
    if head is None:
        return
    said = FlowDisrupted(key, head.site, head.from_at_ms, head.to_at_ms, head.reason_code, head.reported_at_ms)
    withdrawn = replace(said, withdrawn=True)
    for fact in facts:
        if isinstance(fact, SiteDisrupted):
            yield from (Link(LEGS_TOPIC, flow, key, withdrawn) for flow in fact.named_no_more)
    named: NamedFlow
    for _, named in rows.scan("named/"):
        at_ms = max(head.reported_at_ms, named.named_at_ms)
        state = withdrawn if head.lifted else replace(said, reported_at_ms=at_ms)
        yield Link(LEGS_TOPIC, named.flow_key, key, state)
