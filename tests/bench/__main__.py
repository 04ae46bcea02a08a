"""Command line of the benchmark; see ``--help``."""

import argparse
import asyncio
import datetime
import logging
import shutil
import sys
import tempfile
from pathlib import Path
from time import monotonic

from tests.bench import chain, engines, latency, memory, recovery, service, stages
from tests.bench.figures import CHAIN_MARKS, MARKS, Figures
from tests.bench.ground import BenchError, Ground
from tests.bench.show import Show, console

PARTS = ("engines", "peers", "profile", "service", "latency", "recovery", "memory", "chain")
ALONE = ("peers", "chain")  # not in "all"

EXAMPLES = """
parts:
  engines    the kernel beside stock Faust and Quix Streams: the same events, exactly once, one process each
  peers      engines, and Kafka Streams too (needs Maven)
  service    commands a second through the whole order service
  profile    where a command's time goes, stage by stage, without a broker
  latency    from a command over HTTP to its outcome; from produce to committed output through one hop
  recovery   from kill -9 to serving again
  memory     bytes per open order; all processes idle
  chain      from a slip at the far end of a generated chain to its leader's view, through all three services
  all        engines, service, profile, latency, recovery, memory

examples:
  python -m tests.bench                          all, with the sizes that docs/benchmarks.md was measured with
  python -m tests.bench engines --scale 0.1      a tenth of the events: quick, and less exact
  python -m tests.bench service profile --json figures.json
  python -m tests.bench chain --scale 0.01       a chain of 100 enterprises instead of 10,000
  python -m tests.bench peers service profile latency recovery memory --doc docs/benchmarks.md

The broker is the bench's own, on a temporary directory. Nothing else should run on the machine: a figure that was
disturbed is worth little. The exit code is 0 if all goals were met, 1 if one was missed, 2 if a part failed.
"""


def parse() -> argparse.Namespace:
    """The given options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure throughput, latency, recovery and memory on this machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="part", default=["all"], help=f"{', '.join(PARTS)} or all")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual sizes and durations (default 1)")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the figures there too")
    parser.add_argument("--doc", type=Path, default=None, metavar="FILE", help="write them into this page's marks")
    parser.add_argument("--folder", type=Path, default=None, help="keep the broker's data and all logs there")
    given = parser.parse_args()
    if odd := [part for part in given.parts if part not in (*PARTS, "all")]:
        parser.error(f"unknown part {', '.join(odd)}; there are {', '.join(PARTS)} and all")
    if not 0 < given.scale <= 10:
        parser.error("--scale takes a number above 0, at most 10")
    if "all" in given.parts:
        given.parts = [part for part in PARTS if part not in ALONE or part in given.parts]
    if "peers" in given.parts and "engines" in given.parts:
        given.parts.remove("engines")
    return given


async def go(parts: list[str], scale: float, folder: Path, show: Show, figures: Figures) -> None:
    """Measure the parts, each on a broker of its own, so that none inherits the other's topics."""

    def sized(usual: int, least: int) -> int:
        return max(least, int(usual * scale))

    for part in parts:
        where = folder / part
        if part == "profile":
            await asyncio.to_thread(stages.measure, show, figures, sized(20_000, 2_000))
            continue
        if part == "service":
            await service.measure(where, show, figures, sized(200_000, 2_000))
            continue
        async with Ground.open(where, lasting=part == "chain") as ground:
            match part:
                case "engines" | "peers":
                    await engines.measure(ground, show, figures, sized(1_000_000, 20_000), peers=part == "peers")
                case "latency":
                    await latency.measure(ground, show, figures, max(5.0, 60.0 * scale))
                case "recovery":
                    await recovery.measure(ground, show, figures, sized(200_000, 7_000))
                case "memory":
                    await memory.measure(ground, show, figures, sized(50_000, 2_000))
                case "chain":
                    await chain.measure(ground, show, figures, scale)


def main() -> int:
    """Measure, show, save; the exit code."""
    given = parse()
    logging.basicConfig(level=logging.ERROR)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="chainflow-bench-"))
    began, started = datetime.datetime.now(datetime.UTC), monotonic()
    figures, show, code = Figures(), Show(), 0
    try:
        with show.running():
            asyncio.run(go(given.parts, given.scale, folder, show, figures))
    except BenchError as error:
        console.print(f"[red]{error}[/]", highlight=False)
        code = 2
    except Exception:
        console.print_exception()
        code = 2
    finally:
        figures.show(console)
        options = {"parts": given.parts, "scale": given.scale, "command": " ".join(given.parts)}
        if given.json:
            figures.save(given.json, options, began, monotonic() - started)
        if given.doc and code == 0:
            marks = CHAIN_MARKS if given.parts == ["chain"] else MARKS
            figures.document(given.doc, options, began, monotonic() - started, marks)
        if given.folder is None and code == 0:
            shutil.rmtree(folder, ignore_errors=True)
        elif given.folder or code:
            console.print(f"logs and data are in {folder}")
    return code or int(any(figure.met is False for figure in figures.entries))


if __name__ == "__main__":
    sys.exit(main())
