"""Golden examples: what was ever written is still read, means what it meant, and still folds."""

from typing import Any

import pytest

from schemas.examples.files import DIGESTS, Example, digest, digests, made, newest, shows_all, stored, told
from schemas.examples.subjects import all_subjects, domain_of, services
from services.kernel.catalogue import load
from services.kernel.model import Aggregate, DictRows

ADD = "run: python -m schemas.examples"
EXAMPLES = list(stored())
AGGREGATES = [(service, aggregate) for service in services() for aggregate in domain_of(service).aggregates]


def within(past: Any, today: Any) -> bool:
    """Whether today says all that was said, and perhaps more: a message may have got fields since."""
    if isinstance(past, dict) and isinstance(today, dict):
        return all(name in today and within(value, today[name]) for name, value in past.items())
    if isinstance(past, list) and isinstance(today, list):
        return len(past) == len(today) and all(map(within, past, today))
    return bool(past == today)


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{example.topic}/{example.message}-v{example.version}"
)
def test_an_example_still_means_what_it_meant(example: Example) -> None:
    subject = all_subjects()[example.topic]
    meta, body, extras = subject.wire.decode(example.data)
    assert type(body).__name__ == example.message
    assert within(example.record, told(subject, type(body), meta, body, extras))
    assert subject.wire.decode(subject.wire.encode(meta, body, **extras)) == (meta, body, extras)


@pytest.mark.parametrize("topic", list(all_subjects()))
def test_every_message_has_an_example_with_all_its_fields(topic: str) -> None:
    subject, known = all_subjects()[topic], newest()
    for cls in subject.wire.union:
        example = known.get((topic, cls.__name__))
        assert example, f"no example of {cls.__name__}; {ADD}"
        assert shows_all(example, made(subject, cls, 1)), f"{cls.__name__} has got a field; {ADD}"


def test_every_topic_that_carries_a_message_has_examples() -> None:
    assert {topic.name for topic in load().values() if topic.message} == {example.topic for example in EXAMPLES}


def test_no_example_was_changed_or_dropped() -> None:
    files = [path for example in EXAMPLES for path in example.files]
    assert dict.fromkeys(files) == dict.fromkeys(digests()), f"{DIGESTS.name} and the files differ"
    for path, value in digests().items():
        assert digest(path) == value, f"{path.name} was changed; add a version instead"


@pytest.mark.parametrize(
    ("service", "aggregate"), AGGREGATES, ids=[f"{service}-{aggregate.kind}" for service, aggregate in AGGREGATES]
)
def test_every_example_of_an_event_still_folds(service: str, aggregate: Aggregate) -> None:
    """Evolve is total: in the order of declaration, backwards, and each fact alone on nothing."""
    wire = all_subjects()[f"{service}-events-v1"].wire
    names = [cls.__name__ for cls in aggregate.facts]
    ours = [e for e in EXAMPLES if e.topic == f"{service}-events-v1" and e.message in names]
    facts = [
        wire.decode(example.data)[1] for example in sorted(ours, key=lambda e: (names.index(e.message), e.version))
    ]
    assert len(facts) >= len(aggregate.facts)
    for order in (facts, facts[::-1], *([fact] for fact in facts)):
        rows = DictRows()
        for fact in order:
            for key, row in aggregate.evolve(rows, fact).items():
                assert row is None or type(row) is aggregate.rows[key.partition("/")[0]], key
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row
