"""From the order to the receipt through HTTP, on a real broker: services that know one another's messages only."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.live import Live, until

pytestmark = pytest.mark.kafka

Name = Callable[[str], str]
NOW = datetime.now(UTC).isoformat()
TERMS = {
    "seller_item": "part", "factor": {"buyer_unit": "C62", "seller_unit": "C62"}, "basis": "SHIP",
    "ship_from": "main", "ship_to": "dock", "time_zone": "Europe/Berlin", "lead_time_minutes": 60,
}  # fmt: skip


def pieces(amount: int) -> dict[str, str]:
    """A quantity."""
    return {"amount": str(amount), "unit": "C62"}


def order(seller: str, *amounts: int) -> dict[str, Any]:
    """The body of an order with a line for each amount: 10, 20, …"""
    lines = []
    for number, amount in enumerate(amounts, 1):
        wanted = [{"due_on": "2090-01-05", "amount": amount}]
        lines.append({"line": f"{10 * number}", "buyer_item": "teil", "terms": TERMS, "requested": wanted})
    return {"seller": seller, "lines": lines}


def shows(live: Live, service: str, enterprise: str, view: str, row_id: str, **wanted: Any) -> Any:
    """Wait until a row shows what is wanted; the row. It came over several services: there is no token to wait by."""

    def looked() -> Any:
        row = live.row(service, enterprise, view, row_id)
        return row if row and all(row[name] == value for name, value in wanted.items()) else None

    try:
        return until(f"{view} {row_id} of {enterprise} shows {wanted}", looked)
    except AssertionError as error:
        raise AssertionError(f"{error}; the row is {live.row(service, enterprise, view, row_id)}") from None


def no_dead_letters(live: Live, *enterprises: str) -> None:
    """None of these tests' own commands and links may end as one."""
    for service in live.replicas:
        for record in live.read(f"{service}-dead-letters-v1"):
            assert not any(name.encode() in (record.key or b"") for name in enterprises), record.value


def test_an_order_from_placing_to_receipt(live: Live, name: Name) -> None:
    """A line that waits for stock, a partial shipment, and a receipt with a difference."""
    buyer, seller = name("buyer"), name("seller")
    counted = live.done("inventory", "POST", seller, "/pools/main/part/counts", {"counted": pieces(5)})
    stock = live.row("inventory", seller, "stock", "main/part", after=counted)
    assert (stock["on_hand"], stock["available"]) == ("5", "5")
    placed = live.done("order", "PUT", buyer, "/orders/o1", order(seller, 8))
    line = f"{buyer}/o1/10"
    assert live.row("order", buyer, "order-lines", line, after=placed)["awaits"] == "CONFIRMATION"
    assert live.row("order", seller, "order-lines", line, after=placed)["role"] == "SELLER"
    confirmed = live.done("order", "POST", seller, f"/orders/{buyer}/o1/confirm")
    assert live.row("order", buyer, "order-lines", line, after=confirmed)["stage"] == "CONFIRMED"

    # five are there: five are planned, three wait
    shows(live, "fulfillment", seller, "flows", line, stage="AWAITING_STOCK", waiting="3", planned="5")
    shows(live, "fulfillment", buyer, "flows", line, stage="AWAITING_STOCK", waiting="8", planned="0")
    shows(live, "inventory", seller, "stock", "main/part", reserved="5", available="0", waiting="3")
    shows(live, "inventory", buyer, "stock", "dock/teil", inbound="8", on_hand=None)
    shows(live, "order", buyer, "order-lines", line, awaits="STOCK")

    # ten come: the rest is planned too
    live.done("inventory", "POST", seller, "/pools/main/part/receipts", {"quantity": pieces(10)})
    shows(live, "fulfillment", seller, "flows", line, stage="AWAITING_SHIPMENT", waiting="0", planned="8")
    shows(live, "order", buyer, "order-lines", line, awaits="SHIPMENT")
    (shipment,) = live.view("fulfillment", seller, "shipments")
    path = f"/shipments/{shipment}"
    assert not live.view("fulfillment", buyer, "shipments"), "nothing has left"
    (item,) = live.view("fulfillment", seller, "shipment-lines")
    number = item.rpartition("/")[2]

    # five leave, then the rest
    part = {"shipped_at": NOW, "lines": [{"line": number, "quantity": pieces(5)}]}
    left = live.done("fulfillment", "POST", seller, f"{path}/ship", part)
    assert live.row("fulfillment", seller, "shipments", shipment, after=left)["shipped"] == pieces(5)
    assert shows(live, "fulfillment", buyer, "shipments", shipment, direction="INBOUND")["quantity"] == pieces(5)
    shows(live, "inventory", seller, "stock", "main/part", on_hand="10", reserved="3")
    shows(live, "order", buyer, "order-lines", line, shipped="5", awaits="SHIPMENT")
    live.done("fulfillment", "POST", seller, f"{path}/ship", {"shipped_at": NOW})
    shows(live, "inventory", seller, "stock", "main/part", on_hand="7", reserved="0", waiting="0")
    shows(live, "order", seller, "order-lines", line, shipped="8", awaits="RECEIPT")

    # seven arrive: two claims, and what arrived is in stock
    came = live.done(
        "fulfillment", "POST", buyer, f"{path}/receive",
        {"received_at": NOW, "lines": [{"line": number, "quantity": pieces(7)}]},
    )  # fmt: skip
    row = live.row("fulfillment", buyer, "shipments", shipment, after=came)
    assert (row["shipped"], row["received"], row["disputed"]) == (pieces(8), pieces(7), True)
    assert shows(live, "fulfillment", seller, "shipment-lines", item, received="7")["disputed"]
    shows(live, "order", buyer, "order-lines", line, received="7")
    shows(live, "inventory", buyer, "stock", "dock/teil", inbound="0", on_hand=None)  # nobody counts that pool
    live.done("inventory", "POST", buyer, "/pools/dock/teil/counts", {"counted": pieces(7)})
    shows(live, "inventory", buyer, "stock", "dock/teil", on_hand="7", available="7")
    no_dead_letters(live, buyer, seller)


