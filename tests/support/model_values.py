"""Hypothesis values of any dataclass of a model, from its type hints and within what formats carry."""

import datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from services.kernel.canonical import MS_MAX
from services.kernel.shapes import Field, Kind, fields_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DECIMALS = st.one_of(
    st.integers(-(10**18), 10**18).map(Decimal),
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12),
    st.sampled_from([Decimal(text) for text in ("0", "-0", "0.0", "1.50", "1E+3", "1E-7", "-7.00", "9" * 24)]),
)
INSTANTS = st.one_of(st.integers(0, MS_MAX), st.sampled_from([0, 1, 999, 1000, MS_MAX]))

_BY_KIND: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: TEXTS,
    Kind.IDENTIFIER: TEXTS,
    Kind.INTEGER: st.integers(0, 2**31 - 1),
    Kind.INSTANT: INSTANTS,
    Kind.BOOLEAN: st.booleans(),
    Kind.BYTES: st.binary(max_size=12),
    Kind.DECIMAL: DECIMALS,
    Kind.DATE: st.dates(datetime.date(1970, 1, 1)),
}


def values_of(cls: type) -> st.SearchStrategy[Any]:
    """Values of a dataclass."""
    return st.builds(cls, **{item.name: _field_values(item) for item in fields_of(cls)})


def _field_values(item: Field) -> st.SearchStrategy[Any]:
    if item.kind is Kind.STRUCT:
        one = values_of(item.of)
    elif item.kind is Kind.CHOICE:
        one = st.sampled_from(list(item.of))
    else:
        one = _BY_KIND[item.kind]
    if item.many:
        return st.lists(one, max_size=3).map(tuple)
    return st.none() | one if item.optional else one
