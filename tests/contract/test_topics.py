"""The topic catalogue, the services' declarations and the schema say the same."""

import pytest
from google.protobuf.descriptor_pool import Default

from schemas.examples.subjects import domain_of, services, wires_of
from schemas.generate import PROTO
from services.kernel.catalogue import Topic, load
from services.kernel.processor import CLOCK_TOPIC

TOPICS = load()


def is_link(topic: Topic) -> bool:
    """Whether the topic's message has the name of a link."""
    return topic.message is not None and "link" in Default().FindMessageTypeByName(topic.message).fields_by_name


@pytest.mark.parametrize("service", services())
def test_a_service_reads_and_writes_what_the_catalogue_says(service: str) -> None:
    domain, wires = domain_of(service), wires_of(service)
    reads = {topic.name for topic in TOPICS.values() if service in topic.readers and is_link(topic)}
    writes = {topic.name for topic in TOPICS.values() if topic.writer == service and is_link(topic)}
    assert set(domain.link_topics) == set(wires.links_in) == reads
    assert set(wires.links_out) == writes
    assert service in TOPICS[CLOCK_TOPIC].readers
    for kind, writer, reader in (
        ("commands", "http", service),
        ("events", service, None),
        ("outcomes", service, None),
        ("feed", service, service),
        ("dead-letters", service, None),
        ("changelog", service, service),
    ):
        topic = TOPICS[f"{service}-{kind}-v1"]
        assert topic.writer == writer
        assert topic.readers == ((reader,) if reader else ())


@pytest.mark.parametrize("service", services())
def test_both_ends_of_a_link_read_it_the_same(service: str) -> None:
    for name, written in wires_of(service).links_out.items():
        for reader in TOPICS[name].readers:
            read = wires_of(reader).links_in[name]
            assert (read.message_name, read.schema_id) == (written.message_name, written.schema_id)
            assert {cls.__name__ for cls in read.union} == {cls.__name__ for cls in written.union}


def test_every_message_with_an_envelope_has_a_topic() -> None:
    carried = {topic.message for topic in TOPICS.values()}
    for path in PROTO.rglob("*.proto"):
        file = Default().FindFileByName(path.relative_to(PROTO).as_posix())
        for message in file.message_types_by_name.values():
            if "envelope" in message.fields_by_name:
                assert message.full_name in carried, f"no topic carries {message.full_name}"


def test_every_topic_is_wired() -> None:
    wired = {CLOCK_TOPIC}
    for service in services():
        wired |= {
            f"{service}-{kind}-v1" for kind in ("commands", "events", "outcomes", "feed", "dead-letters", "changelog")
        }
        wired |= set(wires_of(service).links_in) | set(wires_of(service).links_out)
    assert wired == set(TOPICS)
