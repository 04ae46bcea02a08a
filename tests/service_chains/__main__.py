"""``python -m tests.service_chains [FILE ...]``: the worked examples through the three services, file by file.

Without files, those of ``tests/vectors``. The exit status is the number of files that differ.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.service_chains.comparing import Compared, Comparison
from tests.service_chains.days import compared_days
from tests.service_chains.grounds import MemoryGround
from tests.service_chains.live_ground import running
from tests.service_chains.naming import Names, Written
from tests.service_chains.playing import Ground, Player

VECTORS = Path(__file__).parents[1] / "vectors"
TOLD_MAX = 5

Fresh = Callable[[Written], tuple[Ground, Names]]


def run_file(path: Path, fresh: Fresh) -> Compared:
    """Everything that was compared of one file."""
    story, all_ = json.loads(path.read_text()), Compared()
    player, comparison = Player(fresh), Comparison()
    for step in story.get("steps", ()):
        player.after(step["facts"])
        one = comparison.of(player.ground, player.names, step["facts"], step["expected"])
        all_.values += one.values
        all_.not_kept += one.not_kept
        all_.differences += [f"{step['step']}: {line}" for line in one.differences]
    if "cases" in story:
        for where, expected, got in compared_days(player, story["cases"]):
            all_.values += 1
            all_.differences += [] if expected == got else [f"{where}: expected {expected} days, got {got}"]
    return all_


def main() -> int:
    """Prints the table, and the first differences of each file."""
    parser = argparse.ArgumentParser(description="Play worked examples through the three services.")
    parser.add_argument("files", nargs="*", type=Path, help="examples; those of tests/vectors if none is given")
    parser.add_argument("--seed", type=int, default=1, help="the order in which records are processed")
    parser.add_argument("--broker", action="store_true", help="on a real broker, with the services as processes")
    options = parser.parse_args()
    files = options.files or sorted(VECTORS.glob("*.json"))
    if not options.broker:
        return table(files, lambda facts: (MemoryGround(options.seed), Names(facts["pools"])))
    with running() as services:
        return table(files, services.fresh)


def table(files: list[Path], fresh: Fresh) -> int:
    """Print one row for each file, and its first differences; how many files differ."""
    differing = 0
    print(f"{'file':32} {'compared':>8} {'equal':>8} {'differing':>9} {'not kept':>8}", flush=True)
    for path in files:
        compared = run_file(path, fresh)
        found = len(compared.differences)
        differing += bool(found)
        numbers = f"{compared.values:8} {compared.values - found:8} {found:9} {compared.not_kept:8}"
        print(f"{path.name:32} {numbers}", flush=True)
        for line in compared.differences[:TOLD_MAX]:
            print(f"    {line}")
        if found > TOLD_MAX:
            print(f"    and {found - TOLD_MAX} more")
    print(f"{len(files) - differing} of {len(files)} files equal")
    return min(differing, 255) if files else 1


if __name__ == "__main__":
    sys.exit(main())
