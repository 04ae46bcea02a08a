"""Model values as JSON for HTTP answers, by the names that the messages have.

Owns: decimals and dates as text, ``due_at_ms`` as ``due_at`` in RFC 3339, enums by their value, bytes in base64, None
as null. Deliberately lacks: reading JSON (a request's model says what is wrong with a field, this would not).
"""

from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from services.kernel.canonical import decimal_text, instant_text
from services.kernel.shapes import Field, Kind, Source, fields_of


def to_json(value: Any) -> dict[str, Any]:
    """A dataclass as a dict of JSON values; raises MappingError for a class that the model may not have."""
    return _compiled(value.__class__)(value)


@lru_cache(4096)
def _compiled(cls: type) -> Callable[[Any], dict[str, Any]]:
    source = Source()
    name = _writer(source, cls)
    made: Callable[[Any], dict[str, Any]] = source.run()[name]
    return made


def _writer(source: Source, cls: type) -> str:
    def make(name: str) -> list[str]:
        members = [f"{_json_name(item)!r}: {_written(source, item)}" for item in fields_of(cls)]
        return [f"def {name}(o):", f" return {{{', '.join(members)}}}"]

    return source.once(cls, make, f"json_{cls.__name__}")


def _json_name(item: Field) -> str:
    return item.name.removesuffix("_ms") if item.kind is Kind.INSTANT else item.name


def _written(source: Source, item: Field) -> str:
    value = f"o.{item.name}"
    if item.kind is Kind.INSTANT:
        call = source.bind("instant_text", instant_text) + "({})"
    elif item.kind is Kind.DECIMAL:
        call = source.bind("decimal_text", decimal_text) + "({})"
    elif item.kind is Kind.DATE:
        call = "{}.isoformat()"
    elif item.kind is Kind.CHOICE:
        call = "{}.value"
    elif item.kind is Kind.BYTES:
        call = source.bind("base64", lambda data: b64encode(data).decode()) + "({})"
    elif item.kind is Kind.STRUCT:
        call = _writer(source, item.of) + "({})"
    else:
        return f"list({value})" if item.many else value
    if item.many:
        return f"[{call.format('x')} for x in {value}]"
    if item.optional:
        return f"None if {value} is None else {call.format(value)}"
    return call.format(value)
