"""A mapping says what stands for what; what it does not say is a mistake, and told."""

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli import mapping
from infra.cli.errors import CliError
from infra.cli.mapping import ID_CHARS_MAX, OrderLine, Reader, identifier, slug
from infra.cli.table import header, rows

MAPPING = """
mapping: a test
fields:
  buyer: {constant: The Buyer}
  seller: {column: Vendor}
  order: {column: PO}
  line: {column: Row}
  item: {column: Item}
  quantity: {column: Pieces}
  placed_on: {column: Sent, formats: ["%d.%m.%Y"], missing: ["?"], instead: {field: due_on, days: -10}}
  due_on: {column: Due}
  received_on: {column: Came, missing: [open]}
check: {partner: Vendor, due: Due, done: Came}
"""
HEADER = "Vendor,PO,Row,Item,Pieces,Sent,Due,Came\n"


def read(folder: Path, content: str, text: str = MAPPING, *, skip_bad: bool = False) -> list[OrderLine]:
    """The lines of a table under a mapping."""
    table, file = folder / "table.csv", folder / "map.yaml"
    table.write_text(HEADER + content, encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    told = mapping.load(file)
    mapping.check(file, told, header(table, ","))
    return list(Reader(told).lines(rows(table, ","), skip_bad=skip_bad))


def test_a_row_becomes_a_line(tmp_path: Path) -> None:
    (line,) = read(tmp_path, 'Ötzi & Co,P/1,1,"Bolt, M8","1,200",02.01.2026,2026-02-01,2026-02-03\n')
    assert (line.buyer, line.seller, line.line, line.item) == ("the-buyer", "otzi-co", "1", "Bolt, M8")
    assert line.order.startswith("P-1~")  # a slash can not be in an id; the digest keeps P/1 and P-1 apart
    assert line.quantity == Decimal(1200)
    dates = line.placed_on, line.due_on, line.shipped_on, line.received_on
    assert dates == (_day(2026, 1, 2), _day(2026, 2, 1), _day(2026, 2, 3), _day(2026, 2, 3))


@pytest.mark.parametrize("sent", ["?", ""])
def test_what_the_mapping_says_stands_for_a_missing_date(tmp_path: Path, sent: str) -> None:
    (line,) = read(tmp_path, f"V,1,1,Bolt,1,{sent},2026-02-11,open\n")
    assert line.placed_on == _day(2026, 2, 1)
    assert line.received_on is None
    assert line.shipped_on is None


def test_a_line_is_never_placed_after_it_left(tmp_path: Path) -> None:
    (line,) = read(tmp_path, "V,1,1,Bolt,1,20.02.2026,2026-02-11,2026-02-12\n")
    assert line.placed_on == line.shipped_on == _day(2026, 2, 12)


def test_rows_that_can_not_be_read_are_told_with_their_numbers(tmp_path: Path) -> None:
    content = "V,1,1,Bolt,1,?,soon,open\nV,1,2,Bolt,none,?,2026-02-11,open\nV,1,3,Bolt,5,?,2026-02-11,open\n"
    with pytest.raises(CliError) as caught:
        read(tmp_path, content)
    told = str(caught.value)
    assert "row 2: due_on: 'soon' does not fit %Y-%m-%d" in told
    assert "row 3: quantity: 'none' is no number" in told
    assert "row 4" not in told
    assert "--skip-bad" in told
    assert [line.line for line in read(tmp_path, content, skip_bad=True)] == ["3"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{column: Vendor}\n", "{column: Vendr}\n", "no column 'Vendr'; did you mean 'Vendor'?"),
        ("field: due_on", "field: due", "there is no other field 'due'"),
        ("field: due_on", "field: item", "item can not stand for it, one is a date and one is not"),
        ("  item: {column: Item}\n", "", "fields › item: Field required"),
        ("quantity: {column: Pieces}", "quantity: {colum: Pieces}", "fields › quantity › colum: Extra inputs"),
        ("constant: The Buyer", "constant: The Buyer, column: PO", "give column or constant, not both"),
        ("mapping: a test", "mapping: [", "not YAML"),
    ],
)
def test_a_bad_mapping_says_what_is_wrong(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in MAPPING
    with pytest.raises(CliError) as caught:
        read(tmp_path, "V,1,1,Bolt,1,?,2026-02-11,open\n", MAPPING.replace(old, new, 1))
    assert told in str(caught.value)


def test_two_firms_that_would_be_one_id_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="would be one id, a-b"):
        read(tmp_path, "A & B,1,1,Bolt,1,?,2026-02-11,open\nA-B,2,1,Bolt,1,?,2026-02-11,open\n")


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_ids_are_what_the_services_take_and_differ_where_texts_do(one: str, other: str) -> None:
    found = identifier(one)
    assert 0 < len(found) <= ID_CHARS_MAX
    assert found.isprintable()
    assert "/" not in found
    if one != other:
        assert found != identifier(other)


@given(st.text(max_size=200))
def test_a_slug_can_be_typed(text: str) -> None:
    found = slug(text)
    assert 0 < len(found) <= ID_CHARS_MAX
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def _day(year: int, month: int, day: int) -> datetime.date:
    return datetime.date(year, month, day)
