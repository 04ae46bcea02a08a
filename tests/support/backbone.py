"""The three services on the log in memory, and the checks that hold for any run of them.

Owns: sending commands as a front door would, ticks, stepping by seed, duplicates of links, the laws at the end.
"""

import itertools
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

import services.fulfillment.wire as fulfillment_wire
import services.inventory.wire as inventory_wire
import services.order.wire as order_wire
from services.kernel.codec import NO_META, Meta
from services.kernel.memory_log import MemoryLog, MemoryWorker, run_until_quiet
from services.kernel.messages import Outcome, Tick
from services.kernel.partitioner import partition_of
from services.kernel.processor import CLOCK_TOPIC, DomainProcessor, Wires
from services.kernel.row_codec import RowCodec
from services.kernel.store import Store
from services.kernel.values import EnterpriseId
from services.kernel.views import view_prefix
from tests.support.laws import domain_rows, fold, version_gaps

PARTITIONS = 4
WIRING = {
    module.DOMAIN.name: (module.DOMAIN, module.WIRES) for module in (order_wire, inventory_wire, fulfillment_wire)
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A command that was produced."""

    service: str
    key: str
    partition: int
    offset: int


class Backbone:
    """All three services, one worker per service and partition."""

    def __init__(self, seed: int, *, crash_share: float = 0.0) -> None:
        self.random, self.crash_share, self.log = Random(seed), crash_share, MemoryLog()
        self.services = {name: DomainProcessor(domain, wires, PARTITIONS) for name, (domain, wires) in WIRING.items()}
        self.workers = [
            MemoryWorker(self.log, service, service.sources, f"{name}-changelog-v1", partition)
            for name, service in self.services.items()
            for partition in range(PARTITIONS)
        ]
        self._ids = itertools.count(1)
        self.sent: dict[str, Sent] = {}

    def wires(self, service: str) -> Wires:
        """A service's codecs."""
        return self.services[service].wires

    def send(self, enterprise: str, command: Any, *, id_: str = "", expected: int = 0, actor: str = "") -> str:
        """Produce a command as the front door does; its id."""
        service = next(s for s in self.services.values() if type(command) in s.by_command)
        name, tenant = service.domain.name, EnterpriseId(enterprise)
        key = service.by_command[type(command)].key(command, tenant)
        id_ = id_ or f"{enterprise}:c{next(self._ids)}"
        meta = Meta(
            id=id_, correlation_id=id_, occurred_at_ms=self.log.now_ms, enterprise=enterprise, aggregate=key,
            version=expected, actor=actor,
        )  # fmt: skip
        partition = partition_of(key.encode(), PARTITIONS)
        value = service.wires.commands.encode(meta, command)
        offset = self.log.append(f"{name}-commands-v1", partition, key.encode(), value, [])
        self.sent[id_] = Sent(name, key, partition, offset)
        return id_

    def tick(self, now_ms: int) -> None:
        """The time, for every partition."""
        for partition in range(PARTITIONS):
            value = self.wires("order").clock.encode(NO_META, Tick(now_ms))
            self.log.append(CLOCK_TOPIC, partition, None, value, [])

    def repeat_links(self, share: float) -> int:
        """Append old link messages again, in random order: what a duplicating transport would do."""
        topics = {topic for service in self.services.values() for topic in service.domain.link_topics}
        old = [record for topic in sorted(topics) for record in self.log.all(topic) if self.random.random() < share]
        self.random.shuffle(old)
        for record in old:
            self.log.append(record.topic, record.partition, record.key, record.value, record.headers)
        return len(old)

    def settle(self) -> int:
        """Step until nothing is in flight."""
        return run_until_quiet(self.workers, self.random, crash_share=self.crash_share)

    def outcome(self, id_: str) -> Outcome:
        """A command's one outcome."""
        found = self.outcomes()[id_]
        assert len(found) == 1, f"{id_} has {len(found)} outcomes"
        return found[0]

    def outcomes(self) -> dict[str, list[Outcome]]:
        """Command id to its outcomes, as the outcome topics have them."""
        found: dict[str, list[Outcome]] = {}
        for name, service in self.services.items():
            for record in self.log.all(f"{name}-outcomes-v1"):
                _, outcome, _ = service.wires.outcomes.decode(record.value)
                found.setdefault(outcome.command_id, []).append(outcome)
        return found

    def events(self, service: str) -> list[tuple[Meta, Any]]:
        """A service's log, partition by partition."""
        wire = self.wires(service).events
        return [wire.decode(record.value)[:2] for record in self.log.all(f"{service}-events-v1")]

    def view(self, service: str, enterprise: str, view: str) -> dict[str, Any]:
        """Row id to row of one enterprise's view."""
        shape = next(declared.row for declared in self.services[service].domain.views if declared.name == view)
        codec, prefix = RowCodec(shape), view_prefix(enterprise, view)
        partition = partition_of(enterprise.encode(), PARTITIONS)
        store = self.store(service, partition)
        return {row_id[len(prefix) :].decode(): codec.decode(data) for row_id, data in store.scan(prefix)}

    def rows_of(self, service: str, enterprise: str, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """The stored rows of an enterprise's partition whose ids start so, as bytes."""
        return list(self.store(service, partition_of(enterprise.encode(), PARTITIONS)).scan(prefix))

    def store(self, service: str, partition: int) -> Store:
        """The rows of one partition."""
        return next(
            worker.store
            for worker in self.workers
            if worker.partition == partition and worker.changelog == f"{service}-changelog-v1"
        )

    def dead_letters(self) -> list[Any]:
        """All of them."""
        return [
            service.wires.dead_letters.decode(record.value)[1]
            for name, service in self.services.items()
            for record in self.log.all(f"{name}-dead-letters-v1")
        ]

    def check_laws(self) -> None:
        """What must hold when nothing is in flight, whatever happened on the way."""
        outcomes = self.outcomes()
        assert set(outcomes) == set(self.sent), "a command without an outcome, or an outcome without a command"
        assert all(len(found) == 1 for found in outcomes.values()), "two outcomes for one command"
        for name, service in self.services.items():
            events = self.events(name)
            assert not (gaps := list(version_gaps(events))), gaps[0]
            kept = domain_rows(self._table(name))
            wanted = fold(service, events)
            assert kept == wanted, f"{name}: {len(kept.items() ^ wanted.items())} rows differ from the fold of its log"

    def _table(self, service: str) -> dict[bytes, bytes]:
        """All rows of a service, byte by byte."""
        return {
            row_id: data
            for worker in self.workers
            if worker.changelog == f"{service}-changelog-v1"
            for row_id, data in worker.store.rows.items()
        }


def count(facts: list[tuple[Meta, Any]]) -> Counter[str]:
    """Facts by name."""
    return Counter(type(fact).__name__ for _, fact in facts)
