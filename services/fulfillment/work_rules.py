"""What follows for a work order from what it is told: the decisions of the aggregate in work.py.

What its output is expected at is reckoned once per batch, after all that it was told: of several components that slip
together each would otherwise move it in turn. Deliberately lacks: the rules of dates (``services.chain``).
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final, assert_never

from services.chain.causes import ChainTooLong
from services.chain.closures import Closure
from services.chain.flow import expect
from services.chain.flow_facts import Flow
from services.chain.moments import minute_of
from services.chain.quantities import millionths
from services.fulfillment.amounts import (
    MINUTE_MS,
    ZERO,
    first_refusal,
    in_range,
    refuse_instant,
    refuse_lead_time,
    refuse_quantity,
)
from services.fulfillment.disrupted import DISRUPTION, FlowDisrupted, closures_of, disrupted, outdated
from services.fulfillment.expecting import (
    NOTHING_REPORTED,
    NOTHING_TO_COME,
    REPORT,
    TOLD,
    FlowReckoned,
    FlowReport,
    InputCovered,
    alarm_of,
    answer_of,
    event_of,
    minute_or_none,
    outdated_of,
    quiet_until,
    reckoned_of,
    refuse_report,
    report_of,
    reported,
    told_of,
)
from services.fulfillment.keys import NO_SITE, owner_of, refuse_id, refuse_text
from services.fulfillment.work import (
    COMPONENTS_MAX,
    CancelWork,
    Command,
    Component,
    ComponentIssued,
    ComponentPlanned,
    ComponentRow,
    CoverComponent,
    DisruptWork,
    Fact,
    IssueComponents,
    PlanWork,
    ReckonWork,
    ReportWork,
    WorkHead,
    WorkPlanned,
    WorkReported,
    WorkStage,
    WorkStageChanged,
    WorkTerms,
    evolve,
    head_of,
    input_row,
    work_key_of,
)
from services.kernel.model import Aggregate, Rows
from services.kernel.values import Origin, Quantity, Refused

UNKNOWN: Final = Refused("work-unknown", "plan the work order first, or name one of your own", "work")
PRIORITY_MAX: Final = 10**9
_EXACT: Final = Context(prec=60)
_UP: Final = Context(prec=60, rounding=ROUND_CEILING)
_DECIMALS_MAX: Final = 6

Decision = tuple[Fact, ...] | Refused


def decide(rows: Rows, command: Command, origin: Origin) -> Decision:
    """The facts that the command makes, or why not; none if it says what is known already."""
    match command:
        case PlanWork():
            return _plan(rows, command, origin)
        case CoverComponent(_, covered):
            return () if rows.get(input_row(covered.n)) == covered else (covered,)
        case DisruptWork(key, said):
            terms: WorkTerms | None = rows.get("terms")
            return disrupted(rows, said, (owner_of(key), terms.site if terms is not None else NO_SITE))
        case ReckonWork(key):
            reckoned = _reckon(rows, key, minute_of(origin.now_ms))
            return () if reckoned == told_of(rows) else (reckoned,)
        case ReportWork() | IssueComponents() | CancelWork() if rows.get("terms") is None:
            return UNKNOWN
        case ReportWork():
            return _report(rows, command, origin)
        case IssueComponents():
            return _issue(rows, command)
        case CancelWork():
            return _cancel(rows, command)
        case _:
            assert_never(command)


# -- Planning ----------------------------------------------------------------------------------------------------------


def _plan(rows: Rows, command: PlanWork, origin: Origin) -> Decision:
    finish = command.finish_at_ms
    refused = first_refusal(
        refuse_id(command.work, "work"),
        refuse_id(command.site, "site"),
        refuse_id(command.item, "item"),
        refuse_quantity(command.quantity, "quantity"),
        refuse_instant(command.start_at_ms, "start_at"),
        refuse_lead_time(command.lead_time_minutes, "lead_time_minutes"),
        None if finish is None else refuse_instant(finish, "finish_at"),
    )
    if refused is not None:
        return refused
    if not 0 <= command.priority <= PRIORITY_MAX:
        return Refused("priority-out-of-range", f"send a priority from 0 (first) to {PRIORITY_MAX}", "priority")
    needs = _needs(command)
    if isinstance(needs, Refused):
        return needs
    known: WorkTerms | None = rows.get("terms")
    terms = WorkTerms(
        origin.enterprise,
        command.site,
        command.item,
        command.quantity,
        command.start_at_ms,
        finish or in_range(command.start_at_ms + command.lead_time_minutes * MINUTE_MS),
        command.lead_time_minutes,
        command.priority,
        known.sequence_ms if known is not None else origin.recorded_at_ms,
        command.split,
        command.reports_start,
    )
    if known is not None and (refused := _refuse_anew(rows, known, terms)) is not None:
        return refused
    changed: list[Fact] = [] if terms == known else [WorkPlanned(terms)]
    components = _components_anew(rows, needs)
    return components if isinstance(components, Refused) else (*changed, *components)


def _refuse_anew(rows: Rows, known: WorkTerms, terms: WorkTerms) -> Refused | None:
    head = head_of(rows)
    if head.stage in (WorkStage.FINISHED, WorkStage.CANCELLED):
        return Refused("work-ended", f"the work order is {head.stage.value.lower()}; plan another one", "work")
    if (known.site, known.item, known.quantity.unit) != (terms.site, terms.item, terms.quantity.unit):
        return Refused("work-output-fixed", "what comes of it, where and in which unit stays; plan another one", "item")
    return None


def _needs(command: PlanWork) -> dict[tuple[str, str, str], Quantity] | Refused:
    """(site, item, unit) to the whole quantity of each component, exploded; or why a component makes no sense."""
    if not command.components and not command.bought_in:
        return Refused("components-missing", "name its components, or say that it is bought in", "components")
    if command.components and command.bought_in:
        return Refused("components-of-bought-in", "what is bought in has no components here", "components")
    if len(command.components) > COMPONENTS_MAX:
        return Refused("components-too-many", f"send at most {COMPONENTS_MAX} components", "components")
    needs: dict[tuple[str, str, str], Quantity] = {}
    pools: set[tuple[str, str]] = set()
    for component in command.components:
        pool = component.site, component.item
        refused = first_refusal(
            refuse_id(component.site, "components.site"), refuse_id(component.item, "components.item")
        )
        if refused is not None:
            return refused
        if pool == (command.site, command.item):
            return Refused("component-is-output", "a work order can not be made of what it makes", "components.item")
        if pool in pools:
            return Refused(
                "component-twice", "name each site and item once, with the whole quantity", "components.item"
            )
        quantity = _exploded(component, command.quantity.amount)
        if isinstance(quantity, Refused):
            return quantity
        pools.add(pool)
        needs[*pool, quantity.unit] = quantity
    return needs


def _exploded(component: Component, output: Decimal) -> Quantity | Refused:
    """Ceil(output × per ÷ (1 − scrap)), as finely as output and per are given; or the quantity that was given."""
    given, per, scrap = component.quantity, component.quantity_per, component.scrap_percent
    if (given is None) == (per is None):
        return Refused("component-quantity-unclear", "send either quantity or quantity_per", "components.quantity")
    if given is not None:
        if scrap:
            return Refused("scrap-of-whole", "scrap is added to quantity_per only", "components.scrap_percent")
        return refuse_quantity(given, "components.quantity") or given
    assert per is not None
    refused = refuse_quantity(per, "components.quantity_per")
    if refused is not None:
        return refused
    if not scrap.is_finite() or not 0 <= scrap < 100:
        return Refused("scrap-out-of-range", "send scrap_percent from 0 on and below 100", "components.scrap_percent")
    exact = _EXACT.multiply(_EXACT.multiply(output, per.amount), Decimal(100))
    step = Decimal(1).scaleb(-min(max(_decimals(output), _decimals(per.amount)), _DECIMALS_MAX))
    amount = _UP.divide(exact, 100 - scrap).quantize(step, rounding=ROUND_CEILING, context=_EXACT)
    quantity = Quantity(amount, per.unit)
    return refuse_quantity(quantity, "components.quantity_per") or quantity


def _decimals(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _components(rows: Rows) -> list[ComponentRow]:
    return [row for _, row in rows.scan("component/")]


def _components_anew(rows: Rows, needs: dict[tuple[str, str, str], Quantity]) -> tuple[ComponentPlanned, ...] | Refused:
    """What changes for each component, in the order of their numbers; one that is not named any more goes to zero."""
    facts = []
    left = dict(needs)
    for row in _components(rows):
        quantity = left.pop((row.site, row.item, row.unit), Quantity(ZERO, row.unit))
        if quantity.amount != row.quantity:
            facts.append(ComponentPlanned(row.n, row.site, row.item, quantity))
    head = head_of(rows)
    if head.components + len(left) > COMPONENTS_MAX:
        return Refused("components-too-many", "the work order had too many components; plan another one", "components")
    for n, ((site, item, _), quantity) in enumerate(left.items(), head.components):
        facts.append(ComponentPlanned(n, site, item, quantity))  # type: ignore[arg-type]  # both are ids as they came
    return tuple(facts)


# -- Reporting ---------------------------------------------------------------------------------------------------------


def _report(rows: Rows, command: ReportWork, origin: Origin) -> Decision:
    known = report_of(rows)
    before = NOTHING_REPORTED if command.withdraw else known
    said = FlowReport(
        command.estimated_start_at_ms,
        command.estimated_finish_at_ms,
        command.firm,
        command.actual_start_at_ms or before.actual_start_at_ms,
        command.actual_finish_at_ms or before.actual_finish_at_ms,
        command.lost,
        command.reason_code,
    )
    if said != NOTHING_REPORTED:
        said = replace(said, event=event_of(origin, command.disruption_id), reported_at_ms=origin.recorded_at_ms)
    refused = refuse_report(said, command.disruption_id, max(origin.now_ms, origin.recorded_at_ms))
    if refused is not None:
        return refused
    said = reported(said, known, command.disruption_id, outdated(rows, known))
    return () if said == known else (WorkReported(said), *_stage_after(rows, WorkReported(said)))


def _issue(rows: Rows, command: IssueComponents) -> Decision:
    """A report, so it is recorded whatever the plan says: what was not planned becomes a component of which none is."""
    components = _components(rows)
    by_pool = {(row.site, row.item): row for row in sorted(components, key=lambda row: row.quantity)}
    facts: list[Fact] = []
    if not command.components:
        facts += [ComponentIssued(row.n, Quantity(row.quantity, row.unit)) for row in components if row.open]
    unplanned = head_of(rows).components
    for total in command.components:
        refused = first_refusal(
            refuse_id(total.site, "components.site"),
            refuse_id(total.item, "components.item"),
            refuse_quantity(total.quantity, "components.quantity", zero_allowed=True),
        )
        if refused is not None:
            return refused
        row = by_pool.get((total.site, total.item))
        if row is None:
            if unplanned >= COMPONENTS_MAX:
                return Refused("components-too-many", "the work order has too many components", "components")
            row = ComponentRow(unplanned, total.site, total.item, total.quantity.unit)
            by_pool[total.site, total.item] = row
            facts.append(ComponentPlanned(row.n, row.site, row.item, Quantity(ZERO, row.unit)))
            unplanned += 1
        if row.unit != total.quantity.unit:
            return Refused("unit-differs", f"send {total.item} in {row.unit}, as it was planned", "components.quantity")
        if row.issued != total.quantity.amount:
            facts.append(ComponentIssued(row.n, total.quantity))
    return (*facts, *_stage_after(rows, *facts)) if facts else ()


def _cancel(rows: Rows, command: CancelWork) -> Decision:
    refused = refuse_text(command.reason, "reason")
    if refused is not None:
        return refused
    head = head_of(rows)
    if head.stage is WorkStage.FINISHED:
        return Refused("work-ended", "it is finished; take that report back first if it is wrong", "work")
    return () if head.stage is WorkStage.CANCELLED else (WorkStageChanged(WorkStage.CANCELLED, command.reason),)


def _stage_after(rows: Rows, *facts: Fact) -> tuple[WorkStageChanged, ...]:
    """The change of stage that follows from facts, if any. A cancelled one stays so, whatever is reported."""
    head = head_of(rows)
    report = report_of(rows)
    issued = {row.n: row.issued for row in _components(rows)}
    for fact in facts:
        if isinstance(fact, WorkReported):
            report = fact.report
        elif isinstance(fact, ComponentIssued):
            issued[fact.n] = fact.quantity.amount
    stage = WorkStage.PLANNED
    if head.stage is WorkStage.CANCELLED:
        stage = WorkStage.CANCELLED
    elif report.actual_finish_at_ms is not None:
        stage = WorkStage.FINISHED
    elif report.lost:
        stage = WorkStage.LOST
    elif report.actual_start_at_ms is not None or any(issued.values()):
        stage = WorkStage.STARTED
    return () if stage is head.stage else (WorkStageChanged(stage, report.reason_code),)


# -- Reckoning ---------------------------------------------------------------------------------------------------------


def _reckon(rows: Rows, key: str, now: int) -> FlowReckoned:
    """What the work order tells now: nothing before all pools have answered once.

    A component that comes in later holds nothing up until its pool has answered: meanwhile time goes on.
    """
    terms: WorkTerms | None = rows.get("terms")
    head = head_of(rows)
    if terms is None or head.stage is WorkStage.CANCELLED:
        return NOTHING_TO_COME
    inputs, told = list(_inputs(rows)), rows.get(TOLD)
    if None in inputs and told is None:
        return NOTHING_TO_COME
    report = report_of(rows)
    flow = flow_of(key, terms, report, closures_of(rows, report))
    try:
        expected = expect(flow, [answer_of(key, said) for said in inputs if said is not None and said.tracked], now)
    except ChainTooLong:
        known = told if told is not None and told.expectation is not None else reckoned_of(expect(flow, [], now), 0)
        return outdated_of(known, now)
    if flow.is_finished:
        return reckoned_of(expected, quiet_until=0)
    waits_for_start = terms.reports_start and flow.actual_start is None and not flow.is_firm
    lead = terms.lead_time_minutes if waits_for_start else 0
    return reckoned_of(expected, quiet_until((part.date for part in expected.parts), lead, flow.closures))


def _inputs(rows: Rows) -> Iterator[InputCovered | None]:
    """What the pools said of the components that it needs or has taken; None for one that was not answered for."""
    for row in _components(rows):
        if row.quantity or row.issued:
            yield rows.get(input_row(row.n))


def flow_of(key: str, terms: WorkTerms, report: FlowReport, closures: tuple[Closure, ...]) -> Flow:
    """The facts of the chain: plan, reports and disruptions, in minutes and millionths."""
    return Flow(
        key,
        terms.owner,
        millionths(terms.quantity.amount),
        minute_of(terms.start_at_ms),
        terms.lead_time_minutes,
        minute_of(terms.finish_at_ms),
        terms.split,
        minute_or_none(report.estimated_start_at_ms),
        minute_or_none(report.estimated_finish_at_ms),
        report.firm,
        minute_or_none(report.actual_start_at_ms),
        minute_or_none(report.actual_finish_at_ms),
        report.lost,
        terms.reports_start,
        report.event,
        report.reason_code,
        closures,
    )


WORK = Aggregate(
    kind="work",
    commands=Command.__args__,
    facts=Fact.__args__,
    rows={
        "terms": WorkTerms,
        "head": WorkHead,
        "component": ComponentRow,
        "input": InputCovered,
        REPORT: FlowReport,
        DISRUPTION: FlowDisrupted,
        TOLD: FlowReckoned,
    },
    key=work_key_of,
    decide=decide,
    evolve=evolve,
    alarm=lambda rows: alarm_of(rows.get(TOLD)),
    ring=lambda key, now_ms: ReckonWork(key),
    reckon=ReckonWork,
    derived=(FlowReckoned,),
)
