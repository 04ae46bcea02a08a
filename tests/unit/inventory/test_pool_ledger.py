"""The ledger: movements, counts, blocked stock, units. Reports are recorded; what cannot be read is refused."""

from decimal import Decimal

import pytest

from services.inventory.item import ItemId
from services.inventory.pool_commands import (
    AdjustStock,
    BlockStock,
    Command,
    CountStock,
    IssueStock,
    ReceiveStock,
    TrackPool,
    UnblockStock,
    UntrackPool,
)
from services.inventory.pool_facts import (
    Contradiction,
    DemandReleased,
    MovementKind,
    PoolOpened,
    PoolTracked,
    ReleaseCause,
    StockContradicted,
    StockCounted,
    StockMoved,
)
from services.inventory.site import SiteId
from services.inventory.units import UnitFactor
from services.kernel.values import Quantity, Refused
from tests.unit.inventory.pool_case import ITEM, SITE, PoolCase, check_laws, kilograms, pieces, state_demand

BOX = UnitFactor("C62", 12, 1)


def test_first_receipt_opens_the_pool_and_leaves_it_unknown() -> None:
    case = PoolCase()
    facts = case.run(ReceiveStock(SITE, ITEM, pieces(5), reference="note 7"))
    assert facts == (
        PoolOpened("C62"),
        StockMoved(MovementKind.RECEIPT, pieces(5), "note 7", "", pieces(5)),
    )
    stock = case.seen["stock", "madrid/cell"]
    assert (stock.tracked, stock.on_hand, stock.available) == (False, None, None)


def test_first_count_makes_the_pool_tracked_by_a_movement_of_the_difference() -> None:
    case = PoolCase().given(ReceiveStock(SITE, ITEM, pieces(5)))
    facts = case.run(CountStock(SITE, ITEM, pieces(8), reference="list 1"))
    assert facts == (
        StockCounted(pieces(8), pieces(5), "list 1"),
        StockMoved(MovementKind.COUNT, pieces(3), "list 1", "", pieces(8)),
        PoolTracked(by_count=True),
    )
    assert case.seen["stock", "madrid/cell"].available == 8


def test_counting_nothing_is_knowledge() -> None:
    case = PoolCase().given(CountStock(SITE, ITEM, pieces(0)))
    assert case.head.tracked
    assert case.seen["stock", "madrid/cell"].on_hand == 0
    assert case.head.movements == 0


def test_count_below_what_is_reserved_releases_the_latest_need_first() -> None:
    case = PoolCase().given(
        CountStock(SITE, ITEM, pieces(30)),
        state_demand(1, pieces(10), need_at_ms=300),
        state_demand(2, pieces(10), need_at_ms=100),
        state_demand(3, pieces(10), need_at_ms=200),
    )
    facts = case.run(CountStock(SITE, ITEM, pieces(14)))
    assert isinstance(facts, tuple)
    releases = [f for f in facts if isinstance(f, DemandReleased)]
    assert [(f.flow_key, f.quantity, f.cause) for f in releases] == [
        ("flow/buyer/order-1/10", pieces(10), ReleaseCause.SHORT),
        ("flow/buyer/order-3/10", pieces(6), ReleaseCause.SHORT),
    ]
    assert case.reserved(1, 2, 3) == [0, 10, 4]
    check_laws(case)


def test_issue_beyond_the_book_is_recorded_and_contradicts_it_until_the_next_count() -> None:
    case = PoolCase().given(CountStock(SITE, ITEM, pieces(5)))
    facts = case.run(IssueStock(SITE, ITEM, pieces(8), reference="slip 3"))
    assert facts == (
        StockMoved(MovementKind.ISSUE, pieces(-8), "slip 3", "", pieces(-3)),
        StockContradicted(Contradiction.ON_HAND_BELOW_ZERO, pieces(8), pieces(5), "slip 3"),
    )
    assert case.head.on_hand == -3
    assert case.seen["stock", "madrid/cell"].available == 0
    assert case.seen["stock", "madrid/cell"].contradicted is Contradiction.ON_HAND_BELOW_ZERO
    case.given(CountStock(SITE, ITEM, pieces(2)))
    assert case.seen["stock", "madrid/cell"].contradicted is None
    assert case.head.on_hand == 2


