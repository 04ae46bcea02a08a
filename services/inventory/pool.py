"""A pool: one item at one site of one enterprise. Key ``pool/<enterprise>/<site>/<item>``.

Owns: the stock ledger, what is blocked, what is held for whom, who waits in which order, what is to come. Its rule:
after every decision 0 <= reserved <= max(0, on hand - blocked), and in a tracked pool nobody waits while some is free.

Reports are recorded even where they contradict the book, except where nothing can be recorded: a quantity that is no
positive number, or in a unit that the pool cannot convert, says nothing about the stock and is refused like any other
text that cannot be read; the sender corrects it and sends it again. What a flow states is never refused: in an unknown
unit it is kept as stated, nothing is held for it, and the contradiction is shown to the owner.

Messages are in ``pool_facts.py`` and ``pool_commands.py``, rows in ``pool_rows.py``, ``evolve`` in ``pool_evolve.py``,
the moves in ``pool_ledger.py``, what flows state in ``pool_flows.py``. When what is open will be there follows from the
rows by the chain model: ``pool_dates.py`` asks it, ``pool_reckoning.py`` tells what is new of its answers.
Deliberately lacks: demand that overtakes what is already held, and counts backdated before later movements (a count is
of the moment at which it is recorded).
"""

from decimal import Decimal
from typing import Any, assert_never

from services.chain.moments import minute_of
from services.inventory.checks import first_refusal, refuse_id, refuse_text
from services.inventory.draft import Draft
from services.inventory.pool_commands import (
    AdjustStock,
    BlockStock,
    Command,
    ConsumeReservation,
    CountStock,
    IssueStock,
    OwnersCommand,
    PoolKey,
    Reaction,
    ReceiveStock,
    ReckonPool,
    ReleaseReservation,
    ReserveStock,
    StateDemand,
    StateSupply,
    TrackPool,
    UnblockStock,
    UntrackPool,
    WakePool,
)
from services.inventory.pool_evolve import evolve
from services.inventory.pool_facts import (
    Contradiction,
    DemandDated,
    Fact,
    MovementKind,
    OutlookReckoned,
    PoolOpened,
    PoolTracked,
    PoolUntracked,
    ReleaseCause,
    ReservationConsumed,
    ReservationMade,
    StockBlocked,
    StockCounted,
    StockUnblocked,
    SupplyReckoned,
)
from services.inventory.pool_flows import state_demand, state_supply
from services.inventory.pool_ledger import contradict, head_of, move, release, release_all, settle
from services.inventory.pool_reckoning import look_ahead, looks_ahead_at_ms, reckon
from services.inventory.pool_rows import MS_MAX, POOL_ROWS, Expiry, Head, Reservation, reservation_row
from services.inventory.units import ZERO, UnitFactor, converted, refuse_amount, refuse_ratio, refuse_unit
from services.kernel.model import Aggregate, Rows, RowsWithMemory
from services.kernel.values import EnterpriseId, Origin, Quantity, Refused

EXPIRIES_PER_RING = 500  # bounds one transaction; the alarm rings again for the rest


def decide(rows: RowsWithMemory, command: Command, origin: Origin) -> tuple[Fact, ...] | Refused:
    """The facts that the command makes, or why not. Pure: same rows, command and origin, same answer."""
    draft = Draft(rows, evolve)
    match command:
        case StateDemand():
            state_demand(draft, command, minute_of(max(origin.now_ms, origin.recorded_at_ms)))
        case StateSupply():
            state_supply(draft, command, minute_of(max(origin.now_ms, origin.recorded_at_ms)))
        case ReckonPool():
            reckon(draft)
        case WakePool(_, now_ms):
            _expire(draft, now_ms)
            if not draft.facts and (looks_ahead_at_ms(rows) or now_ms + 1) <= now_ms:
                look_ahead(draft, now_ms)
        case _:
            refused = first_refusal(refuse_id(command.site, "site"), refuse_id(command.item, "item")) or _said_by_owner(
                draft, command, origin
            )
            if refused is not None:
                return refused
    return tuple(draft.facts)


