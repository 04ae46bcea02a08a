"""The services on the log in memory, as a ground to play chains on."""

from collections.abc import Iterator
from typing import Any

from services.kernel.memory_log import MemoryRecord
from services.kernel.partitioner import partition_of
from tests.support.backbone import PARTITIONS, Backbone


class MemoryGround:
    """All three services in this process, in an order of steps that follows from the seed."""

    def __init__(self, seed: int, crash_share: float = 0.0, repeat_share: float = 0.0) -> None:
        self.backbone = Backbone(seed, crash_share=crash_share)
        self._repeat_share = repeat_share
        self._seen: dict[tuple[str, int], int] = {}
        self._commands: dict[str, Any] = {}

    def send(self, enterprise: str, command: Any) -> None:
        """Say it; whether it was refused is looked at when all has settled."""
        self._commands[self.backbone.send(enterprise, command)] = command

    def tick(self, now_ms: int) -> None:
        """Set the clock."""
        self.backbone.tick(now_ms)

    def settle(self) -> None:
        """Step until nothing is in flight; then old links come again, and change nothing."""
        self.backbone.settle()
        if self._repeat_share:
            self.backbone.repeat_links(self._repeat_share)
            self.backbone.settle()
        self._check_answers()

    def _check_answers(self) -> None:
        """Nothing was refused, and nothing went to the dead letters."""
        for name, service in self.backbone.services.items():
            for record in self._new(f"{name}-outcomes-v1"):
                _, outcome, _ = service.wires.outcomes.decode(record.value)
                command = self._commands.pop(outcome.command_id, None)
                assert not outcome.code, f"refused: {outcome.code}, {outcome.advice}: {command}"
            for record in self._new(f"{name}-dead-letters-v1"):
                raise AssertionError(service.wires.dead_letters.decode(record.value)[1])

    def _new(self, topic: str) -> Iterator[MemoryRecord]:
        """The records of a topic that were not looked at yet."""
        for partition in range(PARTITIONS):
            seen = self._seen.get((topic, partition), 0)
            end = self._seen[topic, partition] = self.backbone.log.end(topic, partition)
            yield from self.backbone.log.read(topic, partition, seen, end - seen)

    def rows(self, service: str, key: str) -> dict[str, Any]:
        """What a service keeps under a key, by row key."""
        processor = self.backbone.services[service]
        codecs = processor.row_codecs[key.partition("/")[0]]
        store = self.backbone.store(service, partition_of(key.encode(), PARTITIONS))
        prefix = key.encode() + b"\0"
        found = {}
        for row_id, data in store.scan(prefix):
            row = row_id[len(prefix) :].decode()
            if not row.startswith("~"):
                found[row] = codecs[row.partition("/")[0]].decode(data)
        return found

    def view(self, service: str, enterprise: str, view: str) -> dict[str, Any]:
        """What an enterprise sees, by row id."""
        return self.backbone.view(service, enterprise, view)
