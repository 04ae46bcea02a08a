"""The facts of a chain at one moment: pools with stock, flows with inputs and reports, as the vectors write them.

Owns: reading that format, the static order of demands, and refusing facts that contradict one another. Deliberately
lacks: everything that is computed from facts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.chain_oracle.dates import from_published

STOCK = "stock"  # what a reservation names when it holds units that are there


@dataclass(frozen=True, slots=True)
class Input:
    """What a flow takes from one pool; ``held`` says how much of the open quantity is reserved, and on what."""

    pool: str
    quantity: int
    issued: int
    priority: int
    need: int
    sequence: int
    held: Mapping[str, int]  # STOCK or a flow id -> units

    @property
    def open(self) -> int:
        """Units that the flow still waits for."""
        return self.quantity - self.issued


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a pool knew when components were issued: their date, their date by baseline, the delay behind them."""

    date: int
    baseline: int
    late_by: int
    root: Mapping[str, Any] | None
    hops: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """Takes its inputs and gives one quantity to one pool later; dates and durations in minutes."""

    id: str
    enterprise: str
    kind: str
    output: str | None
    quantity: int
    planned_start: int
    lead_minutes: int
    baseline: int
    inputs: tuple[Input, ...]
    split: bool
    estimated_start: int | None
    estimated_finish: int | None
    firm: bool
    actual_start: int | None
    actual_finish: int | None
    lost: bool
    reports_start: bool
    event: str | None
    reason: str | None
    frozen: Frozen | None

    @property
    def open_inputs(self) -> list[int]:
        """Numbers of the inputs that the flow still waits for."""
        return [number for number, wanted in enumerate(self.inputs) if wanted.open]

    @property
    def decided(self) -> bool:
        """Whether reports alone set its date: finished, lost, or estimated firmly."""
        return self.actual_finish is not None or self.lost or self.firm

    @property
    def goes_in_parts(self) -> bool:
        """Whether each part of its one input leaves as soon as it is there."""
        return self.split and not self.decided and bool(self.open_inputs)


@dataclass(frozen=True, slots=True)
class Demand:
    """The open quantity of one input; ``order`` is its place in the queue, which depends on no computed date."""

    id: str
    flow: str
    pool: str
    quantity: int
    held: Mapping[str, int]
    need: int
    sequence: int
    order: tuple[int, int, int, str, int]

    @property
    def queued(self) -> int:
        """Units that stand in the queue: what is not held."""
        return self.quantity - sum(self.held.values())


@dataclass(frozen=True)
class Facts:
    """Everything that is known at one moment; ``now`` is the last tick, ``stock`` what may be used per pool."""

    now: int
    stock: Mapping[str, int]
    flows: Mapping[str, Flow]

    @cached_property
    def demands(self) -> Mapping[str, list[Demand]]:
        """Per pool its demands, in the static order."""
        found: dict[str, list[Demand]] = {pool: [] for pool in self.stock}
        for flow in self.flows.values():
            for number in flow.open_inputs:
                wanted = flow.inputs[number]
                order = (wanted.priority, wanted.need, wanted.sequence, flow.id, number)
                name = f"{flow.id}/{number}"
                found[wanted.pool].append(
                    Demand(name, flow.id, wanted.pool, wanted.open, wanted.held, wanted.need, wanted.sequence, order)
                )
        return {pool: sorted(demands, key=lambda demand: demand.order) for pool, demands in found.items()}

    @cached_property
    def supplies(self) -> Mapping[str, list[Flow]]:
        """Per pool the flows that still bring something: a finished one is stock, a lost one stays until replanned."""
        found: dict[str, list[Flow]] = {pool: [] for pool in self.stock}
        for flow in self.flows.values():
            if flow.output is not None and flow.actual_finish is None:
                found[flow.output].append(flow)
        return found


def read_facts(written: Mapping[str, Any]) -> Facts:
    """Facts as the vectors write them -> Facts; ValueError, with every contradiction found, if they can not be."""
    flows = [_read_flow(flow) for flow in written["flows"]]
    facts = Facts(
        now=written["now"],
        stock={pool: held["stock"] for pool, held in written["pools"].items()},
        flows={flow.id: flow for flow in flows},
    )
    wrong = [*_repeated(flow.id for flow in flows), *_contradictions(facts)]
    if wrong:
        raise ValueError("; ".join(wrong))
    return facts


