"""The topic catalogue: its rules, and that a broken one is told with all mistakes at once."""

from pathlib import Path

import pytest
import yaml

from services.kernel.catalogue import TOPICS_FILE, CatalogueError, load


def test_the_catalogue_keeps_its_rules() -> None:
    topics = load()
    assert {topic.partitions for topic in topics.values()} == {4}
    for service in ("order", "inventory", "fulfillment"):
        kinds = ("commands", "events", "outcomes", "feed", "dead-letters", "changelog")
        assert {f"{service}-{kind}-v1" for kind in kinds} <= topics.keys()
        assert topics[f"{service}-events-v1"].config["retention.ms"] == "-1"
        assert topics[f"{service}-changelog-v1"].config["cleanup.policy"] == "compact"
        assert topics[f"{service}-changelog-v1"].message is None
    for topic in topics.values():
        assert topic.message is None or topic.config["message.timestamp.type"] == "LogAppendTime", topic.name


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "order_lines_v1"}, "order_lines_v1: lower-case words"),
        ({"name": "clock-v1"}, "clock-v1 is listed twice"),
        ({"partitions": 8}, "order: its topics differ in partitions"),
        ({"schema_id": 3}, "schema_id 3 belongs to chainflow.kernel.v1.Tick"),
        ({"message": "chainflow.kernel.v1.Tick"}, "chainflow.kernel.v1.Tick has schema_id 3 elsewhere"),
        ({"schema_id": 0}, "needs a schema_id above 0"),
        ({"readers": ["warehouse"]}, "unknown reader warehouse"),
        ({"owner": "me"}, "missing or unknown: owner"),
    ],
)
def test_a_broken_rule_is_named(tmp_path: Path, change: dict[str, object], says: str) -> None:
    document = yaml.safe_load(TOPICS_FILE.read_text())
    entry = next(entry for entry in document["topics"] if entry["name"] == "order-lines-v1")
    entry.update(change)
    path = tmp_path / "topics.yaml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(CatalogueError, match=says):
        load(path)
