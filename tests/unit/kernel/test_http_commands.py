"""The front door without a broker: what is checked, how outcomes are answered, and that no input ends in a 500."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from aiokafka.errors import KafkaTimeoutError
from fastapi import FastAPI

from services.kernel.asking import WAITING_MAX, Asked, Asking, Sent, TooBusy, always
from services.kernel.http_commands import BATCH_BYTES_MAX, BODY_BYTES_MAX, CommandEndpoints, CommandRoute
from services.kernel.http_views import ViewEndpoints
from services.kernel.messages import Outcome
from services.kernel.owners import Owners
from services.kernel.partitioner import partition_of
from services.kernel.shell import front
from tests.support.jars import COMMANDS, WIRES, Fill, Jar, Pour, Shelf, Stir, Wake

ROUTES = (
    CommandRoute("POST", "/jars/{name}/fills", Fill, "Fill a jar"),
    CommandRoute("POST", "/jars/{owner}/{name}/stir", Stir, "Stir a jar"),
    CommandRoute("POST", "/jars/{name}/pours/{to}", Pour, "Pour into another jar"),
    CommandRoute("POST", "/pours", Pour, "Pour, with all names in the body"),
    CommandRoute("PUT", "/jars/{name}/alarm", Wake, "Set an alarm"),
)


class LogAsking(Asking):
    """Asks the log in memory: a command is decided as soon as it is waited for."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__("", COMMANDS)
        self._shelf = shelf
        self.fails: Exception | None = None
        self.slow = False
        self.patience = 0.01

    async def send(self, asked: Asked) -> Sent:
        if self.fails is not None:
            raise self.fails
        if len(self._waiting) >= WAITING_MAX:
            raise TooBusy("many")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Outcome] = loop.create_future()
        appended: asyncio.Future[Any] = loop.create_future()
        self._waiting.setdefault((asked.command_id, asked.fingerprint), []).append(outcome)
        headers = [*asked.headers, ("fingerprint", asked.fingerprint)]
        offset = self._shelf.put(COMMANDS, asked.key, asked.value, headers, asked.partition)
        appended.set_result(self._shelf.log.read(COMMANDS, asked.partition, offset, 1)[0])
        return Sent(asked, appended, outcome)

    async def wait(
        self, sent: Sent, seconds_max: float, here: Callable[[], bool] = always
    ) -> tuple[Outcome | None, int]:
        if not self.slow:
            self._shelf.settle()
        return await super().wait(sent, min(seconds_max, self.patience), here)


class Lease:
    """What the endpoints need of a lease."""

    def __init__(self, shelf: Shelf, partition: int) -> None:
        self.store, self.partition, self.open = shelf.workers[partition].store, partition, True


class LogOwners(Owners):
    """Owns the partitions in ``mine``; the others belong to another replica, reached by a transport of the test."""

    def __init__(self, shelf: Shelf, url: str, mine: set[int], other: tuple[str, FastAPI] | None = None) -> None:
        self.mine, self.owner = mine, other[0] if other else None
        self._leases = {partition: Lease(shelf, partition) for partition in range(shelf.partitions)}
        transport = httpx.ASGITransport(other[1]) if other else None
        self._client = httpx.AsyncClient(transport=transport)

    def lease(self, partition: int) -> Any:
        return self._leases[partition] if partition in self.mine else None

    def url_of(self, partition: int) -> str | None:
        return self.owner


