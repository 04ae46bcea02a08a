"""What stories told to the three services leave on the topics, as digests: the same in every process.

Owns: the stories, drawn by a seed (trade of three, a chain whose names are secrets, a generated chain that slips and
recovers, and records that are no messages), and one line for each topic of each: story, topic, how many records,
SHA-256 over all keys, values and headers, partition by partition. Run as a program it prints them for the seeds that it
is given; ``--enterprises n`` makes the generated chain larger. Deliberately lacks: the comparison of two processes.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from hashlib import sha256

from infra.chains.generate import generate
from infra.chains.shape import Shape
from services.kernel.catalogue import load
from services.kernel.memory_log import START_MS
from tests.bench.chain_commands import report_of, stages_of, withdrawal_of
from tests.simulation.test_backbone import run
from tests.support.backbone import PARTITIONS, Backbone
from tests.support.secret_chain import SecretChain

DAY_MS, SLIPS = 86_400_000, 12


def trade(seed: int) -> Backbone:
    """Orders, promises, stock moves, shipments, closures and standstills of sites, with crashes; then rubbish."""
    backbone = run(seed, crash_share=0.1)
    for name in backbone.services:
        for partition in range(PARTITIONS):
            backbone.log.append(f"{name}-commands-v1", partition, b"no/such/key", b"junk", [("odd", b"\xff")])
    backbone.settle()
    return backbone


def secrets(seed: int) -> Backbone:
    """Masters, agreements, work, slips, changes of demand, incidents and strangers, three to five tiers deep."""
    backbone = Backbone(seed)
    SecretChain(backbone, tiers=3 + seed % 3).play()
    return backbone


def generated(seed: int, enterprises: int) -> Backbone:
    """A generated chain: many slips at once, taken back at once, with the time going on and old links coming again."""
    chain, backbone = generate(Shape(seed, enterprises, tiers=4, orders_per_day=1, days=20)), Backbone(seed)
    backbone.tick(START_MS)
    for _, told in stages_of(chain):
        for sender, command in told:
            backbone.send(sender, command)
        backbone.settle()
    slips = chain.slips[:SLIPS]
    for day, make in enumerate((report_of, withdrawal_of, report_of), 1):
        for slip in slips:
            backbone.send(*make(slip))
        backbone.settle()
        backbone.tick(START_MS + day * DAY_MS)
        backbone.repeat_links(0.05)
        backbone.settle()
    return backbone


def digests(story: str, backbone: Backbone) -> Iterator[str]:
    """A line for each topic on which something was said."""
    for topic in load():
        records = [(one.partition, one.key, one.value, one.headers) for one in backbone.log.all(topic)]
        if records:
            yield f"{story} {topic} {len(records)} {sha256(repr(records).encode()).hexdigest()}"


def main() -> None:
    """Tell the stories of some seeds."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="+", type=int)
    parser.add_argument("--enterprises", type=int, default=12)
    asked = parser.parse_args()
    stories: dict[str, Callable[[int], Backbone]] = {
        "trade": trade, "secrets": secrets, "generated": lambda seed: generated(seed, asked.enterprises),
    }  # fmt: skip
    for seed in asked.seeds:
        for name, story in stories.items():
            print(*digests(f"{name}-{seed}", story(seed)), sep="\n")


if __name__ == "__main__":
    main()
