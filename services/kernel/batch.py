"""What a lease asks of a processor, and what one transaction writes. Types only: no Kafka, no domain.

A processor decides records one after the other over the rows of its partition and says what is to be written. Nothing
of it is visible, not even to itself in the next batch, before the lease says ``committed``.
"""

from dataclasses import dataclass, field
from typing import Protocol

from services.kernel.store import Store

Headers = list[tuple[str, bytes | None]]
"""Names and values. We write no null value, but others may: Kafka allows it, and it is not the same as an empty one."""

NO_HEADERS: Headers = []
"""aiokafka wants a list; nobody appends to this one."""


class Record(Protocol):
    """A record as it was read: aiokafka's ConsumerRecord, or one of the log in memory."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


Place = tuple[str, int]
"""A topic and the number of a partition."""

Output = tuple[bytes | None, bytes | None, Headers]
"""Key, value, headers."""


@dataclass(slots=True)
class Effects:
    """All that one transaction writes: outputs per place in order, and one last value per changed row."""

    outputs: dict[Place, list[Output]] = field(default_factory=dict)
    changes: dict[bytes, bytes | None] = field(default_factory=dict)


class PartitionProcessor(Protocol):
    """The decisions of one partition. Pure but for its own overlay and cache."""

    def take(self, record: Record) -> None:
        """Decide one record; what it changes is seen by the records after it."""

    @property
    def behind(self) -> bool:
        """There is more to do than the last batch was allowed to: an idle owner makes a batch without records."""

    def finish(self) -> Effects:
        """Close the batch: what is to be written, in one transaction."""

    def committed(self) -> None:
        """The batch's transaction is visible: its changes were applied to the store, answers may be given."""


class Processor(Protocol):
    """A service's mechanism: opened once per partition, and dropped with its lease."""

    def open(self, store: Store, partition: int) -> PartitionProcessor:
        """A processor over these rows; the store is filled by recovery before the first ``take``."""