class Door:
    """One replica."""

    def __init__(self, shelf: Shelf, mine: set[int] | None = None, other: "Door | None" = None) -> None:
        self.asking = LogAsking(shelf)
        self._others: tuple[Door, ...] = (*other._others, self) if other else (self,)
        owned = set(range(shelf.partitions)) if mine is None else mine
        self.owners = LogOwners(shelf, "http://here", owned, ("http://there", other.web) if other else None)
        shelf.service.answer = self._answer
        views = ViewEndpoints(shelf.service, None, self.owners)  # type: ignore[arg-type]
        self.web: FastAPI = front(
            "jar", "", views, CommandEndpoints(shelf.service, self.asking, self.owners, views, ROUTES)
        )
        transport = httpx.ASGITransport(self.web, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://here/v1/ann")

    def _answer(self, command_id: str, fingerprint: bytes, outcome: Outcome) -> None:
        for door in self._others:
            door.asking.answer(command_id, fingerprint, outcome)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(partitions=4)


@pytest.fixture
def door(shelf: Shelf) -> Door:
    return Door(shelf)


def run(coroutine: Any) -> Any:
    """A test's requests in a loop of their own."""
    return asyncio.run(coroutine)


def post(door: Door, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
    """One request."""
    return run(door.http.post(path, json=body, **kwargs))  # type: ignore[no-any-return]


def get(door: Door, path: str, **kwargs: Any) -> httpx.Response:
    """One query."""
    return run(door.http.get(path, **kwargs))  # type: ignore[no-any-return]


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem document, whose shape is checked."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"]
    return answer.status_code, body["type"].removeprefix("urn:chainflow:problem:")


# --- outcomes as answers ----------------------------------------------------------------------------------------------


def test_an_accepted_command(door: Door, shelf: Shelf) -> None:
    answer = post(door, "/jars/a/fills", {"grams": 5, "taste": "strong"}, headers={"Idempotency-Key": "one"})
    assert answer.status_code == 200
    body = answer.json()
    partition = partition_of(b"jar/ann/a", 4)
    assert body == {
        "status": "ACCEPTED", "aggregate": "jar/ann/a", "version": 1, "events": 1, "command_id": "one",
        "position": f"{partition}:0",
    }  # fmt: skip
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["x-position"] == f"{partition}:0"
    assert shelf.jar("jar/ann/a") == Jar(5, 1)


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/jars/a/fills", {"grams": 0}, {}, 422, "nothing-to-fill"),
        ("/jars/bob/b/stir", {}, {}, 422, "unknown-jar"),  # a code of the domain; only "<noun>-unknown" is 404
        ("/jars/a/fills", {"grams": 1}, {"If-Match": '"4"'}, 412, "stale-version"),
        ("/jars/a/fills", {"grams": 2}, {"Idempotency-Key": "used"}, 409, "command-id-reused"),
    ],
)
def test_refusals(door: Door, path: str, body: Any, headers: dict[str, str], status: int, code: str) -> None:
    post(door, "/jars/a/fills", {"grams": 5}, headers={"Idempotency-Key": "used"})
    answer = post(door, path, body, headers=headers)
    assert problem(answer) == (status, code)
    assert answer.headers["etag"]
    assert answer.headers["x-position"]


def test_what_the_address_names_and_is_not_there_is_404(shelf: Shelf) -> None:
    from services.kernel.values import Refused

    aggregate = shelf.service.by_kind["jar"]
    codes = iter(("jar-unknown", "owner-unknown", "taste-unknown", "unknown-name", "lid-unknown"))
    object.__setattr__(aggregate, "decide", lambda rows, command, origin: Refused(next(codes), "advice"))
    door = Door(shelf)
    assert [post(door, "/jars/ann/a/stir", {}).status_code for _ in range(5)] == [404, 404, 422, 422, 422]


def test_the_right_version_passes(door: Door) -> None:
    for tag in ('"1"', 'W/"2"', "3"):
        post(door, "/jars/a/fills", {"grams": 1}) if tag == '"1"' else None
        assert post(door, "/jars/a/fills", {"grams": 1}, headers={"If-Match": tag}).status_code == 200


@pytest.mark.parametrize("tag", ["*", '"0"', "0", '"x"', "²", '"1', "1" * 30, "-1", '"1", "2"', ""])
def test_a_version_that_no_etag_gave(door: Door, shelf: Shelf, tag: str) -> None:
    headers = [(b"If-Match", tag.encode("latin-1")), (b"Content-Type", b"application/json")]
    answer = run(door.http.post("/jars/a/fills", content=b'{"grams": 1}', headers=headers))
    if tag == '"1':  # a quote is forgiven
        assert problem(answer) == (412, "stale-version")
    else:
        assert problem(answer) == (422, "bad-version")
        assert not shelf.events()


