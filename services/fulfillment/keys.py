"""Ids and keys of lanes, flows and shipments: how they are built, taken apart and checked at the door.

Deliberately lacks: whether what a key names exists.
"""

from hashlib import blake2b
from typing import Final, NewType

from services.kernel.values import EnterpriseId, Refused

FlowKey = NewType("FlowKey", str)
ShipmentKey = NewType("ShipmentKey", str)
ShipmentId = NewType("ShipmentId", str)
TransferId = NewType("TransferId", str)
WorkId = NewType("WorkId", str)
DisruptionId = NewType("DisruptionId", str)
LineId = NewType("LineId", str)
SiteId = NewType("SiteId", str)
ItemId = NewType("ItemId", str)

ID_LENGTH_MAX: Final = 64
TEXT_LENGTH_MAX: Final = 200
NO_LINE: Final = LineId("")
NO_ITEM: Final = ItemId("")
NO_SITE: Final = SiteId("")
ONLY_LINE: Final = LineId("1")
"""The line of a shipment that a flow asked for: it has no other."""

_DIGEST_BYTES: Final = 8
_READABLE_LENGTH: Final = ID_LENGTH_MAX - 2 * _DIGEST_BYTES - 1


def refuse_id(value: str, field: str) -> Refused | None:
    """Why the value cannot be an id (1 to 64 printable characters, none of them "/"), or None if it can."""
    if 0 < len(value) <= ID_LENGTH_MAX and "/" not in value and value.isprintable():
        return None
    return Refused("id-invalid", f'send {field} with 1 to {ID_LENGTH_MAX} printable characters and without "/"', field)


def refuse_optional_id(value: str, field: str) -> Refused | None:
    """Like ``refuse_id``, but an empty value stands for "none" and is fine."""
    return refuse_id(value, field) if value else None


def refuse_text(value: str, field: str) -> Refused | None:
    """Why the value cannot be a short text (printable, at most 200 characters, may be empty), or None if it can."""
    if len(value) <= TEXT_LENGTH_MAX and (not value or value.isprintable()):
        return None
    return Refused("text-invalid", f"send {field} with at most {TEXT_LENGTH_MAX} printable characters", field)


def refuse_flow_key(value: str, buyer: str, field: str) -> Refused | None:
    """Why the value cannot be the key of a flow to that buyer (``flow/<buyer>/<order>/<line>``), or None if it can."""
    parts = value.split("/")
    if (
        len(parts) == 4
        and parts[0] == "flow"
        and parts[1] == buyer
        and all(refuse_id(p, field) is None for p in parts[1:])
    ):
        return None
    return Refused("flow-invalid", f"send {field} as flow/<buyer>/<order>/<line> with the buyer of the shipment", field)


def shipment_key(seller: str, shipment: str) -> ShipmentKey:
    """``shipment/<seller>/<id>``."""
    return ShipmentKey(f"shipment/{seller}/{shipment}")


def owner_of(key: str) -> EnterpriseId:
    """The enterprise whose aggregate a key names: the seller of a shipment, the owner of a work order; "" for none."""
    return EnterpriseId(key.partition("/")[2].partition("/")[0])


def line_flow_key(buyer: str, number: str, line: str) -> FlowKey:
    """``flow/<buyer>/<order>/<line>``."""
    return FlowKey(f"flow/{buyer}/{number}/{line}")


def transfer_flow_key(enterprise: str, transfer: str) -> FlowKey:
    """``flow/<enterprise>/transfer/<id>``; no order can be numbered "transfer"."""
    return FlowKey(f"flow/{enterprise}/transfer/{transfer}")


def work_key(enterprise: str, work: str) -> FlowKey:
    """``work/<enterprise>/<id>``: a work order is a flow to its pools."""
    return FlowKey(f"work/{enterprise}/{work}")


def disruption_key(enterprise: str, disruption: str) -> str:
    """``disruption/<enterprise>/<id>``, which is also what the delays by it are counted under."""
    return f"disruption/{enterprise}/{disruption}"


def demand_id(key: str, n: int) -> str:
    """``<flow key>#<n>``: the n-th input of a flow, as its pool knows it."""
    return f"{key}#{n}"


def demand_number(demand: str) -> int | None:
    """The n of a demand's id, or None for one that no flow gave."""
    n = demand.rpartition("#")[2]
    return int(n) if n.isascii() and n.isdigit() else None


def pool_key(enterprise: str, site: str, item: str) -> str:
    """``pool/<enterprise>/<site>/<item>``."""
    return f"pool/{enterprise}/{site}/{item}"


def wanted_shipment_key(seller: str, flow: FlowKey, n: int) -> ShipmentKey:
    """The key of the n-th shipment (from 1) that a flow asks for; different flows and numbers never give the same.

    Its id reads ``<buyer>-<order>-<line>-<n>``. Where that would be longer than an id may be, or where a part has a
    dash itself so that two flows could read alike, the id is its beginning and a digest (BLAKE2b, 64 bits) of flow and
    number. The two forms cannot meet: a number never has the digest's sixteen digits.
    """
    _, buyer, order, line = flow.split("/", 3)
    readable = f"{buyer}-{order}-{line}-{n}"
    if len(readable) > ID_LENGTH_MAX or readable.count("-") != 3:
        digest = blake2b(f"{flow}/{n}".encode(), digest_size=_DIGEST_BYTES).hexdigest()
        readable = f"{readable[:_READABLE_LENGTH]}-{digest}"
    return shipment_key(seller, readable)
