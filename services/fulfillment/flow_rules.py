"""What follows for a flow from what it is told: the decisions of the aggregate in flow.py.

Every decision ends in the same ``_settle``: asks of shipments, the answer to a cancellation, dates, fulfilment and what
is expected of the flow follow from the rows as they are, whatever changed them. So what one command changes is told at
once, and each link once; a flow of this kind has one input, and nothing to gain from waiting for others.
Deliberately lacks: memory of the order in which messages came.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, assert_never

from services.chain.causes import ChainTooLong
from services.chain.moments import minute_of
from services.fulfillment.amounts import (
    MINUTE_MS,
    ZERO,
    first_refusal,
    in_range,
    refuse_instant,
    refuse_lead_time,
    refuse_quantity,
)
from services.fulfillment.disrupted import DISRUPTION, FlowDisrupted, closures_of, disrupted, outdated
from services.fulfillment.expecting import (
    NOTHING_REPORTED,
    REPORT,
    TOLD,
    FlowReckoned,
    FlowReport,
    InputCovered,
    alarm_of,
    event_of,
    outdated_of,
    refuse_report,
    report_of,
    reported,
    told_of,
)
from services.fulfillment.flow import (
    INPUT,
    AgreeLine,
    CancellationAnswered,
    CancellationCorrected,
    CancelTransfer,
    Command,
    CoverDemand,
    DisruptFlow,
    Fact,
    FlowAgreed,
    FlowCovered,
    FlowExpected,
    FlowFulfilled,
    LegRejected,
    LegReported,
    LineReported,
    NoteShipment,
    NoteSilence,
    ReportLine,
    RestWaived,
    TransferStock,
    evolve,
    flow_key_of,
)
from services.fulfillment.keys import FlowKey, line_flow_key, refuse_id, transfer_flow_key
from services.fulfillment.legs import (
    NOTHING_SAID,
    AgreedDelivery,
    FlowHead,
    FlowTerms,
    Leg,
    LegReport,
    StockCover,
    by_due_date,
    cancellation_pends,
    counts,
    horizon,
    legs_of,
    owed,
    plan,
)
from services.fulfillment.line_dates import Line, reckon_line
from services.kernel.model import Aggregate, DictRows, Rows
from services.kernel.values import Origin, Quantity, Refused


class _Draft:
    """The rows as they are with the facts of this decision, so that each step sees the one before."""

    def __init__(self, rows: Rows, origin: Origin) -> None:
        self._rows = rows
        self.origin = origin
        self._changed: dict[str, Any] = {}
        self.facts: list[Fact] = []

    def get(self, key: str) -> Any | None:
        """The row with the changes of this decision."""
        return self._changed[key] if key in self._changed else self._rows.get(key)

    def scan(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """The rows with the changes of this decision, by key."""
        changed = {key: row for key, row in self._changed.items() if key.startswith(prefix)}
        if not changed:
            return self._rows.scan(prefix)
        merged = DictRows(self._rows.scan(prefix)) | changed
        return ((key, merged[key]) for key in sorted(merged) if merged[key] is not None)

    def record(self, fact: Fact) -> None:
        """The fact is part of the decision."""
        self._changed.update(evolve(self, fact))
        self.facts.append(fact)

    @property
    def terms(self) -> FlowTerms:
        """Only once there are any."""
        terms: FlowTerms = self.get("terms")  # type: ignore[assignment]
        return terms

    @property
    def head(self) -> FlowHead:
        """Only once there is one."""
        head: FlowHead = self.get("head")  # type: ignore[assignment]
        return head


def decide(rows: Rows, command: Command, origin: Origin) -> tuple[Fact, ...] | Refused:
    """The facts that the command makes, or why not; none if it says what is known already."""
    terms: FlowTerms | None = rows.get("terms")
    draft = _Draft(rows, origin)
    match command:
        case AgreeLine(flow_key, agreed):
            if terms is not None and not terms.order_key:
                return ()  # the key belongs to a transfer; no order can be numbered like one
            return _agree(draft, flow_key, terms, agreed)
        case NoteSilence(flow_key):
            if terms is not None:
                _settle_expectation(draft, flow_key)
            return tuple(draft.facts)
        case ReportLine():
            return _report(draft, command, terms)
        case CoverDemand():
            return _cover(draft, command) if terms is not None else ()
        case DisruptFlow(flow_key, said):
            return _disrupt(draft, flow_key, terms, said)
        case NoteShipment():
            return _note(draft, command, terms)
        case TransferStock():
            return _transfer(draft, command)
        case CancelTransfer(transfer):
            if terms is None or terms.order_key:
                return Refused("transfer-unknown", "name one of your own transfers", "transfer")
            asked = replace(terms, cancel_requested=terms.seller_quantity)
            return _agree(draft, transfer_flow_key(origin.enterprise, transfer), terms, asked)
        case _:
            assert_never(command)


def _agree(draft: _Draft, flow_key: FlowKey, known: FlowTerms | None, agreed: FlowTerms) -> tuple[Fact, ...]:
    redate = False
    agreed = replace(agreed, estimate_event=_estimate_event(draft, known, agreed))
    if known is not None:
        agreed = _stamped(known, agreed)
        if agreed == known:
            return ()
        redate = (known.deliveries, known.promise_is_ship_date, known.lead_time_minutes) != (
            agreed.deliveries,
            agreed.promise_is_ship_date,
            agreed.lead_time_minutes,
        )
    draft.record(FlowAgreed(agreed))
    return _settle(draft, flow_key, redate=redate)


def _estimate_event(draft: _Draft, known: FlowTerms | None, agreed: FlowTerms) -> str:
    """What the seller's estimate is counted under: what was said with which it came first."""
    if agreed.estimated_at_ms is None:
        return ""
    if known is not None and known.estimated_at_ms == agreed.estimated_at_ms:
        return known.estimate_event
    return draft.origin.command_id


