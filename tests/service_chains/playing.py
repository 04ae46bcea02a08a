"""In which order the facts of a step are told, and what can not be told to a chain that is under way.

A step is told as the difference to the one before. What happened is told in the order of its dates, with the clock set
to each date first, and everything settles in between: then a pool that issues late knows why. Some facts can not change
(what was agreed of a line beside quantity and date, the time backwards). A step that would need that is reached afresh:
a new chain is told the steps before it as far as they fit, then the step. What must follow from facts does not depend
on how they came about, so that is the same check.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from services.fulfillment.flow import CancelTransfer
from services.fulfillment.keys import ShipmentId, TransferId, WorkId
from services.fulfillment.shipment import ReceiveShipment, ShipShipment
from services.fulfillment.work import CancelWork
from services.kernel.values import EnterpriseId
from services.order.order_commands import CancelLine
from services.order.terms import LineNumber, OrderNumber
from tests.service_chains.naming import LINE, Kind, Names, Written
from tests.service_chains.telling import Said, Teller, priority_of

REPORTS = (
    "estimated_start", "estimated_finish", "firm", "actual_start", "actual_finish", "lost", "event", "reason",
)  # fmt: skip


class Ground(Protocol):
    """Where the services run."""

    def send(self, enterprise: str, command: Any) -> None:
        """Say it as this enterprise; AssertionError if it is refused."""

    def tick(self, now_ms: int) -> None:
        """Set the clock."""

    def settle(self) -> None:
        """Return when nothing is in flight."""

    def rows(self, service: str, key: str) -> dict[str, Any]:
        """What a service keeps under a key, by row key."""

    def view(self, service: str, enterprise: str, view: str) -> dict[str, Any]:
        """What an enterprise sees, by row id."""


class Player:
    """Tells a chain step by step; ``fresh`` gives a ground and names where nobody has heard of it."""

    def __init__(self, fresh: Callable[[Written], tuple[Ground, Names]]) -> None:
        self._fresh = fresh
        self._told: list[Written] = []
        self.ground: Ground
        self.names: Names

    def after(self, facts: Written) -> None:
        """Make it so that these are the facts, and nothing is in flight."""
        before = self._told[-1] if self._told else None
        if before is None or not _can_follow(before, facts):
            fit = [told for told in self._told if _can_follow(told, facts)]
            self._begin(facts)
            for told in fit:
                self._step(told)
        self._step(facts)
        self._told.append(facts)

    def _begin(self, facts: Written) -> None:
        self.ground, self.names = self._fresh(facts)
        self._teller = Teller(self.names)
        self._facts: Written = {"now": 0, "pools": {}, "flows": []}
        self._changes: dict[str, int] = {}
        self._tick(0)

    def _step(self, facts: Written) -> None:
        before, self._facts = self._facts, facts
        old = {flow["id"]: flow for flow in before["flows"]}
        new = {flow["id"]: flow for flow in facts["flows"]}
        self._say(*(self._teller.count(pool, 0) for pool in facts["pools"] if pool not in before["pools"]))
        self._say(*(said for name in old if name not in new for said in self._withdrawal(name)))
        self._plan([flow for name, flow in new.items() if name not in old])
        for name, flow in new.items():
            if name in old:
                self._replan(old[name], flow)
        self._happen(old, new)
        self._tick(facts["now"])
        reported = [flow for name, flow in new.items() if self._reports_of(flow) != self._reports_of(old.get(name, {}))]
        self._say(*map(self._teller.report, reported))
        for pool in facts["pools"]:
            self._count(pool)
        self._tick(facts["now"])

    def _say(self, *said: Said) -> None:
        for enterprise, command in said:
            self.ground.send(enterprise, command)
        if said:
            self.ground.settle()

    def _tick(self, minute: int) -> None:
        self.ground.tick(self.names.at_ms(minute))
        self.ground.settle()

    def _count(self, pool: str) -> None:
        stock = self._facts["pools"][pool]["stock"]
        if int(self.ground.rows("inventory", self.names.places[pool].key)["head"].on_hand) != stock:
            self._say(self._teller.count(pool, stock))

    # --- plans --------------------------------------------------------------------------------------------------------

    def _plan(self, flows: list[Written]) -> None:
        """In the order of arrival; who holds stock is confirmed, and gets it, before others can."""
        in_order = sorted(flows, key=_arrived)
        self._say(*(said for flow in in_order for said in self._teller.plan(flow)))
        lines = [flow for flow in in_order if self.names.flows[flow["id"]].kind is Kind.LINE]
        for flow in sorted(lines, key=lambda line: (bool(line["inputs"]), not _holds_stock(line))):
            self._say(self._teller.line_plan(flow), self._teller.confirm(flow))
            if _holds_stock(flow):
                self._count(flow["inputs"][0]["pool"])

    def _replan(self, old: Written, flow: Written) -> None:
        named = self.names.flows[flow["id"]]
        if named.kind is Kind.WORK:
            if (plan := self._teller.work(flow, named)) != self._teller.work(old, named):
                self._say((named.does, plan))
            return
        if named.kind is Kind.LINE and (said := self._teller.line_plan(flow)) != self._teller.line_plan(old):
            self._say(said)
        if self._teller.delivery_of(flow) != self._teller.delivery_of(old):
            change = self._changes[flow["id"]] = self._changes.get(flow["id"], 0) + 1
            self._say(*self._teller.new_promise(flow, change))

    def _withdrawal(self, name: str) -> Iterator[Said]:
        named = self.names.flows[name]
        match named.kind:
            case Kind.LINE:
                yield named.buyer, CancelLine(OrderNumber(named.id), LineNumber(LINE))
            case Kind.WORK:
                yield named.does, CancelWork(WorkId(named.id))
            case Kind.ROUND_TRIP:
                for key in named.keys:
                    yield named.does, CancelTransfer(TransferId(key.rpartition("/")[2]))

    # --- what happened ------------------------------------------------------------------------------------------------

    def _happen(self, old: dict[str, Written], new: dict[str, Written]) -> None:
        """In the order of dates; of one date, what ends comes before what begins with it."""
        happened: list[tuple[int, int, str]] = []
        for name, flow in new.items():
            known = old.get(name, {})
            for order, field in enumerate(("actual_finish", "actual_start")):
                if flow.get(field) is not None and known.get(field) is None:
                    happened.append((flow[field], order, name))
        for at, order, name in sorted(happened):
            self._tick(at)
            flow = new[name]
            line = self.names.flows[name].kind is Kind.LINE
            if order:
                self._begin_line(flow) if line else self._begin_work(flow)
            elif line:
                self._end_line(flow)
            else:
                self._say(self._teller.report(flow))

    def _begin_work(self, flow: Written) -> None:
        begun = {**flow, "actual_finish": None, "estimated_finish": None}
        self._say(self._teller.report(begun), self._teller.issues(flow))

    def _begin_line(self, flow: Written) -> None:
        named = self.names.flows[flow["id"]]
        self._say(self._teller.report(flow))
        for shipment in self._shipments(named.last):
            seller, id_ = EnterpriseId(shipment.split("/")[1]), ShipmentId(shipment.split("/")[2])
            self._say((named.does, ShipShipment(seller, id_, self._teller.happened_ms(flow["actual_start"]))))

    def _end_line(self, flow: Written) -> None:
        named = self.names.flows[flow["id"]]
        self._say(self._teller.report(flow))
        for shipment in self._shipments(named.last):
            seller, id_ = EnterpriseId(shipment.split("/")[1]), ShipmentId(shipment.split("/")[2])
            at_ms = self._teller.happened_ms(flow["actual_finish"])
            self._say((named.buyer, ReceiveShipment(seller, id_, at_ms)))

    def _shipments(self, key: str) -> list[str]:
        """The shipments of a line of which something has not arrived."""
        rows = self.ground.rows("fulfillment", key)
        return [row for row, leg in rows.items() if row.startswith("shipment/") and leg.held > leg.report.received]

    def _reports_of(self, flow: Written) -> dict[str, Any]:
        """What is told of a flow by a report; what happened to a line its shipments say."""
        reports = {name: flow.get(name) or None for name in REPORTS}
        if flow and self.names.flows[flow["id"]].kind is not Kind.WORK:
            reports |= {"actual_start": None, "actual_finish": None}
        return reports


def _arrived(flow: Written) -> int:
    return min((int(taken.get("sequence", 0)) for taken in flow["inputs"]), default=0)


def _holds_stock(flow: Written) -> bool:
    return any(hold["from"] == "stock" for taken in flow["inputs"] for hold in taken.get("reservations", ()))


def _can_follow(before: Written, facts: Written) -> bool:
    """Whether nothing changes that can not be changed by a command."""
    if facts["now"] < before["now"]:
        return False
    old = {flow["id"]: flow for flow in before["flows"]}
    return all(_lasting(flow) == _lasting(old[flow["id"]]) for flow in facts["flows"] if flow["id"] in old)


def _lasting(flow: Written) -> tuple[Any, ...]:
    if flow["kind"] != "line":
        return ()
    return bool(flow.get("split")), priority_of(flow), flow["baseline"] % 1440
