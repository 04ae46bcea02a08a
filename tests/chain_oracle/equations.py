"""The equations of the chain model as a check of a finished result: facts and ``expected`` in, breaches out.

Written unit by unit and on the plain written shapes, so that it shares neither code nor method with the oracle's play
through time. The equations have exactly one solution, loops included, because every flow ends later than the inputs
that set its date; so a result without breaches has the right dates, whoever made it. Deliberately lacks: causes.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

Written = Mapping[str, Any]


class Wanted(NamedTuple):
    """A demand as it stands in the queue: ordered by what comes first here."""

    priority: int
    need: int
    sequence: int
    flow: str
    number: int
    open: int
    reservations: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """The demand's id."""
        return f"{self.flow}/{self.number}"

    @property
    def queued(self) -> int:
        """Units that are not held."""
        return self.open - sum(units for _, units in self.reservations)


class Served(NamedTuple):
    """The date of each unit that a demand gets: of the queue, and of what it holds by supply."""

    queued: list[float]
    held: dict[str, list[float]]


def equation_breaches(facts: Written, expected: Written) -> list[str]:
    """A step's facts and its result -> one sentence per date or quantity that does not satisfy the equations."""
    found = []
    for pool in facts["pools"]:
        shown = expected["pools"][pool]
        due = {
            name: sorted(_all(served)) for name, served in serve(facts, pool, supplies(facts, expected, pool)).items()
        }
        got = {name: unit_dates(parts) for name, parts in shown["demands"].items()}
        found += [f"pool {pool}: demands {got}, but the equations give {due}"] if due != got else []
        there = {flow["id"] for flow in facts["flows"] if flow["output"] == pool and not _finished(flow)}
        found += [f"pool {pool}: wrong supplies {set(shown['supplies'])}"] if set(shown["supplies"]) != there else []
    for flow in facts["flows"]:
        got_units = unit_dates(expected["flows"][flow["id"]]["parts"])
        due_units = flow_units(flow, expected, facts["now"])
        if got_units != due_units:
            found.append(f"flow {flow['id']}: gives {got_units}, but the equations give {due_units}")
    return found


def unit_dates(parts: Sequence[Sequence[Any]]) -> list[float]:
    """Parts [date, quantity] -> the date of each unit."""
    return [inf if date is None else date for date, quantity in parts for _ in range(quantity)]


def supplies(facts: Written, expected: Written, pool: str) -> dict[str, list[float]]:
    """The date of each unit of each supply of a pool, as the result has it."""
    names = [flow["id"] for flow in facts["flows"] if flow["output"] == pool and not _finished(flow)]
    return {name: unit_dates(expected["flows"][name]["parts"]) for name in names}


def wanted(facts: Written, pool: str) -> list[Wanted]:
    """The demands of a pool in the order in which they are served."""
    found = [
        Wanted(
            taken.get("priority", 5),
            taken.get("need", flow["planned_start"]),
            taken.get("sequence", 0),
            flow["id"],
            number,
            taken["quantity"] - taken.get("issued", 0),
            tuple((hold["from"], hold["quantity"]) for hold in taken.get("reservations", ())),
        )
        for flow in facts["flows"]
        for number, taken in enumerate(flow["inputs"])
        if taken["pool"] == pool
    ]
    return sorted(demand for demand in found if demand.open)


def serve(facts: Written, pool: str, coming: Mapping[str, Sequence[float]]) -> dict[str, Served]:
    """What each demand of a pool gets of given supplies (unit dates): holders first, then the queue in its order."""
    left = {name: sorted(units) for name, units in coming.items()}
    stock = facts["pools"][pool]["stock"]
    demands = wanted(facts, pool)
    served = {demand.name: Served([], {}) for demand in demands}
    for demand in demands:
        for source, units in demand.reservations:
            if source == "stock":
                stock -= units
                served[demand.name].held.setdefault(source, []).extend([0] * units)
            else:
                served[demand.name].held.setdefault(source, []).extend(left[source][:units])
                del left[source][:units]
    line = [0.0] * stock + sorted(date for units in left.values() for date in units)
    line = line[max(0, -stock) :]
    for demand in demands:
        units_due = line[: demand.queued]
        del line[: demand.queued]
        served[demand.name].queued.extend(units_due + [inf] * (demand.queued - len(units_due)))
    return served


def _all(served: Served) -> list[float]:
    return served.queued + [date for units in served.held.values() for date in units]


def flow_units(flow: Written, expected: Written, now: int) -> list[float]:
    """The date of each unit that a flow gives, from the dates of its inputs in the result."""
    inputs = [
        unit_dates(expected["pools"][taken["pool"]]["demands"][f"{flow['id']}/{number}"])
        for number, taken in enumerate(flow["inputs"])
        if taken["quantity"] > taken.get("issued", 0)
    ]
    if flow.get("split") and inputs and not _settled_by_reports(flow):
        [taken] = flow["inputs"]
        units = [0.0] * taken.get("issued", 0) + inputs[0]
        needed = [-(-unit * taken["quantity"] // flow["quantity"]) for unit in range(1, flow["quantity"] + 1)]
        return [_ends(flow, [units[count - 1]], now) for count in needed]
    return [_ends(flow, [max(units) for units in inputs], now)] * int(flow["quantity"])


def _finished(flow: Written) -> bool:
    return flow.get("actual_finish") is not None


def _settled_by_reports(flow: Written) -> bool:
    return _finished(flow) or flow.get("lost", False) or flow.get("firm", False)


def _ends(flow: Written, waits_for: list[float], now: int) -> float:
    """The end of a flow that waits for inputs of these dates."""
    if _finished(flow):
        return float(flow["actual_finish"])
    if flow.get("lost"):
        return inf
    lead, said = flow["lead_minutes"], flow.get("estimated_finish") or 0
    if flow.get("firm"):
        return float(max(said, now))
    starts = [flow["planned_start"], flow.get("estimated_start") or 0, now if flow.get("reports_start") else 0]
    if flow.get("actual_start") is not None:
        starts = [flow["actual_start"], (flow.get("frozen") or {"date": 0})["date"]]
        if said and not waits_for:
            return float(max(said, now))
    return float(max(max(starts + waits_for) + lead, said, now))
