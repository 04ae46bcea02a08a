"""When a flow ends: from the answers to its demands, its plan and its reports to dates, and on to their accounts.

Owns: the rules for the date of a flow that is planned, started, firm, finished or lost, per part if it may go in
parts, and the cut of dates that hold themselves up. Deliberately lacks: where facts and answers come from, and the
account of a delay (``accounts``). All is monotone in the dates of the inputs, and a flow ends later than the inputs
that drive it; so a chain has exactly one solution, loops included.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.chain.accounts import Driver, account
from services.chain.causes import Cause, Hop, Stage, Stages, continued, depends_on_itself
from services.chain.closures import NOTHING_LOST, Closure, Lost, lost
from services.chain.flow_facts import Flow
from services.chain.moments import ALWAYS_OPEN, NEVER, SINCE, Calendar, delay_of, end_of, plus
from services.chain.pool_facts import DemandCovered


class Basis(StrEnum):
    """What a date rests on, so that nobody takes silence for knowledge."""

    REPORTED = "reported"  # an estimate or an actual decides
    COMPUTED = "computed"  # an input decides
    PROMISED = "promised"  # neither: the plan is all there is
    OUTDATED = "outdated"  # what was known before: by now more stages lead to it than any chain has


@dataclass(frozen=True, slots=True)
class ExpectedPart:
    """Units of a flow's output that are expected at one date, with their account and, if they are late, the cause."""

    date: int
    quantity: int
    basis: Basis
    hop: Hop
    cause: Cause | None
    path: Stages
    trail: Stages


@dataclass(frozen=True, slots=True)
class Expected:
    """All that a flow expects: its parts by date, and whether its inputs contradict its owner's firm word.

    The last part speaks for the flow.
    """

    flow: str
    baseline: int
    parts: tuple[ExpectedPart, ...]
    contradicted: bool = False

    @property
    def date(self) -> int:
        """When the last unit is expected, NEVER if there is no such date."""
        return self.parts[-1].date

    @property
    def delay(self) -> int:
        """Minutes behind the baseline."""
        return delay_of(self.date, self.baseline)

    @property
    def hop(self) -> Hop:
        """The account of the last part."""
        return self.parts[-1].hop

    @property
    def cause(self) -> Cause | None:
        """Why the last part is late; None if it is not."""
        return self.parts[-1].cause


def expect(flow: Flow, inputs: Sequence[DemandCovered], now: int, calendar: Calendar = ALWAYS_OPEN) -> Expected:
    """What a flow expects, given the answers to all of its demands in their order, and the last tick of the clock.

    Raises ChainTooLong if a date came about by more stages than any chain has.
    """
    dating = _Dating(flow, inputs, now, calendar)
    parts: list[ExpectedPart] = []
    before = 0
    for date, piece in _without_self_support(dating, _by_date(dating, _pieces(flow, inputs))):
        stage = Stage(flow.flow, piece.last_unit)
        decides = dating.inputs_decide(piece.available)
        path = () if date == NEVER else continued(piece.driver.path if decides else (), stage)
        silent = date > dating.date(piece.available, now=SINCE)
        held_by = dating.held_by(piece.available)
        told = flow if held_by is None else replace(flow, event=held_by.event, reason=held_by.reason)
        held_for_ever = held_by is not None and held_by.until == NEVER
        reckoned = account(told, piece.driver, date, silent, stage, calendar, held_for_ever)
        basis = Basis.COMPUTED if decides else Basis.REPORTED if held_by else dating.basis(date)
        quantity = piece.last_unit - before
        parts.append(ExpectedPart(date, quantity, basis, reckoned.hop, reckoned.cause, path, reckoned.trail))
        before = piece.last_unit
    return Expected(flow.flow, flow.baseline, tuple(parts), dating.contradicted())


@dataclass(frozen=True, slots=True)
class Piece:
    """Output up to a unit, the date at which what is open of its inputs is there, and the input that decides."""

    last_unit: int
    available: int
    driver: Driver


def _pieces(flow: Flow, inputs: Sequence[DemandCovered]) -> list[Piece]:
    """The output by what its inputs allow: in one piece, or as its only input comes. The last piece is the latest."""
    if flow.is_lost or flow.is_firm:
        return [Piece(flow.quantity, SINCE, Driver())]
    if flow.is_finished:
        issued = [Driver.of_issued(covered.frozen) for covered in inputs if covered.frozen and covered.frozen.cause]
        return [Piece(flow.quantity, SINCE, latest(issued))]
    if flow.split and len(inputs) == 1:
        return _pieces_of_split(flow, inputs[0])
    available = max((covered.parts[-1].date for covered in inputs if covered.parts), default=SINCE)
    return [Piece(flow.quantity, available, latest(driver for covered in inputs for driver in _drivers(covered)))]


def _drivers(covered: DemandCovered) -> list[Driver]:
    """What an input may explain: the last part of the components that were not issued, and those that were."""
    issued = [Driver.of_issued(covered.frozen)] if covered.frozen else []
    return [Driver.of_part(part) for part in covered.parts[-1:]] + issued


def latest(drivers: Iterable[Driver]) -> Driver:
    """The critical input: that of the greatest date, the first of several; none is there since ever."""
    return max(drivers, key=lambda driver: driver.date, default=Driver())


