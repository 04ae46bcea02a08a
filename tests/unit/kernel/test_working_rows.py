"""Rows of one aggregate in a batch: what is staged over what is changed over what is stored, nothing of a failure."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.memories import Memories
from services.kernel.row_codec import RowCodec, RowError
from services.kernel.store import Store
from services.kernel.working_rows import DecodedRows, WorkingRows, decode_meta, encode_meta
from tests.support.jars import Given, Jar

CODECS = {"head": RowCodec(Jar), "given": RowCodec(Given)}
KEY = "jar/ann/a"


def rows_over(store: Store, cache: DecodedRows | None = None, key: str = KEY) -> WorkingRows:
    """The aggregate at the beginning of a batch."""
    return WorkingRows(key, store, cache if cache is not None else DecodedRows(), Memories(), CODECS)


def keep(rows: WorkingRows) -> None:
    """The record was decided."""
    rows.encode_staged()
    rows.keep()


def commit(rows: WorkingRows, store: Store) -> dict[bytes, bytes | None]:
    """The batch was committed; what it wrote."""
    written = dict(rows.encoded())
    store.apply(written.items())
    rows.committed()
    return written


NAMES = st.sampled_from(["head", *(f"given/{name}" for name in ("a", "ab", "b", "z", "ü", "~", "~l"))])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("stage"), NAMES, st.one_of(st.none(), st.integers(0, 9))),
        st.sampled_from([("keep",), ("drop",), ("commit",)]),
    ),
    max_size=40,
)


@given(STEPS)
def test_rows_are_a_dict_with_two_ways_back(steps: list[tuple[Any, ...]]) -> None:
    store, cache = Store(), DecodedRows()
    others = rows_over(store, key="jar/ann/a b")
    others.stage({"head": Jar(77), "given/a": Given(77)})
    keep(others)
    commit(others, store)
    rows = rows_over(store, cache)
    kept: dict[str, Any] = {}
    now: dict[str, Any] = {}
    for step in steps:
        match step:
            case ("stage", name, number):
                row = None if number is None else (Jar(number) if name == "head" else Given(number))
                rows.stage({name: row})
                now[name] = row
            case ("keep",):
                keep(rows)
                kept = dict(now)
            case ("drop",):
                rows.drop()
                now = dict(kept)
            case ("commit",):
                rows.drop()
                now = dict(kept)
                commit(rows, store)
                rows = rows_over(store, cache)
        there = {name: row for name, row in now.items() if row is not None}
        assert list(rows.scan("")) == sorted(there.items(), key=lambda item: item[0].encode())
        for prefix in ("given/", "given/a", "head", "x"):
            assert list(rows.scan(prefix)) == sorted(
                (item for item in there.items() if item[0].startswith(prefix)), key=lambda item: item[0].encode()
            )
        for name in ("head", "given/a", "given/none"):
            assert rows.get(name) == there.get(name)
    rows.drop()
    commit(rows, store)
    assert dict(rows_over(store).scan("")) == {name: row for name, row in kept.items() if row is not None}


def test_only_what_really_changed_is_written() -> None:
    store = Store()
    rows = rows_over(store)
    rows.stage({"head": Jar(5), "given/b": Given(1), "given/c": Given(2)})
    keep(rows)
    assert len(commit(rows, store)) == 3
    rows = rows_over(store)
    rows.stage({"head": Jar(5), "given/b": None, "given/c": Given(3), "given/d": Given(4)})
    keep(rows)
    rows.stage({"given/c": Given(2), "given/d": None})
    keep(rows)
    assert commit(rows, store) == {b"jar/ann/a\0given/b": None}


@pytest.mark.parametrize(
    ("row", "error"),
    [({"head": Jar(object())}, RowError), ({"lid": Jar()}, KeyError), ({"head": Given(1)}, RowError)],  # type: ignore[arg-type]
)
def test_a_row_without_bytes_is_told_before_anything_is_kept(row: dict[str, Any], error: type[Exception]) -> None:
    store = Store()
    rows = rows_over(store)
    rows.stage({"given/b": Given(1)})
    keep(rows)
    rows.stage({"given/b": Given(2)} | row)
    with pytest.raises(error):
        rows.encode_staged()
    rows.drop()
    assert commit(rows, store) == {b"jar/ann/a\0given/b": CODECS["given"].encode(Given(1))}


def test_a_row_is_known_as_it_was_before_the_decision_and_not_before_the_record() -> None:
    store = Store()
    rows = rows_over(store)
    rows.begin()
    rows.stage({"head": Jar(1)})
    assert (rows.before("head"), rows.before("given/b")) == (None, None)
    rows.begin()
    rows.stage({"head": Jar(2)})
    rows.stage({"head": Jar(3), "given/b": Given(1)})
    assert (rows.before("head"), rows.before("given/b")) == (Jar(1), None)
    keep(rows)
    commit(rows, store)
    rows = rows_over(store)
    rows.begin()
    rows.stage({"given/b": None})
    assert (rows.before("head"), rows.before("given/b")) == (Jar(3), Given(1))


def test_a_failed_record_leaves_neither_version_nor_link() -> None:
    store = Store()
    rows = rows_over(store)
    rows.stage({"head": Jar(1)})
    rows.version += 1
    rows.set_link_version("from", 4)
    keep(rows)
    rows.stage({"head": Jar(2)})
    rows.version += 5
    rows.set_link_version("from", 9)
    assert (rows.version, rows.link_version("from")) == (6, 9)
    rows.drop()
    assert (rows.version, rows.link_version("from")) == (1, 4)
    commit(rows, store)
    again = rows_over(store)
    assert (again.version, again.link_version("from"), again.link_version("other")) == (1, 4, 0)
    assert [name for name, _ in again.scan("")] == ["head"]  # the kernel's own rows are not the domain's


def test_what_was_said_last_is_known_beside_what_follows_from_it() -> None:
    store = Store()
    rows = rows_over(store)
    rows.count((Jar(1), Given(1), Given(2)), (Given,))
    assert (rows.version, rows.said) == (3, 1)
    keep(rows)
    rows.count((Given(3), Jar(2)), (Given,))
    assert (rows.version, rows.said) == (5, 5)
    rows.drop()
    assert (rows.version, rows.said) == (3, 1)
    commit(rows, store)
    assert (rows_over(store).version, rows_over(store).said) == (3, 1)


def test_the_kernels_row_is_readable_in_any_tool() -> None:
    for version, alarm_ms, said in ((1, 0, 1), (7, 1_767_225_600_000, 7), (7, 0, 3), (7, 9, 3)):
        assert decode_meta(encode_meta(version, alarm_ms, said)) == (version, alarm_ms, said)
    assert encode_meta(7, 0, 7) == b"7"
    assert encode_meta(7, 9, 7) == b"7 9"
    assert encode_meta(7, 0, 3) == b"7 0 3"


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kernel.working_rows.DECODED_ROWS_MAX", 3)
    cache = DecodedRows()
    for number in (1, 2, 3, 1, 4):
        cache.keep(b"%d" % number, number)
    assert sorted(cache) == [b"2", b"3", b"4"]


def test_a_cached_row_never_outlives_a_change() -> None:
    store, cache = Store(), DecodedRows()
    writers: list[Callable[[], Any]] = [lambda: Jar(1), lambda: Jar(2), lambda: None, lambda: Jar(3)]
    for write in writers:
        rows = rows_over(store, cache)
        rows.get("head")
        rows.stage({"head": write()})
        keep(rows)
        commit(rows, store)
        assert rows_over(store, cache).get("head") == rows_over(store).get("head") == write()
