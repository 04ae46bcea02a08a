"""When an order line or a transfer is expected, part by part: what came, what is on the way, and the rest.

Owns: how a line's terms, shipments and its seller's word become facts of the chain. What has left does not wait for
anything any more, so each shipment on the way has its own date; the rest is reckoned from plan, reports and the
seller's pool, for each delivery and planned shipment with its own start and estimate. Deliberately lacks: the rules of
dates and causes (``services.chain``); when to reckon, and whom to tell (flow_rules.py, policy.py).

Units are millionths of the buyer's unit, counted through the line in the order in which they leave: received, on the
way, the rest. So a unit keeps its number, and a line that waits for its own goods is noticed. What was lost on the way
has numbers but no part: nobody expects it any more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from services.chain.closures import Closure
from services.chain.expectation import Expectation
from services.chain.flow import Expected, ExpectedPart, expect
from services.chain.flow_facts import Flow
from services.chain.moments import NEVER, minute_of, split_at
from services.chain.pool_facts import DemandCovered, SupplyPart
from services.chain.quantities import millionths
from services.fulfillment.amounts import ZERO, scaled
from services.fulfillment.expecting import (
    NOTHING_REPORTED,
    NOTHING_TO_COME,
    FlowReckoned,
    FlowReport,
    InputCovered,
    minute_or_none,
    quiet_until,
    supply_part,
)
from services.fulfillment.legs import FlowHead, FlowTerms, Leg, StockCover, dates, due_after, last_due, owed

LEAVING_MINUTES: Final = 1
"""What of a line's lead time passes at the site that it leaves: what has left does not mind if that stands still."""


def lead_minutes(terms: FlowTerms) -> int:
    """Minutes from leaving to arriving; where nobody said (0) the least there is, so that the promise decides."""
    return max(terms.lead_time_minutes, 1)


def planned_start_of(terms: FlowTerms) -> int:
    """When the line's first units are to leave: the seller's word, or the lead time before they are promised."""
    return terms.planned_start_at_ms or dates(terms, last_due(terms, ZERO))[0]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was said of some units: when they arrive (minute, None if only what it is counted under is known)."""

    finish: int | None = None
    event: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Units of the rest that share a plan and an estimate, up to the number ``until``."""

    until: int
    start: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Line:
    """All that is known of a line. ``now``: the minute of the last tick; ``legs`` in the order of their due dates.

    ``closures``: when the site that it leaves stands still.
    """

    key: str
    terms: FlowTerms
    head: FlowHead
    legs: Sequence[Leg]
    said: FlowReport
    covered: InputCovered | None
    now: int
    closures: tuple[Closure, ...] = ()

    @property
    def gone(self) -> Decimal:
        """What has left, by the word of either side (seller's unit)."""
        return max(self.head.shipped, self.head.received)

    @property
    def whole(self) -> Decimal:
        """What is to leave in all (seller's unit)."""
        return max(owed(self.terms, self.head), self.gone)

    @property
    def baseline(self) -> int:
        """The minute for which the last of the promise is due at the buyer's."""
        return minute_of(dates(self.terms, last_due(self.terms, self.terms.seller_quantity.amount))[1])

    def units(self, amount: Decimal) -> int:
        """A total in the seller's unit as millionths of the buyer's."""
        return millionths(scaled(amount, self.terms.buyer_quantity.amount, self.terms.seller_quantity.amount))

    def start_of(self, due_ms: int) -> int:
        """The planned start (minute) of units due then: as much after the line's as they are due after the first."""
        promised = minute_of(dates(self.terms, due_ms)[1]) - lead_minutes(self.terms)
        if self.terms.planned_start_at_ms is None:
            return promised
        first = minute_of(dates(self.terms, last_due(self.terms, ZERO))[1]) - lead_minutes(self.terms)
        return minute_of(self.terms.planned_start_at_ms) + promised - first

    def flow(self, quantity: int, start: int, estimate: Estimate, **reported: Any) -> Flow:
        """The facts of some of the line's units, with what else is reported of them."""
        lost = self.said.lost
        return Flow(
            self.key,
            self.terms.seller,
            quantity,
            start,
            lead_minutes(self.terms),
            self.baseline,
            split=not self.terms.ship_complete,
            estimated_finish=estimate.finish,
            lost=lost,
            event=self.said.event if lost else estimate.event,
            reason=self.said.reason_code if lost else estimate.reason,
            **reported,
        )


