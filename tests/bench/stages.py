"""Where a command's time goes, without a broker: the order service's own processor on batches in memory, by stages.

Owns: the stages, and honest sums. The total is measured without any watch; the stages with one, less what the watch
itself costs; what no stage explains is the kernel's own bookkeeping. Deliberately lacks: the network, the event loop.
"""

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import process_time, thread_time_ns
from typing import Any

from services.kernel import processor as processor_module
from services.kernel.app import collect_seldom
from services.kernel.batch import NO_HEADERS, Effects, Output, Place
from services.kernel.codec import Wire
from services.kernel.memory_log import START_MS, MemoryRecord
from services.kernel.model import Domain
from services.kernel.outcomes import Outcomes
from services.kernel.processor import DomainPartition, DomainProcessor, Wires
from services.kernel.producer import Producer
from services.kernel.store import Store
from services.kernel.views import Views
from services.order.domain import DOMAIN
from services.order.wire import WIRES
from tests.bench.figures import Figure, Figures, percentile
from tests.bench.orders import Told, only_placed, placed_and_confirmed, record_of
from tests.bench.show import Show

PART = "profile"
ROUNDS = 3
BATCH_COMMANDS = 100  # what a lease decides in its 20 ms, more or less
COMMANDS_PER_ORDER = 2
FEED, COMMANDS = "order-feed-v1", "order-commands-v1"


@dataclass(slots=True)
class Stage:
    """Calls of one stage, and the time in it alone (without the stages inside it)."""

    calls: int = 0
    ns: int = 0


