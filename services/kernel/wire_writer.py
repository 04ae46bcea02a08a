"""Dataclasses to the bytes of their protobuf messages, by functions that are generated from the names of their fields.

Owns protobuf's encoding (https://protobuf.dev/programming-guides/encoding), as far as the kinds of shapes.py need it:
the bytes are those that protobuf's own serializer gives. Bytes are put together as a ``str`` whose characters are the
bytes (Latin-1) and encoded at the very end: ASCII texts, nearly all there are, go in as they stand, and Python joins
strings by one instruction. It takes a fifth of the time of building a message object and serializing that. Every value
that the reader would refuse is refused here. Deliberately lacks: framing, envelope, oneof (codec.py).
"""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import index
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.kernel.canonical import CACHE_ENTRIES_MAX, MS_MAX, decimal_text
from services.kernel.mapping import (
    ID_CHARS_MAX,
    TEXT_CHARS_MAX,
    Pair,
    enum_of,
    message_of,
    numbers_of,
    pairs_of,
    where_of,
)
from services.kernel.remembered import remembered
from services.kernel.shapes import Kind, Source

_VARINT, _SIZED = 0, 2  # wire types
_ONE_BYTE: Final = 0x80
_LENGTHS: Final = 2_048  # so many lengths are looked up instead of worked out

_F = FieldDescriptor
_RANGES: Final = {
    _F.TYPE_INT32: (-(1 << 31), 1 << 31),
    _F.TYPE_SINT32: (-(1 << 31), 1 << 31),
    _F.TYPE_UINT32: (0, 1 << 32),
    _F.TYPE_INT64: (-(1 << 63), 1 << 63),
    _F.TYPE_SINT64: (-(1 << 63), 1 << 63),
    _F.TYPE_UINT64: (0, 1 << 64),
}
_moments: dict[int, str] = {}


class Unencodable(ValueError):
    """A value that the wire cannot carry, so nobody could read it back; a defect of whoever made it."""


