"""A pool in a dict, driven as the kernel drives it: decide, evolve, tell, project; then reckon, and the same again.

And the laws after each step.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from services.chain.moments import NEVER, SINCE
from services.chain.pool_facts import CoveredPart, Hold, SupplyPart
from services.inventory import pool
from services.inventory.item import ItemId
from services.inventory.policy import DemandCovered, tell
from services.inventory.pool_commands import Command, PoolKey, StateDemand, StateSupply, WakePool
from services.inventory.pool_evolve import evolve
from services.inventory.pool_facts import DemandId, Fact, FlowKey, StockMoved, SupplyId
from services.inventory.pool_ledger import coming
from services.inventory.pool_rows import (
    Coming,
    Dated,
    Demand,
    Expiry,
    Head,
    Held,
    Planned,
    Reservation,
    Supply,
    Waiting,
    coming_key,
    demand_row,
    expiry_key,
    held_key,
    plan_key,
    supply_row,
    wait_key,
)
from services.inventory.site import SiteId
from services.inventory.units import ZERO
from services.inventory.views import project
from services.kernel.model import DictRows, Memory, MemoryT, Rows
from services.kernel.values import EnterpriseId, Origin, Quantity, Refused
from tests.unit.inventory.plain_dates import plain_dates

KEY = PoolKey("pool/acme/madrid/cell")
SITE, ITEM = SiteId("madrid"), ItemId("cell")


def pieces(amount: int | str) -> Quantity:
    return Quantity(Decimal(amount), "C62")


def kilograms(amount: int | str) -> Quantity:
    return Quantity(Decimal(amount), "KGM")


def in_stock(amount: int) -> CoveredPart:
    """What a flow is told of units that are there."""
    return CoveredPart(SINCE, amount * 10**6)


def short(amount: int, missing: int) -> CoveredPart:
    """What a flow is told of units that nobody has promised."""
    return CoveredPart(NEVER, amount * 10**6, NEVER, missing=missing * 10**6)


def origin(now_ms: int = 1_000, recorded_at_ms: int = 1_000) -> Origin:
    return Origin(EnterpriseId("acme"), now_ms, recorded_at_ms, recorded_at_ms, "command-1")


def flow(number: int) -> FlowKey:
    return FlowKey(f"flow/buyer/order-{number}/10")


class RememberedRows(DictRows):
    """Rows that keep what was worked out of them, as the kernel does."""

    memory: Memory | None = None
    past: Mapping[str, Any] = {}

    def before(self, key: str) -> Any | None:
        """The row before the decision."""
        return self.past.get(key)

    def recall(self, make: Callable[[Rows], MemoryT]) -> MemoryT:
        if self.memory is None:
            self.memory = make(self)
        self.memory.refresh(self)
        return self.memory  # type: ignore[return-value]


class PoolCase:
    """One pool and everybody who listens to it; the clock ticks after each command."""

    def __init__(self) -> None:
        self.rows = RememberedRows()
        self.log: list[Fact] = []
        self.told: dict[tuple[str, str], DemandCovered] = {}
        self.seen: dict[tuple[str, str], Any] = {}
        self.reckoned: tuple[Fact, ...] = ()
        self.said: list[str] = []

    def run(self, command: Command, at: Origin | None = None) -> tuple[Fact, ...] | Refused:
        """The facts of the command; those of the reckoning after it are in ``reckoned``, what it told in ``said``."""
        at = at or origin()
        self.said = []
        answer = self.decide(command, at)
        if not isinstance(answer, Refused):
            reckoned = self.decide(pool.reckon_command(KEY), at)
            assert not isinstance(reckoned, Refused)
            self.reckoned = reckoned
            if not isinstance(command, WakePool):
                self.wake(at)
        return answer

    def wake(self, at: Origin) -> None:
        """The clock ticks, until nothing is left to do."""
        for _ in range(20):
            if (pool.alarm(self.rows) or at.now_ms + 1) > at.now_ms:
                return
            assert self.decide(pool.ring(KEY, at.now_ms), at) != (), "a ring that did nothing would ring for ever"
            self.decide(pool.reckon_command(KEY), at)
        raise AssertionError("it rings for ever")

    def decide(self, command: Command, at: Origin) -> tuple[Fact, ...] | Refused:
        """One decision, without a reckoning after it."""
        answer = pool.decide(self.rows, command, at)
        if isinstance(answer, Refused):
            return answer
        self.rows.past = dict(self.rows)
        for fact in answer:
            apply(self.rows, fact)
            if self.rows.memory is not None:
                self.rows.memory.changed(evolve(self.rows, fact))
        self.log += answer
        for link in tell(KEY, self.rows, answer, at):
            self.told[link.to, link.link] = link.state
            self.said.append(link.to)
        for feed in project(KEY, self.rows, answer, at):
            assert feed.enterprise == "acme"
            self.seen[feed.view, feed.row_id] = feed.row
        return answer

    def given(self, *commands: Command) -> "PoolCase":
        for command in commands:
            answer = self.run(command)
            assert not isinstance(answer, Refused), answer
        return self

    @property
    def head(self) -> Head:
        head: Head = self.rows["head"]
        return head

    def demand(self, number: int) -> Demand:
        row: Demand = self.rows[demand_row(flow(number), DemandId("1"))]
        return row

    def reserved(self, *numbers: int) -> list[int]:
        return [int(self.demand(number).reserved) for number in numbers]

    def covered(self, number: int) -> DemandCovered:
        return self.told[flow(number), "1"]


def apply(rows: DictRows, fact: Fact) -> None:
    for key, row in evolve(rows, fact).items():
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row


def state_demand(
    number: int,
    quantity: Quantity,
    issued: Quantity | None = None,
    need_at_ms: int | None = 100,
    priority: int = 5,
    sequence_ms: int = 1,
    withdrawn: bool = False,
    reference: str = "",
    planned: bool = False,
    holds: tuple[Hold, ...] = (),
) -> StateDemand:
    return StateDemand(
        KEY,
        flow(number),
        DemandId("1"),
        quantity,
        issued,
        need_at_ms,
        priority,
        sequence_ms,
        withdrawn,
        reference,
        planned,
        holds,
    )


def state_supply(
    number: int,
    quantity: Quantity,
    received: Quantity | None = None,
    expected_at_ms: int | None = 500,
    withdrawn: bool = False,
    reference: str = "",
    parts: tuple[SupplyPart, ...] = (),
    promised_at_ms: int | None = 400,
) -> StateSupply:
    return StateSupply(
        KEY,
        flow(number),
        SupplyId("out"),
        quantity,
        received,
        expected_at_ms,
        promised_at_ms,
        withdrawn,
        reference,
        parts,
    )


def check_laws(case: PoolCase) -> None:
    """The invariants of the service, each computed from all rows or from the whole log."""
    rows = case.rows
    head: Head | None = rows.get("head")
    if head is None:
        assert not rows
        return
    demands = [row for row in rows.values() if isinstance(row, Demand)]
    hands = [row for row in rows.values() if isinstance(row, Reservation)]
    supplies = [row for row in rows.values() if isinstance(row, Supply)]

    assert head.on_hand == sum((f.quantity.amount for f in case.log if isinstance(f, StockMoved)), ZERO)
    assert head.movements == sum(isinstance(f, StockMoved) for f in case.log)
    assert head.blocked >= 0
    assert 0 <= head.reserved <= max(ZERO, head.on_hand - head.blocked)
    assert head.reserved == sum((d.reserved for d in demands), ZERO) + sum((h.quantity for h in hands), ZERO)
    assert all(ZERO <= d.reserved <= d.open for d in demands)
    assert all(h.quantity > 0 for h in hands)
    assert head.waiting == sum((d.waiting for d in demands), ZERO)
    assert head.inbound == sum((s.open for s in supplies), ZERO)
    if head.tracked:
        stranded = sum((demand.waiting - coming(case.rows, demand) for demand in demands), ZERO)
        assert not stranded or head.reserved == head.usable, "somebody waits for nothing while something is free"
    else:
        assert not head.reserved

    assert {k: r for k, r in rows.items() if isinstance(r, Waiting)} == {
        wait_key(d): Waiting(demand_row(d.flow_key, d.demand)) for d in demands if d.waiting
    }
    assert {k: r for k, r in rows.items() if isinstance(r, Planned)} == {
        plan_key(d): Planned(demand_row(d.flow_key, d.demand)) for d in demands if d.planned and d.open
    }
    assert {k: r for k, r in rows.items() if isinstance(r, Coming)} == {
        coming_key(s): Coming(supply_row(s.flow_key, s.supply)) for s in supplies if s.open
    }
    holders: list[Demand | Reservation] = [*(d for d in demands if d.reserved), *hands]
    assert {k for k, r in rows.items() if isinstance(r, Held)} == {held_key(h) for h in holders}
    ends = [h for h in hands if h.expires_at_ms is not None]
    assert {k for k, r in rows.items() if isinstance(r, Expiry)} == {expiry_key(h) for h in ends}
    assert head.expiring == len(ends)
    alarm = pool.alarm(rows)
    assert (alarm or 0) <= min((h.expires_at_ms for h in ends if h.expires_at_ms is not None), default=alarm or 0)
    assert not head.stale or (alarm or 0) >= 1

    replayed = DictRows()
    for fact in case.log:
        apply(replayed, fact)
    assert replayed == rows, "the rows are not the fold of the log"
    _check_listeners(case, head, demands, hands)
    _check_dates(case, head)


def _check_listeners(case: PoolCase, head: Head, demands: list[Demand], hands: list[Reservation]) -> None:
    for row in demands:
        told = case.told[row.flow_key, row.demand]
        assert (told.reserved.amount, told.issued.amount) == (row.reserved, row.issued)
        if row.open or row.unit:  # whoever has all it needs does not ask whether the rest is known
            assert told.tracked == (head.tracked and not row.unit)
        if not row.unit:
            assert told.waiting == Quantity(row.waiting, head.unit)
    known = {(row.flow_key, row.demand) for row in demands}
    assert all(not told.reserved.amount for who, told in case.told.items() if who not in known)

    said = [who for who in case.said if case.told[who, "1"].tracked]
    assert len(said) == len(set(said)), "somebody was told twice"

    stock = case.seen["stock", f"{SITE}/{ITEM}"]
    assert stock.on_hand == (head.on_hand if head.tracked else None)
    assert (stock.reserved, stock.waiting, stock.inbound) == (head.reserved, head.waiting, head.inbound)
    assert (stock.blocked, stock.contradicted) == (head.blocked, head.contradicted)
    shown = [row for (view, _), row in case.seen.items() if view == "reservations" and row is not None]
    assert sum((row.reserved for row in shown), ZERO) == head.reserved
    assert len(shown) == len(hands) + sum(1 for d in demands if d.open or (d.unit and not d.withdrawn))
    inbound = [row for (view, _), row in case.seen.items() if view == "inbound" and row is not None]
    assert sum((row.open for row in inbound if row.unit == head.unit), ZERO) == head.inbound


def _check_dates(case: PoolCase, head: Head) -> None:
    """What was told last is what the definition says of the rows, and to say it again is to say nothing."""
    wanted = plain_dates(case.rows)
    told = {demand_row(FlowKey(who), DemandId(link)): state.parts for (who, link), state in case.told.items()}
    assert {key: parts for key, parts in told.items() if parts} == wanted
    assert {demand_row(r.flow_key, r.demand): r.parts for r in case.rows.values() if isinstance(r, Dated)} == wanted
    assert pool.decide(case.rows, pool.reckon_command(KEY), origin()) == (), "with what was kept"
    assert pool.decide(DictRows(case.rows), pool.reckon_command(KEY), origin()) == (), "with all worked out anew"
    shown = {row_id for (view, row_id), row in case.seen.items() if view == "supplies" and row is not None}
    coming = [row for row in case.rows.values() if isinstance(row, Supply) and row.open]
    assert shown == {f"{SITE}/{ITEM}/{row.flow_key}/{row.supply}" for row in coming if head.tracked}
    assert (case.seen.get(("outlook", f"{SITE}/{ITEM}")) is not None) == head.tracked