def _read_flow(flow: Mapping[str, Any]) -> Flow:
    return Flow(
        id=flow["id"],
        enterprise=flow["enterprise"],
        kind=flow.get("kind", "work"),
        output=flow["output"],
        quantity=flow["quantity"],
        planned_start=flow["planned_start"],
        lead_minutes=flow["lead_minutes"],
        baseline=flow["baseline"],
        inputs=tuple(_read_input(wanted, flow["planned_start"]) for wanted in flow["inputs"]),
        split=flow.get("split", False),
        estimated_start=flow.get("estimated_start"),
        estimated_finish=flow.get("estimated_finish"),
        firm=flow.get("firm", False),
        actual_start=flow.get("actual_start"),
        actual_finish=flow.get("actual_finish"),
        lost=flow.get("lost", False),
        reports_start=flow.get("reports_start", False),
        event=flow.get("event"),
        reason=flow.get("reason"),
        frozen=_read_frozen(flow.get("frozen")),
    )


def _read_input(wanted: Mapping[str, Any], planned_start: int) -> Input:
    held: dict[str, int] = {}
    for reservation in wanted.get("reservations", ()):
        held[reservation["from"]] = held.get(reservation["from"], 0) + reservation["quantity"]
    return Input(
        pool=wanted["pool"],
        quantity=wanted["quantity"],
        issued=wanted.get("issued", 0),
        priority=wanted.get("priority", 5),
        need=wanted.get("need", planned_start),
        sequence=wanted.get("sequence", 0),
        held=held,
    )


_FROZEN_NAMES = {"cls": "class", "ent": "enterprise", "inn": "in"}  # a frozen cause is written in short words


def _read_frozen(frozen: Mapping[str, Any] | None) -> Frozen | None:
    if frozen is None:
        return None
    root, hops = frozen["cause"] or (None, ())
    return Frozen(
        date=frozen["date"],
        baseline=frozen["baseline"],
        late_by=from_published(frozen["in"]),
        root=root and _in_full_words(root),
        hops=tuple(_in_full_words(hop) for hop in hops),
    )


def _in_full_words(short: Mapping[str, Any]) -> dict[str, Any]:
    return {_FROZEN_NAMES.get(name, name): value for name, value in short.items()}


def _repeated(ids: Iterable[str]) -> list[str]:
    return [f"flow {name} is there {times} times" for name, times in Counter(ids).items() if times > 1]


def _contradictions(facts: Facts) -> list[str]:
    wrong = [problem for flow in facts.flows.values() for problem in _flow_contradictions(flow, facts)]
    return wrong or _reservation_contradictions(facts)


def _flow_contradictions(flow: Flow, facts: Facts) -> list[str]:
    pools = [wanted.pool for wanted in flow.inputs] + ([flow.output] if flow.output is not None else [])
    actuals = [date for date in (flow.actual_start, flow.actual_finish) if date is not None]
    issued = any(wanted.issued for wanted in flow.inputs)
    checks = {
        "names a pool that is not there": all(pool in facts.stock for pool in pools),
        "has a lead time below one minute": flow.lead_minutes >= 1,
        "has no quantity": flow.quantity >= 1 and all(wanted.quantity >= 1 for wanted in flow.inputs),
        "was issued more than it needs": all(0 <= wanted.issued <= wanted.quantity for wanted in flow.inputs),
        "holds more than it needs": all(sum(wanted.held.values()) <= wanted.open for wanted in flow.inputs),
        "holds less than one unit": all(units > 0 for wanted in flow.inputs for units in wanted.held.values()),
        "goes in parts with several inputs": not flow.split or len(flow.inputs) <= 1,
        "is firm without an estimate": not flow.firm or flow.estimated_finish is not None,
        "happened in the future": all(date <= facts.now for date in actuals) and actuals == sorted(actuals),
        "is both finished and lost": not (flow.lost and flow.actual_finish is not None),
        "has frozen causes without issues": flow.frozen is None or issued,
    }
    return [f"flow {flow.id} {problem}" for problem, fine in checks.items() if not fine]


def _reservation_contradictions(facts: Facts) -> list[str]:
    wrong = []
    for pool, demands in facts.demands.items():
        there = {STOCK: facts.stock[pool], **{flow.id: flow.quantity for flow in facts.supplies[pool]}}
        for source in {source for demand in demands for source in demand.held}:
            held = sum(demand.held.get(source, 0) for demand in demands)
            if held > there.get(source, 0):
                wrong.append(f"{held} units of {source} are held in {pool}, which has {there.get(source, 0)} of it")
    return wrong
