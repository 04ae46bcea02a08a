"""What was measured, against what was wished: figures, percentiles, the table at the end, the file for later.

Owns: the machine's description, since a figure without its machine says nothing. Deliberately lacks: measuring.
"""

import datetime
import json
import math
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

MARKS = "<!-- figures -->", "<!-- end of figures -->"
CHAIN_MARKS = "<!-- chain figures -->", "<!-- end of chain figures -->"
_LOAD_BEFORE = [round(load, 2) for load in os.getloadavg()]
PERCENTILES = (50, 90, 99, 100)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. ``goal`` is a bound: the least that is wished for if ``more_is_better``, else the most."""

    part: str
    name: str
    value: float
    unit: str
    goal: float | None = None
    more_is_better: bool = True
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal was met; None if there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal


@dataclass(slots=True)
class Figures:
    """All of one run, in order."""

    entries: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """One more."""
        self.entries.append(figure)

    def percentiles(self, part: str, name: str, seconds: Sequence[float], goals: dict[int, float]) -> None:
        """p50, p90, p99 and the greatest of some durations, in ms; ``goals`` by percentile, in ms."""
        for percent in PERCENTILES:
            label = "max" if percent == 100 else f"p{percent}"
            self.add(
                Figure(
                    part, f"{name}: {label}", percentile(seconds, percent) * 1e3, "ms", goals.get(percent),
                    more_is_better=False, note=f"of {len(seconds):,}",
                )
            )  # fmt: skip

    def show(self, console: Console) -> None:
        """The table."""
        table = Table(title="Measured", title_justify="left", header_style="bold")
        for heading in ("part", "what", "measured", "goal", "", "note"):
            table.add_column(heading, justify="right" if heading in ("measured", "goal") else "left")
        before = ""
        for figure in self.entries:
            if before and figure.part != before:
                table.add_section()
            bound = "" if figure.goal is None else f"{'≥' if figure.more_is_better else '≤'} {number(figure.goal)}"
            mark = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}[figure.met]
            shown = f"{number(figure.value)} {figure.unit}"
            table.add_row(figure.part if figure.part != before else "", figure.name, shown, bound, mark, figure.note)
            before = figure.part
        console.print(table)

    def document(
        self, path: Path, options: dict[str, Any], began: datetime.datetime, seconds: float,
        marks: tuple[str, str] = MARKS,
    ) -> None:  # fmt: skip
        """Write the figures between two marks of a page, part by part; ValueError if the page has no such marks."""
        first, last = marks
        before, mark, rest = path.read_text(encoding="utf-8").partition(first)
        _, end, after = rest.partition(last)
        if not (mark and end):
            raise ValueError(f"{path} has no {first} … {last} to write between")
        known = machine()
        lines = [
            f"Measured on {began:%Y-%m-%d}, `python -m tests.bench {options['command']}`, {seconds / 60:.0f} minutes.",
            f"{known['processor']}, {known['cores']} cores, {known['memory_gib']} GiB; {known['system']};",
            f"Python {known['python']}; {known['java']}. Load average before: {known['load_before'][0]}.",
        ]
        for part in dict.fromkeys(figure.part for figure in self.entries):
            lines += ["", f"### {part}", "", "| what | measured | wished | met | note |", "|---|---:|---:|---|---|"]
            for one in self.entries:
                if one.part == part:
                    bound = "" if one.goal is None else f"{'≥' if one.more_is_better else '≤'} {number(one.goal)}"
                    met = {None: "", True: "yes", False: "**no**"}[one.met]
                    lines.append(f"| {one.name} | {number(one.value)} {one.unit} | {bound} | {met} | {one.note} |")
        path.write_text(f"{before}{first}\n{chr(10).join(lines)}\n{last}{after}", encoding="utf-8")

    def save(self, path: Path, options: dict[str, Any], began: datetime.datetime, seconds: float) -> None:
        """Everything as JSON."""
        document = {
            "began": began.isoformat(timespec="seconds"),
            "seconds": round(seconds, 1),
            "machine": machine(),
            "options": options,
            "figures": [
                {
                    "part": one.part, "name": one.name, "value": one.value, "unit": one.unit,
                    "goal": one.goal, "more_is_better": one.more_is_better, "met": one.met, "note": one.note,
                }
                for one in self.entries
            ],
        }  # fmt: skip
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of some values; ValueError if there are none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def number(value: float) -> str:
    """A number for people: thousands apart, three digits where it is small."""
    if value and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def machine() -> dict[str, Any]:
    """What it ran on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "java": _java(),
        "load_before": _LOAD_BEFORE,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _java() -> str:
    from infra.kafka.java import find_java

    java = find_java()
    said = subprocess.run([str(java.executable), "-version"], capture_output=True, text=True, check=False)
    return (said.stderr or said.stdout).splitlines()[0].strip()
