"""Protobuf messages and dataclasses are mapped by their names, and the functions that convert are generated from that.

Owns the rules of the mapping and the check, at start, that both sides have the same fields. A message is built by one
constructor call from nested dicts: ``CopyFrom`` and ``extend`` cost more than all the rest. Deliberately lacks:
framing, envelope and the choice of the body's type (codec.py).
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from services.kernel.canonical import MS_MAX, SECONDS_MAX, date_of, decimal_of, decimal_text
from services.kernel.shapes import PLAIN, Field, Kind, MappingError, Source, building, fields_of

ID_CHARS_MAX: Final = 512
TEXT_CHARS_MAX: Final = 4_096
TIMESTAMP: Final = "google.protobuf.Timestamp"

_F = FieldDescriptor
_SCALARS: Final = {
    Kind.TEXT: {_F.TYPE_STRING},
    Kind.IDENTIFIER: {_F.TYPE_STRING},
    Kind.DECIMAL: {_F.TYPE_STRING},
    Kind.DATE: {_F.TYPE_STRING},
    Kind.BOOLEAN: {_F.TYPE_BOOL},
    Kind.BYTES: {_F.TYPE_BYTES},
    Kind.INTEGER: {_F.TYPE_INT32, _F.TYPE_INT64, _F.TYPE_UINT32, _F.TYPE_UINT64, _F.TYPE_SINT32, _F.TYPE_SINT64},
    Kind.CHOICE: {_F.TYPE_ENUM},
}


class Malformed(ValueError):
    """Bytes that are no message of the topic: ``reason`` is a stable code, ``detail`` is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Unencodable(ValueError):
    """A value that the wire cannot carry, so nobody could read it back; a defect of whoever made it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A field of the model and its field of the message."""

    model: Field
    proto: FieldDescriptor

    @property
    def instant(self) -> bool:
        return self.model.kind is Kind.INSTANT and self.proto.name != self.model.name

    @property
    def where(self) -> str:
        owner = self.proto.containing_type
        return f"{owner.name if owner else ''}.{self.proto.name}"


def pairs_of(cls: type, message: Descriptor, apart: frozenset[str] = frozenset()) -> tuple[Pair, ...]:
    """The fields of a dataclass with those of a message, by name; ``apart`` names message fields that are not the
    model's.

    Raises MappingError naming both sides when a field is missing on either, or when their types do not fit.
    """
    sides = f"{cls.__module__}.{cls.__qualname__} and {message.full_name}"
    protos = {item.name: item for item in message.fields if item.name not in apart}
    pairs = []
    for model in fields_of(cls):
        name = model.name
        if model.kind is Kind.INSTANT and name not in protos:
            name = name.removesuffix("_ms")
        proto = protos.pop(name, None)
        if proto is None:
            raise MappingError(f"{sides}: the message has no field {name!r}")
        pairs.append(Pair(model, proto))
        _check(sides, pairs[-1])
    if protos:
        raise MappingError(f"{sides}: the dataclass has no field {', '.join(map(repr, protos))}")
    return tuple(pairs)


def _check(sides: str, pair: Pair) -> None:
    model, proto = pair.model, pair.proto
    where = f"{sides}: field {proto.name!r}"
    if model.many != proto.is_repeated:
        raise MappingError(f"{where} is repeated on one side only")
    if pair.instant or model.kind is Kind.STRUCT:
        wanted = TIMESTAMP.rpartition(".")[2] if pair.instant else model.of.__name__
        if message_of(proto).name != wanted:
            raise MappingError(f"{where} is a {message_of(proto).full_name}, the dataclass has {wanted}")
        return
    if proto.type not in _SCALARS[Kind.INTEGER if model.kind is Kind.INSTANT else model.kind]:
        raise MappingError(f"{where} is of another protobuf type than {model.kind.value} needs")
    optional = proto.has_presence and proto.containing_oneof is not None
    if model.optional != optional and not (model.kind is Kind.CHOICE and model.optional):  # absent is UNSPECIFIED too
        raise MappingError(f"{where} is optional on one side only (T | None is proto3 'optional')")
    if model.kind is Kind.CHOICE:
        numbers_of(model.of, enum_of(proto))


def numbers_of(members: type, enum: EnumDescriptor) -> dict[Any, int]:
    """Each member of a StrEnum to its number; raises MappingError where one side has a member that the other lacks."""
    sides = f"{members.__module__}.{members.__qualname__} and {enum.full_name}"
    if enum.name != members.__name__:
        raise MappingError(f"{sides}: the names differ")
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", enum.name).upper() + "_"
    numbers = {value.name.removeprefix(prefix): value.number for value in enum.values if value.number}
    names = {member.name for member in members}  # type: ignore[attr-defined]  # a StrEnum's class is iterable
    if odd := names ^ numbers.keys():
        raise MappingError(f"{sides}: only one side has {', '.join(sorted(odd))} (prefix {prefix})")
    return {member: numbers[member.name] for member in members}  # type: ignore[attr-defined]


