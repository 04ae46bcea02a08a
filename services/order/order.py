"""An order between a buyer and a seller: how its rows follow from its facts, and who decides each command.

Owns: ``evolve``, the one place where rows change; ``decide``; the keys; the alarm that makes silence visible. Its facts
are in ``order_facts``, its commands in ``order_commands``, its rows in ``line``, its decisions in ``placing``,
``planning``, ``promising``, ``demand``, ``ending``, ``progress`` and ``silence``.
Deliberately lacks: stock, shipments, and time other than what arrives in commands.
"""

from typing import Any, assert_never

from services.kernel.frozen import amended, maker
from services.kernel.model import Aggregate, Rows
from services.kernel.values import EnterpriseId, Origin, Refused
from services.order import demand, ending, naming, placing, planning, progress, promising, silence
from services.order.line import (
    HEAD,
    NO_PLAN,
    Estimate,
    Line,
    LinePlan,
    Naming,
    Order,
    OrderLineStage,
    Proposal,
    is_open,
    line_key,
    requested,
)
from services.order.order_commands import (
    AcceptChange,
    AcknowledgeDemandChange,
    AddLines,
    CancelLine,
    CancelOrder,
    CloseLine,
    CloseOrder,
    ConfirmLine,
    ConfirmOrder,
    DeclineChange,
    NameOrigin,
    NoteOverdue,
    OrderCommand,
    PlaceOrder,
    PlanLine,
    ProposeChange,
    RecordLineProgress,
    RejectLine,
    RejectOrder,
    RelayNaming,
    ReleaseCallOff,
    ReportDelay,
    RevisePromise,
)
from services.order.order_facts import (
    Awaits,
    CallOffReleased,
    CancellationRequested,
    ChangeAccepted,
    ChangeDeclined,
    ChangeProposed,
    DemandChangeAcknowledged,
    LineCancelled,
    LineClosed,
    LineConfirmed,
    LineDelayChanged,
    LineDelayCleared,
    LineDelayRaised,
    LineDelayReported,
    LineFact,
    LineOverDelivered,
    LineOverdue,
    LinePlanned,
    LineProgressRecorded,
    LineRejected,
    LinesAdded,
    NamingRelayed,
    NamingSought,
    OrderCompleted,
    OrderFact,
    OrderPlaced,
    OriginNamed,
    WatchMoved,
)
from services.order.parties import Decision
from services.order.terms import ZERO, OrderNumber, Side, to_buyer, total

KIND = "order"

PLACED, CONFIRMED = OrderLineStage.PLACED, OrderLineStage.CONFIRMED

new_order, new_line = maker(Order), maker(Line)


def parties_of_key(key: str) -> tuple[EnterpriseId, OrderNumber]:
    """Buyer and number, read back from the key of an order."""
    _, buyer, number = key.split("/", 2)
    return EnterpriseId(buyer), OrderNumber(number)


def key_of(command: Any, sender: EnterpriseId) -> str:
    """The order that a command is for: the sender's own where the command names no buyer."""
    return f"order/{getattr(command, 'buyer', sender)}/{command.number}"


def evolve(rows: Rows, fact: OrderFact) -> dict[str, Any]:
    """The rows that the fact changes. Total: a fact about a line that is not there changes nothing."""
    match fact:
        case OrderPlaced():
            count = len(fact.lines)
            changes: dict[str, Any] = {HEAD: new_order(fact.seller, fact.kind, count, count, fact.watch_at_ms)}
            for placed in fact.lines:
                line = new_line(placed, total(placed.requested), fact.sequence_ms, fact.at_ms)
                changes[line_key(placed.line)] = line
            return changes
        case LinesAdded():
            return _add_lines(rows, fact)
        case CallOffReleased():
            return _release(rows, fact)
        case OrderCompleted():
            head = rows.get(HEAD)
            return {} if head is None else {HEAD: amended(head, watch_at_ms=None)}
        case WatchMoved(watch_at_ms):
            head = rows.get(HEAD)
            return {} if head is None else {HEAD: amended(head, watch_at_ms=watch_at_ms)}
        case LineOverDelivered() | NamingRelayed():
            return {}
        case _:
            key = line_key(fact.line)
            before: Line | None = rows.get(key)
            if before is None:
                return {}
            changes = _evolve_line(rows, key, before, fact)
            if isinstance(fact, demand.Heard) and key in changes:
                changes[key] = demand.noted(before, changes[key], fact)
            return changes


