"""Jars of honey: a domain of tests, small enough to break on purpose, run on the log in memory.

Owns: a domain that uses everything the kernel offers (links, several commands of one reaction, timers, a view with
sums), steps that raise while they are named in ``defects``, and records as a producer would write them, right or wrong.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Any

import services.order.wire as registered  # its import registers the kernel's messages too
from services.kernel.batch import Headers
from services.kernel.codec import Meta, Wire
from services.kernel.memory_log import START_MS, MemoryLog, MemoryRecord, MemoryWorker, run_until_quiet
from services.kernel.messages import DeadLetter, Outcome, Tick
from services.kernel.model import Aggregate, Changes, Domain, FeedRow, Link, Rows, View
from services.kernel.partitioner import partition_of
from services.kernel.processor import CLOCK_TOPIC, CONTROL_HEADER, DomainProcessor, Wires
from services.kernel.row_codec import RowCodec
from services.kernel.store import Store
from services.kernel.values import EnterpriseId, Origin, Refused
from services.kernel.views import view_prefix
from tests.support.protos import compile_proto, message_class

PROTO = """
syntax = "proto3";
package jar.v1;
import "chainflow/common/v1/common.proto";
import "google/protobuf/timestamp.proto";
message JarCommand {
  chainflow.common.v1.Envelope envelope = 1;
  oneof command { Fill fill = 2; Stir stir = 3; Pour pour = 4; Wake wake = 5; }
}
message JarEvent {
  chainflow.common.v1.Envelope envelope = 1;
  oneof event { Filled filled = 2; Poured poured = 3; Set set = 4; }
}
message JarFeed {
  chainflow.common.v1.Envelope envelope = 1;
  string view = 2;
  string row_id = 3;
  bool removed = 4;
  oneof row { JarRow jar_row = 5; }
}
message PourLink {
  chainflow.common.v1.Envelope envelope = 1;
  string link = 2;
  oneof state { PouredSoFar poured_so_far = 3; }
}
enum Taste { TASTE_UNSPECIFIED = 0; TASTE_MILD = 1; TASTE_STRONG = 2; }
message Fill { string name = 1; uint32 grams = 2; Taste taste = 3; }
message Stir { string owner = 1; string name = 2; }
message Pour { string name = 1; string to = 2; uint32 grams = 3; }
message Wake { string name = 1; google.protobuf.Timestamp at = 2; }
message Filled { uint32 grams = 1; Taste taste = 2; }
message Poured { string to = 1; uint32 grams = 2; }
message Set { google.protobuf.Timestamp at = 1; bool rung = 2; }
message JarRow { string name = 1; uint32 grams = 2; }
message PouredSoFar { uint32 grams = 1; }
"""


class Taste(StrEnum):
    MILD = "mild"
    STRONG = "strong"


# --- commands; a Fill of 0 is refused, one of 13 to 19 raises in a step named in ``defects`` ------------------------


@dataclass(frozen=True, slots=True)
class Fill:
    name: str
    grams: int
    taste: Taste = Taste.MILD


@dataclass(frozen=True, slots=True)
class Stir:
    """Only the owner of the jar may: a command that carries whose jar it is."""

    owner: EnterpriseId
    name: str


@dataclass(frozen=True, slots=True)
class Pour:
    name: str
    to: str
    grams: int


@dataclass(frozen=True, slots=True)
class Wake:
    name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Ring:
    now_ms: int


@dataclass(frozen=True, slots=True)
class Top:
    """Made by a link: the jar gets so much more."""

    grams: int


# --- facts, rows, link ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filled:
    grams: int
    taste: Taste


@dataclass(frozen=True, slots=True)
class Poured:
    to: str
    grams: int


@dataclass(frozen=True, slots=True)
class Set:
    at_ms: int
    rung: bool


@dataclass(frozen=True, slots=True)
class Jar:
    grams: int = 0
    fills: int = 0
    wake_at_ms: int = 0
    rings: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """One row for each jar that was poured into; gone when nothing is left to say."""

    grams: int


@dataclass(frozen=True, slots=True)
class PouredSoFar:
    grams: int


@dataclass(frozen=True, slots=True)
class JarRow:
    name: str
    grams: int


@dataclass(frozen=True, slots=True)
class TotalRow:
    """Sums over all jars of an owner."""

    jars: int
    grams: int


def jars_of(defects: set[str]) -> Domain:
    """The domain; the steps whose names are in ``defects`` raise on jars that hold 13 to 19 grams."""

    def step(name: str, grams: int) -> None:
        if name in defects and 13 <= grams <= 19:
            raise RuntimeError(f"{name} does not like {grams}")

    def decide(rows: Rows, command: Any, origin: Origin) -> tuple[Any, ...] | Refused:
        jar: Jar = rows.get("head") or Jar()
        match command:
            case Fill(_, grams, taste) if grams:
                step("decide", grams)
                return (Filled(grams, taste),)
            case Fill() | Top(0):
                return Refused("nothing-to-fill", "give grams above zero", "grams")
            case Top(grams):
                step("react", grams)
                return (Filled(grams, Taste.MILD),)
            case Stir(owner, _):
                if owner != origin.enterprise:
                    return Refused("unknown-jar", "there is no such jar")
                return ()
            case Pour(_, to, grams):
                if grams > jar.grams:
                    return Refused("too-little", f"there are {jar.grams}", "grams")
                return (Poured(to, grams),)
            case Wake(_, at_ms):
                return (Set(at_ms, False),)
            case Ring(now_ms):
                step("ring", jar.grams)
                return () if "stuck" in defects else (Set(now_ms + 60_000 if jar.rings < 2 else 0, True),)
        raise AssertionError(command)

    def evolve(rows: Rows, fact: Any) -> Changes:
        jar: Jar = rows.get("head") or Jar()
        match fact:
            case Filled(grams, _):
                step("evolve", grams)
                return {"head": replace(jar, grams=jar.grams + grams, fills=jar.fills + 1)}
            case Poured(to, grams):
                given: Given | None = rows.get(f"given/{to}")
                total = grams + (given.grams if given else 0)
                return {"head": replace(jar, grams=jar.grams - grams), f"given/{to}": Given(total)}
            case Set(at_ms, rung):
                return {"head": replace(jar, wake_at_ms=at_ms, rings=jar.rings + rung)}
        raise AssertionError(fact)

    def alarm(rows: Rows) -> int | None:
        jar: Jar = rows.get("head") or Jar()
        step("alarm", jar.grams)
        return jar.wake_at_ms or None

    def react(state: PouredSoFar, key: str) -> Iterable[Any]:
        yield Top(1)
        yield Top(state.grams)

    def tell(key: str, rows: Rows, facts: tuple[Any, ...], origin: Origin) -> Iterator[Link]:
        for fact in facts:
            if isinstance(fact, Poured):
                yield Link(LINKS, f"jar/{fact.to}", "pours", PouredSoFar(rows.get(f"given/{fact.to}").grams))  # type: ignore[union-attr]

    def project(key: str, rows: Rows, facts: tuple[Any, ...], origin: Origin) -> Iterator[FeedRow]:
        _, owner, name = key.split("/")
        jar: Jar = rows.get("head")  # type: ignore[assignment]
        step("project", jar.grams)
        yield FeedRow(EnterpriseId(owner), "jars", name, JarRow(name, jar.grams) if jar.grams else None)

    def total(old: JarRow | None, new: JarRow | None, read: Any) -> Mapping[tuple[str, str], TotalRow | None]:
        step("derive", new.grams if new else 0)
        before: TotalRow = read("totals", "all") or TotalRow(0, 0)
        jars = before.jars + (new is not None) - (old is not None)
        grams = before.grams + (new.grams if new else 0) - (old.grams if old else 0)
        return {("totals", "all"): TotalRow(jars, grams) if jars else None}

    def key(command: Any, enterprise: EnterpriseId) -> str:
        return f"jar/{getattr(command, 'owner', enterprise)}/{command.name}"

    jar = Aggregate(
        "jar", (Fill, Stir, Pour, Wake, Ring, Top), (Filled, Poured, Set), {"head": Jar, "given": Given},
        key, decide, evolve, alarm, lambda key, now_ms: Ring(now_ms),
    )  # fmt: skip
    return Domain(
        "jar", (jar,), (View("jars", JarRow, total), View("totals", TotalRow)), (LINKS,),
        react, tell, project, (Ring, Top),
    )  # fmt: skip


COMMANDS, EVENTS, OUTCOMES, FEED = "jar-commands-v1", "jar-events-v1", "jar-outcomes-v1", "jar-feed-v1"
LINKS, DEAD_LETTERS, CHANGELOG = "jar-pours-v1", "jar-dead-letters-v1", "jar-changelog-v1"


def _wires() -> Wires:
    pool = compile_proto(PROTO)

    def wire(message: str, number: int, union: tuple[type, ...], oneof: str) -> Wire:
        return Wire(message_class(pool, f"jar.v1.{message}"), number, union, oneof)

    links = {LINKS: wire("PourLink", 904, (PouredSoFar,), "state")}
    kernel = registered.WIRES
    return Wires(
        wire("JarCommand", 901, (Fill, Stir, Pour, Wake), "command"),
        wire("JarEvent", 902, (Filled, Poured, Set), "event"),
        wire("JarFeed", 903, (JarRow,), "row"),
        kernel.outcomes, kernel.dead_letters, kernel.clock, links, links,
    )  # fmt: skip


WIRES = _wires()


@dataclass(slots=True)
class Shelf:
    """The jars' service on the log in memory, one worker per partition."""

    partitions: int = 1
    seed: int = 0
    crash_share: float = 0.0
    defects: set[str] = field(default_factory=set)
    log: MemoryLog = field(default_factory=MemoryLog)
    random: Random = field(init=False)
    service: DomainProcessor = field(init=False)
    workers: list[MemoryWorker] = field(init=False)
    answers: list[tuple[str, Outcome]] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.service = DomainProcessor(
            jars_of(self.defects), WIRES, self.partitions,
            answer=lambda id_, print_, outcome: self.answers.append((id_, outcome)),
        )  # fmt: skip
        self.workers = [
            MemoryWorker(self.log, self.service, self.service.sources, CHANGELOG, partition)
            for partition in range(self.partitions)
        ]

    # --- what producers write -----------------------------------------------------------------------------------------

    def send(
        self,
        enterprise: str,
        command: Any,
        *,
        id_: str = "",
        expected: int = 0,
        key: str = "",
        headers: Headers = (),  # type: ignore[assignment]
    ) -> str:
        """A command as the front door would produce it; its id."""
        self.sent += 1
        id_ = id_ or f"c{self.sent}"
        right = self.service.by_command[type(command)].key(command, EnterpriseId(enterprise))
        meta = Meta(id_, occurred_at_ms=START_MS, enterprise=enterprise, aggregate=right, version=expected)
        self.put(COMMANDS, (key or right).encode(), WIRES.commands.encode(meta, command), list(headers))
        return id_

    def put(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers | None = None, partition: int = -1
    ) -> int:
        """A raw record, to the partition of its key if none is given; its offset."""
        number = partition if partition >= 0 else partition_of(key or b"", self.partitions)
        return self.log.append(topic, number, key, value, headers or [])

    def tick(self, now_ms: int) -> None:
        """The time, for every partition."""
        for partition in range(self.partitions):
            self.log.append(CLOCK_TOPIC, partition, None, tick(now_ms), [])

    def pour(self, to: str, grams: int, version: int, sender: str = "jar/bee/hive") -> None:
        """A link message as another aggregate would write it."""
        meta = Meta(f"{sender}@{version}", occurred_at_ms=START_MS, aggregate=sender, version=version)
        self.put(LINKS, f"jar/{to}".encode(), WIRES.links_out[LINKS].encode(meta, PouredSoFar(grams), link="pours"))

    def replay(self, key: str) -> None:
        """The control record that takes a parked key up again."""
        self.put(COMMANDS, key.encode(), None, [(CONTROL_HEADER, b"replay")])

    def settle(self) -> None:
        """Process until nothing is in flight."""
        run_until_quiet(self.workers, self.random, crash_share=self.crash_share)

    # --- what came of it ----------------------------------------------------------------------------------------------

    def outcomes(self) -> dict[str, list[Outcome]]:
        """Command id to its outcomes on the topic."""
        found: dict[str, list[Outcome]] = {}
        for record in self.log.all(OUTCOMES):
            outcome: Outcome = WIRES.outcomes.decode(record.value)[1]
            found.setdefault(outcome.command_id, []).append(outcome)
        return found

    def outcome(self, id_: str) -> Outcome:
        """The one outcome of a command."""
        (outcome,) = self.outcomes()[id_]
        return outcome

    def events(self, key: str = "") -> list[tuple[int, Any]]:
        """Version and fact, in the order of the log; of one key, or of all."""
        decoded = [WIRES.events.decode(record.value) for record in self.log.all(EVENTS)]
        return [(meta.version, fact) for meta, fact, _ in decoded if key in ("", meta.aggregate)]

    def letters(self) -> list[DeadLetter]:
        """All dead letters."""
        return [WIRES.dead_letters.decode(record.value)[1] for record in self.log.all(DEAD_LETTERS)]

    def store(self, key: str) -> Store:
        """The rows of the partition that a key belongs to."""
        return self.workers[partition_of(key.encode(), self.partitions)].store

    def jar(self, key: str) -> Jar | None:
        """The head row of a jar."""
        data = self.store(key).rows.get(f"{key}\0head".encode())
        return None if data is None else RowCodec(Jar).decode(data)

    def view(self, enterprise: str, view: str) -> dict[str, Any]:
        """Row id to row."""
        codec = RowCodec(JarRow if view == "jars" else TotalRow)
        prefix = view_prefix(enterprise, view)
        found = self.store(enterprise).scan(prefix)
        return {row_id[len(prefix) :].decode(): codec.decode(data) for row_id, data in found}

    def changelog(self) -> list[MemoryRecord]:
        """All changelog records."""
        return list(self.log.all(CHANGELOG))


def tick(now_ms: int) -> bytes:
    """A tick's bytes."""
    return WIRES.clock.encode(Meta(""), Tick(now_ms))
