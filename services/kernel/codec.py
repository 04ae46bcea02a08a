"""The wire of one topic: framed protobuf to (envelope, body) and back, compiled once at start from the names.

Owns the Confluent frame, the envelope and which errors input can make. Every value that ``decode`` would refuse is
refused by ``encode`` too: nothing gets into the log that nobody can read back. Deliberately lacks: schema evolution by
code (only additive changes are made; a wire lifts nothing yet), keys and partitions, compression.

Reasons of Malformed: ``empty``, ``bad-magic``, ``unknown-schema``, ``unknown-message-index``, ``undecodable``,
``envelope-missing``, ``envelope-incomplete``, ``body-missing``, ``field-missing``, ``choice-missing``,
``unknown-choice``, ``bad-decimal``, ``bad-date``, ``bad-timestamp``, ``value-out-of-range``, ``too-long``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from services.kernel.cloudevents import headers
from services.kernel.json_form import to_json
from services.kernel.mapping import ID_CHARS_MAX, message_of, pairs_of
from services.kernel.shapes import Kind, MappingError, Source, building, fields_of
from services.kernel.wire_reader import Malformed, WireReader, instant_ms
from services.kernel.wire_writer import Unencodable, WireWriter, joined, tag_of

__all__ = ["NO_META", "Malformed", "MappingError", "Meta", "Unencodable", "Wire", "headers", "to_json"]

_EXTRAS: Final = {
    FieldDescriptor.TYPE_STRING: (Kind.TEXT, "''"),
    FieldDescriptor.TYPE_BOOL: (Kind.BOOLEAN, "False"),
    FieldDescriptor.TYPE_UINT32: (Kind.INTEGER, "0"),
    FieldDescriptor.TYPE_UINT64: (Kind.INTEGER, "0"),
}
"""Kind and default of a field beside the oneof."""
_WRONG: Final = (TypeError, ValueError, KeyError, AttributeError, OverflowError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Meta:
    """The envelope: who said it, when, and what it follows from; see common.proto for each field.

    ``id`` is never empty. ``recorded_at_ms`` is 0 where the broker has not told it yet (commands).
    """

    id: str
    causation_id: str = ""
    correlation_id: str = ""
    occurred_at_ms: int = 0
    recorded_at_ms: int = 0
    enterprise: str = ""
    aggregate: str = ""
    version: int = 0
    actor: str = ""
    schema_version: int = 1


NO_META: Final = Meta("")
"""Stands for the envelope of messages that have none (a tick of the clock, a dead letter)."""


class Wire:
    """Messages of one topic: a top-level message whose oneof holds one dataclass of a union.

    ``encode(meta, body, **extras) -> bytes`` raises Unencodable, ``decode(bytes) -> (meta, body, extras)`` raises
    Malformed; ``extras`` are the other scalar fields of the top-level message (``link``; ``view``, ``row_id``,
    ``removed``), all of them after decoding. The body is None where ``removed`` says so. Without a oneof the union is
    one dataclass, and its fields are the top-level message's own.

    The constructor raises MappingError, naming both sides, when a field, an enum's member or a member of the union is
    missing on one of them.
    """

    __slots__ = ("decode", "encode", "message_name", "schema_id", "type_names", "union")

    encode: Callable[..., bytes]
    decode: Callable[[bytes | None], tuple[Meta, Any, dict[str, Any]]]
    type_names: Mapping[type, str]

    def __init__(
        self, message_class: type[Message], schema_id: int, union: Sequence[type], oneof: str | None = None
    ) -> None:
        self.message_name: str = message_class.DESCRIPTOR.full_name
        self.schema_id = schema_id
        self.union = tuple(union)
        plan = _Plan(message_class, schema_id, self.union, oneof)
        self.type_names = {cls: message.full_name for _, cls, message in plan.members}
        made = plan.compile()
        self.encode, self.decode = made["encode"], made["decode"]


class _Plan:
    """What is known of a wire while it is compiled."""

    def __init__(
        self, message_class: type[Message], schema_id: int, union: tuple[type, ...], oneof: str | None
    ) -> None:
        top = cast(Descriptor, message_class.DESCRIPTOR)
        self.source = Source()
        self.reader, self.writer = WireReader(self.source), WireWriter(self.source)
        self.message_class = message_class
        self.top = top
        self.oneof = oneof
        self.members = _members(top, union, oneof)
        self.enveloped = "envelope" in top.fields_by_name
        inner = {item.name for item in top.oneofs_by_name[oneof].fields} if oneof else set()
        outer = [item for item in top.fields if item.name not in inner | {"envelope"}]
        self.outer = outer if oneof else []
        self.extras = [item.name for item in self.outer]
        if oneof and (odd := [item.name for item in outer if item.is_repeated or item.type not in _EXTRAS]):
            raise MappingError(f"{top.full_name}: {', '.join(odd)} beside the oneof is no plain scalar")
        if self.enveloped:
            _check_envelope(top)
        self.frame = frame_of(top, schema_id)
        self.frame_bytes = len(self.frame)

    def compile(self) -> Mapping[str, Any]:
        self._compile_encode()
        self._compile_decode()
        return self.source.run()

    def _compile_encode(self) -> None:
        bind = self.source.bind
        writers = []
        for name, cls, message in self.members:
            if self.oneof:
                item = self.top.fields_by_name[name]
                whole = self.writer.sized(tag_of(item), f"{self.writer.writer(cls, message)}(o)")
                self._compile_writer(f"encode_{name}", [f"f{item.number} = {whole}"], [item.number])
            else:
                pairs = pairs_of(cls, message, frozenset({"envelope"}))
                self._compile_writer(f"encode_{name}", *self.writer.writing(pairs))
            writers.append(f"{bind(cls.__name__, cls)}: encode_{name}")
        if "removed" in self.extras:
            check = "if not removed: raise ValueError('no body, and not removed')"
            self._compile_writer("encode_removed", [check], [])
            writers.append("type(None): encode_removed")
        self.source.add(
            [
                f"writers = {{{', '.join(writers)}}}",
                "def encode(meta, body, **extras):",
                " try: return writers[body.__class__](meta, body, **extras)",
                f" except {bind('wrong', _WRONG)} as e:",
                f"  raise {bind('unencodable', _unencodable)}({self.top.full_name!r}, body, e) from e",
            ]
        )

    def _compile_writer(self, name: str, body: list[str], fields: list[int]) -> None:
        """A function (meta, o, extras) -> bytes; ``body``: lines that leave the body's fields in their variables."""
        lines, fields, writer = list(body), list(fields), self.writer
        if self.enveloped:
            item = self.top.fields_by_name["envelope"]
            write = writer.writer(Meta, message_of(item), ID_CHARS_MAX, frozenset({"recorded_at_ms"}))
            lines.append("if not meta.id: raise ValueError('the envelope lacks its id')")
            lines.append(f"f{item.number} = {writer.sized(tag_of(item), f'{write}(meta)')}")
            fields.append(item.number)
        extras = ""
        for item in self.outer:
            kind, default = _EXTRAS[item.type]
            lines += [f"v = {item.name}", f"f{item.number} = {writer.plain(item, kind)}"]
            fields.append(item.number)
            extras += f", {item.name}={default}"
        frame = self.source.shared("frame_text", self.frame.decode("latin-1"))
        self.source.add(
            [
                f"def {name}(meta, o{extras}):",
                *(f" {line}" for line in lines),
                f" return ({frame} + {joined(fields)}).encode('latin-1')",
            ]
        )

    def _compile_decode(self) -> None:
        bind, wire = self.source.bind, self.reader
        malformed = wire.malformed
        lines = [
            "def decode(data):",
            f" if data is None or data[:{self.frame_bytes}] != {bind('frame', self.frame)}:",
            f"  raise {bind('bad_frame', _bad_frame)}(data, {self.frame!r})",
            f" try: m = {bind('parse', self.message_class.FromString)}(data[{self.frame_bytes}:])",
            f" except {bind('DecodeError', DecodeError)} as e:",
            f"  raise {malformed}('undecodable', f'{self.top.full_name}: {{e}}') from None",
        ]
        if self.enveloped:
            lines += [" " + line for line in self._envelope_read()]
        else:
            lines.append(f" meta = {bind('no_meta', NO_META)}")
        if self.oneof is None:
            cls, message = self.members[0][1:]
            self.source.add([f"long_0 = {wire.too_long(cls)}"])
            pairs = pairs_of(cls, message, frozenset({"envelope"}))
            lines += [" " + line for line in wire.reading(cls, pairs)]
            lines.append(" long = long_0")
        else:
            readers = [
                f"{name!r}: ({wire.reader(cls, message)}, {wire.too_long(cls)}, {name!r})"
                for name, cls, message in self.members
            ]
            self.source.add([f"readers = {{{', '.join(readers)}}}"])
            lines += [
                f" found = readers.get(m.WhichOneof({self.oneof!r}))",
                " if found is not None:",
                "  read, long, name = found",
                "  o = read(getattr(m, name))",
                *([" elif m.removed: o, long = None, lambda o: ''"] if "removed" in self.extras else []),
                f" else: raise {malformed}('body-missing', {self._body_missing()!r})",
            ]
        lines += [
            f" if len(data) > {ID_CHARS_MAX} and (w := {self._too_long()}(meta) or long(o)):",
            f"  raise {malformed}('too-long', w)",
            f" return meta, o, {{{', '.join(f'{name!r}: m.{name}' for name in self.extras)}}}",
        ]
        self.source.add(lines)

    def _body_missing(self) -> str:
        return f"{self.top.full_name}.{self.oneof} is not set, or is of a kind not known here (a newer producer)"

    def _too_long(self) -> str:
        return self.reader.too_long(Meta, ID_CHARS_MAX)

    def _envelope_read(self) -> list[str]:
        malformed, top = self.reader.malformed, self.top.full_name
        instant = self.source.shared("instant_ms", instant_ms)
        values = [
            {"occurred_at_ms": "occurred", "recorded_at_ms": "recorded"}.get(item.name, f"e.{item.name}")
            for item in fields_of(Meta)
        ]
        return [
            f"if not m.HasField('envelope'): raise {malformed}('envelope-missing', {top!r})",
            "e = m.envelope",
            "try:",
            f" occurred = {instant}(e.occurred_at)",
            f" recorded = {instant}(e.recorded_at)",
            "except ValueError as error:",
            f" raise {malformed}('bad-timestamp', f'{top}: envelope: {{error}}') from None",
            "if not occurred and not e.HasField('occurred_at'):",
            f" raise {malformed}('envelope-incomplete', {f'{top}: occurred_at is missing'!r})",
            *building(self.source, Meta, values, "meta"),
            "if not meta.id:",
            f" raise {malformed}('envelope-incomplete', {f'{top}: id is missing'!r})",
        ]


