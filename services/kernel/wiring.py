"""The codecs of a service's topics, found by the catalogue: a topic names its message, the message's oneof its union.

Deliberately lacks: imports of generated code. A service's ``wire`` imports its messages, which registers them.
"""

from collections.abc import Iterable, Mapping

from google.protobuf import descriptor_pool, message_factory

from services.kernel.catalogue import Topic, load
from services.kernel.codec import MappingError, Wire
from services.kernel.messages import DeadLetter, Outcome, Tick
from services.kernel.model import Domain
from services.kernel.processor import CLOCK_TOPIC, Wires


def wires_of(domain: Domain, links: Mapping[str, tuple[type, ...]]) -> Wires:
    """All wires of a service; ``links``: link topic to the dataclasses of its states, read and written ones alike.

    Raises MappingError when model, messages and catalogue do not agree.
    """
    topics, name = load(), domain.name
    outside = [command for a in domain.aggregates for command in a.commands if command not in domain.reactions]
    made = {topic: wire_of(topics[topic], states) for topic, states in links.items()}
    return Wires(
        commands=wire_of(topics[f"{name}-commands-v1"], outside),
        events=wire_of(topics[f"{name}-events-v1"], [fact for a in domain.aggregates for fact in a.facts]),
        feed=wire_of(topics[f"{name}-feed-v1"], [view.row for view in domain.views], only_members=True),
        outcomes=wire_of(topics[f"{name}-outcomes-v1"], [Outcome]),
        dead_letters=wire_of(topics[f"{name}-dead-letters-v1"], [DeadLetter]),
        clock=wire_of(topics[CLOCK_TOPIC], [Tick]),
        links_in={topic: made[topic] for topic in domain.link_topics},
        links_out={topic: wire for topic, wire in made.items() if topics[topic].writer == name},
    )


def wire_of(topic: Topic, union: Iterable[type], *, only_members: bool = False) -> Wire:
    """The wire of one topic. ``only_members``: leave out dataclasses that never cross it (derived views)."""
    if topic.message is None:
        raise MappingError(f"{topic.name} carries no message")
    descriptor = descriptor_pool.Default().FindMessageTypeByName(topic.message)
    oneofs = [oneof for oneof in descriptor.oneofs if len(oneof.fields) > 1 or not oneof.name.startswith("_")]
    oneof = oneofs[0].name if oneofs else None
    shapes = tuple(dict.fromkeys(union))
    if oneof and only_members:
        members = {field.message_type.name for field in oneofs[0].fields if field.message_type}
        shapes = tuple(shape for shape in shapes if shape.__name__ in members)
    return Wire(message_factory.GetMessageClass(descriptor), topic.schema_id, shapes, oneof)
