"""Reservations made by hand: intents that may be refused, with an end that the clock brings."""

import pytest

from services.inventory import pool
from services.inventory.pool_commands import (
    BlockStock,
    ConsumeReservation,
    CountStock,
    ReceiveStock,
    ReleaseReservation,
    ReserveStock,
    WakePool,
)
from services.inventory.pool_facts import (
    Contradiction,
    MovementKind,
    ReleaseCause,
    ReservationConsumed,
    ReservationId,
    ReservationMade,
    ReservationReleased,
    StockContradicted,
    StockMoved,
)
from services.inventory.pool_rows import reservation_row
from services.kernel.values import Quantity, Refused
from tests.unit.inventory.pool_case import ITEM, KEY, SITE, PoolCase, check_laws, origin, pieces, state_demand

R1, R2 = ReservationId("R1"), ReservationId("R2")


def reserve(reservation: ReservationId, quantity: Quantity, need: int = 100, ends: int | None = None) -> ReserveStock:
    return ReserveStock(SITE, ITEM, reservation, quantity, need, ends)


def counted(amount: int) -> PoolCase:
    return PoolCase().given(CountStock(SITE, ITEM, pieces(amount)))


def test_reservation_holds_what_is_free() -> None:
    case = counted(10)
    assert case.run(reserve(R1, pieces(4), 100, 5_000)) == (ReservationMade(R1, pieces(4), 100, 5_000, 1_000),)
    assert case.seen["stock", "madrid/cell"].available == 6
    row = case.seen["reservations", "madrid/cell/hand/R1"]
    assert (row.holder, row.reserved, row.state) == ("R1", 4, "reserved")


def test_all_or_nothing() -> None:
    answer = counted(10).given(state_demand(1, pieces(7))).run(reserve(R1, pieces(4)))
    assert isinstance(answer, Refused)
    assert answer.code == "stock-short"
    assert "3 C62" in answer.advice


@pytest.mark.parametrize("case", [PoolCase(), PoolCase().given(ReceiveStock(SITE, ITEM, pieces(9)))])
def test_nothing_can_be_held_of_what_is_unknown(case: PoolCase) -> None:
    answer = case.run(reserve(R1, pieces(1)))
    assert isinstance(answer, Refused)
    assert answer.code == "stock-unknown"


def test_reservation_by_hand_gets_only_what_waiting_demands_leave() -> None:
    case = counted(0).given(state_demand(1, pieces(5)), ReceiveStock(SITE, ITEM, pieces(4)))
    answer = case.run(reserve(R1, pieces(1)))
    assert isinstance(answer, Refused)
    assert answer.code == "stock-short"
    case.given(ReceiveStock(SITE, ITEM, pieces(2)), reserve(R1, pieces(1)))
    assert case.reserved(1) == [5]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (reserve(R1, pieces(1)), "reservation-exists"),
        (reserve(R2, pieces(1), ends=1_000), "expiry-past"),
        (reserve(R2, pieces(0)), "quantity-not-positive"),
        (reserve(R2, pieces(1), need=-1), "date-out-of-range"),
        (reserve(ReservationId("a/b"), pieces(1)), "id-invalid"),
        (ReleaseReservation(SITE, ITEM, R2), "reservation-unknown"),
        (ReleaseReservation(SITE, ITEM, R1, pieces(3)), "quantity-above-reservation"),
        (ReleaseReservation(SITE, ITEM, R1, pieces(0)), "quantity-not-positive"),
    ],
)
def test_refusals(command: ReserveStock | ReleaseReservation, code: str) -> None:
    answer = counted(10).given(reserve(R1, pieces(2))).run(command)
    assert isinstance(answer, Refused)
    assert answer.code == code


