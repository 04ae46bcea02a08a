"""``generate`` and ``compare`` as typed. Deliberately lacks: the work, which is pure; see infra/chains."""

import re
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from infra.chains.compare import Comparison, Seen
from infra.chains.compare import compare as compare_ways
from infra.chains.files import write
from infra.chains.generate import generate as make_chain
from infra.chains.shape import Shape
from infra.cli.errors import CliError
from infra.cli.home import ROOT

MARKS: Final = "<!-- comparison -->", "<!-- end of comparison -->"
BENCHMARKS: Final = ROOT / "docs" / "benchmarks.md"
_MEASURED: Final = re.compile(
    r"^\| ([\d,]+) lines: a slip \d+ tiers away.*: p(50|99) \| ([\d,.]+|inf) ms", re.MULTILINE
)

out = Console(highlight=False)

Enterprises = Annotated[int, typer.Option(help="How many enterprises.")]
Tiers = Annotated[int, typer.Option(help="Leaders are one tier, the far end the last.")]
Width = Annotated[int, typer.Option(help="Parts that a product is made of.")]
OrdersPerDay = Annotated[int, typer.Option(help="Lines that leaders order for a day; the rest follows from them.")]
Days = Annotated[int, typer.Option(help="Days of deliveries.")]
SlipRate = Annotated[float, typer.Option(help="Share of what can slip that does.")]
Untracked = Annotated[float, typer.Option(help="Share of products whose stock nobody knows, so of lines.")]
Seed = Annotated[int, typer.Option(help="The same seed, the same chain.")]


def _shape(
    seed: int, enterprises: int, tiers: int, width: int, orders_per_day: int, days: int, slips: float, untracked: float
) -> Shape:
    try:
        return Shape(seed, enterprises, tiers, width, orders_per_day, days, slips, untracked)
    except ValueError as error:
        raise CliError(f"no such chain: {error}") from None


def generate(
    folder: Annotated[Path, typer.Option("--out", help="The folder for its files; it is made.")],
    seed: Seed = 1,
    enterprises: Enterprises = 100,
    tiers: Tiers = 4,
    width: Width = 3,
    orders_per_day: OrdersPerDay = 3,
    days: Days = 90,
    slip_rate: SlipRate = 0.02,
    untracked: Untracked = 0.2,
) -> None:
    """Make a supply chain by seed, as tables: firms, agreements, open orders, work orders, stock, and what slips.

    Nothing has to run. The same options make the same files, byte by byte.

    Examples:

    - `chainflow generate --out /tmp/chain`

    - `chainflow generate --enterprises 1000 --tiers 6 --orders-per-day 20 --seed 7 --out /tmp/larger`
    """
    shape = _shape(seed, enterprises, tiers, width, orders_per_day, days, slip_rate, untracked)
    for name, rows in write(folder, shape, make_chain(shape)).items():
        out.print(f"{rows:>9,}  {folder / name}", soft_wrap=True)


def compare(
    seed: Seed = 1,
    enterprises: Enterprises = 1_000,
    tiers: Tiers = 6,
    width: Width = 3,
    orders_per_day: OrdersPerDay = 20,
    days: Days = 90,
    slip_rate: SlipRate = 0.02,
    untracked: Untracked = 0.2,
    doc: Annotated[Path | None, typer.Option(help="Write the table between this page's marks.")] = None,
) -> None:
    """Compare what leaders hear of a generated chain's slips: by nightly planning, by one-hop alerts, by Chainflow.

    A simulation; nothing has to run. Its assumptions are in docs/comparison.md.

    Examples:

    - `chainflow compare`

    - `chainflow compare --enterprises 300 --tiers 5 --orders-per-day 5 --seed 3`
    """
    shape = _shape(seed, enterprises, tiers, width, orders_per_day, days, slip_rate, untracked)
    text = table(shape, compare_ways(make_chain(shape)), measured(BENCHMARKS.read_text(encoding="utf-8")))
    out.print(text, markup=False, soft_wrap=True)
    if doc is not None:
        before, first, rest = doc.read_text(encoding="utf-8").partition(MARKS[0])
        _, last, after = rest.partition(MARKS[1])
        if not (first and last):
            raise CliError(f"{doc} has no {MARKS[0]} … {MARKS[1]} to write between")
        doc.write_text(f"{before}{first}\n{text}\n{last}{after}", encoding="utf-8")


def measured(benchmarks: str) -> str:
    """What the benchmark's page says of a slip's way to the leader in each chain, or that it says nothing."""
    found: dict[str, dict[str, str]] = {}
    for lines, percent, ms in _MEASURED.findall(benchmarks):
        found.setdefault(lines, {})[percent] = ms
    said = [
        f"{of['50']} ms"
        + (", not all of them arrived" if of["99"] == "inf" else f", 99 % within {of['99']} ms")
        + f" (measured with {lines} lines)"
        for lines, of in found.items()
        if {"50", "99"} <= of.keys()
    ]
    return "; ".join(said) or "not measured yet"


def table(shape: Shape, found: Comparison, after: str) -> str:
    """The comparison as a Markdown table."""
    nightly, one_hop = found.nightly, found.one_hop

    def row(what: str, *cells: str) -> str:
        return f"| {what} | {' | '.join(cells)} |"

    def share(count: int, seen: Seen) -> str:
        return f"{count:,} of {seen.late:,}"

    def false(seen: Seen) -> str:
        return f"{seen.false:,} of {seen.alarms:,}" if seen.alarms else "none"

    hours = f"{nightly.median_hours:.0f} h, the last {nightly.last_hours:.0f} h"
    lines = [
        f"{shape.enterprises:,} enterprises in {shape.tiers} tiers, seed {shape.seed}: {found.slips:,} slips, "
        f"{found.reaching:,} of them reach a leader, {found.taken_back:,} are taken back later on.",
        "",
        row("", *(seen.way for seen in found.ways)),
        "|---|---:|---:|---:|",
        row("late lines of leaders that are named", *(share(seen.told, seen) for seen in found.ways)),
        row("… with the right day", *(share(seen.right, seen) for seen in found.ways)),
        row("… with what made them late", *(share(seen.caused, seen) for seen in found.ways)),
        row("half of them are named after", hours, "at once" if one_hop.told else "never", after),
        row("… when the slip had been taken back already", *(share(seen.void, seen) for seen in found.ways)),
        row("first alarms for lines that are in time after all", *(false(seen) for seen in found.ways)),
    ]
    return "\n".join(lines)
