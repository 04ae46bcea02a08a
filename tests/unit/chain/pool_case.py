"""Pools as short as they can be written, and random ones in which ties are common."""

from random import Random

from services.chain.causes import Stage
from services.chain.moments import NEVER
from services.chain.pool_facts import STOCK, Demand, DemandCovered, Hold, Pool, Supply, SupplyPart


def demand(
    flow: str, quantity: int, need: int = 1, sequence: int = 0, priority: int = 5, holds: tuple[Hold, ...] = ()
) -> Demand:
    """The only input of a flow."""
    return Demand(flow, 0, quantity, need, priority, sequence, holds=holds)


def supply(flow: str, *parts: tuple[int, int], due: int | None = None) -> Supply:
    """Parts (date, quantity) of a flow that is due with the first of them, unless it is said when."""
    return Supply(flow, parts[0][0] if due is None else due, tuple(SupplyPart(*part) for part in parts))


def dated(answer: DemandCovered) -> list[tuple[int, int]]:
    """The parts of an answer as (date, quantity)."""
    return [(part.date, part.quantity) for part in answer.parts]


def random_pool(random: Random, holds: bool = True) -> Pool:
    """A pool of up to six demands and five supplies."""
    supplies = [random_supply(random, f"S{n}") for n in range(random.randint(0, 5))]
    demands = [random_demand(random, f"D{n}", holds) for n in range(random.randint(0, 6))]
    return Pool(random.randint(0, 4), demands, supplies)


def random_supply(random: Random, flow: str) -> Supply:
    """A supply of up to three parts, some of it received, with paths that tell its parts from one another."""
    dates = sorted(random.sample([*range(1, 9), NEVER], random.choice((1, 1, 1, 2, 3))))
    paths = [(Stage(flow, random.randint(0, 1)),) for _ in dates]
    parts = tuple(
        SupplyPart(date, random.randint(1, 4), None, path, path) for date, path in zip(dates, paths, strict=True)
    )
    return Supply(flow, random.randint(1, 8), parts, random.choice((0, 0, 0, 1, 2)))


def random_demand(random: Random, flow: str, holds: bool = True) -> Demand:
    """A demand that may hold stock and supplies, also some that are not there."""
    sources = (STOCK, "S0", "S1", "S2")
    held = tuple(Hold(random.choice(sources), random.randint(0, 3)) for _ in range(random.choice((0, 0, 1, 2))))
    return Demand(
        flow,
        random.randint(0, 1),
        random.randint(0, 5),
        random.randint(1, 4),
        random.choice((1, 5, 5)),
        random.randint(0, 3),
        random.choice((0, 0, 1)),
        held if holds else (),
    )
