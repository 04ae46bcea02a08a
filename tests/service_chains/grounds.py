"""The services on the log in memory, as a ground to play chains on."""

from typing import Any

from services.kernel.partitioner import partition_of
from tests.support.backbone import PARTITIONS, Backbone


class MemoryGround:
    """All three services in this process, in an order of steps that follows from the seed."""

    def __init__(self, seed: int, crash_share: float = 0.0, repeat_share: float = 0.0) -> None:
        self.backbone = Backbone(seed, crash_share=crash_share)
        self._repeat_share = repeat_share
        self._checked: set[str] = set()
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
        for id_, outcomes in self.backbone.outcomes().items():
            for outcome in outcomes:
                assert not outcome.code, f"refused: {outcome.code}, {outcome.advice}: {self._commands[id_]}"
        assert not (letters := self.backbone.dead_letters()), letters[0]

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
