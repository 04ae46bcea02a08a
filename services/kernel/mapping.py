"""Which field of a dataclass is which field of its protobuf message: by name, checked when a wire is compiled.

Owns the rules of the mapping, and the bounds of what a message may carry. Deliberately lacks: the conversion itself
(wire_reader.py, wire_writer.py).
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from services.kernel.shapes import Field, Kind, MappingError, fields_of

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
        return where_of(self.proto)


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


def where_of(field: FieldDescriptor) -> str:
    """Message and field, for errors."""
    owner = field.containing_type
    return f"{owner.name if owner else ''}.{field.name}"
