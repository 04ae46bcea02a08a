"""A step that raises parks its key: later records of the key wait in order, all others go on, a replay resumes."""

import pytest

from services.kernel import parking
from services.kernel.batch import Headers
from services.kernel.codec import Meta
from services.kernel.memory_log import START_MS, MemoryRecord
from services.kernel.messages import DeadLetterKind
from services.kernel.parking import PARKED, ParkedQueueFull, Parking
from services.kernel.store import Store
from tests.support.jars import (
    COMMANDS,
    FEED,
    WIRES,
    Fill,
    Filled,
    Jar,
    JarRow,
    Poured,
    Shelf,
    TotalRow,
    Wake,
)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(defects={"decide"})


def grams(shelf: Shelf, key: str = "jar/ann/a") -> list[int]:
    """What was filled in, in the order of the log."""
    return [fact.grams for _, fact in shelf.events(key) if isinstance(fact, Filled | Poured)]


def parked(shelf: Shelf) -> int:
    """How many records wait, in all partitions."""
    return sum(row_id.startswith(PARKED) for worker in shelf.workers for row_id in worker.store.rows)


def test_a_step_that_raises_parks_its_key_and_no_other(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 5))
    bad = shelf.send("ann", Fill("a", 13))
    later = [shelf.send("ann", Fill("a", n)) for n in (1, 2)]
    shelf.send("ann", Fill("b", 3))
    shelf.settle()
    assert grams(shelf) == [5]
    assert grams(shelf, "jar/ann/b") == [3]
    assert parked(shelf) == 3
    assert not shelf.outcomes().keys() & {bad, *later}
    (letter,) = shelf.letters()
    assert (letter.kind, letter.reason, letter.topic, letter.offset) == (
        DeadLetterKind.PARKED,
        "RuntimeError",
        COMMANDS,
        1,
    )
    assert "decide does not like 13" in letter.detail
    meta, body, _ = WIRES.commands.decode(letter.value)
    assert (meta.id, body) == (bad, Fill("a", 13))


@pytest.mark.parametrize("step", ["decide", "evolve", "project", "alarm"])
def test_whatever_step_raises_nothing_of_the_record_is_kept(step: str) -> None:
    shelf = Shelf(defects={step})
    shelf.send("ann", Wake("a", START_MS + 90_000))
    shelf.settle()
    before = dict(shelf.workers[0].store.rows)
    id_ = shelf.send("ann", Fill("a", 13))
    shelf.settle()
    after = {key: value for key, value in shelf.workers[0].store.rows.items() if not key.startswith(PARKED)}
    assert after == before
    assert parked(shelf) == 1
    assert id_ not in shelf.outcomes()
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert grams(shelf) == [13]
    assert shelf.outcome(id_).events == 1
    assert parked(shelf) == 0


@pytest.mark.parametrize("step", ["react", "evolve", "alarm", "project"])
def test_a_reaction_of_several_commands_is_all_or_nothing(step: str) -> None:
    """The first command of the reaction passes, the second raises; the link is taken again, not forgotten as known."""
    shelf = Shelf(defects={step})
    shelf.pour("ann/a", 14, 7)
    shelf.pour("ann/a", 20, 8)
    shelf.settle()
    assert not shelf.events()
    assert shelf.jar("jar/ann/a") is None
    assert parked(shelf) == 2
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert grams(shelf) == [1, 20], "of the states of one link the last says all"
    assert parked(shelf) == 0


def test_a_state_that_nobody_can_take_does_not_hold_up_the_one_that_replaced_it() -> None:
    shelf = Shelf(defects={"react"})
    shelf.pour("ann/a", 13, 7)  # raises, and would for ever
    shelf.pour("ann/a", 20, 8)
    shelf.pour("ann/a", 2, 1, sender="jar/bee/other")
    shelf.settle()
    assert parked(shelf) == 3
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert grams(shelf) == [1, 20, 1, 2]
    assert parked(shelf) == 0


def test_a_replay_resumes_in_order_before_what_comes_later(shelf: Shelf) -> None:
    for n in (5, 13, 1, 2):
        shelf.send("ann", Fill("a", n))
    shelf.pour("ann/a", 3, 1)
    shelf.settle()
    shelf.defects.clear()
    shelf.send("ann", Fill("a", 4))  # before the control record: waits too
    shelf.replay("jar/ann/a")
    shelf.send("ann", Fill("a", 6))
    shelf.settle()
    filled = grams(shelf)
    assert [n for n in filled if n in (5, 13, 2, 4, 6)] == [5, 13, 2, 4, 6]
    assert sorted(filled) == [1, 1, 2, 3, 4, 5, 6, 13]
    assert parked(shelf) == 0
    assert len(shelf.outcomes()) == 6


