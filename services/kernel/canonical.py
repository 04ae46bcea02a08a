"""One text for one value: decimals, dates and instants as the wire, the rows and the JSON answers write them.

Owns the bounds of what may be written (40 digits, years 1970 to 9999). Deliberately lacks: units, currencies, time
zones; rounding (a value that does not fit is an error, never a nearby value).
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

DIGITS_MAX: Final = 24  # sums stay exact within the 28 digits of Python's decimal context
SECONDS_MAX: Final = 253_402_300_799  # 9999-12-31T23:59:59Z, the end of what protobuf and RFC 3339 can say
MS_MAX: Final = SECONDS_MAX * 1000 + 999
CACHE_ENTRIES_MAX: Final = 16_384

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_decimals: dict[str, Decimal] = {}
_texts: dict[Decimal, str] = {}
_seconds: dict[int, str] = {}


def decimal_text(value: Decimal) -> str:
    """The one plain text of a decimal: no exponent, no trailing zeros, no minus zero; equal values give equal texts.

    Raises ValueError for NaN, infinity and more than 40 digits, TypeError for anything but a Decimal.
    """
    if value.__class__ is not Decimal:
        raise TypeError(f"{value!r} is not a Decimal")
    text = _texts.get(value)
    if text is None:
        text = _plain_text(value)
        if len(_texts) >= CACHE_ENTRIES_MAX:
            _texts.clear()
        _texts[value] = text
    return text


def decimal_of(text: str) -> Decimal:
    """The decimal that a plain text stands for, without trailing zeros.

    Raises ValueError for anything but ``-?digits[.digits]`` of at most 40 digits (no NaN, exponent, sign plus, blank).
    """
    value = _decimals.get(text)
    if value is None:
        if len(text) > DIGITS_MAX + 2 or not _PLAIN.fullmatch(text) or _digits(text) > DIGITS_MAX:
            raise ValueError(f"{text[:60]!r} is not a plain decimal of at most {DIGITS_MAX} digits")
        value = Decimal(decimal_text(Decimal(text)))
        if len(_decimals) >= CACHE_ENTRIES_MAX:
            _decimals.clear()
        _decimals[text] = value
    return value


def date_of(text: str) -> date:
    """The date of an ISO 8601 text YYYY-MM-DD; raises ValueError for any other of ISO's forms."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        raise ValueError(f"{text[:60]!r} is not a date YYYY-MM-DD")
    return date.fromisoformat(text)


def instant_text(ms: int) -> str:
    """The RFC 3339 text, in UTC and to the millisecond, of milliseconds since 1970.

    Raises ValueError outside the years 1970 to 9999.
    """
    seconds, rest = divmod(ms, 1000)
    head = _seconds.get(seconds)
    if head is None:
        if not 0 <= seconds <= SECONDS_MAX:
            raise ValueError(f"{ms} ms is outside the years 1970 to 9999")
        head = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        if len(_seconds) >= CACHE_ENTRIES_MAX:
            _seconds.clear()
        _seconds[seconds] = head
    return f"{head}{rest:03d}Z"


def _plain_text(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} is not a number")
    if not value:
        return "0"
    if abs(value.adjusted()) > DIGITS_MAX:  # before the text is made: 1E+999999 has a million digits
        raise ValueError(f"{value} has more than {DIGITS_MAX} digits")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if _digits(text) > DIGITS_MAX:
        raise ValueError(f"{text[:60]} has more than {DIGITS_MAX} digits")
    return text


def _digits(text: str) -> int:
    return len(text) - text.count("-") - text.count(".")