class WireWriter:
    """Generates the functions of one wire; each type of the model has one, however often it occurs."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def writer(
        self, cls: type, message: Descriptor, chars_max: int = TEXT_CHARS_MAX, unsaid: frozenset[str] = frozenset()
    ) -> str:
        """The name of a function (object) -> its message's bytes as a str; zeros of fields ``unsaid`` are left out.

        The function raises TypeError, ValueError, KeyError or AttributeError for what the message cannot carry.
        """

        def make(name: str) -> list[str]:
            lines, fields = self.writing(pairs_of(cls, message), chars_max, unsaid)
            return [f"def {name}(o):", *(f" {line}" for line in lines), f" return {joined(fields)}"]

        return self.source.once(("write", cls, message.full_name), make, f"write_{cls.__name__}")

    def _part(self, cls: type, message: Descriptor) -> str:
        """The name of such a function for a part of a message; what was written lately is not made again."""
        plain, known = self.writer(cls, message), remembered(cls, message.full_name)
        if known is None:
            return plain

        def make(name: str) -> list[str]:
            found, keep = self.source.bind("found", known.written.get), self.source.bind("keep", known.keep)
            return [
                f"def {name}(o):",
                f" k = {found}(id(o))",
                " if k is not None: return k[1]",
                f" w = {plain}(o)",
                f" {keep}(o, w)",
                " return w",
            ]

        return self.source.once(("write part", cls, message.full_name), make, f"write_part_{cls.__name__}")

    def writing(
        self, pairs: tuple[Pair, ...], chars_max: int = TEXT_CHARS_MAX, unsaid: frozenset[str] = frozenset()
    ) -> tuple[list[str], list[int]]:
        """Lines that encode the fields of the object ``o`` into variables ``f<number>``, and the fields' numbers."""
        lines: list[str] = []
        for pair in pairs:
            model, field = pair.model, f"f{pair.proto.number}"
            most = ID_CHARS_MAX if model.kind is Kind.IDENTIFIER else chars_max
            if model.many:
                lines += self._many(pair, field, most)
                continue
            written = self._written(pair, most)
            lines += [
                f"v = o.{model.name}",
                f"{field} = {written} if v else ''" if model.name in unsaid else f"{field} = {written}",
            ]
        return lines, [pair.proto.number for pair in pairs]

    def sized(self, tag: str, value: str) -> str:
        """An expression for a field of bytes that are known to be there: ``value`` is an expression for them."""
        lengths, longer = self.source.shared("lengths", _lengths()), self.source.shared("varint", varint)
        return f"{tag!r} + ({lengths}[n] if (n := len(w := {value})) < {_LENGTHS} else {longer}(n)) + w"

    def plain(self, proto: FieldDescriptor, kind: Kind, chars_max: int = TEXT_CHARS_MAX, explicit: bool = False) -> str:
        """An expression for a field of one plain value ``v``; the default is left out unless it is ``explicit``."""
        shared, tag = self.source.shared, tag_of(proto, _SIZED)
        if kind in (Kind.TEXT, Kind.IDENTIFIER):
            long_text = f"{tag!r} + {shared('text', text)}(v, {chars_max}, {where_of(proto)!r})"
            return (
                f"{self._heads(tag, explicit)}[n] + v "
                f"if {shared('isascii', str.isascii)}(v) and (n := len(v)) < {_ONE_BYTE} else {long_text}"
            )
        if kind is Kind.DECIMAL:
            zero = (
                f"{tag + chr(1) + '0'!r} if not v and v.__class__ is {shared('Decimal', Decimal)}"  # half of them are
            )
            return f"{zero} else {self._heads(tag, True)}[len(d := {shared('decimal_text', decimal_text)}(v))] + d"
        if kind is Kind.DATE:
            return f"{tag + chr(len('YYYY-MM-DD'))!r} + {shared('isoformat', date.isoformat)}(v)"
        if kind is Kind.BYTES:
            written = f"{shared('blob', blob)}(v, {tag!r})"
            return written if explicit else f"{written} if len(v) else ''"
        tag = tag_of(proto, _VARINT)
        if kind is Kind.BOOLEAN:
            flags = {True: tag + chr(1), False: tag + chr(0) if explicit else ""}
            return f"{self.source.bind('flags', flags)}[v]"
        small = tuple(tag + number(n, proto.type) if n or explicit else "" for n in range(_ONE_BYTE))
        table, larger = self.source.bind("small", small), shared("number", number)
        return f"{table}[v] if 0 <= v < {_ONE_BYTE} else {tag!r} + {larger}(v, {proto.type})"

    def _written(self, pair: Pair, chars_max: int) -> str:
        """An expression for a field of one value ``v``."""
        if pair.model.kind is Kind.CHOICE:  # an absent choice is UNSPECIFIED, which is not written either
            return self._choices(pair, tag_of(pair.proto, _VARINT)) + "[v]"
        written = self._single(pair, chars_max, explicit=pair.model.optional)
        return f"'' if v is None else {written}" if pair.model.optional else written

    def _single(self, pair: Pair, chars_max: int, *, explicit: bool) -> str:
        tag = tag_of(pair.proto, _SIZED)
        if pair.instant:
            known, made = self.source.shared("moments", _moments.get), self.source.shared("moment", moment)
            return f"{tag!r} + ({known}(v) or {made}(v))"
        if pair.model.kind is Kind.STRUCT:
            return self.sized(tag, f"{self._part(pair.model.of, message_of(pair.proto))}(v)")
        return self.plain(pair.proto, pair.model.kind, chars_max, explicit)

    def _many(self, pair: Pair, field: str, chars_max: int) -> list[str]:
        """Lines for a field of many values; a loop, since for one or two a comprehension is slower."""
        kind, proto = pair.model.kind, pair.proto
        if kind is Kind.CHOICE:
            packed = f"{self._choices(pair, '')}[v]"
        elif kind is Kind.BOOLEAN:
            packed = self.source.bind("flags", {True: chr(1), False: chr(0)}) + "[v]"
        elif proto.is_packed:
            packed = f"{self.source.shared('number', number)}(v, {proto.type})"
        else:
            return [
                f"{field} = ''",
                f"for v in o.{pair.model.name}: {field} += {self._single(pair, chars_max, explicit=True)}",
            ]
        return [
            "p = ''",
            f"for v in o.{pair.model.name}: p += {packed}",
            f"{field} = {self.sized(tag_of(proto), 'p')} if p else ''",
        ]

    def _choices(self, pair: Pair, tag: str) -> str:
        numbers: dict[Any, int] = numbers_of(pair.model.of, enum_of(pair.proto))
        written: dict[Any, str] = {member: tag + varint(n) for member, n in numbers.items()}
        return self.source.bind("choices", written | {None: ""} if pair.model.optional else written)

    def _heads(self, tag: str, explicit: bool) -> str:
        """What stands before a text of so many bytes; an empty one is left out unless it is ``explicit``."""
        return self.source.shared(f"heads{'_' if explicit else ''}_{tag.encode().hex()}", _text_heads(tag, explicit))


