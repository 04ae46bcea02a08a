"""Remembered outcomes are bounded, and the oldest is forgotten first, whatever the partition went through."""

import pytest

from services.kernel import outcomes
from services.kernel.outcomes import KeptOutcome, Outcomes
from services.kernel.store import OUTCOME, Store
from tests.support.jars import Fill, Shelf


def kept(shelf: Shelf) -> list[str]:
    """Ids of the remembered outcomes, the oldest first."""
    return [row_id[len(OUTCOME) :].decode() for row_id in shelf.workers[0].store.outcomes]


@pytest.mark.parametrize("crash_share", [0.0, 0.5])
def test_only_so_many_are_remembered_and_the_oldest_goes_first(
    monkeypatch: pytest.MonkeyPatch, crash_share: float
) -> None:
    monkeypatch.setattr(outcomes, "OUTCOMES_MAX", 10)
    shelf = Shelf(crash_share=crash_share, seed=3)
    for number in range(35):
        shelf.send("ann", Fill("a", 1), id_=f"c{number}")
        if number % 4 == 0:
            shelf.settle()
    shelf.settle()
    assert kept(shelf) == [f"c{number}" for number in range(25, 35)]
    shelf.workers[0].recover()
    assert kept(shelf) == [f"c{number}" for number in range(25, 35)]
    shelf.send("ann", Fill("a", 1), id_="c35")
    shelf.settle()
    assert kept(shelf) == [f"c{number}" for number in range(26, 36)]
    assert len(shelf.changelog()) > 36


def test_what_is_remembered_is_answered_and_what_is_forgotten_is_decided_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "OUTCOMES_MAX", 3)
    shelf = Shelf()
    for number in range(5):
        shelf.send("ann", Fill("a", 1), id_=f"c{number}")
        shelf.settle()
    for id_ in ("c4", "c2", "c0"):
        shelf.send("ann", Fill("a", 1), id_=id_)
    shelf.settle()
    assert len(shelf.events()) == 6
    assert {id_: len(found) for id_, found in shelf.outcomes().items() if len(found) > 1} == {"c0": 2}
    assert kept(shelf) == ["c3", "c4", "c0"]


def test_a_batch_larger_than_the_bound_keeps_the_bound_once_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "OUTCOMES_MAX", 4)
    monkeypatch.setattr(outcomes, "FORGET_PER_BATCH_MAX", 2)
    store = Store()
    for batch in range(8):
        table = Outcomes(store)
        for number in range(6 if batch == 0 else 1):
            table.keep(f"b{batch}.{number}", KeptOutcome(b"f", 1, number, 1))
        changes = table.changes()
        assert sum(value is None for value in changes.values()) <= 2
        store.apply(changes.items())
    assert len(store.outcomes) == 4
    assert Outcomes(store).find("b7.0") is not None
    assert Outcomes(store).find("b0.0") is None


def test_what_is_older_than_a_day_is_forgotten() -> None:
    store = Store()
    day_ms = outcomes.OUTCOME_AGE_MS_MAX
    for at_ms in (1, 2, day_ms, day_ms + 2):
        table = Outcomes(store)
        table.keep(f"c{at_ms}", KeptOutcome(b"f", at_ms, 0, 1))
        store.apply(table.changes().items())
    assert [row_id[len(OUTCOME) :] for row_id in store.outcomes] == [b"c2", b"c%d" % day_ms, b"c%d" % (day_ms + 2)]


def test_a_batch_without_commands_forgets_nothing() -> None:
    assert Outcomes(Store()).changes() == {}


def test_an_outcome_is_found_in_its_own_batch_before_it_is_stored() -> None:
    table = Outcomes(Store())
    outcome = KeptOutcome(b"f", 1, 2, 3, 4, "code", "advice", "field")
    table.keep("one", outcome)
    assert table.find("one") == outcome
    assert table.find("two") is None
    table.committed()
    assert table.find("one") is None