def _stamped(known: FlowTerms, agreed: FlowTerms) -> FlowTerms:
    """The new terms with what never changes taken from the old: demands, supplies and shipments are addressed by it."""
    kept = replace(
        agreed,
        order_key=known.order_key,
        line=known.line,
        buyer=known.buyer,
        seller=known.seller,
        buyer_item=known.buyer_item,
        seller_item=known.seller_item,
        ship_from=known.ship_from,
        ship_to=known.ship_to,
        priority=known.priority,
        sequence_ms=known.sequence_ms,
    )
    if (agreed.seller_quantity.unit, agreed.buyer_quantity.unit) != (
        known.seller_quantity.unit,
        known.buyer_quantity.unit,
    ):
        kept = replace(
            kept,
            seller_quantity=known.seller_quantity,
            buyer_quantity=known.buyer_quantity,
            cancel_requested=known.cancel_requested,
            closes_at=known.closes_at,
        )
    return kept


def _cover(draft: _Draft, command: CoverDemand) -> tuple[Fact, ...]:
    head = draft.head
    stock = StockCover.TRACKED if command.tracked else StockCover.UNTRACKED
    dated: InputCovered | None = draft.get(INPUT)
    known = (head.stock, head.reserved, head.issued, head.waiting)
    known_dates = ((), None) if dated is None else (dated.parts, dated.frozen)
    said = (stock, command.reserved, command.issued, command.waiting)
    if said == known and (command.parts, command.frozen) == known_dates:
        return ()
    unit = draft.terms.seller_quantity.unit
    draft.record(FlowCovered(stock, unit, *said[1:], command.parts, command.frozen))
    return _settle(draft, command.flow_key)


