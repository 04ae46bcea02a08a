"""Queries without a broker: pages give each row once, bad queries say what is wrong, one's own write is waited for."""

import asyncio
from typing import Any

import httpx
import pytest

from services.kernel import http_views
from services.kernel.http_commands import CommandEndpoints
from services.kernel.http_views import ViewEndpoints
from services.kernel.partitioner import partition_of
from services.kernel.shell import front
from tests.support.jars import COMMANDS, FEED, Fill, Shelf

PARTITIONS = 4
ANN = partition_of(b"ann", PARTITIONS)


class Lease:
    """What the views need of a lease."""

    def __init__(self, shelf: Shelf, partition: int) -> None:
        self.store, self.partition, self.open = shelf.workers[partition].store, partition, True
        self.position: dict[str, int] = {}
        self.moved = asyncio.Event()

    def move(self, topic: str, position: int) -> None:
        """A commit."""
        self.position[topic] = position
        self.moved.set()


class Owners:
    """All partitions are owned here, but those taken out."""

    def __init__(self, shelf: Shelf) -> None:
        self.leases = {partition: Lease(shelf, partition) for partition in range(PARTITIONS)}

    def lease(self, partition: int) -> Lease | None:
        return self.leases.get(partition)


class App:
    """The consumer: where the group stands, and where the feed ends."""

    def __init__(self) -> None:
        self.consumer = self
        self._thread = self
        self.group = 0
        self.feed_end = 0
        self.should_stop = False

    async def group_position(self, partition: Any) -> int:
        return self.group


class Desk:
    """The views of one replica."""

    def __init__(self, shelf: Shelf) -> None:
        self.app, self.owners = App(), Owners(shelf)
        self.views = ViewEndpoints(shelf.service, self.app, self.owners)  # type: ignore[arg-type]
        commands = CommandEndpoints(shelf.service, None, self.owners, self.views, ())  # type: ignore[arg-type]
        transport = httpx.ASGITransport(front("jar", "", self.views, commands))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://here/v1/ann/views")

    def get(self, query: str, **params: Any) -> httpx.Response:
        return asyncio.run(self.http.get(query, params=params))

    def pages(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """All rows of all pages."""
        rows: list[dict[str, Any]] = []
        while True:
            answer = self.get(query, **params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert len(page["rows"]) <= int(params.get("limit", 100))
            rows += page["rows"]
            params["cursor"] = page["cursor"]
            if not page["cursor"]:
                return rows


@pytest.fixture(scope="module")
def full() -> Shelf:
    """Two enterprises with many jars each, whose names would sort otherwise as text than as numbers."""
    shelf = Shelf(partitions=PARTITIONS)
    for number in range(1_300):
        shelf.send("ann", Fill(f"jar {number},ü" if number == 77 else f"j{number}", number % 5 + 1))
    for number in range(20):
        shelf.send("annn", Fill(f"x{number}", 1))
        shelf.send("an", Fill(f"y{number}", 1))
    shelf.settle()
    return shelf


@pytest.fixture
def desk(full: Shelf) -> Desk:
    return Desk(full)


@pytest.mark.parametrize("limit", [50, 100, 499, 500, 501, 1_000])
def test_pages_give_each_row_once_and_in_order(desk: Desk, full: Shelf, limit: int) -> None:
    rows = desk.pages("/jars", limit=limit)
    assert [row["id"] for row in rows] == sorted(full.view("ann", "jars"))
    assert len(rows) == 1_300


def test_a_filter_finds_what_fits_over_all_pages(desk: Desk, full: Shelf) -> None:
    wanted = sorted(name for name, row in full.view("ann", "jars").items() if row.grams == 3)
    assert [row["id"] for row in desk.pages("/jars", grams=3, limit=10)] == wanted
    assert [row["id"] for row in desk.pages("/jars", grams=3, name="j2")] == ["j2"]
    assert desk.pages("/jars", grams="many") == []


def test_a_filter_that_fits_nothing_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_views, "SCAN_ROWS_AT_ONCE", 50)
    monkeypatch.setattr(http_views, "SCAN_ROWS_MAX", 200)
    first = desk.get("/jars", grams=99).json()
    assert first["rows"] == []
    assert first["cursor"]  # so many were looked at, there are more
    assert desk.pages("/jars", grams=99) == []
    assert len(desk.pages("/jars", grams=3)) == 260


def test_one_row_by_its_id(desk: Desk) -> None:
    assert desk.get("/jars", id="j7").json() == {"rows": [{"id": "j7", "name": "j7", "grams": 3}], "cursor": ""}
    assert desk.get("/jars", id="nobody").json() == {"rows": [], "cursor": ""}
    assert desk.get("/totals", id="all").json()["rows"][0]["jars"] == 1_300


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -5}, "limit"),
        ({"limit": "all"}, "limit"),
        ({"weight": 5}, "weight"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "!!!!"}, "cursor"),
        ({"cursor": "ajcy"}, "cursor"),  # well-formed, and no cursor
        ({"cursor": "ü"}, "cursor"),
        ({"cursor": "amFycwBqNw"}, "cursor"),  # its padding is gone
        ({"after": "x"}, "after"),
        ({"after": "1"}, "after"),
        ({"after": "1:"}, "after"),
        ({"after": ":1"}, "after"),
        ({"after": "-1:5"}, "after"),
        ({"after": "1:-5"}, "after"),
        ({"after": "²:1"}, "after"),
        ({"after": "1:²"}, "after"),
        ({"after": "4:0"}, "after"),  # there are four partitions
        ({"after": "1:5:6"}, "after"),
        ({"after": "1:" + "9" * 40}, "after"),
    ],
)
def test_bad_queries_say_which_parameter(desk: Desk, params: dict[str, Any], field: str) -> None:
    answer = desk.get("/jars", **params)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_cursor_belongs_to_its_view(desk: Desk) -> None:
    cursor = desk.get("/jars", limit=1).json()["cursor"]
    assert desk.get("/jars", cursor=cursor, limit=1).status_code == 200
    assert desk.get("/totals", cursor=cursor).status_code == 422


