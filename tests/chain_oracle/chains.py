"""Random small supply chains, as facts in the shape of the vectors: the same seed gives the same chain.

Three passes: who buys what from whom; quantities, from the customers down; dates, from the deepest suppliers up, so
that most plans are sound and most delays come from reports. Loops and reservations are laid over that. Owns: chains as
they are planned. Deliberately lacks: what happens to them (see ``changes``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

Written = dict[str, Any]

LEADS = (360, 720, 1_440, 1_440, 2_880, 4_320, 437)  # a coarse grid makes equal dates, an odd one no grid at all
BUFFERS = (0, 0, 720, 1_440)
FIRST_STARTS = (720, 1_440, 2_880, 5_760)  # of flows without inputs
LATE_START = 60_000  # of a spare supply for a loop: when the loop should long have fed itself
RETURN = "Ret"
MANY = 12  # units from which on quantities grow no more towards the deep end


@dataclass(frozen=True, slots=True)
class Shares:
    """How often each feature is put in, from 0 to 1."""

    far_seller: float = 0.25  # buys from any deeper tier, not the next: paths of unequal length
    second_line: float = 0.4  # a component comes by several lines
    second_work: float = 0.5  # a product is made by several work orders
    stock: float = 0.35
    spare: float = 0.25  # a supply that nothing is planned from
    short: float = 0.02  # something is missing from the plan
    untracked: float = 0.25  # a deepest supplier tells no stock: its lines have no inputs
    trader: float = 0.2  # an untracked middleman: his lines wait for inbound lines
    split: float = 0.4
    unlike_units: float = 0.25  # of the lines: what is taken is counted in another unit than what is given
    reservations: float = 0.3  # of the pools
    priority: float = 0.15
    need_moved: float = 0.1
    reports_start: float = 0.15
    tight: float = 0.08  # promised sooner than the plan allows
    roomy: float = 0.25  # promised later than the plan needs
    pallets: float = 0.5  # of the chains: a loop of returnables


@dataclass(frozen=True, slots=True)
class Shape:
    """What a chain is made of: enterprises spread over tiers, components per product at the most."""

    enterprises: int = 6
    tiers: int = 4
    width: int = 3
    shares: Shares = field(default_factory=Shares)


DEEP = Shares(far_seller=0, trader=0, stock=0.15, roomy=0.1, second_line=0.2, second_work=0.2)  # for long lists of hops
SHAPES = (Shape(), Shape(3, 2, 2), Shape(8, 3, 4), Shape(7, 5, 2), Shape(13, 12, 2, DEEP))


def random_chain(seed: int, shape: Shape | None = None) -> Written:
    """A chain as planned: facts at minute 0 without any report; without a shape, the seed chooses one."""
    return _Planner(Random(seed), shape or SHAPES[seed % len(SHAPES)]).plan()


@dataclass(slots=True)
class _Enterprise:
    name: str
    product: str  # the pool from which it sells
    trader: bool = False
    untracked: bool = False
    components: list[str] = field(default_factory=list)


class _Planner:
    def __init__(self, random: Random, shape: Shape) -> None:
        self.random, self.shape, self.shares = random, shape, shape.shares
        self.pools: dict[str, Written] = {}
        self.flows: list[Written] = []
        self.sellers: dict[str, list[_Enterprise]] = {}  # component pool -> who delivers to it
        self.tiers: list[list[_Enterprise]] = []

    def plan(self) -> Written:
        self._who_buys_from_whom()
        for tier in self.tiers:
            for enterprise in tier:
                self._size(enterprise)
        if self._chance(self.shares.pallets):
            self._pallets()
        self._sequences()
        self._dates()
        self._reservations()
        return {"now": 0, "pools": self.pools, "flows": self.flows}

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    # --- who buys from whom ---------------------------------------------------------------------------------------

    def _who_buys_from_whom(self) -> None:
        """Tier 0 sells to customers, the last tier buys nothing; every enterprise but the first ones has a buyer."""
        tiers = max(2, self.shape.tiers)
        depths = [*range(tiers), *(self.random.randrange(1, tiers) for _ in range(self.shape.enterprises - tiers))]
        self.tiers = [[] for _ in range(tiers)]
        for number, depth in enumerate(sorted(depths)):
            name = chr(ord("A") + number)
            deepest = depth == tiers - 1
            trader = depth > 0 and not deepest and self._chance(self.shares.trader)
            untracked = deepest and self._chance(self.shares.untracked)
            self.tiers[depth].append(_Enterprise(name, f"{name}/product", trader, untracked))
        for depth in range(tiers - 1):
            for enterprise in self.tiers[depth]:
                self._buy(enterprise, depth)

    def _buy(self, enterprise: _Enterprise, depth: int) -> None:
        for number in range(1 if enterprise.trader else self.random.randint(1, self.shape.width)):
            pool = enterprise.product if enterprise.trader else f"{enterprise.name}/part{number}"
            far = self._chance(self.shares.far_seller)
            deeper = [seller for tier in self.tiers[depth + 1 :][: None if far else 1] for seller in tier]
            count = min(len(deeper), 2 if self._chance(0.2) else 1)
            self.sellers[pool] = self.random.sample(deeper, count)
            enterprise.components.append(pool)

    # --- quantities, from the customers down ----------------------------------------------------------------------

    def _size(self, enterprise: _Enterprise) -> None:
        """Lets an enterprise make or buy what is wanted of its product."""
        if enterprise in self.tiers[0]:
            for _ in range(self.random.randint(1, 3)):
                self._line(enterprise.name, enterprise.product, None, self.random.randint(2, 9))
        if enterprise.untracked or not self._wanted(enterprise.product):
            return
        if enterprise.trader:
            self._inbound_of_trader(enterprise)
            return
        for quantity in self._supplies_for(enterprise.product, self.shares.second_work):
            used = [pool for pool in enterprise.components if self._chance(0.9)] or enterprise.components[:1]
            inputs = [{"pool": pool, "quantity": self._needed_for(quantity)} for pool in used]
            self._flow(f"{enterprise.name}w", enterprise.name, "work", enterprise.product, quantity, inputs)
        for pool in enterprise.components:
            for quantity in self._supplies_for(pool, self.shares.second_line):
                self._buy_line(pool, quantity)

    def _needed_for(self, quantity: int) -> int:
        """Units of a component for so many of a product; many need less, so that deep chains stay small."""
        return quantity // self.random.choice((2, 3)) if quantity > MANY else quantity * self.random.choice((1, 1, 2))

    def _wanted(self, pool: str) -> int:
        return sum(taken["quantity"] for flow in self.flows for taken in flow["inputs"] if taken["pool"] == pool)

    def _supplies_for(self, pool: str, several: float) -> list[int]:
        """Quantities of the supplies that shall cover what is wanted of a pool, after what is in stock."""
        wanted = self._wanted(pool)
        stock = self.random.randint(0, wanted) if self._chance(self.shares.stock) else 0
        self.pools[pool] = {"stock": stock}
        rest = wanted - stock + self.random.choice((0, 0, 0, 1, 2))
        if self._chance(self.shares.short):
            rest -= self.random.randint(1, 3)
        pieces = 1 + self._chance(several) + self._chance(several / 2)
        cuts = sorted(self.random.randint(0, max(0, rest)) for _ in range(pieces - 1))
        sizes = [end - start for start, end in zip([0, *cuts], [*cuts, rest], strict=True)]
        spare = [self.random.randint(2, 5)] if self._chance(self.shares.spare) else []
        return [size for size in sizes + spare if size > 0]

    def _buy_line(self, pool: str, quantity: int) -> Written:
        """A line into a pool from one of its sellers, who may be untracked: then nothing is known behind it."""
        seller = self.random.choice(self.sellers[pool])
        source = None if seller.untracked else seller.product
        return self._line(seller.name, source, pool, quantity)

    def _line(self, seller: str, source: str | None, pool: str | None, quantity: int) -> Written:
        taken = quantity
        if self._chance(self.shares.unlike_units):
            double = quantity * 2 if quantity <= MANY else quantity
            taken = max(1, self.random.choice((double, -(-quantity // 2), quantity + 1)))
        inputs = [{"pool": source, "quantity": taken}] if source else []
        line = self._flow(f"{seller}>{(pool or 'X')[0]}", seller, "line", pool, quantity, inputs)
        if self._chance(self.shares.split):
            line["split"] = True
        return line

    def _inbound_of_trader(self, enterprise: _Enterprise) -> None:
        """Each line that a trader sells waits for one that he buys; several may wait for the same."""
        pool = enterprise.product
        self.pools[pool] = {"stock": 0}
        waiting = [taken for flow in self.flows for taken in flow["inputs"] if taken["pool"] == pool]
        while waiting:
            together = [waiting.pop() for _ in range(min(len(waiting), self.random.choice((1, 1, 2))))]
            bought = self._buy_line(pool, sum(taken["quantity"] for taken in together) + self.random.choice((0, 0, 1)))
            for taken in together:
                taken["reservations"] = [{"from": bought["id"], "quantity": taken["quantity"]}]

    def _flow(
        self, prefix: str, enterprise: str, kind: str, output: str | None, quantity: int, inputs: list[Written]
    ) -> Written:
        number = sum(flow["id"].startswith(prefix) for flow in self.flows)
        flow = {
            "id": f"{prefix}{number}",
            "enterprise": enterprise,
            "kind": kind,
            "output": output,
            "quantity": quantity,
            "planned_start": 0,
            "lead_minutes": self.random.choice(LEADS),
            "baseline": 0,
            "inputs": inputs,
        }
        if self._chance(self.shares.reports_start):
            flow["reports_start"] = True
        self.flows.append(flow)
        return flow

    # --- loops ----------------------------------------------------------------------------------------------------

    def _pallets(self) -> None:
        """Returnables: works need pallets from a pool, and a return takes them back out of something made later.

        With pallets in stock or bought in, the loop settles; without, it holds itself up. Where the return is planned
        earlier than what it depends on, even dates that come have loops in their late supplies.
        """
        works = [flow for flow in self.flows if flow["inputs"] and flow["output"] and not flow.get("split")]
        if not works:
            return
        pool = "P/pallet"
        self.pools[pool] = {"stock": self.random.choice((0, 0, 0, 0, 2, 4))}
        for _ in range(self.random.randint(1, 2)):
            work = self.random.choice(works)
            quantity = self.random.randint(1, 3)
            work["inputs"].append({"pool": pool, "quantity": quantity})
            reached, taken = self._after(work), self.random.randint(1, 2)
            source = self.random.choice(reached[1:] if self._chance(0.7) and reached[1:] else reached)
            maker = next(flow for flow in self.flows if flow["output"] == source)
            maker["quantity"] += taken
            inputs = [{"pool": source, "quantity": taken}]
            self._flow(RETURN, "P", "transfer", pool, quantity, inputs)
        if self._chance(0.7):
            enough = self.random.choice((0, 0, 0, -1)) + self._wanted(pool)
            self._flow("Spare", "S", "line", pool, max(1, enough), [])
            self.flows[-1]["planned_start"] = self.random.choice((0, LATE_START, LATE_START))

    def _after(self, work: Written) -> list[str]:
        """The pools that a flow's goods reach, its own output first."""
        reached = [work["output"]]
        for pool in reached:
            takers = [flow for flow in self.flows if any(taken["pool"] == pool for taken in flow["inputs"])]
            reached += [flow["output"] for flow in takers if flow["output"] and flow["output"] not in reached]
        return reached

    # --- order and dates ------------------------------------------------------------------------------------------

    def _sequences(self) -> None:
        """Every flow has arrived at a moment of its own; some are more urgent than others."""
        arrived = list(range(1, len(self.flows) + 1))
        self.random.shuffle(arrived)
        for flow, sequence in zip(self.flows, arrived, strict=True):
            priority = self.random.choice((1, 3, 9)) if self._chance(self.shares.priority) else 5
            for taken in flow["inputs"]:
                taken["sequence"] = sequence
                if priority != 5:
                    taken["priority"] = priority

    def _dates(self) -> None:
        """Plans every flow for when its inputs are there by plan; in a loop, the return is planned without knowing."""
        left = list(self.flows)
        planned: list[Written] = []
        while left:
            pools = {flow["output"] for flow in left}
            ready = [flow for flow in left if not any(taken["pool"] in pools for taken in flow["inputs"])]
            for flow in ready or [flow for flow in left if flow["id"].startswith(RETURN)][:1] or left[:1]:
                self._plan_flow(flow, planned)
                planned.append(flow)
                left.remove(flow)
        for flow in self.flows:
            for taken in flow["inputs"]:
                if self._chance(self.shares.need_moved):
                    taken["need"] = max(0, flow["planned_start"] + self.random.choice((-2_880, -720, 720, 1_440)))

    def _plan_flow(self, flow: Written, planned: Sequence[Written]) -> None:
        start = max([self._planned_for(taken, flow, planned) for taken in flow["inputs"]], default=0)
        start = max(flow["planned_start"], start + self.random.choice(BUFFERS if flow["inputs"] else FIRST_STARTS))
        flow["planned_start"] = start
        flow["baseline"] = start + flow["lead_minutes"]
        if self._chance(self.shares.roomy):
            flow["baseline"] += self.random.choice((720, 1_440))
        elif self._chance(self.shares.tight):
            flow["baseline"] = max(1, flow["baseline"] - self.random.choice((360, 720)))

    def _planned_for(self, taken: Written, flow: Written, planned: Sequence[Written]) -> int:
        """When an input is there by plan, if those planned before are served before."""
        pool = taken["pool"]
        takers = [*planned, flow]
        unit = sum(other["quantity"] for taker in takers for other in taker["inputs"] if other["pool"] == pool)
        there, date = self.pools[pool]["stock"], 0
        for supply in sorted((s for s in planned if s["output"] == pool), key=lambda s: int(s["baseline"])):
            if there >= unit:
                break
            there, date = there + supply["quantity"], supply["baseline"]
        return int(date)

    # --- reservations ---------------------------------------------------------------------------------------------

    def _reservations(self) -> None:
        for pool in self.pools:
            if self._chance(self.shares.reservations):
                for _ in range(self.random.randint(1, 3)):
                    reserve_something(self.random, {"pools": self.pools, "flows": self.flows}, pool)


