"""The mapping file: which column of a table stands for what of an order line. Format: docs/how-to/replay.md.

Owns: the format and its checks against a file's columns, ids made of any text, and dates. Deliberately lacks: commands
(replay.py). Nothing is filled in silently: what stands for a missing value is said in the mapping, or it is a mistake.
"""

import datetime
import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from infra.cli.errors import CliError
from infra.cli.table import TableRow

ID_CHARS_MAX = 64
DIGEST_CHARS = 16
MISTAKES_MAX = 10

DATES = ("placed_on", "due_on", "shipped_on", "received_on")
DEFAULTS = {"unit": "C62", "ship_from": "main", "ship_to": "main"}
ENTERPRISES = ("buyer", "seller")


class Part(BaseModel):
    """A part of the file; what is not known is a mistake, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Instead(Part):
    """What stands for a missing value: a constant, or another field's value, for dates so many days later."""

    constant: str | None = None
    field: str | None = None
    days: int = 0

    @model_validator(mode="after")
    def one(self) -> Self:
        """Exactly one."""
        if (self.constant is None) == (self.field is None):
            raise ValueError("give either constant or field")
        return self


class Source(Part):
    """Where a field comes from. ``missing``: texts that stand for no value, as an empty cell does."""

    column: str | None = None
    constant: str | None = None
    formats: list[str] = Field(default_factory=lambda: ["%Y-%m-%d"])
    missing: list[str] = Field(default_factory=list)
    instead: Instead | None = None

    @model_validator(mode="after")
    def some(self) -> Self:
        """A value has to come from somewhere."""
        if self.column is not None and self.constant is not None:
            raise ValueError("give column or constant, not both")
        if self.column is None and self.constant is None and self.instead is None:
            raise ValueError("give column, constant or instead")
        return self


class Check(Part):
    """The columns of the independent count: who delivered, when it was due, when it came; ``dates`` is their order."""

    partner: str
    due: str
    done: str
    dates: Annotated[str, StringConstraints(pattern=r"^(dmy|mdy|ymd)$")] = "ymd"


class Fields(Part):
    """The fields of an order line; see docs/how-to/replay.md for each."""

    buyer: Source
    seller: Source
    order: Source
    line: Source
    item: Source
    quantity: Source
    due_on: Source
    seller_item: Source | None = None
    unit: Source | None = None
    ship_from: Source | None = None
    ship_to: Source | None = None
    placed_on: Source | None = None
    shipped_on: Source | None = None
    received_on: Source | None = None
    shipment: Source | None = None