def test_a_cursor_of_a_row_that_is_gone_goes_on_behind_it(desk: Desk) -> None:
    ids = [row["id"] for row in desk.pages("/jars")]
    cursor = desk.get("/jars", limit=10).json()["cursor"]
    lease = desk.owners.leases[ANN]
    gone = lease.store.rows.pop(b"view/ann/jars\0" + ids[9].encode())
    try:
        assert desk.get("/jars", limit=1, cursor=cursor).json()["rows"][0]["id"] == ids[10]
    finally:
        lease.store.rows[b"view/ann/jars\0" + ids[9].encode()] = gone


def test_a_limit_above_the_bound_is_the_bound(desk: Desk) -> None:
    assert len(desk.get("/jars", limit=10**6).json()["rows"]) == http_views.PAGE_ROWS_MAX


def test_rows_that_change_while_they_are_read_do_not_break_the_page(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_views, "SCAN_ROWS_AT_ONCE", 10)
    store = desk.owners.leases[ANN].store
    some = store.rows[b"view/ann/jars\0j1"]

    async def disturbed() -> httpx.Response:
        async def disturb() -> None:
            for number in range(200):
                store.apply([(b"view/ann/jars\0zz%d" % (number // 3), None if number % 3 else some)])
                await asyncio.sleep(0)

        answer, _ = await asyncio.gather(desk.http.get("/jars", params={"limit": 1_000}), disturb())
        return answer

    before = {row["id"] for row in desk.pages("/jars")}
    page = asyncio.run(disturbed()).json()
    ids = [row["id"] for row in page["rows"]]
    assert ids == sorted(set(ids))
    assert set(ids) <= before | {f"zz{number}" for number in range(200)}
    for number in range(200):
        store.rows.pop(b"view/ann/jars\0zz%d" % number, None)


# --- after=<position> -------------------------------------------------------------------------------------------------


class Watch:
    """Asks with a token, and says whether the answer is there yet."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, seconds_max: float = 30.0) -> None:
        self.desk = desk
        self.asked = 0
        monkeypatch.setattr(http_views, "WAIT_SECONDS_MAX", seconds_max)
        monkeypatch.setattr(http_views, "written_end", self._written_end)

    async def _written_end(self, thread: Any, partition: Any) -> int:
        assert (partition.topic, partition.partition) == (FEED, ANN)
        self.asked += 1
        return self.desk.app.feed_end

    async def turns(self) -> None:
        """Enough turns of the loop for whatever could happen to have happened."""
        for _ in range(200):
            await asyncio.sleep(0)


def test_the_view_waits_for_the_decision_and_then_for_the_feed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, other = Watch(desk, monkeypatch), (ANN + 1) % PARTITIONS
    commands, feed = desk.owners.leases[other], desk.owners.leases[ANN]
    desk.app.feed_end = 3

    async def story() -> httpx.Response:
        asked = asyncio.create_task(desk.http.get("/jars", params={"after": f"{other}:5"}))
        await watch.turns()
        commands.move(COMMANDS, 5)  # behind the command before
        await watch.turns()
        assert not asked.done()
        assert watch.asked == 0
        commands.move(COMMANDS, 6)
        await watch.turns()
        assert watch.asked == 1
        assert not asked.done()
        feed.move(FEED, 2)
        await watch.turns()
        assert not asked.done()
        feed.move(FEED, 3)
        return await asyncio.wait_for(asked, 5)

    assert asyncio.run(story()).status_code == 200


def test_a_command_of_another_replica_is_decided_when_the_group_has_passed_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, other = Watch(desk, monkeypatch), (ANN + 1) % PARTITIONS
    del desk.owners.leases[other]

    async def story() -> httpx.Response:
        asked = asyncio.create_task(desk.http.get("/jars", params={"after": f"{other}:5"}))
        await watch.turns()
        desk.app.group = 5
        await asyncio.sleep(0.1)
        assert not asked.done()
        desk.app.group = 6
        return await asyncio.wait_for(asked, 5)

    assert asyncio.run(story()).status_code == 200


def test_what_does_not_come_is_503_and_not_an_old_row(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    Watch(desk, monkeypatch, 0.05)
    answer = desk.get("/jars", after=f"{ANN}:5")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:chainflow:problem:not-yet")
    assert answer.headers["retry-after"] == "1"


def test_a_lease_that_is_lost_while_it_is_waited_for_does_not_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, lease = Watch(desk, monkeypatch), desk.owners.leases[ANN]
    desk.app.feed_end = 3

    async def story() -> httpx.Response:
        lease.move(COMMANDS, 9)
        asked = asyncio.create_task(desk.http.get("/jars", params={"after": f"{ANN}:5"}))
        await watch.turns()
        lease.open = False
        lease.moved.set()
        return await asyncio.wait_for(asked, 5)

    assert asyncio.run(story()).status_code == 503