def test_a_repeat_is_answered_alike_and_does_nothing(door: Door, shelf: Shelf) -> None:
    answers = [post(door, "/jars/a/fills", {"grams": 5}, headers={"Idempotency-Key": "one"}) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert len(shelf.events()) == 1


def test_an_id_stands_for_one_address_too(door: Door, shelf: Shelf) -> None:
    """Two commands on one aggregate with equal bodies, told apart by their addresses only."""
    post(door, "/jars/a/fills", {"grams": 9})
    first = post(door, "/jars/a/pours/x", {"grams": 2}, headers={"Idempotency-Key": "one"})
    second = post(door, "/jars/a/pours/y", {"grams": 2}, headers={"Idempotency-Key": "one"})
    assert first.status_code == 200
    assert problem(second) == (409, "command-id-reused")
    long = "n" * 64
    names = [
        name for name in (f"{long[:60]}{n:04}" for n in range(200)) if partition_of(f"jar/ann/{name}".encode(), 4) == 0
    ]
    first = post(door, f"/jars/{names[0]}/fills", {"grams": 2}, headers={"Idempotency-Key": "two"})
    second = post(door, f"/jars/{names[1]}/fills", {"grams": 2}, headers={"Idempotency-Key": "two"})
    assert problem(second) == (409, "command-id-reused")


def test_tenants_never_meet_each_others_ids(shelf: Shelf, door: Door) -> None:
    """ "a" with the id "b:c" is not "a:b" with the id "c"."""
    client = httpx.AsyncClient(transport=door.http._transport, base_url="http://here/v1")

    async def both() -> list[httpx.Response]:
        return [
            await client.post("/a/jars/j/fills", json={"grams": 5}, headers={"Idempotency-Key": "b:c"}),
            await client.post("/a:b/jars/j/fills", json={"grams": 5}, headers={"Idempotency-Key": "c"}),
            await client.get("/a:b/outcomes/c", params={"key": "jar/a:b/j"}),
            await client.get("/a/outcomes/b:c", params={"key": "jar/a:b/j"}),
        ]

    first, second, own, foreign = run(both())
    assert [first.json()["command_id"], second.json()["command_id"]] == ["b:c", "c"]
    assert (first.json()["aggregate"], second.json()["aggregate"]) == ("jar/a/j", "jar/a:b/j")
    assert own.json() == second.json()
    same = partition_of(b"jar/a/j", 4) == partition_of(b"jar/a:b/j", 4)
    assert same or foreign.status_code == 404
    assert "jar/a:b/j" not in foreign.text
    assert shelf.jar("jar/a/j") == shelf.jar("jar/a:b/j") == Jar(5, 1)


# --- slow, busy, broken -----------------------------------------------------------------------------------------------


def test_a_slow_outcome_is_found_where_the_202_says(door: Door, shelf: Shelf) -> None:
    door.asking.slow = True
    name = "50%25#&?=ü %2B"  # decoded: 50%#&?=ü +
    answer = post(door, f"/jars/{name}/fills".replace("#", "%23").replace("?", "%3F"), {"grams": 5})
    assert answer.status_code == 202
    body, where = answer.json(), answer.headers["location"]
    assert body["status"] == "PENDING"
    assert where.isascii()
    client = httpx.AsyncClient(transport=door.http._transport, base_url="http://here")
    assert problem(run(client.get(where))) == (404, "unknown-command")
    shelf.settle()
    outcome = run(client.get(where))
    assert outcome.status_code == 200
    assert outcome.json()["command_id"] == body["command_id"]
    assert outcome.json()["position"] == body["position"]
    assert outcome.json()["aggregate"] == "jar/ann/50%#&?=ü +"


def test_a_command_whose_partition_moves_is_not_waited_for(door: Door, shelf: Shelf) -> None:
    """Another replica decides it now, so its outcome is asked for there."""
    door.asking.slow, door.asking.patience = True, 60.0

    async def story() -> tuple[httpx.Response, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        asked = asyncio.create_task(door.http.post("/jars/a/fills", json={"grams": 5}))
        await asyncio.sleep(0.05)
        assert not asked.done()
        door.owners.mine.clear()
        return await asked, loop.time() - began

    answer, took = run(story())
    assert answer.status_code == 202
    assert took < 10
    assert not door.asking._waiting


def test_a_request_that_the_end_of_the_process_cuts_off_is_503(door: Door) -> None:
    door.asking.slow, door.asking.patience = True, 60.0

    async def story() -> httpx.Response:
        transport = httpx.ASGITransport(door.web)
        answers: list[httpx.Response] = []

        async def ask() -> None:
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
                answers.append(await http.post("/v1/ann/jars/a/fills", json={"grams": 5}))

        asked = asyncio.create_task(ask())
        await asyncio.sleep(0.05)
        asked.cancel()
        await asyncio.wait({asked})
        return answers[0]

    answer = run(story())
    assert problem(answer) == (503, "stopping")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(TooBusy("20000 commands wait"), 429, "too-busy"), (KafkaTimeoutError(), 503, "log-unavailable")],
)
def test_busy_and_broken_are_said_with_a_hint(door: Door, error: Exception, status: int, code: str) -> None:
    door.asking.fails = error
    answer = post(door, "/jars/a/fills", {"grams": 5})
    assert problem(answer) == (status, code)
    assert answer.headers["retry-after"] == "1"
    (entry,) = post(door, "/commands", [{"command": "Fill", "body": {"name": "a", "grams": 1}}]).json()
    assert (entry["status"], entry["http"], entry["code"]) == ("UNAVAILABLE", status, code)
    door.asking.fails = None
    assert post(door, "/jars/a/fills", {"grams": 5}).status_code == 200