def test_a_cancellation_takes_back_what_has_not_left(live: Live, name: Name) -> None:
    buyer, seller = name("buyer"), name("seller")
    live.done("inventory", "POST", seller, "/pools/main/part/counts", {"counted": pieces(20)})
    live.done("order", "PUT", buyer, "/orders/o1", order(seller, 8, 6))
    live.done("order", "POST", seller, f"/orders/{buyer}/o1/confirm")
    for line, amount in (("10", "8"), ("20", "6")):
        shows(live, "fulfillment", seller, "flows", f"{buyer}/o1/{line}", planned=amount)
    shows(live, "inventory", seller, "stock", "main/part", reserved="14", available="6")
    shipments = live.view("fulfillment", seller, "shipment-lines")
    first = next(id_ for id_, row in shipments.items() if row["flow_key"].endswith("/10"))
    shipment, _, number = first.rpartition("/")
    part = {"shipped_at": NOW, "lines": [{"line": number, "quantity": pieces(3)}]}
    live.done("fulfillment", "POST", seller, f"/shipments/{shipment}/ship", part)
    shows(live, "order", buyer, "order-lines", f"{buyer}/o1/10", shipped="3")
    live.done("order", "POST", buyer, "/orders/o1/cancel", {"reason_code": "no-need"})
    shows(live, "order", buyer, "order-lines", f"{buyer}/o1/10", cancelled="5", cancel_pending=False, shipped="3")
    shows(
        live, "order", seller, "order-lines", f"{buyer}/o1/20", cancelled="6", stage="CANCELLED", cancel_pending=False
    )
    shows(live, "inventory", seller, "stock", "main/part", on_hand="17", reserved="0", waiting="0", available="17")
    shows(live, "inventory", buyer, "stock", "dock/teil", inbound="3")  # what has left still comes
    no_dead_letters(live, buyer, seller)


def test_a_write_is_read_at_once_with_its_token(live: Live, name: Name) -> None:
    """Many at once on one enterprise, whose rows come from all partitions: each sees its own write, and no old one."""
    owner, rounds, pools = name("owner"), 12, 12
    url = live.replicas["inventory"].url

    async def pool(http: httpx.AsyncClient, number: int) -> None:
        for count in range(1, rounds + 1):
            written = await http.post(f"/pools/main/p{number}/counts", json={"counted": pieces(count)})
            assert written.status_code == 200, written.text
            query = {"id": f"main/p{number}", "after": written.json()["position"]}
            read = await http.get("/views/stock", params=query)
            assert read.status_code == 200, read.text
            (row,) = read.json()["rows"]
            assert row["on_hand"] == str(count), f"an old row of p{number}: {row['on_hand']} after {count}"

    async def all_pools() -> None:
        async with httpx.AsyncClient(base_url=f"{url}/v1/{owner}", timeout=60.0, trust_env=False) as http:
            await asyncio.gather(*(pool(http, number) for number in range(pools)))

    asyncio.run(all_pools())


