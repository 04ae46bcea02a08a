"""What a service tells the kernel of its domain: aggregates, links, views. Data and pure functions, nothing runs here.

Deliberately lacks: Kafka, protobuf, HTTP, storage. The kernel runs what is declared here on Faust, the simulation runs
the very same on a log in memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from services.kernel.values import EnterpriseId, Origin, Refused


class Rows(Protocol):
    """The rows of one aggregate: row key (``"head"``, ``"line/0010"``) to a frozen dataclass. Read only."""

    def get(self, key: str) -> Any | None:
        """The row, or None."""

    def scan(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """The rows whose key starts with the prefix, in the order of their keys."""


class Memory(Protocol):
    """What an aggregate worked out of its rows and would otherwise work out anew, kept from batch to batch.

    It follows from the rows alone and may be gone at any time, so no answer depends on whether it was kept. ``len`` is
    about how many rows it was made of, which bounds how many are kept.
    """

    def changed(self, names: Iterable[str]) -> None:
        """These rows are others than when they were read last, or may be."""

    def refresh(self, rows: Rows) -> None:
        """Take in what changed."""

    def __len__(self) -> int: ...


MemoryT = TypeVar("MemoryT", bound=Memory)


class RowsWithMemory(Rows, Protocol):
    """The rows as a decider gets them."""

    def recall(self, make: Callable[[Rows], MemoryT]) -> MemoryT:
        """What ``make`` made of the rows before, told of what changed since, or made now; one kind per aggregate."""


class RowsAfter(Rows, Protocol):
    """The rows after a decision, as those get them who tell of it."""

    def before(self, key: str) -> Any | None:
        """The row as it stood before the decision, or None."""


class DictRows(dict[str, Any]):
    """Rows in a dict, for unit tests of deciders."""

    def scan(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """The rows whose key starts with the prefix, in the order of their keys."""
        return ((key, self[key]) for key in sorted(self) if key.startswith(prefix))

    def recall(self, make: Callable[[Rows], MemoryT]) -> MemoryT:
        """Made anew each time."""
        return make(self)

    def before(self, key: str) -> None:
        """A dict has no past: whatever is told of is new."""


Changes = Mapping[str, Any | None]
"""Row key to its new row; None for a row that goes."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One kind of consistency boundary: everything under one key is decided one command after the other.

    ``kind`` is the first part of each of its keys (``order/acme/4711``). ``rows`` maps a row kind (the row key up to
    its first slash) to the row's dataclass. ``key`` gives the key that a command is for; it may use the sender for
    commands whose aggregate is the sender's own. ``alarm`` names the next moment (ms) at which ``ring`` wants to be
    called with the clock's time, or None; ``ring`` gives the command to decide then. ``reckon`` gives a command that
    works out what follows from all that a key was told: it is decided once per batch and key after links and rings, and
    after each of the aggregate's own commands. So one that is told of many changes at once works them out once.
    ``derived`` names the facts that say no more than what follows from the other facts and from the time: they count in
    the stream's version, but do not make stale what somebody read before them.
    """

    kind: str
    commands: tuple[type, ...]
    facts: tuple[type, ...]
    rows: Mapping[str, type]
    key: Callable[[Any, EnterpriseId], str]
    decide: Callable[[RowsWithMemory, Any, Origin], tuple[Any, ...] | Refused]
    evolve: Callable[[Rows, Any], Changes]
    alarm: Callable[[Rows], int | None] | None = None
    ring: Callable[[str, int], Any] | None = None
    reckon: Callable[[str], Any] | None = None
    derived: tuple[type, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """The whole state of the sender's side of one link, for the receiver's aggregate.

    ``link`` names the link within (sender's key, receiver's key). The kernel adds the version (the sender's stream
    version), and the receiving kernel drops what is not newer.
    """

    topic: str
    to: str
    link: str
    state: Any


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One row of one enterprise's view as it stands now, reduced to what that enterprise may see; None removes."""

    enterprise: EnterpriseId
    view: str
    row_id: str
    row: Any | None


@dataclass(frozen=True, slots=True)
class View:
    """A view kept per enterprise, one row per entry.

    ``derive``, if given, is called with (old row or None, new row or None, read) whenever a row changes, and gives the
    changed rows of other views of the same enterprise as {(view, row id): row or None}; ``read(view, row_id)`` reads
    them. It keeps sums, so that no sum is ever computed over all rows.
    """

    name: str
    row: type
    derive: (
        Callable[[Any | None, Any | None, Callable[[str, str], Any | None]], Mapping[tuple[str, str], Any | None]]
        | None
    ) = None


def silent(key: str, rows: RowsAfter, facts: tuple[Any, ...], origin: Origin) -> tuple[()]:
    """Of a domain that tells nobody, or shows nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class Domain:
    """A whole service as the kernel sees it.

    ``react`` turns the state of a link (a message of another aggregate) into commands on the own aggregate that the
    link is addressed to: react(state, to_key) -> commands. ``tell`` gives the links to send after facts: tell(key, rows
    after, facts, origin). ``project`` gives the feed rows: project(key, rows after, facts, origin). What they get can
    also tell how a row was ``before`` the decision.
    """

    name: str
    aggregates: tuple[Aggregate, ...]
    views: tuple[View, ...] = ()
    link_topics: tuple[str, ...] = ()  # read by this service, keyed by its aggregates
    react: Callable[[Any, str], Iterable[Any]] = lambda state, key: ()
    tell: Callable[[str, RowsAfter, tuple[Any, ...], Origin], Iterable[Link]] = silent
    project: Callable[[str, RowsAfter, tuple[Any, ...], Origin], Iterable[FeedRow]] = silent
    reactions: tuple[type, ...] = field(default=())  # commands made by react or ring only, never taken from outside
