"""What stands on a shipment: its rows, and the arithmetic of what is open, fixed, on the way, disputed and expected.

Owns: the rows of the shipment, and what a line keeps apart (planned by the seller, shipped by the seller, received by
the buyer). Deliberately lacks: who may say them, which is the shipment's (shipment.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.fulfillment.amounts import ZERO, in_range
from services.fulfillment.keys import NO_ITEM, ItemId, LineId, SiteId
from services.kernel.frozen import amended
from services.kernel.model import Rows
from services.kernel.values import EnterpriseId, Quantity


class ShipmentStatus(StrEnum):
    """How far a shipment is. SHIPPED: a part has left at least; DELIVERED: the buyer accounted for whatever left."""

    PLANNED = "PLANNED"
    PICKING = "PICKING"
    PACKED = "PACKED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class MilestoneKind(StrEnum):
    """What happens on the way. DEPARTURE moves the ship date, ARRIVAL and DELIVERY the delivery date."""

    PICKUP = "PICKUP"
    DEPARTURE = "DEPARTURE"
    TRANSSHIPMENT = "TRANSSHIPMENT"
    CUSTOMS = "CUSTOMS"
    ARRIVAL = "ARRIVAL"
    DELIVERY = "DELIVERY"


class MilestoneCertainty(StrEnum):
    """How sure the date of a milestone is."""

    PLANNED = "PLANNED"
    ESTIMATED = "ESTIMATED"
    ACTUAL = "ACTUAL"


@dataclass(frozen=True, slots=True)
class ShipmentTerms:
    """What never changes. ``wanted``: a flow asked for it, so that the flow may enlarge and reschedule it."""

    seller: EnterpriseId
    buyer: EnterpriseId
    ship_from: SiteId
    ship_to: SiteId
    wanted: bool


@dataclass(frozen=True, slots=True)
class ShipmentHead:
    """How far the shipment is: dates, and counts and sums over its lines.

    ``quantity``, ``shipped``, ``received``: sums, of meaning only while ``unit`` is not empty (all lines in one unit).
    ``…_lines``: how many lines have something to ship, are shipped and not yet concluded, have two unequal claims.
    """

    status: ShipmentStatus
    ship_at_ms: int
    deliver_at_ms: int
    carrier: str = ""
    unit: str = ""
    lines: int = 0
    open_lines: int = 0
    transit_lines: int = 0
    quantity: Decimal = ZERO
    shipped: Decimal = ZERO
    received: Decimal = ZERO
    tracking: str = ""
    shipped_at_ms: int | None = None
    received_at_ms: int | None = None
    estimated_ship_at_ms: int | None = None
    estimated_delivery_at_ms: int | None = None
    arrived_at_ms: int | None = None
    disputed_lines: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ShipmentLine:
    """One item on the shipment, for one flow or for none. Amounts are totals in ``unit``.

    ``quantity``: to be shipped in all. ``want``: number of the flow's last ask that was answered. ``cancelled``: taken
    off by the seller. ``concluded``: the buyer expects no more of what was shipped.
    """

    item: ItemId
    unit: str
    quantity: Decimal
    flow_key: str = ""
    buyer_item: ItemId = NO_ITEM
    want: int = 0
    picked: Decimal = ZERO
    packed: Decimal = ZERO
    shipped: Decimal = ZERO
    received: Decimal = ZERO
    cancelled: Decimal = ZERO
    concluded: bool = False
    shipped_at_ms: int | None = None
    received_at_ms: int | None = None

    @property
    def open(self) -> Decimal:
        """Still to be shipped."""
        return self.quantity - self.shipped if self.quantity > self.shipped else ZERO

    @property
    def fixed(self) -> Decimal:
        """What a flow cannot take back: shipped, or picked to be."""
        return max(self.shipped, min(max(self.picked, self.packed), self.quantity))

    @property
    def in_transit(self) -> bool:
        """Shipped, and the buyer has not concluded it."""
        return self.shipped > 0 and not self.concluded

    @property
    def disputed(self) -> bool:
        """The two claims differ, and time will not settle it."""
        return self.received > self.shipped or (self.concluded and self.received != self.shipped)


def with_shipped(line: ShipmentLine, amount: Decimal, cancelled: Decimal, at_ms: int) -> ShipmentLine:
    """The line after so much more was shipped and so much of the rest given up. More shipped opens a receipt again."""
    shipped = line.shipped + amount
    return amended(
        line,
        quantity=line.quantity - cancelled,
        shipped=shipped,
        cancelled=line.cancelled + cancelled,
        concluded=line.received >= shipped if amount else line.concluded,
        shipped_at_ms=max(at_ms, line.shipped_at_ms or 0) if amount else line.shipped_at_ms,
    )


def with_received(line: ShipmentLine, amount: Decimal, final: bool, at_ms: int) -> ShipmentLine:
    """The line after so much more was received; ``final``: no more is expected."""
    received = line.received + amount
    concluded = final or (line.shipped > 0 and received >= line.shipped)
    return amended(line, received=received, concluded=concluded, received_at_ms=max(at_ms, line.received_at_ms or 0))


def tallied(
    head: ShipmentHead,
    moves: Iterable[tuple[ShipmentLine | None, ShipmentLine]],
    *,
    carrier: str = "",
    tracking: str = "",
    shipped_at_ms: int | None = None,
    received_at_ms: int | None = None,
    reason: str = "",
) -> ShipmentHead:
    """The head after lines went from old to new, and with what else is given.

    Counts, sums, the unit if there is but one, and the status once something was shipped.
    """
    lines, opened, transit, disputed = head.lines, head.open_lines, head.transit_lines, head.disputed_lines
    quantity, shipped, received, unit = head.quantity, head.shipped, head.received, head.unit
    for old, new in moves:
        if old is None:
            unit = new.unit if lines == 0 or unit == new.unit else ""
            lines += 1
            old = ShipmentLine(new.item, new.unit, ZERO)
        opened += (new.quantity > new.shipped) - (old.quantity > old.shipped)
        transit += new.in_transit - old.in_transit
        disputed += new.disputed - old.disputed
        quantity += new.quantity - old.quantity
        shipped += new.shipped - old.shipped
        received += new.received - old.received
    shipped_at_ms = shipped_at_ms or head.shipped_at_ms
    status = head.status
    if shipped_at_ms is not None:
        status = ShipmentStatus.SHIPPED if opened or transit else ShipmentStatus.DELIVERED
    return amended(
        head,
        status=status,
        carrier=carrier or head.carrier,
        unit=unit,
        lines=lines,
        open_lines=opened,
        transit_lines=transit,
        quantity=quantity,
        shipped=shipped,
        received=received,
        tracking=tracking or head.tracking,
        shipped_at_ms=shipped_at_ms,
        received_at_ms=received_at_ms or head.received_at_ms,
        disputed_lines=disputed,
        reason=reason or head.reason,
    )


def expected(head: ShipmentHead, line: ShipmentLine) -> tuple[int, int]:
    """When the line's last part is expected to be shipped and to arrive (ms).

    What happened, else the estimate, else the plan; without an estimate the way takes as long as planned.
    """
    all_shipped = line.shipped > 0 and not line.open
    here = all_shipped or line.received >= line.quantity  # the buyer has it, though nobody said that it left
    done = line.received_at_ms if here and line.concluded else None
    return _expected(head, line.shipped_at_ms if all_shipped else None, done)


def expected_whole(head: ShipmentHead) -> tuple[int, int]:
    """The same for the shipment as a whole."""
    all_shipped = head.shipped_at_ms is not None and not head.open_lines
    done = head.received_at_ms if all_shipped and not head.transit_lines else None
    return _expected(head, head.shipped_at_ms if all_shipped else None, done)


def _expected(head: ShipmentHead, shipped_at: int | None, received_at: int | None) -> tuple[int, int]:
    ship = shipped_at or head.estimated_ship_at_ms or head.ship_at_ms
    if received_at is not None:
        return ship, received_at
    if shipped_at is not None and head.arrived_at_ms is not None:
        return ship, head.arrived_at_ms
    if head.estimated_delivery_at_ms is not None:
        return ship, max(head.estimated_delivery_at_ms, ship)
    return ship, in_range(ship + max(head.deliver_at_ms - head.ship_at_ms, 0))


def total(head: ShipmentHead, amount: Decimal) -> Quantity | None:
    """A sum of the head as a quantity, or None where the lines have different units."""
    return Quantity(amount, head.unit) if head.unit else None


def line_row(line: LineId) -> str:
    """The key of the line's row."""
    return f"line/{line}"


def lines_of(rows: Rows) -> Iterator[tuple[LineId, ShipmentLine]]:
    """All lines by id."""
    return ((LineId(key[len("line/") :]), line) for key, line in rows.scan("line/"))
