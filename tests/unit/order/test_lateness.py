"""Late is what is expected after the end of the promised day at its site; silence shows as late."""

from datetime import date
from decimal import Decimal

import pytest

from services.order.line import day_of
from services.order.order import alarm
from services.order.order_commands import CancelOrder, ConfirmLine, ReportDelay
from services.order.policy import LineStage
from services.order.terms import PromiseBasis
from services.order.workday import due_at_ms
from tests.unit.order.scene import (
    BUYER,
    CONFIRM,
    DAY,
    DOZENS,
    NUMBER,
    SELLER,
    TEN,
    TWENTY,
    confirmed_order,
    due,
    kinds,
    march,
    placed,
    placed_order,
    terms,
)


def test_on_time_until_the_last_millisecond_of_the_day() -> None:
    stage = confirmed_order()
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(20))
    assert (stage.seen().late, stage.seen().days_late, stage.seen().expected_on) == (False, 0, date(2026, 3, 20))
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(20) + 1, reason="late-truck")
    assert (stage.seen().late, stage.seen().days_late, stage.seen().reason) == (True, 1, "late-truck")
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(20))
    assert not stage.seen().late
    assert stage.derived[BUYER, "partners", "BUYER/bolts"].days_late == 0


def test_the_day_ends_when_the_site_says() -> None:
    stage = confirmed_order(placed(terms=terms(day_ends_minute=17 * 60)))
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(20) - 7 * 3_600_000)
    assert not stage.seen().late
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(20) - 7 * 3_600_000 + 1)
    assert stage.seen().days_late == 1


@pytest.mark.parametrize("basis", list(PromiseBasis))
def test_silence_is_late_the_moment_the_day_is_over(basis: PromiseBasis) -> None:
    stage = confirmed_order(placed(terms=terms(basis=basis)))
    assert stage.tick(due(20)) is None
    assert kinds(stage.tick(due(20) + 1)) == ["LineOverdue", "WatchMoved"]
    assert (stage.seen().late, stage.seen().days_late, stage.seen().overdue) == (True, 1, True)


def test_silence_counts_the_days_then_only_now_and_then() -> None:
    stage = confirmed_order()
    looks = []
    for day in range(200):
        if stage.tick(due(20) + 1 + day * DAY) is not None:
            looks.append(day)
            assert stage.seen().days_late == (day_of(stage.line(), stage.now_ms) - date(2026, 3, 20)).days
    assert looks[:29] == list(range(29)), "daily, across the change of the clocks"
    assert len(looks) < 40


def test_an_unconfirmed_line_is_late_against_what_was_requested() -> None:
    stage = placed_order()
    stage.tick(due(20) + 1)
    assert stage.seen().days_late == 1


def test_a_word_about_the_line_ends_the_silence() -> None:
    stage = confirmed_order()
    stage.tick(due(20) + 1)
    stage.given((ReportDelay(BUYER, NUMBER, TEN, date(2026, 3, 23), "strike"), SELLER))
    assert stage.seen().days_late == 3
    assert stage.tick(due(23)) is not None, "an alarm may ring early"
    assert stage.line().silent_at_ms == due(20) + 1, "and find nothing new"
    stage.tick(due(23) + 1)
    assert stage.seen().days_late == 4


def test_silence_is_told_from_a_late_date_that_somebody_gave() -> None:
    stage = confirmed_order()
    stage.tick(due(20) + 1)
    assert stage.seen().overdue
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(23))
    assert (stage.seen().overdue, stage.seen().days_late) == (False, 3)


def test_an_estimate_only_makes_later_what_the_flow_expects() -> None:
    stage = confirmed_order().given((ReportDelay(BUYER, NUMBER, TEN, date(2026, 3, 22), "strike"), SELLER))
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(24), reason="no-truck")
    assert (stage.seen().expected_on, stage.seen().reason) == (date(2026, 3, 24), "no-truck")
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(21), reason="no-truck")
    assert (stage.seen().expected_on, stage.seen().reason) == (date(2026, 3, 22), "strike")


def test_a_promise_confirmed_after_its_date_is_late_at_once() -> None:
    stage = placed_order()
    stage.tick(due(20) + 1)
    stage.given(CONFIRM)
    assert stage.seen().late


def test_a_promise_after_the_silence_is_on_time_again() -> None:
    stage = placed_order()
    stage.tick(due(20) + 1)
    stage.given((ConfirmLine(BUYER, NUMBER, TEN, (march(25),)), SELLER))
    assert (stage.seen().late, stage.seen().overdue) == (False, False)
    stage.tick(due(25))
    assert not stage.seen().late
    stage.tick(due(25) + 1)
    assert stage.seen().days_late == 1


