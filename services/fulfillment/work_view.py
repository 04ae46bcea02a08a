"""What the owner of a work order sees of it. Deliberately lacks: rows for anybody else, and names of others' flows.

Of what lies beyond the work order the owner sees the class of the cause only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.chain.flow import Basis
from services.chain.moments import NEVER
from services.fulfillment.cause_view import CauseClass, shown_to_owner
from services.fulfillment.expecting import InputCovered, later_ms, told_of
from services.fulfillment.keys import ItemId, SiteId
from services.fulfillment.work import ComponentRow, WorkStage, WorkTerms, component_row, head_of, input_row
from services.kernel.frozen import maker
from services.kernel.model import FeedRow, Rows, RowsAfter
from services.kernel.values import Quantity


@dataclass(frozen=True, slots=True)
class WorkRow:
    """View ``work``, row id the work order's.

    ``basis`` None: nothing was reckoned yet, or it is off. ``expected_at_ms`` and ``delay_minutes`` None: there is no
    date to expect. ``cause`` None: it is not late; ``reason``: its owner's own, where that is the cause.
    ``unknown_components``: how many of those that it needs have a pool without a known stock in their unit, so that
    nothing is waited for, and the date is as if they were there.
    """

    work_key: str
    site: SiteId
    item: ItemId
    quantity: Quantity
    stage: WorkStage
    planned_start_at_ms: int
    planned_finish_at_ms: int
    expected_at_ms: int | None
    delay_minutes: int | None
    basis: Basis | None
    contradicted: bool
    late: bool
    cause: CauseClass | None
    reason: str
    as_of_ms: int
    unknown_components: int = 0


new_row = maker(WorkRow)


def work_rows(key: str, rows: RowsAfter, facts: tuple[Any, ...], as_of_ms: int) -> Iterator[FeedRow]:
    """The owner's row as it stands after the facts, if they can have changed it."""
    terms: WorkTerms | None = rows.get("terms")
    if terms is None or all(_only_dates(rows, fact) for fact in facts):
        return
    expectation = told_of(rows).expectation
    delay = expectation.delay if expectation is not None else 0
    cause, reason = shown_to_owner(key, expectation.cause if expectation is not None else None)
    row = new_row(
        work_key=key,
        site=terms.site,
        item=terms.item,
        quantity=terms.quantity,
        stage=head_of(rows).stage,
        planned_start_at_ms=terms.start_at_ms,
        planned_finish_at_ms=terms.finish_at_ms,
        expected_at_ms=None if expectation is None else _expected_ms(terms, expectation.date, expectation.baseline),
        delay_minutes=None if delay == NEVER else delay,
        basis=None if expectation is None else expectation.basis,
        contradicted=expectation is not None and expectation.contradicted,
        late=delay > 0,
        cause=cause,
        reason=reason,
        as_of_ms=as_of_ms,
        unknown_components=_unknown(rows),
    )
    yield FeedRow(terms.owner, "work", key.split("/", 2)[2], row)


def _only_dates(rows: RowsAfter, fact: Any) -> bool:
    """Whether a fact gives new dates of a component, of which nothing is shown before they are reckoned with."""
    if type(fact) is not InputCovered:
        return False
    before: InputCovered | None = rows.before(input_row(fact.n))
    return before is not None and before.tracked == fact.tracked


def _unknown(rows: Rows) -> int:
    unknown: list[InputCovered] = [said for _, said in rows.scan("input/") if not said.tracked]
    components: list[ComponentRow | None] = [rows.get(component_row(said.n)) for said in unknown]
    return sum(1 for row in components if row is not None and row.open)


def _expected_ms(terms: WorkTerms, date: int, baseline: int) -> int | None:
    """The planned finish to the millisecond, if that is the minute."""
    return terms.finish_at_ms if date == baseline else later_ms(1, date)