@pytest.mark.parametrize("text", ["0", "nan", "inf", "-1", "1e400", "soon", ""])
def test_any_time_out_is_taken(door: Door, text: str) -> None:
    assert post(door, "/jars/a/fills", {"grams": 5}, headers={"x-timeout-seconds": text}).status_code in (200, 202)


# --- bad input --------------------------------------------------------------------------------------------------------

BAD_BODIES = [
    (b"", "application/json", 422, "invalid-input"),
    (b"{", "application/json", 422, "invalid-input"),
    (b"[]", "application/json", 422, "invalid-input"),
    (b"null", "application/json", 422, "invalid-input"),
    (b'"x"', "application/json", 422, "invalid-input"),
    (b"{}", "application/json", 422, "invalid-input"),
    (b'{"grams": -1}', "application/json", 422, "invalid-input"),
    (b'{"grams": 4294967296}', "application/json", 422, "invalid-input"),
    (b'{"grams": 1e999}', "application/json", 422, "invalid-input"),
    (b'{"grams": NaN}', "application/json", 422, "invalid-input"),
    (b'{"grams": "many"}', "application/json", 422, "invalid-input"),
    (b'{"grams": 5, "taste": "sour"}', "application/json", 422, "invalid-input"),
    (b'{"grams": 5, "taste": "STRONG"}', "application/json", 422, "invalid-input"),
    (b'{"grams": 5, "name": "b"}', "application/json", 422, "invalid-input"),
    (b'{"grams": 5, "more": 1}', "application/json", 422, "invalid-input"),
    (b'{"grams": 5, "\\ud800": 1}', "application/json", 422, "invalid-input"),
    (b'{"grams": 5, "taste": "\\ud800"}', "application/json", 422, "invalid-input"),
    (b"\xff\xfe\xfd", "application/json", 400, "bad-request"),
    (b"[" * 100_000, "application/json", 400, "bad-request"),
    (b'{"grams": ' + b"1" * 5_000 + b"}", "application/json", 400, "bad-request"),
    (b'{"grams": 5}', "text/plain", 415, "not-json"),
    (b"grams=5", "application/x-www-form-urlencoded", 415, "not-json"),
    (b"<fill grams='5'/>", "application/xml", 415, "not-json"),
    (b'{"grams": 5}', "", 415, "not-json"),
]


