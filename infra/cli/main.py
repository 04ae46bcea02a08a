"""The ``chainflow`` command as typed: options, tables, exit codes.

Exit codes: 0 done; 1 failed, or a check did not hold; 2 wrong usage; 3 nothing runs. Deliberately lacks: the work
itself, which stands in the other modules.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.cli import chain_commands, dead_letter_commands, running
from infra.cli import replay_command as replaying
from infra.cli.demo import run as run_demo
from infra.cli.errors import CliError, NotRunning
from infra.cli.home import ROOT, default_home
from infra.cli.scenario_file import load as load_scenario
from infra.cli.screen import Screen
from infra.cli.stack import SERVICES
from infra.cli.words import Code, Lang
from infra.kafka.errors import KafkaSetupError
from services.kernel.catalogue import load

WIDTH_WITHOUT_TERMINAL = 110

out = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False)
err = Console(stderr=True, highlight=False)

app = typer.Typer(
    name="chainflow", no_args_is_help=True, add_completion=False, rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Chainflow: order flow along a whole supply chain.\n\n"
    "Examples:\n\n"
    "- `chainflow demo` — a supply chain from nothing, on a broker of its own\n"
    "- `chainflow up` — broker and services, left running; `chainflow status`, `chainflow down`\n"
    "- `chainflow replay deliveries.csv --map mapping.yaml` — your own order lines\n\n"
    "Without an installed command: `python -m infra.cli …`",
)  # fmt: skip

app.add_typer(dead_letter_commands.app, name="dead-letters")
app.command()(chain_commands.generate)
app.command()(chain_commands.compare)

Folder = Annotated[
    Path | None,
    typer.Option("--home", help="Where data, logs and ports are kept. Or CHAINFLOW_HOME.", show_default=".chainflow"),
]


def say(text: str) -> None:
    """A line of what goes on, to standard error."""
    err.print(f"[dim]chainflow:[/] {escape(text)}", soft_wrap=True)


@app.command()
def up(
    home: Folder = None,
    replicas: Annotated[int, typer.Option(min=1, max=4, help="Processes of each service.")] = 1,
    tick_seconds: Annotated[
        float | None, typer.Option(min=0, help="How often the services write the time; 0: a replay writes it.")
    ] = None,
) -> None:
    """Start broker and services, and leave them running; does nothing if they run already.

    Data stays over `down`, `up` and a restart of the machine. With KAFKA_BOOTSTRAP_SERVERS set, that broker is used
    and none is started.

    Examples:

    - `chainflow up`

    - `chainflow up --replicas 2`

    - `KAFKA_BOOTSTRAP_SERVERS=kafka:9092 chainflow up`
    """
    where = default_home(home)
    found = running.up(where, replicas, tick_seconds, say)
    _show(found)
    first = found.urls()["order"][0]
    say(f"try: curl {first}/openapi.json · chainflow status · chainflow demo")


@app.command()
def down(home: Folder = None) -> None:
    """Stop services and broker; the data stays.

    Examples:

    - `chainflow down`

    - `chainflow down --home /srv/chainflow`
    """
    say("stopped" if running.down(default_home(home), say) else "nothing runs")


@app.command()
def status(home: Folder = None) -> None:
    """Say what runs: process, pid, port, partitions, memory, health. Exit code 3 if nothing runs, 1 if not all is well.

    Examples:

    - `chainflow status`

    - `watch chainflow status`
    """
    where = default_home(home)
    found = running.look(where)
    if found is None:
        raise NotRunning(f"nothing runs in {where.folder}; start it with `chainflow up`")
    if not _show(found):
        raise typer.Exit(1)


def _show(found: running.Running) -> bool:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in (
        ("process", "left"), ("pid", "right"), ("address", "left"), ("partitions", "left"), ("memory", "right"),
        ("starts", "right"), ("health", "left"),
    ):  # fmt: skip
        table.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
    memory = running.memory_bytes(found.broker_pid)
    pid = str(found.broker_pid) if found.broker_pid else "-"
    ours = "ours" if found.broker_pid else "given by KAFKA_BOOTSTRAP_SERVERS"
    table.add_row("broker", pid, found.bootstrap, "", _megabytes(memory), "", ours)
    well = found.phase == "running"
    for seen in running.status(found):
        process, health = seen.process, seen.health
        if health.ready:
            text = "[green]ready[/]"
        elif health.answers:
            text, well = "[yellow]not ready[/]", False
        else:
            text, well = "[red]no answer[/]" if process.pid else "[red]being started again[/]", False
        numbers = ",".join(map(str, health.partitions))
        pid = str(process.pid or "-")
        table.add_row(process.name, pid, process.url, numbers, _megabytes(seen.memory_bytes), str(process.starts), text)
    out.print(table)
    if found.phase != "running":
        say(f"phase: {found.phase} {found.error}")
    return well


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB" if count else ""


@app.command()
def logs(
    process: Annotated[str, typer.Argument(help="order-1, inventory-1, supervisor, kafka …; none: all.")] = "",
    home: Folder = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many lines of each.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
) -> None:
    """Show the ends of the logs.

    Examples:

    - `chainflow logs`

    - `chainflow logs order-1 -n 100 -f`
    """
    where = default_home(home)
    files = sorted(where.logs.glob("*.log")) if where.logs.is_dir() else []
    files += [path for path in (where.kafka / "logs" / "server.log",) if path.exists()]
    if process:
        wanted = where.kafka / "logs" / "server.log" if process == "kafka" else where.log(process)
        if wanted not in files:
            known = ", ".join(sorted(path.stem for path in files if path.stem != "server")) or "none yet"
            raise CliError(f"no log of {process!r}; there is: {known}, kafka")
        files = [wanted]
    if not files:
        raise CliError(f"no logs in {where.logs}; start something with `chainflow up`")
    if follow:
        raise typer.Exit(subprocess.call(["tail", "-n", str(lines), "-F", *map(str, files)]))
    for path in files:
        out.print(f"[bold]{escape(str(path))}[/]")
        for line in path.read_text(errors="replace").splitlines()[-lines:]:
            out.print(line, markup=False, soft_wrap=True)


@app.command()
def topics(
    service: Annotated[str, typer.Argument(help="Only the topics of one service, as order; none: all.")] = "",
) -> None:
    """List the topics of the catalogue: what each carries, by what key, who writes and who reads.

    Examples:

    - `chainflow topics`

    - `chainflow topics inventory`
    """
    if service and service not in (*SERVICES, "clock"):
        raise CliError(f"no service {service!r}; there are {', '.join(SERVICES)} and the clock")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("topic", "message", "written by", "read by", "partitions", "kept"):
        table.add_column(name, overflow="fold")
    for topic in load().values():
        if not service or topic.owner == service:
            message = (topic.message or "bytes of its writer").removeprefix("chainflow.")
            readers = ", ".join(topic.readers) or "analysts"
            table.add_row(topic.name, message, topic.writer, readers, str(topic.partitions), _kept(topic.config))
    out.print(table)


def _kept(config: "dict[str, str] | object") -> str:
    settings = dict(config) if isinstance(config, dict) else {}
    if "compact" in settings.get("cleanup.policy", ""):
        return "newest per key"
    milliseconds = int(settings.get("retention.ms", "-1"))
    return "for ever" if milliseconds < 0 else f"{milliseconds // 86_400_000} days"


SCENARIO = ROOT / "infra" / "scenarios" / "city-car.yaml"


@app.command()
def demo(
    scenario: Annotated[Path, typer.Option(help="The scenario file.", show_default="city-car.yaml")] = SCENARIO,
    lang: Annotated[Code, typer.Option(help="The language: en or zh.")] = "en",
    stay: Annotated[
        bool | None,
        typer.Option("--stay/--exit", help="Afterwards keep running until Ctrl-C.", show_default="on a terminal"),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="A folder for data and logs that is not thrown away.", show_default=False)
    ] = None,
    kill: Annotated[str, typer.Option(help="Which service the burst kills.", show_default="the scenario's")] = "",
) -> None:
    """Play a supply chain on a broker and services of its own, from nothing, with checks. Exit code 1 if one fails.

    Examples:

    - `chainflow demo`

    - `chainflow demo --kill inventory --exit`

    - `chainflow demo --scenario my-chain.yaml --keep /tmp/my-demo`

    - `chainflow demo --lang zh`
    """
    if kill and kill not in SERVICES:
        raise CliError(f"--kill {kill}: give one of {', '.join(SERVICES)}")
    stays = sys.stdout.isatty() if stay is None else stay
    told = load_scenario(scenario)
    raise typer.Exit(asyncio.run(run_demo(told, Screen(lang=Lang(lang)), say, stay=stays, keep=keep, kill=kill)))


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A .csv or .tsv file with a row per order line.")],
    map_: Annotated[Path, typer.Option("--map", help="What its columns mean (YAML).")],
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many rows.")] = None,
    home: Folder = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Into services of its own, even if some run here.")] = False,
    url_order: Annotated[str, typer.Option(help="The order service, if it runs elsewhere.")] = "",
    url_fulfillment: Annotated[str, typer.Option(help="The fulfillment service, if it runs elsewhere.")] = "",
    bootstrap: Annotated[str, typer.Option(help="The broker of those services, for the time of the replay.")] = "",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out rows that can not be read.")] = False,
    all_partners: Annotated[bool, typer.Option("--all", help="Show every partner.")] = False,
) -> None:
    """Replay order lines of a table through the front door, and compare the views with an independent count.

    Every line is placed, confirmed, shipped and received on its dates. Goes into the services that `up` runs, or into
    some of its own that end with it. The same file again changes nothing. Exit code 1 if a figure differs.

    Examples:

    - `chainflow replay scms_delivery_history.tsv --map infra/scenarios/scms.yaml`

    - `chainflow replay lines.csv --map lines.yaml --limit 100 --fresh`
    """
    urls = replaying.given_urls(url_order, url_fulfillment)
    wanted = replaying.Wanted(
        file, map_, default_home(home), limit, urls, replaying.given_bootstrap(bootstrap), fresh, skip_bad, all_partners
    )
    raise typer.Exit(asyncio.run(replaying.run(wanted, Screen(), say)))


def main() -> None:
    """Run the command; an error that has an explanation is shown without a traceback."""
    started = time.monotonic()
    try:
        app()
    except NotRunning as error:
        err.print(f"[red]chainflow:[/] {escape(str(error))}", soft_wrap=True)
        raise SystemExit(3) from None
    except (CliError, KafkaSetupError) as error:
        err.print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        err.print(f"\n[dim]chainflow: stopped after {time.monotonic() - started:.0f} s[/]")
        raise SystemExit(130) from None
