"""Runs a service's domain on the records of one partition: commands, links, feed rows, ticks.

Owns: the fates of a record. Decided (facts, links, feed rows and an outcome, all in one transaction), refused (an
outcome), malformed (a dead letter), or a defect of a pure step (its key is parked, others go on).
Deliberately lacks: any domain rule, Kafka, and a clock: the time is the greatest tick seen.
"""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from services.kernel.batch import NO_HEADERS, Effects, Output, Place, Record
from services.kernel.codec import Malformed, Meta, Wire, headers
from services.kernel.dead_letters import dead_letter
from services.kernel.frozen import maker
from services.kernel.memories import Memories
from services.kernel.messages import DeadLetterKind, Outcome, OutcomeStatus, Tick
from services.kernel.model import Aggregate, Domain
from services.kernel.outcomes import KeptOutcome, Outcomes
from services.kernel.parking import ParkedRecord, Parking
from services.kernel.partitioner import partition_of
from services.kernel.row_codec import RowCodec
from services.kernel.store import Store
from services.kernel.telemetry import Meters
from services.kernel.timers import Timers
from services.kernel.values import EnterpriseId, Origin, Refused
from services.kernel.views import Views
from services.kernel.working_rows import DecodedRows, WorkingRows, is_known

RECORD_BYTES_MAX = 1_000_000
KEY_CHARS_MAX = 448
"""With room for a version and an index behind it: ids are made of keys, and a wire takes ids of 512."""
COMMAND_ID_CHARS_MAX = 256
ID = re.compile(r"[^/\x00-\x1f\x7f]{1,64}")
"""A tenant, or a part of a key."""
RING_PER_TICK_MAX = 8
RING_BESIDE_MAX = 4
RING_ALONE_MAX = 16
"""Alarms that are rung with a tick; and of what is due then still, with each batch, if it has other decisions or none.

A ring takes about as long as a link, and who sends a link waits for it, while nobody waits for an alarm by the
millisecond. How many are rung follows from rows and records alone, never from the time that it took.
"""
FINGERPRINT_HEADER = "fingerprint"
CONTROL_HEADER = "chainflow-control"
CLOCK_TOPIC = "clock-v1"

log = logging.getLogger("chainflow.processor")

new_meta, new_origin, new_kept, new_outcome = maker(Meta), maker(Origin), maker(KeptOutcome), maker(Outcome)


@dataclass(frozen=True, slots=True)
class Wires:
    """The codecs of one service's topics; ``links_in`` and ``links_out`` by topic."""

    commands: Wire
    events: Wire
    feed: Wire
    outcomes: Wire
    dead_letters: Wire
    clock: Wire
    links_in: dict[str, Wire]
    links_out: dict[str, Wire]


Shown = tuple[EnterpriseId, str, str]
"""A row of a view, by enterprise, view and row id. It is told whole, so that of a batch's only the last is sent."""

Answer = Callable[[str, bytes, Outcome], None]
"""Called after the commit with (command id, fingerprint of the body, outcome)."""


def no_answer(command_id: str, fingerprint: bytes, outcome: Outcome) -> None:
    """For workers without an HTTP shell."""