class MappingFile(Part):
    """A whole file."""

    mapping: str
    delimiter: Annotated[str, StringConstraints(pattern=r"^(comma|tab|semicolon)$")] | None = None
    fields: Fields
    check: Check

    @property
    def sources(self) -> dict[str, Source]:
        """Field to where it comes from, for those that are given."""
        found = {name: getattr(self.fields, name) for name in Fields.model_fields}
        return {name: source for name, source in found.items() if source is not None}


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order. A date that is None has not come yet; ids are as the services take them."""

    row: int
    buyer: str
    seller: str
    order: str
    line: str
    item: str
    seller_item: str
    quantity: Decimal
    unit: str
    ship_from: str
    ship_to: str
    placed_on: datetime.date
    due_on: datetime.date
    shipped_on: datetime.date | None
    received_on: datetime.date | None
    shipment: str


class RowMistake(ValueError):
    """A row that can not be an order line: its number, the field, and what is wrong."""


def load(path: Path) -> MappingFile:
    """The mapping of a file. Raises CliError with every mistake and where it stands."""
    try:
        found = MappingFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}; name a mapping file") from error
    except yaml.YAMLError as error:
        raise CliError(f"{path}: not YAML: {error}") from error
    except ValidationError as error:
        mistakes = [f"{' › '.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in error.errors()]
        raise CliError(_told(path, mistakes)) from error
    return found


def check(path: Path, mapping: MappingFile, columns: list[str]) -> None:
    """Raises CliError with every column that the file does not have, and every field that can not stand for another."""
    mistakes = []
    used = [(f"fields › {name} › column", source.column) for name, source in mapping.sources.items()]
    used += [(f"check › {name}", getattr(mapping.check, name)) for name in ("partner", "due", "done")]
    for where, column in used:
        if column is not None and column not in columns:
            near = difflib.get_close_matches(column, columns, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(columns)}"
            mistakes.append(f"{where}: the file has no column {column!r}; {hint}")
    known = set(mapping.sources) | set(DEFAULTS)
    for name, source in mapping.sources.items():
        other = source.instead.field if source.instead else None
        if other is not None and (other not in known or other == name):
            mistakes.append(f"fields › {name} › instead: there is no other field {other!r}")
        elif other is not None and (other in DATES) != (name in DATES):
            mistakes.append(f"fields › {name} › instead: {other} can not stand for it, one is a date and one is not")
    if mistakes:
        raise CliError(_told(path, mistakes))


def _told(path: Path, mistakes: list[str]) -> str:
    return "\n  ".join([f"{path}: {len(mistakes)} to mend (docs/how-to/replay.md has the format)", *mistakes])


class Reader:
    """Turns rows into order lines. ``names``: id of each enterprise to the text that it was made of."""

    def __init__(self, mapping: MappingFile) -> None:
        self._sources = mapping.sources
        self.names: dict[str, str] = {}
        self.filled: dict[str, int] = {}
        """Field to how often something stood for a missing value."""
        self.left_out = 0
        """Rows that could not be read."""

    def lines(self, rows: Iterator[TableRow], *, skip_bad: bool) -> Iterator[OrderLine]:
        """The lines. Raises CliError after the first ten rows that can not be read, unless those are left out."""
        mistakes: list[str] = []
        for row in rows:
            try:
                yield self.line(row)
            except RowMistake as error:
                self.left_out += 1
                mistakes.append(str(error))
                if not skip_bad and len(mistakes) >= MISTAKES_MAX:
                    break
        if mistakes and not skip_bad:
            advice = "mend the file or the mapping (missing, instead, formats), or leave such rows out with --skip-bad"
            raise CliError("\n  ".join(["rows that can not be read:", *mistakes, advice]))

    def line(self, row: TableRow) -> OrderLine:
        """One line. Raises RowMistake."""
        values = _Row(self._sources, row, self.filled)
        ids = {name: self._id(name, values) for name in ("buyer", "seller", "order", "line", "item")}
        item = ids["item"]
        seller_item = self._id("seller_item", values) if "seller_item" in self._sources else item
        due = values.date("due_on")
        if due is None:
            raise RowMistake(f"row {row.number}: due_on: missing, and nothing stands for it")
        shipped, received = values.date("shipped_on"), values.date("received_on")
        placed = values.date("placed_on") or min(day for day in (due, shipped, received) if day is not None)
        shipped = min(shipped, received) if shipped and received else shipped or received
        placed = min(placed, shipped) if shipped else placed
        shipment = ids["order"] + "." + ids["line"]
        if (given := values.text("shipment")) is not None:
            shipment = given
        return OrderLine(
            row.number, ids["buyer"], ids["seller"], ids["order"], ids["line"], item, seller_item,
            _quantity(row, values.text("quantity")), values.text("unit") or DEFAULTS["unit"],
            slug(values.text("ship_from") or DEFAULTS["ship_from"]),
            slug(values.text("ship_to") or DEFAULTS["ship_to"]),
            placed, due, shipped, received, identifier(shipment),
        )  # fmt: skip

    def _id(self, name: str, values: "_Row") -> str:
        text = values.text(name)
        if text is None:
            raise RowMistake(f"row {values.row.number}: {name}: missing, and nothing stands for it")
        if name not in ENTERPRISES:
            return identifier(text)
        id_ = slug(text)
        if self.names.setdefault(id_, text) != text:
            raise RowMistake(
                f"row {values.row.number}: {name}: {text!r} and {self.names[id_]!r} would be one id, {id_}"
            )
        return id_


class _Row:
    """One row's values by field."""

    def __init__(self, sources: Mapping[str, Source], row: TableRow, filled: dict[str, int]) -> None:
        self._sources, self.row, self._filled = sources, row, filled

    def text(self, name: str, seen: frozenset[str] = frozenset()) -> str | None:
        """The field's text, None if it is missing and nothing stands for it."""
        source = self._sources.get(name)
        if source is None:
            return None
        found = source.constant if source.column is None else self.row.cells[source.column]
        if found and found not in source.missing:
            return found
        if source.instead is None or name in seen:
            return None
        self._count(name)
        other = source.instead.field
        return source.instead.constant if other is None else self.text(other, seen | {name})

    def date(self, name: str, seen: frozenset[str] = frozenset()) -> datetime.date | None:
        """The field's date, None if it is missing and nothing stands for it. Raises RowMistake for no date."""
        source = self._sources.get(name)
        if source is None:
            return None
        found = source.constant if source.column is None else self.row.cells[source.column]
        if found and found not in source.missing:
            return self._read(name, found, source.formats)
        if source.instead is None or name in seen:
            return None
        self._count(name)
        if source.instead.field is None:
            return self._read(name, source.instead.constant or "", ["%Y-%m-%d"])
        day = self.date(source.instead.field, seen | {name})
        return None if day is None else day + datetime.timedelta(days=source.instead.days)

    def _read(self, name: str, text: str, formats: list[str]) -> datetime.date:
        for one in formats:
            try:
                return datetime.datetime.strptime(text, one).date()  # noqa: DTZ007  a date has no zone
            except ValueError:
                continue
        wanted = " or ".join(formats)
        raise RowMistake(f"row {self.row.number}: {name}: {text!r} does not fit {wanted}, and is not in missing")

    def _count(self, name: str) -> None:
        self._filled[name] = self._filled.get(name, 0) + 1


def _quantity(row: TableRow, text: str | None) -> Decimal:
    try:
        amount = Decimal((text or "").replace(",", ""))
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise RowMistake(f"row {row.number}: quantity: {text!r} is no number above zero")
    return amount


def identifier(text: str) -> str:
    """The text as an id: printable, without "/", at most 64 characters; one that had to be changed ends in a digest."""
    plain = "".join(char if char.isprintable() else " " for char in unicodedata.normalize("NFC", text))
    plain = " ".join(plain.replace("/", "-").split())
    if 0 < len(plain) <= ID_CHARS_MAX and plain == text:
        return plain
    digest = blake2b(text.encode(), digest_size=DIGEST_CHARS // 2).hexdigest()
    return f"{plain[: ID_CHARS_MAX - DIGEST_CHARS - 1].rstrip()}~{digest}"


def slug(text: str) -> str:
    """The text as an id that can be typed: lower-case Latin letters, digits and hyphens: Côte d'Or, cote-d-or."""
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "-", ascii_).strip("-")
    if 0 < len(plain) <= ID_CHARS_MAX:
        return plain
    digest = blake2b(text.encode(), digest_size=DIGEST_CHARS // 2).hexdigest()
    return f"{plain[: ID_CHARS_MAX - DIGEST_CHARS - 1]}-{digest}".strip("-")


def delimiter(mapping: MappingFile, otherwise: str) -> str:
    """The character between cells."""
    named: dict[Any, str] = {"comma": ",", "tab": "\t", "semicolon": ";"}
    return named.get(mapping.delimiter, otherwise)