def test_an_outcome_is_found_after_a_202(live: Live, name: Name) -> None:
    owner = name("owner")
    body, headers = {"counted": pieces(5)}, {"x-timeout-seconds": "0", "Idempotency-Key": "one"}
    answer = live.call(
        "inventory", "POST", owner, "/pools/main/50%25 #1/counts".replace("#", "%23"), body, headers=headers
    )
    assert answer.status_code == 202
    assert answer.json()["status"] == "PENDING"
    where = live.replicas["inventory"].url + answer.headers["location"]
    found = until("the outcome is there", lambda: (got := live.http.get(where)).status_code == 200 and got)
    assert isinstance(found, httpx.Response)
    assert found.json()["position"] == answer.json()["position"]
    assert found.json()["aggregate"] == f"pool/{owner}/main/50% #1"
    foreign = where.replace(f"/v1/{owner}/", f"/v1/{name('other')}/")
    assert live.http.get(foreign).status_code == 404


def test_a_repeat_after_a_restart_gets_the_first_answer(live: Live, name: Name) -> None:
    owner = name("owner")
    keys = [f"k{number}" for number in range(8)]

    def count(number: int) -> httpx.Response:
        path = f"/pools/main/p{number}/receipts"
        return live.call(
            "inventory", "POST", owner, path, {"quantity": pieces(5)}, headers={"Idempotency-Key": keys[number]}
        )

    first = [count(number).content for number in range(8)]
    inventory = live.replicas["inventory"]
    assert inventory.stop() == 0
    inventory.start().await_ready()
    assert [count(number).content for number in range(8)] == first
    for number in range(8):
        shows(live, "inventory", owner, "stock", f"main/p{number}", on_hand=None)  # received, never counted
    path = "/pools/main/p0/receipts"
    other = live.call("inventory", "POST", owner, path, {"quantity": pieces(6)}, headers={"Idempotency-Key": "k0"})
    assert (other.status_code, other.json()["type"]) == (409, "urn:chainflow:problem:command-id-reused")
    events = [r for r in live.read("inventory-events-v1") if (r.key or b"").startswith(f"pool/{owner}/".encode())]
    assert len({r.key for r in events}) == 8
    repeats = live.read("inventory-outcomes-v1")
    assert sum(f"{owner}/k0" == (r.key or b"").decode() for r in repeats) == 1


def test_an_alarm_rings_by_the_clock_after_a_restart(live: Live, name: Name) -> None:
    """A reservation that expires in the future: the timer's row has an empty value, and survives all the same."""
    owner = name("owner")
    live.done("inventory", "POST", owner, "/pools/main/part/counts", {"counted": pieces(5)})
    expires = datetime.now(UTC) + timedelta(seconds=10)
    body = {"quantity": pieces(4), "need_at": expires.isoformat(), "expires_at": expires.isoformat()}
    made = live.done("inventory", "PUT", owner, "/pools/main/part/reservations/r1", body)
    assert live.row("inventory", owner, "stock", "main/part", after=made)["reserved"] == "4"
    inventory = live.replicas["inventory"]
    inventory.kill()
    inventory.start().await_ready()
    row = shows(live, "inventory", owner, "stock", "main/part", reserved="0", available="5")
    assert datetime.fromisoformat(row["as_of"]) >= expires - timedelta(milliseconds=1)
    assert live.row("inventory", owner, "reservations", "main/part/hand/r1") is None


