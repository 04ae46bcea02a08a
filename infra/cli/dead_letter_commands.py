"""``dead-letters list``, ``show`` and ``replay`` as typed. Deliberately lacks: the work, see dead_letters.py."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.cli import dead_letters
from infra.cli.dead_letters import Found
from infra.cli.errors import CliError
from infra.cli.home import default_home
from infra.cli.running import require
from infra.cli.screen import console_of
from infra.cli.stack import SERVICES

WIDTH_WITHOUT_TERMINAL = 180

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Records that were set aside: malformed ones, and those behind a key whose step failed.\n\n"
    "Examples:\n\n"
    "- `chainflow dead-letters list --service order`\n"
    "- `chainflow dead-letters show order-dead-letters-v1:2:17`\n"
    "- `chainflow dead-letters replay order-dead-letters-v1:2:17`",
)

Folder = Annotated[Path | None, typer.Option("--home", help="Where it runs.", show_default=".chainflow")]
Bootstrap = Annotated[str, typer.Option(help="The broker; else that of `up`, or KAFKA_BOOTSTRAP_SERVERS.")]
Name = Annotated[str, typer.Argument(help="TOPIC:PARTITION:OFFSET, as `list` shows it.")]


def _bootstrap(option: str, home: Path | None) -> str:
    given = option or os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
    return given or require(default_home(home)).bootstrap


@app.command("list")
def list_(
    service: Annotated[str, typer.Option(help="Only those of one service, as order.")] = "",
    home: Folder = None,
    bootstrap: Bootstrap = "",
) -> None:
    """List what was set aside, and why.

    Examples:

    - `chainflow dead-letters list`

    - `chainflow dead-letters list --service inventory`
    """
    if service and service not in SERVICES:
        raise CliError(f"no service {service!r}; there are {', '.join(SERVICES)}")
    found = asyncio.run(dead_letters.read_all(_bootstrap(bootstrap, home), [service] if service else SERVICES))
    out = console_of(WIDTH_WITHOUT_TERMINAL)
    if not found:
        out.print("none")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("dead letter", "kind", "reason", "key", "from", "taken (UTC)"):
        # Names are for copying: they are never cut or broken.
        table.add_column(name, overflow="fold", no_wrap=name in ("dead letter", "from"))
    for one in found:
        letter = one.letter
        if letter is None:
            table.add_row(one.name, "[red]unreadable[/]", "", "", "", "")
            continue
        origin = f"{letter.topic}:{letter.partition}:{letter.offset}"
        key = escape(letter.key.decode(errors="replace")) or "–"
        table.add_row(one.name, letter.kind.value, escape(letter.reason), key, origin, dead_letters.when(letter))
    out.print(table)


@app.command()
def show(name: Name, home: Folder = None, bootstrap: Bootstrap = "") -> None:
    """Show one: why, where it came from, its headers, its bytes, and what can be read of them.

    Examples:

    - `chainflow dead-letters show order-dead-letters-v1:2:17`
    """
    found = asyncio.run(dead_letters.read_one(_bootstrap(bootstrap, home), name))
    _show(console_of(WIDTH_WITHOUT_TERMINAL), found)


def _show(out: Console, found: Found) -> None:
    letter = found.letter
    if letter is None:
        out.print(f"{found.name} can not be read")
        return
    for label, text in (
        ("kind", letter.kind.value), ("reason", letter.reason), ("detail", letter.detail),
        ("from", f"{letter.topic}:{letter.partition}:{letter.offset}"), ("taken", f"{dead_letters.when(letter)} UTC"),
        ("key", letter.key.decode(errors="replace")),
        *(
            (f"header {one.name}", "(null)" if one.null else one.value.decode(errors="replace"))
            for one in letter.headers
        ),
    ):  # fmt: skip
        out.print(f"[bold]{escape(label):<24}[/] {escape(text)}", soft_wrap=True)
    out.print(f"[bold]value[/] ({len(letter.value)} bytes)")
    out.print(dead_letters.hexadecimal(letter.value), markup=False, soft_wrap=True)
    out.print("[bold]decoded[/]")
    out.print(dead_letters.decoded(letter), markup=False, soft_wrap=True)


@app.command()
def replay(
    names: Annotated[list[str], typer.Argument(help="TOPIC:PARTITION:OFFSET of each.")],
    home: Folder = None,
    bootstrap: Bootstrap = "",
) -> None:
    """Send again, once the cause is mended: malformed records byte by byte, parked keys with all that waits behind.

    Examples:

    - `chainflow dead-letters replay order-dead-letters-v1:2:17`
    """
    broker, out = _bootstrap(bootstrap, home), console_of(WIDTH_WITHOUT_TERMINAL)
    for name in names:
        found = asyncio.run(dead_letters.read_one(broker, name))
        out.print(f"{name}: {escape(asyncio.run(dead_letters.send_again(broker, found)))}", soft_wrap=True)