def _evolve_line(rows: Rows, key: str, line: Line, fact: LineFact) -> dict[str, Any]:
    match fact:
        case LineConfirmed(_, promised, at_ms):
            awaits = Awaits.STOCK if line.ordered else Awaits.RELEASE
            return {
                key: amended(
                    line, stage=CONFIRMED, awaits=awaits, awaits_since_ms=at_ms, promised=promised, proposal=None
                )
            }
        case LineProgressRecorded():
            return {key: _progressed(line, fact)}
        case LinePlanned(_, start_at_ms, waits_for):
            plan = LinePlan(start_at_ms, waits_for)
            return {key: amended(line, plan=plan if plan != NO_PLAN else None)}
        case LineDelayReported(_, expected_on, code, text, _):
            return {key: amended(line, estimate=Estimate(expected_on, spoken(code, text)))} if is_open(line) else {}
        case LineOverdue(_, at_ms):
            return {key: amended(line, silent_at_ms=at_ms)}
        case LineDelayRaised(_, _, _, at_ms):
            return {key: amended(line, late_since_ms=at_ms)}
        case LineDelayChanged():
            return {}
        case LineDelayCleared():
            return {key: amended(line, late_since_ms=None)}
        case ChangeProposed(_, change, by, deliveries, price, code, text, at_ms):
            proposal = Proposal(by, deliveries, price, spoken(code, text))
            changed = amended(line, changes=change, proposal=proposal)
            if line.stage is PLACED and by is Side.SELLER:
                changed = _awaiting(changed, Awaits.CHANGE_ANSWER, at_ms)
            return {key: changed}
        case ChangeAccepted():
            return {key: _accepted(line, fact)}
        case ChangeDeclined(_, _, _, _, _, at_ms):
            changed = amended(line, proposal=None)
            return {key: _awaiting(changed, Awaits.CONFIRMATION, at_ms) if line.stage is PLACED else changed}
        case DemandChangeAcknowledged():
            return {key: line}
        case NamingSought(_, about):
            return {key: amended(line, naming=Naming(about) if about else None)}
        case OriginNamed(_, name, item, site):
            return {key: amended(line, naming=line.naming and Naming(line.naming.about, name, item, site))}
        case CancellationRequested(_, amount, _, _, at_ms):
            return {key: _awaiting(amended(line, cancel_requested=amount), Awaits.CANCELLATION_ANSWER, at_ms)}
        case LineRejected(_, code, text, at_ms):
            return _end(rows, key, line, OrderLineStage.REJECTED, spoken(code, text), at_ms)
        case LineCancelled(_, code, text, at_ms):
            return _end(rows, key, line, OrderLineStage.CANCELLED, spoken(code, text), at_ms)
        case LineClosed(_, _, code, text, at_ms):
            return _end(rows, key, line, OrderLineStage.CLOSED, spoken(code, text), at_ms)
        case _:
            assert_never(fact)


def spoken(code: str, text: str) -> str:
    """Reason code and text as one line for people."""
    return f"{code}: {text}" if code and text else code or text


def _add_lines(rows: Rows, fact: LinesAdded) -> dict[str, Any]:
    head: Order | None = rows.get(HEAD)
    if head is None:
        return {}
    watch = min((at for at in (head.watch_at_ms, fact.watch_at_ms) if at is not None), default=None)
    changes: dict[str, Any] = {HEAD: amended(head, open_lines=head.open_lines + len(fact.lines), watch_at_ms=watch)}
    for placed in fact.lines:
        line = new_line(placed, total(placed.requested), fact.sequence_ms, fact.at_ms, added=True)
        changes[line_key(placed.line)] = line
    return changes


def _release(rows: Rows, fact: CallOffReleased) -> dict[str, Any]:
    head: Order | None = rows.get(HEAD)
    changes: dict[str, Any] = {} if head is None else {HEAD: amended(head, release=fact.release)}
    for one in fact.lines:
        before: Line | None = rows.get(line_key(one.line))
        if before is None or not is_open(before):
            continue
        line = amended(
            before, released=True, requested=one.deliveries, received_before=one.received_before,
            ordered=one.received_before + total(one.deliveries), estimate=None, proposal=None,
        )  # fmt: skip
        if line.stage is CONFIRMED:  # binding under the frame: what is released is promised, and it is a first promise
            line = amended(line, promised=one.deliveries, first_promised=())
            line = _awaiting(line, Awaits.STOCK if one.deliveries else Awaits.RELEASE, fact.at_ms)
        elif line.awaits is Awaits.CHANGE_ANSWER:
            line = _awaiting(line, Awaits.CONFIRMATION, fact.at_ms)
        changes[line_key(one.line)] = demand.noted(before, line, fact)
    return changes


def _awaiting(line: Line, awaits: Awaits, at_ms: int) -> Line:
    return line if line.awaits is awaits else amended(line, awaits=awaits, awaits_since_ms=at_ms)