def test_what_was_met_is_never_overdue() -> None:
    stage = confirmed_order(placed(), placed(TWENTY, march(25)))
    stage.flow_says(LineStage.IN_TRANSIT, shipped="100", received="100", fulfilled_at_ms=due(19))
    assert kinds(stage.tick(due(20) + 1)) == ["WatchMoved"]
    assert alarm(stage.rows) == due(25) + 1


def test_shipping_in_time_meets_a_ship_promise_and_not_a_delivery_promise() -> None:
    for basis, late in ((PromiseBasis.SHIP, False), (PromiseBasis.DELIVER, True)):
        stage = confirmed_order(placed(terms=terms(basis=basis)))
        stage.flow_says(LineStage.IN_TRANSIT, shipped="100")
        stage.tick(due(20) + 1)
        assert stage.seen().late is late


def test_the_first_delivery_of_several_may_be_overdue_alone() -> None:
    stage = confirmed_order(placed(TEN, march(10, 40), march(20, 60)))
    stage.flow_says(LineStage.AWAITING_STOCK, shipped="39", received="39", expected_at_ms=due(20))
    stage.tick(due(10) + 1)
    assert stage.seen().days_late == 1
    stage.flow_says(LineStage.AWAITING_STOCK, shipped="40", received="40", expected_at_ms=due(20))
    assert not stage.seen().late
    assert stage.seen().deliveries == (march(10, 40), march(20, 60))


def test_what_is_cancelled_is_not_waited_for() -> None:
    stage = confirmed_order(placed(TEN, march(10, 40), march(20, 60), terms=terms(basis=PromiseBasis.SHIP)))
    stage.flow_says(LineStage.IN_TRANSIT, shipped="40", cancelled="60", cancel_answered="60")
    stage.tick(due(30))
    assert not stage.seen().late


def test_a_date_taken_earlier_is_watched_earlier() -> None:
    stage = confirmed_order()
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(28))
    stage.tick(due(20) + 1)
    assert alarm(stage.rows) == due(28) + 1
    made = stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(24))
    assert kinds(made) == ["LineProgressRecorded", "WatchMoved"]
    assert alarm(stage.rows) == due(24) + 1


def test_a_completed_order_has_no_alarm() -> None:
    stage = placed_order().given(CancelOrder(NUMBER))
    assert alarm(stage.rows) is None
    assert not stage.seen().late


def test_both_sides_see_the_line_in_their_own_words() -> None:
    stage = confirmed_order(placed(TEN, march(10, 12), march(20, 24), terms=terms(DOZENS)))
    stage.flow_says(LineStage.IN_TRANSIT, shipped="2", received="1", cancelled="0", reserved="1")
    bought, sold = stage.seen(BUYER), stage.seen(SELLER)
    assert (bought.item, bought.partner_item, bought.unit) == ("A-1", "B-1", "C62")
    assert [bought.quantity, bought.shipped, bought.received] == [36, 24, 12]
    assert (sold.item, sold.partner_item, sold.unit) == ("B-1", "A-1", "DZN")
    assert [sold.quantity, sold.shipped, sold.received] == [3, 2, 1]
    assert [delivery.amount for delivery in sold.deliveries] == [1, 2]
    assert (bought.partner, sold.partner) == (SELLER, BUYER)


def test_partners_are_sums_of_lines() -> None:
    stage = confirmed_order(placed(), placed(TWENTY, march(20, 5)))
    stage.flow_says(LineStage.AWAITING_STOCK, expected_at_ms=due(23))
    stage.flow_says(LineStage.AWAITING_STOCK, TWENTY, expected_at_ms=due(21))
    sums = stage.derived[BUYER, "partners", "BUYER/bolts"]
    assert (sums.lines, sums.open_lines, sums.late_lines, sums.days_late) == (2, 2, 2, 4)


def test_conversions_that_do_not_come_out_even_still_make_the_total() -> None:
    stage = placed_order(placed(TEN, march(10, 1), march(11, 1), march(12, 5), terms=terms(DOZENS))).given(CONFIRM)
    told = stage.links[-1]
    assert sum((part.quantity.amount for part in told.deliveries), Decimal(0)) == told.seller_quantity.amount
    assert told.seller_quantity.amount == Decimal("0.583333")


def test_a_far_site_has_its_own_midnight() -> None:
    stage = confirmed_order(placed(terms=terms(time_zone="America/Los_Angeles")))
    stage.tick(due(20) + 1)
    assert not stage.seen().late
    stage.tick(due_at_ms(date(2026, 3, 20), "America/Los_Angeles") + 1)
    assert stage.seen().late
