"""Two replicas of one service: each answers for both, one takes over from the other, and no answer is a wrong one."""

import threading
from collections.abc import Callable, Iterator
from time import monotonic

import httpx
import pytest

from services.kernel.partitioner import partition_of
from tests.support.live import Live, Replica, until

pytestmark = pytest.mark.kafka

Name = Callable[[str], str]
SERVICE = "inventory"
TAKE_OVER_SECONDS = 40.0
"""A session of 6 s, the rebalance and the recovery, on a machine that does other things too."""


def pieces(amount: int) -> dict[str, str]:
    return {"amount": str(amount), "unit": "C62"}


@pytest.fixture
def pair(live: Live) -> Iterator[tuple[Replica, Replica]]:
    """The session's replica and a second one that shares the partitions with it."""
    first = live.replicas[SERVICE]
    second = Replica(SERVICE, live.bootstrap, live.folder, f"{SERVICE}-2").start()
    try:
        second.await_ready()
        until("both replicas serve partitions", lambda: shared(live, first, second), TAKE_OVER_SECONDS)
        yield first, second
    finally:
        if second.process is not None and second.process.poll() is None:
            second.kill()
        until("the first has all partitions again", lambda: whole(live, first), TAKE_OVER_SECONDS)


def shared(live: Live, *replicas: Replica) -> bool:
    """True if each replica serves some partition, all are served, and each knows the other."""
    mine = [replica.mine() for replica in replicas]
    every = sorted(number for numbers in mine for number in numbers)
    return all(mine) and every == list(range(live.partitions)) and all(replica.ready() for replica in replicas)


def whole(live: Live, replica: Replica) -> bool:
    """True if the replica serves all partitions."""
    return replica.mine() == list(range(live.partitions)) and replica.ready()


def names_in(partitions: set[int], live: Live, make: Callable[[int], str], key: Callable[[str], str]) -> list[str]:
    """Three names whose keys belong to some of the partitions."""
    found: list[str] = []
    number = 0
    while len(found) < 3:
        number += 1
        if partition_of(key(make(number)).encode(), live.partitions) in partitions:
            found.append(make(number))
    return found


def test_each_replica_answers_for_the_other(live: Live, name: Name, pair: tuple[Replica, Replica]) -> None:
    first, second = pair
    owner = name("owner")
    theirs = set(second.mine())
    items = names_in(theirs, live, lambda n: f"i%{n:02}#", lambda item: f"pool/{owner}/main/{item}")
    for item in items:
        path = f"/pools/main/{item.replace('%', '%25').replace('#', '%23')}/counts"
        for amount, asked in ((3, first), (4, second), (5, first)):
            answer = live.call(SERVICE, "POST", owner, path, {"counted": pieces(amount)}, url=asked.url)
            assert answer.status_code == 200, answer.text
            assert answer.json()["aggregate"] == f"pool/{owner}/main/{item}"
            assert answer.headers["x-position"] == answer.json()["position"]
            for reader in pair:  # one's own write, whichever replica the view is on
                row = live.call(
                    SERVICE, "GET", owner, "/views/stock", url=reader.url,
                    params={"id": f"main/{item}", "after": answer.json()["position"]},
                )  # fmt: skip
                assert row.status_code == 200, row.text
                assert row.json()["rows"][0]["on_hand"] == str(amount)
        stale = live.call(
            SERVICE, "POST", owner, path, {"counted": pieces(1)}, url=first.url, headers={"If-Match": '"1"'}
        )
        assert stale.status_code == 412
        told, known = (int(of.headers["etag"].strip('"')) for of in (stale, answer))
        assert known <= told <= known + 1, "a tick may have renewed the outlook meanwhile"
    slow = {"x-timeout-seconds": "0", "Idempotency-Key": "slow"}
    pending = live.call(
        SERVICE, "POST", owner, "/pools/main/slow/counts", {"counted": pieces(1)}, url=first.url, headers=slow
    )
    assert pending.status_code == 202
    for reader in pair:
        where = reader.url + pending.headers["location"]
        until("the outcome is there", lambda where=where: live.http.get(where).status_code == 200)  # type: ignore[misc]
        assert live.http.get(where).json()["position"] == pending.json()["position"]


def test_views_of_enterprises_of_both_replicas(live: Live, pair: tuple[Replica, Replica], name: Name) -> None:
    first, second = pair
    stem = name("split")
    owners = [
        owner
        for replica in pair
        for owner in names_in(set(replica.mine()), live, lambda n: f"{stem}-{n}", lambda owner: owner)
    ]
    for owner in owners:
        entries = [
            {"command": "CountStock", "body": {"site": "main", "item": f"i{n}", "counted": pieces(n)}}
            for n in range(25)
        ]
        answers = live.call(SERVICE, "POST", owner, "/commands", entries, url=second.url).json()
        assert {answer["status"] for answer in answers} == {"ACCEPTED"}
        wanted = {f"main/i{n}": str(n) for n in range(25)}
        for reader in (first, second):
            for answer in answers[-4:]:
                seen = live.call(
                    SERVICE, "GET", owner, "/views/stock", url=reader.url, params={"after": answer["position"]}
                )
                assert seen.status_code == 200
            rows = live.view(SERVICE, owner, "stock", url=reader.url, limit=10)
            assert {row_id: row["on_hand"] for row_id, row in rows.items()} == wanted


