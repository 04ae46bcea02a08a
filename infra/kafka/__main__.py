"""``python -m infra.kafka``: the embedded broker from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from infra.kafka.broker import DEFAULT_DATA_DIR, Broker
from infra.kafka.errors import KafkaSetupError
from infra.kafka.jars import ensure_jars
from infra.kafka.java import find_java

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="The embedded Kafka broker: real Apache Kafka, one node, on loopback.\n\n"
    "Examples:\n\n"
    "- `python -m infra.kafka up` — start it, or say where it runs already\n"
    "- `python -m infra.kafka up --data-dir /tmp/k --port 29092`\n"
    "- `export KAFKA_BOOTSTRAP_SERVERS=$(python -m infra.kafka status --quiet)`\n"
    "- `python -m infra.kafka down`",
)
_err = Console(stderr=True)

DataDir = Annotated[
    Path, typer.Option(help="Where records, logs and the port are kept.", show_default=".chainflow/kafka")
]


def _say(message: str) -> None:
    _err.print(f"[dim]kafka:[/] {escape(message)}", highlight=False, soft_wrap=True)


def fetch_with_bar() -> int:
    """Fetch the jars under a progress bar; returns how many there are."""
    columns = (TextColumn("Kafka's jars"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=_err) as bar:
        task = bar.add_task("jars", total=None, visible=False)
        return len(ensure_jars(lambda done, total: bar.update(task, completed=done, total=total, visible=True)))


@app.command()
def up(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    port: Annotated[int | None, typer.Option(help="Client port. Default: the last one, else a free one.")] = None,
    heap_mb: Annotated[
        int | None, typer.Option(help="Java heap in MB. Default: CHAINFLOW_KAFKA_HEAP_MB or 512.")
    ] = None,
) -> None:
    """Start the broker and leave it running; does nothing if it runs already."""
    broker = Broker.attach(data_dir)
    if broker is None:
        fetch_with_bar()
        broker = Broker.start(data_dir, port=port, heap_mb=heap_mb, on_progress=_say, detached=True)
        _say(f"running, pid {broker.pid}, data in {broker.data_dir}")
    else:
        _say(f"runs already, pid {broker.pid}")
    print(broker.bootstrap)


@app.command()
def down(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Stop the broker; its data stays."""
    broker = Broker.attach(data_dir)
    if broker is None:
        _say(f"no broker runs on {data_dir}")
        return
    broker.stop()
    _say("stopped")


@app.command()
def status(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print host:port only.")] = False,
) -> None:
    """Say where the broker runs; exit code 3 if it does not."""
    broker = Broker.attach(data_dir)
    if broker is None:
        _say(f"not running on {data_dir}; start it with `python -m infra.kafka up`")
        raise typer.Exit(3)
    print(broker.bootstrap)
    if not quiet:
        _say(f"pid {broker.pid}, cluster {broker.cluster_id}, data in {broker.data_dir}")


@app.command()
def fetch() -> None:
    """Download and verify the broker's jars, and find Java, without starting anything."""
    count = fetch_with_bar()
    java = find_java()
    _say(f"{count} jars present and verified; Java {java.major} from {java.source}")


def main() -> None:
    """Run the command; an error that has an explanation is shown without a traceback."""
    try:
        app()
    except KafkaSetupError as error:
        _err.print(f"[red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
