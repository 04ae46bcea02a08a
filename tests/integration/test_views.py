"""Views of one large enterprise on a real broker: pages, filters, tokens, and what one changed row costs."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from services.inventory.pool_facts import OutlookReckoned
from services.inventory.wire import WIRES as INVENTORY
from services.kernel.partitioner import partition_of
from services.kernel.working_rows import META
from tests.support.live import Live, until

pytestmark = pytest.mark.kafka

ROWS = 10_000
OWNER = "warehouse"
SITES = ("north", "south", "west")


def counted(site: str, item: str, amount: int) -> dict[str, Any]:
    """A count, as an entry of a batch."""
    body = {"site": site, "item": item, "counted": {"amount": str(amount), "unit": "C62"}}
    return {"command": "CountStock", "body": body}


@pytest.fixture(scope="module")
def full(live: Live) -> Live:
    """An enterprise with ten thousand pools in three sites."""
    entries = [counted(SITES[number % 3], f"i{number}", number % 10) for number in range(ROWS)]

    async def batches() -> list[dict[str, Any]]:
        base = f"{live.replicas['inventory'].url}/v1/{OWNER}"
        async with httpx.AsyncClient(base_url=base, timeout=60.0, trust_env=False) as http:
            answers: list[dict[str, Any]] = []
            for start in range(0, ROWS, 2_000):
                answer = await http.post("/commands", json=entries[start : start + 2_000])
                assert answer.status_code == 200, answer.text
                answers += answer.json()
            return answers

    answers = asyncio.run(batches())
    assert Counter(answer["status"] for answer in answers) == {"ACCEPTED": ROWS}
    positions: dict[str, int] = {}
    for answer in answers:
        partition, offset = answer["position"].split(":")
        positions[partition] = max(positions.get(partition, 0), int(offset))
    for partition, offset in positions.items():  # the view has all of it
        live.row("inventory", OWNER, "stock", "x", after=f"{partition}:{offset}")
    return live


def pages(live: Live, **params: Any) -> list[list[dict[str, Any]]]:
    """All pages of the stock view."""
    found: list[list[dict[str, Any]]] = []
    while True:
        answer = live.call("inventory", "GET", OWNER, "/views/stock", params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append(page["rows"])
        if not page["cursor"]:
            return found
        params["cursor"] = page["cursor"]


def ids(found: list[list[dict[str, Any]]]) -> list[str]:
    return [row["id"] for page in found for row in page]


@pytest.mark.parametrize("limit", [333, 1_000])
def test_pages_give_each_row_once(full: Live, limit: int) -> None:
    found = pages(full, limit=limit)
    assert sorted(ids(found)) == sorted(f"{SITES[number % 3]}/i{number}" for number in range(ROWS))
    assert ids(found) == sorted(ids(found))
    assert all(len(page) == limit for page in found[:-1])


def test_the_default_page_is_small_and_the_largest_is_bounded(full: Live) -> None:
    for params, size in (({}, 100), ({"limit": 10**9}, 1_000)):
        page = full.call("inventory", "GET", OWNER, "/views/stock", params=params).json()
        assert len(page["rows"]) == size


def test_filters_find_what_fits_and_nothing_else(full: Live) -> None:
    wanted = {f"north/i{number}" for number in range(0, ROWS, 3) if number % 10 == 7}
    found = pages(full, site="north", on_hand="7", limit=50)
    assert set(ids(found)) == wanted
    assert len(ids(found)) == len(wanted)
    assert ids(pages(full, item="i77")) == ["west/i77"]
    assert ids(pages(full, tracked="false")) == []
    assert len(ids(pages(full, contradicted="", limit=1_000))) == ROWS


def test_pages_go_on_while_rows_change(full: Live) -> None:
    """Rows that stay are there once; only what comes and goes meanwhile may or may not be."""
    seen: list[str] = []
    cursor, number = "", 0
    while True:
        params = {"limit": 500, "cursor": cursor}
        page = full.call("inventory", "GET", OWNER, "/views/stock", params=params).json()
        seen += [row["id"] for row in page["rows"]]
        cursor = page["cursor"]
        if not cursor:
            break
        number += 1
        entries = [counted("north", f"new{number}-{n}", 1) for n in range(5)]
        entries += [counted(SITES[n % 3], f"i{n}", n % 10) for n in range(number, number + 20)]
        assert full.call("inventory", "POST", OWNER, "/commands", entries).status_code == 200
    assert len(seen) == len(set(seen))
    assert {f"{SITES[n % 3]}/i{n}" for n in range(ROWS)} <= set(seen)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "/////w=="}, "cursor"),
        ({"cursor": "c3RvY2s="}, "cursor"),
        ({"limit": 0}, "limit"),
        ({"after": "garbage"}, "after"),
        ({"after": "9:1"}, "after"),
        ({"after": "1:²"}, "after"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_queries(full: Live, params: dict[str, Any], field: str) -> None:
    answer = full.call("inventory", "GET", OWNER, "/views/stock", params=params)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_another_enterprise_sees_none_of_it(full: Live) -> None:
    for other in ("ware", "warehouse2", "WAREHOUSE"):
        assert full.view("inventory", other, "stock") == {}


def test_one_changed_row_is_one_row_in_the_changelog(full: Live) -> None:
    """Of ten thousand rows one changes: the changelog gets what shows it, the pool's own rows, and an outcome."""
    topic = "inventory-changelog-v1"
    pool = f"pool/{OWNER}/south/i4"
    first = full.done("inventory", "POST", OWNER, "/pools/south/i4/counts", {"counted": {"amount": "4", "unit": "C62"}})
    full.row("inventory", OWNER, "stock", "south/i4", after=first)
    events_start, start = full.ends("inventory-events-v1"), full.ends(topic)
    position = full.done(
        "inventory", "POST", OWNER, "/pools/south/i4/counts", {"counted": {"amount": "5", "unit": "C62"}}
    )
    row = full.row("inventory", OWNER, "stock", "south/i4", after=position)
    assert row["on_hand"] == "5"

    def written() -> list[bytes]:
        keys = [record.key or b"" for record in full.read(topic, start)]
        return [key for key in keys if not key.startswith(b"~")]  # the kernel's own: ticks, outcomes, positions

    keys = until("the rows are in the changelog", lambda: (found := written()) and found)
    # Thousands of pools were counted for this test, and ticks renew outlooks of theirs meanwhile, or move their alarms.
    told_by_tick = {
        record.key
        for record in full.read("inventory-events-v1", events_start)
        if isinstance(INVENTORY.events.decode(record.value)[1], OutlookReckoned)
    }
    others = {f"view/{OWNER}/outlook".encode(), *told_by_tick} - {pool.encode()}
    moved = {key for key in keys if key.partition(b"\0")[2] == META and key.partition(b"\0")[0] != pool.encode()}
    told = [
        key
        for key in keys
        if key.endswith(b"\0south/i4") or (key.partition(b"\0")[0] not in others and key not in moved)
    ]
    views = {key for key in told if key.startswith(b"view/")}
    of_view = {view: f"view/{OWNER}/{view}\0south/i4".encode() for view in ("outlook", "stock")}
    assert {of_view["stock"]} <= views <= set(of_view.values()), "the outlook comes with the next tick"
    assert {key.partition(b"\0")[0] for key in told if key not in views} == {pool.encode()}
    assert len(set(told)) <= 6
    where = partition_of(pool.encode(), full.partitions)
    whole = pool.encode() + b"\0"
    owns = [record.partition for record in full.read(topic, start) if (record.key or b"").startswith(whole)]
    assert set(owns) == {where}
