"""What the three services keep of a chain, written as the worked examples write what is expected.

Owns: reading flows and lines (dates, hops, roots) and pools (parts, buffers) from rows, alerts and incidents from what
the order service says of lines. Deliberately lacks: any computation of its own, but for one: of two transfers that are
one flow in the facts, the two hops are written as one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from services.chain.causes import Cause, Hop, Root, RootClass
from services.chain.moments import NEVER, SINCE
from services.fulfillment.expecting import FlowReckoned
from services.inventory.pool_rows import Buffered, Dated
from services.order.line import Line
from tests.service_chains.naming import LINE, Kind, Named, Names, Written, event_of
from tests.service_chains.playing import Ground

MILLION = 10**6
Json = Any


def kept(ground: Ground, names: Names, facts: Written) -> Json:
    """Everything that follows from the facts, as the services have it."""
    flows = {flow["id"]: names.flows[flow["id"]] for flow in facts["flows"]}
    reading = Reading(ground, names)
    lines = [named for named in flows.values() if named.kind is Kind.LINE]
    return {
        "flows": {name: reading.flow(named) for name, named in flows.items()},
        "pools": {pool: reading.pool(pool) for pool in facts["pools"]},
        "delays": {named.id: reading.alert(named) for named in lines},
        "incidents": reading.incidents(lines),
    }


def everything_kept(ground: Ground, names: Names, facts: Written) -> Json:
    """All that was reckoned, row by row and whole, and what enterprises see of it: to be compared with another time.

    Without moments at which something was recorded, and without what is done in the world on its behalf (shipments).
    """
    kept_rows: Json = {}
    for flow in facts["flows"]:
        for key in names.flows[flow["id"]].keys:
            kept_rows[key] = ground.rows("fulfillment", key).get("told")
    for pool in facts["pools"]:
        rows = ground.rows("inventory", names.places[pool].key)
        kept_rows[pool] = {key: row for key, row in rows.items() if key.startswith(("dated/", "buffers/"))}
    for viewer in sorted({named.buyer for named in names.flows.values()} | {one.does for one in names.flows.values()}):
        for view in ("order-lines", "exposure", "incidents"):
            for row_id, row in ground.view("order", viewer, view).items():
                moments = {"awaits_since_ms": 0, "late_since_ms": 0, "since_ms": 0}
                same = {name: value for name, value in moments.items() if hasattr(row, name)}
                kept_rows[viewer, view, row_id] = replace(row, **same)
    return kept_rows


class Reading:
    """One look at the services when nothing is in flight."""

    def __init__(self, ground: Ground, names: Names) -> None:
        self.ground, self.names = ground, names

    def flow(self, named: Named) -> Json:
        """One entry of ``flows``, without the hop of a flow that is not late: nobody keeps that."""
        told: FlowReckoned | None = self.ground.rows("fulfillment", named.last).get("told")
        if told is None or told.expectation is None:
            return {"parts": "nothing is told"}
        expectation = told.expectation
        cause = expectation.cause
        return {
            "parts": [[self._date(part.date), _units(part.quantity)] for part in told.parts],
            "expected": self._date(expectation.date),
            "delay": _or_null(expectation.delay),
            "root": self._root(cause.root) if cause else None,
            "hops": self._hops(cause) if cause else None,
        }

    def _date(self, minute: int) -> int | None:
        return None if minute == NEVER else 0 if minute == SINCE else minute - self.names.base_minute

    def _hops(self, cause: Cause) -> list[Json]:
        told: list[Json] = []
        for hop in cause.hops:
            written = self._hop(hop)
            if told and told[-1]["flow"] == written["flow"]:
                told[-1] = _as_one(told[-1], written)
            else:
                told.append(written)
        return told

    def _hop(self, hop: Hop) -> Json:
        numbers = ("delay_in", "stock", "reach", "slack", "recovered", "plan", "own", "delay_out")
        published = {"delay_in": "in", "delay_out": "out"}
        told = {published.get(number, number): _or_null(getattr(hop, number)) for number in numbers}
        told |= {"calendar": hop.calendar} if hop.calendar else {}
        told |= {"count": hop.count} if hop.count > 1 else {}
        return {"flow": self.names.flow_of(hop.flow), "enterprise": hop.enterprise, **told}

    def _root(self, root: Root) -> Json:
        flow_of = self.names.flow_of
        told: Json = {"flow": flow_of(root.flow), "event": event_of(root.event), "reason": root.reason or None}
        told["class"] = root.kind.value
        if root.kind is RootClass.LOOP:
            told["members"] = list(dict.fromkeys(map(flow_of, root.members)))
        elif root.kind is RootClass.SHORT:
            told["missing"] = _units(root.missing)
        elif root.kind is RootClass.SHARED:
            told["culprit"] = flow_of(root.culprit)
        return told

    # --- pools --------------------------------------------------------------------------------------------------------

    def pool(self, pool: str) -> Json:
        """One entry of ``pools``."""
        rows = self.ground.rows("inventory", self.names.places[pool].key)
        demands: Json = {}
        supplies: Json = {}
        for row in rows.values():
            if isinstance(row, Dated) and row.parts:
                number = row.demand.rpartition("#")[2]
                flow = self.names.flow_of(row.flow_key)
                demands[f"{flow}/{number}"] = [[self._date(part.date), _units(part.quantity)] for part in row.parts]
            elif isinstance(row, Buffered):
                buffers = row.buffers
                supplies[self.names.flow_of(row.flow_key)] = {
                    "in": buffers.delay_minutes,
                    "absorbed": buffers.absorbed_minutes,
                    "slack": buffers.slack_minutes,
                }
        return {"demands": demands, "supplies": supplies}

    # --- lines --------------------------------------------------------------------------------------------------------

    def alert(self, named: Named) -> int | None:
        """The delay that the order tells its parties, in minutes."""
        view = self.ground.view("order", named.buyer, "order-lines")
        return _or_null(view[f"{named.buyer}/{named.id}/{LINE}"].delay_minutes)

    def incidents(self, lines: Sequence[Named]) -> Json:
        """Late lines by what the order service counts them under."""
        found: dict[str, list[str]] = {}
        for named, line in self._lines(lines):
            outlook = line.progress.expectation if line.progress else None
            if outlook is not None and outlook.cause is not None:
                root = outlook.cause.root
                found.setdefault(self.names.by_key.get(root) or event_of(root) or "", []).append(named.id)
        return found

    def _lines(self, lines: Sequence[Named]) -> Iterator[tuple[Named, Line]]:
        for named in lines:
            row = self.ground.rows("order", f"order/{named.buyer}/{named.id}").get(f"line/{LINE}")
            if isinstance(row, Line):
                yield named, row


def _as_one(first: Json, second: Json) -> Json:
    """The hop of a flow that the services do in two."""
    summed = ("stock", "slack", "recovered", "plan", "own")
    never = {name for name in summed if first[name] is None or second[name] is None}
    return {
        **first,
        **{name: None if name in never else first[name] + second[name] for name in summed},
        "out": second["out"],
    }


def _units(millionths: int) -> int | float:
    whole, rest = divmod(millionths, MILLION)
    return millionths / MILLION if rest else whole


def _or_null(number: int) -> int | None:
    return None if number == NEVER else number
