"""What a moved supply costs a pool of ten thousand demands, a hundred of which it moves: the whole step in the service.

In memory, without a broker: decode the statement, record it, reckon, and make the events, answers, rows of views and
rows that follow, for all hundred. Deliberately lacks: the transaction, and the views' own upkeep.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median
from time import process_time
from typing import Any, Final

import services.fulfillment.wire as fulfillment_wire
from infra.chains.chain import DAY_MINUTES, FIRST_DAY, UNIT, day_end
from services.chain.pool_facts import SupplyPart
from services.chain.quantities import millionths
from services.fulfillment.keys import FlowKey
from services.fulfillment.links import POOL_INPUTS_TOPIC, DemandStated, SupplyStated
from services.inventory.domain import DOMAIN
from services.inventory.item import ItemId
from services.inventory.pool_commands import CountStock
from services.inventory.site import SiteId
from services.inventory.wire import WIRES
from services.kernel.codec import Meta
from services.kernel.memory_log import START_MS, MemoryRecord
from services.kernel.processor import DomainPartition, DomainProcessor
from services.kernel.store import Store
from services.kernel.values import Quantity
from tests.bench.figures import Figure, Figures
from tests.bench.show import Show

PART = "chain"
DEMANDS: Final = 10_000
MOVED: Final = 100
ROUNDS: Final = 15
GOAL_MS: Final = 20.0
POOL: Final = "pool/firm/plant/part"
FIRST: Final = day_end(FIRST_DAY)
BATCH: Final = 500


@dataclass(slots=True)
class PoolStep:
    """One pool in a partition of the inventory service."""

    partition: DomainPartition
    store: Store
    offset: int = 0

    @classmethod
    def new(cls) -> "PoolStep":
        """An empty pool that is tracked."""
        store = Store()
        processor = DomainProcessor(DOMAIN, WIRES, partitions=1)
        step = cls(processor.open(store, 0), store)
        meta = Meta(id="count", enterprise="firm", aggregate=POOL)
        command = CountStock(SiteId("plant"), ItemId("part"), Quantity(Decimal(0), UNIT))
        value = WIRES.commands.encode(meta, command)
        step.partition.take(step.record("inventory-commands-v1", value))
        step.commit()
        return step

    def record(self, topic: str, value: bytes) -> MemoryRecord:
        """The next record for the pool."""
        self.offset += 1
        return MemoryRecord(topic, 0, self.offset, START_MS + self.offset, POOL.encode(), value)

    def state(self, sender: str, link: str, version: int, state: Any) -> MemoryRecord:
        """A flow's statement."""
        meta = Meta(id=f"{sender}@{version}", enterprise="firm", aggregate=sender, version=version)
        return self.record(POOL_INPUTS_TOPIC, fulfillment_wire.WIRES.links_out[POOL_INPUTS_TOPIC].encode(
            meta, state, link=link
        ))  # fmt: skip

    def commit(self) -> int:
        """End the batch; how many statements it makes."""
        effects = self.partition.finish()
        self.store.apply(effects.changes.items())
        self.partition.committed()
        if ("inventory-dead-letters-v1", 0) in effects.outputs:
            raise RuntimeError("a statement of the bench was set aside")
        return len(effects.outputs.get(("inventory-availability-v1", 0), ()))


def demand_of(number: int) -> tuple[str, DemandStated]:
    """One piece each, a minute apart."""
    flow = FlowKey(f"work/firm/w{number:05d}")
    need_ms = (FIRST + 30 * DAY_MINUTES + number) * 60_000
    none = Quantity(Decimal(0), UNIT)
    stated = DemandStated(
        flow, f"{flow}#0", Quantity(Decimal(1), UNIT), none, need_ms, 5, START_MS + number, False, flow, planned=True
    )
    return flow, stated


def supply_of(number: int) -> tuple[str, SupplyStated]:
    """A hundred pieces, as many minutes after the one before it as it has pieces."""
    flow = FlowKey(f"flow/firm/o{number:05d}/10")
    due = FIRST + 29 * DAY_MINUTES + number * MOVED
    quantity = Quantity(Decimal(MOVED), UNIT)
    part = SupplyPart(due, millionths(quantity.amount))
    none = Quantity(Decimal(0), UNIT)
    stated = SupplyStated(flow, flow, quantity, none, due * 60_000, due * 60_000, False, flow, (part,))
    return flow, stated


def filled(demands: int) -> PoolStep:
    """A pool with so many demands, all covered in time."""
    step = PoolStep.new()
    for number in range(demands // MOVED):
        flow, supply = supply_of(number)
        step.partition.take(step.state(flow, flow, 1, supply))
    step.commit()
    for number in range(demands):
        flow, demand = demand_of(number)
        step.partition.take(step.state(flow, demand.demand, 1, demand))
        if number % BATCH == BATCH - 1:
            step.commit()
    step.commit()
    return step


def move_ms(step: PoolStep, demands: int) -> float:
    """Milliseconds of processor that a supply in the middle costs that moves by less than the next is away; the median.

    Raises RuntimeError if not just its own demands are told of it.
    """
    flow, supply = supply_of(demands // MOVED // 2)
    took = []
    for version in range(2, 2 + ROUNDS):
        date = supply.parts[0].date + (MOVED // 2 if version % 2 == 0 else 0)
        parts = (replace(supply.parts[0], date=date),)
        record = step.state(flow, flow, version, replace(supply, expected_at_ms=date * 60_000, parts=parts))
        began = process_time()
        step.partition.take(record)
        told = step.commit()
        took.append(process_time() - began)
        if told != MOVED:
            raise RuntimeError(f"{told} demands were told of another date, not {MOVED}")
    return median(took) * 1e3


def measure(show: Show, figures: Figures) -> None:
    """Against a pool of a tenth of the demands: what grows with those that do not move is not in proportion."""
    found = {}
    for demands in (DEMANDS // 10, DEMANDS):
        with show.step(f"a pool of {demands:,} demands in memory"):
            found[demands] = move_ms(filled(demands), demands)
    note = f"median of {ROUNDS}, all that the step writes; {found[DEMANDS // 10]:.1f} ms in a pool of {DEMANDS // 10:,}"
    figures.add(Figure(PART, f"a supply moves {MOVED} of {DEMANDS:,} demands of a pool", found[DEMANDS], "ms", GOAL_MS,
                       more_is_better=False, note=note))  # fmt: skip
