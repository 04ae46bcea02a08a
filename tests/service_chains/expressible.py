"""Random chains that the three services can be told, and what happens to them.

Owns: which of the facts of a random chain are changed so that public commands can say them, changes of such facts, and
the oracle's answer to them in the services' order of ids. What a pool reserves of its stock for a line that waits it
decides by itself, when stock is there; that is a fact, read from the pool, and the oracle is told it. Deliberately
lacks: issues and starts, which the worked examples have.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

from tests.chain_oracle.chains import Shape, Shares, held_of, open_units, random_chain
from tests.chain_oracle.expected import expected_of
from tests.service_chains.naming import Kind, Names
from tests.service_chains.playing import Ground

Json = Any
DAY_MINUTES = 1440
TRADE = Shape(6, 4, 2, Shares(trader=0.9, second_line=0.8))  # lines wait for lines mostly where there are traders
HOLDS = 4  # as the story begins, beside those that come with the chain
SLIPS = (1, 60, 437, 720, 1_440, 1_440, 2_880, 7_200)


def expressible_chain(seed: int) -> Json:
    """The random chain of the seed, changed where the services could not be told it."""
    facts = random_chain(seed, TRADE if seed % 4 == 3 else None)
    _give_pallets_an_owner(facts)
    names = Names(facts["pools"])
    for flow in facts["flows"]:
        _simplify(flow)
        named = names.learn(flow)
        flow["kind"] = "line" if named.kind is Kind.LINE else "work"
    for flow in facts["flows"]:
        if flow["kind"] == "line":
            flow.pop("reports_start", None)
        for taken in flow["inputs"]:
            _hold_lines_only(flow, taken, names)
    return facts


def _give_pallets_an_owner(facts: Json) -> None:
    """Returnables belong to the first whose work needs some; others do without. Who brings them back sells them."""
    works = [flow for flow in facts["flows"] if flow["kind"] == "work"]
    users = [flow for flow in works if any(taken["pool"] == "P/pallet" for taken in flow["inputs"])]
    owner = users[0]["enterprise"] if users else "P"
    if "P/pallet" in facts["pools"]:
        facts["pools"][f"{owner}/pallet"] = facts["pools"].pop("P/pallet")
    for flow in facts["flows"]:
        if flow["output"] == "P/pallet":
            flow["output"], flow["kind"] = f"{owner}/pallet", "line"
            if flow["inputs"]:
                flow["enterprise"] = flow["inputs"][0]["pool"].partition("/")[0]
        if flow["enterprise"] != owner or flow["kind"] != "work":
            flow["inputs"] = [taken for taken in flow["inputs"] if taken["pool"] != "P/pallet"]
        for taken in flow["inputs"]:
            if taken["pool"] == "P/pallet":
                taken["pool"] = f"{owner}/pallet"


def _simplify(flow: Json) -> None:
    """One input of each pool and none of its own, one priority, needed for the start; parts of equal units only."""
    inputs = {taken["pool"]: taken for taken in flow["inputs"] if taken["pool"] != flow["output"]}
    flow["inputs"] = list(inputs.values())
    priority = min((taken.get("priority", 5) for taken in flow["inputs"]), default=5)
    for taken in flow["inputs"]:
        taken.pop("need", None)
        taken["priority"] = priority
    if any(taken["quantity"] != flow["quantity"] for taken in flow["inputs"]) or len(flow["inputs"]) != 1:
        flow["split"] = False


def _hold_lines_only(flow: Json, taken: Json, names: Names) -> None:
    holds = taken.pop("reservations", []) if flow["kind"] == "line" else taken.pop("reservations", []) and []
    kept = [hold for hold in holds if hold["from"] in names.flows and names.flows[hold["from"]].kind is Kind.LINE]
    if kept:
        taken["reservations"] = kept


# --- what the pools decide --------------------------------------------------------------------------------------------


def with_reservations(ground: Ground, names: Names, facts: Json) -> Json:
    """The facts, and what the pools hold of their stock for lines; a work order that is lost needs nothing any more."""
    facts = deepcopy(facts)
    for flow in facts["flows"]:
        if flow.get("lost") and flow["kind"] == "work":
            flow["inputs"] = []
        for number, taken in enumerate(flow["inputs"] if flow["kind"] == "line" else ()):
            key = names.flows[flow["id"]].last
            rows = ground.rows("inventory", names.places[taken["pool"]].key)
            row = rows.get(f"demand/{key}/{key}#{number}")
            reserved = int(row.reserved) if row is not None else 0
            left = open_units(taken) - reserved
            holds = [{"from": "stock", "quantity": reserved}] if reserved else []
            for hold in taken.pop("reservations", ()):
                if units := min(left, hold["quantity"]):
                    holds.append({"from": hold["from"], "quantity": units})
                    left -= units
            if holds:
                taken["reservations"] = holds
    return facts


def oracle_of(names: Names, facts: Json, alerts_before: dict[str, int]) -> tuple[Json, dict[str, int]]:
    """What the oracle expects, with ties between flows broken by the ids that they have in the services."""
    keys = {name: named.last for name, named in names.flows.items()}
    before = {keys[line]: delay for line, delay in alerts_before.items()}
    expected, alerts = expected_of(_renamed(facts, keys), before)
    back = {key: name for name, key in keys.items()}
    return _renamed(expected, back), {back[line]: delay for line, delay in alerts.items()}


def _renamed(value: Json, names: dict[str, str]) -> Json:
    """The same with names changed wherever they stand, also in front of the number of a demand."""
    match value:
        case dict():
            return {_renamed(key, names): _renamed(item, names) for key, item in value.items()}
        case list():
            return [_renamed(item, names) for item in value]
        case str():
            flow, _, number = value.rpartition("/")
            return names.get(value) or (f"{names[flow]}/{number}" if flow in names else value)
        case _:
            return value


# --- what happens -----------------------------------------------------------------------------------------------------


class Happenings:
    """Facts to which something happens at every step; every change is one that a public command can say."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"services {seed}")
        self.facts = expressible_chain(seed)
        self._names = Names(self.facts["pools"])
        self._events = 0
        self._arrived = len(self.facts["flows"])
        for _ in range(HOLDS):
            self._holds()

    def step(self) -> Json:
        """One to three things happen; the facts after them."""
        kinds: list[tuple[Callable[[], None], int]] = [
            (self._slip, 6), (self._firm, 2), (self._start, 2), (self._lost, 1), (self._taken_back, 3), (self._tick, 3),
            (self._counted, 2), (self._planned_anew, 2), (self._quantity, 1), (self._rush, 2), (self._cancelled, 1),
            (self._holds, 3), (self._arrives, 3),
        ]  # fmt: skip
        for _ in range(self.random.choice((1, 1, 2, 3))):
            self.random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]()
        return deepcopy(self.facts)

    def slip_only(self) -> Json:
        """Reports, and nothing else; they can be taken back."""
        for _ in range(self.random.choice((1, 2, 3))):
            self.random.choice((self._slip, self._slip, self._firm, self._start, self._lost))()
        return deepcopy(self.facts)

    def _open(self) -> list[Json]:
        return [flow for flow in self.facts["flows"] if "actual_finish" not in flow]

    def _some(self) -> Json:
        return self.random.choice(self._open())

    def _reported(self, flow: Json, **report: Any) -> None:
        """A report; now and then several of one enterprise tell of one event."""
        if self.random.random() > 0.3 or not self._events:
            self._events += 1
        for name in ("estimated_start", "estimated_finish", "firm", "lost", "reason"):
            flow.pop(name, None)
        flow.update(report, event=f"e{self._events}-{self._names.learn(flow).does}")
        if reason := self.random.choice(("fire", "strike", None)):
            flow["reason"] = reason

    def _slip(self) -> None:
        flow = self._some()
        known = flow.get("estimated_finish") or flow["baseline"]
        self._reported(flow, estimated_finish=known + self.random.choice(SLIPS))

    def _firm(self) -> None:
        flow = self._some()
        finish = max(1, flow["baseline"] + self.random.choice((-720, 0, 720, 2_880)))
        self._reported(flow, estimated_finish=finish, firm=True)

    def _start(self) -> None:
        flow = self._some()
        self._reported(flow, estimated_start=max(1, flow["planned_start"] + self.random.choice((-720, 720, 4_320))))

    def _lost(self) -> None:
        self._reported(self._some(), lost=True)

    def _taken_back(self) -> None:
        for flow in self.random.sample(self._open(), min(3, len(self._open()))):
            take_back(flow)

    def _tick(self) -> None:
        self.facts["now"] += self.random.choice((60, 360, 1_440, 4_320))

    def _counted(self) -> None:
        pool = self.facts["pools"][self.random.choice(list(self.facts["pools"]))]
        pool["stock"] = max(0, pool["stock"] + self.random.choice((-3, -1, 1, 4, 8)))

    def _planned_anew(self) -> None:
        flow, later = self._some(), self.random.choice((-1, 1, 2)) * DAY_MINUTES
        if flow["planned_start"] + later > 0 and flow["baseline"] + later > 0:
            flow["planned_start"] += later
            flow["baseline"] += self.random.choice((later, 0)) if flow["kind"] == "work" else later

    def _quantity(self) -> None:
        flow = self._some()
        if flow["kind"] == "work" and flow["inputs"] and not flow.get("split"):
            self.random.choice(flow["inputs"])["quantity"] += self.random.choice((1, 2))

    def _rush(self) -> None:
        pool = self.random.choice(list(self.facts["pools"]))
        self._arrived += 1
        start, quantity = self.facts["now"] + self.random.choice((720, 2_880)), self.random.randint(1, 3)
        taken = {"pool": pool, "quantity": quantity, "sequence": self._arrived, "priority": self.random.choice((1, 5))}
        self.facts["flows"].append({
            "id": f"Z{self._arrived}", "enterprise": pool.partition("/")[0], "kind": "line", "output": None,
            "quantity": quantity, "planned_start": start, "lead_minutes": 720, "baseline": start + 720,
            "inputs": [taken], "split": self.random.random() < 0.5,
        })  # fmt: skip

    def _cancelled(self) -> None:
        if len(self._open()) > 3:
            gone = self._some()
            self.facts["flows"].remove(gone)
            for taken in self._inputs():
                drop_holds(taken, gone["id"])

    def _holds(self) -> None:
        """A line gets a hold on a line into its pool, or loses those that it has."""
        lines = [flow for flow in self._open() if flow["kind"] == "line" and flow["inputs"]]
        if not lines:
            return
        taken = self.random.choice(lines)["inputs"][0]
        if taken.pop("reservations", None):
            return
        sources = [flow for flow in self._open() if flow["output"] == taken["pool"] and flow["kind"] == "line"]
        if sources:
            source = self.random.choice(sources)
            free = source["quantity"] - held_of(self.facts, taken["pool"], source["id"])
            if units := min(free, taken["quantity"]):
                taken["reservations"] = [{"from": source["id"], "quantity": self.random.randint(1, units)}]

    def _arrives(self) -> None:
        """What is bought in comes, now, and is stock; who held it gets it there."""
        coming = [flow for flow in self._open() if not flow["inputs"] and flow["output"] and not flow.get("lost")]
        if not coming or not self.facts["now"] or len(self._open()) < 4:
            return
        flow = self.random.choice(coming)
        self._reported(flow, actual_finish=self.facts["now"])
        self.facts["pools"][flow["output"]]["stock"] += flow["quantity"]
        for taken in self._inputs():
            drop_holds(taken, flow["id"])

    def _inputs(self) -> Iterator[Json]:
        return (taken for flow in self.facts["flows"] for taken in flow["inputs"])


def take_back(flow: Json) -> None:
    """Nothing is reported of the flow."""
    for name in ("estimated_start", "estimated_finish", "firm", "lost", "event", "reason"):
        flow.pop(name, None)


def drop_holds(taken: Json, source: str) -> None:
    """The input holds nothing of the source."""
    holds = [hold for hold in taken.pop("reservations", ()) if hold["from"] != source]
    if holds:
        taken["reservations"] = holds
