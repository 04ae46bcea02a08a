"""A run's report as text for people."""

from statistics import median

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from tests.chaos.run import Report
from tests.support.faults import IN_TRANSACTION, Fault

KINDS_OF_HARM = ("missing", "duplicate", "beyond", "gap or disorder", "wrong row")


def render(report: Report, repeat: str) -> Group:
    """Tables and the verdict; ``repeat`` is the command that does it again."""
    faults = Table("fault", "done", "in open transaction", "standstill median s", "longest s", title="Faults")
    for fault in Fault:
        done = [one for one in report.done if one.kind is fault]
        if not done:
            continue
        times = [one.recovery_seconds for one in done if one.recovery_seconds is not None]
        hit = str(sum(one.in_transaction is True for one in done)) if fault in IN_TRANSACTION else ""
        faults.add_row(
            fault, str(len(done)), hit,
            f"{median(times):.1f}" if times else "< 0.5", f"{max(times):.1f}" if times else "< 0.5",
        )  # fmt: skip
    verdict = report.verdict
    result = Table("inputs", "outputs", *KINDS_OF_HARM, title="Exactly once?")
    result.add_row(
        f"{verdict.inputs:,}", f"{verdict.outputs:,}", *(f"{verdict.violations[kind]:,}" for kind in KINDS_OF_HARM)
    )
    lines = [
        f"traffic {report.traffic_seconds:.0f} s, then decided in {report.settle_seconds:.1f} s; "
        f"workers started {report.starts} times"
    ]
    lines += [f"{name}: {fact}" for name, fact in verdict.facts.items()]
    lines += [f"worker ended by itself {count}×: {why}" for why, count in report.exits.items()]
    lines += [f"{kind}: {n}" for kind, n in verdict.violations.items() if n and kind not in KINDS_OF_HARM]
    lines += verdict.examples
    met, asked = report.in_transaction
    lines.append(f"{met} of {asked} kills and zombies fell into an open transaction")
    style = "bold green" if report.ok else "bold red"
    word = "PASSED: every record counted exactly once." if report.ok else "FAILED."
    return Group(faults, result, *lines, Text(word, style=style), f"Repeat with: {repeat}")


def show(report: Report, repeat: str) -> None:
    """Print it."""
    Console().print(render(report, repeat))


def render_text(report: Report) -> str:
    """The same as plain text, for a failed assertion."""
    console = Console(width=120, color_system=None)
    with console.capture() as captured:
        console.print(render(report, "python -m tests.chaos"))
    return captured.get()
