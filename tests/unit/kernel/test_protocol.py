"""Generated writers and readers of Kafka's requests against aiokafka's own walk over the same schemas."""

from collections.abc import Callable, Iterator
from io import BytesIO
from random import Random
from struct import error as StructError
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchResponse_v11
from aiokafka.protocol.transaction import EndTxnRequest_v0
from aiokafka.protocol.types import Array, Boolean, Bytes, Int8, Int16, Int32, Int64, Schema, String, VarInt32

from services.kernel import protocol

BITS: dict[Any, int] = {Int8: 8, Int16: 16, Int32: 32, Int64: 64}
SCHEMAS = [
    schema
    for request in protocol.OFTEN
    for version in request._CLASSES
    for schema in (version.SCHEMA, version.RESPONSE_TYPE.SCHEMA)
]


def value(random: Random, kind: Any) -> Any:
    """A random value of a field, of the kind's whole range."""
    if isinstance(kind, Schema):
        return tuple(value(random, field) for field in kind.fields)
    if isinstance(kind, Array):
        return None if random.random() < 0.1 else [value(random, kind.array_of) for _ in range(random.randrange(4))]
    if isinstance(kind, String):
        return None if random.random() < 0.2 else "".join(random.choices("aé漢 ", k=random.randrange(6)))
    if kind is Bytes:
        return None if random.random() < 0.2 else random.randbytes(random.randrange(9))
    if kind is Boolean:
        return random.random() < 0.5
    return random.randrange(-(1 << BITS[kind] - 1), 1 << BITS[kind] - 1)


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_bytes_and_values_are_aiokafkas(schema: Schema) -> None:
    random, write, read = Random(7), protocol.writer(schema), protocol.reader(schema)
    for _ in range(100):
        item = value(random, schema)
        expected = schema.encode(item)
        assert write(item) == expected
        assert read(expected) == schema.decode(BytesIO(expected))


@pytest.fixture
def untouched() -> Iterator[None]:
    """What a test quickens is as before afterwards."""
    yield
    for thing, name in ((EndTxnRequest_v0, "encode"), (FetchResponse_v11, "decode")):
        if name in vars(thing):
            delattr(thing, name)


def test_a_class_writes_and_reads_as_before(untouched: None) -> None:
    request = EndTxnRequest_v0("id", 7, 1, True)
    answer = FetchResponse_v11(0, 0, 0, [("in", [(3, 0, 10, 10, 0, [(7, 1)], -1, b"records")])])
    before, asked = request.encode(), answer.encode()
    protocol.quicken_request(EndTxnRequest_v0)
    protocol.quicken_answer(FetchResponse_v11)
    assert "encode" in vars(EndTxnRequest_v0)
    assert request.encode() == before
    assert FetchResponse_v11.decode(BytesIO(asked)) == answer
    assert FetchResponse_v11.decode(asked) == answer


@pytest.mark.parametrize("make", [protocol.writer, protocol.reader])
def test_a_field_of_another_kind_is_left_to_aiokafka(make: Callable[[Schema], Any]) -> None:
    with pytest.raises(protocol.UnknownField):
        make(Schema(("size", VarInt32)))


@pytest.mark.parametrize("cut", range(1, 30))
def test_an_answer_that_ends_early_is_not_half_read(cut: int) -> None:
    answer = Schema(("name", String()), ("parts", Array(("number", Int32), ("records", Bytes))))
    whole = answer.encode(("topic", [(1, b"records"), (2, b"")]))
    with pytest.raises((ValueError, StructError)):
        protocol.reader(answer)(whole[:-cut])