@pytest.mark.parametrize(("body", "kind", "status", "code"), BAD_BODIES)
def test_bad_bodies(door: Door, shelf: Shelf, body: bytes, kind: str, status: int, code: str) -> None:
    answer = run(door.http.post("/jars/a/fills", content=body, headers={"Content-Type": kind} if kind else {}))
    assert problem(answer) == (status, code)
    assert not list(shelf.log.all(COMMANDS))


def test_half_a_character_is_refused_wherever_it_stands(door: Door, shelf: Shelf) -> None:
    kind = {"Content-Type": "application/json"}
    for body in (b'{"name": "\\ud800", "to": "x", "grams": 1}', b'{"name": "a", "to": "\\udfff", "grams": 1}'):
        assert problem(run(door.http.post("/pours", content=body, headers=kind))) == (422, "invalid-input")
        entry = b'[{"command": "Pour", "body": ' + body + b"}]"
        assert problem(run(door.http.post("/commands", content=entry, headers=kind))) == (400, "bad-json")
    assert not list(shelf.log.all(COMMANDS))


def test_a_bad_field_is_named(door: Door) -> None:
    assert post(door, "/jars/a/fills", {"grams": "many"}).json()["field"] == "grams"
    assert post(door, "/jars/a/fills", {"grams": 5, "taste": "sour"}).json()["field"] == "taste"
    assert run(door.http.put("/jars/a/alarm", json={"at": "2026-01-01"})).json()["field"] == "at"
    assert run(door.http.put("/jars/a/alarm", json={"at": "2026-01-01T10:00:00"})).json()["field"] == "at"  # no zone


@pytest.mark.parametrize(
    "at",
    ["0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59.9999Z"],
)
def test_times_that_no_message_carries(door: Door, shelf: Shelf, at: str) -> None:
    assert problem(run(door.http.put("/jars/a/alarm", json={"at": at}))) == (422, "invalid-input")
    assert not list(shelf.log.all(COMMANDS))


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "2026-01-01T00:00:00.123456+01:00", "9999-12-31T23:59:59.999Z"])
def test_times_that_messages_carry(door: Door, at: str) -> None:
    assert run(door.http.put("/jars/a/alarm", json={"at": at})).status_code == 200


@pytest.mark.parametrize("name", ["x" * 65, "%00", "a%0Ab", "%7F", "a%00b"])
def test_bad_ids_in_the_address(door: Door, shelf: Shelf, name: str) -> None:
    for path in (f"/jars/{name}/fills", f"http://here/v1/{name}/jars/a/fills"):
        assert problem(post(door, path, {"grams": 5})) == (422, "bad-id")
    for path in (f"http://here/v1/{name}/views/jars", f"http://here/v1/{name}/outcomes/x?key=jar/ann/a"):
        assert problem(get(door, path)) == (422, "bad-id")
    assert problem(get(door, f"/outcomes/{name}?key=jar/ann/a")) == (422, "bad-id")
    assert problem(post(door, f"http://here/v1/{name}/commands", [])) == (422, "bad-id")
    assert problem(get(door, f"/outcomes/x?key={'k' * 9_000}")) == (422, "bad-id")
    assert not list(shelf.log.all(COMMANDS))


@pytest.mark.parametrize("id_", ["x" * 65, "a/b", "tab\there"])
def test_bad_idempotency_keys(door: Door, id_: str) -> None:
    assert problem(post(door, "/jars/a/fills", {"grams": 5}, headers={"Idempotency-Key": id_})) == (422, "bad-id")


def test_a_long_actor_is_refused(door: Door) -> None:
    assert problem(post(door, "/jars/a/fills", {"grams": 5}, headers={"x-actor": "a" * 600})) == (422, "invalid-input")


def test_no_path_no_method(door: Door) -> None:
    assert problem(post(door, "/pots/a/fills", {})) == (404, "no-such-path")
    answer = run(door.http.delete("/jars/a/fills"))
    assert problem(answer) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"
    assert problem(get(door, "/outcomes/x")) == (422, "invalid-input")  # the key is missing