def _check_envelope(top: Descriptor) -> None:
    envelope = message_of(top.fields_by_name["envelope"])
    ours = {item.name.removesuffix("_ms") for item in fields(Meta)}
    theirs = {item.name for item in envelope.fields}
    if odd := ours ^ theirs:
        raise MappingError(f"{Meta.__qualname__} and {envelope.full_name}: only one side has {', '.join(sorted(odd))}")


def _members(top: Descriptor, union: tuple[type, ...], oneof: str | None) -> list[tuple[str, type, Descriptor]]:
    """Name of the oneof's member, dataclass, message; for a wire without a oneof the top-level message itself."""
    if oneof is None:
        if len(union) != 1 or union[0].__name__ != top.name:
            raise MappingError(f"{top.full_name} has no oneof: it takes the one dataclass {top.name}, not {union}")
        return [("itself", union[0], top)]
    if oneof not in top.oneofs_by_name:
        raise MappingError(f"{top.full_name} has no oneof {oneof!r}")
    classes = {cls.__name__: cls for cls in union}
    if len(classes) != len(union):
        raise MappingError(f"{top.full_name}: the union {union} has two dataclasses of one name")
    members = []
    for item in top.oneofs_by_name[oneof].fields:
        message = message_of(item)
        cls = classes.pop(message.name, None)
        if cls is None:
            raise MappingError(f"{top.full_name}.{item.name}: no dataclass {message.name} in the model's union")
        members.append((item.name, cls, message))
    if classes:
        raise MappingError(f"{top.full_name}: the oneof {oneof!r} has no member for {', '.join(sorted(classes))}")
    return members


