"""What a scenario looks like on a terminal, or as plain text where there is none: the same words, without colours.

Owns: titles, ticks, dated sentences, tables. Deliberately lacks: asking anybody; it is given what was read from views.
The chain has a screen of its own (chain_screen.py).
"""

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from infra.cli.words import Lang, number

WIDTH_WITHOUT_TERMINAL = 110
WIDTH_MAX = 100
MARGIN = GAP = 2


@dataclass(frozen=True, slots=True)
class LineShown:
    """One order line in its buyer's view."""

    number: str
    name: str
    partner: str
    quantity: Decimal
    promised: datetime.date | None
    expected: datetime.date | None
    state: str
    late: bool
    days_late: int


class Screen:
    """Prints a scenario. A terminal gets colours; what is printed is the same. ``today``: the date that it is."""

    def __init__(self, console: Console | None = None, lang: Lang | None = None) -> None:
        self.console = console or console_of()
        self.word = lang or Lang()
        self.today: datetime.date | None = None
        self._last_day: datetime.date | None = None
        self._after_table = False

    def title(self, text: str, about: str = "") -> None:
        """The scenario's name, or a part of it."""
        self.console.print()
        self.console.print(Rule(f"[bold]{escape(text)}[/]", align="left", style="dim"))
        if about:
            self.console.print(escape(about), style="dim")

    def heading(self, text: str) -> None:
        """The name of what comes next, within a part."""
        self.console.print()
        self.console.print(f"  [bold]{escape(text)}[/]")

    def done(self, text: str, took_seconds: float | None = None) -> None:
        """Something that is set up now."""
        took = f"  [dim]{took_seconds:.1f} s[/]" if took_seconds is not None else ""
        self.hang("[green]✓[/] ", f"{escape(text)}{took}")

    def check(self, name: str, text: str, holds: bool) -> None:
        """One checked statement."""
        mark = "[green]✓[/]" if holds else "[bold red]✗[/]"
        self.hang(f"{mark} {escape(name):<10} ", escape(text))

    def says(self, text: str) -> None:
        """Something that happened today; the date stands at the first line of it."""
        label = "" if self.today == self._last_day or self.today is None else self.word.day(self.today)
        self._last_day = self.today
        if label or self._after_table:
            self.console.print()
        self.hang(f"[bold]{label}[/]{' ' * max(2, 12 - _cells(label))}", escape(text))

    def note(self, text: str) -> None:
        """A line between others."""
        self.hang("", f"[dim]{escape(text)}[/]")

    def measured(self, text: str) -> None:
        """A time that was taken."""
        self.hang("[cyan]⏱[/] ", f"[cyan]{escape(text)}[/]")
        self._after_table = True

    def plain(self, text: str = "") -> None:
        """Text as it is, for copying."""
        self.console.print(text, markup=False, soft_wrap=True)

    def put(self, what: RenderableType) -> None:
        """A table, or whatever else, in from the margin."""
        self._after_table = True
        self.console.print(Padding(what, (0, 0, 0, MARGIN), expand=False))

    def put_whole(self, found: Table, first: int) -> None:
        """A table whose columns from this one on are never cut: where it is too wide, those before give way."""
        widths = [max((_cells(str(cell)) for cell in column.cells), default=0) for column in found.columns]
        left = self.console.width - MARGIN - sum(widths[first:]) - GAP * (len(widths) - 1)
        wanted = sum(widths[:first])
        if wanted > left > 0:
            for column, width in zip(found.columns, widths[:first], strict=False):
                column.width = max(1, width * left // wanted)
        self.put(found)

    def lines(self, title: str, rows: Sequence[LineShown]) -> None:
        """The buyer's order lines; a late one is red."""
        self.heading(title)
        found = table()
        for row in rows:
            style = "bold red" if row.late else "green"
            state = self.word.late(row.days_late * 1440) if row.late else f"{self.word.late(0)}, {row.state}"
            what = f"{number(row.quantity)} {row.name}"
            expected = self.word.day(row.expected) if row.late else ""
            cells = row.number, what, self.word.day(row.promised), expected, f"{'■' if row.late else '·'} {state}"
            found.add_row(*(Text(cell, style) for cell in cells))
        self.put(found)

    def hang(self, lead: str, text: str) -> None:
        """A text that goes on under its own beginning, behind a lead; both as markup."""
        grid = Table.grid(padding=0)
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(lead, text)
        self.put(grid)
        self._after_table = False


def table(*titles: str) -> Table:
    """A table without lines, with these titles (none: without a head)."""
    found = Table(box=None, pad_edge=False, show_header=bool(titles), header_style="dim", padding=(0, GAP, 0, 0))
    for title in titles:
        found.add_column(title, no_wrap=True)
    return found


def _cells(text: str) -> int:
    return Text(text).cell_len


def console_of(width: int = WIDTH_WITHOUT_TERMINAL) -> Console:
    """The standard output; where it is no terminal as wide as COLUMNS says, or as ``width``."""
    console = Console(highlight=False)
    if console.is_terminal:
        return console if console.width <= WIDTH_MAX else Console(highlight=False, width=WIDTH_MAX)
    given = os.environ.get("COLUMNS", "")
    return Console(highlight=False, width=int(given) if given.isdecimal() and int(given) > 0 else width)
