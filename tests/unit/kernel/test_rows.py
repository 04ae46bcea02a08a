"""Rows in two levels behave as one sorted mapping of row ids."""

from hypothesis import given, settings
from hypothesis import strategies as st
from sortedcontainers import SortedDict

from services.kernel.rows import UNSORTED_ROWS_MAX, Rows

KEYS = st.sampled_from([b"order/a/1", b"order/a/10", b"order/a", b"~t"])
NAMES = st.sampled_from(
    [b"head", b"line/1", b"line/10", b"line/2", b"line", b"", b"~", b"a/long/name/that/is/not/shared"]
)
IDS = st.builds(lambda key, name: key + b"\0" + name, KEYS, NAMES)
CHANGES = st.lists(st.tuples(IDS, st.one_of(st.none(), st.binary(max_size=3))), max_size=60)


def change(rows: Rows, model: "SortedDict[bytes, bytes]", row_id: bytes, row: bytes | None) -> None:
    """The same to both."""
    if row is None:
        assert rows.pop(row_id, None) == model.pop(row_id, None)
    else:
        rows[row_id] = model[row_id] = row


def scanned(model: "SortedDict[bytes, bytes]", prefix: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
    """The definition of a scan."""
    return [
        (row_id, row) for row_id, row in model.items() if row_id.startswith(prefix) and (not after or row_id > after)
    ]


@settings(max_examples=300)
@given(CHANGES, IDS, st.one_of(st.just(b""), IDS))
def test_rows_are_a_sorted_mapping(changes: list[tuple[bytes, bytes | None]], prefix: bytes, after: bytes) -> None:
    """Given any changes, reading, counting and scanning agree with one sorted table."""
    rows, model = Rows(), SortedDict()
    for row_id, row in changes:
        change(rows, model, row_id, row)
    assert dict(rows) == dict(model)
    assert len(rows) == len(model)
    assert all(rows.get(row_id) == row and row_id in rows for row_id, row in model.items())
    if after and after.partition(b"\0")[0] != prefix.partition(b"\0")[0]:
        after = b""
    assert list(rows.scan(prefix, after)) == scanned(model, prefix, after)


def test_many_rows_of_one_key_stay_in_order() -> None:
    """Given more rows than are kept unsorted, a scan goes on from any of them, also when rows went."""
    rows, model = Rows(), SortedDict()
    for number in range(3 * UNSORTED_ROWS_MAX):
        change(rows, model, b"pool\0d/%03d" % (number * 37 % 200), b"%d" % number)
    for number in range(0, 200, 3):
        change(rows, model, b"pool\0d/%03d" % number, None)
    for after in (b"", b"pool\0d/000", b"pool\0d/100", b"pool\0d/199"):
        assert list(rows.scan(b"pool\0d/", after)) == scanned(model, b"pool\0d/", after)
