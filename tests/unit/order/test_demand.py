"""What a buyer wants otherwise stands at its seller until that one has taken note or answered."""

from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from services.kernel.values import Money, Refused
from services.order.demand import DateMove, DemandChangeRow, QuantityMove
from services.order.line import wanted
from services.order.order_commands import (
    AcceptChange,
    AcknowledgeDemandChange,
    CancelLine,
    CancelOrder,
    ConfirmOrder,
    DeclineChange,
    ProposeChange,
    ReleaseCallOff,
    RevisePromise,
)
from services.order.order_facts import LineRelease, OrderKind
from services.order.policy import LineStage
from services.order.terms import Delivery
from tests.unit.order.scene import (
    BUYER,
    CONFIRM,
    DOZENS,
    NUMBER,
    OTHER,
    SELLER,
    TEN,
    Stage,
    code,
    confirmed_order,
    kinds,
    march,
    placed,
    placed_order,
    terms,
)

ACKNOWLEDGE = AcknowledgeDemandChange(BUYER, NUMBER, TEN)


def row(stage: Stage) -> DemandChangeRow | None:
    """What the seller sees of the line in ``demand-changes``."""
    return stage.derived.get((SELLER, "demand-changes", "acme/4711/10"))


def seen(stage: Stage) -> DemandChangeRow:
    """The row that must be there."""
    found = row(stage)
    assert found is not None
    return found


def asks(*deliveries: Delivery, **more: Any) -> ProposeChange:
    """The buyer wants it otherwise."""
    return ProposeChange(BUYER, NUMBER, TEN, deliveries, **more)


@pytest.mark.parametrize(
    ("delivery", "dates", "quantities"),
    [
        (march(18), DateMove.EARLIER, None),
        (march(24), DateMove.LATER, None),
        (march(20, 60), None, QuantityMove.LESS),
        (march(24, 160), DateMove.LATER, QuantityMove.MORE),
    ],
)
def test_a_change_that_is_asked_for_stands_at_the_seller(
    delivery: Delivery, dates: DateMove | None, quantities: QuantityMove | None
) -> None:
    stage = confirmed_order().given(asks(delivery))
    found = seen(stage)
    assert (found.date_move, found.quantity_move, found.change) == (dates, quantities, 1)
    assert (found.was_on, found.was_quantity) == (date(2026, 3, 20), Decimal(100))
    assert (found.now_on, found.now_quantity) == (delivery.due_on, delivery.amount)
    assert (found.item, found.partner_item, found.partner) == ("B-1", "A-1", BUYER)
    assert (BUYER, "demand-changes", "acme/4711/10") not in stage.derived


def test_quantities_are_in_the_sellers_unit() -> None:
    stage = confirmed_order(placed(TEN, march(20, 120), terms=terms(DOZENS))).given(asks(march(20, 60)))
    assert (seen(stage).unit, seen(stage).was_quantity, seen(stage).now_quantity) == ("DZN", Decimal(10), Decimal(5))


@pytest.mark.parametrize(
    "answer",
    [
        (ACKNOWLEDGE, SELLER),
        (AcceptChange(BUYER, NUMBER, TEN, 1), SELLER),
        (DeclineChange(BUYER, NUMBER, TEN, 1), SELLER),
        (DeclineChange(BUYER, NUMBER, TEN, 1), BUYER),
        (asks(march(20)), BUYER),
    ],
)
def test_it_goes_when_it_is_noted_answered_or_taken_back(answer: Any) -> None:
    stage = confirmed_order().given(asks(march(18)))
    assert row(stage)
    assert row(stage.given(answer)) is None


def test_a_promise_revised_is_an_answer() -> None:
    stage = confirmed_order().given(CancelLine(NUMBER, TEN, Decimal(40)))
    assert (seen(stage).quantity_move, seen(stage).now_quantity) == (QuantityMove.LESS, Decimal(60))
    stage.flow_says(LineStage.AWAITING_STOCK, cancelled=40, cancel_answered=40)
    assert seen(stage).now_quantity == 60
    stage.given((RevisePromise(BUYER, NUMBER, TEN, (march(25, 60),), "capacity"), SELLER))
    assert row(stage) is None


