"""Reading the topic catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.kafka.errors import KafkaSetupError
from infra.kafka.provision import TopicSpec, load_topics


def test_the_catalogue_is_read_with_its_default_partitions(tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(
        "partitions: 4\n"
        "topics:\n"
        "  - {name: order-events-v1, message: m, key: k, writer: order, readers: [],"
        " config: {retention.ms: -1, message.timestamp.type: LogAppendTime, preallocate: true}}\n"
        "  - {name: clock-v1, partitions: 1}\n"
    )
    assert load_topics(path) == {
        "order-events-v1": TopicSpec(
            4, {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime", "preallocate": "true"}
        ),
        "clock-v1": TopicSpec(1),
    }


@pytest.mark.parametrize(
    "text", ["", "topics: []", "partitions: 4", "partitions: 4\ntopics: [{key: x}]", "partitions: x\ntopics: []"]
)
def test_a_malformed_catalogue_is_refused_with_its_path(tmp_path: Path, text: str) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(text)
    with pytest.raises(KafkaSetupError, match=r"topics\.yaml"):
        load_topics(path)


def test_a_topic_listed_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text("partitions: 4\ntopics: [{name: a}, {name: a}]")
    with pytest.raises(KafkaSetupError, match="listed twice"):
        load_topics(path)
