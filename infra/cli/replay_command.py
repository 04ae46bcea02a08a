"""The ``replay`` command: reads, sends, shows how far it is, and ends with the comparison.

Owns: which services it speaks to (those named, those that ``up`` runs, or some of its own), and its exit code.
"""

import datetime
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from infra.cli import mapping as mappings
from infra.cli.clock import Clock
from infra.cli.demo import own_stage
from infra.cli.errors import CliError
from infra.cli.front_door import FrontDoor
from infra.cli.home import Home
from infra.cli.mapping import OrderLine, Reader
from infra.cli.replay import Order, Progress, Replay, orders_of
from infra.cli.report import (
    QUIET_SECONDS_AFTER_REFUSALS,
    QUIET_SECONDS_MAX,
    Compared,
    compare,
    settled,
    sums,
)
from infra.cli.running import look
from infra.cli.screen import Screen
from infra.cli.stack import Say
from infra.cli.table import delimiter_of, header, rows
from infra.cli.tally import Tally, count

PARTNERS_SHOWN = 15
REFUSED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. ``urls``: service to address, empty for those that run here or some of its own."""

    file: Path
    mapping: Path
    home: Home
    limit: int | None = None
    urls: dict[str, str] = field(default_factory=dict)
    bootstrap: str = ""
    fresh: bool = False
    skip_bad: bool = False
    all_partners: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """The services to replay into. ``clock`` None: they keep their own time. ``until``: the last day to set it to."""

    door: FrontDoor
    clock: Clock | None
    until: datetime.date | None


async def run(wanted: Wanted, screen: Screen, say: Say) -> int:
    """Replay it all; 0 if every figure of the views is that of the file, else 1."""
    mapping = mappings.load(wanted.mapping)
    separator = mappings.delimiter(mapping, delimiter_of(wanted.file))
    mappings.check(wanted.mapping, mapping, header(wanted.file, separator))
    screen.title(f"{mapping.mapping}: {wanted.file.name}")
    started = perf_counter()
    reader = Reader(mapping)
    lines = list(reader.lines(rows(wanted.file, separator, wanted.limit), skip_bad=wanted.skip_bad))
    if not lines:
        raise CliError(f"{wanted.file} has no rows below its header")
    orders = orders_of(lines)
    screen.done(f"{len(lines):,} lines of {len(orders):,} orders read", perf_counter() - started)
    for name, times in sorted(reader.filled.items()):
        screen.note(f"{name}: {times:,} missing, the mapping says what stands for them")
    if reader.left_out:
        screen.note(f"{reader.left_out:,} rows left out, as --skip-bad says; the count of the file has them")
    async with _target(wanted, screen, say) as target:
        progress, took = await _send(target, reader, orders, len(lines), screen)
        quiet = QUIET_SECONDS_AFTER_REFUSALS if progress.refused else QUIET_SECONDS_MAX
        seen = await _seen(target.door, lines, quiet)
    rate = f"{progress.commands / took:,.0f} commands/s, {len(lines) / took:,.0f} lines/s"
    screen.done(f"{progress.commands:,} commands in {took:.1f} s: {rate}")
    if progress.known_already:
        screen.note(f"{progress.known_already:,} commands said what was known already")
    check = mapping.check
    counted = count(
        wanted.file, separator, partner=check.partner, due=check.due, done=check.done, dates=check.dates,
        limit=wanted.limit,
    )  # fmt: skip
    result = compare(seen, reader.names, counted)
    _show(result, screen, wanted.all_partners)
    _show_refused(progress, screen)
    good = all(one.equal for one in result)
    text = "every figure of the views is that of the file"
    if not good:
        text = "the views and the file DIFFER, see above (and `chainflow dead-letters list`)"
    screen.check("compared", text, holds=good)
    return 0 if good and not progress.refused else 1


@asynccontextmanager
async def _target(wanted: Wanted, screen: Screen, say: Say) -> AsyncIterator[Target]:
    today = datetime.datetime.now(datetime.UTC).date()
    async with AsyncExitStack() as stack:
        running = None if wanted.fresh or wanted.urls else look(wanted.home)
        if wanted.urls:
            if missing := {"order", "fulfillment"} - set(wanted.urls):
                raise CliError(f"give --url-{' and --url-'.join(sorted(missing))} too")
            urls, bootstrap = {name: [url.rstrip("/")] for name, url in wanted.urls.items()}, wanted.bootstrap
        elif running is not None and running.phase == "running":
            urls, bootstrap = running.urls(), running.bootstrap
            say(f"into the services that run in {wanted.home.folder}; --fresh would start others")
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chainflow-replay-"))
            stage = await stack.enter_async_context(own_stage(Path(folder), say, screen))
            urls, bootstrap, today = stage.urls, stage.bootstrap, datetime.date.max
        door = await stack.enter_async_context(FrontDoor(urls))
        clock = await stack.enter_async_context(Clock(bootstrap)) if bootstrap else None
        if clock is None:
            say("no --bootstrap, so the services keep their own time")
        # A time beyond today would be the time of everybody else there, too.
        yield Target(door, clock, None if today == datetime.date.max else today)


async def _send(
    target: Target, reader: Reader, orders: list[Order], lines: int, screen: Screen
) -> tuple[Progress, float]:
    shown = _Shown(screen.console, lines)
    replay = Replay(target.door, target.clock, shown.told, target.until)
    started = perf_counter()
    with shown:
        await replay.register(reader.names)
        await replay.run(orders)
    return replay.progress, perf_counter() - started


async def _seen(door: FrontDoor, lines: list[OrderLine], quiet_seconds_max: float) -> dict[str, Tally]:
    """Seller to its sums over all buyers, from their views."""
    seen: dict[str, Tally] = {}
    for buyer in sorted({line.buyer for line in lines}):
        mine = [line for line in lines if line.buyer == buyer]
        unfinished = sum(line.received_on is None for line in mine)
        partners = await settled(door, buyer, len(mine), unfinished, quiet_seconds_max)
        for partner, tally in (await sums(door, buyer, partners)).items():
            have = seen.setdefault(partner, Tally())
            have.lines += tally.lines
            have.late_lines += tally.late_lines
            have.days_late += tally.days_late
    return seen


class _Shown:
    """A bar on a terminal; a line per tenth without one."""

    def __init__(self, console: Console, lines: int) -> None:
        self._console, self._lines, self._tenth = console, lines, 0
        self._started = perf_counter()
        columns = (
            TextColumn("{task.fields[day]}"), BarColumn(), MofNCompleteColumn(), TextColumn("lines"),
            TextColumn("{task.fields[rate]}"), TimeElapsedColumn(),
        )  # fmt: skip
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("lines", total=lines, day="", rate="")

    def __enter__(self) -> None:
        self._bar.start()

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def told(self, progress: Progress) -> None:
        """How far it is now."""
        took = max(perf_counter() - self._started, 0.001)
        rate = f"{progress.commands / took:,.0f} commands/s"
        day = f"{progress.day:%b %Y}" if progress.day else "enterprises"
        self._bar.update(self._task, completed=progress.lines, day=day, rate=rate)
        tenth = progress.lines * 10 // self._lines
        if not self._console.is_terminal and tenth > self._tenth:
            self._tenth = tenth
            self._console.print(f"  {day}: {progress.lines:,} of {self._lines:,} lines, {rate}")


def _show_refused(progress: Progress, screen: Screen) -> None:
    for what, answer in progress.refused[:REFUSED_SHOWN]:
        screen.check("refused", f"{what}: {answer.code}: {answer.advice}", holds=False)
    if len(progress.refused) > REFUSED_SHOWN:
        screen.note(f"and {len(progress.refused) - REFUSED_SHOWN} more were refused")
    if any(answer.code == "order-differs" for _, answer in progress.refused):
        screen.note("an order is placed once: a part of a file (--limit) and then the whole need services of their own")


def _show(result: list[Compared], screen: Screen, all_partners: bool) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("seller", no_wrap=True, max_width=44, overflow="ellipsis")
    for name in ("lines", "late", "days late"):
        table.add_column(name, justify="right")
    table.add_column("")
    hidden = 0
    for index, one in enumerate(result):
        if one.equal and index >= PARTNERS_SHOWN and not all_partners:
            hidden += 1
            continue
        mark = "[green]✓[/]" if one.equal else f"[bold red]✗ the file: {_figures(one.counted)}[/]"
        seen = one.seen
        cells = f"{seen.lines:,}", f"{seen.late_lines:,}", f"{seen.days_late:,}"
        table.add_row(escape(one.partner or "(no name)"), *cells, mark)
    if hidden:
        table.add_row(f"[dim]and {hidden} more, each as in the file (--all shows them)[/]", "", "", "", "")
    total = [sum(getattr(one.seen, name) for one in result) for name in ("lines", "late_lines", "days_late")]
    table.add_row("[bold]all[/]", *(f"[bold]{figure:,}[/]" for figure in total), "")
    screen.console.print(table)


def _figures(tally: Tally) -> str:
    return f"{tally.lines:,} lines, {tally.late_lines:,} late, {tally.days_late:,} days"


def given_urls(order: str, fulfillment: str) -> dict[str, str]:
    """Those addresses that were given. Nobody reports stock in a replay, so the inventory service is not spoken to."""
    given = {"order": order, "fulfillment": fulfillment}
    return {name: url for name, url in given.items() if url}


def given_bootstrap(option: str) -> str:
    """The broker for the ticks: the option, else the environment's."""
    return option or os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