def frame_of(top: Descriptor, schema_id: int) -> bytes:
    """What stands before a message: 0x00, the schema's id, the message's place in its file.

    Confluent's form of the place: a list of one number, both as zigzag varints, and one 0x00 for the first message.
    """
    place = list(top.file.message_types_by_name).index(top.name)
    if place >= 64:
        raise MappingError(
            f"{top.full_name} is message {place} of its file; a frame's place is written in one byte here"
        )
    return b"\x00" + schema_id.to_bytes(4, "big") + (bytes((2, 2 * place)) if place else b"\x00")


def _bad_frame(data: bytes | None, frame: bytes) -> Malformed:
    """Which part of the frame is not the topic's."""
    if not data:
        return Malformed("empty", "no value")
    if data[0] != 0:
        return Malformed("bad-magic", f"first byte {data[0]:#04x}, a framed message begins with 0x00")
    if data[:5] != frame[:5]:
        number = int.from_bytes(data[1:5], "big")
        return Malformed("unknown-schema", f"schema id {number}, this topic has {int.from_bytes(frame[1:5], 'big')}")
    found, wanted = data[5 : len(frame)].hex() or "none", frame[5:].hex()
    return Malformed("unknown-message-index", f"{found}, this topic's message has {wanted}")


def _unencodable(top: str, body: Any, error: Exception) -> Unencodable:
    kind = type(body).__qualname__
    if isinstance(error, KeyError) and error.args == (type(body),):
        return Unencodable(f"{kind} is no member of {top}")
    return Unencodable(f"{top}: {kind}: {error!r}")
