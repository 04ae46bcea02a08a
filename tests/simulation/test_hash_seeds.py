"""To the same messages the services say the same in every process, byte by byte, whatever order its sets have.

Else a partition's next owner would make of a log what its last owner did not.
"""

import os
import subprocess
import sys
from pathlib import Path

from services.kernel.catalogue import load

ROOT = Path(__file__).parents[2]
STORIES_SEED = 1
HASH_SEEDS = (0, 1)


def telling(hash_seed: int) -> subprocess.Popen[str]:
    """A process that tells the stories."""
    return subprocess.Popen(
        (sys.executable, "-m", "tests.simulation.digests", str(STORIES_SEED)), cwd=ROOT, text=True,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)}, stdout=subprocess.PIPE,
    )  # fmt: skip


def told(process: subprocess.Popen[str]) -> dict[str, str]:
    """Story and topic to how many records there are, and their digest."""
    text, _ = process.communicate()
    assert process.returncode == 0, "the stories could not be told"
    lines = [line.split() for line in text.splitlines()]
    return {f"{story} {topic}": f"{count} {digest}" for story, topic, count, digest in lines}


def test_the_same_messages_make_the_same_records_in_any_process() -> None:
    one, other = map(told, [telling(hash_seed) for hash_seed in HASH_SEEDS])
    assert {name.split()[1] for name in one} == set(load()), "nothing is compared where nothing is said"
    differ = [name for name in one | other if one.get(name) != other.get(name)]
    assert not differ, f"seed {STORIES_SEED}, PYTHONHASHSEED {HASH_SEEDS}: " + ", ".join(differ)