def _progressed(line: Line, fact: LineProgressRecorded) -> Line:
    awaits, since = line.awaits, line.awaits_since_ms
    if is_open(line):
        pending = line.cancel_requested and line.cancel_requested != fact.cancel_answered
        wanted = Awaits.CANCELLATION_ANSWER if pending else fact.awaits
        if wanted is not awaits:
            awaits, since = wanted, fact.at_ms
    return amended(line, awaits=awaits, awaits_since_ms=since, progress=progress.progress_of(fact))


def _accepted(line: Line, fact: ChangeAccepted) -> Line:
    line = amended(line, proposal=None, unit_price=fact.unit_price or line.unit_price)
    deliveries = fact.deliveries
    if deliveries:
        cancelled = ZERO if line.progress is None else line.progress.cancelled
        estimate = line.estimate
        if estimate is not None and estimate.expected_on <= deliveries[-1].due_on:
            estimate = None  # the new promise says it now
        line = amended(
            line, estimate=estimate, cancel_requested=cancelled,
            ordered=line.received_before + total(deliveries) + to_buyer(cancelled, line.placed.terms.factor),
            requested=deliveries if fact.proposed_by is Side.BUYER else line.requested,
        )  # fmt: skip
    if line.stage is CONFIRMED:
        if not deliveries:
            return line
        return amended(line, promised=deliveries, first_promised=line.first_promised or line.promised)
    if fact.proposed_by is Side.SELLER:  # an offer instead of a confirmation, and the buyer took it
        line = amended(line, stage=CONFIRMED, promised=deliveries or requested(line))
        return _awaiting(line, Awaits.STOCK if line.ordered else Awaits.RELEASE, fact.at_ms)
    return line


def _end(rows: Rows, key: str, line: Line, stage: OrderLineStage, because: str, at_ms: int) -> dict[str, Any]:
    if not is_open(line):
        return {}
    ended = amended(
        line, stage=stage, ended_because=because, awaits=Awaits.NOTHING, awaits_since_ms=at_ms, proposal=None
    )
    head: Order | None = rows.get(HEAD)
    return {key: ended} if head is None else {key: ended, HEAD: amended(head, open_lines=head.open_lines - 1)}


def decide(rows: Rows, command: OrderCommand, origin: Origin) -> Decision:
    """The facts that the command makes, or why not. Pure: same rows, command and origin, same answer."""
    made = _decide(rows, command, origin)
    if isinstance(made, Refused) or isinstance(command, RecordLineProgress):
        return made
    cleared = progress.cleared(rows, made, origin.now_ms)
    return (*cleared, *made) if cleared else made


def _decide(rows: Rows, command: OrderCommand, origin: Origin) -> Decision:
    match command:
        case RecordLineProgress():
            return progress.record_progress(rows, command, origin)
        case PlaceOrder():
            return placing.place_order(rows, command, origin)
        case ConfirmOrder() | ConfirmLine():
            return promising.confirm(rows, command, origin)
        case NoteOverdue():
            return silence.note_overdue(rows, command)
        case AddLines():
            return placing.add_lines(rows, command, origin)
        case ReleaseCallOff():
            return placing.release_call_off(rows, command, origin)
        case PlanLine():
            return planning.plan_line(rows, command, origin)
        case RejectOrder() | RejectLine():
            return promising.reject(rows, command, origin)
        case ProposeChange():
            return promising.propose_change(rows, command, origin)
        case RevisePromise():
            return promising.revise_promise(rows, command, origin)
        case AcceptChange():
            return promising.accept_change(rows, command, origin)
        case DeclineChange():
            return promising.decline_change(rows, command, origin)
        case RelayNaming():
            return naming.relay(rows, command)
        case NameOrigin():
            return naming.name_origin(rows, command)
        case AcknowledgeDemandChange():
            return demand.acknowledge(rows, command, origin)
        case ReportDelay():
            return promising.report_delay(rows, command, origin)
        case CancelLine() | CancelOrder():
            return ending.cancel(rows, command, origin)
        case CloseLine() | CloseOrder():
            return ending.close(rows, command, origin)
        case _:
            assert_never(command)


def alarm(rows: Rows) -> int | None:
    """When to look for silence next (ms since 1970 UTC), never later than the first date that matters."""
    head: Order | None = rows.get(HEAD)
    return None if head is None else head.watch_at_ms


def ring(key: str, now_ms: int) -> NoteOverdue:
    """The look that the alarm asked for."""
    buyer, number = parties_of_key(key)
    return NoteOverdue(buyer, number, now_ms)


ORDER = Aggregate(
    kind=KIND,
    commands=OrderCommand.__args__,
    facts=OrderFact.__args__,
    rows={HEAD: Order, "line": Line},
    key=key_of,
    decide=decide,
    evolve=evolve,
    alarm=alarm,
    ring=ring,
    derived=(LineOverdue, WatchMoved),
)