def test_a_second_failure_parks_the_rest_anew_in_order(shelf: Shelf) -> None:
    ids = [shelf.send("ann", Fill("a", n)) for n in (13, 1, 14, 2, 3)]
    shelf.settle()
    assert parked(shelf) == 5
    shelf.replay("jar/ann/a")  # nothing was repaired: the first fails again
    shelf.settle()
    assert parked(shelf) == 5
    assert grams(shelf) == []
    shelf.defects.clear()
    shelf.defects.add("evolve")
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert parked(shelf) == 5
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert grams(shelf) == [13, 1, 14, 2, 3]
    assert [shelf.outcome(id_).version for id_ in ids] == [1, 2, 3, 4, 5]


def test_a_failure_in_the_middle_of_a_replay_keeps_what_came_before_it(shelf: Shelf) -> None:
    for n in (13, 1, 12, 2):
        shelf.send("ann", Fill("a", n))
    shelf.settle()
    shelf.defects.clear()
    shelf.defects.add("project")  # raises on a jar that holds 13 to 19: at once, so nothing goes on
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert (grams(shelf), parked(shelf)) == ([], 4)
    shelf.defects.clear()
    shelf.send("ann", Fill("b", 5))
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert grams(shelf) == [13, 1, 12, 2]
    # and now one that passes the first and fails at the second
    other = Shelf(defects={"decide"})
    for n in (13, 1, 2):
        other.send("ann", Fill("a", n))
    other.settle()
    other.defects.clear()
    other.defects.add("alarm")
    other.send("ann", Fill("a", 3))
    other.replay("jar/ann/a")
    other.settle()
    assert (grams(other), parked(other)) == ([], 4)


def test_repeats_of_a_parked_command_wait_with_it_and_get_its_answer(shelf: Shelf) -> None:
    for _ in range(3):
        shelf.send("ann", Fill("a", 13), id_="one")
    shelf.settle()
    assert not shelf.answers
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert grams(shelf) == [13]
    assert [id_ for id_, _ in shelf.answers] == ["one"] * 3
    assert len({answer for _, answer in shelf.answers}) == 1


@pytest.mark.parametrize("seed", range(8))
def test_crashes_at_any_moment_lose_and_repeat_nothing(seed: int) -> None:
    shelf = Shelf(seed=seed, crash_share=0.4, defects={"decide"})
    for n in (5, 13, 1, 14, 2):
        shelf.send("ann", Fill("a", n))
        shelf.send("ann", Fill("b", n % 5))
    shelf.settle()
    assert grams(shelf) == [5]
    shelf.replay("jar/ann/a")
    shelf.settle()
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.replay("jar/ann/a")  # nothing waits any more: does nothing
    shelf.settle()
    assert grams(shelf) == [5, 13, 1, 14, 2]
    assert parked(shelf) == 0
    assert all(len(found) == 1 for found in shelf.outcomes().values())


def test_a_key_parked_and_released_in_one_batch(shelf: Shelf) -> None:
    for n in (13, 1):
        shelf.send("ann", Fill("a", n))
    shelf.replay("jar/ann/a")
    shelf.send("ann", Fill("a", 2))
    shelf.settle()
    assert parked(shelf) == 3
    assert grams(shelf) == []
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert grams(shelf) == [13, 1, 2]


