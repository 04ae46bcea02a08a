"""Pydantic models made from the domain's dataclasses, so that HTTP bodies are checked and documented.

Names are those of the wire: ``due_at_ms: int`` is ``due_at``, an RFC 3339 time. Unknown fields are refused.
"""

import datetime
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, BaseModel, ConfigDict, create_model

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MILLISECOND = datetime.timedelta(milliseconds=1)

_hints = cache(get_type_hints)  # for each request it would cost as much as deciding its command


@cache
def body_model(shape: type, without: frozenset[str] = frozenset()) -> type[BaseModel]:
    """The model of a dataclass, less the fields that come from elsewhere (the path)."""
    hints = _hints(shape)
    declared: dict[str, Any] = {}
    for field in fields(shape):
        if field.name in without:
            continue
        name, kind = _wire_name(field.name), _wire_type(field.name, hints[field.name])
        if field.default is not MISSING:
            default = field.default
            declared[name] = (
                kind,
                None if field.name != name and default is None else _wire_default(field.name, default),
            )
        else:
            declared[name] = (kind, ...)
    model: type[BaseModel] = create_model(
        shape.__name__, __doc__=shape.__doc__, __config__=ConfigDict(extra="forbid"), **declared
    )
    return model


def to_dataclass(shape: type, model: BaseModel, given: dict[str, Any]) -> Any:
    """The dataclass of a checked body, with the fields that came from elsewhere."""
    return shape(**_values(shape, model, given))


def _values(shape: type, model: BaseModel, given: dict[str, Any]) -> dict[str, Any]:
    hints = _hints(shape)
    values = dict(given)
    for field in fields(shape):
        if field.name not in values:
            values[field.name] = _model_value(hints[field.name], field.name, getattr(model, _wire_name(field.name)))
    return values


def _model_value(kind: Any, name: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // MILLISECOND
    if isinstance(value, BaseModel):
        shape = next(part for part in (kind, *get_args(kind)) if is_dataclass(part))
        return to_dataclass(typing.cast(type, shape), value, {})
    if isinstance(value, tuple):
        inner = get_args(kind)[0]
        return tuple(_model_value(inner, name, item) for item in value)
    return value


def _wire_name(name: str) -> str:
    return name.removesuffix("_ms")


def _wire_default(name: str, default: Any) -> Any:
    if name.endswith("_ms") and isinstance(default, int):
        return EPOCH + default * MILLISECOND
    return default


def _wire_type(name: str, kind: Any) -> Any:
    if name.endswith("_ms"):
        return AwareDatetime | None if type(None) in get_args(kind) else AwareDatetime
    if isinstance(kind, type) and is_dataclass(kind):
        return body_model(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return tuple[_wire_type("", arguments[0]), ...]  # type: ignore[misc]
    if origin in (types.UnionType, typing.Union):
        parts = [_wire_type("", part) if part is not type(None) else None for part in arguments]
        union: Any = parts[0]
        for part in parts[1:]:
            union = union | part
        return union
    return kind
