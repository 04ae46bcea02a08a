"""The oracle of dates: plays time forward once and sees what arrives when.

A heap of arrivals; every arrival serves the holders of that supply, then the queue of its pool, both in the static
order; a flow whose inputs are complete schedules its own arrival, which is later because a lead time is at least one
minute. What is still waiting when the heap is empty waits for ever. Owns: dates and quantities. Deliberately lacks: why
(see ``account``), messages, increments: any change of facts means playing again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from tests.chain_oracle.dates import NEVER, SINCE, merged, plus
from tests.chain_oracle.facts import STOCK, Demand, Facts, Flow

Parts = list[tuple[int, int]]  # (date, quantity), dates ascending


@dataclass(frozen=True, slots=True)
class Played:
    """When everything happens: per flow what it gives, per demand (``flow/n``) what it gets."""

    flows: Mapping[str, Parts]
    demands: Mapping[str, Parts]


def play(facts: Facts) -> Played:
    """Facts -> the parts of every flow and of every demand that is open; dates in minutes, NEVER where none comes."""
    return _Play(facts).to_the_end()


def finish_date(flow: Flow, available: int, now: int) -> int:
    """When a flow (or one part of it) ends, given the date of its open inputs (SINCE if none) and the last tick.

    Reports alone decide if it is finished, lost or firm. Otherwise it ends a lead time after it can start, and an
    estimate or the clock can only make that later; only when nothing is waited for does an estimate replace the lead.
    """
    if flow.actual_finish is not None:
        return flow.actual_finish
    if flow.lost:
        return NEVER
    estimate = SINCE if flow.estimated_finish is None else flow.estimated_finish
    if flow.firm:
        return max(estimate, now)
    if flow.actual_start is not None:
        floor = max(flow.actual_start, flow.frozen.date if flow.frozen else SINCE)
        if not flow.open_inputs and flow.estimated_finish is not None:
            return max(estimate, now)
    else:
        floor = max(flow.planned_start, flow.estimated_start or SINCE, now if flow.reports_start else SINCE)
    return max(plus(max(floor, available), flow.lead_minutes), estimate, now)


@dataclass(slots=True)
class _Waiting:
    """A demand while time goes by: what it still lacks, and what it got."""

    demand: Demand
    queued: int
    held: dict[str, int]
    got: Parts = field(default_factory=list)

    def take(self, date: int, quantity: int) -> int:
        """Takes from the queue's supply what it still wants; says how much."""
        taken = max(0, min(self.queued, quantity))
        self.queued -= taken
        self._note(date, taken)
        return taken

    def take_held(self, source: str, date: int, quantity: int) -> int:
        """Takes what it holds of a supply; says how much."""
        taken = max(0, min(self.held.get(source, 0), quantity))
        self.held[source] = self.held.get(source, 0) - taken
        self._note(date, taken)
        return taken

    def _note(self, date: int, quantity: int) -> None:
        if quantity:
            self.got.append((date, quantity))

    @property
    def has_all(self) -> bool:
        return sum(quantity for _, quantity in self.got) == self.demand.quantity


class _Play:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.queues = {
            pool: [_Waiting(demand, demand.queued, dict(demand.held)) for demand in demands]
            for pool, demands in facts.demands.items()
        }
        self.waiting = {waiting.demand.id: waiting for queue in self.queues.values() for waiting in queue}
        self.free = dict(facts.stock)  # below zero: what comes fills the hole first
        self.gives: dict[str, Parts] = {flow: [] for flow in facts.flows}
        self.arrivals: list[tuple[int, str, int]] = []

    def to_the_end(self) -> Played:
        for flow in self.facts.flows.values():
            self._begin(flow)
        for pool in self.queues:
            self._serve(pool, STOCK, SINCE, self.facts.stock[pool])
        while self.arrivals:
            date, name, quantity = heappop(self.arrivals)
            flow = self.facts.flows[name]
            if flow.output is not None and flow.actual_finish is None:
                self.free[flow.output] += quantity
                self._serve(flow.output, name, date, quantity)
        return Played(
            flows={name: _completed(parts, self.facts.flows[name].quantity) for name, parts in self.gives.items()},
            demands={name: _completed(waiting.got, waiting.demand.quantity) for name, waiting in self.waiting.items()},
        )

    def _begin(self, flow: Flow) -> None:
        """What needs no input is known at once; of a flow in parts, that is the share of what it was issued."""
        if flow.decided or not flow.open_inputs:
            self._schedule(flow, SINCE, flow.quantity)
        elif flow.goes_in_parts:
            self._schedule(flow, SINCE, _share(flow, flow.inputs[0].issued))

    def _serve(self, pool: str, source: str, date: int, quantity: int) -> None:
        """Gives what came from one source, already counted as free, to its holders and then to the queue."""
        for waiting in self.queues[pool]:
            taken = waiting.take_held(source, date, quantity)
            quantity -= taken
            self.free[pool] -= taken
            self._go_on(waiting, date, taken)
        for waiting in self.queues[pool]:
            taken = waiting.take(date, self.free[pool])
            self.free[pool] -= taken
            self._go_on(waiting, date, taken)

    def _go_on(self, waiting: _Waiting, date: int, taken: int) -> None:
        """Lets the flow of a demand that just got something schedule what it can give now."""
        flow = self.facts.flows[waiting.demand.flow]
        if not taken or flow.decided:
            return
        if flow.goes_in_parts:
            got = flow.inputs[0].issued + sum(quantity for _, quantity in waiting.got)
            self._schedule(flow, date, _share(flow, got) - _share(flow, got - taken))
        elif all(self.waiting[f"{flow.id}/{number}"].has_all for number in flow.open_inputs):
            self._schedule(flow, date, flow.quantity)

    def _schedule(self, flow: Flow, available: int, quantity: int) -> None:
        date = finish_date(flow, available, self.facts.now)
        if date != NEVER and quantity:
            self.gives[flow.id].append((date, quantity))
            heappush(self.arrivals, (date, flow.id, quantity))


def _share(flow: Flow, taken: int) -> int:
    """How much a flow in parts has to give once it has taken so much: whole units, rounded down over the total."""
    return taken * flow.quantity // flow.inputs[0].quantity


def _completed(parts: Parts, quantity: int) -> Parts:
    """The parts by date, with the rest at NEVER."""
    return merged([*parts, (NEVER, quantity - sum(part for _, part in parts))])