def test_issue_from_an_unknown_pool_contradicts_nothing() -> None:
    case = PoolCase()
    facts = case.run(IssueStock(SITE, ITEM, pieces(8)))
    assert isinstance(facts, tuple)
    assert not [f for f in facts if isinstance(f, StockContradicted)]
    case.given(CountStock(SITE, ITEM, pieces(1)))
    assert case.head.on_hand == 1
    check_laws(case)


def test_blocked_stock_is_taken_from_who_needs_it_last_and_given_back() -> None:
    case = PoolCase().given(
        CountStock(SITE, ITEM, pieces(10)),
        state_demand(1, pieces(6), need_at_ms=100),
        state_demand(2, pieces(4), need_at_ms=200),
        BlockStock(SITE, ITEM, pieces(5), "moisture"),
    )
    assert case.reserved(1, 2) == [5, 0]
    assert case.covered(2).waiting == pieces(4)
    case.given(UnblockStock(SITE, ITEM, pieces(5)))
    assert case.reserved(1, 2) == [6, 4]
    check_laws(case)


def test_blocking_and_unblocking_more_than_there_is_are_recorded_as_contradictions() -> None:
    case = PoolCase().given(CountStock(SITE, ITEM, pieces(5)))
    blocked = case.run(BlockStock(SITE, ITEM, pieces(9), "moisture"))
    assert isinstance(blocked, tuple)
    assert blocked[-1] == StockContradicted(Contradiction.BLOCKED_ABOVE_ON_HAND, pieces(9), pieces(5), "")
    unblocked = case.run(UnblockStock(SITE, ITEM, pieces(12)))
    assert isinstance(unblocked, tuple)
    assert unblocked[-1] == StockContradicted(Contradiction.UNBLOCKED_ABOVE_BLOCKED, pieces(12), pieces(9), "")
    assert case.head.blocked == 0


def test_adjustment_moves_the_book_both_ways_and_says_why() -> None:
    case = PoolCase().given(
        CountStock(SITE, ITEM, pieces(5)),
        AdjustStock(SITE, ITEM, pieces(-2), "scrap"),
        AdjustStock(SITE, ITEM, pieces("0.5"), "found"),
    )
    assert case.head.on_hand == Decimal("3.5")
    assert [f.reason for f in case.log if isinstance(f, StockMoved)] == ["", "scrap", "found"]


def test_another_unit_is_converted_by_the_factor_stamped_on_the_command_and_kept_as_stated() -> None:
    case = PoolCase().given(CountStock(SITE, ITEM, pieces(0)))
    facts = case.run(ReceiveStock(SITE, ITEM, Quantity(Decimal(2), "BX"), BOX))
    assert facts == (
        StockMoved(MovementKind.RECEIPT, pieces(24), "", "", pieces(24), stated=Quantity(Decimal(2), "BX")),
    )


def test_first_command_in_another_unit_opens_the_pool_in_the_base_unit() -> None:
    case = PoolCase().given(CountStock(SITE, ITEM, Quantity(Decimal(2), "BX"), BOX))
    assert (case.head.unit, case.head.on_hand) == ("C62", Decimal(24))


@pytest.mark.parametrize(
    ("amount", "factor", "pieces_expected"),
    [("1", (1, 3), "0.333333"), ("2", (1, 3), "0.666667"), ("0.0000005", (1, 1), None), ("7", (1, 2), "3.5")],
)
def test_conversion_is_exact_and_rounded_once(amount: str, factor: tuple[int, int], pieces_expected: str) -> None:
    case = PoolCase().given(CountStock(SITE, ITEM, pieces(0)))
    answer = case.run(ReceiveStock(SITE, ITEM, Quantity(Decimal(amount), "BX"), UnitFactor("C62", *factor)))
    if pieces_expected is None:
        assert isinstance(answer, Refused)
        assert answer.code == "quantity-too-fine"
    else:
        assert case.head.on_hand == Decimal(pieces_expected)