def test_versions_are_held_against_each_other(live: Live, name: Name) -> None:
    owner = name("owner")
    path, body = "/pools/main/part/counts", {"counted": pieces(5)}
    tag = live.call("inventory", "POST", owner, path, body).headers["etag"]
    assert live.call("inventory", "POST", owner, path, body, headers={"If-Match": tag}).status_code == 200
    stale = live.call("inventory", "POST", owner, path, body, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:chainflow:problem:stale-version")
    assert (
        live.call("inventory", "POST", owner, path, body, headers={"If-Match": stale.headers["etag"]}).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("body", "kind", "status", "field"),
    [
        (b"x" * 5_000_000, "application/json", 413, None),
        (b'{"counted": {"amount": "5", "unit": "C62"}}', "text/plain", 415, None),
        (b'{"counted": {"amount": "five", "unit": "C62"}}', "application/json", 422, "counted.amount"),
        (b'{"counted": {"amount": "-5", "unit": "C62"}}', "application/json", 422, "counted"),
        (b'{"counted": {"amount": "5", "unit": ""}}', "application/json", 422, "counted"),
        (b'{"counted": {"amount": "1e999999", "unit": "C62"}}', "application/json", 422, None),
        (b'{"counted": {"amount": "5"}}', "application/json", 422, "counted.unit"),
        (b'{"counted": {"amount": "5", "unit": "C62"}, "site": "x"}', "application/json", 422, "site"),
        (b"{", "application/json", 422, None),
    ],
)
def test_bad_bodies(live: Live, name: Name, body: bytes, kind: str, status: int, field: str | None) -> None:
    answer = live.http.post(
        f"{live.replicas['inventory'].url}/v1/{name('owner')}/pools/main/part/counts",
        content=body, headers={"Content-Type": kind},
    )  # fmt: skip
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    if field is not None:
        assert answer.json().get("field", "").startswith(field), answer.text


def test_a_foreign_tenant_learns_nothing(live: Live, name: Name) -> None:
    buyer, seller, eve = name("buyer"), name("seller"), name("eve")
    live.done("order", "PUT", buyer, "/orders/o1", order(seller, 8))

    def told(path: str, body: Any = None) -> tuple[int, Any]:
        answer = live.call("order", "POST", eve, path, body)
        return answer.status_code, {key: value for key, value in answer.json().items() if key != "instance"}

    there, nowhere = told(f"/orders/{buyer}/o1/confirm"), told(f"/orders/{buyer}/o2/confirm")
    assert there == nowhere
    assert there[0] == 404
    assert told("/orders/o1/cancel")[0] == 404  # his own order o1, which is not there
    for number in ("o1", "o2"):
        line = told(f"/orders/{buyer}/{number}/lines/10/confirm")
        assert line[0] == 404
    assert live.view("order", eve, "order-lines") == {}
    assert live.row("order", eve, "order-lines", f"{buyer}/o1/10") is None


def test_a_batch_of_good_and_bad_entries(live: Live, name: Name) -> None:
    owner = name("owner")
    entries: list[dict[str, Any]] = []
    for number in range(60):
        match number % 4:
            case 0 | 1:
                body: dict[str, Any] = {"site": "main", "item": f"p{number % 8}", "counted": pieces(number)}
                entries.append({"command": "CountStock", "id": f"c{number}", "body": body})
            case 2:
                body = {"site": "main", "item": "p0", "counted": pieces(-1)}
                entries.append({"command": "CountStock", "id": f"c{number}", "body": body})
            case _:
                entries.append({"command": "CountStock", "id": f"c{number}", "body": {"site": "main", "counted": {}}})
    answer = live.call("inventory", "POST", owner, "/commands", entries)
    assert answer.status_code == 200
    statuses = [entry["status"] for entry in answer.json()]
    assert statuses == ["ACCEPTED", "ACCEPTED", "REFUSED", "INVALID"] * 15
    again = live.call("inventory", "POST", owner, "/commands", entries).json()
    assert again == answer.json()
    last = {f"main/p{number % 8}": str(number) for number in range(60) if number % 4 in (0, 1)}
    for row_id, amount in last.items():
        shows(live, "inventory", owner, "stock", row_id, on_hand=amount)
    assert live.view("inventory", owner, "stock").keys() == last.keys()


def test_an_order_in_a_batch_is_placed_before_it_is_confirmed(live: Live, name: Name) -> None:
    buyer, seller = name("buyer"), name("seller")
    entries = [
        {"command": "PlaceOrder", "body": {"number": "o1", **order(seller, 3)}},
        {"command": "CancelLine", "body": {"number": "o1", "line": "10"}},
        {"command": "PlaceOrder", "body": {"number": "o1", **order(seller, 3)}},
        {"command": "CancelLine", "body": {"number": "o2", "line": "10"}},
    ]
    answers = live.call("order", "POST", buyer, "/commands", entries).json()
    assert [answer.get("code", answer["status"]) for answer in answers] == [
        "ACCEPTED", "ACCEPTED", "ACCEPTED", "order-unknown",
    ]  # fmt: skip
    assert [answer["version"] for answer in answers[:3]] == sorted(answer["version"] for answer in answers[:3])


def test_every_service_describes_itself_and_its_health(live: Live) -> None:
    for service, replica in live.replicas.items():
        described = live.http.get(f"{replica.url}/openapi.json")
        assert described.status_code == 200
        assert json.dumps(described.json()).count("$ref") > 10
        health = live.http.get(f"{replica.url}/health/ready").json()
        assert health["service"] == service
        assert sorted(health["mine"]) == list(range(live.partitions))
        metrics = live.http.get(f"{replica.url}/metrics").text
        assert "chainflow_records_total" in metrics
