"""When what is open will be there: who is told what when a supply slips, comes, and goes on; and never twice."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from services.chain.causes import Cause, CauseClass, Hop, Root, RootClass, Stage
from services.chain.moments import NEVER, SINCE
from services.chain.pool_facts import STOCK, CoveredPart, Frozen, Hold, LateSupply, SupplyPart
from services.inventory import pool, pool_reckoning
from services.inventory.pool import reckon_command
from services.inventory.pool_commands import (
    BlockStock,
    Command,
    CountStock,
    IssueStock,
    ReceiveStock,
    ReleaseReservation,
    ReserveStock,
    StateDemand,
    StateSupply,
    TrackPool,
    UntrackPool,
    WakePool,
)
from services.inventory.pool_facts import (
    DemandDated,
    DemandId,
    DemandIssued,
    DemandReserved,
    DemandServedLate,
    ReservationId,
    SupplyReckoned,
)
from services.inventory.pool_rows import Buffered, Demand, Head, Supply
from services.inventory.views import ReservationState
from services.kernel.model import DictRows
from services.kernel.row_codec import RowCodec
from services.kernel.values import Origin, Refused
from tests.unit.inventory.pool_case import (
    ITEM,
    KEY,
    SITE,
    PoolCase,
    check_laws,
    flow,
    in_stock,
    kilograms,
    origin,
    pieces,
    short,
    state_demand,
    state_supply,
)

DAY = 1440
DAY_MS = DAY * 60_000
UNIT = 10**6


def counted(amount: int, *commands: Command) -> PoolCase:
    return PoolCase().given(CountStock(SITE, ITEM, pieces(amount)), *commands)


def demand(number: int, amount: int, day: int, issued: int = 0, **more: Any) -> StateDemand:
    return state_demand(number, pieces(amount), pieces(issued), day * DAY_MS, **more)


def slip(number: int, days: int) -> Cause:
    """Its seller reported so many days; one of them came in."""
    hop = Hop(flow(number), "bolt", own=days * DAY, delay_out=days * DAY)
    return Cause(Root(flow(number), RootClass.REPORTED, f"event-{number}", "machine"), (hop,))


def supply(number: int, amount: int, due: int, day: int | None = None, received: int = 0, **more: Any) -> StateSupply:
    """A supply promised for a day and expected on the same or another."""
    day = due if day is None else day
    cause = slip(number, day - due) if day > due else None
    part = SupplyPart(day * DAY, amount * UNIT, cause, (Stage(flow(number), amount * UNIT),))
    return state_supply(
        number,
        pieces(amount),
        pieces(received),
        expected_at_ms=day * DAY_MS,
        promised_at_ms=due * DAY_MS,
        parts=(part,),
        **more,
    )


def at_day(day: int) -> Origin:
    return origin(day * DAY_MS, day * DAY_MS)


def dates(case: PoolCase, number: int) -> list[tuple[int, int]]:
    """Day and pieces of each part that a flow was told."""
    return [(part.date // DAY, part.quantity // UNIT) for part in case.covered(number).parts]


def test_a_late_supply_moves_a_date_and_a_recovery_moves_it_back() -> None:
    case = counted(0, demand(1, 10, 6), supply(9, 10, 5))
    assert dates(case, 1) == [(5, 10)]
    before = case.covered(1)
    case.given(supply(9, 10, 5, 8))
    late = LateSupply(flow(9), 8 * DAY, 5 * DAY, slip(9, 3))
    path = (Stage(flow(9), 10 * UNIT),)
    assert case.covered(1).parts == (CoveredPart(8 * DAY, 10 * UNIT, 5 * DAY, late, path=path),)
    assert case.said == [flow(1)]
    case.given(supply(9, 10, 5))
    assert case.covered(1) == before
    check_laws(case)


def test_stock_absorbs_and_then_nobody_is_told() -> None:
    case = counted(10, demand(1, 10, 6), supply(9, 10, 5))
    assert case.covered(1).parts == (in_stock(10),)
    case.given(supply(9, 10, 5, 8))
    assert case.said == []
    row = case.seen["supplies", f"madrid/cell/{flow(9)}/out"]
    assert (row.delay_minutes, row.absorbed_minutes, row.slack_minutes) == (3 * DAY, 3 * DAY, None)


def test_of_two_supplies_the_other_takes_over_and_says_whose_slip_it_was() -> None:
    case = counted(0, demand(1, 5, 5), demand(2, 5, 9), supply(8, 5, 5), supply(9, 5, 9))
    case.given(supply(8, 5, 5, 15))
    assert [dates(case, 1), dates(case, 2)] == [[(9, 5)], [(15, 5)]]
    assert all(part.late is not None and part.late.flow == flow(8) for n in (1, 2) for part in case.covered(n).parts)
    check_laws(case)


def test_a_supply_from_an_older_sender_is_one_part_on_the_date_that_it_expects() -> None:
    case = counted(0, demand(1, 5, 9))
    case.given(state_supply(9, pieces(5), expected_at_ms=8 * DAY_MS + 1, promised_at_ms=5 * DAY_MS))
    assert [part.date for part in case.covered(1).parts] == [8 * DAY + 1]
    case.given(state_supply(9, pieces(5), expected_at_ms=None, promised_at_ms=5 * DAY_MS))
    assert dates(case, 1) == [(5, 5)]
    case.given(state_supply(9, pieces(5), expected_at_ms=None, promised_at_ms=None))
    assert case.covered(1).parts == (CoveredPart(NEVER, 5 * UNIT, NEVER),)


def test_a_supply_that_never_comes_leaves_its_demand_without_a_date() -> None:
    lost = SupplyPart(NEVER, 5 * UNIT, Cause(Root(flow(9), RootClass.LOST), ()))
    case = counted(0, demand(1, 5, 6), supply(9, 5, 5), state_supply(9, pieces(5), parts=(lost,)))
    (part,) = case.covered(1).parts
    assert part.date == NEVER
    assert part.late is not None
    row = case.seen["supplies", f"madrid/cell/{flow(9)}/out"]
    assert (row.expected_at_ms, row.delay_minutes, row.absorbed_minutes) == (None, None, 0)
    assert row.cause is CauseClass.SUPPLY


def test_a_planned_demand_waits_unreserved_until_it_is_more_than_planned() -> None:
    case = counted(10, demand(1, 8, 5, planned=True), demand(2, 6, 9, planned=True))
    assert case.reserved(1, 2) == [0, 0]
    assert case.covered(1).parts == (in_stock(8),)
    assert case.covered(2).parts == (in_stock(2), short(4, missing=4))
    assert case.covered(1).waiting == pieces(0)
    row = case.seen["reservations", f"madrid/cell/{flow(1)}/1"]
    assert (row.state, row.reserved, row.waiting) == (ReservationState.PLANNED, 0, 0)
    facts = case.run(demand(2, 6, 9))
    assert isinstance(facts, tuple)
    assert facts[1:] == (DemandReserved(flow(2), DemandId("1"), pieces(6), pieces(6)),)
    assert case.covered(2).parts == (in_stock(6),)
    assert case.covered(1).parts[-1].quantity == 4 * UNIT
    check_laws(case)


def test_a_demand_that_is_only_planned_again_gives_back_what_it_holds() -> None:
    case = counted(10, demand(1, 8, 5), demand(2, 6, 9))
    assert case.reserved(1, 2) == [8, 2]
    case.given(demand(1, 8, 5, planned=True))
    assert case.reserved(1, 2) == [0, 6]
    check_laws(case)


def test_what_is_held_by_hand_is_no_stock_for_the_chain() -> None:
    reserve = ReserveStock(SITE, ITEM, ReservationId("R1"), pieces(7), 9 * DAY_MS)
    case = counted(10, demand(1, 8, 5, planned=True), reserve)
    assert case.covered(1).parts == (in_stock(3), short(5, missing=5))
    case.given(ReleaseReservation(SITE, ITEM, ReservationId("R1"), pieces(5)))
    assert case.covered(1).parts == (in_stock(8),)
    case.given(BlockStock(SITE, ITEM, pieces(6), "moisture"))
    assert case.covered(1).parts == (in_stock(2), short(6, missing=6))
    check_laws(case)


def test_a_demand_that_holds_a_supply_has_its_date_whoever_stands_before() -> None:
    held = (Hold(flow(9), 5 * UNIT),)
    case = counted(0, demand(1, 5, 3), demand(2, 5, 9, holds=held), supply(8, 5, 9), supply(9, 5, 4))
    assert [dates(case, 1), dates(case, 2)] == [[(9, 5)], [(4, 5)]]
    check_laws(case)


def test_nobody_is_said_to_hold_stock_that_another_holds_in_fact() -> None:
    case = counted(5, demand(2, 5, 9), supply(8, 5, 7), demand(1, 5, 3, planned=True, holds=(Hold(STOCK, 5 * UNIT),)))
    assert [dates(case, 1), dates(case, 2)] == [[(7, 5)], [(SINCE, 5)]]
    case.given(ReceiveStock(SITE, ITEM, pieces(3)))
    assert dates(case, 1) == [(SINCE, 3), (7, 2)]
    check_laws(case)


def test_who_holds_a_supply_takes_no_stock_for_it_and_gets_it_before_those_who_came_first() -> None:
    holds = (Hold(flow(9), 6 * UNIT),)
    case = counted(0, supply(9, 8, 7), demand(1, 10, 3), demand(2, 10, 6, holds=holds))
    case.given(CountStock(SITE, ITEM, pieces(16)))
    assert [case.demand(n).reserved for n in (1, 2)] == [10, 4], "two are free, and the other six come"
    case.given(demand(3, 5, 1))
    assert case.demand(3).reserved == 2
    case.given(supply(9, 8, 7, received=5))
    assert [case.demand(n).reserved for n in (2, 3)] == [9, 2]
    case.given(supply(9, 8, 7, received=8, withdrawn=True))
    assert [case.demand(n).reserved for n in (2, 3)] == [10, 4], "two of the supply nobody held"
    check_laws(case)


def test_holders_of_one_supply_are_served_in_the_static_order() -> None:
    case = counted(0, supply(9, 8, 7), demand(1, 4, 6, holds=(Hold(flow(9), 4 * UNIT),)))
    case.given(demand(2, 4, 5, holds=(Hold(flow(9), 4 * UNIT),)), supply(9, 8, 7, received=5))
    assert [case.demand(n).reserved for n in (1, 2)] == [1, 4]
    case.given(supply(9, 8, 7, received=8))
    assert [case.demand(n).reserved for n in (1, 2)] == [4, 4]


def test_a_supply_that_is_off_is_waited_for_no_more() -> None:
    case = counted(0, supply(9, 8, 7), demand(1, 6, 6, holds=(Hold(flow(9), 6 * UNIT),)))
    case.given(CountStock(SITE, ITEM, pieces(6)))
    assert case.demand(1).reserved == 0
    case.given(supply(9, 8, 7, withdrawn=True))
    assert case.demand(1).reserved == 6


def test_what_was_known_of_late_units_is_written_when_they_come_and_told_when_they_leave() -> None:
    case = counted(0, demand(1, 10, 6), supply(9, 10, 5, 8))
    known = Frozen(8 * DAY, 5 * DAY, 3 * DAY, slip(9, 3))
    facts = case.run(supply(9, 10, 5, 8, received=10, withdrawn=True), at_day(8))
    assert isinstance(facts, tuple)
    assert facts[-1] == DemandReserved(flow(1), DemandId("1"), pieces(10), pieces(10), known)
    assert (case.covered(1).parts, case.covered(1).frozen) == ((in_stock(10),), None)
    facts = case.run(demand(1, 10, 6, issued=4), at_day(9))
    assert isinstance(facts, tuple)
    assert facts[0] == DemandIssued(flow(1), DemandId("1"), pieces(4), pieces(4), pieces(4), known)
    assert (case.covered(1).parts, case.covered(1).frozen) == ((in_stock(6),), known)
    case.given(demand(1, 10, 6, issued=10, withdrawn=True))
    assert (case.covered(1).parts, case.covered(1).frozen) == ((), known)
    check_laws(case)


def test_what_came_late_for_a_plan_is_known_when_it_is_taken() -> None:
    case = counted(0, demand(1, 10, 6, planned=True), supply(9, 10, 5, 8))
    known = Frozen(8 * DAY, 5 * DAY, 3 * DAY, slip(9, 3))
    facts = case.run(supply(9, 10, 5, 8, received=10, withdrawn=True), at_day(8))
    assert isinstance(facts, tuple)
    assert facts[-1] == DemandServedLate(flow(1), DemandId("1"), known)
    assert (case.demand(1).reserved, case.covered(1).parts) == (Decimal(0), (in_stock(10),))
    case.run(demand(1, 10, 6, issued=10), at_day(9))
    assert case.covered(1).frozen == known


def test_what_came_late_for_a_plan_and_went_to_another_is_forgotten() -> None:
    case = counted(0, demand(1, 10, 6, planned=True), supply(9, 10, 5, 8))
    case.run(supply(9, 10, 5, 8, received=10, withdrawn=True), at_day(8))
    case.given(IssueStock(SITE, ITEM, pieces(10)), ReceiveStock(SITE, ITEM, pieces(10)))
    case.run(demand(1, 10, 6, issued=10), at_day(9))
    assert case.covered(1).frozen is None


def test_of_several_plans_those_know_of_late_units_that_would_get_them() -> None:
    early, late = demand(1, 4, 6, planned=True), demand(2, 10, 7, planned=True)
    case = counted(4, early, late, demand(3, 10, 8, planned=True), supply(9, 10, 5, 8))
    case.run(supply(9, 10, 5, 8, received=10, withdrawn=True), at_day(8))
    assert [case.demand(n).held_late is not None for n in (1, 2, 3)] == [False, True, False]


def test_the_date_of_what_came_is_the_one_that_the_receipt_names() -> None:
    case = counted(0, demand(1, 10, 6), supply(9, 10, 5, 20))
    case.run(supply(9, 10, 5, 8, received=10), at_day(8))
    case.given(demand(1, 10, 6, issued=10))
    assert case.covered(1).frozen == Frozen(8 * DAY, 5 * DAY, 3 * DAY, slip(9, 3))


def test_what_comes_in_time_leaves_nothing_to_be_known() -> None:
    case = counted(0, demand(1, 10, 6), supply(9, 10, 5, 8), supply(9, 10, 5, 4, received=10))
    case.given(demand(1, 10, 6, issued=10))
    assert case.covered(1).frozen is None


def test_units_that_leave_before_their_receipt_is_known_are_judged_by_what_was_told() -> None:
    case = counted(0, demand(1, 10, 6), supply(9, 10, 5, 8))
    case.run(demand(1, 10, 6, issued=10), at_day(7))
    known = Frozen(7 * DAY, 5 * DAY, 3 * DAY, slip(9, 3))  # they were there by then, whatever was expected
    assert case.covered(1).frozen == known
    early = counted(0, demand(1, 10, 6), supply(9, 10, 5, 8))
    early.run(demand(1, 10, 6, issued=10), at_day(5))
    assert early.covered(1).frozen is None


def test_of_several_issues_the_latest_units_speak() -> None:
    case = counted(0, demand(1, 10, 6), supply(8, 5, 5, 9), supply(9, 5, 5, 7))
    case.run(supply(9, 5, 5, 7, received=5), at_day(7))
    case.run(demand(1, 10, 6, issued=5), at_day(7))
    assert case.covered(1).frozen == Frozen(7 * DAY, 5 * DAY, 2 * DAY, slip(9, 2))
    case.run(supply(8, 5, 5, 9, received=5), at_day(9))
    case.run(demand(1, 10, 6, issued=8), at_day(9))
    latest = Frozen(9 * DAY, 5 * DAY, 4 * DAY, slip(8, 4))
    assert case.covered(1).frozen == latest
    case.run(demand(1, 10, 6, issued=10), at_day(10))
    assert case.covered(1).frozen == latest


def test_units_in_time_do_not_hide_that_others_were_late() -> None:
    case = counted(0, demand(1, 10, 6), supply(8, 5, 9), supply(9, 5, 5, 7))
    case.run(supply(9, 5, 5, 7, received=5), at_day(7))
    case.run(demand(1, 10, 6, issued=5), at_day(7))
    case.run(supply(8, 5, 9, received=5), at_day(9))
    case.run(demand(1, 10, 6, issued=10), at_day(9))
    assert case.covered(1).frozen == Frozen(7 * DAY, 5 * DAY, 2 * DAY, slip(9, 2))


def test_what_is_given_back_takes_its_history_with_it() -> None:
    case = counted(0, demand(1, 10, 6), supply(9, 10, 5, 8))
    case.run(supply(9, 10, 5, 8, received=10), at_day(8))
    case.given(IssueStock(SITE, ITEM, pieces(10)), ReceiveStock(SITE, ITEM, pieces(10)), demand(1, 10, 6, issued=10))
    assert case.covered(1).frozen is None


def test_a_pool_that_nobody_tracks_says_nothing_of_dates() -> None:
    case = PoolCase().given(demand(1, 10, 6), supply(9, 10, 5, 8))
    assert (case.covered(1).tracked, case.covered(1).parts, case.reckoned) == (False, (), ())
    case.given(TrackPool(SITE, ITEM, "C62"))
    assert dates(case, 1) == [(8, 10)]
    check_laws(case)
    case.given(UntrackPool(SITE, ITEM))
    assert (case.covered(1).tracked, case.covered(1).parts) == (False, ())
    assert case.seen["outlook", "madrid/cell"] is None
    assert case.seen["supplies", f"madrid/cell/{flow(9)}/out"] is None
    check_laws(case)


def test_a_demand_that_goes_is_told_that_it_has_no_dates_any_more() -> None:
    case = counted(0, demand(1, 10, 6), demand(2, 5, 9), supply(9, 10, 5))
    assert dates(case, 2) == [(NEVER // DAY, 5)]
    case.given(demand(1, 10, 6, withdrawn=True))
    assert case.covered(1).parts == ()
    assert dates(case, 2) == [(5, 5)]
    case.given(state_demand(2, kilograms(5)))
    assert (case.covered(2).parts, case.covered(2).tracked) == ((), False)
    check_laws(case)


def test_nothing_is_told_twice_and_a_pool_at_rest_is_not_read() -> None:
    case = counted(3, demand(1, 10, 6), demand(2, 5, 9), supply(9, 20, 5))
    case.given(demand(1, 10, 6))
    assert (case.said, case.reckoned) == ([], ())
    case.given(demand(1, 10, 6, priority=4))  # stands where it stood
    assert (case.said, case.reckoned) == ([], ())
    case.given(demand(2, 5, 9, issued=1))
    assert len(case.said) == len(set(case.said))

    class Unread(type(case.rows)):  # type: ignore[misc]
        def scan(self, prefix: str) -> Any:
            raise AssertionError(f"{prefix} was read")

    memory, case.rows = case.rows.memory, Unread(case.rows)
    case.rows.memory = memory
    assert case.decide(demand(1, 10, 6, priority=4), origin()) == ()
    assert case.decide(reckon_command(KEY), origin()) == ()


def test_one_reckoning_answers_a_whole_batch() -> None:
    case = counted(0, demand(1, 10, 6), supply(8, 5, 5), supply(9, 5, 5))
    case.said = []
    for late in (supply(8, 5, 5, 7), supply(9, 5, 5, 9)):
        case.decide(late, origin())
    assert case.said == []
    facts = case.decide(reckon_command(KEY), origin())
    assert isinstance(facts, tuple)
    assert [type(fact).__name__ for fact in facts if isinstance(fact, DemandDated)] == ["DemandDated"]
    assert case.said == [flow(1)]
    assert dates(case, 1) == [(7, 5), (9, 5)]


def test_the_planner_sees_what_a_supply_may_still_slip_and_what_can_be_promised() -> None:
    case = PoolCase()
    for command in (CountStock(SITE, ITEM, pieces(4)), demand(1, 10, 9), demand(2, 3, 20), supply(9, 8, 5, 7)):
        case.run(command, at_day(3))
    row = case.seen["supplies", f"madrid/cell/{flow(9)}/out"]
    assert (row.quantity, row.expected_at_ms, row.baseline_at_ms) == (8, 7 * DAY_MS, 5 * DAY_MS)
    assert (row.delay_minutes, row.slack_minutes, row.absorbed_minutes) == (2 * DAY, 2 * DAY, 0)
    assert (row.cause, row.unit) == (CauseClass.SUPPLY, "C62")
    outlook = case.seen["outlook", "madrid/cell"]
    assert (outlook.usable, outlook.available_to_promise, outlook.late_supplies) == (4, 0, 1)
    assert outlook.first_shortage_at_ms == 20 * DAY_MS
    assert outlook.days_of_supply == pieces("6.4").amount  # until day 9, of which 4 of 10 are there
    case.run(supply(9, 18, 5), at_day(3))
    outlook = case.seen["outlook", "madrid/cell"]
    assert (outlook.available_to_promise, outlook.late_supplies, outlook.first_shortage_at_ms) == (4, 0, None)
    assert case.seen["supplies", f"madrid/cell/{flow(9)}/out"].cause is None


def test_what_a_planner_is_told_of_supplies_comes_in_one_order_however_they_were_heard_of() -> None:
    case = counted(10, demand(9, 12, 20), *(supply(number, 5, due=9) for number in (4, 2, 6, 1, 5, 3)))
    for key in [key for key, row in case.rows.items() if isinstance(row, Buffered)]:
        del case.rows[key]
    for rows in (case.rows, DictRows(case.rows)):  # with what was kept, and with all worked out anew
        facts = pool.decide(rows, pool.ring(KEY, 2 * DAY_MS), origin(2 * DAY_MS))
        assert not isinstance(facts, Refused)
        told = [fact.flow_key for fact in facts if isinstance(fact, SupplyReckoned)]
        assert told == [flow(number) for number in range(1, 7)]


def test_what_is_too_much_for_one_reckoning_is_told_with_the_next_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    case = counted(0, *(demand(number, 1, 6) for number in range(9)), supply(9, 9, 5))
    monkeypatch.setattr(pool_reckoning, "DATED_MAX", 4)
    case.decide(supply(9, 9, 5, 8), origin())
    for told in (4, 8, 9):
        case.decide(WakePool(KEY, 1_000) if told > 4 else reckon_command(KEY), origin())
        assert sum(dates(case, number) == [(8, 1)] for number in range(9)) == told
        assert case.head.stale
        case.rows.memory = None  # a crash between them forgets nothing
        if told < 9:
            assert (pool.alarm(case.rows) or 0) <= 1_000, "it goes on"
    case.wake(origin())
    assert not case.head.stale
    case.said = []
    check_laws(case)


def test_a_view_gets_only_the_rows_that_changed() -> None:
    case = counted(4, demand(1, 10, 9), supply(8, 3, 5), supply(9, 8, 5))
    case.seen.clear()
    case.given(supply(9, 8, 5, 6))
    changed = {key for key in case.seen if key[0] in ("supplies", "outlook")}
    assert changed == {("supplies", f"madrid/cell/{flow(9)}/out"), ("outlook", "madrid/cell")}
    case.given(supply(9, 8, 5, 6, received=8))
    assert case.seen["supplies", f"madrid/cell/{flow(9)}/out"] is None


def test_nothing_of_a_cause_but_its_class_is_in_a_row_of_a_view() -> None:
    secret = Cause(
        Root("flow/steel/secret/1", RootClass.SHARED, "secret-event", "secret-reason", culprit="secret-flow"),
        (Hop("flow/steel/secret/1", "secret-enterprise", own=DAY, delay_out=DAY),),
    )
    part = SupplyPart(6 * DAY, 5 * UNIT, secret, (Stage("secret-path", 1),), (Stage("secret-trail", 1),))
    late = state_supply(9, pieces(5), promised_at_ms=5 * DAY_MS, parts=(part,))
    case = counted(0, demand(1, 5, 6), late)
    assert "secret" in repr(case.covered(1))
    assert "secret" not in repr(case.seen)
    assert case.seen["supplies", f"madrid/cell/{flow(9)}/out"].cause is CauseClass.SHARED


def test_what_a_flow_says_of_its_parts_is_made_fit_and_never_refused() -> None:
    odd = (
        SupplyPart(9 * DAY, 2 * UNIT),
        SupplyPart(-5, 1 * UNIT),
        SupplyPart(7 * DAY, 0),
        SupplyPart(10**17, 9 * UNIT),
    )
    case = counted(0, demand(1, 12, 6, holds=(Hold(STOCK, -5), Hold(flow(9), 10**18))))
    case.given(state_supply(9, pieces(5), parts=odd))
    assert dates(case, 1) == [(SINCE, 1), (9, 2), (NEVER // DAY, 9)]
    case.given(state_supply(9, pieces(5), parts=odd[:2]))
    assert dates(case, 1) == [(SINCE, 1), (9, 4), (NEVER // DAY, 7)]
    check_laws(case)


def test_rows_of_before_there_were_dates_are_read_as_they_were() -> None:
    row = stored(Demand, flow(1), "1", "3", "1", "1", 100, 5, 1, False)
    assert (row.open, row.planned, row.holds, row.frozen, row.held_late) == (2, False, (), None, None)
    assert stored(Supply, flow(1), "out", "3", "1", 500, 400, False).parts == ()
    assert not stored(Head, "C62", "3").stale


def stored(row: type, *fields: Any) -> Any:
    return RowCodec(row).decode(msgspec.msgpack.encode(fields))


def test_a_receipt_that_nothing_is_known_of_is_reserved_without_a_history() -> None:
    case = counted(0, demand(1, 5, 6), supply(9, 5, 5, 8), ReceiveStock(SITE, ITEM, pieces(5)))
    assert case.demand(1).held_late is None
    assert case.reserved(1) == [5]


def test_a_date_of_a_supply_is_not_shown_with_the_stock_and_its_quantity_is() -> None:
    case = counted(4, demand(1, 10, 9), supply(9, 8, 5))
    case.seen.clear()
    case.given(supply(9, 8, 5, 6))
    assert {view for view, _ in case.seen} == {"inbound", "supplies", "outlook"}
    case.given(supply(9, 7, 5, 6))
    assert case.seen["stock", "madrid/cell"].inbound == 7