def test_what_is_cancelled_is_no_longer_needed_until_the_seller_takes_note() -> None:
    for stage in (placed_order(), confirmed_order()):
        stage.given(CancelOrder(NUMBER))
        stage.flow_says(LineStage.CANCELLED, cancelled=100, cancel_answered=100)
        assert seen(stage).quantity_move is QuantityMove.NO_LONGER_NEEDED
        assert (seen(stage).was_quantity, seen(stage).now_quantity) == (Decimal(100), Decimal(0))
        assert kinds(stage.when(ACKNOWLEDGE, SELLER)) == ["DemandChangeAcknowledged"]
        assert row(stage) is None
        assert stage.when(ACKNOWLEDGE, SELLER) == ()


def test_several_changes_are_one_from_what_the_seller_knew() -> None:
    stage = confirmed_order().given(asks(march(18)), asks(march(15, 80)))
    first = stage.feed[SELLER, "acme/4711/10"].demand_change.since_ms
    assert (seen(stage).was_on, seen(stage).now_on) == (date(2026, 3, 20), date(2026, 3, 15))
    assert seen(stage).since_ms == first == stage.now_ms


def test_an_order_that_nobody_confirmed_is_changed_at_once_and_confirming_it_is_the_answer() -> None:
    stage = placed_order().given(asks(march(18)))
    assert (seen(stage).date_move, seen(stage).change) == (DateMove.EARLIER, None)
    stage.given((ConfirmOrder(BUYER, NUMBER), SELLER))
    assert row(stage) is None


def test_a_release_binds_and_is_shown() -> None:
    stage = confirmed_order(kind=OrderKind.CALL_OFF)
    stage.given(ReleaseCallOff(NUMBER, 1, (LineRelease(TEN, Decimal(0), (march(24, 150),)),)))
    found = seen(stage)
    assert (found.date_move, found.quantity_move, found.change) == (DateMove.LATER, QuantityMove.MORE, None)


def test_another_price_is_no_other_demand() -> None:
    stage = confirmed_order().given(asks(unit_price=Money("EUR", 3)))
    assert row(stage) is None


def test_only_the_seller_takes_note() -> None:
    stage = confirmed_order().given(asks(march(18)))
    assert code(stage.when(ACKNOWLEDGE, BUYER)) == code(stage.when(ACKNOWLEDGE, OTHER)) == "order-unknown"
    missing = AcknowledgeDemandChange(BUYER, NUMBER, TEN[:1] + "x")  # type: ignore[arg-type]
    assert code(stage.when(missing, SELLER)) == "line-unknown"


@pytest.mark.parametrize("seed", range(60))
def test_a_row_stands_just_while_something_differs_from_what_the_seller_knew(seed: int) -> None:
    """The seller knows what it confirmed, accepted, declined, revised or took note of last."""
    random, stage = Random(seed), placed_order()
    known = wanted(stage.line())
    for _ in range(12):
        change = stage.line().changes
        by_buyer = (
            asks(march(random.randint(15, 25), random.choice((50, 100, 150)))),
            CancelLine(NUMBER, TEN, Decimal(10)),
            DeclineChange(BUYER, NUMBER, TEN, change),
        )
        by_seller = (
            ACKNOWLEDGE,
            CONFIRM[0],
            AcceptChange(BUYER, NUMBER, TEN, change),
            DeclineChange(BUYER, NUMBER, TEN, change),
        )
        side = random.choice((BUYER, SELLER))
        made = stage.when(random.choice(by_buyer if side == BUYER else by_seller), side)
        if side == SELLER and not isinstance(made, Refused) and made:
            known = wanted(stage.line())
        differs = wanted(stage.line()) != known
        assert (row(stage) is not None) == differs, f"seed {seed}: {stage.facts[-3:]}"
        if differs:
            assert (seen(stage).was_on, seen(stage).was_quantity) == known, f"seed {seed}"