class DomainProcessor:
    """A service's domain, ready to be opened once per partition."""

    def __init__(
        self, domain: Domain, wires: Wires, partitions: int, *, meters: Meters | None = None, answer: Answer = no_answer
    ) -> None:
        self.domain, self.wires, self.partitions = domain, wires, partitions
        self.meters, self.answer = meters or Meters(), answer
        self.by_kind = {aggregate.kind: aggregate for aggregate in domain.aggregates}
        self.by_command = {command: a for a in domain.aggregates for command in a.commands}
        self.reacting = {self.by_command[command].kind for command in domain.reactions}
        self.view_rows = {view.name: view.row for view in domain.views}
        # What this process wrote itself need not be decoded when it comes back: equal bytes are the same row.
        self.own_feed = DecodedRows()
        self.row_codecs = {a.kind: {kind: RowCodec(row) for kind, row in a.rows.items()} for a in domain.aggregates}

    @property
    def sources(self) -> tuple[str, ...]:
        """The topics that the service reads, all with the same partition count."""
        name = self.domain.name
        return (f"{name}-commands-v1", f"{name}-feed-v1", CLOCK_TOPIC, *self.domain.link_topics)

    def outcome(self, command_id: str, key: str, partition: int, kept: KeptOutcome) -> Outcome:
        """A remembered answer, whole."""
        return new_outcome(
            command_id=command_id,
            status=OutcomeStatus.REFUSED if kept.code else OutcomeStatus.ACCEPTED,
            aggregate=key,
            version=kept.version,
            events=kept.events,
            topic=f"{self.domain.name}-commands-v1",
            partition=partition,
            offset=kept.offset,
            fingerprint=kept.fingerprint,
            code=kept.code,
            advice=kept.advice,
            field=kept.field,
        )

    def open(self, store: Store, partition: int) -> "DomainPartition":
        """One partition's processor."""
        return DomainPartition(self, store, partition)


