"""The worked examples, in all their fields: dates, hops, roots, pools, alerts, incidents, days of supply.

CHAIN_VECTORS names a folder with other files of the same format.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.unit.chain.message_loop import MessageLoop
from tests.unit.chain.vectors import OWN_VECTORS, differences, steps_of

FOLDER = Path(os.environ.get("CHAIN_VECTORS", OWN_VECTORS))
FILES = sorted(FOLDER.glob("*.json"))


def differing(path: Path, loop: MessageLoop | None = None) -> Iterator[str]:
    """What is not as it is expected to be."""
    for step, expected, actual in steps_of(path, loop):
        yield from (f"{step}{line}" for line in differences(expected, actual))


def test_there_are_worked_examples() -> None:
    assert FILES, f"no file in {FOLDER}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_worked_example_comes_out_as_written(path: Path) -> None:
    assert not list(differing(path))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_order_of_messages_does_not_matter(path: Path, seed: int) -> None:
    assert not list(differing(path, MessageLoop(Random(seed)))), f"seed {seed}"


def test_a_difference_is_found() -> None:
    expected = {"flows": {"W": {"delay": 5, "parts": [[7, 1]]}}, "alerts": []}
    actual = {"flows": {"W": {"delay": 5, "parts": [[8, 1]]}, "X": 1}, "alerts": []}
    assert list(differences(expected, actual)) == [
        "/flows/W/parts: expected [[7, 1]], got [[8, 1]]",
        '/flows/X: expected "absent", got 1',
    ]