def test_a_defect_is_a_problem_document_too(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.owners, "lease", lambda partition: 1 / 0)
    assert problem(post(door, "/jars/a/fills", {"grams": 5})) == (500, "internal")


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 65_536):
        yield b" " * 65_536


def test_large_bodies_are_refused_whatever_they_are(door: Door, shelf: Shelf) -> None:
    kind = {"Content-Type": "application/json"}
    for path, most in (("/jars/a/fills", BODY_BYTES_MAX), ("/commands", BATCH_BYTES_MAX)):
        for body in (b" " * (most + 1), b"x" * 5_000_000, b'{"grams": 5, "x": "' + b"y" * most + b'"}'):
            assert problem(run(door.http.post(path, content=body, headers=kind))) == (413, "body-too-large")
        answer = run(door.http.post(path, content=_chunks(most + 65_536), headers=kind))  # no length announced
        assert problem(answer) == (413, "body-too-large")
    padded = b'{"grams": 5' + b" " * (BODY_BYTES_MAX - 12) + b"}"
    assert len(padded) == BODY_BYTES_MAX
    assert run(door.http.post("/jars/a/fills", content=padded, headers=kind)).status_code == 200
    assert len(shelf.events()) == 1


def test_the_api_is_described(door: Door) -> None:
    answer = get(door, "http://here/openapi.json")
    assert answer.status_code == 200
    paths = answer.json()["paths"]
    assert "/v1/{enterprise}/jars/{name}/fills" in paths
    assert "/v1/{enterprise}/views/jars" in paths


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_answers_each_entry_in_its_place(door: Door, shelf: Shelf) -> None:
    entries = [
        {"command": "Fill", "id": "one", "body": {"name": "a", "grams": 5}},
        {"command": "Fill", "body": {"name": "b", "grams": 0}},
        {"command": "Throw", "body": {}},
        {"command": "Ring", "body": {"now": "2026-01-01T00:00:00Z"}},
        {"command": "Fill", "body": {"name": "c", "grams": "many"}},
        {"command": "Fill"},
        {"command": "Fill", "id": "x/y", "body": {"name": "a", "grams": 5}},
        {"command": "Fill", "body": {"name": "a", "grams": -5}},
        {"command": "Fill", "body": {"name": "a", "grams": 1, "taste": "x" * BODY_BYTES_MAX}},
        {"command": "Fill", "body": {"name": "a\0b", "grams": 5}},
        {"command": "Fill", "id": "one", "body": {"name": "a", "grams": 5}},
        {"command": "Fill", "id": "one", "body": {"name": "a", "grams": 6}},
        {"command": "Pour", "body": {"name": "a", "to": "ann/b", "grams": 2}},
    ]
    answers = post(door, "/commands", entries).json()
    assert [answer["status"] for answer in answers] == [
        "ACCEPTED", "REFUSED", *["INVALID"] * 8, "ACCEPTED", "REFUSED", "ACCEPTED",
    ]  # fmt: skip
    assert [answer.get("code", "") for answer in answers] == [
        "", "nothing-to-fill", "unknown-command-type", "unknown-command-type", "invalid-input", "invalid-input",
        "bad-id", "invalid-input", "body-too-large", "invalid-input", "", "command-id-reused", "",
    ]  # fmt: skip
    assert answers[4]["field"] == "grams"
    assert answers[0] == answers[10]
    assert shelf.jar("jar/ann/a") == Jar(3, 1)


def test_a_batch_is_decided_in_its_order(door: Door, shelf: Shelf) -> None:
    entries = [{"command": "Fill", "id": f"c{n}", "body": {"name": "a", "grams": n + 1}} for n in range(500)]
    answers = post(door, "/commands", entries).json()
    assert [answer["version"] for answer in answers] == list(range(1, 501))
    assert [fact.grams for _, fact in shelf.events()] == list(range(1, 501))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad-json"),
        (b"{}", 422, "invalid-input"),
        (b"[1]", 422, "invalid-input"),
        (b"[" + b"{}," * 2_000 + b"{}]", 413, "batch-too-large"),
        (b"[" * 50_000, 400, "bad-json"),
    ],
)
def test_bad_batches(door: Door, body: bytes, status: int, code: str) -> None:
    answer = run(door.http.post("/commands", content=body, headers={"Content-Type": "application/json"}))
    assert problem(answer) == (status, code)


