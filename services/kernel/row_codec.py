"""Rows as bytes: a row's fields in order as a MessagePack array, compiled once per row type.

Owns the canonical form that "table equals fold of the log" is compared in: equal rows give equal bytes. Fields at the
end that equal their default are not written, so a field appended with a default leaves old rows readable and their
bytes as they were; hence a default of a released row never changes, and a field is never removed or moved. Deliberately
lacks: the type of the row (its key says it) and any reading by other programs.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from services.kernel.canonical import date_of, decimal_of, decimal_text
from services.kernel.shapes import MISSING, PLAIN, Field, Kind, Source, building, fields_of

_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder().decode


class RowError(ValueError):
    """Bytes that are no row of the type, or a row of the type that has no bytes."""


class RowCodec:
    """Rows of one type to canonical bytes and back.

    ``encode(row) -> bytes`` and ``decode(bytes) -> row`` raise RowError. The constructor raises MappingError for a
    field whose type no row can hold.
    """

    __slots__ = ("decode", "encode", "type")

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]

    def __init__(self, row_type: type) -> None:
        self.type = row_type
        source = Source()
        writer, reader = _writer(source, row_type), _reader(source, row_type)
        pack, unpack = source.bind("pack", _pack), source.bind("unpack", _unpack)
        error, name = source.bind("RowError", RowError), source.bind("name", row_type.__qualname__)
        wrong = "(TypeError, ValueError, KeyError, AttributeError, OverflowError, ArithmeticError)"
        source.add(
            [
                "def encode(row):",
                f" try: return {pack}({writer}(row))",
                f" except {wrong} as e: raise {error}(f'{{{name}}} {{row!r}}: {{e}}') from e",
                "def decode(data):",
                f" try: return {reader}({unpack}(data))",
                f" except {wrong} as e: raise {error}(f'{{{name}}} {{data!r}}: {{e}}') from e",
            ]
        )
        made = source.run()
        self.encode, self.decode = made["encode"], made["decode"]


def _writer(source: Source, cls: type) -> str:
    """The name of a function (object) -> tuple of what MessagePack can hold."""

    def make(name: str) -> list[str]:
        fields = fields_of(cls)
        values = [_written(source, item) for item in fields]
        kept = _always_written(fields)
        lines = [f"def {name}(o):"]
        for last in range(len(fields) - 1, kept - 1, -1):
            default = source.bind("default", fields[last].default)
            lines.append(
                f" if o.{fields[last].name} != {default}: return ({''.join(f'{v},' for v in values[: last + 1])})"
            )
        return [*lines, f" return ({''.join(f'{value},' for value in values[:kept])})"]

    return source.once(("write", cls), make, f"write_{cls.__name__}")


def _written(source: Source, item: Field) -> str:
    value = f"o.{item.name}"
    if item.kind in PLAIN or item.kind is Kind.CHOICE:  # msgspec writes the value of an enum's member
        return value
    if item.kind is Kind.DECIMAL:
        call = source.bind("decimal_text", decimal_text) + "({})"
    elif item.kind is Kind.DATE:
        call = "{}.isoformat()"
    else:
        call = _writer(source, item.of) + "({})"
    return _applied(call, value, item)


def _reader(source: Source, cls: type) -> str:
    """The name of a function (list) -> object."""

    def make(name: str) -> list[str]:
        fields = fields_of(cls)
        names = [item.name for item in fields]
        kept = _always_written(fields)
        defaults = [_unpack(_pack(_raw_default(item))) for item in fields[kept:]]
        pad = source.bind("pad", _padding(cls, kept, defaults))
        values = [_read(source, item) for item in fields]
        return [
            f"def {name}(v):",
            f" if len(v) != {len(fields)}: v = {pad}(v)",
            f" ({' '.join(f'{n}_,' for n in names)}) = v",
            *(f" {line}" for line in building(source, cls, values)),
            " return o",
        ]

    return source.once(("read", cls), make, f"read_{cls.__name__}")


def _read(source: Source, item: Field) -> str:
    value = f"{item.name}_"
    if item.kind in PLAIN:
        return f"tuple({value})" if item.many else value
    if item.kind is Kind.CHOICE:
        members: dict[Any, Any] = {member.value: member for member in item.of}
        if item.optional:
            members[None] = None
        call = source.bind("members", members) + "[{}]"
        return f"tuple([{call.format('x')} for x in {value}])" if item.many else call.format(value)
    if item.kind is Kind.DECIMAL:
        call = source.bind("decimal_of", decimal_of) + "({})"
    elif item.kind is Kind.DATE:
        call = source.bind("date_of", date_of) + "({})"
    else:
        call = _reader(source, item.of) + "({})"
    read = _applied(call, value, item)
    return f"tuple({read})" if item.many else read


def _applied(call: str, value: str, item: Field) -> str:
    if item.many:
        return f"[{call.format('x')} for x in {value}]"
    if item.optional:
        return f"None if {value} is None else {call.format(value)}"
    return call.format(value)


def _always_written(fields: tuple[Field, ...]) -> int:
    """How many fields, from the first, are written whatever they hold."""
    kept = len(fields)
    while kept and fields[kept - 1].default is not MISSING:
        kept -= 1
    return kept


def _raw_default(item: Field) -> Any:
    """The default as the writer would write it."""
    source = Source()
    source.add(["def written(o):", f" return {_written(source, item)}"])

    class Holder:
        pass

    holder = Holder()
    setattr(holder, item.name, item.default)
    return source.run()["written"](holder)


def _padding(cls: type, kept: int, defaults: list[Any]) -> Callable[[Any], list[Any]]:
    most = kept + len(defaults)

    def pad(values: Any) -> list[Any]:
        if not isinstance(values, list):
            raise ValueError("not an array")
        if not kept <= len(values) <= most:
            # More than known: written by a newer version. Dropping the rest would lose it with the next change.
            raise ValueError(f"{len(values)} fields, {cls.__qualname__} has {kept} to {most}")
        return values + defaults[len(values) - kept :]

    return pad
