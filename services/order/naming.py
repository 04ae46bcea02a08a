"""Who is behind a delay from far: asked for by the buyer's order, answered by the enterprise itself if it allows that.

A buyer knows of a delay that began beyond its seller no more than a reference. Its order asks the order line by which
the delay left the enterprise where it began; that line passes the question on to its seller, with item and site; and
the seller's answer comes back as whole state, again whenever it allows or forbids its name. All of that goes over
links, which no enterprise reads. Owns: the links' states, and when an order asks and takes back what it asked.
Deliberately lacks: names of anybody in between: a delay is told of by the one where it began, or not at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from services.kernel.model import Link, Rows
from services.kernel.values import EnterpriseId
from services.order.enterprise import (
    Ask,
    Enterprise,
    NamingAllowed,
    NamingAskNoted,
    NamingForbidden,
    asks_of,
    naming_key,
)
from services.order.line import HEAD, Line, Naming, Order, Progress, line_key
from services.order.order_commands import NameOrigin, RelayNaming
from services.order.order_facts import NamingRelayed, NamingSought, OriginNamed
from services.order.terms import ItemId, LineNumber, SiteId

NAMING_TOPIC: Final = "order-naming-v1"


@dataclass(frozen=True, slots=True)
class NamingAsked:
    """To the order with the line by which a delay came: who sold it? ``asker`` is the key of the order that asks."""

    line: LineNumber
    asker: str
    asker_line: LineNumber
    viewer: EnterpriseId
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class NamingPassedOn:
    """To the enterprise that sold the line ``about`` (a flow key): may the viewer know you, this item and this site?"""

    about: str
    asker: str
    asker_line: LineNumber
    viewer: EnterpriseId
    item: ItemId
    site: SiteId
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class NamingAnswered:
    """Back to the order that asked; without a name: it may not know."""

    line: LineNumber
    about: str
    name: str
    item: ItemId
    site: SiteId


def sought(line: Line, now: Progress, at_ms: int) -> tuple[NamingSought, ...]:
    """What the order asks, and takes back, when the delay of a line comes from elsewhere than before."""
    cause = None if now.expectation is None else now.expectation.cause
    about, known = cause.origin if cause else "", line.naming.about if line.naming else ""
    return () if about == known else (NamingSought(line.placed.line, about, known, at_ms),)


def relay(rows: Rows, command: RelayNaming) -> tuple[NamingRelayed, ...]:
    """The question goes on to the seller; about a line that is not there nobody can be asked."""
    head: Order | None = rows.get(HEAD)
    if head is None or rows.get(line_key(command.line)) is None:
        return ()
    return (NamingRelayed(command.line, command.asker, command.asker_line, command.viewer, command.withdrawn),)


def name_origin(rows: Rows, command: NameOrigin) -> tuple[OriginNamed, ...]:
    """The answer, if the line still asks that question, and if it is another answer."""
    line: Line | None = rows.get(line_key(command.line))
    if line is None or line.naming is None or line.naming.about != command.about:
        return ()
    named = Naming(command.about, command.name, command.item, command.site)
    return () if named == line.naming else (OriginNamed(command.line, command.name, command.item, command.site),)


def tell_of_order(key: str, rows: Rows, fact: NamingSought | NamingRelayed) -> Iterator[Link]:
    """What an order asks of the lines by which its delays came, and what it passes on to its own seller."""
    if isinstance(fact, NamingSought):
        viewer = EnterpriseId(key.split("/", 2)[1])
        for flow, withdrawn in ((fact.dropped, True), (fact.about, False)):
            if flow:
                order, _, line = flow.removeprefix("flow/").rpartition("/")
                asked = NamingAsked(LineNumber(line), key, fact.line, viewer, withdrawn)
                yield Link(NAMING_TOPIC, f"order/{order}", f"{fact.line}/{line}", asked)
        return
    head: Order | None = rows.get(HEAD)
    sold: Line | None = rows.get(line_key(fact.line))
    if head is not None and sold is not None:
        terms, about = sold.placed.terms, f"flow/{key.removeprefix('order/')}/{fact.line}"
        passed = NamingPassedOn(
            about, fact.asker, fact.asker_line, fact.viewer, terms.seller_item, terms.ship_from, fact.withdrawn
        )
        link = f"{fact.asker}/{fact.asker_line}/{fact.line}"
        yield Link(NAMING_TOPIC, f"enterprise/{head.seller}", link, passed)


def tell_of_enterprise(key: str, rows: Rows, facts: tuple[Any, ...]) -> Iterator[Link]:
    """The answer to each order that asks: at once if it may know, and whenever that changes."""
    for fact in facts:
        match fact:
            case NamingAllowed(viewer) | NamingForbidden(viewer):
                for _, ask in rows.scan(asks_of(viewer)):
                    yield _answer(key, rows, viewer, ask)
            case NamingAskNoted(about, asker, line, viewer, item, site, withdrawn):
                if not withdrawn and rows.get(naming_key(viewer)) is not None:
                    yield _answer(key, rows, viewer, Ask(about, asker, line, item, site))
            case _:
                pass


def _answer(key: str, rows: Rows, viewer: EnterpriseId, ask: Ask) -> Link:
    if rows.get(naming_key(viewer)) is None:
        answer = NamingAnswered(ask.asker_line, ask.about, "", ItemId(""), SiteId(""))
    else:
        head: Enterprise | None = rows.get(HEAD)
        name = head.name if head is not None else key.removeprefix("enterprise/")
        answer = NamingAnswered(ask.asker_line, ask.about, name, ask.item, ask.site)
    return Link(NAMING_TOPIC, ask.asker, f"{ask.asker_line}/{ask.about}", answer)