class DomainPartition:
    """The domain on one partition's rows."""

    def __init__(self, service: DomainProcessor, store: Store, partition: int) -> None:
        self.service, self.store, self.partition = service, store, partition
        self.domain, self.wires = service.domain, service.wires
        self._cache, self._memories = DecodedRows(), Memories()
        self._rows: dict[str, WorkingRows] = {}
        self._at_work: tuple[Aggregate, WorkingRows] | None = None
        self._last_tick: Record | None = None
        self._rung: set[bytes] = set()  # since that tick; who asks for more is rung with the next
        self._concluded: tuple[str, KeptOutcome, Outcome] | None = None
        self._pending: list[tuple[Place, Output]] = []  # of the record at work
        self._outputs: dict[Place, list[Output]] = {}
        self._pending_shown: list[tuple[Shown, Output]] = []
        self._shown: dict[Shown, Output] = {}
        self._replies: list[tuple[str, bytes, Outcome]] = []
        self._to_reckon: dict[str, tuple[Meta, Record]] = {}  # key to what touched it last
        self._outcomes = Outcomes(store)
        self._timers = Timers(store)
        self._parking = Parking(store)
        self._views = Views(self.domain.views, store)
        self._parked_keys = service.meters.parked_keys.labels(str(partition))
        name = self.domain.name
        self._source = f"/{name}"
        self._commands_topic = f"{name}-commands-v1"
        self._events_topic, self._outcomes_topic = f"{name}-events-v1", f"{name}-outcomes-v1"
        self._feed_topic, self._dead_letters_topic = f"{name}-feed-v1", f"{name}-dead-letters-v1"
        self._handlers: dict[str, Callable[[Record], None]] = {
            self._commands_topic: self._command,
            self._feed_topic: self._feed,
            CLOCK_TOPIC: self._tick,
            **dict.fromkeys(self.domain.link_topics, self._link),
        }

    # -- PartitionProcessor ------------------------------------------------------------------------------------------

    def take(self, record: Record) -> None:
        """Decide one record; never raises for what the record holds."""
        key = record.key or b""
        if self._parking.is_parked(key) and not self._is_control(record):
            self._park(key, record)
            return
        self._attempt(key, record, self._handlers[record.topic])

    def finish(self) -> Effects:
        """All that the batch writes."""
        self._reckon_all()
        if self._timers.behind:
            self._ring(RING_BESIDE_MAX if self._rows else RING_ALONE_MAX)
            self._reckon_all()
        for (enterprise, _, _), output in self._shown.items():
            target = self._feed_topic, partition_of(enterprise.encode(), self.service.partitions)
            self._outputs.setdefault(target, []).append(output)
        changes: dict[bytes, bytes | None] = {}
        for rows in self._rows.values():
            changes.update(rows.encoded())
        changes.update(self._views.encoded())
        for part in (self._timers, self._parking, self._outcomes):
            changes.update(part.changes())
        return Effects(self._outputs, changes)

    @property
    def behind(self) -> bool:
        """More alarms are due than were rung: a batch without any record goes on with them."""
        return self._timers.behind

    def committed(self) -> None:
        """Give the answers, start the next batch."""
        for rows in self._rows.values():
            rows.committed()
        self._rows, self._outputs, self._shown = {}, {}, {}
        for part in (self._timers, self._parking, self._outcomes, self._views):
            part.committed()
        self._parked_keys.set(len(self._parking.keys))
        replies, self._replies = self._replies, []
        for reply in replies:
            self.service.answer(*reply)

    # -- Fates -------------------------------------------------------------------------------------------------------

    def _attempt(self, key: bytes, record: Record, handler: Callable[[Record], None]) -> None:
        try:
            handler(record)
            self._settle()
        except Malformed as error:
            self._abandon()
            self._dead_letter(DeadLetterKind.MALFORMED, error.reason, error.detail, record)
        except MemoryError:
            raise  # weather, not a defect of the step
        except Exception as error:
            log.exception("parked %r: a step raised on %s[%d]@%d", key, record.topic, record.partition, record.offset)
            self._abandon()
            self._dead_letter(DeadLetterKind.PARKED, type(error).__name__, str(error), record)
            self._park(key, record)
        self._flush()

    def _park(self, key: bytes, record: Record) -> None:
        if not self._parking.queue(key, record):
            detail = f"its key {key[:100]!r} is parked, and the record is too large to wait with it"
            self._dead_letter(DeadLetterKind.PARKED, "too-large", detail, record)
            self._flush()

    def _settle(self) -> None:
        """The record was decided whole: what it did belongs to the batch."""
        # All that can raise comes first, since what was kept can not be dropped any more.
        at_work, concluded = self._at_work, self._concluded
        at_ms = 0
        if at_work is not None:
            aggregate, rows = at_work
            at_ms = rows.alarm_ms
            if rows.staged and aggregate.alarm is not None:
                at_ms = aggregate.alarm(rows) or 0
            rows.encode_staged()
        if concluded is not None:
            command_id, kept, outcome = concluded
            self._outcomes.keep(command_id, kept)
            self._replies.append((command_id, kept.fingerprint, outcome))
        if at_work is not None:
            rows = at_work[1]
            # One that moved on stays where it is until then: most move again before they are due.
            if at_ms != rows.alarm_ms and not self._timers.now_ms < rows.alarm_ms < at_ms:
                self._set_alarm(rows, at_ms)
            rows.keep()
        self._at_work = self._concluded = None

    def _set_alarm(self, rows: WorkingRows, at_ms: int) -> None:
        self._timers.move(rows.key, rows.alarm_ms, at_ms)
        rows.set_alarm(at_ms)

    def _abandon(self) -> None:
        """The record failed: it did nothing."""
        if self._at_work is not None:
            self._at_work[1].drop()
            self._at_work = None
        self._concluded = None
        self._pending.clear()
        self._pending_shown.clear()

    def _flush(self) -> None:
        for target, output in self._pending:
            outputs = self._outputs.get(target)
            if outputs is None:
                outputs = self._outputs[target] = []
            outputs.append(output)
        self._pending.clear()
        self._shown.update(self._pending_shown)
        self._pending_shown.clear()

    def _dead_letter(self, kind: DeadLetterKind, reason: str, detail: str, record: Record) -> None:
        self.service.meters.dead_letters.labels(kind.value).inc()
        letter = dead_letter(kind, reason, detail, record)
        name, at_ms = f"{record.topic}[{record.partition}]@{record.offset}", letter.timestamp_ms
        meta = Meta(id=name, aggregate=name, recorded_at_ms=at_ms, occurred_at_ms=at_ms)
        key = None if record.key is None else letter.key
        self._emit(self._dead_letters_topic, self.partition, key, self.wires.dead_letters, meta, letter)

    # -- Commands ----------------------------------------------------------------------------------------------------

    def _command(self, record: Record) -> None:
        is_control = self._is_control(record)
        if is_control and self._parking.is_parked(record.key or b""):
            self._replay_parked(record.key or b"")
            return
        key = self._key_of(record)
        if is_control:
            return  # nothing of this key waits
        meta, body, _ = self.wires.commands.decode(record.value or b"")
        aggregate = self.service.by_command.get(type(body))
        if aggregate is None or type(body) in self.domain.reactions:
            raise Malformed("not-a-command", f"{type(body).__name__} is not taken from outside")
        if len(meta.id) > COMMAND_ID_CHARS_MAX:
            raise Malformed("too-long", f"a command's id has at most {COMMAND_ID_CHARS_MAX} characters")
        if not ID.fullmatch(meta.enterprise):
            raise Malformed("envelope-incomplete", "a command needs the id of the enterprise that it is from")
        enterprise = EnterpriseId(meta.enterprise)
        if (right := aggregate.key(body, enterprise)) != key:
            raise Malformed("key-mismatch", f"the payload belongs to {right}")
        fingerprint = self._fingerprint(record)
        if (kept := self._outcomes.find(meta.id)) is not None:
            self._repeat(meta.id, key, record, fingerprint, kept)
            return
        rows = self._rows_of(key, aggregate)
        version = rows.version
        if meta.version and not rows.said <= meta.version <= version:
            result: int | Refused = Refused(
                "stale-version", f"{key} is at version {rows.version}; read it again and send what still holds"
            )
        else:
            result = self._decide(aggregate, rows, body, meta, record)
            if aggregate.reckon is not None and not isinstance(result, Refused):
                self._react(aggregate, rows, (aggregate.reckon(key),), meta, record)
                result = rows.version - version
        self._conclude(meta, key, rows, record, fingerprint, result)

    def _conclude(
        self, meta: Meta, key: str, rows: WorkingRows, record: Record, fingerprint: bytes, result: int | Refused
    ) -> None:
        if isinstance(result, Refused):
            kept = KeptOutcome(
                fingerprint, record.timestamp, record.offset, rows.version, 0, result.code, result.advice, result.field
            )
        else:
            kept = new_kept(fingerprint, record.timestamp, record.offset, rows.version, result)
        outcome = self.service.outcome(meta.id, key, self.partition, kept)
        about = new_meta(
            id=f"{meta.id}:outcome", causation_id=meta.id, correlation_id=meta.correlation_id or meta.id,
            occurred_at_ms=meta.occurred_at_ms, recorded_at_ms=record.timestamp,
            enterprise=meta.enterprise, aggregate=key, version=rows.version, actor=meta.actor,
        )  # fmt: skip
        self._emit(self._outcomes_topic, self.partition, meta.id.encode(), self.wires.outcomes, about, outcome)
        self._concluded = meta.id, kept, outcome

    def _repeat(self, command_id: str, key: str, record: Record, fingerprint: bytes, kept: KeptOutcome) -> None:
        """The first answer again, to the asker only: the outcomes topic keeps one per command."""
        if kept.fingerprint != fingerprint:
            advice = "this id was used for another command; send a new command under a new id"
            kept = KeptOutcome(
                fingerprint, record.timestamp, record.offset, kept.version, 0, "command-id-reused", advice
            )
        self._replies.append((command_id, fingerprint, self.service.outcome(command_id, key, self.partition, kept)))

    @staticmethod
    def _fingerprint(record: Record) -> bytes:
        for name, value in record.headers:
            if name == FINGERPRINT_HEADER and value:
                return value
        return blake2b(record.value or b"", digest_size=8).digest()

    def _is_control(self, record: Record) -> bool:
        if record.topic == self._commands_topic:
            for name, _ in record.headers:
                if name == CONTROL_HEADER:
                    return True
        return False

    def _key_of(self, record: Record) -> str:
        key = _text(record.key)
        # A NUL ends a key in the rows' ids: with one inside, rows of one aggregate would lie among another's.
        if len(key) > KEY_CHARS_MAX or "\0" in key or key.partition("/")[0] not in self.service.by_kind:
            raise Malformed("key-unknown", f"no aggregate of {self.domain.name} has the key {key[:KEY_CHARS_MAX]!r}")
        if key not in self._rows and not is_known(self.store, key):  # what has rows here was found to be right before
            self._check_partition(key)
        return key

    def _check_partition(self, key: str) -> None:
        if partition_of(key.encode(), self.service.partitions) != self.partition:
            raise Malformed("wrong-partition", f"{key} does not belong to partition {self.partition}")

    # -- Links, ticks, feed ------------------------------------------------------------------------------------------

    def _link(self, record: Record) -> None:
        key = self._key_of(record)
        meta, state, extras = self.wires.links_in[record.topic].decode(record.value or b"")
        if not meta.aggregate or meta.version <= 0:
            raise Malformed("envelope-incomplete", "a link message needs its sender's key and version")
        aggregate = self.service.by_kind[key.partition("/")[0]]
        if aggregate.kind not in self.service.reacting:
            raise Malformed("key-mismatch", f"{key} takes no links")
        rows = self._rows_of(key, aggregate)
        if aggregate.reckon is not None:  # what is known already as well: the last time may have been cut short
            self._to_reckon[key] = meta, record
        link = _name_of(meta, extras)
        if meta.version <= rows.link_version(link):
            return  # not newer than what is known: the last state wins
        self._react(aggregate, rows, self.domain.react(state, key), meta, record)
        rows.set_link_version(link, meta.version)

    def _react(
        self, aggregate: Aggregate, rows: WorkingRows, commands: Iterable[Any], meta: Meta, record: Record
    ) -> None:
        for command in commands:
            if self.service.by_command.get(type(command)) is not aggregate:
                raise Malformed("key-mismatch", f"{rows.key} takes no {type(command).__name__}")
            result = self._decide(aggregate, rows, command, meta, record)
            if isinstance(result, Refused):
                detail = f"{type(command).__name__}: {result.code}: {result.advice}"
                self._dead_letter(DeadLetterKind.REFUSED_REACTION, result.code, detail, record)

    def _reckon_all(self) -> None:
        touched, self._to_reckon = self._to_reckon, {}
        for key, (meta, record) in touched.items():
            self._attempt(key.encode(), record, lambda record, key=key, meta=meta: self._reckon(key, meta, record))  # type: ignore[misc]

    def _reckon(self, key: str, meta: Meta, record: Record) -> None:
        if self._parking.is_parked(key.encode()):
            return
        aggregate = self.service.by_kind[key.partition("/")[0]]
        assert aggregate.reckon is not None
        self._react(aggregate, self._rows_of(key, aggregate), (aggregate.reckon(key),), meta, record)

    def _tick(self, record: Record) -> None:
        _, tick, _ = self.wires.clock.decode(record.value or b"")
        assert isinstance(tick, Tick)
        self._timers.see(tick.now_ms)
        self._last_tick = record
        self._rung.clear()
        self._ring(RING_PER_TICK_MAX)

    def _ring(self, most: int) -> None:
        # The tick is what a ring is decided on, also when it goes on after other records: if it fails, the tick is
        # what waits to be taken again, and never the record that only happened to be at work.
        now_ms, record = self._timers.now_ms, self._last_tick
        assert record is not None
        due = self._timers.due(most, self._parking.keys.keys() | self._rung)
        self._rung.update(key.encode() for key in due)
        for key in due:
            self._attempt(key.encode(), record, lambda record, key=key: self._ring_one(key, now_ms, record))  # type: ignore[misc]

    def _ring_one(self, key: str, now_ms: int, record: Record) -> None:
        aggregate = self.service.by_kind[key.partition("/")[0]]
        rows = self._rows_of(key, aggregate)
        assert aggregate.ring is not None
        assert aggregate.alarm is not None
        at_ms, version, said = aggregate.alarm(rows) or 0, rows.version, rows.said
        if not 0 < at_ms <= now_ms:
            self._set_alarm(rows, at_ms)
            return
        meta = Meta(id=f"{key}@{rows.version}!{now_ms}", aggregate=key, occurred_at_ms=now_ms, recorded_at_ms=now_ms)
        self._react(aggregate, rows, (aggregate.ring(key, now_ms),), meta, record)
        if aggregate.reckon is not None and rows.said != said:  # else nothing was told that something follows from
            self._to_reckon[key] = meta, record
        # One that did something may have more to do; one that did nothing would do so for ever.
        if rows.version == version and 0 < (still := aggregate.alarm(rows) or 0) <= at_ms:
            raise RuntimeError(f"the alarm of {key} at {at_ms} was rung and is still set for {still}")

    def _feed(self, record: Record) -> None:
        enterprise = _text(record.key)
        if not ID.fullmatch(enterprise):
            raise Malformed("key-unknown", f"{enterprise[:KEY_CHARS_MAX]!r} is no enterprise")
        self._check_partition(enterprise)
        value = record.value or b""
        own = self.service.own_feed
        if (known := own.get(value)) is not None:
            del own[value]
            self._views.take(enterprise, *known)
            return
        _, row, extras = self.wires.feed.decode(value)
        self._views.take(enterprise, extras["view"], extras["row_id"], None if extras.get("removed") else row)

    def _replay_parked(self, key: bytes) -> None:
        for record in self._without_superseded(list(self._parking.release(key))):
            self.take(record)

    def _without_superseded(self, records: list[ParkedRecord]) -> list[ParkedRecord]:
        """Of the states of one link only the last: it says all, and an older one may be what nobody can take."""
        said = [(record, *self._said_by(record)) for record in records]
        newest: dict[str, int] = {}
        for _, link, version in said:
            newest[link] = max(version, newest.get(link, 0))
        return [record for record, link, version in said if not link or version == newest[link]]

    def _said_by(self, record: Record) -> tuple[str, int]:
        """The link whose state a record is, with its version; "" for any other, and for one that cannot be read."""
        wire = self.wires.links_in.get(record.topic)
        if wire is None:
            return "", 0
        try:
            meta, _, extras = wire.decode(record.value or b"")
        except Malformed:  # it becomes a dead letter in its turn
            return "", 0
        return _name_of(meta, extras), meta.version

    # -- Deciding ----------------------------------------------------------------------------------------------------

    def _rows_of(self, key: str, aggregate: Aggregate) -> WorkingRows:
        rows = self._rows.get(key)
        if rows is None:
            rows = WorkingRows(key, self.store, self._cache, self._memories, self.service.row_codecs[aggregate.kind])
            self._rows[key] = rows
        self._at_work = aggregate, rows
        return rows

    def _decide(
        self, aggregate: Aggregate, rows: WorkingRows, command: Any, meta: Meta, record: Record
    ) -> int | Refused:
        """The number of facts made, or why not. Raises what the pure steps raise, with nothing kept."""
        origin = new_origin(
            enterprise=EnterpriseId(meta.enterprise),
            now_ms=self._timers.now_ms or record.timestamp,
            occurred_at_ms=meta.occurred_at_ms, recorded_at_ms=record.timestamp,
            command_id=meta.id, actor=meta.actor,
        )  # fmt: skip
        facts = aggregate.decide(rows, command, origin)
        if isinstance(facts, Refused):
            return facts
        if not facts:
            return 0
        rows.begin()
        for fact in facts:
            rows.stage(aggregate.evolve(rows, fact))
        self._publish(rows, facts, meta, origin, record)
        rows.count(facts, aggregate.derived)
        return len(facts)

    def _publish(self, rows: WorkingRows, facts: tuple[Any, ...], meta: Meta, origin: Origin, record: Record) -> None:
        """Events, links and feed rows of the facts."""
        key, version, wires, service = rows.key, rows.version, self.wires, self.service
        cause, correlation, actor, last = meta.id, meta.correlation_id or meta.id, meta.actor, version + len(facts)
        occurred, recorded = meta.occurred_at_ms, record.timestamp

        def about(id_: str, number: int, enterprise: str) -> Meta:
            return new_meta(id_, cause, correlation, occurred, recorded, enterprise, key, number, actor)

        own = key.encode()
        for number, fact in enumerate(facts, version + 1):
            info = about(f"{key}@{number}", number, meta.enterprise)
            self._emit(self._events_topic, self.partition, own, wires.events, info, fact)
        for index, link in enumerate(self.domain.tell(key, rows, facts, origin)):
            to = link.to.encode()
            info = about(f"{key}@{last}#{index}", last, meta.enterprise)
            partition, wire = partition_of(to, service.partitions), wires.links_out[link.topic]
            self._emit(link.topic, partition, to, wire, info, link.state, link=link.link)
        for index, feed in enumerate(self.domain.project(key, rows, facts, origin)):
            viewer, view, row_id, row = feed.enterprise, feed.view, feed.row_id, feed.row
            info = _about_row(f"{key}@{last}:{index}", key, last, viewer, meta, record)
            value = wires.feed.encode(info, row, view=view, row_id=row_id, removed=row is None)
            _check_size(value, self._feed_topic)
            self._pending_shown.append(((viewer, view, row_id), (viewer.encode(), value, NO_HEADERS)))
            service.own_feed.keep(value, (view, row_id, row))

    def _emit(
        self, topic: str, partition: int, key: bytes | None, wire: Wire, meta: Meta, body: Any, **extras: Any
    ) -> None:
        value = wire.encode(meta, body, **extras)
        _check_size(value, topic)
        head = headers(meta, wire.type_names[type(body)], self._source)
        self._pending.append(((topic, partition), (key, value, head)))