class Watch:
    """Wraps functions so that the time in each is known."""

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self._inner = [0]
        self._own_ns, self._around_ns = self._cost()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched."""
        stage, inner = self.stages.setdefault(name, Stage()), self._inner

        def watched(*args: Any, **kwargs: Any) -> Any:
            inner.append(0)
            began = thread_time_ns()
            try:
                return function(*args, **kwargs)
            finally:
                took = thread_time_ns() - began
                stage.calls += 1
                stage.ns += took - inner.pop()
                inner[-1] += took

        return watched

    def us(self, name: str) -> float:
        """Microseconds in the stage, less the watch's share."""
        stage = self.stages[name]
        return max(0.0, stage.ns - stage.calls * self._own_ns) / 1e3

    def _cost(self) -> tuple[float, float]:
        """What a watched call that does nothing adds to its own stage, and to what is around it, in ns."""
        calls = 50_000
        watched = self.timed("", lambda: None)
        for _ in range(calls // 10):
            watched()
        self.stages[""].ns = 0
        began = thread_time_ns()
        for _ in range(calls):
            watched()
        whole = (thread_time_ns() - began) / calls
        own = self.stages.pop("").ns / calls
        self._inner[:] = [0]
        return own, whole - own


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch: commands in it, seconds of processor it took, records and bytes that it would write."""

    commands: int
    seconds: float
    records: int
    bytes: int


Append = Callable[[Effects], tuple[int, int]]


def drive(
    partition: DomainPartition, store: Store, told: Iterable[Told], *, feed: bool = True, append: Append | None = None
) -> Iterator[Batch]:
    """Decide all commands in batches, feed rows behind them, as a lease does between two fetches."""
    append = append or append_to_kafkas_batches
    behind: list[MemoryRecord] = []
    for batch in _batches(told):
        began = process_time()
        for record in batch:
            partition.take(record)
        for record in behind:
            partition.take(record)
        effects = partition.finish()
        records, size = append(effects)
        store.apply(effects.changes.items())
        partition.committed()
        took = process_time() - began
        behind = _feed_of(effects) if feed else []
        _check(effects)
        yield Batch(len(batch), took, records, size)


def run(told: Iterable[Told], *, watch: Watch | None = None, feed: bool = True) -> list[Batch]:
    """All commands through a new partition; with a watch, its stages are filled."""
    domain, wires = (DOMAIN, WIRES) if watch is None else (watched_domain(DOMAIN, watch), watched_wires(WIRES, watch))
    store = Store()
    partition = DomainProcessor(domain, wires, partitions=1).open(store, 0)
    if watch is None:
        return list(drive(partition, store, told, feed=feed))
    restore = watch_kernel(watch)
    append = watch.timed("append to Kafka's batches", append_to_kafkas_batches)
    try:
        return list(drive(partition, store, told, feed=feed, append=append))
    finally:
        restore()


def _batches(told: Iterable[Told]) -> Iterator[list[MemoryRecord]]:
    batch: list[MemoryRecord] = []
    for number, one in enumerate(told):
        _, key, value, head = record_of(one, f"{one.sender}:c{number}")
        batch.append(MemoryRecord(COMMANDS, 0, number, START_MS + number, key, value, head))
        if len(batch) == BATCH_COMMANDS:
            yield batch
            batch = []
    if batch:
        yield batch


def _feed_of(effects: Effects) -> list[MemoryRecord]:
    return [
        MemoryRecord(FEED, 0, 0, START_MS, key, value, head)
        for (topic, _), outputs in effects.outputs.items()
        if topic == FEED
        for key, value, head in outputs
    ]


def _check(effects: Effects) -> None:
    if ("order-dead-letters-v1", 0) in effects.outputs:
        raise RuntimeError("a command of the bench was set aside")
    for _, value, _ in effects.outputs.get(("order-outcomes-v1", 0), ()):
        if (outcome := WIRES.outcomes.decode(value)[1]).code:
            raise RuntimeError(f"a command of the bench was refused: {outcome.code}, {outcome.advice}")


def append_to_kafkas_batches(effects: Effects) -> tuple[int, int]:
    """What a transaction does with effects before they go to a socket; records and bytes."""
    changelog: list[Output] = [(key, value, NO_HEADERS) for key, value in effects.changes.items()]
    outputs: dict[Place, list[Output]] = {**effects.outputs, ("changelog", 0): changelog}
    producer = Producer(None, "bench")  # it has nobody to talk to
    batches = [batch for place, records in outputs.items() for batch in producer._batches(place, records)]
    return sum(count for _, count in batches), sum(len(batch) for batch, _ in batches)


def watched_domain(domain: Domain, watch: Watch, of: str = "") -> Domain:
    """The domain with its functions watched; ``of`` stands before the names of their stages."""

    def whole(name: str, function: Callable[..., Iterable[Any]]) -> Callable[..., Any]:
        return watch.timed(of + name, lambda *args: list(function(*args)))

    return dataclasses.replace(
        domain,
        aggregates=tuple(
            dataclasses.replace(
                aggregate,
                decide=watch.timed(of + "decide", aggregate.decide),
                evolve=watch.timed(of + "evolve", aggregate.evolve),
                alarm=aggregate.alarm and watch.timed(of + "alarm", aggregate.alarm),
                key=watch.timed(of + "key", aggregate.key),
            )
            for aggregate in domain.aggregates
        ),
        tell=whole("tell (links)", domain.tell),
        project=whole("project (feed rows)", domain.project),
        views=tuple(
            dataclasses.replace(view, derive=view.derive and watch.timed(of + "derive sums of views", view.derive))
            for view in domain.views
        ),
    )


def watched_wires(wires: Wires, watch: Watch) -> Wires:
    """The codecs with their work watched."""

    def watched(wire: Wire, what: str) -> Wire:
        twin = copy.copy(wire)
        twin.encode = watch.timed(f"encode {what}", wire.encode)
        twin.decode = watch.timed(f"decode {what}", wire.decode)
        return twin

    return dataclasses.replace(
        wires,
        commands=watched(wires.commands, "commands"),
        events=watched(wires.events, "events"),
        outcomes=watched(wires.outcomes, "outcomes"),
        feed=watched(wires.feed, "feed rows"),
        links_in={topic: watched(wire, "links") for topic, wire in wires.links_in.items()},
        links_out={topic: watched(wire, "links") for topic, wire in wires.links_out.items()},
    )


def watch_kernel(watch: Watch) -> Callable[[], None]:
    """Watches what is not handed in; the result takes the watches off again."""
    places: list[tuple[Any, str, str]] = [
        (processor_module, "headers", "headers"),
        (Outcomes, "find", "outcomes: look up and keep"),
        (Outcomes, "keep", "outcomes: look up and keep"),
        (Views, "take", "views: take a row"),
        (DomainPartition, "finish", "finish: rows to bytes"),
        (DomainPartition, "committed", "committed: caches, answers"),
        (Store, "apply", "apply rows to the store"),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, stage in places:
        setattr(owner, name, watch.timed(stage, getattr(owner, name)))

    def restore() -> None:
        for owner, name, original in before:
            setattr(owner, name, original)

    return restore


def measure(show: Show, figures: Figures, count: int) -> None:
    """Total and stages, for orders placed, and for orders placed and confirmed."""
    collect_seldom()
    for mix, make in (("place", only_placed), ("place and confirm", placed_and_confirmed)):
        with show.step(f"in memory: {count:,} commands, {mix}") as tell:
            batches: list[list[Batch]] = []
            for round_ in range(ROUNDS):
                batches.append(run(make(count)))
                tell((round_ + 1) / (ROUNDS + 1))
            watch = Watch()
            run(make(count), watch=watch)
        best = min(batches, key=lambda found: sum(batch.seconds for batch in found))
        total = sum(batch.seconds for batch in best) / count * 1e6
        share = percentile([batch.seconds / batch.commands for batch in best], 10) * 1e6
        records, size = sum(batch.records for batch in best) / count, sum(batch.bytes for batch in best) / count
        note = (
            f"best of {ROUNDS}, {share:.0f} µs in the best tenth of batches; {records:.1f} records, {size:,.0f} B out"
        )
        figures.add(Figure(PART, f"{mix}: in all", total, "µs/command", note=note))
        explained = 0.0
        for name in sorted(watch.stages, key=watch.us, reverse=True):
            spent = watch.us(name) / count
            explained += spent
            if spent >= 0.2:
                calls = watch.stages[name].calls / count
                figures.add(Figure(PART, f"{mix}: {name}", spent, "µs/command", note=f"{calls:.2f} calls"))
        note = "what the sum of the stages leaves; the watched run itself is slower"
        figures.add(Figure(PART, f"{mix}: rest of the kernel", max(0.0, total - explained), "µs/command", note=note))
