"""What a work order states to the pools of its components and its output, and what it does on their answers.

Deliberately lacks: any state and any decision.
"""

from collections.abc import Iterable
from typing import Any

from services.chain.moments import SINCE
from services.chain.quantities import millionths
from services.fulfillment.amounts import ZERO
from services.fulfillment.expecting import FlowReckoned, InputCovered, later_ms, report_of, told_of
from services.fulfillment.keys import FlowKey, demand_id, demand_number, pool_key
from services.fulfillment.links import (
    POOL_INPUTS_TOPIC,
    DemandCovered,
    DemandStated,
    SupplyStated,
    new_demand,
    new_supply,
)
from services.fulfillment.work import (
    COMPONENTS_MAX,
    ComponentIssued,
    ComponentPlanned,
    ComponentRow,
    CoverComponent,
    WorkHead,
    WorkPlanned,
    WorkStage,
    WorkStageChanged,
    WorkTerms,
    component_row,
    head_of,
)
from services.kernel.model import Link, Rows
from services.kernel.values import Quantity

ENDED = (WorkStage.FINISHED, WorkStage.CANCELLED)
NEEDS_NOTHING = (*ENDED, WorkStage.LOST)
"""What was not taken for it is free for others. It is wanted again in its old place if it is not lost after all.

Its owner alone decides about it; a line that is lost is still owed to its buyer, so it keeps its demand.
"""


def cover_component(state: DemandCovered, key: str) -> Iterable[CoverComponent]:
    """What a pool says of one component; nothing for a demand that no work order stated."""
    n = demand_number(state.demand)
    if n is None or n >= COMPONENTS_MAX:
        return ()
    if not state.tracked:
        return (CoverComponent(key, InputCovered(n, False)),)
    issued = millionths(state.issued.amount) if state.issued is not None else 0
    return (CoverComponent(key, InputCovered(n, True, issued, state.parts, state.frozen)),)


def tell_of_work(key: FlowKey, rows: Rows, facts: tuple[Any, ...]) -> list[Link]:
    """The links whose state the facts changed, each once, with the state after all of them.

    The plan and the stage are part of each demand, so when they change all pools are told.
    """
    terms: WorkTerms | None = rows.get("terms")
    if terms is None:
        return []
    touched: dict[str, None] = {}
    supply = False
    for fact in facts:
        match fact:
            case WorkPlanned() | WorkStageChanged():
                touched.update((row, None) for row, _ in rows.scan("component/"))
                supply = True
            case ComponentPlanned(n=n) | ComponentIssued(n=n):
                touched[component_row(n)] = None
            case FlowReckoned():
                supply = True
            case _:
                pass  # what follows from it is reckoned
    head = head_of(rows)
    links = []
    begun = bool(touched) and _begun(rows)
    for row in touched:
        component: ComponentRow | None = rows.get(row)
        if component is not None:
            to = pool_key(terms.owner, component.site, component.item)
            state = _demand(key, terms, component, head.stage, begun)
            links.append(Link(POOL_INPUTS_TOPIC, to, state.demand, state))
    if supply:
        to = pool_key(terms.owner, terms.site, terms.item)
        links.append(Link(POOL_INPUTS_TOPIC, to, key, _supply(key, terms, head, told_of(rows))))
    return links


def _begun(rows: Rows) -> bool:
    """Whether its components are wanted for real: something was taken, or its start is reported."""
    return report_of(rows).actual_start_at_ms is not None or any(row.issued for _, row in rows.scan("component/"))


def _demand(key: FlowKey, terms: WorkTerms, row: ComponentRow, stage: WorkStage, begun: bool) -> DemandStated:
    """Only planned until something is taken for the work order; withdrawn when nothing more is to be taken."""
    return new_demand(
        flow_key=key,
        demand=demand_id(key, row.n),
        quantity=Quantity(row.quantity, row.unit),
        issued=Quantity(row.issued, row.unit),
        need_at_ms=terms.start_at_ms,
        priority=terms.priority,
        sequence_ms=terms.sequence_ms,
        withdrawn=stage in NEEDS_NOTHING or not row.open,
        reference=key,
        planned=not begun,
    )


def _supply(key: FlowKey, terms: WorkTerms, head: WorkHead, told: FlowReckoned) -> SupplyStated:
    """All of it is received when it is finished. Withdrawn then, and when it is off; lost, it stays without a date."""
    received = terms.quantity.amount if head.stage is WorkStage.FINISHED else ZERO
    return new_supply(
        flow_key=key,
        supply=key,
        quantity=terms.quantity,
        received=Quantity(received, terms.quantity.unit),
        expected_at_ms=later_ms(terms.finish_at_ms, told.parts[-1].date if told.parts else SINCE),
        promised_at_ms=terms.finish_at_ms,
        withdrawn=head.stage in ENDED,
        reference=key,
        parts=told.parts,
    )
