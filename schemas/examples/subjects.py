"""What examples are of: every message of every topic, as the services themselves have wired them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from services.kernel.catalogue import load
from services.kernel.codec import Wire
from services.kernel.model import Domain
from services.kernel.processor import CLOCK_TOPIC, Wires


@dataclass(frozen=True, slots=True)
class Subject:
    """One topic's wire, and the message fields beside the body that its records carry."""

    topic: str
    wire: Wire
    extras: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[type, str] = field(default_factory=dict)  # dataclass to its kind of aggregate
    views: Mapping[type, str] = field(default_factory=dict)  # row to its view


def services() -> tuple[str, ...]:
    """The services of the catalogue."""
    return tuple(name.removesuffix("-commands-v1") for name in load() if name.endswith("-commands-v1"))


def domain_of(service: str) -> Domain:
    """What a service declares."""
    domain = import_module(f"services.{service}.domain").DOMAIN
    assert isinstance(domain, Domain)
    return domain


def wires_of(service: str) -> Wires:
    """What a service reads and writes with. Raises MappingError where its model and its schema differ."""
    wires = import_module(f"services.{service}.wire").WIRES
    assert isinstance(wires, Wires)
    return wires


def subjects(service: str) -> Iterator[Subject]:
    """The topics that a service writes or is written to, and the clock."""
    wires, domain = wires_of(service), domain_of(service)
    kinds = {cls: a.kind for a in domain.aggregates for cls in (*a.commands, *a.facts)}
    views = {view.row: view.name for view in domain.views}
    yield Subject(CLOCK_TOPIC, wires.clock)
    yield Subject(f"{service}-commands-v1", wires.commands, kinds=kinds)
    yield Subject(f"{service}-events-v1", wires.events, kinds=kinds)
    yield Subject(f"{service}-outcomes-v1", wires.outcomes)
    yield Subject(f"{service}-dead-letters-v1", wires.dead_letters)
    yield Subject(f"{service}-feed-v1", wires.feed, {"row_id": "row-1", "removed": False}, views=views)
    for topic, wire in wires.links_out.items():
        yield Subject(topic, wire, {"link": "link-1"})


def all_subjects() -> dict[str, Subject]:
    """Topic to subject, of all services."""
    return {subject.topic: subject for service in services() for subject in subjects(service)}