class WireSource:
    """Generates the functions of one wire; each type of the model is converted by one function, however often it
    occurs.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.malformed = source.bind("Malformed", Malformed)
        self._shared: dict[str, str] = {}

    def shared(self, name: str, value: Any) -> str:
        """The name of a value bound once."""
        if name not in self._shared:
            self._shared[name] = self.source.bind(name, value)
        return self._shared[name]

    # --- model to message ---------------------------------------------------------------------------------------------

    def writer(self, cls: type, message: Descriptor) -> str:
        """The name of a function (object) -> dict of constructor arguments."""

        def make(name: str) -> list[str]:
            return [f"def {name}(o):", f" return {self.written(pairs_of(cls, message))}"]

        return self.source.once(("write", cls, message.full_name), make, f"write_{cls.__name__}")

    def written(self, pairs: tuple[Pair, ...], extra: str = "") -> str:
        """A dict display of constructor arguments from the object ``o``."""
        return "{" + ", ".join([f"{pair.proto.name!r}: {self._written(pair)}" for pair in pairs] + [extra]) + "}"

    def _written(self, pair: Pair) -> str:
        model = pair.model
        value = f"o.{model.name}"
        if pair.instant:
            call = self.shared("instant_fields", instant_fields) + "({})"
        elif model.kind in PLAIN:
            return value
        elif model.kind is Kind.DECIMAL:
            call = self.shared("decimal_text", decimal_text) + "({})"
        elif model.kind is Kind.DATE:
            call = "{}.isoformat()"
        elif model.kind is Kind.CHOICE:
            numbers: dict[Any, Any] = numbers_of(model.of, enum_of(pair.proto))
            if model.optional:
                return self.source.bind("numbers", numbers | {None: None}) + f"[{value}]"
            call = self.source.bind("numbers", numbers) + "[{}]"
        else:
            call = self.writer(model.of, message_of(pair.proto)) + "({})"
        if model.many:
            return f"[{call.format('x')} for x in {value}]"
        if model.optional:
            return f"None if {value} is None else {call.format(value)}"
        return call.format(value)

    # --- message to model ---------------------------------------------------------------------------------------------

    def reader(self, cls: type, message: Descriptor) -> str:
        """The name of a function (message) -> object; it raises Malformed."""

        def make(name: str) -> list[str]:
            lines = self.reading(cls, pairs_of(cls, message))
            return [f"def {name}(m):", *(f" {line}" for line in lines), " return o"]

        return self.source.once(("read", cls, message.full_name), make, f"read_{cls.__name__}")

    def reading(self, cls: type, pairs: tuple[Pair, ...]) -> list[str]:
        """Lines that read the message ``m`` into a new object ``o``."""
        before: list[str] = []
        values = [self._read(pair, before) for pair in pairs]
        built = building(self.source, cls, values)
        if hasattr(cls, "__post_init__"):
            built = [
                "try:",
                *(f" {line}" for line in built),
                "except ValueError as e:",
                f" raise {self.malformed}('value-out-of-range', f'{cls.__name__}: {{e}}') from e",
            ]
        return [*before, *built]

    def _read(self, pair: Pair, before: list[str]) -> str:
        """An expression for the field's value, after lines that are appended to ``before``."""
        model, name = pair.model, pair.proto.name
        call = self._call(pair)
        if model.many:
            if call is None:
                return f"tuple(m.{name})"
            before += self._guarded(pair, f"{name}_ = tuple([{call.format('x')} for x in m.{name}])")
            return f"{name}_"
        if model.optional and model.kind is not Kind.CHOICE:
            if call is None:  # a value that is not the default was there: HasField costs twice as much
                return f"x if (x := m.{name}) or m.HasField({name!r}) else None"
            read = f"{name}_ = {call.format(f'm.{name}')} if m.HasField({name!r}) else None"
            before += self._guarded(pair, read)
            return f"{name}_"
        if call is None:
            return f"m.{name}"
        if pair.proto.type == _F.TYPE_MESSAGE and not (pair.instant or self._fails_when_absent(pair)):
            before.append(f"if not m.HasField({name!r}): raise {self._missing(pair)}")
        before += self._guarded(pair, f"{name}_ = {call.format(f'm.{name}')}", required=True)
        return f"{name}_"

    def _call(self, pair: Pair) -> str | None:
        """The conversion of one value, with {} for it; None where the value is taken as it is."""
        model = pair.model
        if pair.instant:
            return self.shared("instant_ms", instant_ms) + "({})"
        if model.kind in PLAIN:
            return None
        if model.kind is Kind.DECIMAL:
            return self.shared("decimal_of", decimal_of) + "({})"
        if model.kind is Kind.DATE:
            return self.shared("date_of", date_of) + "({})"
        if model.kind is Kind.CHOICE:
            members: dict[int, Any] = {n: m for m, n in numbers_of(model.of, enum_of(pair.proto)).items()}
            if model.optional:
                members[0] = None
            return self.source.bind("members", members) + "[{}]"
        return self.reader(model.of, message_of(pair.proto)) + "({})"

    def _guarded(self, pair: Pair, line: str, required: bool = False) -> list[str]:
        """The line, with errors told as Malformed and named by the field. A try block that nothing leaves costs
        nothing.
        """
        model, where, name = pair.model, pair.where, pair.proto.name
        lines = ["try:", f" {line}"]
        missing: list[str] = []
        if required and pair.proto.type == _F.TYPE_MESSAGE:
            missing = [f" if not m.HasField({name!r}): raise {self._missing(pair)} from None"]
        if model.kind is Kind.CHOICE:
            lines += [
                "except KeyError as e:",
                f" raise {self.shared('odd_choice', odd_choice)}({where!r}, e) from None",
            ]
        elif model.kind is Kind.STRUCT:
            lines += [
                f"except {self.malformed} as e:",
                *missing,
                f" raise {self.malformed}(e.reason, f'{where} > {{e.detail}}') from None",
            ]
        else:
            reason = "timestamp" if pair.instant else model.kind.name.lower()
            lines += [
                "except ValueError as e:",
                *missing,
                f" raise {self.malformed}('bad-{reason}', f'{where}: {{e}}') from None",
            ]
        if pair.instant and missing:  # an absent timestamp reads as 1970
            lines += [f"if {name}_ == 0 and not m.HasField({name!r}): raise {self._missing(pair)}"]
        return lines

    def _missing(self, pair: Pair) -> str:
        return f"{self.malformed}('field-missing', {pair.where!r})"

    def _fails_when_absent(self, pair: Pair) -> bool:
        """Whether reading an absent message fails by itself, so that HasField need only be asked then."""
        for inner in pairs_of(pair.model.of, message_of(pair.proto)):
            single = not (inner.model.many or inner.model.optional)
            if single and (inner.instant or inner.model.kind in (Kind.DECIMAL, Kind.DATE, Kind.CHOICE)):
                return True
        return False

    # --- bounds -------------------------------------------------------------------------------------------------------

    def too_long(self, cls: type, chars_max: int = TEXT_CHARS_MAX) -> str:
        """The name of a function (object) -> the name of its first text that is too long, or ''."""

        def make(name: str) -> list[str]:
            lines = [f"def {name}(o):"]
            for item in fields_of(cls):
                if item.kind is Kind.STRUCT:
                    test, found = f"(w := {self.too_long(item.of)}(x))", "w"
                elif item.kind in (Kind.TEXT, Kind.IDENTIFIER):
                    most = chars_max if item.kind is Kind.TEXT else ID_CHARS_MAX
                    test, found = f"len(x) > {most}", repr(f"{cls.__name__}.{item.name}")
                else:
                    continue
                values = f"o.{item.name}" if item.many else f"(o.{item.name},)"
                known = "x is not None and " if item.optional else ""
                lines += [f" for x in {values}:", f"  if {known}{test}: return {found}"]
            return [*lines, " return ''"]

        return self.source.once(("long", cls), make, f"too_long_{cls.__name__}")


