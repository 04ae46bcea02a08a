"""What each enterprise must see of a chain, from what is expected of it, and what the services show it.

Owns: the rules of who sees what of a cause, written once more and independently of the services: the parties of a line
see its delay, the kind of its cause, how many enterprises away it began, and a reference that is theirs alone; the
owner of a work order or of a pool sees the class of a cause, and of his own doing the reason too.
"""

from collections.abc import Mapping
from typing import Any, Final

from services.chain.moments import NEVER, minute_of
from services.order.references import DEVELOPMENT
from tests.service_chains.naming import LINE, Kind, Named, Names, Written, event_key
from tests.service_chains.playing import Ground

Json = Any

_OTHERS: Final = {"reported": "supply", "silent": "supply", "lost": "supply"}
_TIERS: Final = ("0", "1", "2", "3 or more")


def to_be_shown(names: Names, facts: Written, expected: Json) -> Json:
    """Enterprise to view to row id to what it must see there."""
    shown: Json = {}
    for flow in facts["flows"]:
        named, follows = names.flows[flow["id"]], expected["flows"][flow["id"]]
        if named.kind is Kind.WORK:
            _put(shown, named.does, "work", named.id, _work_row(named, follows))
        elif named.kind is Kind.LINE:
            row_id = f"{named.buyer}/{named.id}/{LINE}"
            for viewer, nearer in ((named.buyer, 0), (named.does, 1)):
                cause = _cause(names, named, follows, viewer, nearer)
                late = bool(follows["delay"] or follows["expected"] is None)
                alert = None if not late else "SHORT" if follows["expected"] is None else "LATE"
                row = {"expected": follows["expected"], "delay": follows["delay"], "alert": alert, "since": late}
                _put(shown, viewer, "order-lines", row_id, {**row, "cause": cause})
                if viewer == named.buyer and late and flow.get("actual_finish") is None:
                    _put(shown, viewer, "exposure", f"{named.id}/{LINE}", {"cause": cause})
                    incident = shown[viewer].setdefault("incidents", {}).setdefault(cause["reference"], {"lines": 0})
                    incident["lines"] += 1
    for pool, follows in expected["pools"].items():
        place = names.places[pool]
        _put(shown, place.enterprise, "stock", place.row, {"on_hand": facts["pools"][pool]["stock"]})
        for supply, outlook in follows["supplies"].items():
            key = names.flows[supply].last
            row = {"delay": outlook["in"], "slack": outlook["slack"], "absorbed": outlook["absorbed"]}
            root = expected["flows"][supply]["root"]
            row["cause"] = _OTHERS.get(root["class"], root["class"]) if root else None
            _put(shown, place.enterprise, "supplies", f"{place.row}/{key}/{key}", row)
    return shown


def _put(shown: Json, viewer: str, view: str, row_id: str, row: Json) -> None:
    shown.setdefault(viewer, {}).setdefault(view, {})[row_id] = row


def _work_row(named: Named, follows: Json) -> Json:
    root = follows["root"]
    own = root is not None and root["flow"] == named.id
    kind = None if root is None else root["class"] if own else _OTHERS.get(root["class"], root["class"])
    reason = (root["reason"] or "") if own else ""
    return {"expected": follows["expected"], "delay": follows["delay"], "cause": kind, "reason": reason}


def _cause(names: Names, named: Named, follows: Json, viewer: str, nearer: int) -> Json:
    root = follows["root"]
    if root is None:
        return None
    own = root["flow"] == named.id
    kind = _OTHERS.get(root["class"], root["class"])
    tiers, enterprise = 0, None
    for hop in reversed(follows["hops"]):
        tiers += hop["enterprise"] != enterprise
        enterprise = hop["enterprise"]
        if hop["flow"] == root["flow"]:
            break
    return {
        "kind": "transport" if own and kind == "supply" else kind,
        "tiers": _TIERS[min(max(tiers, 1) - nearer, 3)],
        "reference": DEVELOPMENT.to(viewer, _incident_key(names, root)),  # type: ignore[arg-type]
        "reason": (root["reason"] or "") if own else "",
    }


def _incident_key(names: Names, root: Json) -> str:
    if root["event"]:
        return event_key(names.flows[root["flow"]], root["event"])
    if "culprit" in root:
        return names.flows[root["culprit"]].last
    if "members" in root:
        return min(key for member in root["members"] for key in names.flows[member].keys)
    return names.flows[root["flow"]].last


# --- what is shown ----------------------------------------------------------------------------------------------------


def shown(ground: Ground, names: Names, wanted: Json) -> Json:
    """The same rows as the services show them, and of exposure and incidents all rows there are."""
    views = {"order-lines": "order", "exposure": "order", "incidents": "order", "work": "fulfillment"}
    found: Json = {}
    for viewer in sorted({*wanted, *(named.buyer for named in names.flows.values() if named.kind is Kind.LINE)}):
        for view in (*views, "stock", "supplies"):
            wanted_rows = wanted.get(viewer, {}).get(view, {})
            if wanted_rows or view in ("exposure", "incidents"):
                rows = ground.view(views.get(view, "inventory"), viewer, view)
                every = view in ("exposure", "incidents")
                told = {
                    row_id: _SHOWN[view](names, row) for row_id, row in rows.items() if every or row_id in wanted_rows
                }
                if told or wanted_rows:
                    found.setdefault(viewer, {})[view] = told
    return found


def _line(names: Names, row: Any) -> Json:
    alert = row.alert.value if row.alert else None
    delay = None if row.delay_minutes == NEVER else row.delay_minutes
    return {
        "expected": _minute(names, row.expected_at_ms),
        "delay": delay,
        "alert": alert,
        "since": row.late_since_ms is not None,
        "cause": _cause_view(row),
    }


def _cause_view(row: Any) -> Json:
    cause = row.cause
    if cause is None:
        return None
    told = {"kind": cause.kind.value, "tiers": cause.tiers.value, "reference": cause.reference}
    return {**told, "reason": cause.reason}


def _work(names: Names, row: Any) -> Json:
    cause = row.cause.value.lower() if row.cause else None
    return {
        "expected": _minute(names, row.expected_at_ms),
        "delay": row.delay_minutes,
        "cause": cause,
        "reason": row.reason,
    }


def _supply(names: Names, row: Any) -> Json:
    cause = row.cause.value.lower() if row.cause else None
    return {
        "delay": row.delay_minutes,
        "slack": row.slack_minutes,
        "absorbed": row.absorbed_minutes,
        "cause": cause,
    }


def _minute(names: Names, at_ms: int | None) -> int | None:
    return None if at_ms is None else minute_of(at_ms) - names.base_minute


_SHOWN: Final[Mapping[str, Any]] = {
    "order-lines": _line,
    "exposure": lambda names, row: {"cause": _cause_view(row)},
    "incidents": lambda names, row: {"lines": row.lines},
    "work": _work,
    "stock": lambda names, row: {"on_hand": int(row.on_hand)},
    "supplies": _supply,
}
