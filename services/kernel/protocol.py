"""aiokafka's requests and answers of every transaction, written and read by code that is made from their own schemas.

aiokafka walks over a schema for each field of each partition. A fetch names all partitions of a worker and is made for
nearly every transaction, so that walk was a quarter of what a small transaction cost; a function with the schema
unrolled does the same in a tenth of the time.

Deliberately lacks: a description of Kafka's protocol. What a schema does not say is not known here.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import groupby
from struct import Struct as Packed
from typing import Any

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest
from aiokafka.protocol.types import Array, Boolean, Bytes, Int8, Int16, Int32, Int64, Schema, String

from services.kernel.shapes import Source

OFTEN: tuple[type[Request[Any]], ...] = (FetchRequest, ProduceRequest, AddPartitionsToTxnRequest, EndTxnRequest)
NUMBERS: dict[Any, str] = {Int8: "b", Int16: "h", Int32: "i", Int64: "q", Boolean: "?"}


class UnknownField(TypeError):
    """A schema has a kind of field that is written in no way known here; its class stays as it is."""


def quicken(requests: Iterable[type[Request[Any]]] = OFTEN) -> None:
    """Give all versions of these requests, and their answers, an ``encode`` and a ``decode`` of their own."""
    for request in requests:
        for version in request._CLASSES:
            try:
                quicken_request(version)
                quicken_answer(version.RESPONSE_TYPE)
            except UnknownField:
                continue


def quicken_request(version: type[RequestStruct]) -> None:
    """Replace ``encode``. Raises UnknownField."""
    write, names = writer(version.SCHEMA), version.SCHEMA.names

    def encode(self: RequestStruct) -> bytes:
        values = self.__dict__
        return write([values[name] for name in names])

    version.encode = encode


def quicken_answer(answer: type[Response]) -> None:
    """Replace ``decode``. Raises UnknownField."""
    read = reader(answer.SCHEMA)

    def decode(cls: type[Response], data: BytesIO | bytes) -> Response:
        return cls(*read(data if isinstance(data, bytes) else data.read()))

    answer.decode = classmethod(decode)


def writer(schema: Schema) -> Callable[[Any], bytes]:
    """A function from a schema's values to their bytes. Raises UnknownField."""
    source = Source()
    lines = ["def write(item):", " out = []", *(f" {line}" for line in _writes(source, schema, "item"))]
    source.add([*lines, " return b''.join(out)"])
    made: Callable[[Any], bytes] = source.run()["write"]
    return made


def reader(schema: Schema) -> Callable[[bytes], tuple[Any, ...]]:
    """A function from bytes to a schema's values. Raises UnknownField."""
    source = Source()
    lines, value = _reads(source, schema, "v")
    source.add(["def read(b):", " at = 0", *(f" {line}" for line in lines), f" return {value}"])
    made: Callable[[bytes], tuple[Any, ...]] = source.run()["read"]
    return made


def _writes(source: Source, kind: Any, value: str) -> list[str]:
    """Lines that append a value's bytes to ``out``."""
    if isinstance(kind, Schema):
        names = [f"{value}_{index}" for index in range(len(kind.fields))]
        lines = [f"{', '.join(names)}, = {value}"]
        for numbers, run in _runs(kind, names):
            if numbers:
                lines.append(f"out.append({_packed(source, run)}({', '.join(name for _, name in run)}))")
            else:
                lines += [line for field, name in run for line in _writes(source, field, name)]
        return lines
    if kind in NUMBERS:
        return [f"out.append({_packed(source, [(kind, value)])}({value}))"]
    size = _packed(source, [(Int32, value)])
    if isinstance(kind, String):
        short = _packed(source, [(Int16, value)])
        return [
            f"if {value} is None: out.append({short}(-1))",
            "else:",
            f" text = {value}.encode({kind.encoding!r})",
            f" out += {short}(len(text)), text",
        ]
    if kind is Bytes:
        return [f"if {value} is None: out.append({size}(-1))", f"else: out += {size}(len({value})), {value}"]
    if isinstance(kind, Array):
        each = f"{value}_e"
        return [
            f"if {value} is None: out.append({size}(-1))",
            "else:",
            f" out.append({size}(len({value})))",
            f" for {each} in {value}:",
            *(f"  {line}" for line in _writes(source, kind.array_of, each)),
        ]
    raise UnknownField(f"{kind}")


def _reads(source: Source, kind: Any, name: str) -> tuple[list[str], str]:
    """Lines that read a value of ``b`` from ``at`` on, and an expression for it."""
    if isinstance(kind, Schema):
        lines: list[str] = []
        values: list[str] = []
        for numbers, run in _runs(kind, [f"{name}_{index}" for index in range(len(kind.fields))]):
            if numbers:
                lines += _unpacked(source, run)
                values += [one for _, one in run]
                continue
            for field, one in run:
                inner, value = _reads(source, field, one)
                lines += inner
                values.append(value)
        return lines, f"({', '.join(values)},)"
    if kind in NUMBERS:
        return _unpacked(source, [(kind, name)]), name
    if isinstance(kind, String) or kind is Bytes:
        of_size = [(Int16 if isinstance(kind, String) else Int32, f"{name}_n")]
        text = f".decode({kind.encoding!r})" if isinstance(kind, String) else ""
        return [
            *_unpacked(source, of_size),
            f"if {name}_n < 0: {name} = None",
            "else:",
            f" {name} = b[at:at + {name}_n]{text}",
            f" if at + {name}_n > len(b): raise ValueError('an answer ends within a field')",
            f" at += {name}_n",
        ], name
    if isinstance(kind, Array):
        inner, value = _reads(source, kind.array_of, f"{name}_e")
        return [
            *_unpacked(source, [(Int32, f"{name}_n")]),
            f"{name} = None if {name}_n < 0 else []",
            f"for _ in range({name}_n):",
            *(f" {line}" for line in inner),
            f" {name}.append({value})",
        ], name
    raise UnknownField(f"{kind}")


def _runs(schema: Schema, names: list[str]) -> list[tuple[bool, list[tuple[Any, str]]]]:
    """Its fields with their names; numbers that follow each other together, as they are packed in one call."""
    grouped = groupby(zip(schema.fields, names, strict=True), lambda one: one[0] in NUMBERS)
    return [(numbers, list(run)) for numbers, run in grouped]


def _packed(source: Source, run: list[tuple[Any, str]]) -> str:
    packed = Packed(_form(run))
    return source.shared(f"pack_{packed.format[1:].replace('?', 'B')}", packed.pack)


def _unpacked(source: Source, run: list[tuple[Any, str]]) -> list[str]:
    packed = Packed(_form(run))
    unpack = source.shared(f"unpack_{packed.format[1:].replace('?', 'B')}", packed.unpack_from)
    return [f"{', '.join(name for _, name in run)}, = {unpack}(b, at)", f"at += {packed.size}"]


def _form(run: list[tuple[Any, str]]) -> str:
    return ">" + "".join(NUMBERS[kind] for kind, _ in run)