def _check_size(value: bytes, topic: str) -> None:
    if len(value) > RECORD_BYTES_MAX:
        raise ValueError(f"a record of {len(value)} bytes for {topic} is larger than {RECORD_BYTES_MAX}")


def _about_row(id_: str, key: str, version: int, viewer: EnterpriseId, meta: Meta, record: Record) -> Meta:
    """The envelope of a feed row: only the viewer's own story says by which command, by whom and when it began.

    A row may follow from what an enterprise far down the chain did, and neither that one's command nor its people are
    the viewer's business; nor is the message in between, whose id names an aggregate and counts its events.
    """
    if meta.enterprise != viewer:
        return new_meta(id_, recorded_at_ms=record.timestamp, enterprise=viewer, aggregate=key, version=version)
    return new_meta(
        id_, correlation_id=meta.correlation_id or meta.id, occurred_at_ms=meta.occurred_at_ms,
        recorded_at_ms=record.timestamp, enterprise=viewer, aggregate=key, version=version, actor=meta.actor,
    )  # fmt: skip


def _name_of(meta: Meta, extras: dict[str, Any]) -> str:
    """A link within its receiver: the sender's key, and the sender's name of the link."""
    return f"{meta.aggregate}\1{extras.get('link', '')}"


def _text(key: bytes | None) -> str:
    try:
        return (key or b"").decode()
    except UnicodeDecodeError as error:
        raise Malformed("key-not-utf8", str(error)) from error
