"""A work order: components of its owner's pools become a product in one of them. Key ``work/<owner>/<id>``.

Owns: the plan, what its owner reported and took for it, and when its output is expected. Deliberately lacks: routings,
machines, yield by quantity (the whole quantity comes, or none), stock (its pools issue and receive what it states), and
any choice of components: what it needs is its owner's word.

A component keeps its number as long as the work order lives, so that a pool knows it again in a new plan.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, assert_never

from services.fulfillment.amounts import ZERO
from services.fulfillment.disrupted import FlowDisrupted, drop_unconcerned, evolve_disrupted
from services.fulfillment.expecting import NOTHING_REPORTED, REPORT, TOLD, FlowReckoned, FlowReport, InputCovered
from services.fulfillment.keys import ItemId, SiteId, WorkId, work_key
from services.kernel.model import Changes, Rows
from services.kernel.values import EnterpriseId, Quantity

DEFAULT_PRIORITY: Final = 5
COMPONENTS_MAX: Final = 1000
"""Of one work order, with those that a later plan dropped."""


# Rows
@dataclass(frozen=True, slots=True)
class WorkTerms:
    """The plan. Owner, place, item, unit and sequence never change."""

    owner: EnterpriseId
    site: SiteId
    item: ItemId
    quantity: Quantity
    start_at_ms: int
    finish_at_ms: int
    lead_time_minutes: int
    priority: int
    sequence_ms: int
    split: bool
    reports_start: bool


class WorkStage(StrEnum):
    """How far a work order is. STARTED: something was taken for it, or its start is reported."""

    PLANNED = "PLANNED"
    STARTED = "STARTED"
    FINISHED = "FINISHED"
    LOST = "LOST"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class WorkHead:
    """Its stage, and how many components it has or had."""

    stage: WorkStage = WorkStage.PLANNED
    components: int = 0


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """What the work order needs and has taken of one pool of its owner; totals in ``unit``."""

    n: int
    site: SiteId
    item: ItemId
    unit: str
    quantity: Decimal = ZERO
    issued: Decimal = ZERO

    @property
    def open(self) -> Decimal:
        """Still to be taken."""
        return max(self.quantity - self.issued, ZERO)


def head_of(rows: Rows) -> WorkHead:
    """How far the work order is."""
    return rows.get("head") or WorkHead()


def component_row(n: int) -> str:
    """The key of a component's row; rows are in the order of their numbers."""
    return f"component/{n:04}"


def input_row(n: int) -> str:
    """The key of what the component's pool said."""
    return f"input/{n:04}"


# Facts (beside InputCovered, FlowDisrupted and FlowReckoned)
@dataclass(frozen=True, slots=True)
class WorkPlanned:
    """This is the plan from now on, whole but for the components; the first of them begins the work order."""

    terms: WorkTerms


@dataclass(frozen=True, slots=True)
class ComponentPlanned:
    """The work order needs this whole quantity of its n-th component; zero: none any more."""

    n: int
    site: SiteId
    item: ItemId
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class ComponentIssued:
    """So much of the component was taken in total."""

    n: int
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class WorkReported:
    """The owner reports this of the work order from now on, whole."""

    report: FlowReport


@dataclass(frozen=True, slots=True)
class WorkStageChanged:
    """The work order is at this stage now."""

    stage: WorkStage
    reason: str


Fact = (
    WorkPlanned
    | ComponentPlanned
    | ComponentIssued
    | WorkReported
    | WorkStageChanged
    | InputCovered
    | FlowDisrupted
    | FlowReckoned
)


# Commands. The first three are reactions to what pools, disruptions and the clock said.
@dataclass(frozen=True, slots=True)
class CoverComponent:
    """A pool says when the n-th component will be there, and what it issued."""

    work_key: str
    covered: InputCovered


@dataclass(frozen=True, slots=True)
class DisruptWork:
    """A disruption says what it means to the work order."""

    work_key: str
    said: FlowDisrupted


@dataclass(frozen=True, slots=True)
class ReckonWork:
    """Work out what follows from all that the work order was told."""

    work_key: str


