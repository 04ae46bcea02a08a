"""Creates topics from their specifications, and tells where an existing topic differs from its own.

Idempotent, and safe when several processes do it at once. Deliberately lacks changing or deleting a topic: a changed
partition count moves keys to other partitions and a changed retention can lose records, so a difference is reported
for a person to decide about.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra.kafka.errors import KafkaSetupError
from infra.kafka.health import run_apart

__all__ = ["Difference", "Provisioned", "TopicSpec", "load_topics", "provision", "provision_async"]

_TOPIC_ALREADY_EXISTS = 36
_READY_SECONDS = 30.0
_MOST_COPIES = 3


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic must be: its number of partitions, and Kafka's own configuration names with their values."""

    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting of an existing topic that is not as specified (``setting`` is "partitions" or a config name)."""

    topic: str
    setting: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.found}, the catalogue says {self.wanted}"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What `provision` did: the topics it created, and how existing ones differ."""

    created: tuple[str, ...]
    differences: tuple[Difference, ...]


def _text(value: object) -> str:
    # YAML has booleans, Kafka has lower-case words.
    return str(value).lower() if isinstance(value, bool) else str(value)


def load_topics(path: Path) -> dict[str, TopicSpec]:
    """The catalogue of ``topics.yaml``: a list ``topics`` of mappings with ``name``, ``partitions`` and ``config``.

    Only ``name`` is required; ``partitions`` defaults to the file's own top-level ``partitions``.
    Raises KafkaSetupError on a malformed file.
    """
    document = yaml.safe_load(path.read_text())
    try:
        default = int(document["partitions"])
        specs = {}
        for entry in document["topics"]:
            config = {str(key): _text(value) for key, value in (entry.get("config") or {}).items()}
            if entry["name"] in specs:
                raise KafkaSetupError(f"{path}: topic {entry['name']} is listed twice")
            specs[str(entry["name"])] = TopicSpec(int(entry.get("partitions") or default), config)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KafkaSetupError(f"{path}: not a topic catalogue ({error!r})") from error
    return specs


def provision(bootstrap: str, topics: Mapping[str, TopicSpec]) -> Provisioned:
    """Create what is missing and wait until it can be written to; may be called inside a running event loop."""
    return run_apart(provision_async(bootstrap, topics))


async def provision_async(bootstrap: str, topics: Mapping[str, TopicSpec]) -> Provisioned:
    """`provision` for callers in an event loop. Raises KafkaSetupError if the broker refuses a topic."""
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        created = await _create(admin, {name: spec for name, spec in topics.items() if name not in existing})
        await _await_leaders(admin, topics)
        differences = await _compare(admin, {name: spec for name, spec in topics.items() if name not in created})
    finally:
        await admin.close()
    return Provisioned(created, differences)


async def _create(admin: Any, missing: Mapping[str, TopicSpec]) -> tuple[str, ...]:
    from aiokafka.admin import NewTopic

    if not missing:
        return ()
    # So that the same catalogue fits one node and a cluster.
    copies = min(_MOST_COPIES, len((await admin.describe_cluster())["brokers"]))
    wanted = [
        NewTopic(name, spec.partitions, copies, topic_configs=dict(spec.config)) for name, spec in missing.items()
    ]
    answer = await admin.create_topics(wanted, timeout_ms=30_000)
    refused = []
    created = []
    for name, code, *message in answer.topic_errors:
        if code == 0:
            created.append(name)
        elif code != _TOPIC_ALREADY_EXISTS:  # another process was faster: compared below like any existing topic
            refused.append(f"{name}: {message[0] if message and message[0] else f'error code {code}'}")
    if refused:
        raise KafkaSetupError("The broker refused topics (correct them in the catalogue):\n  " + "\n  ".join(refused))
    return tuple(created)


async def _await_leaders(admin: Any, topics: Mapping[str, TopicSpec]) -> None:
    """Return when every partition has a leader: a client that asks earlier is told that there is no such topic."""
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        described = await admin.describe_topics(list(topics))
        waiting = [topic["topic"] for topic in described if not _is_led(topic)]
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise KafkaSetupError(f"Still no leader after {_READY_SECONDS:.0f} s for: {', '.join(waiting)}")
        await asyncio.sleep(0.05)


def _is_led(topic: Mapping[str, Any]) -> bool:
    return topic["error_code"] == 0 and all(p["leader"] >= 0 and p["error_code"] == 0 for p in topic["partitions"])


async def _compare(admin: Any, topics: Mapping[str, TopicSpec]) -> tuple[Difference, ...]:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    if not topics:
        return ()
    found = []
    for topic in await admin.describe_topics(list(topics)):
        name, count = topic["topic"], len(topic["partitions"])
        if count != topics[name].partitions:
            found.append(Difference(name, "partitions", str(topics[name].partitions), str(count)))
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    for answer in await admin.describe_configs(resources):
        for _, _, _, name, entries in answer.resources:
            found += _compare_config(name, topics[name].config, entries)
    return tuple(found)


def _compare_config(name: str, wanted: Mapping[str, str], entries: Sequence[Sequence[Any]]) -> list[Difference]:
    actual = {str(entry[0]): str(entry[1]) for entry in entries}
    return [
        Difference(name, key, value, actual.get(key, "not set"))
        for key, value in wanted.items()
        if actual.get(key) != value
    ]
