"""Work orders and disruptions through HTTP on a real broker: what they show, and what is refused of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.live import Live, until

pytestmark = pytest.mark.kafka

Name = Callable[[str], str]
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MANY = 1_000


def at(day: float) -> str:
    return (TODAY + timedelta(days=day)).isoformat()


def pieces(amount: str, unit: str = "C62") -> dict[str, str]:
    return {"amount": amount, "unit": unit}


def work(**changed: Any) -> dict[str, Any]:
    """Ten packs, bought in, on days five to eight."""
    return {
        "site": "plant", "item": "pack", "quantity": pieces("10"), "start_at": at(5), "lead_time_minutes": 3 * 1440,
        "bought_in": True, **changed,
    }  # fmt: skip


def fire(**changed: Any) -> dict[str, Any]:
    """From day six on for four days."""
    return {"site": "plant", "from_at": at(6), "to_at": at(10), "reason_code": "FIRE", "reason": "press 3", **changed}


def needs(site: str, item: str) -> dict[str, Any]:
    return {"bought_in": False, "components": [{"site": site, "item": item, "quantity": pieces("1")}]}


def expected(live: Live, owner: str, work_id: str) -> Any:
    row = live.row("fulfillment", owner, "work", work_id)
    return row and row["delay_minutes"]


def test_a_disruption_holds_up_what_it_names_until_it_is_lifted(live: Live, name: Name) -> None:
    owner = name("maker")
    for work_id in ("w1", "w2"):
        live.done("fulfillment", "PUT", owner, f"/work/{work_id}", work())
    body = fire(work=["w1"], lines=[{"buyer": "car", "number": "o", "line": "10"}], transfers=["t"])
    said = live.done("fulfillment", "PUT", owner, "/disruptions/fire", body)
    seen = live.row("fulfillment", owner, "disruptions", "fire", after=said)
    assert (seen["state"], seen["flows"], seen["reason"]) == ("OPEN", 3, "press 3")
    assert len(live.view("fulfillment", owner, "disrupted-flows")) == 3
    until("w1 is held up", lambda: expected(live, owner, "w1") == 4 * 1440)
    assert expected(live, owner, "w2") == 0
    assert live.row("fulfillment", owner, "work", "w1")["reason"] == "FIRE"
    moved = live.done("fulfillment", "PUT", owner, "/disruptions/fire", fire(to_at=None, work=["w1", "w2"]))
    assert live.row("fulfillment", owner, "disruptions", "fire", after=moved)["to_at"] is None
    until("nobody knows when", lambda: {expected(live, owner, id_) for id_ in ("w1", "w2")} == {None})
    lifted = live.done("fulfillment", "POST", owner, "/disruptions/fire/lift")
    assert live.row("fulfillment", owner, "disruptions", "fire", after=lifted)["state"] == "LIFTED"
    until("all is as before", lambda: {expected(live, owner, id_) for id_ in ("w1", "w2")} == {0})
    assert live.view("fulfillment", owner, "disrupted-flows") == {}


def test_a_thousand_flows_are_held_up_by_one_report(live: Live, name: Name) -> None:
    """One transaction tells them all; a thousand and one are refused."""
    owner = name("maker")
    live.done("fulfillment", "PUT", owner, f"/work/w{MANY - 1}", work())
    named = [f"w{n}" for n in range(MANY)]
    said = live.done("fulfillment", "PUT", owner, "/disruptions/fire", fire(work=named))
    assert live.row("fulfillment", owner, "disruptions", "fire", after=said)["flows"] == MANY
    until("the last one is held up", lambda: expected(live, owner, named[-1]) == 4 * 1440)
    refused = live.call("fulfillment", "PUT", owner, "/disruptions/fire", fire(work=[*named, "one-more"]))
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:chainflow:problem:flows-too-many")


FINISH_BEFORE = {"estimated_finish_at": at(-2)}


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", "/work/w", work(**needs("plant", "pack")), "component-is-output"),
        ("PUT", "/work/w", work(bought_in=False), "components-missing"),
        ("PUT", "/work/w", work(lead_time_minutes=0), "lead-time-invalid"),
        ("POST", "/work/known/reports", {"actual_start_at": at(2)}, "actual-in-future"),
        ("POST", "/work/known/reports", {"actual_start_at": at(-1), **FINISH_BEFORE}, "finish-before-start"),
        ("POST", "/lines/car/o/10/reports", {"estimated_finish_at": at(2)}, "line-unknown"),
        ("PUT", "/lanes/a/x/b/y", {"lead_time_minutes": 0, "mode": "ROAD"}, "lead-time-invalid"),
        ("PUT", "/disruptions/fire", fire(to_at=at(6)), "disruption-without-time"),
        ("PUT", "/disruptions/fire", fire(site=""), "id-invalid"),
        ("POST", "/disruptions/none/lift", {}, "disruption-unknown"),
    ],
)  # fmt: skip
def test_what_nobody_can_mean_is_refused(
    live: Live, name: Name, method: str, path: str, body: dict[str, Any], code: str
) -> None:
    """With a stable code and what to do about it."""
    owner = name("maker")
    live.done("fulfillment", "PUT", owner, "/work/known", work())
    answer = live.call("fulfillment", method, owner, path, body)
    assert answer.json()["type"] == f"urn:chainflow:problem:{code}", answer.text
    assert 400 <= answer.status_code < 500
    assert answer.json()["detail"]
