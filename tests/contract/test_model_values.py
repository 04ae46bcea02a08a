"""Every value of the real models, not only the examples, goes through wire, row and JSON and comes back."""

import json
from dataclasses import replace

import pytest
from google.protobuf import descriptor_pool, message_factory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.examples.subjects import Subject, all_subjects, domain_of, services
from services.kernel.codec import Meta, frame_of, to_json
from services.kernel.row_codec import RowCodec
from tests.support.model_values import values_of

MESSAGES = [
    (subject, cls)
    for subject in all_subjects().values()
    for cls in subject.wire.union
    if "kernel" not in cls.__module__
]
ROWS = list(
    dict.fromkeys(
        row
        for service in services()
        for row in (
            *(row for aggregate in domain_of(service).aggregates for row in aggregate.rows.values()),
            *(view.row for view in domain_of(service).views),
        )
    )
)
METAS = values_of(Meta).map(lambda meta: replace(meta, id=meta.id or "m-1"))
few = settings(max_examples=8, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("subject", "cls"), MESSAGES, ids=[f"{s.topic}-{cls.__name__}" for s, cls in MESSAGES])
@few
@given(data=st.data())
def test_a_message_comes_back(subject: Subject, cls: type, data: st.DataObject) -> None:
    body = data.draw(values_of(cls))
    meta = data.draw(METAS)
    written = subject.wire.encode(meta, body)
    assert subject.wire.decode(written)[:2] == (meta, body)
    json.dumps(to_json(body))


@pytest.mark.parametrize(("subject", "cls"), MESSAGES, ids=[f"{s.topic}-{cls.__name__}" for s, cls in MESSAGES])
@few
@given(data=st.data())
def test_a_message_has_the_bytes_that_protobuf_gives_it(subject: Subject, cls: type, data: st.DataObject) -> None:
    written = subject.wire.encode(data.draw(METAS), data.draw(values_of(cls)))
    descriptor = descriptor_pool.Default().FindMessageTypeByName(subject.wire.message_name)
    size = len(frame_of(descriptor, subject.wire.schema_id))
    message = message_factory.GetMessageClass(descriptor).FromString(written[size:])
    assert written[size:] == message.SerializeToString(deterministic=True)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.__module__.split('.')[1]}-{row.__name__}")
@few
@given(data=st.data())
def test_a_row_comes_back_and_has_one_form(row: type, data: st.DataObject) -> None:
    codec, value = RowCodec(row), data.draw(values_of(row))
    written = codec.encode(value)
    assert codec.decode(written) == value
    assert codec.encode(codec.decode(written)) == written