def test_a_row_that_has_no_bytes_parks_its_key_and_not_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows get their bytes while the record can still fail, not when the batch ends."""
    shelf = Shelf()
    aggregate = shelf.service.by_kind["jar"]
    good = aggregate.evolve
    bad = {13: {"head": Jar(grams="much")}, 14: {"shelf": Jar()}, 15: {"head": None, "given/x": Jar()}}  # type: ignore[arg-type]

    def evolve(rows: object, fact: object) -> object:
        return bad.get(getattr(fact, "grams", 0)) or good(rows, fact)  # type: ignore[arg-type]

    object.__setattr__(aggregate, "evolve", evolve)
    for n in (13, 14, 15):
        shelf.send("ann", Fill(f"j{n}", n))
    shelf.send("ann", Fill("a", 5))
    shelf.settle()
    assert grams(shelf) == [5]
    assert [letter.kind for letter in shelf.letters()] == [DeadLetterKind.PARKED] * 3
    assert len(shelf.events()) == 1


# --- views ------------------------------------------------------------------------------------------------------------


def test_a_view_whose_sum_raises_parks_the_enterprise_and_resumes() -> None:
    shelf = Shelf(defects={"derive"})
    shelf.send("ann", Fill("a", 13))
    shelf.send("ann", Fill("b", 2))
    shelf.send("bob", Fill("a", 3))
    shelf.settle()
    assert shelf.view("ann", "jars") == shelf.view("ann", "totals") == {}
    assert shelf.view("bob", "totals") == {"all": TotalRow(1, 3)}
    assert [(letter.topic, letter.key) for letter in shelf.letters()] == [(FEED, b"ann")]
    assert len(shelf.outcomes()) == 3  # deciding goes on
    shelf.defects.clear()
    shelf.replay("ann")
    shelf.settle()
    assert shelf.view("ann", "totals") == {"all": TotalRow(2, 15)}
    assert parked(shelf) == 0


def test_a_sum_of_a_view_that_is_not_declared_parks_the_enterprise_and_not_the_worker() -> None:
    shelf = Shelf()
    view = shelf.service.domain.views[0]
    good = view.derive
    assert good is not None
    object.__setattr__(view, "derive", lambda old, new, read: {("pots", "all"): new})
    object.__setattr__(shelf.service.domain.views[1], "row", JarRow)
    shelf.send("ann", Fill("a", 5))
    shelf.settle()
    assert shelf.view("ann", "jars") == {}
    assert [letter.reason for letter in shelf.letters()] == ["KeyError"]


# --- what is not queued -----------------------------------------------------------------------------------------------


def test_a_control_header_on_another_topic_does_not_overtake(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 13))
    shelf.settle()
    meta = Meta("l@1", occurred_at_ms=START_MS, aggregate="jar/bee/hive", version=1)
    value = WIRES.links_out["jar-pours-v1"].encode(meta, WIRES.links_out["jar-pours-v1"].union[0](4), link="pours")
    shelf.put("jar-pours-v1", b"jar/ann/a", value, [("chainflow-control", b"replay")])
    shelf.settle()
    assert not shelf.events()
    assert parked(shelf) == 2


def test_a_control_record_for_a_key_that_is_not_parked_does_nothing(shelf: Shelf) -> None:
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert not shelf.letters()
    shelf.replay("pot/ann/a")
    shelf.settle()
    assert [letter.reason for letter in shelf.letters()] == ["key-unknown"]


def test_records_with_null_headers_wait_like_others(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 13), headers=[("odd", None)])
    shelf.send("ann", Fill("a", 1), headers=[("odd", None)])
    shelf.settle()
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert grams(shelf) == [13, 1]


def test_a_record_waits_with_its_headers_as_they_were() -> None:
    headers: Headers = [("null", None), ("empty", b""), ("some", b"x")]
    parking = Parking(Store())
    assert parking.queue(b"jar/ann/a", MemoryRecord(COMMANDS, 0, 1, 2, b"jar/ann/a", b"value", headers))
    (waiting,) = parking.release(b"jar/ann/a")
    assert waiting.headers == headers


def test_a_record_too_large_to_wait_is_set_aside_and_said(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 13))
    large = shelf.put(COMMANDS, b"jar/ann/a", b"\x00" * 1_040_000)
    shelf.send("ann", Fill("a", 1))
    shelf.settle()
    assert parked(shelf) == 2
    letter = shelf.letters()[1]
    assert (letter.kind, letter.reason, letter.offset) == (DeadLetterKind.PARKED, "too-large", large)
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert grams(shelf) == [13, 1]


def test_the_queue_behind_a_key_is_bounded(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "QUEUE_RECORDS_MAX", 3)
    for n in (13, 1, 2):
        shelf.send("ann", Fill("a", n))
    shelf.settle()
    shelf.send("ann", Fill("a", 3))
    with pytest.raises(ParkedQueueFull, match="3 records wait behind the parked key b'jar/ann/a'"):
        shelf.settle()


def test_numbers_of_a_queue_go_on_after_recovery() -> None:
    store = Store()
    log = Shelf().log
    log.append(COMMANDS, 0, b"jar/ann/a", b"one", [])
    (record,) = log.read(COMMANDS, 0, 0, 1)
    for expected in (1, 2, 3):
        queue = Parking(store)  # as after a crash
        assert queue.queue(b"jar/ann/a", record)
        store.apply(queue.changes().items())
        assert Parking(store).keys == {b"jar/ann/a": expected}
    assert len(list(Parking(store).release(b"jar/ann/a"))) == 3
    assert list(Parking(store).release(b"jar/ann")) == []
