"""What a scenario looks like on a terminal, or as plain text where there is none: the same words, without colours.

Owns: layout, dates and numbers for people. Deliberately lacks: asking anybody; it is given what was read from views.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich import box
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

WIDTH_WITHOUT_TERMINAL = 110
WIDTH_MIN, WIDTH_MAX = 80, 120
ORDERS_SHOWN_MAX = 4


@dataclass(frozen=True, slots=True)
class StockLine:
    """One pool of a firm: amounts as its view has them. On hand None: nobody has ever counted."""

    name: str
    unit: str
    on_hand: Decimal | None
    reserved: Decimal
    inbound: Decimal
    waiting: Decimal


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An open order line of a firm as buyer."""

    number: str
    name: str
    partner: str
    quantity: Decimal
    due: datetime.date


@dataclass(frozen=True, slots=True)
class Firm:
    """One box of the chain."""

    name: str
    tier: int
    stock: tuple[StockLine, ...]
    orders: tuple[OpenOrder, ...]


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
    reason: str


class Screen:
    """Prints a scenario. A terminal gets colours; what is printed is the same."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or console_of()
        self._last_day: datetime.date | None = None

    def title(self, text: str, about: str = "") -> None:
        """The scenario's name, or a part of it."""
        self.console.print()
        self.console.print(Rule(f"[bold]{escape(text)}[/]", align="left", style="dim"))
        if about:
            self.console.print(escape(about), style="dim")

    def done(self, text: str, took_seconds: float | None = None) -> None:
        """Something that is set up now."""
        took = f"  [dim]{took_seconds:.1f} s[/]" if took_seconds is not None else ""
        self.console.print(f"  [green]✓[/] {escape(text)}{took}", soft_wrap=True)

    def check(self, name: str, text: str, holds: bool) -> None:
        """One checked statement."""
        mark = "[green]✓[/]" if holds else "[bold red]✗[/]"
        self.console.print(f"  {mark} {escape(name):<10} {escape(text)}", soft_wrap=True)

    def says(self, day: datetime.date, text: str) -> None:
        """Something that happened on a day; the date stands at the first line of it."""
        label = "" if day == self._last_day else short(day)
        self._last_day = day
        self.console.print(f"[bold]{label:>10}[/]  {escape(text)}", soft_wrap=True)

    def note(self, text: str) -> None:
        """A line between others."""
        self.console.print(f"[dim]{'':>10}  {escape(text)}[/]", soft_wrap=True)

    def plain(self, text: str = "") -> None:
        """Text as it is, for copying."""
        self.console.print(text, markup=False, soft_wrap=True)

    def chain(self, firms: Sequence[Firm]) -> None:
        """The chain in tiers: the goods go upwards, the orders downwards."""
        for tier in sorted({firm.tier for firm in firms}):
            here = [firm for firm in firms if firm.tier == tier]
            if tier:
                self.console.print(f"{'':>6}[dim]▲ goods   ▼ orders[/]")
            width = max(WIDTH_MIN, min(self.console.width, WIDTH_MAX)) // 2 - 2
            self.console.print(Columns([_box(firm, width) for firm in here], padding=(0, 1)))

    def lines(self, title: str, rows: Sequence[LineShown]) -> None:
        """The buyer's order lines; a late one is red."""
        self.console.print(f"{'':>10}  [bold]{escape(title)}[/]")
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(width=10)
        for _ in range(6):
            table.add_column(no_wrap=True)
        for row in rows:
            style = "bold red" if row.late else "green"
            days = f"{row.days_late} day{'s' if row.days_late != 1 else ''}"
            state = f"LATE by {days}" if row.late else f"on time, {row.state}"
            dates = f"expected {maybe(row.expected)}" if row.expected else ""
            mark = "■" if row.late else "▪"
            what, promised = f"{number(row.quantity)} {row.name}", f"promised {maybe(row.promised)}"
            table.add_row("", mark, row.number, what, promised, dates, state, style=style)
        self.console.print(table)


def console_of(width: int = WIDTH_WITHOUT_TERMINAL) -> Console:
    """The standard output; a fixed width where it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=width)


def _box(firm: Firm, width: int) -> RenderableType:
    parts: list[RenderableType] = []
    for line in firm.stock:
        more = ["stock unknown" if line.on_hand is None else f"{number(line.on_hand)} on hand"]
        if line.reserved:
            more.append(f"{number(line.reserved)} reserved")
        if line.waiting:
            more.append(f"{number(line.waiting)} lacking")
        if line.inbound:
            more.append(f"{number(line.inbound)} inbound")
        parts.append(Text.from_markup(f"{escape(line.name)}{_in(line.unit)}"))
        parts.append(Text.from_markup(f"  [dim]{', '.join(more)}[/]"))
    for order in firm.orders[:ORDERS_SHOWN_MAX]:
        text = f"▼ {order.number}: {number(order.quantity)} from {order.partner} for {short(order.due)}"
        parts.append(Text(text, style="cyan"))
    if len(firm.orders) > ORDERS_SHOWN_MAX:
        parts.append(Text(f"▼ and {len(firm.orders) - ORDERS_SHOWN_MAX} more", style="cyan"))
    return Panel(Group(*parts), title=f"[bold]{escape(firm.name)}[/]", title_align="left", width=width, box=box.ROUNDED)


def _in(unit: str) -> str:
    return {"C62": "", "KGM": " (kg)"}.get(unit, f" ({unit})")


def short(day: datetime.date) -> str:
    """Mon 2 Mar."""
    return f"{day:%a} {day.day} {day:%b}"


def maybe(day: datetime.date | None) -> str:
    """The date, or a dash."""
    return "–" if day is None else short(day)


def number(amount: Decimal) -> str:
    """11,520 or 0.5."""
    whole = amount.to_integral_value()
    return f"{whole:,f}" if whole == amount else f"{amount.normalize():,f}"
