"""Cancelling, closing, and what the flow of a line reports."""

from datetime import date
from decimal import Decimal

import pytest

from services.order.line import OrderLineStage
from services.order.order_commands import (
    AddLines,
    CancelLine,
    CancelOrder,
    CloseLine,
    CloseOrder,
    OrderCommand,
    ReleaseCallOff,
)
from services.order.order_facts import Awaits, LineRelease, OrderKind
from services.order.policy import LineStage
from tests.unit.order.scene import (
    BUYER,
    DOZENS,
    NUMBER,
    SELLER,
    TEN,
    TWENTY,
    Stage,
    code,
    confirmed_order,
    due,
    kinds,
    march,
    placed,
    placed_order,
    terms,
)


def test_an_unconfirmed_line_is_cancelled_at_once() -> None:
    stage = placed_order(placed(), placed(TWENTY))
    assert kinds(stage.when(CancelLine(NUMBER, TEN, reason_code="mistake"))) == ["LineCancelled"]
    assert (stage.line().stage, stage.seen().reason) == (OrderLineStage.CANCELLED, "mistake")
    assert kinds(stage.when(CancelOrder(NUMBER))) == ["LineCancelled", "OrderCompleted"]
    assert stage.when(CancelLine(NUMBER, TEN)) == ()
    assert stage.when(CancelOrder(NUMBER)) == ()
    assert stage.links == []


def test_a_confirmed_line_asks_its_flow_and_waits_for_the_answer() -> None:
    stage = confirmed_order().given(CancelLine(NUMBER, TEN))
    assert (stage.line().stage, stage.line().awaits) == (OrderLineStage.CONFIRMED, Awaits.CANCELLATION_ANSWER)
    asked = stage.links[-1].cancel_requested
    assert asked is not None
    assert asked.amount == 100
    assert stage.seen().cancel_pending
    assert stage.when(CancelLine(NUMBER, TEN)) == (), "asked already"

    stage.flow_says(LineStage.AWAITING_SHIPMENT, reserved="100")
    assert stage.line().awaits is Awaits.CANCELLATION_ANSWER, "a report that crossed the request is no answer"
    made = stage.flow_says(LineStage.CANCELLED, cancelled="100", cancel_answered="100")
    assert kinds(made) == ["LineProgressRecorded", "LineCancelled", "OrderCompleted"]
    assert (stage.seen().stage, stage.seen().cancel_pending) == (OrderLineStage.CANCELLED, False)


def test_what_had_left_is_received_and_the_line_closes() -> None:
    stage = confirmed_order().given(CancelLine(NUMBER, TEN))
    stage.flow_says(LineStage.IN_TRANSIT, shipped="60", cancelled="40", cancel_answered="100")
    assert (stage.line().stage, stage.line().awaits) == (OrderLineStage.CONFIRMED, Awaits.RECEIPT)
    assert code(stage.when(CancelLine(NUMBER, TEN))) == "nothing-to-cancel"
    made = stage.flow_says(LineStage.RECEIVED, shipped="60", cancelled="40", cancel_answered="100", received="60")
    assert kinds(made)[1:] == ["LineClosed", "OrderCompleted"]


def test_a_part_is_cancelled_and_then_another() -> None:
    stage = confirmed_order().given(CancelLine(NUMBER, TEN, Decimal(30)))
    stage.flow_says(LineStage.AWAITING_STOCK, cancelled="30", cancel_answered="30")
    assert stage.line().awaits is Awaits.STOCK
    stage.given(CancelLine(NUMBER, TEN, Decimal(20)))
    asked = stage.links[-1].cancel_requested
    assert asked is not None
    assert asked.amount == 50, "requests are totals, so that the answer can name the one it answers"
    made = stage.flow_says(LineStage.RECEIVED, shipped="50", received="50", cancelled="50", cancel_answered="50")
    assert "LineClosed" in kinds(made)


def test_cancellation_is_asked_in_the_sellers_unit() -> None:
    stage = confirmed_order(placed(TEN, march(20, 24), terms=terms(DOZENS))).given(CancelLine(NUMBER, TEN, Decimal(12)))
    asked = stage.links[-1].cancel_requested
    assert asked is not None
    assert (asked.amount, asked.unit) == (Decimal(1), "DZN")


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (CancelLine(NUMBER, TEN, Decimal(0)), "bad-quantity"),
        (CancelLine(NUMBER, TEN, Decimal("NaN")), "bad-quantity"),
        (CancelLine(NUMBER, TWENTY), "line-unknown"),
        (CloseLine(NUMBER, TWENTY), "line-unknown"),
        (CancelLine(NUMBER, TEN, reason_text="two\nlines"), "bad-text"),
    ],
)
def test_an_ending_that_makes_no_sense_is_refused(command: OrderCommand, wanted: str) -> None:
    assert code(confirmed_order().when(command)) == wanted


def test_without_an_order_there_is_nothing_to_end() -> None:
    for command in (CancelOrder(NUMBER), CancelLine(NUMBER, TEN), CloseOrder(NUMBER), CloseLine(NUMBER, TEN)):
        assert code(Stage().when(command)) == "order-unknown"


def test_the_buyer_accepts_less_and_the_flow_takes_back_the_rest() -> None:
    stage = confirmed_order()
    stage.flow_says(LineStage.AWAITING_STOCK, shipped="60", received="60")
    assert kinds(stage.when(CloseLine(NUMBER, TEN, "enough"))) == ["LineClosed", "OrderCompleted"]
    told = stage.links[-1]
    assert (told.closed, told.closes_at.amount) == (True, Decimal(0))
    assert stage.when(CloseLine(NUMBER, TEN)) == ()
    assert code(stage.when(CancelLine(NUMBER, TEN))) == "line-ended"


