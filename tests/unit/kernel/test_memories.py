"""What aggregates remember beside their rows: told of each change, gone when a record fails, and bounded."""

from collections.abc import Iterable

import pytest

from services.kernel import memories
from services.kernel.memories import Memories
from services.kernel.model import Rows
from services.kernel.row_codec import RowCodec
from services.kernel.store import Store
from services.kernel.working_rows import DecodedRows, WorkingRows
from tests.support.jars import Given, Jar


class Total:
    """The sum of all that was given, kept up to date from the rows that changed."""

    made = 0

    def __init__(self, rows: Rows) -> None:
        Total.made += 1
        self.given = {name: row.grams for name, row in rows.scan("given/")}
        self.waiting: set[str] = set()

    def changed(self, names: Iterable[str]) -> None:
        self.waiting.update(names)

    def refresh(self, rows: Rows) -> None:
        for name in self.waiting:
            row = rows.get(name)
            self.given.pop(name, None)
            if row is not None:
                self.given[name] = row.grams
        self.waiting.clear()

    def __len__(self) -> int:
        return len(self.given)

    @property
    def amount(self) -> int:
        return sum(self.given.values())


def rows_of(kept: Memories, store: Store) -> WorkingRows:
    return WorkingRows("jar/ann/a", store, DecodedRows(), kept, {"head": RowCodec(Jar), "given": RowCodec(Given)})


def keep(rows: WorkingRows) -> None:
    rows.encode_staged()
    rows.keep()


def test_a_memory_outlives_the_batch_and_is_told_of_all_that_changed() -> None:
    kept, store = Memories(), Store()
    Total.made = 0
    rows = rows_of(kept, store)
    rows.stage({"given/a": Given(1)})
    assert rows.recall(Total).amount == 1, "of the record at work too"
    keep(rows)
    rows.stage({"given/b": Given(2)})
    keep(rows)
    store.apply(dict(rows.encoded()).items())
    rows.committed()
    rows = rows_of(kept, store)
    assert rows.recall(Total).amount == 3
    rows.stage({"given/a": None})
    assert rows.recall(Total).amount == 2
    assert Total.made == 1


def test_of_a_record_that_failed_nothing_is_remembered() -> None:
    kept, store = Memories(), Store()
    rows = rows_of(kept, store)
    rows.stage({"given/a": Given(1)})
    keep(rows)
    rows.stage({"given/a": Given(9)})
    assert rows.recall(Total).amount == 9
    rows.drop()
    assert rows.recall(Total).amount == 1


def test_those_asked_for_last_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memories, "MEMORIES_ROWS_MAX", 10)
    kept, sized = Memories(), list(map(str, range(4)))

    def of(size: int) -> Total:
        total = Total(rows_of(Memories(), Store()))
        total.given = dict.fromkeys(map(str, range(size)), 1)
        return total

    for name in sized[:3]:
        kept.keep(name, of(3))
    assert kept.find("0") is not None
    kept.keep("3", of(3))
    assert [name for name in sized if kept.find(name)] == ["0", "2", "3"]
    kept.keep("3", of(8))
    assert [name for name in sized if kept.find(name)] == ["3"], "it grew"
    kept.keep("large", of(99))
    assert (len(kept), kept.find("large") is None) == (1, False), "what is larger than the bound is kept alone"
    kept.forget("large")
    kept.forget("large")
    assert len(kept) == 0