def _note(draft: _Draft, command: NoteShipment, terms: FlowTerms | None) -> tuple[Fact, ...]:
    key, report = command.shipment_key, command.report
    if terms is not None and not counts(key, report, terms):
        return (LegRejected(key),)
    leg: Leg | None = draft.get(key)
    before = leg.report if leg is not None else NOTHING_SAID
    if report == before:
        return ()
    event = draft.origin.command_id if _moves_dates(before, report) else ""
    draft.record(LegReported(key, report, report.shipped - before.shipped, report.received - before.received, event))
    return tuple(draft.facts) if terms is None else _settle(draft, command.flow_key, report.reason)


def _disrupt(
    draft: _Draft, flow_key: FlowKey, terms: FlowTerms | None, said: FlowDisrupted
) -> tuple[Fact, ...] | Refused:
    facts = disrupted(draft, said, None if terms is None else (terms.seller, terms.ship_from))
    if isinstance(facts, Refused) or not facts or terms is None:
        return facts
    draft.record(*facts)
    return _settle(draft, flow_key)


def _moves_dates(before: LegReport, now: LegReport) -> bool:
    def dates_of(report: LegReport) -> tuple[int | None, int | None, int | None, int | None, str]:
        expected = report.expected_ship_at_ms, report.expected_delivery_at_ms
        return *expected, report.shipped_at_ms, report.received_at_ms, report.reason

    return dates_of(before) != dates_of(now)


def _report(draft: _Draft, command: ReportLine, terms: FlowTerms | None) -> tuple[Fact, ...] | Refused:
    """Anybody but the seller gets the answer for a line that nobody knows."""
    if terms is None or draft.origin.enterprise != terms.seller:
        return Refused("line-unknown", "name an agreed line or a transfer of which you are the seller", "line")
    before = report_of(draft)
    said = NOTHING_REPORTED
    if not command.withdraw:
        said = FlowReport(
            command.estimated_start_at_ms,
            command.estimated_finish_at_ms,
            command.firm,
            lost=command.lost,
            reason_code=command.reason_code,
            event=event_of(draft.origin, command.disruption_id),
            reported_at_ms=draft.origin.recorded_at_ms,
        )
        refused = refuse_report(said, command.disruption_id, draft.origin.now_ms)
        if refused is not None:
            return refused
    said = reported(said, before, command.disruption_id, outdated(draft, before))
    if said == before:
        return ()
    draft.record(LineReported(said))
    return _settle(draft, line_flow_key(command.buyer, command.number, command.line))


def _transfer(draft: _Draft, command: TransferStock) -> tuple[Fact, ...] | Refused:
    owner = draft.origin.enterprise
    refused = first_refusal(
        refuse_id(command.transfer, "transfer"),
        refuse_id(command.item, "item"),
        refuse_id(command.from_site, "from_site"),
        refuse_id(command.to_site, "to_site"),
        refuse_quantity(command.quantity, "quantity"),
        refuse_instant(command.ship_at_ms, "ship_at"),
        refuse_lead_time(command.lead_time_minutes, "lead_time_minutes"),
    )
    if refused is not None:
        return refused
    if command.from_site == command.to_site:
        return Refused("transfer-without-way", "name two different sites", "to_site")
    if draft.get("terms") is not None:
        return Refused("transfer-exists", "use another id, or cancel that transfer first", "transfer")
    quantity = command.quantity
    arrival = in_range(command.ship_at_ms + command.lead_time_minutes * MINUTE_MS)
    terms = FlowTerms(
        order_key="",
        line="",
        buyer=owner,
        seller=owner,
        buyer_item=command.item,
        seller_item=command.item,
        ship_from=command.from_site,
        ship_to=command.to_site,
        seller_quantity=quantity,
        buyer_quantity=quantity,
        deliveries=(AgreedDelivery(arrival, quantity),),
        promise_is_ship_date=False,
        lead_time_minutes=command.lead_time_minutes,
        priority=0,
        sequence_ms=draft.origin.recorded_at_ms,
        cancel_requested=Quantity(ZERO, quantity.unit),
        closes_at=Quantity(ZERO, quantity.unit),
    )
    draft.record(FlowAgreed(terms))
    return _settle(draft, transfer_flow_key(owner, command.transfer))


