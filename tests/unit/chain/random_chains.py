"""Small random chains: few pools, short lead times, few units, so that ties, loops and shortages are common."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from services.chain.causes import Cause, Hop, Root, RootClass
from services.chain.flow_facts import Flow
from services.chain.pool_facts import STOCK, Demand, Frozen, Hold
from tests.unit.chain.message_loop import MessageLoop, Placed

POOLS = "PQRST"
DATES_MAX = 30


def random_facts(random: Random) -> Iterator[Placed | tuple[str, int] | int | str]:
    """A chain and then changes of it: a flow that is placed or changed, (pool, stock), now, or a flow that goes."""
    pools = POOLS[: random.randint(1, len(POOLS))]
    names = [f"F{n}" for n in range(random.randint(1, 9))]
    present = set()
    for pool in pools:
        if random.random() < 0.5:
            yield pool, random.randint(0, 4)
    for name in names:
        present.add(name)
        yield random_flow(random, name, names, pools)
    for _ in range(random.randint(0, 6)):
        change = random.random()
        name = random.choice(names)
        if change < 0.6:
            present.add(name)
            yield random_flow(random, name, names, pools)
        elif change < 0.8:
            yield random.choice(pools), random.randint(0, 6)
        elif change < 0.9 and name in present:
            present.remove(name)
            yield name
        else:
            yield random.randint(0, DATES_MAX)


def random_flow(random: Random, name: str, names: list[str], pools: str) -> Placed:
    """A flow with any facts."""
    quantity = random.randint(1, 6)
    start, lead = random.randint(1, DATES_MAX), random.randint(1, 5)
    inputs = tuple(
        (random.choice(pools), _demand(random, name, n, quantity, start, names))
        for n in range(random.choice((0, 1, 1, 1, 2, 3)))
    )
    flow = Flow(name, f"E{random.randint(0, 2)}", quantity, start, lead, start + lead + random.choice((0, 0, 1, 3, -1)))
    flow = replace(flow, split=len(inputs) == 1 and random.random() < 0.4, reports_start=random.random() < 0.2)
    return Placed(_reported(random, flow), inputs, random.choice((*pools, None)))


def _demand(random: Random, name: str, n: int, quantity: int, start: int, names: list[str]) -> Demand:
    needed = quantity if random.random() < 0.7 else random.randint(1, 6)
    issued = random.choice((0, 0, 0, 0, 1, needed))
    holds = tuple(
        Hold(random.choice((STOCK, *names)), random.randint(1, 3)) for _ in range(random.choice((0, 0, 0, 1, 2)))
    )
    frozen = None
    if issued and random.random() < 0.5:
        baseline = random.randint(1, DATES_MAX)
        date = baseline + random.randint(1, 5)
        came_in = date - baseline + random.randint(0, 3)
        cause = Cause(Root("F0", RootClass.REPORTED), (Hop("F0", "E0", own=came_in, delay_out=came_in),))
        frozen = Frozen(date, baseline, came_in, cause)
    return Demand(
        name, n, needed, start, random.choice((1, 5, 5)), random.randint(0, 3), min(issued, needed), holds, frozen
    )


def _reported(random: Random, flow: Flow) -> Flow:
    kind = random.random()
    date = random.randint(1, DATES_MAX + 15)
    if kind < 0.5:
        return flow
    flow = replace(flow, event=random.choice(("", "e1", "e2")))
    if kind < 0.65:
        return replace(flow, estimated_finish=date, firm=random.random() < 0.4)
    if kind < 0.7:
        return replace(flow, estimated_start=date)
    if kind < 0.8:
        return replace(flow, actual_start=date, estimated_finish=random.choice((None, date + 2)))
    if kind < 0.85:
        return replace(flow, actual_start=date, actual_finish=date + flow.lead_minutes)
    return replace(flow, lost=True) if kind < 0.93 else flow


def tell(loop: MessageLoop, fact: Placed | tuple[str, int] | int | str) -> None:
    """One fact of ``random_facts``."""
    match fact:
        case Placed():
            loop.place(fact)
        case (pool, quantity):
            loop.put_stock(pool, quantity)
        case int():
            loop.tick(max(loop.now, fact))
        case _:
            loop.remove(fact)