def reckon_line(line: Line) -> FlowReckoned | None:
    """What is told of a line now; None while the seller's pool has not answered, and nothing can be said of it."""
    if line.head.stock is StockCover.AWAITED:
        return None
    if not line.units(line.whole):
        return NOTHING_TO_COME
    rest, contradicted = _rest(line)
    coming = sorted([*_on_the_way(line), *rest], key=lambda part: part.date)
    received = _received(line)
    parts = _merged((*received, *map(supply_part, coming)))
    return FlowReckoned(
        parts, _expectation(line, rest, coming, contradicted), quiet_until(part.date for part in coming)
    )


def _merged(parts: Iterable[SupplyPart]) -> tuple[SupplyPart, ...]:
    """Parts of one date are one part, for which the last of them speaks."""
    merged: list[SupplyPart] = []
    for part in parts:
        if merged and merged[-1].date == part.date:
            part = replace(part, quantity=merged.pop().quantity + part.quantity)
        merged.append(part)
    return tuple(merged)


# -- What has left -----------------------------------------------------------------------------------------------------


def _received(line: Line) -> tuple[SupplyPart, ...]:
    """What came, with its cause if it came late: those who waited for it keep that."""
    units = line.units(line.head.received)
    if not units:
        return ()
    last = max(line.legs, key=lambda leg: leg.report.received_at_ms or 0)
    came = minute_of(last.report.received_at_ms or 0)
    flow = line.flow(units, _start_of_what_left(line), _explained(line, last, None), actual_finish=came)
    return (supply_part(expect(flow, _issued(line), line.now).parts[-1]),)


def _on_the_way(line: Line) -> Iterator[ExpectedPart]:
    """A part for each shipment under way, at its own date; it started, and waits for nothing but its arrival."""
    moved = line.head.received
    for leg in line.legs:
        if not leg.in_transit:
            continue
        before, moved = line.units(moved), moved + leg.in_transit
        number = line.units(moved)
        if number == before:
            continue
        report = leg.report
        arrives = report.expected_delivery_at_ms or dates(line.terms, leg.due_at_ms)[1]
        left, estimate = minute_of(report.shipped_at_ms or arrives), _explained(line, leg, minute_of(arrives))
        flow = line.flow(number, _start_of_what_left(line), estimate, actual_start=left)
        part = expect(flow, _issued(line), line.now).parts[-1]
        yield replace(part, quantity=number - before)


def _explained(line: Line, leg: Leg, finish: int | None) -> Estimate:
    """What is said of goods that left: why they are late their seller's report of the line says, if there is one."""
    said = line.said
    if said.event:
        return Estimate(finish, said.event, said.reason_code or leg.report.reason)
    return Estimate(finish, leg.event, leg.report.reason)


def _start_of_what_left(line: Line) -> int:
    return line.start_of(last_due(line.terms, line.gone))


def _issued(line: Line) -> tuple[DemandCovered, ...]:
    """What the pool knew of the units that it issued, if they came to it late: so a late start keeps its history."""
    frozen = None if line.covered is None else line.covered.frozen
    if frozen is None:
        return ()
    return (DemandCovered(line.key, 0, (), millionths(line.head.shipped), frozen),)


# -- What has not left -------------------------------------------------------------------------------------------------


def _rest(line: Line) -> tuple[list[ExpectedPart], bool]:
    """The parts of what has not left, in the order of their units, and whether the inputs contradict a firm word.

    Behind a part that never comes nothing comes.
    """
    whole, before = line.units(line.whole), line.units(line.gone)
    parts: list[ExpectedPart] = []
    contradicted = False
    reckoned: dict[tuple[int, Estimate], Expected] = {}
    for stretch in _stretches(line):
        about = stretch.start, stretch.estimate
        if about not in reckoned:
            reckoned[about] = _expect_rest(line, whole, stretch)
        contradicted = contradicted or reckoned[about].contradicted
        upto, _ = split_at(reckoned[about].parts, stretch.until)
        _, mine = split_at(upto, before)
        for part in mine:
            if parts and parts[-1].date == NEVER:
                parts[-1] = replace(parts[-1], quantity=parts[-1].quantity + part.quantity)
            else:
                parts.append(part)
        before = stretch.until
    return parts, contradicted


