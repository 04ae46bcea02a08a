"""What a shipment tells the flows that its lines stand for. Deliberately lacks: any state and any decision."""

from typing import Any

from services.fulfillment.amounts import ZERO
from services.fulfillment.consignment import (
    MilestoneKind,
    ShipmentHead,
    ShipmentLine,
    ShipmentStatus,
    ShipmentTerms,
    expected,
    line_row,
    lines_of,
)
from services.fulfillment.keys import LineId, ShipmentKey
from services.fulfillment.links import LEGS_TOPIC, ShipmentReported
from services.fulfillment.shipment_facts import (
    MilestoneReported,
    ShipmentCancelled,
    ShipmentLinePlanned,
    ShipmentPacked,
    ShipmentPicked,
    ShipmentReceived,
    ShipmentRescheduled,
    ShipmentShipped,
    WantDeclined,
)
from services.kernel.model import Link, Rows
from services.kernel.values import Quantity


def tell_flows(key: ShipmentKey, rows: Rows, facts: tuple[Any, ...]) -> list[Link]:
    """The links whose state the facts changed, each once, with the state after all of them."""
    links: list[Link] = []
    touched: dict[LineId, None] = {}
    for fact in facts:
        match fact:
            case ShipmentLinePlanned(line=line):
                touched[line] = None
            case ShipmentShipped() | ShipmentReceived() | ShipmentPicked() | ShipmentPacked():
                for part in fact.lines:
                    touched[part.line] = None
            case (
                ShipmentCancelled()
                | ShipmentRescheduled()
                | MilestoneReported(kind=MilestoneKind.DEPARTURE | MilestoneKind.ARRIVAL | MilestoneKind.DELIVERY)
            ):
                touched.update((line, None) for line, _ in lines_of(rows))
            case WantDeclined():
                links.append(_declined(key, fact))
            case _:
                pass
    if touched:
        terms: ShipmentTerms = rows.get("terms")  # type: ignore[assignment]  # lines have terms and a head
        head: ShipmentHead = rows.get("head")  # type: ignore[assignment]
        closed = not (terms.wanted and head.status is ShipmentStatus.PLANNED)
        for line in touched:
            state: ShipmentLine | None = rows.get(line_row(line))
            if state is not None and state.flow_key:
                links.append(Link(LEGS_TOPIC, state.flow_key, key, _reported(key, head, line, state, closed)))
    return links


def _declined(key: ShipmentKey, fact: WantDeclined) -> Link:
    none = Quantity(ZERO, fact.unit)
    report = ShipmentReported(
        key, none, none, none, none, None, None, None, None, "", fact.line, fact.want, none,
        closed=True, concluded=False,
    )  # fmt: skip
    return Link(LEGS_TOPIC, fact.flow_key, key, report)


def _reported(
    key: ShipmentKey, head: ShipmentHead, line: LineId, state: ShipmentLine, closed: bool
) -> ShipmentReported:
    unit = state.unit
    ship_at, deliver_at = expected(head, state)
    return ShipmentReported(
        key, Quantity(state.open, unit), Quantity(state.shipped, unit), Quantity(state.received, unit),
        Quantity(state.cancelled, unit), ship_at, deliver_at, state.shipped_at_ms, state.received_at_ms, head.reason,
        line, state.want, Quantity(state.fixed - state.shipped, unit), closed, state.concluded,
    )  # fmt: skip
