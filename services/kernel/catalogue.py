"""The topics as schemas/topics.yaml lists them, checked and typed.

Owns the rules of that file: names, one partition count per service, schema ids. Deliberately lacks: a connection to a
broker (infra provisions from the same file).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

TOPICS_FILE: Final = Path(__file__).parents[2] / "schemas" / "topics.yaml"

_NAME = re.compile(r"[a-z]+(?:-[a-z]+)*-v[1-9][0-9]*")
_REQUIRED: Final = {"name", "message", "key", "writer", "readers", "config"}
_OPTIONAL: Final = {"schema_id", "partitions"}


class CatalogueError(ValueError):
    """The file breaks its own rules; the message has all mistakes at once."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``message`` is the full name of its top-level message; None: bytes that only the writer reads."""

    name: str
    message: str | None
    schema_id: int
    key: str
    writer: str
    readers: tuple[str, ...]
    partitions: int
    config: Mapping[str, str]

    @property
    def owner(self) -> str:
        """The service in whose name the topic is: the first part of its name."""
        return self.name.partition("-")[0]


def load(path: Path = TOPICS_FILE) -> dict[str, Topic]:
    """Name to topic, in the order of the file. Raises CatalogueError."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or set(document) != {"partitions", "topics"}:
        raise CatalogueError(f"{path}: the top level has 'partitions' and 'topics', nothing else")
    mistakes: list[str] = []
    topics: dict[str, Topic] = {}
    for entry in document["topics"]:
        if odd := _REQUIRED - set(entry) or set(entry) - _REQUIRED - _OPTIONAL:
            mistakes.append(f"{entry.get('name', entry)}: missing or unknown: {', '.join(sorted(odd))}")
            continue
        topic = _topic(entry, document["partitions"])
        if topic.name in topics:
            mistakes.append(f"{topic.name} is listed twice")
        topics[topic.name] = topic
    mistakes += _mistakes(topics)
    if mistakes:
        raise CatalogueError(f"{path}:\n  " + "\n  ".join(mistakes))
    return topics


def _topic(entry: Mapping[str, Any], partitions: int) -> Topic:
    return Topic(
        name=entry["name"],
        message=None if entry["message"] in (None, "none") else entry["message"],
        schema_id=entry.get("schema_id", 0),
        key=entry["key"],
        writer=entry["writer"],
        readers=tuple(entry["readers"]),
        partitions=entry.get("partitions", partitions),
        config={name: str(value) for name, value in entry["config"].items()},
    )


def _mistakes(topics: Mapping[str, Topic]) -> list[str]:
    found = []
    messages: dict[int, str] = {}
    ids: dict[str, int] = {}
    counts: dict[str, dict[int, str]] = {}
    services = {topic.owner for topic in topics.values() if topic.name == f"{topic.owner}-commands-v1"}
    for topic in topics.values():
        if not _NAME.fullmatch(topic.name):
            found.append(f"{topic.name}: lower-case words joined by hyphens, then -v and a number")
        if odd := [name for name in topic.readers if name not in services]:
            found.append(f"{topic.name}: unknown reader {', '.join(odd)}")
        if topic.message and not 0 < topic.schema_id < 2**31:
            found.append(f"{topic.name}: {topic.message} needs a schema_id above 0")
        if topic.message and messages.setdefault(topic.schema_id, topic.message) != topic.message:
            found.append(f"{topic.name}: schema_id {topic.schema_id} belongs to {messages[topic.schema_id]}")
        if topic.message and ids.setdefault(topic.message, topic.schema_id) != topic.schema_id:
            found.append(f"{topic.name}: {topic.message} has schema_id {ids[topic.message]} elsewhere")
        for service in {topic.writer, *topic.readers, topic.owner} & services:
            counts.setdefault(service, {}).setdefault(topic.partitions, topic.name)
    for service, by_count in counts.items():
        if len(by_count) > 1:
            differ = ", ".join(f"{name} {count}" for count, name in by_count.items())
            found.append(f"{service}: its topics differ in partitions ({differ}); one lease covers partition n of all")
    return found
