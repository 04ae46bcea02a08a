"""Alarms ring once, at the right tick, in their order; many of them do not hold up a partition."""

import pytest

from services.kernel import processor
from services.kernel.memory_log import START_MS
from services.kernel.messages import DeadLetterKind
from services.kernel.parking import PARKED
from services.kernel.processor import CLOCK_TOPIC
from services.kernel.store import Store
from services.kernel.timers import TIMER, Timers
from tests.support.jars import COMMANDS, Fill, Set, Shelf, Wake

SECOND = 1_000


def rung(shelf: Shelf, key: str = "") -> list[int]:
    """When alarms rang: the time that the ring was decided at."""
    return [
        fact.at_ms - 60 * SECOND for _, fact in shelf.events(key) if isinstance(fact, Set) and fact.rung and fact.at_ms
    ]


def rings(shelf: Shelf, key: str) -> int:
    """How often a jar was rung."""
    jar = shelf.jar(key)
    return jar.rings if jar else 0


def test_an_alarm_rings_at_the_first_tick_that_is_not_before_it() -> None:
    shelf = Shelf()
    shelf.send("ann", Wake("a", START_MS + 10 * SECOND))
    shelf.tick(START_MS + 9_999)
    shelf.settle()
    assert rung(shelf) == []
    shelf.tick(START_MS + 10 * SECOND)
    shelf.tick(START_MS + 11 * SECOND)
    shelf.settle()
    assert rung(shelf) == [START_MS + 10 * SECOND]  # once; the next is a minute later
    shelf.tick(START_MS + 69_999)
    shelf.settle()
    assert rings(shelf, "jar/ann/a") == 1
    shelf.tick(START_MS + 70 * SECOND)
    shelf.settle()
    assert rings(shelf, "jar/ann/a") == 2


def test_an_alarm_that_is_set_for_the_past_rings_at_the_next_tick() -> None:
    shelf = Shelf()
    shelf.tick(START_MS + 100 * SECOND)
    shelf.send("ann", Wake("a", START_MS))
    shelf.settle()
    first = rings(shelf, "jar/ann/a")
    shelf.tick(START_MS + 100 * SECOND)  # the same time again is a tick too
    shelf.settle()
    assert (first, rings(shelf, "jar/ann/a")) in {(0, 1), (1, 1)}  # by which topic was read first


def test_a_moved_alarm_rings_at_its_new_time_only() -> None:
    shelf = Shelf()
    for at in (10, 30, 20):
        shelf.send("ann", Wake("a", START_MS + at * SECOND))
    shelf.send("ann", Wake("b", START_MS + 15 * SECOND))
    shelf.send("ann", Wake("b", 0))
    shelf.settle()
    for at in range(1, 40):
        shelf.tick(START_MS + at * SECOND)
        shelf.settle()
    assert rung(shelf) == [START_MS + 20 * SECOND]
    assert rings(shelf, "jar/ann/b") == 0


def test_an_alarm_that_moves_on_and_on_is_written_once() -> None:
    """It is looked at when its first time comes, and goes to the last; nothing is rung then."""
    shelf = Shelf()
    for at in (10, 20, 30):
        shelf.send("ann", Wake("a", START_MS + at * SECOND))
        shelf.settle()

    def written() -> list[bytes]:
        return [record.key for record in shelf.changelog() if record.key and record.key.startswith(TIMER)]

    assert len(written()) == 1
    shelf.tick(START_MS + 11 * SECOND)
    shelf.settle()
    assert (rings(shelf, "jar/ann/a"), len(written())) == (0, 3)
    shelf.send("ann", Wake("a", START_MS + 25 * SECOND))  # one that is to ring sooner does move
    shelf.settle()
    shelf.tick(START_MS + 25 * SECOND)
    shelf.settle()
    assert rung(shelf) == [START_MS + 25 * SECOND]


@pytest.mark.parametrize("crash_share", [0.0, 0.4])
def test_an_alarm_survives_crashes_and_rings_once(crash_share: float) -> None:
    shelf = Shelf(crash_share=crash_share, seed=4)
    for number in range(20):
        shelf.send("ann", Wake(f"j{number:02}", START_MS + number * SECOND))
    shelf.settle()
    shelf.workers[0].recover()
    for at in range(0, 25, 3):
        shelf.tick(START_MS + at * SECOND)
        shelf.settle()
    assert [rings(shelf, f"jar/ann/j{number:02}") for number in range(20)] == [1] * 20
    for number in range(20):
        (at_ms,) = rung(shelf, f"jar/ann/j{number:02}")
        assert 0 <= at_ms - START_MS - number * SECOND < 3 * SECOND