@dataclass(frozen=True, slots=True)
class Component:
    """What a work order takes of one pool of the sender.

    Either ``quantity`` in all, or ``quantity_per`` unit of output: then it takes output × per ÷ (1 − scrap), rounded up
    as finely as output and ``quantity_per`` are given (2 pieces each of 10: whole pieces).
    """

    site: SiteId
    item: ItemId
    quantity: Quantity | None = None
    quantity_per: Quantity | None = None
    scrap_percent: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PlanWork:
    """Intent of the owner, who is the sender: plan a work order, or plan it anew.

    Without ``finish_at_ms`` it is to end its lead time after the start. With it, that is what its delay is counted
    from, also where it can not be kept: a start may be planned anew behind what was to be the end. ``split``: its
    output may go in parts, as its one component comes. ``reports_start``: each start is reported, so one that was not
    did not happen. ``bought_in``: it has no components, and nothing is known of where its output comes from.
    """

    work: WorkId
    site: SiteId
    item: ItemId
    quantity: Quantity
    start_at_ms: int
    lead_time_minutes: int
    components: tuple[Component, ...] = ()
    finish_at_ms: int | None = None
    priority: int = DEFAULT_PRIORITY
    split: bool = False
    reports_start: bool = False
    bought_in: bool = False


@dataclass(frozen=True, slots=True)
class ReportWork:
    """Report of the owner. Estimates, ``lost`` and reason replace those of before, an actual stands until another.

    ``firm``: it will finish then whatever its components say. ``lost``: its output will not come. Reports with one
    ``disruption_id`` are one incident. ``withdraw``: what was reported before counts no more, actuals neither.
    """

    work: WorkId
    estimated_start_at_ms: int | None = None
    estimated_finish_at_ms: int | None = None
    firm: bool = False
    actual_start_at_ms: int | None = None
    actual_finish_at_ms: int | None = None
    lost: bool = False
    reason_code: str = ""
    disruption_id: str = ""
    withdraw: bool = False


@dataclass(frozen=True, slots=True)
class ComponentTotal:
    """The total of a component that was taken until now."""

    site: SiteId
    item: ItemId
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class IssueComponents:
    """Report of the owner: so much of the components was taken in total; without components all that is planned."""

    work: WorkId
    components: tuple[ComponentTotal, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelWork:
    """Intent of the owner: the work order is off; what was taken for it stays taken."""

    work: WorkId
    reason: str = ""


Command = CoverComponent | DisruptWork | ReckonWork | PlanWork | ReportWork | IssueComponents | CancelWork


def evolve(rows: Rows, fact: Fact) -> Changes:
    """The rows that the fact changes. Total."""
    head = head_of(rows)
    match fact:
        case WorkPlanned(terms):
            dropped = drop_unconcerned(rows, (terms.owner, terms.site)) if rows.get("terms") is None else {}
            return {"terms": terms, "head": head, **dropped}
        case ComponentPlanned(n, site, item, quantity):
            known: ComponentRow | None = rows.get(component_row(n))
            row = known or ComponentRow(n, site, item, quantity.unit)
            changes: dict[str, Any] = {component_row(n): replace(row, quantity=quantity.amount)}
            if n >= head.components:
                changes["head"] = replace(head, components=n + 1)
            return changes
        case ComponentIssued(n, quantity):
            taken: ComponentRow | None = rows.get(component_row(n))
            return {} if taken is None else {component_row(n): replace(taken, issued=quantity.amount)}
        case WorkReported(report):
            return {REPORT: report if report != NOTHING_REPORTED else None}
        case WorkStageChanged(stage):
            return {"head": replace(head, stage=stage)}
        case InputCovered(n):
            return {input_row(n): fact}
        case FlowDisrupted():
            return evolve_disrupted(fact)
        case FlowReckoned():
            return {TOLD: fact}
        case _:
            assert_never(fact)


def work_key_of(command: Command, sender: EnterpriseId) -> str:
    """The key of the sender's work order that the command is for."""
    match command:
        case CoverComponent(work_key=key) | DisruptWork(work_key=key) | ReckonWork(work_key=key):
            return key
        case PlanWork() | ReportWork() | IssueComponents() | CancelWork():
            return work_key(sender, command.work)
        case _:
            assert_never(command)