def _said_by_owner(draft: Draft, command: OwnersCommand, origin: Origin) -> Refused | None:
    match command:
        case ReceiveStock(_, _, quantity, factor, reference):
            return _move(draft, MovementKind.RECEIPT, quantity, factor, reference)
        case IssueStock(_, _, quantity, factor, reference):
            return _move(draft, MovementKind.ISSUE, quantity, factor, reference)
        case CountStock():
            return _count(draft, command)
        case AdjustStock():
            return _adjust(draft, command)
        case BlockStock():
            return _block(draft, command)
        case UnblockStock():
            return _unblock(draft, command)
        case ReserveStock():
            return _reserve(draft, command, origin)
        case ReleaseReservation():
            return _release(draft, command)
        case ConsumeReservation():
            return _consume(draft, command)
        case TrackPool():
            return _track(draft, command)
        case UntrackPool():
            if head_of(draft).tracked:
                release_all(draft, ReleaseCause.UNTRACKED)
                draft.emit(PoolUntracked())
            return None
        case _:
            assert_never(command)


def _in_base_unit(
    draft: Draft, quantity: Quantity, factor: UnitFactor | None, field: str = "quantity"
) -> Decimal | Refused:
    """The signed amount in the pool's base unit; the first who speaks of the pool sets that unit."""
    refused = refuse_unit(quantity.unit, field) or refuse_amount(quantity.amount, field)
    if refused is None and factor is not None:
        refused = refuse_unit(factor.base_unit, "factor") or refuse_ratio(
            factor.numerator, factor.denominator, "factor"
        )
    if refused is not None:
        return refused
    head = draft.get("head")
    stated_base = quantity.unit if factor is None else factor.base_unit
    unit = head.unit if head is not None else stated_base
    if quantity.unit == unit:
        amount = quantity.amount
    elif factor is None or factor.base_unit != unit:
        advice = f"the pool keeps its stock in {unit}: send {field} in {unit}, or with its factor to {unit}"
        return Refused("unit-unknown", advice, "factor")
    else:
        amount = converted(quantity.amount, factor)
        refused = refuse_amount(amount, field)
        if refused is not None or (not amount and quantity.amount):
            return refused or Refused("quantity-too-small", f"send {field} of at least 0.000001 {unit}", field)
    if head is None:
        draft.emit(PoolOpened(unit))
    return amount


def _positive(
    draft: Draft, quantity: Quantity, factor: UnitFactor | None, reference: str = "", reason: str = ""
) -> Decimal | Refused:
    if not quantity.amount.is_finite() or quantity.amount <= 0:
        return Refused("quantity-not-positive", "send a quantity greater than zero", "quantity")
    refused = refuse_text(reference, "reference") or refuse_text(reason, "reason")
    return refused if refused is not None else _in_base_unit(draft, quantity, factor)


def _move(
    draft: Draft, kind: MovementKind, quantity: Quantity, factor: UnitFactor | None, reference: str
) -> Refused | None:
    amount = _positive(draft, quantity, factor, reference)
    if isinstance(amount, Refused):
        return amount
    move(draft, kind, -amount if kind is MovementKind.ISSUE else amount, reference, stated=quantity)
    settle(draft)
    return None


def _count(draft: Draft, command: CountStock) -> Refused | None:
    if not command.counted.amount.is_finite() or command.counted.amount < 0:
        return Refused("quantity-negative", "send what was counted, zero or more", "counted")
    amount = refuse_text(command.reference, "reference") or _in_base_unit(
        draft, command.counted, command.factor, "counted"
    )
    if isinstance(amount, Refused):
        return amount
    head = head_of(draft)
    booked = Quantity(head.on_hand, head.unit)
    draft.emit(StockCounted(Quantity(amount, head.unit), booked, command.reference))
    if amount != head.on_hand:
        move(draft, MovementKind.COUNT, amount - head.on_hand, command.reference, stated=command.counted)
    if not head.tracked:
        draft.emit(PoolTracked(by_count=True))
    settle(draft)
    return None


