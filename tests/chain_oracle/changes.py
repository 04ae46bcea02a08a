"""What happens to a chain: successive facts, each whole, from reports, actuals, ticks and changes of plan.

Owns: changes that leave the facts consistent: stock moves with receipts and issues, reservations follow what they hold.
Deliberately lacks: how a chain is planned (see ``chains``).
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from random import Random
from typing import Any

from tests.chain_oracle.chains import (
    Shape,
    Written,
    held_of,
    held_units,
    open_units,
    random_chain,
    reserve_something,
)
from tests.chain_oracle.dates import SINCE, minus, published
from tests.chain_oracle.expected import Answer, write_root
from tests.chain_oracle.facts import read_facts

SLIPS = (1, 360, 720, 1_440, 1_440, 2_880, 7_200, 14_400)
REASONS = ("machine", "strike", "customs", None)


def random_story(seed: int, steps: int, shape: Shape | None = None) -> list[Written]:
    """Facts of a planned chain and of so many steps after it; the same seed gives the same story."""
    happenings = Happenings(random_chain(seed, shape), Random(f"changes {seed}"))
    return [happenings.facts_now(), *(happenings.step() for _ in range(steps))]


class Happenings:
    """A chain to which something happens at every step."""

    def __init__(self, facts: Written, random: Random) -> None:
        self.facts, self.random = deepcopy(facts), random
        self.events = 0
        self.arrived = max((taken.get("sequence", 0) for taken in self._inputs()), default=0)
        self.before: list[Written] = []

    def facts_now(self) -> Written:
        """The whole facts as they stand."""
        return deepcopy(self.facts)

    def step(self) -> Written:
        """One to three things happen; the facts after them."""
        self.before.append(self.facts_now())
        for _ in range(self.random.choice((1, 1, 2, 3))):
            kinds, weights = zip(*self._possible(), strict=True)
            self.random.choices(kinds, weights)[0]()
        return self.facts_now()

    def _possible(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self._slip, 8),
            (self._recovery, 3),
            (self._firm_estimate, 2),
            (self._faster_work, 4),
            (self._estimated_start, 2),
            (self._tick, 4),
            (self._progress, 8),
            (self._finish_of_started, 3),
            (self._lost, 1),
            (self._cancelled_by_buyer, 1),
            (self._rush_order, 4),
            (self._need_moved, 2),
            (self._priority_changed, 2),
            (self._quantity_changed, 1),
            (self._promise_moved, 1),
            (self._stock_counted, 2),
            (self._reserved, 2),
            (self._reservation_dropped, 1),
            (self._split_agreed, 1),
            (self._restored, 2),
        ]

    # --- choosing -------------------------------------------------------------------------------------------------

    def _some_flow(self, fits: Callable[[Written], object]) -> Written | None:
        fitting = [flow for flow in self.facts["flows"] if fits(flow)]
        return self.random.choice(fitting) if fitting else None

    def _some_demand(self) -> Written | None:
        demands = [taken for flow in self.facts["flows"] for taken in flow["inputs"] if open_units(taken)]
        return self.random.choice(demands) if demands else None

    def _reported(self, flow: Written, **report: Any) -> None:
        """A report on a flow; now and then several reports tell of one event."""
        if self.random.random() > 0.2 or self.events == 0:
            self.events += 1
        flow.update(report, event=f"e{self.events}")
        reason = self.random.choice(REASONS)
        if reason:
            flow["reason"] = reason

    # --- reports --------------------------------------------------------------------------------------------------

    def _slip(self) -> None:
        no_past = self.random.random() < 0.3
        flow = self._some_flow(lambda flow: is_open(flow) and not (no_past and flow["inputs"]))
        if flow:
            known = flow.get("estimated_finish") or flow["baseline"]
            self._reported(flow, estimated_finish=known + self.random.choice(SLIPS))

    def _recovery(self) -> None:
        flow = self._some_flow(lambda flow: is_open(flow) and flow.get("estimated_finish"))
        if flow and self.random.random() < 0.4:
            for report in ("estimated_finish", "firm", "event", "reason"):
                flow.pop(report, None)
        elif flow:
            earliest = (flow.get("actual_start") or SINCE) + 1
            self._reported(flow, estimated_finish=max(earliest, flow["estimated_finish"] - self.random.choice(SLIPS)))

    def _firm_estimate(self) -> None:
        flow = self._some_flow(is_open)
        if flow:
            slip = self.random.choice((-720, 0, 720, 2_880))
            self._reported(flow, estimated_finish=max(1, flow["baseline"] + slip), firm=True)

    def _faster_work(self) -> None:
        started = [flow for flow in self.facts["flows"] if is_open(flow) and "actual_start" in flow]
        late_start = [flow for flow in started if flow.get("frozen")]
        flow = self.random.choice(late_start or started) if started else None
        if flow:
            start = max(flow["actual_start"], self.facts["now"])
            self._reported(flow, estimated_finish=start + 1 + flow["lead_minutes"] // self.random.choice((2, 4)))

    def _estimated_start(self) -> None:
        flow = self._some_flow(is_waiting)
        if flow:
            self._reported(flow, estimated_start=flow["planned_start"] + self.random.choice((-720, 720, 1_440, 4_320)))

    def _lost(self) -> None:
        """The seller cancels: what he has not taken yet he needs no more."""
        flow = self._some_flow(is_open)
        if flow:
            self._reported(flow, lost=True)
            flow.pop("firm", None)
            close_inputs(flow)

    # --- actuals --------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        self.facts["now"] += self.random.choice((60, 360, 720, 1_440, 2_880, 4_320))

    def _progress(self) -> None:
        """A flow takes what its pools have, and what supplies that wait for nothing bring just then."""
        waiting = [flow for flow in self.facts["flows"] if is_open(flow) and any(map(open_units, flow["inputs"]))]
        if not waiting:
            return
        some = self.random.sample(waiting, min(3, len(waiting)))
        flow = min(some, key=lambda flow: int(flow["planned_start"]))
        bringing = [
            other
            for taken in flow["inputs"]
            for other in self.facts["flows"]
            if is_open(other) and other["output"] == taken["pool"] and not any(open_units(t) for t in other["inputs"])
        ]
        at = max(self.facts["now"], flow["planned_start"] + self.random.choice((-360, 0, 0, 720)))
        knew = self._known_at(at, bringing)
        self.facts["now"] = at + self.random.choice((1, 60, 720))
        self._receive(bringing, at)
        self._issue(flow, at, knew)

    def _known_at(self, at: int, arriving: Iterable[Written]) -> Answer:
        """What every pool knew when these supplies came: they still are supplies then, with that date."""
        facts = self.facts_now()
        facts["now"] = at
        names = {flow["id"] for flow in arriving}
        for flow in facts["flows"]:
            if flow["id"] in names:
                flow.update(estimated_finish=at, firm=True)
        return Answer(read_facts(facts))

    def _receive(self, flows: Iterable[Written], at: int) -> None:
        """Flows end: what they gave is stock, and who held it holds stock."""
        for flow in flows:
            self._reported(flow, actual_finish=at)
            flow.pop("firm", None)
            pool = flow["output"]
            if pool:
                self.facts["pools"][pool]["stock"] += flow["quantity"]
            for taken in self._inputs():
                for hold in taken.get("reservations", ()):
                    if hold["from"] == flow["id"]:
                        hold["from"] = "stock"

    def _issue(self, flow: Written, at: int, knew: Answer) -> None:
        """Takes from stock what nobody else holds, all of it or some; the flow starts if it got anything."""
        frozen: list[Written] = []
        before = {number: taken.get("issued", 0) for number, taken in enumerate(flow["inputs"])}
        partly = self.random.random() < (0.7 if flow.get("split") else 0.3)
        for number, taken in enumerate(flow["inputs"]):
            stock = self.facts["pools"][taken["pool"]]
            others = held_of(self.facts, taken["pool"], "stock") - held_units(taken, "stock")
            units = min(open_units(taken), stock["stock"] - others)
            if partly:
                units = self.random.randint(0, max(0, units))
            if units > 0:
                frozen += known_of(knew, flow["id"], number, units, at)
                stock["stock"] -= units
                taken["issued"] = before[number] + units
                use_reservations(taken, units)
        if any(taken.get("issued", 0) > before[number] for number, taken in enumerate(flow["inputs"])):
            self._reported(flow, actual_start=flow.get("actual_start", at))
            frozen += [flow["frozen"]] if flow.get("frozen") else []
            if frozen:
                flow["frozen"] = max(frozen, key=lambda known: int(known["date"]))

    def _finish_of_started(self) -> None:
        flow = self._some_flow(
            lambda flow: is_open(flow) and "actual_start" in flow and not any(map(open_units, flow["inputs"]))
        )
        if flow:
            at = max(self.facts["now"], flow["actual_start"] + self.random.choice((flow["lead_minutes"], 360)))
            self.facts["now"] = at + self.random.choice((0, 60))
            self._receive([flow], at)

    # --- changes of plan ------------------------------------------------------------------------------------------

    def _cancelled_by_buyer(self) -> None:
        flow = self._some_flow(is_waiting)
        if flow and len(self.facts["flows"]) > 3:
            self.facts["flows"].remove(flow)
            for taken in self._inputs():
                holds = [hold for hold in taken.get("reservations", ()) if hold["from"] != flow["id"]]
                set_reservations(taken, holds)

    def _rush_order(self) -> None:
        demands = [taken for flow in self.facts["flows"] for taken in flow["inputs"] if open_units(taken)]
        if not demands:
            return
        pool = self.random.choice(demands)["pool"]
        self.arrived += 1
        sequence = self.arrived
        start = self.facts["now"] + self.random.choice((0, 720, 2_880))
        wants = {"pool": pool, "quantity": self.random.randint(1, 3), "sequence": sequence}
        rush: Written = {"id": f"Z{sequence}", "enterprise": pool[0], "kind": "line", "output": None}
        rush |= {"quantity": wants["quantity"], "planned_start": start, "lead_minutes": 720, "baseline": start + 720}
        rush["inputs"] = [{**wants, "priority": self.random.choice((1, 1, 5))}]
        self.facts["flows"].append(rush)
        if self.random.random() < 0.3:
            held = open_units(rush["inputs"][0])
            free = self.facts["pools"][pool]["stock"] - held_of(self.facts, pool, "stock")
            if min(held, free) > 0:
                set_reservations(rush["inputs"][0], [{"from": "stock", "quantity": min(held, free)}])

    def _need_moved(self) -> None:
        taken = self._some_demand()
        if taken:
            taken["need"] = max(0, self.facts["now"] + self.random.choice((0, 720, 1_440, 2_880, 7_200)))

    def _priority_changed(self) -> None:
        taken = self._some_demand()
        if taken:
            taken["priority"] = self.random.choice((1, 5, 9))

    def _quantity_changed(self) -> None:
        """More or less is given, or taken, but not less than what is held or issued of it."""
        flow = self._some_flow(is_open)
        if not flow:
            return
        if flow["inputs"] and self.random.random() < 0.5:
            taken = self.random.choice(flow["inputs"])
            least = max(1, taken.get("issued", 0) + held_units(taken))
            taken["quantity"] = max(least, taken["quantity"] + self.random.choice((-2, -1, 1, 2)))
        else:
            held = held_of(self.facts, flow["output"], flow["id"]) if flow["output"] else 0
            flow["quantity"] = max(1, held, flow["quantity"] + self.random.choice((-2, -1, 1, 2)))

    def _promise_moved(self) -> None:
        flow = self._some_flow(is_open)
        if flow:
            flow["baseline"] = max(1, flow["baseline"] + self.random.choice((-720, 720, 2_880)))

    def _stock_counted(self) -> None:
        pool = self.random.choice(list(self.facts["pools"]))
        counted = self.facts["pools"][pool]["stock"] + self.random.choice((-2, -1, 1, 3, 6))
        self.facts["pools"][pool]["stock"] = max(0, counted, held_of(self.facts, pool, "stock"))

    def _reserved(self) -> None:
        reserve_something(self.random, self.facts, self.random.choice(list(self.facts["pools"])))

    def _reservation_dropped(self) -> None:
        holding = [taken for taken in self._inputs() if taken.get("reservations")]
        if holding:
            taken = self.random.choice(holding)
            set_reservations(taken, taken["reservations"][1:])

    def _split_agreed(self) -> None:
        flow = self._some_flow(lambda flow: is_open(flow) and flow["kind"] != "work" and len(flow["inputs"]) == 1)
        if flow:
            flow["split"] = not flow.get("split", False)

    def _restored(self) -> None:
        """Everything that was reported since some step is withdrawn; time does not go back."""
        same_time = [facts for facts in self.before if facts["now"] == self.facts["now"]]
        if same_time:
            self.facts = deepcopy(self.random.choice(same_time))

    def _inputs(self) -> list[Written]:
        return [taken for flow in self.facts["flows"] for taken in flow["inputs"]]


def is_open(flow: Written) -> bool:
    """Neither finished nor lost."""
    return flow.get("actual_finish") is None and not flow.get("lost")


def is_waiting(flow: Written) -> bool:
    """Open and not started."""
    return is_open(flow) and "actual_start" not in flow


def close_inputs(flow: Written) -> None:
    """Lets a flow want no more than what it was issued."""
    flow["inputs"] = [{**taken, "quantity": taken["issued"]} for taken in flow["inputs"] if taken.get("issued")]
    for taken in flow["inputs"]:
        taken.pop("reservations", None)


def set_reservations(taken: Written, holds: list[Written]) -> None:
    """Lets an input hold what is said and nothing else."""
    taken.pop("reservations", None)
    if holds:
        taken["reservations"] = holds


def use_reservations(taken: Written, units: int) -> None:
    """After an issue of so many units: stock that was held is used first, and nothing is held beyond what is open."""
    holds = [dict(hold) for hold in taken.get("reservations", ())]
    holds.sort(key=lambda hold: str(hold["from"]) != "stock")
    used = min(units, held_units(taken, "stock"))
    over = max(used, held_units(taken) - open_units(taken))
    for hold in holds:
        less = min(over, hold["quantity"])
        hold["quantity"] -= less
        over -= less
    set_reservations(taken, [hold for hold in holds if hold["quantity"]])


def known_of(knew: Answer, flow: str, number: int, units: int, at: int) -> list[Written]:
    """What to freeze of units that are issued at a date.

    Nothing if they were in stock, or if their pool expected others to have them first.
    """
    covered, taken = knew.inputs[f"{flow}/{number}"], 0
    for part in covered:
        taken += part.quantity
        if taken >= units:
            break
    if part.date in (SINCE,) or part.date > at:
        return []
    cause = knew.account.causes[part.late.flow, part.late.date] if part.late else None
    return [
        {
            "date": part.date,
            "baseline": part.baseline,
            "in": published(minus(part.late.date, part.late.baseline)) if part.late else 0,
            "cause": cause
            and [_in_short_words(write_root(cause.root)), [_in_short_words(h.write()) for h in cause.hops]],
        }
    ]


_SHORT = {"class": "cls", "enterprise": "ent", "in": "inn"}


def _in_short_words(written: Written) -> Written:
    return {_SHORT.get(name, name): value for name, value in written.items()}