def _pieces_of_split(flow: Flow, covered: DemandCovered) -> list[Piece]:
    """One piece per part of the input; unlike units are converted cumulatively, rounded down, so that nothing is lost.

    A piece that makes no whole unit waits for the next.
    """
    needed = covered.issued + sum(part.quantity for part in covered.parts)
    issued = [Driver.of_issued(covered.frozen)] if covered.frozen else []  # they say when any part can have started
    steps = [(covered.issued, SINCE, latest(issued))]
    steps += [(part.quantity, part.date, latest([Driver.of_part(part), *issued])) for part in covered.parts]
    pieces: list[Piece] = []
    taken, made = 0, 0
    for quantity, available, driver in steps:
        taken += quantity
        unit = taken * flow.quantity // needed if needed else flow.quantity
        if unit > made:
            pieces.append(Piece(unit, available, driver))
            made = unit
    return pieces


@dataclass(frozen=True, slots=True)
class _Dating:
    """The date rules of one flow with its inputs at one moment."""

    flow: Flow
    inputs: Sequence[DemandCovered]
    now: int
    calendar: Calendar

    def date(self, available: int, now: int) -> int:
        """The date of output whose open inputs are there at ``available``, seen at ``now``."""
        flow = self.flow
        if flow.actual_finish is not None:
            return flow.actual_finish
        if flow.lost:
            return NEVER
        estimate = self._estimate()[0]
        if flow.is_firm:
            return max(estimate, now)
        if flow.actual_start is not None and not self._is_open():
            planned = estimate if flow.estimated_finish is not None else self._end(self._floor(now))
            return max(planned, now)
        return max(self._end(max(self._floor(now), available)), estimate, now)

    def _floor(self, now: int) -> int:
        """The earliest start. Issued components say when a started flow can not have been at work yet."""
        flow = self.flow
        if flow.actual_start is not None:
            return max(flow.actual_start, *(covered.frozen.date for covered in self.inputs if covered.frozen), SINCE)
        return max(flow.planned_start, flow.estimated_start or SINCE, now if flow.reports_start else SINCE)

    def _is_open(self) -> bool:
        return any(covered.parts for covered in self.inputs)

    def _end(self, start: int) -> int:
        end = end_of(start, self.flow.lead_minutes, self.calendar)
        if not self.flow.closures:
            return end
        return plus(end, self._lost(start, self.flow.lead_minutes, self._closures()).minutes)

    def _estimate(self) -> tuple[int, Closure | None]:
        """The estimated finish. Where it speaks of times at which the site stands still unknown to it, it is later."""
        flow, finish = self.flow, self.flow.estimated_finish
        if finish is None or not flow.closures:
            return finish or SINCE, None
        unknown = tuple(closure for closure in self._closures() if closure.overrules)
        start = finish - flow.lead_minutes if flow.actual_start is None else min(flow.actual_start, finish)
        minutes, by = self._lost(start, finish - start, unknown)
        return plus(finish, minutes), by

    def _closures(self) -> tuple[Closure, ...]:
        """Those that hold the flow up: a site at which it started all the same did not stand still."""
        started = self.flow.actual_start
        return tuple(closure for closure in self.flow.closures if started is None or started < closure.since)

    def _lost(self, start: int, minutes: int, closures: tuple[Closure, ...]) -> Lost:
        at_site = minutes if self.flow.site_minutes is None else min(minutes, self.flow.site_minutes)
        return lost(start, at_site, closures) if closures else NOTHING_LOST

    def held_by(self, available: int) -> Closure | None:
        """The closure without which output whose inputs are there then would be earlier; None if there is none."""
        flow = self.flow
        if not flow.closures:
            return None
        date = self.date(available, self.now)
        if date == replace(self, flow=replace(flow, closures=())).date(available, self.now):
            return None
        estimate, by = self._estimate()
        if by is not None and estimate == date:
            return by
        return self._lost(max(self._floor(self.now), available), flow.lead_minutes, self._closures()).by

    def inputs_decide(self, available: int) -> bool:
        """Whether the date would be earlier if its open inputs were there already."""
        return self.date(available, self.now) > self.date(SINCE, self.now)

    def basis(self, date: int) -> Basis:
        """What a date that no input decides rests on: a report, if that alone gives the same date."""
        flow = self.flow
        if date in (flow.actual_finish, flow.estimated_finish) or flow.is_lost:
            return Basis.REPORTED
        start = flow.estimated_start if flow.actual_start is None else flow.actual_start
        starts_by_report = start is not None and (flow.actual_start is not None or start >= flow.planned_start)
        return Basis.REPORTED if starts_by_report and date == self._end(self._floor(SINCE)) else Basis.PROMISED

    def contradicted(self) -> bool:
        """Whether the inputs do not allow what was firmly estimated."""
        if not self.flow.is_firm or self.flow.estimated_finish is None:
            return False
        available = max((covered.parts[-1].date for covered in self.inputs if covered.parts), default=SINCE)
        return self._end(available) > self.flow.estimated_finish


Dated = tuple[int, Piece]


def _by_date(dating: _Dating, pieces: Iterable[Piece]) -> list[Dated]:
    """The pieces with their dates; of those with one date the last speaks for all."""
    dated: list[Dated] = []
    for piece in pieces:
        date = dating.date(piece.available, dating.now)
        if dated and dated[-1][0] == date:
            dated.pop()
        dated.append((date, piece))
    return dated


def _without_self_support(dating: _Dating, dated: list[Dated]) -> list[Dated]:
    """The pieces up to the first whose date came about by itself or by units behind it; the rest comes NEVER.

    So either another supply decides, or the loop stands still; in a chain at rest no date holds itself up. Without the
    cut each message around the loop would add a lead time, for ever.
    """
    before = 0
    for i, (_, piece) in enumerate(dated):
        if dating.inputs_decide(piece.available) and depends_on_itself(piece.driver.path, dating.flow.flow, before):
            return [*dated[:i], (NEVER, dated[-1][1])]
        before = piece.last_unit
    return dated
