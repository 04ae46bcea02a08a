"""Where the microseconds of a hop go: slips through the three services on the log in memory, by stages.

Owns: the rig (all workers, large batches in a fixed order, so that a run is like the next) and honest sums as in
``stages``. Deliberately lacks: the broker, the network, the event loop: a hop on a real broker costs these as well.
"""

from collections.abc import Sequence
from time import process_time
from typing import Final

import services.fulfillment.wire as fulfillment_wire
import services.inventory.wire as inventory_wire
import services.order.wire as order_wire
from infra.chains.shape import Shape
from services.kernel.codec import NO_META
from services.kernel.memory_log import START_MS, MemoryLog, MemoryWorker
from services.kernel.messages import Tick
from services.kernel.processor import CLOCK_TOPIC, DomainProcessor
from tests.bench.chain_commands import Told, report_of, stages_of, withdrawal_of
from tests.bench.chain_ground import Encoder
from tests.bench.chain_slips import prepared
from tests.bench.figures import Figure, Figures
from tests.bench.orders import PARTITIONS
from tests.bench.show import Show
from tests.bench.stages import Watch, watch_kernel, watched_domain, watched_wires

PART: Final = "chain"
SHAPE: Final = Shape(1, enterprises=100, tiers=6, orders_per_day=1, days=60, slip_rate=0.2)
SLIPS: Final = 20
ROUNDS: Final = 3
BATCH_RECORDS_MAX: Final = 250
LEAST_US: Final = 2.0
HOPS: Final = ("fulfillment-pool-inputs-v1", "inventory-availability-v1")
MODULES: Final = (order_wire, inventory_wire, fulfillment_wire)


class Steady(MemoryWorker):
    """A worker that takes all that there is, up to a bound, in a fixed order."""

    def step_all(self) -> None:
        """One transaction."""
        ends = dict(self.committed)
        for topic in self.sources:
            for record in self.log.read(topic, self.partition, ends[topic], BATCH_RECORDS_MAX):
                self._processor.take(record)
                ends[topic] = record.offset + 1
        effects = self._processor.finish()
        self._commit(effects, ends)
        self.store.apply(effects.changes.items())
        self._processor.committed()


class Rig:
    """The three services in this process, watched or not."""

    def __init__(self, watch: Watch | None = None) -> None:
        self.log, self.encoder = MemoryLog(), Encoder()
        self.workers: list[Steady] = []
        for module in MODULES:
            domain, wires = module.DOMAIN, module.WIRES
            if watch is not None:
                domain, wires = watched_domain(domain, watch, f"{domain.name}: "), watched_wires(wires, watch)
            service = DomainProcessor(domain, wires, PARTITIONS)
            self.workers += [
                Steady(self.log, service, service.sources, f"{domain.name}-changelog-v1", number)
                for number in range(PARTITIONS)
            ]

    def send(self, told: Told) -> None:
        """A command."""
        topic, partition, (key, value, head) = self.encoder.record(told)
        self.log.append(topic, partition, key, value, head)

    def tick(self, now_ms: int) -> None:
        """The time, for all."""
        for number in range(PARTITIONS):
            self.log.append(CLOCK_TOPIC, number, None, order_wire.WIRES.clock.encode(NO_META, Tick(now_ms)), [])

    def settle(self) -> float:
        """Until nothing is in flight; seconds of processor."""
        began = process_time()
        while busy := [worker for worker in self.workers if worker.busy]:
            for worker in busy:
                worker.step_all()
        return process_time() - began

    def hops(self) -> int:
        """How many were made so far."""
        return sum(self.log.end(topic, number) for topic in HOPS for number in range(PARTITIONS))

    def take(self, told: Sequence[Told]) -> tuple[float, int]:
        """Commands at once: seconds of processor, and hops, until all is at rest."""
        before = self.hops()
        for one in told:
            self.send(one)
        return self.settle(), self.hops() - before


def measure(show: Show, figures: Figures) -> None:
    """In all, of slips one by one and many at once, and of the tick behind them; then by stages."""
    with show.step("slips through the three services in memory") as tell:
        chain, trails = prepared(SHAPE, SLIPS)
        reports, withdrawals = ([make(one.slip) for one in trails] for make in (report_of, withdrawal_of))
        watch = Watch()
        plain, watched = Rig(), Rig(watch)
        for rig in (plain, watched):
            rig.tick(START_MS)
            for _, told in stages_of(chain):
                rig.take(told)
        tell(0.5)
        together, alone, ticks, now_ms = list[float](), list[float](), list[float](), START_MS
        for number in range(ROUNDS):
            for told in (reports, withdrawals):
                seconds, count = plain.take(told)
                together.append(seconds / count)
                now_ms += 3_600_000 * (number + 1)
                plain.tick(now_ms)
                ticks.append(plain.settle() / count)
            for told in (reports, withdrawals):
                each = [plain.take([one]) for one in told]
                alone.append(sum(seconds for seconds, _ in each) / sum(count for _, count in each))
        restore = watch_kernel(watch)
        for stage in watch.stages.values():
            stage.calls = stage.ns = 0
        try:
            _, hops = watched.take(reports)
        finally:
            restore()
    _tell(figures, watch, hops, len(trails), min(together), min(alone), min(ticks))


def _tell(figures: Figures, watch: Watch, hops: int, slips: int, together: float, alone: float, tick: float) -> None:
    note = f"{slips} slips, {hops / slips:.1f} hops each; with all events, rows and views; least of {2 * ROUNDS}"
    figures.add(Figure(PART, "in memory: a hop, many slips at once", together * 1e6, "µs", note=note))
    figures.add(Figure(PART, "in memory: a hop, one slip after the other", alone * 1e6, "µs"))
    note = "buffers and outlook of the pools that were moved, with the next tick"
    figures.add(Figure(PART, "in memory: what the tick afterwards adds", tick * 1e6, "µs a hop", note=note))
    explained = 0.0
    for name in sorted(watch.stages, key=watch.us, reverse=True):
        spent = watch.us(name) / hops
        explained += spent
        if spent >= LEAST_US:
            calls = watch.stages[name].calls / hops
            figures.add(Figure(PART, f"in memory: {name}", spent, "µs a hop", note=f"{calls:.2f} calls"))
    note = "what the sum of the stages leaves; the watched run itself is slower"
    figures.add(Figure(PART, "in memory: the rest", max(0.0, together * 1e6 - explained), "µs a hop", note=note))
