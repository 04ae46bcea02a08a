"""Who waits for an enterprise, and what it did about the delays that came to it: the mirror of ``exposure``.

Owns: the views ``waiting-for-me`` (late open lines that the enterprise sells) and ``delay-account`` (their delays
summed per partner, by the difference that a line makes), both derived from the seller's own rows of ``order-lines``.
Deliberately lacks: lines that are in time, however much was absorbed for them; of what others did only what came in.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.chain.moments import NEVER
from services.kernel.values import EnterpriseId
from services.order.line_view import CauseView, OrderLineView, Tiers, open_quantity
from services.order.outlook import DelayShare
from services.order.ranking import Derived, Read
from services.order.terms import ItemId, LineNumber, OrderNumber, Side

WAITING, ACCOUNT = "waiting-for-me", "delay-account"


@dataclass(frozen=True, slots=True)
class WaitingView:
    """One open line that the enterprise sells and that is late, row id ``<buyer>/<number>/<line>``.

    ``begins_here``: the delay began with the enterprise itself, or with the line. ``share``: what its own flows on the
    way did, None where the line has no date to expect. ``open_quantity`` is what is still to arrive, in the seller's
    ``unit``.
    """

    partner: EnterpriseId
    number: OrderNumber
    line: LineNumber
    item: ItemId
    unit: str
    open_quantity: Decimal
    promised_on: date | None
    expected_on: date | None
    days_late: int
    delay_minutes: int
    late_since_ms: int | None
    begins_here: bool
    cause: CauseView | None
    share: DelayShare | None


@dataclass(frozen=True, slots=True)
class AccountView:
    """The late lines that one partner waits for, row id the partner; minutes summed over those that have an account.

    What came in, less what the enterprise absorbed, plus what it caused itself, is what it passed on. ``short_lines``
    have no date to expect, hence no minutes.
    """

    partner: EnterpriseId
    lines: int
    short_lines: int
    incoming_minutes: int
    absorbed_minutes: int
    caused_minutes: int
    passed_minutes: int


def waiting_of(line: OrderLineView | None) -> WaitingView | None:
    """What a row of ``order-lines`` shows of a late open line to whom sells it; None otherwise."""
    if line is None or not (line.late or line.delay_minutes):
        return None
    if not (quantity := open_quantity(line, Side.SELLER)):
        return None
    cause = line.cause
    return WaitingView(
        line.partner, line.number, line.line, line.item, line.unit, quantity, line.promised_on, line.expected_on,
        line.days_late, line.delay_minutes, line.late_since_ms, cause is None or cause.tiers is Tiers.NONE, cause,
        line.share,
    )  # fmt: skip


def derive_waiting(old: OrderLineView | None, new: OrderLineView | None, read: Read) -> Derived:
    """The rows of ``waiting-for-me`` and ``delay-account`` that change with a row of ``order-lines``."""
    before, after = waiting_of(old), waiting_of(new)
    row = after or before
    if before == after or row is None:
        return {}
    changed: dict[tuple[str, str], Any | None] = {(WAITING, f"{row.partner}/{row.number}/{row.line}"): after}
    had, has = _counted(before), _counted(after)
    if had != has:
        known: AccountView | None = read(ACCOUNT, row.partner)
        sums = (0,) * len(has) if known is None else _sums(known)
        now = tuple(s + b - a for s, a, b in zip(sums, had, has, strict=True))
        changed[ACCOUNT, row.partner] = AccountView(row.partner, *now) if now[0] else None
    return changed


def _counted(row: WaitingView | None) -> tuple[int, ...]:
    """What the line adds to the sums of its partner, in the order of their fields."""
    if row is None:
        return (0,) * 6
    share = row.share
    if share is None:
        return (1, int(row.delay_minutes == NEVER), 0, 0, 0, 0)
    return (1, 0, share.incoming_minutes, share.absorbed_minutes, share.caused_minutes, share.passed_minutes)


def _sums(row: AccountView) -> tuple[int, ...]:
    return (
        row.lines, row.short_lines, row.incoming_minutes, row.absorbed_minutes, row.caused_minutes, row.passed_minutes,
    )  # fmt: skip
