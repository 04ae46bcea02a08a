"""Outcomes kept per partition, so that a repeated command gets its first answer and makes no event.

Owns: how long an answer is remembered (24 hours or OUTCOMES_MAX per partition, whichever is less).
Deliberately lacks: knowledge across partitions. A command id is remembered where its aggregate lives.
"""

from dataclasses import dataclass

from services.kernel.row_codec import RowCodec
from services.kernel.store import OUTCOME, Store

OUTCOMES_MAX = 100_000
OUTCOME_AGE_MS_MAX = 24 * 3_600_000
FORGET_PER_BATCH_MAX = 4_000


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """What is remembered of an answer; an accepted command has no code. ``offset`` is the command's."""

    fingerprint: bytes
    recorded_at_ms: int
    offset: int
    version: int
    events: int = 0
    code: str = ""
    advice: str = ""
    field: str = ""


_CODEC = RowCodec(KeptOutcome)


class Outcomes:
    """The outcomes of one partition during a batch, over the store's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._new: dict[bytes, bytes | None] = {}
        self._latest_ms = 0

    def find(self, command_id: str) -> KeptOutcome | None:
        """The answer that the command had, if it is remembered."""
        row_id = OUTCOME + command_id.encode()
        data = self._new.get(row_id) or self._store.outcomes.get(row_id)
        return _CODEC.decode(data) if data else None

    def keep(self, command_id: str, outcome: KeptOutcome) -> None:
        """Remember the first answer."""
        self._new[OUTCOME + command_id.encode()] = _CODEC.encode(outcome)
        self._latest_ms = max(self._latest_ms, outcome.recorded_at_ms)

    def changes(self) -> dict[bytes, bytes | None]:
        """What the batch adds, and the oldest ones that it forgets."""
        if not self._new:
            return {}
        over = len(self._store.outcomes) + len(self._new) - OUTCOMES_MAX
        forgotten: dict[bytes, bytes | None] = {}
        for row_id, data in self._store.outcomes.items():
            if len(forgotten) >= FORGET_PER_BATCH_MAX:
                break
            old = _CODEC.decode(data).recorded_at_ms < self._latest_ms - OUTCOME_AGE_MS_MAX
            if len(forgotten) >= over and not old:
                break
            forgotten[row_id] = None
        return {**forgotten, **self._new}

    def committed(self) -> None:
        """The store holds them now."""
        self._new = {}
