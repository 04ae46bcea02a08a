"""Tables of text: comma or tab separated files, row by row, with the number of the row for messages.

Deliberately lacks: what the columns mean (mapping.py), and files of other kinds.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.cli.errors import CliError

CELL_CHARS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its number in the file (the header is row 1) and its cells by column name."""

    number: int
    cells: dict[str, str]


def delimiter_of(path: Path) -> str:
    """Tab for names ending in .tsv or .tab, else a comma."""
    return "\t" if path.suffix.lower() in (".tsv", ".tab") else ","


def header(path: Path, delimiter: str) -> list[str]:
    """The names of the columns. Raises CliError for a file without, or that can not be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            names = next(csv.reader(file, delimiter=delimiter), [])
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}; name a .csv or .tsv file") from error
    except UnicodeDecodeError as error:
        raise CliError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    names = [name.strip() for name in names]
    if not any(names):
        raise CliError(f"{path}: the first row must name the columns")
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise CliError(f"{path}: columns named twice: {', '.join(double)}")
    return names


def rows(path: Path, delimiter: str, limit: int | None = None) -> Iterator[TableRow]:
    """The rows below the header, at most ``limit``; empty ones are left out."""
    names = header(path, delimiter)
    csv.field_size_limit(CELL_CHARS_MAX)
    with path.open(newline="", encoding="utf-8-sig") as file:
        found = csv.reader(file, delimiter=delimiter)
        next(found)
        count = 0
        for number, cells in enumerate(found, 2):
            if not any(cells):
                continue
            if limit is not None and count >= limit:
                return
            count += 1
            padded = [*cells, *[""] * (len(names) - len(cells))]
            yield TableRow(number, {name: cell.strip() for name, cell in zip(names, padded, strict=False)})