class Traffic:
    """Counts a pool up, one command after the other with an id each, over whichever replica answers; reads it back."""

    def __init__(self, live: Live, owner: str, item: str, replicas: tuple[Replica, ...]) -> None:
        self.live, self.owner, self.item, self.replicas = live, owner, item, replicas
        self.stop = threading.Event()
        self.answered = 0
        self.wrong: list[str] = []
        self.unavailable: list[tuple[int, bool]] = []
        self.longest = 0.0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(timeout=45.0, trust_env=False) as http:
            number, turn = 0, 0
            while not self.stop.is_set():
                number += 1
                began = monotonic()
                while not self._one(http, number, self.replicas[turn % len(self.replicas)]):
                    if self.stop.is_set():
                        return
                    turn += 1
                    self.stop.wait(0.1)
                    if monotonic() - began > 2 * TAKE_OVER_SECONDS:
                        self.wrong.append(f"no answer to {number}")
                        return
                self.longest = max(self.longest, monotonic() - began)
                self.answered = number

    def _one(self, http: httpx.Client, number: int, replica: Replica) -> bool:
        base = f"{replica.url}/v1/{self.owner}"
        try:
            written = http.post(
                f"{base}/pools/main/{self.item}/receipts", json={"quantity": pieces(1)},
                headers={"Idempotency-Key": f"{self.item}-{number}"},
            )  # fmt: skip
            if not self._good(written):
                return False
            body = written.json()
            read = http.get(f"{base}/views/stock", params={"id": f"main/{self.item}", "after": body["position"]})
            if not self._good(read):
                return False
        except httpx.TransportError:
            return False
        (row,) = read.json()["rows"]
        if row["on_hand"] != str(number):
            self.wrong.append(f"{row['on_hand']} on hand after {number} receipts")
        return True

    def _good(self, answer: httpx.Response) -> bool:
        if answer.status_code in (200, 202):
            return answer.status_code == 200
        if answer.status_code == 503:
            self.unavailable.append((answer.status_code, "retry-after" in answer.headers))
        else:
            self.wrong.append(f"{answer.status_code}: {answer.text[:200]}")
        return False

    def check(self) -> None:
        """No answer was wrong, and each 503 said when to try again."""
        assert not self.wrong, self.wrong[:3]
        assert all(hinted for _, hinted in self.unavailable)


def both_sided(live: Live, owner: str, replicas: tuple[Replica, Replica]) -> list[str]:
    """An item of each replica's partitions, counted to zero."""
    items = []
    for replica in replicas:
        items += names_in(set(replica.mine()), live, lambda n: f"i{n}", lambda item: f"pool/{owner}/main/{item}")[:1]
    for item in items:
        live.done(SERVICE, "POST", owner, f"/pools/main/{item}/counts", {"counted": pieces(0)})
    return items


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_other_takes_over(live: Live, name: Name, pair: tuple[Replica, Replica], end: str) -> None:
    """kill -9: after the session. SIGTERM: at once. Every command is answered, once, and no view shows an old row."""
    first, second = pair
    owner = name("owner")
    items = both_sided(live, owner, pair)
    traffics = [Traffic(live, owner, item, pair) for item in items]
    with traffics[0], traffics[1]:
        for traffic in traffics:
            until("some are answered", lambda traffic=traffic: traffic.answered >= 5)  # type: ignore[misc]
        before = [traffic.answered for traffic in traffics]
        began = monotonic()
        if end == "kill":
            second.kill()
        else:
            assert second.stop() == 0
        until("the first has taken over", lambda: whole(live, first), TAKE_OVER_SECONDS)
        took = monotonic() - began
        for traffic, answered in zip(traffics, before, strict=True):
            until("more are answered", lambda t=traffic, n=answered: t.answered >= n + 5, TAKE_OVER_SECONDS)  # type: ignore[misc]
    for traffic in traffics:
        traffic.check()
        row = live.row(SERVICE, owner, "stock", f"main/{traffic.item}")
        assert int(row["on_hand"]) in (traffic.answered, traffic.answered + 1)  # the last one may be unanswered
    events = [record for record in live.read("inventory-outcomes-v1") if (record.key or b"").startswith(owner.encode())]
    assert len({record.key for record in events}) == len(events), "two outcomes for one command"
    if end == "stop":
        assert took < 15, f"a graceful stop handed over after {took:.1f} s"


def test_a_replica_that_comes_back_shares_again(live: Live, name: Name, pair: tuple[Replica, Replica]) -> None:
    """Stopped and started under its own name, while commands go on through the first."""
    first, second = pair
    owner = name("owner")
    items = both_sided(live, owner, pair)
    traffics = [Traffic(live, owner, item, (first,)) for item in items]
    with traffics[0], traffics[1]:
        assert second.stop() == 0
        second.start().await_ready()
        until("both serve partitions again", lambda: shared(live, first, second), TAKE_OVER_SECONDS)
        for traffic in traffics:
            answered = traffic.answered
            until("more are answered", lambda t=traffic, n=answered: t.answered >= n + 5, TAKE_OVER_SECONDS)  # type: ignore[misc]
    for traffic in traffics:
        traffic.check()