def message_of(field: FieldDescriptor) -> Descriptor:
    """The type of a field that is a message; raises MappingError for any other."""
    if field.message_type is None:
        raise MappingError(f"{field.full_name} is no message")
    return field.message_type


def enum_of(field: FieldDescriptor) -> EnumDescriptor:
    """The type of a field that is an enum; raises MappingError for any other."""
    if field.enum_type is None:
        raise MappingError(f"{field.full_name} is no enum")
    return field.enum_type


def instant_fields(ms: int) -> dict[str, int]:
    """A Timestamp's constructor arguments; raises ValueError outside the years 1970 to 9999."""
    if 0 <= ms <= MS_MAX:
        return {"seconds": ms // 1000, "nanos": ms % 1000 * 1_000_000}
    raise ValueError(f"{ms} ms is outside the years 1970 to 9999")


def instant_ms(timestamp: Any) -> int:
    """A Timestamp's milliseconds, the rest cut off; raises ValueError outside the years 1970 to 9999."""
    seconds: int = timestamp.seconds
    nanos: int = timestamp.nanos
    if 0 <= seconds <= SECONDS_MAX and 0 <= nanos < 1_000_000_000:
        return seconds * 1000 + nanos // 1_000_000
    raise ValueError(f"{seconds} s and {nanos} ns is outside the years 1970 to 9999")


def odd_choice(where: str, error: KeyError) -> Malformed:
    """Why a number is no member: unspecified, or of a newer producer."""
    number = error.args[0]
    if number == 0:
        return Malformed("choice-missing", f"{where} is unspecified")
    return Malformed("unknown-choice", f"{where}: {number} is not known here; the producer is newer")