def test_a_batch_that_is_not_said_to_be_json_is_not_taken(door: Door, shelf: Shelf) -> None:
    """A form of another site can send text/plain without asking; it must not give commands."""
    body = b'[{"command": "Fill", "body": {"name": "a", "grams": 5}}]'
    answer = run(door.http.post("/commands", content=body, headers={"Content-Type": "text/plain"}))
    assert problem(answer) == (415, "not-json")
    assert not shelf.events()


# --- another replica's partition --------------------------------------------------------------------------------------


def test_what_belongs_to_another_replica_is_answered_by_it_as_it_was_sent(shelf: Shelf) -> None:
    there = Door(shelf)
    here = Door(shelf, mine=set(), other=there)
    names = (("a%2525", "a%25"), ("x%23y", "x#y"), ("q%3Fr", "q?r"), ("50%2541", "50%41"), ("%C3%BC", "ü"))
    for number, (name, decoded) in enumerate(names):
        headers = {"Idempotency-Key": f"one{number}", "If-Match": '"1"', "x-actor": "me"}
        assert post(here, f"/jars/{name}/fills", {"grams": 5}).json()["aggregate"] == f"jar/ann/{decoded}"
        answer = post(here, f"/jars/{name}/fills", {"grams": 6}, headers=headers)
        assert answer.json()["version"] == 2
        assert answer.headers["etag"] == '"2"'
        assert answer.headers["x-position"] == answer.json()["position"]
        lookup = get(here, f"/outcomes/one{number}", params={"key": f"jar/ann/{decoded}"})
        assert lookup.json() == answer.json()
    refused = post(here, "/jars/a/fills", {"grams": 0})
    assert problem(refused) == (422, "nothing-to-fill")
    assert refused.headers["x-position"]
    meta = [WIRES.commands.decode(record.value)[0] for record in shelf.log.all(COMMANDS)]
    assert {one.actor for one in meta} == {"", "me"}


def test_a_batch_over_two_replicas(shelf: Shelf) -> None:
    there = Door(shelf)
    here = Door(shelf, mine={0, 2}, other=there)
    entries = [{"command": "Fill", "id": f"c{n}", "body": {"name": f"j{n}", "grams": n % 3}} for n in range(30)]
    answers = post(here, "/commands", entries).json()
    assert [answer["command_id"] for answer in answers] == [f"c{n}" for n in range(30)]
    assert [answer["status"] for answer in answers] == ["REFUSED" if n % 3 == 0 else "ACCEPTED" for n in range(30)]


def test_nobody_owns_is_503_with_a_hint(shelf: Shelf) -> None:
    here = Door(shelf, mine=set())
    answer = post(here, "/jars/a/fills", {"grams": 5})
    assert problem(answer) == (503, "moving")
    assert answer.headers["retry-after"] == "1"
    entries = [{"command": "Fill", "body": {"name": f"j{n}", "grams": 1}} for n in range(5)]
    for entry in post(here, "/commands", entries).json():
        assert (entry["status"], entry["http"], entry["code"]) == ("UNAVAILABLE", 503, "moving")
    assert not list(shelf.log.all(COMMANDS))


def test_a_forwarded_request_is_not_forwarded_again(shelf: Shelf) -> None:
    there = Door(shelf, mine=set())
    there.owners.owner = "http://elsewhere"
    here = Door(shelf, mine=set(), other=there)
    answer = post(here, "/jars/a/fills", {"grams": 5})
    assert problem(answer) == (503, "moving")
    assert answer.headers["retry-after"] == "1"


def test_the_ids_of_answers_can_be_used_as_they_are(door: Door) -> None:
    made = post(door, "/jars/a/fills", {"grams": 5}).json()["command_id"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert get(door, f"/outcomes/{made}", params={"key": "jar/ann/a"}).status_code == 200