def _expect_rest(line: Line, whole: int, stretch: Stretch) -> Expected:
    """The whole line by the plan of one stretch, so that units have their numbers; what has left counts as issued."""
    flow = line.flow(
        whole, stretch.start, stretch.estimate, estimated_start=minute_or_none(line.said.estimated_start_at_ms),
        firm=line.said.firm, closures=line.closures, site_minutes=LEAVING_MINUTES,
    )  # fmt: skip
    return expect(flow, _open_input(line), line.now)


def _open_input(line: Line) -> tuple[DemandCovered, ...]:
    """What the seller's pool says of what has not left; it may not know yet of all that has."""
    if line.covered is None or not line.covered.parts:
        return ()
    gone = millionths(line.gone)
    _, parts = split_at(line.covered.parts, gone - line.covered.issued)
    return (DemandCovered(line.key, 0, parts, gone),) if parts else ()


def _stretches(line: Line) -> Iterator[Stretch]:
    """The rest, in the order in which it is to leave: what is in shipments, by due date, then what is in none."""
    done, whole = line.gone, line.whole
    planned = [(leg, leg.held - leg.report.shipped) for leg in line.legs if leg.held > leg.report.shipped]
    for leg, amount in (*planned, (None, whole)):
        upto = min(done + amount, whole)
        while done < upto:
            due, until = due_after(line.terms, done)
            done = upto if until is None else min(upto, until)
            start = line.start_of(due)
            yield Stretch(line.units(done), start, _latest(_estimates(line, leg, start)))


def _estimates(line: Line, leg: Leg | None, start: int) -> Iterator[Estimate]:
    """What was said of when some units arrive: their seller's report, its word to the order, their shipment."""
    said, lead = line.said, lead_minutes(line.terms)
    if said != NOTHING_REPORTED:
        finish = minute_or_none(said.estimated_finish_at_ms)
        yield Estimate(finish, said.event, said.reason_code)
        if said.firm:
            return
    if line.terms.estimated_at_ms is not None:
        arrives = minute_of(dates(line.terms, line.terms.estimated_at_ms)[1])
        yield Estimate(arrives, line.terms.estimate_event)
    if leg is not None and leg.report.expected_delivery_at_ms is not None:
        arrives, asked = minute_of(leg.report.expected_delivery_at_ms), minute_of(dates(line.terms, leg.due_at_ms)[1])
        if arrives > max(start + lead, asked):  # else it only repeats the plan
            yield Estimate(arrives, leg.event, leg.report.reason)


def _latest(estimates: Iterable[Estimate]) -> Estimate:
    """Plain estimates only make later, so the latest counts; the first of several, and none is better than nothing."""
    return max(estimates, key=lambda estimate: estimate.finish or 0, default=Estimate())


# -- What is told to all others ----------------------------------------------------------------------------------------


def _expectation(
    line: Line, rest: Sequence[ExpectedPart], coming: Sequence[ExpectedPart], contradicted: bool
) -> Expectation:
    """The last unit's date in the terms of the promise: where it is a ship date, the way to the buyer is not in it."""
    by_ship_date = line.terms.promise_is_ship_date
    way = lead_minutes(line.terms) if by_ship_date and line.terms.lead_time_minutes else 0
    last = max(rest if by_ship_date else coming, key=lambda part: part.date, default=None) or _done(line, way)
    date = NEVER if last.date == NEVER else last.date - way
    return Expectation(date, line.baseline - way, last.basis, contradicted, last.cause)


def _done(line: Line, way: int) -> ExpectedPart:
    """A line of which nothing is to come: when the last of it came (or left), or that it never will."""
    left = line.terms.promise_is_ship_date
    last: tuple[int, Estimate] | None = None
    for leg in line.legs:
        said = leg.report
        amount, at_ms = (said.shipped, said.shipped_at_ms) if left else (said.received, said.received_at_ms)
        if amount and at_ms is not None and (last is None or at_ms > last[0]):
            last = at_ms, _explained(line, leg, None)
    flow = line.flow(line.units(line.whole), _start_of_what_left(line), last[1] if last else Estimate())
    flow = replace(flow, actual_finish=minute_of(last[0]) + way) if last else replace(flow, lost=True)
    return expect(flow, _issued(line), line.now).parts[-1]
