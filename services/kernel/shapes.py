"""What the dataclasses of a model are made of, read from their type hints once at start.

Owns the list of types that a fact, command, row or link may use; the wire, the rows and the JSON answers are all
compiled from it. Deliberately lacks: any format. A type that is not on the list is a mistake at start, by name.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Any, Final

from services.kernel.frozen import twin_of

MISSING: Final = dataclasses.MISSING


class MappingError(TypeError):
    """A model and its format do not fit; the message names both sides."""


class Kind(Enum):
    """What a single value is. IDENTIFIER is a NewType of str, INSTANT an int named ``…_ms`` (since 1970)."""

    TEXT = "str"
    IDENTIFIER = "NewType of str"
    INTEGER = "int"
    INSTANT = "int named …_ms"
    BOOLEAN = "bool"
    BYTES = "bytes"
    DECIMAL = "Decimal"
    DATE = "date"
    CHOICE = "StrEnum"
    STRUCT = "dataclass"


PLAIN: Final = frozenset({Kind.TEXT, Kind.IDENTIFIER, Kind.INTEGER, Kind.INSTANT, Kind.BOOLEAN, Kind.BYTES})
"""Kinds whose Python value is written as it is."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, whether it is a tuple of such values or may be None, the class of a CHOICE or STRUCT."""

    name: str
    kind: Kind
    many: bool
    optional: bool
    of: Any
    default: Any


@lru_cache(4096)
def fields_of(cls: type) -> tuple[Field, ...]:
    """The fields of a frozen dataclass in order; raises MappingError for a type that no format can carry."""
    if not dataclasses.is_dataclass(cls):
        raise MappingError(f"{cls.__module__}.{cls.__qualname__} is not a dataclass")
    if not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # typeshed hides it
        raise MappingError(f"{cls.__module__}.{cls.__qualname__} is not frozen")
    hints = typing.get_type_hints(cls)
    return tuple(_field(cls, item, hints[item.name]) for item in dataclasses.fields(cls))


def _field(cls: type, item: "dataclasses.Field[Any]", hint: Any) -> Field:
    where = f"{cls.__module__}.{cls.__qualname__}.{item.name}"
    default = item.default if item.default_factory is MISSING else item.default_factory()
    many = optional = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [one for one in typing.get_args(hint) if one is not types.NoneType]
        if len(inner) != 1 or len(typing.get_args(hint)) != 2:
            raise MappingError(f"{where}: {hint} is a union of more than a type and None")
        hint, optional = inner[0], True
    elif typing.get_origin(hint) is tuple:
        inner = list(typing.get_args(hint))
        if len(inner) != 2 or inner[1] is not Ellipsis:
            raise MappingError(f"{where}: {hint} is not tuple[T, ...]; name the parts in a dataclass")
        hint, many = inner[0], True
    kind, of = _kind(where, item.name, hint)
    return Field(item.name, kind, many, optional, of, default)


def _kind(where: str, name: str, hint: Any) -> tuple[Kind, Any]:
    identifier = isinstance(hint, typing.NewType)
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    if hint is str:
        return (Kind.IDENTIFIER if identifier else Kind.TEXT), None
    if hint is int:
        return (Kind.INSTANT if name.endswith("_ms") else Kind.INTEGER), None
    simple = {bool: Kind.BOOLEAN, bytes: Kind.BYTES, Decimal: Kind.DECIMAL, date: Kind.DATE}
    if hint in simple:
        return simple[hint], None
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Kind.CHOICE, hint
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return Kind.STRUCT, hint
    raise MappingError(f"{where}: {hint} is none of {', '.join(kind.value for kind in Kind)}")


class Source:
    """A module of generated functions: lines of Python and the values that they mention."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {}
        self._lines: list[str] = []
        self._made: dict[Any, str] = {}
        self._shared: dict[str, str] = {}

    def bind(self, hint: str, value: Any) -> str:
        """A name by which the lines can mention the value."""
        name = f"{hint}_{len(self._names)}"
        self._names[name] = value
        return name

    def shared(self, hint: str, value: Any) -> str:
        """The name of a value that is bound once, however often it is asked for by its hint."""
        if hint not in self._shared:
            self._shared[hint] = self.bind(hint, value)
        return self._shared[hint]

    def once(self, key: Any, make: Callable[[str], list[str]], hint: str) -> str:
        """The name of the function for the key; ``make(name)`` gives its lines the first time it is asked for."""
        name = self._made.get(key)
        if name is None:
            name = f"{hint}_{len(self._made)}_"
            self._made[key] = name
            self._lines += make(name)
        return name

    def add(self, lines: list[str]) -> None:
        """Appends lines."""
        self._lines += lines

    def run(self) -> Mapping[str, Any]:
        """Executes the lines and gives the names that they define."""
        text = "\n".join(self._lines)
        namespace = dict(self._names)
        exec(
            compile(text, "<generated by services.kernel>", "exec"), namespace
        )  # names and our own text only, nothing that was read
        return namespace


def building(source: Source, cls: type, values: list[str], variable: str = "o") -> list[str]:
    """Lines that build a dataclass from one expression per field and leave it in a variable.

    By its twin (see frozen.py), where it has one, and without a call.
    """
    names = [item.name for item in fields_of(cls)]
    twin = twin_of(cls)
    if twin is None:
        name = source.bind(cls.__name__, cls)
        return [f"{variable} = {name}({', '.join(f'{n}={v}' for n, v in zip(names, values, strict=True))})"]
    lines = [f"{variable} = {source.bind('new', twin)}()"]
    lines += [f"{variable}.{name} = {value}" for name, value in zip(names, values, strict=True)]
    return [*lines, f"{variable}.__class__ = {source.bind(cls.__name__, cls)}"]
