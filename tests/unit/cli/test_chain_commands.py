"""``chainflow generate`` and ``chainflow compare`` as typed."""

from pathlib import Path

from typer.testing import CliRunner

from infra.cli.chain_commands import MARKS, measured
from infra.cli.errors import CliError
from infra.cli.main import app

SMALL = ("--enterprises", "24", "--tiers", "3", "--orders-per-day", "1", "--days", "20")


def test_generate_writes_tables_and_says_how_many_rows(tmp_path: Path) -> None:
    """The same twice."""
    told = [CliRunner().invoke(app, ["generate", "--out", str(tmp_path / name), *SMALL]) for name in ("a", "b")]
    assert [one.exit_code for one in told] == [0, 0], told[0].output
    assert "order-lines.csv" in told[0].output
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "b").iterdir())
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


def test_a_chain_that_can_not_be_is_refused_with_the_reason(tmp_path: Path) -> None:
    """As an error with an explanation."""
    told = CliRunner().invoke(app, ["generate", "--out", str(tmp_path), "--tiers", "99"])
    assert isinstance(told.exception, CliError)
    assert "tiers: 2 to 9" in str(told.exception)


def test_compare_writes_its_table_between_the_marks(tmp_path: Path) -> None:
    """And nowhere else."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
    told = CliRunner().invoke(app, ["compare", *SMALL, "--slip-rate", "0.5", "--doc", str(page)])
    assert told.exit_code == 0, told.output
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| late lines of leaders that are named |" in text
    page.write_text("no marks")
    assert isinstance(CliRunner().invoke(app, ["compare", *SMALL, "--doc", str(page)]).exception, CliError)


def test_what_was_measured_is_read_off_the_benchmarks() -> None:
    """Or said to be missing."""
    rows = "| 20,100 lines: a slip 5 tiers away, to the leader's row: p50 | 99 ms | ≤ 250 |\n"
    rows += "| 200,100 lines: a slip 5 tiers away, to the leader's row: p50 | 123 ms | ≤ 250 |\n"
    assert measured(rows) == "not measured yet"
    rows += "| 200,100 lines: a slip 5 tiers away, to the leader's row: p99 | 1,456 ms | ≤ 500 |\n"
    assert measured(rows) == "123 ms, 99 % within 1,456 ms (measured with 200,100 lines)"
    rows += "| 20,100 lines: a slip 5 tiers away, to the leader's row: p99 | inf ms | ≤ 500 |\n"
    assert measured(rows).startswith("99 ms, not all of them arrived (measured with 20,100 lines); 123 ms")
