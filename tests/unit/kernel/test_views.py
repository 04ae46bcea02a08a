"""Views per enterprise: rows as they stand, sums equal to a recount, and no bytes for what did not change."""

from random import Random

import pytest

from services.kernel.codec import Malformed
from services.kernel.store import Store
from services.kernel.views import Views, view_prefix
from tests.support.jars import CHANGELOG, Fill, JarRow, Pour, Shelf, TotalRow, jars_of

VIEWS = jars_of(set()).views


def commit(views: Views, store: Store) -> dict[bytes, bytes | None]:
    """End the batch; what it wrote."""
    changes = dict(views.encoded())
    store.apply(changes.items())
    views.committed()
    return changes


@pytest.mark.parametrize("crash_share", [0.0, 0.3])
def test_sums_equal_a_recount_after_any_history(crash_share: float) -> None:
    shelf = Shelf(partitions=3, seed=9, crash_share=crash_share)
    rand = Random(2)
    for number in range(150):
        enterprise, name = rand.choice(("ann", "bob", "cem")), f"j{rand.randrange(6)}"
        held = shelf.jar(f"jar/{enterprise}/{name}")
        if rand.random() < 0.5:
            shelf.send(enterprise, Fill(name, rand.randint(1, 9)))
        elif held is not None:
            shelf.send(
                enterprise, Pour(name, f"{enterprise}/j{rand.randrange(6)}", held.grams)
            )  # empties: the row goes
        if number % 7 == 0:
            shelf.settle()
    shelf.settle()
    removed = 0
    for enterprise in ("ann", "bob", "cem"):
        rows, totals = shelf.view(enterprise, "jars"), shelf.view(enterprise, "totals")
        wanted = {"all": TotalRow(len(rows), sum(row.grams for row in rows.values()))} if rows else {}
        assert totals == wanted
        for number in range(6):
            jar = shelf.jar(f"jar/{enterprise}/j{number}")
            removed += bool(jar and not jar.grams)
            assert rows.get(f"j{number}") == (JarRow(f"j{number}", jar.grams) if jar and jar.grams else None)
    assert removed  # else the test tried nothing


def test_a_row_that_did_not_change_is_not_written() -> None:
    store, rows = Store(), {f"r{number:04}": JarRow(f"r{number}", number) for number in range(500)}
    views = Views(VIEWS, store)
    for row_id, row in rows.items():
        views.take("ann", "jars", row_id, row)
    assert len(commit(views, store)) == 501  # and one sum
    for row_id, row in rows.items():
        views.take("ann", "jars", row_id, row)
    assert commit(views, store) == {}
    for row_id, row in rows.items():
        views.take("ann", "jars", row_id, JarRow("other", 1) if row_id == "r0007" else row)
    assert set(commit(views, store)) == {b"view/ann/jars\0r0007", b"view/ann/totals\0all"}


def test_one_changed_row_of_many_is_one_record_of_the_changelog() -> None:
    shelf = Shelf()
    for number in range(200):
        shelf.send("ann", Fill(f"j{number}", 5))
    shelf.settle()
    before = len(shelf.changelog())
    shelf.send("ann", Fill("j77", 1))
    shelf.settle()
    written = [record.key for record in list(shelf.log.all(CHANGELOG))[before:]]
    assert [key for key in written if key and key.startswith(b"view/")] == [
        b"view/ann/jars\0j77",
        b"view/ann/totals\0all",
    ]


def test_a_row_set_and_removed_in_one_batch_never_was() -> None:
    store = Store()
    views = Views(VIEWS, store)
    views.take("ann", "jars", "a", JarRow("a", 1))
    views.take("ann", "jars", "a", None)
    assert commit(views, store) == {}
    views.take("ann", "jars", "a", None)  # nothing there to remove
    assert commit(views, store) == {}


def test_a_removed_row_is_a_tombstone_in_the_changelog() -> None:
    shelf = Shelf()
    shelf.send("ann", Fill("a", 5))
    shelf.settle()
    shelf.send("ann", Pour("a", "bob/b", 5))
    shelf.settle()
    records = [record for record in shelf.changelog() if record.key == b"view/ann/jars\0a"]
    assert [record.value is None for record in records] == [False, True]
    shelf.workers[0].recover()
    assert shelf.view("ann", "jars") == shelf.view("ann", "totals") == {}


def test_a_removed_and_recreated_row_counts_once() -> None:
    store = Store()
    for batches in (1, 2, 3):
        views = Views(VIEWS, store)
        for grams in (5, None, 7, None, 9):
            views.take("ann", "jars", "a", None if grams is None else JarRow("a", grams))
            if batches > 1:
                commit(views, store)
        commit(views, store)
        fresh = Views(VIEWS, store)
        assert fresh._read("totals", view_prefix("ann", "totals") + b"all") == TotalRow(1, 9)


def test_enterprises_and_views_do_not_meet() -> None:
    store = Store()
    views = Views(VIEWS, store)
    for enterprise in ("an", "ann", "annn"):
        views.take(enterprise, "jars", "all", JarRow(enterprise, 1))
    commit(views, store)
    for enterprise in ("an", "ann", "annn"):
        assert [row_id for row_id, _ in store.scan(view_prefix(enterprise, "jars"))] == [
            f"view/{enterprise}/jars\0all".encode()
        ]


def test_rows_of_no_view_are_malformed_and_change_nothing() -> None:
    store = Store()
    views = Views(VIEWS, store)
    for view, row in (("pots", JarRow("a", 1)), ("jars", TotalRow(1, 1)), ("totals", JarRow("a", 1)), ("pots", None)):
        with pytest.raises(Malformed, match="view-unknown"):
            views.take("ann", view, "a", row)
    assert commit(views, store) == {}
