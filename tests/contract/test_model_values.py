"""Every value of the real models, not only the examples, goes through wire, row and JSON and comes back."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.examples.subjects import Subject, all_subjects, domain_of, services
from services.kernel.codec import Meta, to_json
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
few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("subject", "cls"), MESSAGES, ids=[f"{s.topic}-{cls.__name__}" for s, cls in MESSAGES])
@few
@given(data=st.data())
def test_a_message_comes_back(subject: Subject, cls: type, data: st.DataObject) -> None:
    body = data.draw(values_of(cls))
    meta = Meta("m-1", aggregate="a")
    assert subject.wire.decode(subject.wire.encode(meta, body))[:2] == (meta, body)
    json.dumps(to_json(body))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.__module__.split('.')[1]}-{row.__name__}")
@few
@given(data=st.data())
def test_a_row_comes_back_and_has_one_form(row: type, data: st.DataObject) -> None:
    codec, value = RowCodec(row), data.draw(values_of(row))
    written = codec.encode(value)
    assert codec.decode(written) == value
    assert codec.encode(codec.decode(written)) == written
