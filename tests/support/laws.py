"""Laws that hold for any history of the three services, whatever happened on the way; over what the logs say.

Owns: gap-free versions, tables as the fold of their log, stock as the sum of its movements, one quantity in three
services. Each gives sentences, one for every breach. Deliberately lacks: where events and rows are read from (a log in
memory, a broker).
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from services.inventory.pool_facts import DemandIssued, StockMoved, SupplyReceived
from services.kernel.codec import Meta
from services.kernel.processor import DomainProcessor

Events = Iterable[tuple[Meta, Any]]
ViewRows = Mapping[str, Mapping[str, Any]]
"""Enterprise to its rows of one view by their ids."""

ZERO = Decimal(0)


def version_gaps(events: Events) -> Iterator[str]:
    """An aggregate's events are numbered 1, 2, 3, … in the order of the log."""
    versions: dict[str, int] = {}
    for meta, _ in events:
        before = versions.get(meta.aggregate, 0)
        if meta.version != before + 1:
            yield f"{meta.aggregate} goes from version {before} to {meta.version}"
        versions[meta.aggregate] = meta.version


def fold(service: DomainProcessor, events: Events) -> dict[bytes, bytes]:
    """The domain rows that follow from the log, by row id, in canonical bytes."""
    folded: dict[str, dict[str, Any]] = {}
    for meta, fact in events:
        aggregate = service.by_kind[meta.aggregate.partition("/")[0]]
        rows = folded.setdefault(meta.aggregate, {})
        for key, row in aggregate.evolve(FoldRows(rows), fact).items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
    return {
        f"{key}\0{row_key}".encode(): service.row_codecs[key.partition("/")[0]][row_key.partition("/")[0]].encode(row)
        for key, rows in folded.items()
        for row_key, row in rows.items()
    }


def domain_rows(rows: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Those rows of a table that are the domain's: without views and without what the kernel keeps for itself."""
    return {
        row_id: data
        for row_id, data in rows.items()
        if not row_id.startswith((b"view/", b"~")) and b"\0~" not in row_id
    }


def stock_breaches(events: Events, stock: ViewRows) -> Iterator[str]:
    """On hand = sum of movements, at every movement and in the view; reserved within what is there."""
    moved: dict[str, Decimal] = {}
    for meta, fact in events:
        if isinstance(fact, StockMoved):
            moved[meta.aggregate] = moved.get(meta.aggregate, ZERO) + fact.quantity.amount
            if fact.on_hand_after.amount != moved[meta.aggregate]:
                yield f"{meta.aggregate}@{meta.version}: {fact.on_hand_after.amount}, moved {moved[meta.aggregate]}"
    for enterprise, rows in stock.items():
        for row_id, row in rows.items():
            on_hand = moved.get(f"pool/{enterprise}/{row_id}", ZERO)
            if row.tracked and row.on_hand != on_hand:
                yield f"{enterprise}/{row_id}: the view says {row.on_hand} on hand, moved were {on_hand}"
            if not 0 <= row.reserved <= max(ZERO, on_hand - row.blocked):
                yield f"{enterprise}/{row_id}: {row.reserved} reserved of {on_hand} less {row.blocked} blocked"


def flow_breaches(inventory_events: Events, lines: ViewRows, flows: ViewRows) -> Iterator[str]:
    """What the flow shipped, the pool issued for it and the order line shows is one quantity; received likewise.

    For flows whose parties use one unit.
    """
    issued: dict[str, Decimal] = {}
    received: dict[str, Decimal] = {}
    for _, fact in inventory_events:
        if isinstance(fact, DemandIssued):
            issued[fact.flow_key] = issued.get(fact.flow_key, ZERO) + fact.quantity.amount
        elif isinstance(fact, SupplyReceived):
            received[fact.flow_key] = received.get(fact.flow_key, ZERO) + fact.quantity.amount
    for enterprise, row in inbound_flows(flows):
        line = lines[enterprise].get(f"{enterprise}/{row.order_key.split('/')[2]}/{row.line}")
        if line is None:
            yield f"{row.flow_key}: no such order line"
            continue
        shipped = line.shipped, row.shipped, issued.get(row.flow_key, ZERO)
        if len(set(shipped)) > 1:
            yield f"{row.flow_key}: shipped by order, flow, pool: {', '.join(map(str, shipped))}"
        came = line.received, row.received, received.get(row.flow_key, ZERO)
        if len(set(came)) > 1:
            yield f"{row.flow_key}: received by order, flow, pool: {', '.join(map(str, came))}"


def inbound_flows(flows: ViewRows) -> Iterator[tuple[str, Any]]:
    """Buyer and row of each order line's flow."""
    for enterprise, rows in flows.items():
        for row in rows.values():
            if row.direction.value == "INBOUND":
                yield enterprise, row


class FoldRows(dict[str, Any]):
    """Rows over a dict that is shared, not copied."""

    def __init__(self, rows: dict[str, Any]) -> None:
        super().__init__()
        self._rows = rows

    def get(self, key: str, default: Any = None) -> Any:
        """The row."""
        return self._rows.get(key, default)

    def scan(self, prefix: str) -> Any:
        """Rows by prefix, ascending."""
        return ((key, self._rows[key]) for key in sorted(self._rows) if key.startswith(prefix))