def _adjust(draft: Draft, command: AdjustStock) -> Refused | None:
    if not command.quantity.amount:
        return Refused("quantity-zero", "send the difference by which the book is to be moved", "quantity")
    amount = (
        refuse_text(command.reason, "reason", required=True)
        or refuse_text(command.reference, "reference")
        or _in_base_unit(draft, command.quantity, command.factor)
    )
    if isinstance(amount, Refused):
        return amount
    move(draft, MovementKind.ADJUSTMENT, amount, command.reference, command.reason, command.quantity)
    settle(draft)
    return None


def _block(draft: Draft, command: BlockStock) -> Refused | None:
    amount = refuse_text(command.reason, "reason", required=True) or _positive(
        draft, command.quantity, command.factor, command.reference, command.reason
    )
    if isinstance(amount, Refused):
        return amount
    head = head_of(draft)
    after = head.blocked + amount
    draft.emit(StockBlocked(Quantity(amount, head.unit), Quantity(after, head.unit), command.reason, command.reference))
    if head.tracked and after > head.on_hand:
        contradict(draft, Contradiction.BLOCKED_ABOVE_ON_HAND, after, head.on_hand, command.reference)
    settle(draft)
    return None


def _unblock(draft: Draft, command: UnblockStock) -> Refused | None:
    amount = _positive(draft, command.quantity, command.factor, command.reference, command.reason)
    if isinstance(amount, Refused):
        return amount
    head = head_of(draft)
    part = min(amount, head.blocked)
    if part > 0:
        after = Quantity(head.blocked - part, head.unit)
        draft.emit(StockUnblocked(Quantity(part, head.unit), after, command.reason, command.reference))
    if part < amount:
        contradict(draft, Contradiction.UNBLOCKED_ABOVE_BLOCKED, amount, head.blocked, command.reference)
    settle(draft)
    return None


def _reserve(draft: Draft, command: ReserveStock, origin: Origin) -> Refused | None:
    refused = first_refusal(
        refuse_id(command.reservation, "reservation"),
        _refuse_instant(command.need_at_ms, "need_at"),
        None if command.expires_at_ms is None else _refuse_instant(command.expires_at_ms, "expires_at"),
    )
    if refused is not None:
        return refused
    if command.expires_at_ms is not None and command.expires_at_ms <= origin.now_ms:
        return Refused("expiry-past", "send an expiry in the future, or none", "expires_at")
    if not head_of(draft).tracked:
        return Refused(
            "stock-unknown", "count the stock first, or declare the pool tracked; then reserve again", "item"
        )
    if draft.get(reservation_row(command.reservation)) is not None:
        return Refused("reservation-exists", "release this reservation first, or take another id", "reservation")
    amount = _positive(draft, command.quantity, command.factor)
    if isinstance(amount, Refused):
        return amount
    head = head_of(draft)
    free = head.usable - head.reserved
    if amount > free:
        advice = f"{free:f} {head.unit} are available: send at most that, or again when more has come"
        return Refused("stock-short", advice, "quantity")
    quantity = Quantity(amount, head.unit)
    draft.emit(
        ReservationMade(command.reservation, quantity, command.need_at_ms, command.expires_at_ms, origin.recorded_at_ms)
    )
    return None


def _refuse_instant(at_ms: int, field: str) -> Refused | None:
    if 0 <= at_ms <= MS_MAX:
        return None
    return Refused("date-out-of-range", f"send {field} as an instant after 1970", field)


def _release(draft: Draft, command: ReleaseReservation) -> Refused | None:
    held: Reservation | None = draft.get(reservation_row(command.reservation))
    if held is None:
        advice = "send the id of a reservation that is still held; it may have expired, or stock fell short of it"
        return Refused("reservation-unknown", advice, "reservation")
    amount: Decimal | Refused = held.quantity
    if command.quantity is not None:
        amount = _positive(draft, command.quantity, command.factor)
    if isinstance(amount, Refused):
        return amount
    if amount > held.quantity:
        advice = f"{held.quantity:f} {head_of(draft).unit} are held: send at most that, or no quantity to release all"
        return Refused("quantity-above-reservation", advice, "quantity")
    release(draft, held, amount, ReleaseCause.OWNER)
    settle(draft)
    return None


