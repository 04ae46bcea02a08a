"""The network of a chain by seed: enterprises in tiers, what they make of what, and of whom they buy it.

Every seller has a customer in the tier above it, and all are connected. Deliberately lacks: orders.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from infra.chains.chain import DAY_MINUTES, Agreement, Enterprise, Item
from infra.chains.shape import Shape

GROWTH: Final = 1.5  # a tier has so many times the enterprises of the one above it
PRODUCTS: Final = (1, 2)
LEADER_WIDTHS: Final = 2  # a leader buys so many times the width
WAY_DAYS: Final = (1, 2)
ODD_MINUTES: Final = (
    240  # by which leads are shorter than whole days, so that hardly two plans of a pool fall on one minute
)
RAW: Final = "raw"

Name = tuple[str, str]
"""Enterprise and item."""


@dataclass(slots=True)
class Network:
    """``parts``: product to what it is made of; ``sources``: part to where it comes from."""

    enterprises: tuple[Enterprise, ...]
    items: list[Item] = field(default_factory=list)
    untracked: set[Name] = field(default_factory=set)
    parts: dict[Name, list[str]] = field(default_factory=dict)
    sources: dict[Name, Agreement] = field(default_factory=dict)


def tier_sizes(enterprises: int, tiers: int) -> list[int]:
    """How many enterprises each tier has, leaders first: a pyramid, at least one each."""
    weights = [GROWTH**tier for tier in range(tiers)]
    sizes = [max(1, int(enterprises * weight / sum(weights))) for weight in weights]
    sizes[-1] += enterprises - sum(sizes)
    return sizes


def network_of(shape: Shape) -> Network:
    """The network of a shape."""
    random = Random(f"chainflow network {shape.seed}")
    tiers = [
        [Enterprise(f"{shape.name}{tier}-{number:05d}", tier) for number in range(1, size + 1)]
        for tier, size in enumerate(tier_sizes(shape.enterprises, shape.tiers))
    ]
    network = Network(tuple(one for tier in tiers for one in tier))
    buying: list[tuple[Name, int]] = [((one.enterprise, ""), shape.width * LEADER_WIDTHS) for one in tiers[0]]
    for sellers in tiers[1:]:
        products = [(one.enterprise, f"product-{n + 1}") for one in sellers for n in range(random.choice(PRODUCTS))]
        network.untracked.update(random.sample(products, round(shape.untracked * len(products))))
        network.items += [Item(*name, "product", name not in network.untracked) for name in products]
        _agree(random, network, buying, products)
        buying = [(name, shape.width) for name in products]
    for enterprise, product in (name for name, _ in buying):
        network.parts[enterprise, product] = [f"{RAW}-{product}"]
        network.items.append(Item(enterprise, f"{RAW}-{product}", RAW, tracked=True))
    _connect(random, network, [one.enterprise for one in tiers[0]])
    return network


def _agree(random: Random, network: Network, buying: list[tuple[Name, int]], products: list[Name]) -> None:
    """Give each product that is made its parts, each part a source; round and round, so that nobody is left out."""
    first = {enterprise: (enterprise, product) for enterprise, product in reversed(products)}
    ring = [*_shuffled(random, first.values()), *_shuffled(random, set(products) - set(first.values()))]
    slots = [name for name, width in buying for _ in range(width)]
    slots += (buying[n % len(buying)][0] for n in range(len(first) - len(slots)))
    for n, (buyer, product) in enumerate(sorted(slots)):
        _buy(random, network, buyer, product, ring[n % len(ring)])


def _shuffled(random: Random, names: Iterable[Name]) -> list[Name]:
    ordered = sorted(names)
    random.shuffle(ordered)
    return ordered


def _buy(random: Random, network: Network, buyer: str, product: str, source: Name) -> None:
    parts = network.parts.setdefault((buyer, product), [])
    part = f"{product}-part-{len(parts) + 1}" if product else f"part-{len(parts) + 1}"
    parts.append(part)
    way = random.choice(WAY_DAYS) * DAY_MINUTES - random.randrange(ODD_MINUTES)
    network.items.append(Item(buyer, part, "part", tracked=bool(product)))
    network.sources[buyer, part] = Agreement(buyer, part, *source, way)


def _connect(random: Random, network: Network, leaders: list[str]) -> None:
    """Where a leader and all behind it have nothing to do with the others, it buys one part more, of one of theirs."""
    group = Groups()
    for agreement in network.sources.values():
        group.join(agreement.buyer, agreement.seller)
    main = group.of(leaders[0])
    theirs = [(a.seller, a.product) for a in network.sources.values() if a.buyer == leaders[0]]
    for leader in leaders[1:]:
        if group.of(leader) != main:
            _buy(random, network, leader, "", random.choice(theirs))
            group.join(leader, leaders[0])
            main = group.of(leaders[0])


class Groups:
    """Who is connected with whom, over any number of steps."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The one who stands for all that are connected with this one."""
        above = self._above
        while (up := above.setdefault(name, name)) != name:
            above[name] = above.get(up, up)
            name = up
        return name

    def join(self, one: str, other: str) -> None:
        """These two are connected."""
        self._above[self.of(one)] = self.of(other)
