"""Prints how often each feature occurs in random stories: ``python -m tests.chain_oracle --seeds 500 --steps 8``."""

from argparse import ArgumentParser
from collections import Counter

from tests.chain_oracle.changes import random_story
from tests.chain_oracle.expected import expected_story
from tests.chain_oracle.statistics import features


def main() -> None:
    """Counts features: in how many stories they occur, and how often altogether."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--steps", type=int, default=8)
    chosen = parser.parse_args()
    stories, occurrences, flows = Counter[str](), Counter[str](), 0
    for seed in range(chosen.seeds):
        told: Counter[str] = Counter()
        facts = random_story(seed, chosen.steps)
        for step, expected in zip(facts, expected_story(facts), strict=True):
            told += features(step, expected)
            flows += len(step["flows"])
        occurrences += told
        stories.update(told.keys())
    print(f"{chosen.seeds} stories of {chosen.steps + 1} steps, {flows} flows altogether")
    for feature in sorted(occurrences):
        share = 100 * stories[feature] / chosen.seeds
        print(f"{feature:64} in {stories[feature]:5} stories ({share:5.1f} %), {occurrences[feature]:7} times")


if __name__ == "__main__":
    main()
