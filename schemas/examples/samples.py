"""One value of a dataclass, made from its type hints and always the same, with every field set.

Deliberately lacks: business sense. Equal names get equal values, so that the facts of one aggregate speak of one line.
"""

import datetime
from decimal import Decimal
from typing import Any

from services.kernel.shapes import Field, Kind, fields_of

NAMED = {
    "amount": Decimal("12.5"),
    "unit": "C62",
    "buyer_unit": "C62",
    "seller_unit": "XBX",
    "currency": "EUR",
    "units": 12,
    "nanos": 500_000_000,
    "buyer": "acme",
    "seller": "bolt",
    "enterprise": "acme",
    "site": "plant-1",
    "ship_from": "plant-1",
    "ship_to": "dock-7",
    "item": "screw-m6",
    "buyer_item": "m6x35",
    "seller_item": "screw-m6",
    "line": "0010",
    "order": "4711",
    "time_zone": "Europe/Berlin",
    "incoterm": "FCA",
    "reason_code": "machine-down",
    "order_key": "order/acme/4711",
    "flow_key": "flow/acme/4711/0010",
    "pool_key": "pool/bolt/plant-1/screw-m6",
    "shipment_key": "shipment/bolt/asn-1",
}
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY_MS = 86_400_000


def sample(cls: type) -> Any:
    """The value of a dataclass."""
    return cls(**{item.name: _field(item, place) for place, item in enumerate(fields_of(cls))})


def _field(item: Field, place: int) -> Any:
    one = NAMED.get(item.name)
    if one is None or item.kind in (Kind.STRUCT, Kind.CHOICE):
        one = _value(item, place)
    return (one,) if item.many else one


def _value(item: Field, place: int) -> Any:
    match item.kind:
        case Kind.TEXT | Kind.IDENTIFIER:
            return f"{item.name.replace('_', '-')}-1"
        case Kind.INTEGER:
            return place + 1
        case Kind.INSTANT:
            return START_MS + place * DAY_MS + 1
        case Kind.BOOLEAN:
            return True
        case Kind.BYTES:
            return item.name.encode()
        case Kind.DECIMAL:
            return Decimal(place) + Decimal("0.5")
        case Kind.DATE:
            return datetime.date(2026, 1, 1) + datetime.timedelta(days=place)
        case Kind.CHOICE:
            return list(item.of)[-1]
        case Kind.STRUCT:
            return sample(item.of)