def test_release_serves_who_waits() -> None:
    case = counted(10).given(reserve(R1, pieces(8)), state_demand(1, pieces(5)))
    assert case.reserved(1) == [2]
    facts = case.run(ReleaseReservation(SITE, ITEM, R1, pieces(3)))
    assert isinstance(facts, tuple)
    assert facts[0] == ReservationReleased(R1, pieces(3), pieces(5), ReleaseCause.OWNER)
    assert case.reserved(1) == [5]
    case.given(ReleaseReservation(SITE, ITEM, R1))
    assert case.seen["reservations", "madrid/cell/hand/R1"] is None
    check_laws(case)


def test_consuming_issues_out_of_the_reservation() -> None:
    case = counted(10).given(reserve(R1, pieces(4)))
    facts = case.run(ConsumeReservation(SITE, ITEM, R1, pieces(3), reference="slip"))
    assert facts == (
        ReservationConsumed(R1, pieces(3), pieces(1)),
        StockMoved(MovementKind.ISSUE, pieces(-3), "slip", "", pieces(7)),
    )
    assert case.head.reserved == 1


def test_consuming_more_than_held_takes_the_rest_like_any_issue() -> None:
    case = counted(10).given(reserve(R1, pieces(4)), state_demand(1, pieces(6)))
    case.given(ConsumeReservation(SITE, ITEM, R1, pieces(7)))
    assert reservation_row(R1) not in case.rows
    assert case.reserved(1) == [3]
    check_laws(case)


def test_consuming_what_is_not_held_is_recorded_all_the_same() -> None:
    case = counted(10)
    facts = case.run(ConsumeReservation(SITE, ITEM, R1, pieces(3)))
    assert facts == (
        StockContradicted(Contradiction.RESERVATION_UNKNOWN, pieces(3), pieces(0), ""),
        StockMoved(MovementKind.ISSUE, pieces(-3), "", "", pieces(7)),
    )


def test_the_clock_ends_a_reservation_and_what_it_held_goes_to_who_waits() -> None:
    case = counted(10).given(
        reserve(R1, pieces(4), ends=5_000), reserve(R2, pieces(6), ends=7_000), state_demand(1, pieces(5))
    )
    assert pool.alarm(case.rows) == 5_000
    ring = pool.ring(KEY, 6_000)
    assert ring == WakePool(KEY, 6_000)
    facts = case.run(ring, origin(now_ms=6_000))
    assert isinstance(facts, tuple)
    assert facts[0] == ReservationReleased(R1, pieces(4), pieces(0), ReleaseCause.EXPIRED)
    assert case.reserved(1) == [4]
    case.given(WakePool(KEY, 6_000))  # for the outlook, which is another by what was released
    assert pool.alarm(case.rows) == 7_000
    case.run(ReleaseReservation(SITE, ITEM, R2), origin(now_ms=6_000))
    assert pool.alarm(case.rows) is None
    check_laws(case)


def test_one_ring_ends_a_bounded_number_and_rings_again() -> None:
    many = pool.EXPIRIES_PER_RING + 1
    case = counted(many)
    for number in range(many):
        case.given(reserve(ReservationId(f"R{number}"), pieces(1), ends=5_000))
    case.given(WakePool(KEY, 5_000))
    assert case.head.reserved == 1
    assert (pool.alarm(case.rows) or 0) <= 5_000
    case.given(WakePool(KEY, 5_000))
    assert case.head.reserved == 0


def test_among_equal_needs_a_reservation_by_hand_gives_back_before_a_demand() -> None:
    case = counted(10).given(state_demand(1, pieces(5), need_at_ms=100), reserve(R1, pieces(5), need=100))
    case.given(BlockStock(SITE, ITEM, pieces(3), "moisture"))
    assert case.reserved(1) == [5]
    assert case.rows[reservation_row(R1)].quantity == 2


def test_a_demand_needed_later_gives_back_before_a_reservation_by_hand() -> None:
    case = counted(10).given(state_demand(1, pieces(5), need_at_ms=200), reserve(R1, pieces(5), need=100))
    case.given(BlockStock(SITE, ITEM, pieces(3), "moisture"))
    assert case.reserved(1) == [2]
    check_laws(case)
