"""The independent count: lines, late lines, days late per partner."""

from pathlib import Path

import pytest

from infra.cli.tally import Tally, count


@pytest.mark.parametrize(
    ("dates", "due", "done"),
    [
        ("dmy", "2-Jun-06", "5-Jun-06"),
        ("mdy", "6/2/06", "6/5/2006"),
        ("ymd", "2006-06-02", "2006-06-05"),
        ("dmy", "30.12.99", "2.1.00"),
    ],
)
def test_days_in_several_writings(tmp_path: Path, dates: str, due: str, done: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(f"who,due,done\nV,{due},{done}\nV,{done},{due}\nV,{due},{due}\nV,{due},open\n")
    assert count(file, ",", partner="who", due="due", done="done", dates=dates) == {"V": Tally(4, 1, 3)}


def test_only_so_many_rows(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("who,due,done\nA,2006-06-02,2006-06-03\nB,2006-06-02,2006-06-03\n")
    assert set(count(file, ",", partner="who", due="due", done="done", dates="ymd", limit=1)) == {"A"}
