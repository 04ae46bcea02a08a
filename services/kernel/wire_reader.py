"""Protobuf messages to dataclasses, by functions that are generated from the names of their fields.

Owns the errors that a message can make. Deliberately lacks: framing, envelope and the choice of the body's type
(codec.py).
"""

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.kernel.canonical import SECONDS_MAX, date_of, decimal_of
from services.kernel.mapping import ID_CHARS_MAX, TEXT_CHARS_MAX, Pair, enum_of, message_of, numbers_of, pairs_of
from services.kernel.remembered import remembered
from services.kernel.shapes import PLAIN, Kind, Source, building, fields_of

_F = FieldDescriptor


class Malformed(ValueError):
    """Bytes that are no message of the topic: ``reason`` is a stable code, ``detail`` is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class WireReader:
    """Generates the functions of one wire; each type of the model is converted by one function, however often it
    occurs.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.malformed = source.bind("Malformed", Malformed)

    # --- message to model ---------------------------------------------------------------------------------------------

    def reader(self, cls: type, message: Descriptor) -> str:
        """The name of a function (message) -> object; it raises Malformed."""

        def make(name: str) -> list[str]:
            lines = self.reading(cls, pairs_of(cls, message))
            return [f"def {name}(m):", *(f" {line}" for line in lines), " return o"]

        return self.source.once(("read", cls, message.full_name), make, f"read_{cls.__name__}")

    def _part(self, cls: type, message: Descriptor) -> str:
        """The name of such a function for a part of a message; what was read or written lately is not made again."""
        plain, known = self.reader(cls, message), remembered(cls, message.full_name)
        if known is None:
            return plain

        def make(name: str) -> list[str]:
            found, keep = self.source.bind("found", known.objects.get), self.source.bind("keep", known.keep_read)
            return [
                f"def {name}(m):",
                " b = m.SerializeToString()",
                f" o = {found}(b)",
                " if o is None:",
                f"  o = {plain}(m)",
                f"  {keep}(o, b)",
                " return o",
            ]

        return self.source.once(("read part", cls, message.full_name), make, f"read_part_{cls.__name__}")

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
            return self.source.shared("instant_ms", instant_ms) + "({})"
        if model.kind in PLAIN:
            return None
        if model.kind is Kind.DECIMAL:
            return self.source.shared("decimal_of", decimal_of) + "({})"
        if model.kind is Kind.DATE:
            return self.source.shared("date_of", date_of) + "({})"
        if model.kind is Kind.CHOICE:
            members: dict[int, Any] = {n: m for m, n in numbers_of(model.of, enum_of(pair.proto)).items()}
            if model.optional:
                members[0] = None
            return self.source.bind("members", members) + "[{}]"
        return self._part(model.of, message_of(pair.proto)) + "({})"

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
                f" raise {self.source.shared('odd_choice', odd_choice)}({where!r}, e) from None",
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
