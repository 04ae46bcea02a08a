"""What may be said of a shipment, by whom, and what follows: the decisions of the aggregate in shipment.py.

Owns: who is a party to a shipment (seller, carrier, buyer; to all others it does not exist), which intents come too
late, and when two claims about a receipt become a dispute. Deliberately lacks: any reason to refuse a report but a
wrong address.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from services.fulfillment.amounts import ZERO, first_refusal, refuse_future, refuse_instant, refuse_quantity
from services.fulfillment.consignment import (
    MilestoneCertainty,
    ShipmentHead,
    ShipmentLine,
    ShipmentStatus,
    ShipmentTerms,
    line_row,
    lines_of,
)
from services.fulfillment.keys import LineId, refuse_flow_key, refuse_id, refuse_optional_id, refuse_text
from services.fulfillment.shipment import (
    CancelShipment,
    Command,
    PackShipment,
    PickShipment,
    PlannedLine,
    PlanShipment,
    ReceiveShipment,
    ReportMilestone,
    ShipShipment,
    WantShipment,
    evolve,
    shipment_key_of,
)
from services.fulfillment.shipment_facts import (
    Fact,
    LineQuantity,
    MilestoneReported,
    ReceiptContradicted,
    ReceiptDisputed,
    ReceiptSettled,
    ReceivedLine,
    ShipmentCancelled,
    ShipmentLinePlanned,
    ShipmentPacked,
    ShipmentPicked,
    ShipmentPlanned,
    ShipmentReceived,
    ShipmentRescheduled,
    ShipmentShipped,
    ShippedLine,
    WantDeclined,
)
from services.kernel.model import Aggregate, Rows
from services.kernel.values import EnterpriseId, Origin, Quantity, Refused

LINES_MAX: Final = 1000
UNKNOWN: Final = Refused("shipment-unknown", "name a shipment that you are a party to", "shipment")


@dataclass(frozen=True, slots=True)
class _Known:
    """A shipment that exists."""

    terms: ShipmentTerms
    head: ShipmentHead
    rows: Rows

    def line(self, line: LineId) -> ShipmentLine | None:
        """The line, or None."""
        row: ShipmentLine | None = self.rows.get(line_row(line))
        return row

    def lines(self, wanted: Callable[[ShipmentLine], bool]) -> list[tuple[LineId, ShipmentLine]]:
        """The lines that are wanted, by id."""
        return [(name, line) for name, line in lines_of(self.rows) if wanted(line)]


def decide(rows: Rows, command: Command, origin: Origin) -> tuple[Fact, ...] | Refused:
    """The facts that the command makes, or why not; none if it says what is known already."""
    terms: ShipmentTerms | None = rows.get("terms")
    known = None if terms is None else _Known(terms, rows.get("head"), rows)  # type: ignore[arg-type]  # both or none
    sender = origin.enterprise
    match command:
        case WantShipment():
            return _want(known, command)
        case PlanShipment():
            return _plan(known, command, sender)
        case ReceiveShipment():
            return UNKNOWN if known is None or sender != known.terms.buyer else _receive(known, command)
        case ReportMilestone():
            return UNKNOWN if known is None else _report_milestone(known, command, origin)
        case PickShipment() | PackShipment() | ShipShipment() | CancelShipment():
            if known is None or sender != known.terms.seller:
                return UNKNOWN
        case _:
            assert_never(command)
    match command:
        case PickShipment() | PackShipment():
            return _handle(known, command)
        case ShipShipment():
            return _ship(known, command)
        case CancelShipment(reason=reason):
            if refused := refuse_text(reason, "reason"):
                return refused
            if not known.head.open_lines:
                return Refused("shipment-closed", "nothing of it is still to be shipped; plan another one", "shipment")
            return (ShipmentCancelled(reason),)
        case _:
            assert_never(command)


def _want(known: _Known | None, command: WantShipment) -> tuple[Fact, ...]:
    """Enlarged only while nobody has begun with it; lowered to what is picked or shipped, whenever; always answered."""
    amount, unit = command.quantity.amount, command.quantity.unit
    declined = WantDeclined(command.flow_key, command.line, unit, command.want)
    if known is None:
        if not amount:
            return (declined,)
        return (
            ShipmentPlanned(
                command.seller,
                command.buyer,
                command.ship_from,
                command.ship_to,
                "",
                command.ship_at_ms,
                command.deliver_at_ms,
                wanted=True,
            ),
            ShipmentLinePlanned(
                command.line, command.flow_key, command.item, command.buyer_item, command.quantity, command.want
            ),
        )
    line = known.line(command.line)
    if line is None or line.flow_key != command.flow_key:
        return (declined,)  # somebody gave another shipment this id
    if command.want <= line.want:
        return ()
    head, may_grow = known.head, known.terms.wanted and known.head.status is ShipmentStatus.PLANNED
    quantity = max(amount if may_grow else min(amount, line.quantity), line.fixed)
    facts: list[Fact] = [
        ShipmentLinePlanned(
            command.line, line.flow_key, line.item, line.buyer_item, Quantity(quantity, line.unit), command.want
        )
    ]
    others_open = head.open_lines - (line.open > 0)
    if quantity <= line.shipped and not others_open and line.open and head.shipped_at_ms is None:
        facts.append(ShipmentCancelled(""))
    elif known.terms.wanted and (command.ship_at_ms, command.deliver_at_ms) != (head.ship_at_ms, head.deliver_at_ms):
        facts.append(ShipmentRescheduled(command.ship_at_ms, command.deliver_at_ms))
    return tuple(facts)


def _plan(known: _Known | None, command: PlanShipment, seller: EnterpriseId) -> tuple[Fact, ...] | Refused:
    refused = first_refusal(
        refuse_id(command.shipment, "shipment"),
        refuse_id(command.buyer, "buyer"),
        refuse_optional_id(command.ship_from, "ship_from"),
        refuse_optional_id(command.ship_to, "ship_to"),
        refuse_text(command.carrier, "carrier"),
        refuse_instant(command.ship_at_ms, "ship_at"),
        refuse_instant(command.deliver_at_ms, "deliver_at"),
        _refuse_lines([line.line for line in command.lines]),
        None if command.lines else Refused("lines-missing", "plan at least one line", "lines"),
    )
    if refused is not None:
        return refused
    if command.deliver_at_ms < command.ship_at_ms:
        return Refused("dates-crossed", "send a deliver_at that is not before ship_at", "deliver_at")
    flows = [line.flow_key for line in command.lines if line.flow_key]
    if len(set(flows)) < len(flows):
        return Refused("flow-twice", "put all of one flow on one line of the shipment", "lines")
    for line in command.lines:
        if refused := _refuse_planned(line, command.buyer):
            return refused
    if known is not None:
        return Refused("shipment-exists", "use another id for the new shipment", "shipment")
    planned = ShipmentPlanned(
        seller,
        command.buyer,
        command.ship_from,
        command.ship_to,
        command.carrier,
        command.ship_at_ms,
        command.deliver_at_ms,
        wanted=False,
    )
    lines = (ShipmentLinePlanned(x.line, x.flow_key, x.item, x.buyer_item, x.quantity, 0) for x in command.lines)
    return (planned, *lines)


def _refuse_planned(line: PlannedLine, buyer: EnterpriseId) -> Refused | None:
    return first_refusal(
        refuse_id(line.item, "lines.item"),
        refuse_optional_id(line.buyer_item, "lines.buyer_item"),
        refuse_quantity(line.quantity, "lines.quantity"),
        refuse_flow_key(line.flow_key, buyer, "lines.flow_key") if line.flow_key else None,
    )


def _refuse_lines(lines: list[LineId]) -> Refused | None:
    if len(lines) > LINES_MAX:
        return Refused("lines-too-many", f"send at most {LINES_MAX} lines; split the shipment", "lines")
    if len(set(lines)) < len(lines):
        return Refused("line-twice", "name each line once", "lines")
    return next((refused for line in lines if (refused := refuse_id(line, "lines.line"))), None)


def _refuse_said(known: _Known, lines: tuple[LineQuantity, ...]) -> Refused | None:
    """Why the lines of a pick, an advice or a receipt cannot be meant: the address is wrong, not the content."""
    if refused := _refuse_lines([part.line for part in lines]):
        return refused
    for part in lines:
        line = known.line(part.line)
        if refused := refuse_quantity(part.quantity, "lines.quantity", zero_allowed=True):
            return refused
        if line is not None and line.unit != part.quantity.unit:
            return Refused("unit-differs", f"send line {part.line} in {line.unit}, as it was planned", "lines.quantity")
        if line is None:
            if not part.item:
                advice = (
                    f"the shipment has no line {part.line}; name the item if goods came along that were not planned"
                )
                return Refused("line-unknown", advice, "lines.line")
            if refused := refuse_id(part.item, "lines.item"):
                return refused
    return None


def _handle(known: _Known, command: PickShipment | PackShipment) -> tuple[Fact, ...] | Refused:
    picking = isinstance(command, PickShipment)
    if refused := _refuse_said(known, command.lines):
        return refused
    lines = command.lines
    if not lines:
        rest = (
            (name, line, line.quantity - max(line.shipped, line.picked if picking else line.packed))
            for name, line in known.lines(lambda line: line.open > 0)
        )
        lines = tuple(LineQuantity(name, Quantity(left, line.unit)) for name, line, left in rest if left > 0)
        if not lines:
            return Refused("nothing-open", "all of the shipment was handled or taken off", "shipment")
    for part in lines:
        line = known.line(part.line)
        if line is None:
            return Refused("line-unknown", f"the shipment has no line {part.line}", "lines.line")
        done = max(line.shipped, line.picked if picking else line.packed)
        if done + part.quantity.amount > line.quantity:
            left = max(line.quantity - done, ZERO)
            return Refused(
                "more-than-planned", f"of line {part.line} only {left:f} {line.unit} are left", "lines.quantity"
            )
    lines = tuple(LineQuantity(part.line, part.quantity) for part in lines)
    return (ShipmentPicked(lines),) if picking else (ShipmentPacked(lines),)


def _ship(known: _Known, command: ShipShipment) -> tuple[Fact, ...] | Refused:
    refused = first_refusal(
        refuse_instant(command.shipped_at_ms, "shipped_at"),
        refuse_text(command.carrier, "carrier"),
        refuse_text(command.tracking, "tracking"),
        _refuse_said(known, command.lines),
    )
    if refused is not None:
        return refused
    shipped = []
    for part in command.lines:
        line = known.line(part.line)
        rest = max(line.open - part.quantity.amount, ZERO) if command.cancel_rest and line is not None else ZERO
        item = line.item if line is not None else part.item
        shipped.append(ShippedLine(part.line, item, part.quantity, rest))
    if not command.lines:
        for name, line in known.lines(lambda line: line.open > 0):
            shipped.append(ShippedLine(name, line.item, Quantity(line.open, line.unit), ZERO))
    elif command.cancel_rest:
        named = {part.line for part in command.lines}
        for name, line in known.lines(lambda line: line.open > 0):
            if name not in named:
                shipped.append(ShippedLine(name, line.item, Quantity(ZERO, line.unit), line.open))
    if not shipped:
        return Refused("lines-missing", "nothing is left to ship; name the lines and quantities that left", "lines")
    fact = ShipmentShipped(command.shipped_at_ms, command.carrier, command.tracking, tuple(shipped))
    return (fact, *_claims(known, fact))


def _receive(known: _Known, command: ReceiveShipment) -> tuple[Fact, ...] | Refused:
    refused = first_refusal(refuse_instant(command.received_at_ms, "received_at"), _refuse_said(known, command.lines))
    if refused is not None:
        return refused
    final = not command.partial
    received = []
    for part in command.lines:
        line = known.line(part.line)
        item = line.item if line is not None else part.item
        received.append(ReceivedLine(part.line, item, part.quantity, final))
    if not command.lines:
        anything_shipped = known.head.shipped_at_ms is not None
        for name, line in known.lines(lambda line: not line.concluded):
            rest = (line.shipped if anything_shipped else line.quantity) - line.received
            if rest > 0:
                received.append(ReceivedLine(name, line.item, Quantity(rest, line.unit), final))
    if not received:
        return Refused("lines-missing", "nothing is on its way; name the lines and quantities that arrived", "lines")
    fact = ShipmentReceived(command.received_at_ms, tuple(received))
    return (fact, *_claims(known, fact))


def _claims(known: _Known, fact: ShipmentShipped | ShipmentReceived) -> list[Fact]:
    """The disputes that the fact opens, changes or settles, line by line."""
    if known.head.received_at_ms is None and isinstance(fact, ShipmentShipped):
        return []  # one claim alone
    before = [(part, known.line(part.line)) for part in fact.lines]
    changes = evolve(known.rows, fact)
    facts: list[Fact] = []
    for part, old in before:
        new: ShipmentLine = changes[line_row(part.line)]  # type: ignore[assignment]  # both facts write their lines
        shipped, received = Quantity(new.shipped, new.unit), Quantity(new.received, new.unit)
        if not new.disputed:
            if old is not None and old.disputed:
                facts.append(ReceiptSettled(part.line, received))
        elif old is None or not old.disputed or (old.shipped, old.received) != (new.shipped, new.received):
            if new.shipped:
                facts.append(ReceiptDisputed(part.line, new.item, shipped, received))
            else:
                facts.append(ReceiptContradicted(part.line, new.item, received))
    return facts


def _report_milestone(known: _Known, command: ReportMilestone, origin: Origin) -> tuple[Fact, ...] | Refused:
    terms, sender = known.terms, origin.enterprise
    theirs = sender == terms.seller or (bool(known.head.carrier) and sender == known.head.carrier)
    if not theirs and sender != terms.buyer:
        return UNKNOWN
    refused = first_refusal(
        refuse_instant(command.at_ms, "at"),
        refuse_optional_id(command.reason_code, "reason_code"),
        refuse_text(command.reason_text, "reason_text"),
    )
    if refused is not None:
        return refused
    if not theirs and command.certainty is not MilestoneCertainty.ACTUAL:
        return Refused("estimate-not-yours", "the seller and its carrier estimate; report what happened", "certainty")
    if command.certainty is MilestoneCertainty.ACTUAL:
        refused = refuse_future(command.at_ms, "at", max(origin.now_ms, origin.recorded_at_ms))
        if refused is not None:
            return refused
    return (
        MilestoneReported(
            command.kind, command.certainty, command.at_ms, command.reason_code, command.reason_text, sender
        ),
    )


SHIPMENT = Aggregate(
    kind="shipment",
    commands=Command.__args__,
    facts=Fact.__args__,
    rows={"terms": ShipmentTerms, "head": ShipmentHead, "line": ShipmentLine},
    key=shipment_key_of,
    decide=decide,
    evolve=evolve,
)