def _consume(draft: Draft, command: ConsumeReservation) -> Refused | None:
    amount = refuse_id(command.reservation, "reservation") or _positive(
        draft, command.quantity, command.factor, command.reference
    )
    if isinstance(amount, Refused):
        return amount
    unit = head_of(draft).unit
    held: Reservation | None = draft.get(reservation_row(command.reservation))
    if held is None:
        contradict(draft, Contradiction.RESERVATION_UNKNOWN, amount, ZERO, command.reference)
    else:
        part = min(amount, held.quantity)
        after = Quantity(held.quantity - part, unit)
        draft.emit(ReservationConsumed(command.reservation, Quantity(part, unit), after))
    move(draft, MovementKind.ISSUE, -amount, command.reference, stated=command.quantity)
    settle(draft)
    return None


def _track(draft: Draft, command: TrackPool) -> Refused | None:
    refused = refuse_unit(command.unit, "unit")
    if refused is not None:
        return refused
    if draft.get("head") is None:
        draft.emit(PoolOpened(command.unit))
    head = head_of(draft)
    if head.unit != command.unit:
        return Refused("unit-unknown", f"send {head.unit}, in which the pool keeps its stock", "unit")
    if not head.tracked:
        draft.emit(PoolTracked(by_count=False))
        if head.on_hand < 0:
            contradict(draft, Contradiction.ON_HAND_BELOW_ZERO, ZERO, head.on_hand, "")
        settle(draft)
    return None


def _expire(draft: Draft, now_ms: int) -> None:
    head: Head | None = draft.get("head")
    if head is None or not head.expiring:
        return
    entry: Expiry
    for number, (_, entry) in enumerate(draft.scan("expiry/")):
        if entry.expires_at_ms > now_ms or number >= EXPIRIES_PER_RING:
            break
        held: Reservation | None = draft.get(reservation_row(entry.reservation))
        if held is not None:
            release(draft, held, held.quantity, ReleaseCause.EXPIRED)
    settle(draft)


def pool_key(command: Command, sender: EnterpriseId) -> str:
    """The key of the pool that the command is for: the sender's own, or the one that a reaction was addressed to."""
    if isinstance(command, Reaction):
        return command.pool_key
    return f"pool/{sender}/{command.site}/{command.item}"


def alarm(rows: Rows) -> int | None:
    """When the next reservation ends, or its outlook is to be looked at (ms since 1970 UTC), or None."""
    head = rows.get("head")
    ends: tuple[str, Expiry] | None = next(iter(rows.scan("expiry/")), None) if head and head.expiring else None
    moments = (looks_ahead_at_ms(rows), ends[1].expires_at_ms if ends is not None else None)
    return min((moment for moment in moments if moment is not None), default=None)


def ring(key: str, now_ms: int) -> Any:
    """The command to decide when the alarm's moment has come."""
    return WakePool(PoolKey(key), now_ms)


def reckon_command(key: str) -> Any:
    """The command by which the pool works out its dates, once per batch of what it was told."""
    return ReckonPool(PoolKey(key))


POOL = Aggregate(
    kind="pool",
    commands=(
        ReceiveStock,
        IssueStock,
        CountStock,
        AdjustStock,
        BlockStock,
        UnblockStock,
        ReserveStock,
        ReleaseReservation,
        ConsumeReservation,
        TrackPool,
        UntrackPool,
        StateDemand,
        StateSupply,
        WakePool,
        ReckonPool,
    ),
    facts=Fact.__args__,
    rows=POOL_ROWS,
    key=pool_key,
    decide=decide,
    evolve=evolve,
    alarm=alarm,
    ring=ring,
    reckon=reckon_command,
    derived=(DemandDated, SupplyReckoned, OutlookReckoned),
)