def reserve_something(random: Random, facts: Written, pool: str) -> bool:
    """Lets one demand of a pool hold some of what nobody holds yet: of the stock, or of a supply; whether it could."""
    demands = [taken for flow in facts["flows"] for taken in flow["inputs"] if taken["pool"] == pool]
    demands = [taken for taken in demands if open_units(taken) > held_units(taken)]
    there = {flow["id"]: flow["quantity"] for flow in facts["flows"] if _brings(flow, pool)}
    there["stock"] = facts["pools"][pool]["stock"]
    free = {source: units - held_of(facts, pool, source) for source, units in there.items()}
    sources = [source for source, units in free.items() if units > 0]
    if not demands or not sources:
        return False
    taken, source = random.choice(demands), random.choice(sources)
    units = random.randint(1, min(free[source], open_units(taken) - held_units(taken)))
    taken.setdefault("reservations", []).append({"from": source, "quantity": units})
    return True


def _brings(flow: Written, pool: str) -> bool:
    return flow["output"] == pool and flow.get("actual_finish") is None


def open_units(taken: Written) -> int:
    """Units of an input that are not issued."""
    return int(taken["quantity"] - taken.get("issued", 0))


def held_units(taken: Written, source: str | None = None) -> int:
    """Units that an input holds, of one source or of all."""
    holds = taken.get("reservations", ())
    return sum(hold["quantity"] for hold in holds if source is None or hold["from"] == source)


def held_of(facts: Written, pool: str, source: str) -> int:
    """Units of one source that the demands of a pool hold."""
    inputs = [taken for flow in facts["flows"] for taken in flow["inputs"] if taken["pool"] == pool]
    return sum(held_units(taken, source) for taken in inputs)
