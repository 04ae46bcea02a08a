"""Promises: confirmed, moved only when both sides said so, delayed at once."""

from datetime import date
from decimal import Decimal

import pytest

from services.kernel.values import EnterpriseId, Money
from services.order.line import OrderLineStage, first_promise, unit_price
from services.order.order_commands import (
    AcceptChange,
    CancelLine,
    ConfirmLine,
    ConfirmOrder,
    DeclineChange,
    LinePromise,
    OrderCommand,
    ProposeChange,
    RejectLine,
    RejectOrder,
    ReportDelay,
    RevisePromise,
)
from services.order.order_facts import Awaits
from services.order.policy import LineStage
from services.order.terms import Side
from tests.unit.order.scene import (
    BUYER,
    CONFIRM,
    NUMBER,
    OTHER,
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

SLIP = RevisePromise(BUYER, NUMBER, TEN, (march(25),), "machine-down", "press 4 stands")


def test_confirming_the_order_promises_every_waiting_line_as_requested() -> None:
    stage = placed_order(placed(), placed(TWENTY, march(10, 5), march(12, 7))).given(
        (RejectLine(BUYER, NUMBER, TWENTY, "discontinued"), SELLER)
    )
    assert kinds(stage.when(*CONFIRM)) == ["LineConfirmed"]
    assert stage.line().promised == (march(20),)
    assert (stage.line().stage, stage.line().awaits) == (OrderLineStage.CONFIRMED, Awaits.STOCK)
    assert stage.line(TWENTY).stage is OrderLineStage.REJECTED


def test_confirming_again_makes_no_fact_and_with_other_dates_is_refused() -> None:
    stage = confirmed_order()
    assert stage.when(*CONFIRM) == ()
    assert stage.when(ConfirmLine(BUYER, NUMBER, TEN, (march(20),)), SELLER) == ()
    assert code(stage.when(ConfirmLine(BUYER, NUMBER, TEN, (march(21),)), SELLER)) == "already-confirmed"


def test_the_seller_may_promise_other_dates_for_the_whole_quantity() -> None:
    stage = placed_order().given((ConfirmLine(BUYER, NUMBER, TEN, (march(18, 40), march(23, 60))), SELLER))
    parts = stage.links[-1].deliveries
    assert [part.due_at_ms for part in parts] == [due(18), due(23)]
    assert [part.quantity.amount for part in parts] == [40, 60]
    assert stage.head.watch_at_ms == due(18) + 1, "an earlier promise is watched earlier"


def test_another_quantity_needs_the_buyer_unless_it_is_tolerated() -> None:
    short = ConfirmLine(BUYER, NUMBER, TEN, (march(20, 95),))
    assert code(placed_order().when(short, SELLER)) == "quantity-differs"
    tolerant = placed_order(placed(terms=terms(under_percent=Decimal(5))))
    assert kinds(tolerant.when(short, SELLER)) == ["LineConfirmed"]


def test_one_bad_line_refuses_the_whole_confirmation() -> None:
    stage = placed_order(placed(), placed(TWENTY))
    command = ConfirmOrder(BUYER, NUMBER, (LinePromise(TEN), LinePromise(TWENTY, (march(20, 1),))))
    assert code(stage.when(command, SELLER)) == "quantity-differs"
    assert stage.line().stage is OrderLineStage.PLACED
    twice = ConfirmOrder(BUYER, NUMBER, (LinePromise(TEN), LinePromise(TEN)))
    assert code(stage.when(twice, SELLER)) == "line-twice"


def test_rejecting_needs_a_reason_and_ends_the_order() -> None:
    stage = placed_order(placed(), placed(TWENTY))
    assert code(stage.when(RejectOrder(BUYER, NUMBER, ""), SELLER)) == "reason-missing"
    made = stage.when(RejectOrder(BUYER, NUMBER, "no-capacity", "not before May"), SELLER)
    assert kinds(made) == ["LineRejected", "LineRejected", "OrderCompleted"]
    assert stage.seen().reason == "no-capacity: not before May"
    assert stage.head.watch_at_ms is None
    assert stage.when(RejectLine(BUYER, NUMBER, TEN, "no-capacity"), SELLER) == ()
    assert code(stage.when(ConfirmLine(BUYER, NUMBER, TEN), SELLER)) == "line-ended"


def test_a_confirmed_line_is_not_rejected() -> None:
    assert code(confirmed_order().when(RejectLine(BUYER, NUMBER, TEN, "regret"), SELLER)) == "already-confirmed"


@pytest.mark.parametrize(
    "command",
    [
        ConfirmOrder(BUYER, NUMBER),
        ConfirmLine(BUYER, NUMBER, TEN),
        RejectOrder(BUYER, NUMBER, "why"),
        RejectLine(BUYER, NUMBER, TEN, "why"),
        ReportDelay(BUYER, NUMBER, TEN, date(2026, 3, 25), "why"),
        SLIP,
        ProposeChange(BUYER, NUMBER, TEN, (march(25),)),
        AcceptChange(BUYER, NUMBER, TEN, 1),
        DeclineChange(BUYER, NUMBER, TEN, 1),
    ],
)
def test_a_foreign_tenant_hears_what_it_would_hear_of_no_order(command: OrderCommand) -> None:
    unknown = Stage().when(command, OTHER)
    assert code(unknown) == "order-unknown"
    assert confirmed_order().when(command, OTHER) == unknown


@pytest.mark.parametrize(
    "command", [ConfirmOrder(BUYER, NUMBER), SLIP, ReportDelay(BUYER, NUMBER, TEN, date(2026, 3, 25), "why")]
)
def test_the_buyer_does_not_promise_for_the_seller(command: OrderCommand) -> None:
    assert code(placed_order().when(command, BUYER)) == "order-unknown"


def test_a_slip_is_seen_at_once_and_promised_only_when_the_buyer_accepts() -> None:
    stage = confirmed_order()
    assert kinds(stage.when(SLIP, SELLER)) == ["LineDelayReported", "ChangeProposed"]
    for side in (BUYER, SELLER):
        seen = stage.seen(side)
        assert (seen.late, seen.days_late, seen.expected_on, seen.promised_on) == (
            True, 5, date(2026, 3, 25), date(2026, 3, 20),
        )  # fmt: skip
        assert seen.reason == "machine-down: press 4 stands"
        assert seen.change is not None
        assert seen.change.by is Side.SELLER
    assert stage.line().promised == (march(20),)

    assert kinds(stage.when(AcceptChange(BUYER, NUMBER, TEN, 1))) == ["ChangeAccepted"]
    seen = stage.seen()
    assert (seen.late, seen.promised_on, seen.first_promised_on, seen.change) == (
        False, date(2026, 3, 25), date(2026, 3, 20), None,
    )  # fmt: skip
    assert (stage.links[-1].deliveries[0].due_at_ms, stage.links[-1].estimated_at_ms) == (due(25), None)


def test_the_first_promise_outlives_every_later_one() -> None:
    stage = confirmed_order().given((SLIP, SELLER), AcceptChange(BUYER, NUMBER, TEN, 1))
    again = RevisePromise(BUYER, NUMBER, TEN, (march(28),), "strike")
    stage.given((again, SELLER), AcceptChange(BUYER, NUMBER, TEN, 2))
    assert first_promise(stage.line()) == (march(20),)
    assert stage.line().promised == (march(28),)


def test_a_declined_slip_stays_late() -> None:
    stage = confirmed_order().given((SLIP, SELLER), DeclineChange(BUYER, NUMBER, TEN, 1, "line-stop"))
    assert (stage.seen().late, stage.seen().promised_on, stage.seen().change) == (True, date(2026, 3, 20), None)


def test_the_same_slip_again_makes_no_fact() -> None:
    assert confirmed_order().given((SLIP, SELLER)).when(SLIP, SELLER) == ()


def test_a_delay_is_recorded_in_every_stage_and_changes_no_promise() -> None:
    report = ReportDelay(BUYER, NUMBER, TEN, date(2026, 3, 24), "customs")
    for stage in (placed_order(), confirmed_order(), placed_order().given(CancelLine(NUMBER, TEN))):
        assert kinds(stage.when(report, SELLER)) == ["LineDelayReported"]
    stage = confirmed_order().given((report, SELLER))
    assert (stage.seen().days_late, stage.line().promised) == (4, (march(20),))
    assert stage.links[-1].estimated_at_ms == due(24), "the flow hears the seller's word"


def test_a_delay_taken_back_is_not_late_any_more() -> None:
    stage = confirmed_order().given((ReportDelay(BUYER, NUMBER, TEN, date(2026, 3, 24), "customs"), SELLER))
    stage.given((ReportDelay(BUYER, NUMBER, TEN, date(2026, 3, 19), "cleared"), SELLER))
    assert (stage.seen().late, stage.seen().expected_on) == (False, date(2026, 3, 19))
    assert stage.derived[BUYER, "partners", "BUYER/bolts"].late_lines == 0


def test_an_estimate_counts_no_more_when_all_has_left() -> None:
    stage = confirmed_order().given((ReportDelay(BUYER, NUMBER, TEN, date(2026, 3, 24), "customs"), SELLER))
    stage.flow_says(LineStage.AWAITING_SHIPMENT, shipped="40", expected_at_ms=due(19))
    assert stage.seen().expected_on == date(2026, 3, 24)
    stage.flow_says(LineStage.IN_TRANSIT, shipped="100", expected_at_ms=due(19))
    assert (stage.seen().expected_on, stage.seen().late) == (date(2026, 3, 19), False)


def test_a_report_is_refused_for_its_form_only() -> None:
    stage = confirmed_order()
    assert code(stage.when(ReportDelay(BUYER, NUMBER, TEN, date(1026, 3, 24), "typo"), SELLER)) == "date-out-of-range"
    assert code(stage.when(ReportDelay(BUYER, NUMBER, TWENTY, date(2026, 3, 24), "x"), SELLER)) == "line-unknown"


def test_a_change_needs_the_other_side() -> None:
    stage = confirmed_order().given(ProposeChange(BUYER, NUMBER, TEN, (march(15, 120),), Money("EUR", 2)))
    assert stage.line().promised == (march(20),)
    assert code(stage.when(AcceptChange(BUYER, NUMBER, TEN, 1))) == "own-change"
    stage.given((AcceptChange(BUYER, NUMBER, TEN, 1), SELLER))
    line = stage.line()
    assert (line.promised, line.requested, line.ordered) == ((march(15, 120),), (march(15, 120),), Decimal(120))
    assert unit_price(line) == Money("EUR", 2)
    assert stage.head.watch_at_ms == due(15) + 1
    assert stage.links[-1].seller_quantity.amount == 120


def test_only_the_proposal_that_was_seen_is_accepted() -> None:
    stage = confirmed_order().given(ProposeChange(BUYER, NUMBER, TEN, (march(15),)))
    stage.given(ProposeChange(BUYER, NUMBER, TEN, (march(10),)))
    assert code(stage.when(AcceptChange(BUYER, NUMBER, TEN, 1), SELLER)) == "change-unknown"
    assert code(stage.when(DeclineChange(BUYER, NUMBER, TEN, 1), SELLER)) == "change-unknown"
    assert kinds(stage.when(AcceptChange(BUYER, NUMBER, TEN, 2), SELLER)) == ["ChangeAccepted", "WatchMoved"]
    assert code(stage.when(AcceptChange(BUYER, NUMBER, TEN, 2), SELLER)) == "change-unknown"


def test_one_side_does_not_talk_over_the_other() -> None:
    stage = confirmed_order().given(ProposeChange(BUYER, NUMBER, TEN, (march(15),)))
    assert code(stage.when(SLIP, SELLER)) == "change-pending"
    assert code(stage.when(ProposeChange(BUYER, NUMBER, TEN, (march(25),)), SELLER)) == "change-pending"
    stage.given(DeclineChange(BUYER, NUMBER, TEN, 1), (SLIP, SELLER))


def test_the_buyers_change_of_an_unconfirmed_line_holds_at_once() -> None:
    stage = placed_order()
    made = stage.when(ProposeChange(BUYER, NUMBER, TEN, (march(25, 80),)))
    assert kinds(made) == ["ChangeProposed", "ChangeAccepted"]
    assert (stage.line().ordered, stage.line().stage) == (Decimal(80), OrderLineStage.PLACED)
    assert stage.given(CONFIRM).line().promised == (march(25, 80),)


def test_the_seller_may_offer_instead_of_confirming() -> None:
    stage = placed_order().given((ProposeChange(BUYER, NUMBER, TEN, (march(25, 80),)), SELLER))
    assert stage.line().awaits is Awaits.CHANGE_ANSWER
    assert stage.links == []
    stage.given(DeclineChange(BUYER, NUMBER, TEN, 1))
    assert stage.line().awaits is Awaits.CONFIRMATION
    stage.given((ProposeChange(BUYER, NUMBER, TEN, (march(25, 80),)), SELLER), AcceptChange(BUYER, NUMBER, TEN, 2))
    assert (stage.line().stage, stage.line().awaits) == (OrderLineStage.CONFIRMED, Awaits.STOCK)
    assert (stage.line().promised, stage.line().ordered) == ((march(25, 80),), Decimal(80))
    assert stage.links[-1].seller_quantity.amount == 80


def test_what_has_left_is_not_changed_away() -> None:
    stage = confirmed_order().given(ProposeChange(BUYER, NUMBER, TEN, (march(20, 50),)))
    stage.flow_says(LineStage.IN_TRANSIT, shipped="60")
    assert code(stage.when(AcceptChange(BUYER, NUMBER, TEN, 1), SELLER)) == "already-shipped"
    assert code(stage.when(ProposeChange(BUYER, NUMBER, TEN, (march(20, 55),)))) == "already-shipped"


def test_an_empty_proposal_is_refused() -> None:
    assert code(confirmed_order().when(ProposeChange(BUYER, NUMBER, TEN))) == "nothing-proposed"
    assert code(placed_order().when(SLIP, SELLER)) == "not-confirmed"


def test_a_change_keeps_what_was_cancelled_before() -> None:
    stage = confirmed_order().given(CancelLine(NUMBER, TEN, Decimal(20)))
    pending = stage.when(ProposeChange(BUYER, NUMBER, TEN, (march(22, 80),)))
    assert code(pending) == "cancellation-pending"
    stage.flow_says(LineStage.AWAITING_STOCK, cancelled="20", cancel_answered="20")
    stage.given(ProposeChange(BUYER, NUMBER, TEN, (march(22, 80),)), (AcceptChange(BUYER, NUMBER, TEN, 1), SELLER))
    told = stage.links[-1]
    assert told.cancel_requested is not None
    assert told.seller_quantity.amount - told.cancel_requested.amount == 80


def test_a_change_asks_the_flow_for_no_more_cancellation_than_there_was() -> None:
    stage = confirmed_order().given(CancelLine(NUMBER, TEN))
    stage.flow_says(LineStage.IN_TRANSIT, shipped="40", cancelled="60", cancel_answered="100")
    stage.given(ProposeChange(BUYER, NUMBER, TEN, (march(22, 50),)), (AcceptChange(BUYER, NUMBER, TEN, 1), SELLER))
    told = stage.links[-1]
    assert told.cancel_requested is not None
    assert (told.seller_quantity.amount, told.cancel_requested.amount) == (Decimal(110), Decimal(60))


@pytest.mark.parametrize("enterprise", [BUYER, SELLER, EnterpriseId("x")])
def test_commands_for_an_unknown_line_say_so(enterprise: EnterpriseId) -> None:
    made = confirmed_order().when(AcceptChange(BUYER, NUMBER, TWENTY, 1), enterprise)
    assert code(made) == ("order-unknown" if enterprise == "x" else "line-unknown")