def test_closing_the_order_cancels_what_nobody_confirmed() -> None:
    stage = confirmed_order().given(AddLines(NUMBER, (placed(TWENTY),)))
    assert code(stage.when(CloseLine(NUMBER, TWENTY))) == "not-confirmed"
    made = stage.when(CloseOrder(NUMBER))
    assert sorted(kinds(made)) == ["LineCancelled", "LineClosed", "OrderCompleted"]
    assert stage.head.open_lines == 0


def test_a_line_closes_itself_when_all_is_received() -> None:
    stage = confirmed_order()
    told = len(stage.links)
    stage.flow_says(LineStage.AWAITING_SHIPMENT, reserved="100", expected_at_ms=due(19))
    assert stage.line().awaits is Awaits.SHIPMENT
    stage.flow_says(LineStage.IN_TRANSIT, shipped="100", expected_at_ms=due(19))
    assert stage.line().awaits is Awaits.RECEIPT
    made = stage.flow_says(LineStage.RECEIVED, shipped="100", received="100", fulfilled_at_ms=due(19))
    assert kinds(made) == ["LineProgressRecorded", "LineClosed", "OrderCompleted"]
    assert (stage.line().awaits, stage.head.watch_at_ms) == (Awaits.NOTHING, None)
    assert len(stage.links) == told, "the flow knows; nothing is told for nothing"


def test_a_line_closes_within_its_tolerance_and_the_rest_is_withdrawn() -> None:
    stage = confirmed_order(placed(terms=terms(under_percent=Decimal(5))))
    assert stage.links[-1].closes_at.amount == 95
    stage.flow_says(LineStage.AWAITING_STOCK, shipped="94", received="94")
    assert stage.line().stage is OrderLineStage.CONFIRMED
    stage.flow_says(LineStage.AWAITING_STOCK, shipped="95", received="95")
    assert stage.line().stage is OrderLineStage.CLOSED
    assert stage.links[-1].closed


def test_more_than_is_tolerated_is_a_fact_of_its_own() -> None:
    stage = confirmed_order(placed(terms=terms(over_percent=Decimal(10))))
    assert "LineOverDelivered" not in kinds(stage.flow_says(LineStage.RECEIVED, shipped="110", received="110"))
    made = stage.flow_says(LineStage.RECEIVED, shipped="111", received="111")
    assert kinds(made) == ["LineProgressRecorded", "LineOverDelivered"], "recorded after the line closed, too"
    assert "LineOverDelivered" not in kinds(stage.flow_says(LineStage.RECEIVED, shipped="112", received="112"))


def test_the_same_report_again_makes_no_fact() -> None:
    stage = confirmed_order()
    stage.flow_says(LineStage.AWAITING_SHIPMENT, reserved="100")
    assert stage.flow_says(LineStage.AWAITING_SHIPMENT, reserved="100") == ()


def frame() -> Stage:
    stage = confirmed_order(placed(requested=()), kind=OrderKind.CALL_OFF)
    return stage.given(ReleaseCallOff(NUMBER, 1, (LineRelease(TEN, Decimal(0), (march(10, 30),)),)))


def test_a_call_off_line_stays_open_for_the_next_release() -> None:
    stage = frame()
    stage.flow_says(LineStage.RECEIVED, shipped="30", received="30")
    assert (stage.line().stage, stage.line().awaits) == (OrderLineStage.CONFIRMED, Awaits.RELEASE)
    stage.given(CloseLine(NUMBER, TEN))
    assert stage.line().stage is OrderLineStage.CLOSED


def test_a_call_off_is_cancelled_as_a_whole() -> None:
    stage = frame()
    assert code(stage.when(CancelLine(NUMBER, TEN, Decimal(5)))) == "release-instead"
    stage.given(CancelLine(NUMBER, TEN))
    release = ReleaseCallOff(NUMBER, 2, (LineRelease(TEN, Decimal(0), (march(12),)),))
    assert code(stage.when(release)) == "cancellation-requested"
    stage.flow_says(LineStage.IN_TRANSIT, shipped="10", cancelled="20", cancel_answered="30")
    made = stage.flow_says(LineStage.RECEIVED, shipped="10", received="10", cancelled="20", cancel_answered="30")
    assert "LineClosed" in kinds(made)


def test_a_frame_without_a_release_is_cancelled_at_once() -> None:
    stage = confirmed_order(placed(requested=()), kind=OrderKind.CALL_OFF)
    assert kinds(stage.when(CancelLine(NUMBER, TEN))) == ["LineCancelled", "OrderCompleted"]


def test_cancelling_the_order_leaves_what_has_left() -> None:
    stage = confirmed_order(placed(), placed(TWENTY))
    stage.flow_says(LineStage.IN_TRANSIT, shipped="100")
    assert kinds(stage.when(CancelOrder(NUMBER))) == ["CancellationRequested"]
    assert stage.line(TWENTY).cancel_requested == 100


def test_a_line_received_late_stays_late_in_the_sums() -> None:
    stage = confirmed_order()
    stage.flow_says(LineStage.RECEIVED, shipped="100", received="100", fulfilled_at_ms=due(22), expected_at_ms=due(22))
    seen = stage.seen()
    assert (seen.late, seen.days_late, seen.fulfilled_on) == (True, 2, date(2026, 3, 22))
    sums = stage.derived[SELLER, "partners", "SELLER/acme"]
    assert (sums.lines, sums.open_lines, sums.late_lines, sums.days_late) == (1, 0, 1, 2)
    assert BUYER != SELLER