def test_many_due_at_once_go_on_with_the_next_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "RING_PER_TICK_MAX", 10)
    monkeypatch.setattr(processor, "RING_BESIDE_MAX", 4)
    shelf = Shelf()
    for number in range(30):
        shelf.send("ann", Wake(f"j{number:02}", START_MS + number))
    shelf.settle()
    shelf.tick(START_MS + 100 * SECOND)
    worker = shelf.workers[0]
    worker._processor.take(shelf.log.read(CLOCK_TOPIC, 0, 0, 1)[0])
    due = Timers(worker.store)
    effects = worker._processor.finish()
    first = [key for key in effects.changes if key.endswith(b"\0head")]
    assert first == [b"jar/ann/j%02d\0head" % number for number in range(10 + 4)]  # the earliest
    assert not due.behind
    worker.recover()
    shelf.settle()  # the feed rows of those that were rung are records too, and so on
    assert [rings(shelf, f"jar/ann/j{number:02}") for number in range(30)] == [1] * 30


@pytest.mark.parametrize(("beside", "most"), [(True, 2), (False, 5)])
def test_few_are_rung_beside_commands_and_more_alone(beside: bool, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a batch goes on with them if nobody sends anything; the number never depends on anything but the records."""
    for name, number in (("RING_PER_TICK_MAX", 1), ("RING_BESIDE_MAX", 2), ("RING_ALONE_MAX", 5)):
        monkeypatch.setattr(processor, name, number)
    shelf = Shelf()
    for number in range(20):
        shelf.send("ann", Wake(f"j{number:02}", START_MS + number))
    shelf.settle()
    worker, rung_in = shelf.workers[0], list[int]()
    partition = worker._processor
    shelf.tick(START_MS + SECOND)
    partition.take(shelf.log.read(CLOCK_TOPIC, 0, 0, 1)[0])
    while True:
        if beside and rung_in:
            shelf.send("ann", Wake("other", START_MS + 99 * SECOND + len(rung_in)))
            partition.take(shelf.log.read(COMMANDS, 0, shelf.log.end(COMMANDS, 0) - 1, 1)[0])
        effects = partition.finish()
        worker.store.apply(effects.changes.items())
        partition.committed()
        rung_in.append(sum(key.endswith(b"\0head") and b"/j" in key for key in effects.changes))
        if not partition.behind:
            break
    assert rung_in == [1 + 2] + [most] * (17 // most) + [17 % most] * (17 % most > 0)


def test_whoever_was_rung_and_asks_for_more_is_rung_with_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RING_PER_TICK_MAX", "RING_BESIDE_MAX", "RING_ALONE_MAX"):
        monkeypatch.setattr(processor, name, 1)
    shelf = Shelf()
    for number in range(9):
        shelf.send("ann", Wake(f"j{number}", START_MS + number))
    shelf.settle()
    shelf.tick(START_MS + SECOND)
    worker = shelf.workers[0]
    worker._processor.take(shelf.log.read(CLOCK_TOPIC, 0, 0, 1)[0])
    shelf.send("ann", Wake("j0", START_MS))
    worker._processor.take(shelf.log.read(COMMANDS, 0, 9, 1)[0])
    while worker._processor.behind:
        effects = worker._processor.finish()
        worker.store.apply(effects.changes.items())
        worker._processor.committed()
    assert [rings(shelf, f"jar/ann/j{number}") for number in range(9)] == [1] * 9
    worker._processor.take(shelf.log.read(CLOCK_TOPIC, 0, 0, 1)[0])
    worker.store.apply(worker._processor.finish().changes.items())
    assert rings(shelf, "jar/ann/j0") == 2


def test_an_alarm_that_does_not_move_parks_its_key_and_is_not_rung_again_and_again() -> None:
    shelf = Shelf(defects={"stuck"})
    shelf.send("ann", Wake("a", START_MS + SECOND))
    shelf.send("ann", Fill("b", 4))
    shelf.settle()
    for at in (1, 2, 3, 4):
        shelf.tick(START_MS + at * SECOND)
        shelf.settle()
    (letter,) = shelf.letters()
    assert (letter.kind, letter.topic, letter.offset) == (DeadLetterKind.PARKED, CLOCK_TOPIC, 0)
    assert "was rung and is still set" in letter.detail
    shelf.send("ann", Fill("a", 4))  # waits behind it
    shelf.send("ann", Fill("b", 5))
    shelf.settle()
    assert rings(shelf, "jar/ann/a") == 0
    assert len(shelf.events("jar/ann/a")) == 1
    assert len(shelf.events("jar/ann/b")) == 2
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.settle()
    assert rings(shelf, "jar/ann/a") == 1
    assert [type(fact).__name__ for _, fact in shelf.events("jar/ann/a")] == ["Set", "Set", "Filled"]
    assert rung(shelf) == [START_MS + 4 * SECOND]  # decided at the time that it is now


def test_parked_alarms_do_not_starve_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "RING_PER_TICK_MAX", 3)
    shelf = Shelf(defects={"ring"})
    for number in range(5):
        shelf.send("ann", Fill(f"bad{number}", 13))
        shelf.send("ann", Wake(f"bad{number}", START_MS + SECOND))
    for number in range(5):
        shelf.send("ann", Wake(f"good{number}", START_MS + 2 * SECOND))
    shelf.settle()
    for at in range(3, 9):
        shelf.tick(START_MS + at * SECOND)
        shelf.settle()
    assert [rings(shelf, f"jar/ann/good{number}") for number in range(5)] == [1] * 5
    assert len(shelf.letters()) == 5


def test_a_parked_key_is_not_rung_before_its_waiting_records() -> None:
    shelf = Shelf(defects={"decide"})
    shelf.send("ann", Wake("a", START_MS + SECOND))
    shelf.send("ann", Fill("a", 13))
    shelf.settle()
    shelf.tick(START_MS + 2 * SECOND)
    shelf.settle()
    assert rings(shelf, "jar/ann/a") == 0
    shelf.defects.clear()
    shelf.replay("jar/ann/a")
    shelf.settle()
    shelf.tick(START_MS + 3 * SECOND)
    shelf.settle()
    assert [type(fact).__name__ for _, fact in shelf.events("jar/ann/a")] == ["Set", "Filled", "Set"]


def test_a_ring_that_fails_behind_another_record_does_not_take_that_record_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More is due than a tick may ring; it goes on behind a command of another key, and raises there."""
    monkeypatch.setattr(processor, "RING_PER_TICK_MAX", 1)
    monkeypatch.setattr(processor, "RING_BESIDE_MAX", 1)
    shelf = Shelf(defects={"ring"})
    shelf.send("ann", Wake("first", START_MS + SECOND))
    shelf.send("ann", Wake("second", START_MS + SECOND))  # rung with the tick too
    shelf.send("ann", Fill("bad", 13))
    shelf.send("ann", Wake("bad", START_MS + 2 * SECOND))
    shelf.send("ann", Wake("more", START_MS + 3 * SECOND))
    shelf.settle()
    shelf.tick(START_MS + 5 * SECOND)
    shelf.settle()
    (letter,) = shelf.letters()
    assert (letter.topic, letter.offset) == (CLOCK_TOPIC, 0)
    waiting = [value for key, value in shelf.workers[0].store.rows.items() if key.startswith(PARKED)]
    assert len(waiting) == 1
    assert b"clock-v1" in waiting[0]
    before = len(shelf.events())
    feeds = shelf.view("ann", "jars")
    shelf.defects.clear()
    shelf.replay("jar/ann/bad")
    shelf.settle()
    assert [type(fact).__name__ for _, fact in shelf.events("jar/ann/bad")] == ["Filled", "Set", "Set"]
    assert len(shelf.events()) == before + 1
    assert shelf.view("ann", "jars") == feeds


def test_the_clock_and_alarms_are_rows_that_a_changelog_can_hold() -> None:
    store = Store()
    timers = Timers(store)
    timers.see(START_MS)
    timers.move("jar/b", 0, START_MS + 5)
    timers.move("jar/a", 0, START_MS + 5)
    timers.move("jar/c", 0, START_MS - 5)
    timers.move("jar/d", 0, START_MS)
    timers.move("jar/d", START_MS, START_MS + 6)
    timers.move("jar/late", 0, 10**18)  # far beyond what a date can be: still in order
    timers.move("jar/never", 0, START_MS)
    timers.move("jar/never", START_MS, 0)
    changes = timers.changes()
    assert not [key for key, value in changes.items() if value is None]  # set and removed in one batch never was
    store.apply(changes.items())
    assert len(list(store.scan(TIMER))) == 5
    after = Timers(store)
    assert after.now_ms == START_MS
    assert after.due(10) == ["jar/c"]
    after.see(START_MS + 5)
    assert after.due(10) == ["jar/c", "jar/a", "jar/b"]
    assert after.due(2) == ["jar/c", "jar/a"]
    assert after.behind
    assert after.due(2, {b"jar/c", b"jar/a"}) == ["jar/b"]
    assert not after.behind
    after.move("jar/c", START_MS - 5, 0)
    after.move("jar/a", START_MS + 5, START_MS + 9)
    assert after.due(10) == ["jar/b"]
    after.see(253_402_300_799_999)  # the end of the year 9999
    assert after.due(10) == ["jar/b", "jar/d", "jar/a"]