def _settle(draft: _Draft, flow_key: FlowKey, reason: str | None = None, redate: bool = False) -> tuple[Fact, ...]:
    """What follows from the rows as they are now, whatever changed them: so no order of messages matters."""
    terms = draft.terms
    unit, agreed = terms.seller_quantity.unit, terms.seller_quantity.amount
    head = draft.head
    if head.cancelled > max(agreed - head.shipped, ZERO):
        draft.record(CancellationCorrected(Quantity(max(agreed - head.shipped, ZERO), unit)))
        head = draft.head
    enough = terms.closed or ZERO < terms.closes_at.amount <= head.shipped
    if (
        enough
        and head.held == head.shipped < owed(terms, head)
        and not head.unsettled
        and not cancellation_pends(terms, head)
    ):
        draft.record(RestWaived(Quantity(head.waived + owed(terms, head) - head.shipped, unit)))
    for want in plan(flow_key, terms, draft.head, draft, redate):
        draft.record(want)
    head = draft.head
    if cancellation_pends(terms, head) and not head.unsettled:
        asked = terms.cancel_requested
        free = max(agreed - head.held - head.waived, ZERO)
        draft.record(CancellationAnswered(Quantity(max(head.cancelled, min(asked.amount, free)), unit), asked))
    _settle_dates(draft, terms, reason)
    _settle_expectation(draft, flow_key)
    return tuple(draft.facts)


def _settle_dates(draft: _Draft, terms: FlowTerms, reason: str | None) -> None:
    """``reason``: of the report that this follows, None where it follows no report and the last reason stands."""
    head = draft.head
    ship_at, arrive_at = horizon(terms, head, legs_of(draft))
    if (ship_at, arrive_at) != (head.ship_at_ms, head.arrive_at_ms):
        draft.record(FlowExpected(ship_at, arrive_at, head.reason if reason is None else reason))
    if head.fulfilled_at_ms is not None:
        return
    done, enough = (head.shipped if terms.promise_is_ship_date else head.received), owed(terms, head)
    if (
        not terms.promise_is_ship_date
        and not head.in_transit
        and head.held <= head.shipped
        and terms.closes_at.amount > 0
    ):
        enough = min(enough, terms.closes_at.amount)
    if done > 0 and done >= enough:
        reports = (leg.report for _, leg in legs_of(draft))
        moments = (r.shipped_at_ms if terms.promise_is_ship_date else r.received_at_ms for r in reports)
        draft.record(FlowFulfilled(max((at for at in moments if at is not None), default=head.arrive_at_ms)))


def _settle_expectation(draft: _Draft, flow_key: FlowKey) -> None:
    legs = [leg for _, leg in by_due_date(draft)]
    said = report_of(draft)
    now = minute_of(draft.origin.now_ms)
    closures = closures_of(draft, said, leaving=True)
    line = Line(flow_key, draft.terms, draft.head, legs, said, draft.get(INPUT), now, closures)
    told = told_of(draft)
    try:
        reckoned = reckon_line(line)
    except ChainTooLong:
        known = told if told.expectation is not None else reckon_line(replace(line, covered=None))
        reckoned = known and outdated_of(known, now)
    if reckoned is not None and reckoned != told:
        draft.record(reckoned)


FLOW = Aggregate(
    kind="flow",
    commands=Command.__args__,
    facts=Fact.__args__,
    rows={
        "terms": FlowTerms,
        "head": FlowHead,
        "shipment": Leg,
        "input": InputCovered,
        REPORT: FlowReport,
        DISRUPTION: FlowDisrupted,
        TOLD: FlowReckoned,
    },
    key=flow_key_of,
    decide=decide,
    evolve=evolve,
    alarm=lambda rows: alarm_of(rows.get(TOLD)),
    ring=lambda key, now_ms: NoteSilence(FlowKey(key)),
    derived=(FlowReckoned,),
)