def joined(fields: list[int]) -> str:
    """An expression for the variables ``f<number>`` in the order in which fields are written."""
    return "f'" + "".join(f"{{f{number}}}" for number in sorted(fields)) + "'"


def tag_of(proto: FieldDescriptor, wire_type: int = _SIZED) -> str:
    """What stands before each value of a field; wire type 2 is what has a length, 0 a varint."""
    return varint(proto.number << 3 | wire_type)


@lru_cache(1)
def _lengths() -> tuple[str, ...]:
    return tuple(map(varint, range(_LENGTHS)))


@lru_cache(512)
def _text_heads(tag: str, explicit: bool) -> tuple[str, ...]:
    return tuple(tag + chr(size) if size or explicit else "" for size in range(_ONE_BYTE))


def varint(value: int) -> str:
    """A number of zero or more as a varint, seven bits a byte, the lowest first."""
    made = ""
    while value > 0x7F:
        made += chr(value & 0x7F | 0x80)
        value >>= 7
    return made + chr(value)


@lru_cache(CACHE_ENTRIES_MAX, typed=True)  # 200.0 is no whole number, also where 200 was written before
def number(value: int, type_: int) -> str:
    """A number as a protobuf type writes it; raises TypeError for no whole number, ValueError out of its range."""
    value = index(value)
    low, high = _RANGES[type_]
    if not low <= value < high:
        raise ValueError(f"{value} is not from {low} to {high - 1}")
    if type_ in (_F.TYPE_SINT32, _F.TYPE_SINT64):
        return varint(value << 1 if value >= 0 else (-value << 1) - 1)
    return varint(value & (1 << 64) - 1)


def text(value: str, chars_max: int, where: str) -> str:
    """Length and UTF-8 of a text; raises ValueError for one that is too long or has a lone surrogate."""
    if len(value) > chars_max:
        raise ValueError(f"{where} is too long")
    data = str.encode(value)
    return varint(len(data)) + data.decode("latin-1")


def blob(value: bytes, tag: str) -> str:
    """A field of bytes."""
    return tag + varint(len(value)) + value.decode("latin-1")


def moment(ms: int) -> str:
    """Length and bytes of a Timestamp, remembered; raises ValueError outside the years 1970 to 9999."""
    if not 0 <= index(ms) <= MS_MAX:
        raise ValueError(f"{ms} ms is outside the years 1970 to 9999")
    seconds, rest = divmod(ms, 1000)
    made = "\x08" + number(seconds, _F.TYPE_INT64) if seconds else ""
    if rest:
        made += "\x10" + number(rest * 1_000_000, _F.TYPE_INT32)
    if len(_moments) >= CACHE_ENTRIES_MAX:
        _moments.clear()
    made = _moments[ms] = chr(len(made)) + made
    return made