@pytest.mark.parametrize("factor", [None, UnitFactor("MTR", 2, 1)])
def test_a_unit_without_its_factor_says_nothing_about_the_stock(factor: UnitFactor | None) -> None:
    case = PoolCase().given(CountStock(SITE, ITEM, pieces(3)))
    answer = case.run(ReceiveStock(SITE, ITEM, kilograms(2), factor))
    assert isinstance(answer, Refused)
    assert answer.code == "unit-unknown"
    assert "C62" in answer.advice
    assert case.head.on_hand == 3


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ReceiveStock(SITE, ITEM, pieces(0)), "quantity-not-positive"),
        (IssueStock(SITE, ITEM, pieces(-1)), "quantity-not-positive"),
        (IssueStock(SITE, ITEM, pieces("NaN")), "quantity-not-positive"),
        (CountStock(SITE, ITEM, pieces(-1)), "quantity-negative"),
        (CountStock(SITE, ITEM, pieces("Infinity")), "quantity-negative"),
        (AdjustStock(SITE, ITEM, pieces(0), "scrap"), "quantity-zero"),
        (AdjustStock(SITE, ITEM, pieces("NaN"), "scrap"), "quantity-out-of-range"),
        (AdjustStock(SITE, ITEM, pieces(1), " "), "reason-missing"),
        (BlockStock(SITE, ITEM, pieces(1), ""), "reason-missing"),
        (ReceiveStock(SITE, ITEM, pieces("0.0000001")), "quantity-too-fine"),
        (ReceiveStock(SITE, ITEM, pieces("1000000000000")), "quantity-out-of-range"),
        (ReceiveStock(SITE, ITEM, Quantity(Decimal(1), "pcs")), "unit-invalid"),
        (ReceiveStock(SITE, ITEM, pieces(1), UnitFactor("C62", 0, 1)), "factor-invalid"),
        (ReceiveStock(SITE, ITEM, pieces(1), reference="x" * 201), "text-invalid"),
        (ReceiveStock(SiteId("a/b"), ITEM, pieces(1)), "id-invalid"),
        (ReceiveStock(SITE, ItemId(""), pieces(1)), "id-invalid"),
        (ReceiveStock(SITE, ItemId("a\nb"), pieces(1)), "id-invalid"),
        (ReceiveStock(SITE, ItemId("x" * 65), pieces(1)), "id-invalid"),
        (TrackPool(SITE, ITEM, "pieces"), "unit-invalid"),
    ],
)
def test_what_cannot_be_read_is_refused_and_opens_nothing(command: Command, code: str) -> None:
    case = PoolCase()
    answer = case.run(command)
    assert isinstance(answer, Refused)
    assert answer.code == code
    assert answer.field
    assert not case.rows


def test_the_owners_word_makes_the_book_the_stock_and_takes_it_back() -> None:
    case = PoolCase().given(ReceiveStock(SITE, ITEM, pieces(7)), state_demand(1, pieces(5)), state_demand(2, pieces(5)))
    assert case.reserved(1, 2) == [0, 0]
    assert not case.covered(1).tracked
    case.given(TrackPool(SITE, ITEM, "C62"))
    assert case.reserved(1, 2) == [5, 2]
    assert case.covered(1).tracked
    case.given(UntrackPool(SITE, ITEM))
    assert case.reserved(1, 2) == [0, 0]
    assert [case.covered(n).tracked for n in (1, 2)] == [False, False]
    assert case.head.on_hand == 7
    check_laws(case)
    assert case.run(UntrackPool(SITE, ITEM)) == ()


def test_tracking_in_another_unit_than_the_pools_is_refused() -> None:
    case = PoolCase().given(ReceiveStock(SITE, ITEM, pieces(7)))
    answer = case.run(TrackPool(SITE, ITEM, "KGM"))
    assert isinstance(answer, Refused)
    assert answer.code == "unit-unknown"


def test_tracking_a_book_below_zero_says_so() -> None:
    case = PoolCase().given(IssueStock(SITE, ITEM, pieces(7)), TrackPool(SITE, ITEM, "C62"))
    assert case.head.contradicted is Contradiction.ON_HAND_BELOW_ZERO
