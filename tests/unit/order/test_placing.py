"""Placing an order, sending it again, adding lines, releasing call-offs."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.kernel.values import EnterpriseId, Money, Refused
from services.order.line import OrderLineStage
from services.order.order_commands import AddLines, CancelLine, PlaceOrder, ProposeChange, ReleaseCallOff
from services.order.order_facts import Awaits, LineRelease, OrderKind
from services.order.terms import Delivery, ItemId, LineNumber, OrderNumber, SiteId, UnitFactor
from tests.unit.order.scene import (
    BUYER,
    CONFIRM,
    DOZENS,
    NUMBER,
    OTHER,
    SELLER,
    START,
    TEN,
    TWENTY,
    Stage,
    code,
    confirmed_order,
    due,
    kinds,
    march,
    place,
    placed,
    placed_order,
    terms,
)


def test_a_placed_order_has_a_head_and_a_row_per_line() -> None:
    stage = placed_order(placed(), placed(TWENTY, march(10, 5), march(12, 7)))
    assert (stage.head.seller, stage.head.open_lines, stage.head.placed_lines) == (SELLER, 2, 2)
    line = stage.line(TWENTY)
    assert (line.ordered, line.stage, line.awaits, line.awaits_since_ms, line.sequence_ms) == (
        Decimal(12),
        OrderLineStage.PLACED,
        Awaits.CONFIRMATION,
        START,
        START,
    )
    assert stage.links == [], "no flow before the seller said yes"


def test_the_same_sheet_again_makes_no_fact() -> None:
    stage = placed_order(placed(), placed(TWENTY))
    assert stage.when(place(placed(TWENTY), placed())) == ()


def test_the_same_sheet_again_after_the_order_went_on() -> None:
    stage = confirmed_order().given(
        ProposeChange(BUYER, NUMBER, TEN, (march(25, 90),)), AddLines(NUMBER, (placed(TWENTY),))
    )
    assert stage.when(place()) == ()


@pytest.mark.parametrize(
    "again",
    [
        place(placed(TEN, march(21))),
        place(placed(TEN, march(20, 99))),
        place(placed(unit_price=Money("EUR", 3))),
        place(placed(), placed(TWENTY)),
        place(kind=OrderKind.CALL_OFF),
        PlaceOrder(NUMBER, OTHER, OrderKind.DISCRETE, (placed(),)),
    ],
)
def test_the_same_number_with_other_content_is_refused(again: PlaceOrder) -> None:
    refused = placed_order().when(again)
    assert code(refused) == "order-differs"
    assert isinstance(refused, Refused)
    assert "ProposeChange" in refused.advice


def test_a_line_named_twice_does_not_stand_for_another() -> None:
    assert code(placed_order(placed(), placed(TWENTY)).when(place(placed(), placed()))) == "order-differs"


def test_a_line_added_later_is_not_part_of_the_first_sheet() -> None:
    stage = placed_order().given(AddLines(NUMBER, (placed(TWENTY),)))
    assert code(stage.when(place(placed(TWENTY)))) == "order-differs"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"line": LineNumber("1/0")}, "bad-id"),
        ({"line": LineNumber("")}, "bad-id"),
        ({"line": LineNumber("x" * 65)}, "bad-id"),
        ({"line": LineNumber("1\n0")}, "bad-id"),
        ({"line": LineNumber(" 10")}, "bad-id"),
        ({"buyer_item": ItemId("")}, "bad-id"),
        ({"requested": ()}, "nothing-requested"),
        ({"requested": (march(20, 0),)}, "bad-quantity"),
        ({"requested": (march(20, -1),)}, "bad-quantity"),
        ({"requested": (march(20, "NaN"),)}, "bad-quantity"),
        ({"requested": (march(20, "Infinity"),)}, "bad-quantity"),
        ({"requested": (march(20, "0.0000001"),)}, "bad-quantity"),
        ({"requested": (march(20, "1E+12"),)}, "bad-quantity"),
        ({"requested": (Delivery(date(1999, 12, 31), Decimal(1)),)}, "date-out-of-range"),
        ({"requested": (march(20), march(20))}, "dates-not-ascending"),
        ({"requested": (march(20),) * 101}, "too-many-deliveries"),
        ({"priority": -1}, "bad-priority"),
        ({"unit_price": Money("eur", 1)}, "bad-price"),
        ({"unit_price": Money("EUR", -1)}, "bad-price"),
        ({"unit_price": Money("EUR", 1, 1_000_000_000)}, "bad-price"),
        ({"terms": terms(seller_item=ItemId("a/b"))}, "bad-id"),
        ({"terms": terms(ship_to=SiteId(""))}, "bad-id"),
        ({"terms": terms(UnitFactor("C62", "pieces"))}, "bad-unit"),
        ({"terms": terms(UnitFactor("C62", "DZN", 0, 12))}, "bad-unit-factor"),
        ({"terms": terms(UnitFactor("C62", "C62", 1, 12))}, "bad-unit-factor"),
        ({"terms": terms(time_zone="Europe/Nowhere")}, "unknown-time-zone"),
        ({"terms": terms(time_zone="../../etc/passwd")}, "unknown-time-zone"),
        ({"terms": terms(incoterm="FCB")}, "unknown-incoterm"),
        ({"terms": terms(incoterm_place="a\x00b")}, "bad-text"),
        ({"terms": terms(lead_time_minutes=-1)}, "bad-lead-time"),
        ({"terms": terms(day_ends_minute=0)}, "bad-day-end"),
        ({"terms": terms(day_ends_minute=1441)}, "bad-day-end"),
        ({"terms": terms(under_percent=Decimal(101))}, "bad-tolerance"),
        ({"terms": terms(over_percent=Decimal("NaN"))}, "bad-tolerance"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(changes: dict[str, Any], wanted: str) -> None:
    line = replace(placed(), **changes)
    assert code(Stage().when(place(line))) == wanted
    assert code(placed_order(placed(TWENTY)).when(AddLines(NUMBER, (line,)))) == wanted


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (PlaceOrder(OrderNumber("4/711"), SELLER, OrderKind.DISCRETE, (placed(),)), "bad-id"),
        (PlaceOrder(NUMBER, EnterpriseId(""), OrderKind.DISCRETE, (placed(),)), "bad-id"),
        (PlaceOrder(NUMBER, BUYER, OrderKind.DISCRETE, (placed(),)), "own-seller"),
        (PlaceOrder(NUMBER, SELLER, OrderKind.DISCRETE, ()), "bad-line-count"),
        (place(placed(), placed()), "line-twice"),
        (place(*(placed(LineNumber(str(n))) for n in range(1_001))), "bad-line-count"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(command: PlaceOrder, wanted: str) -> None:
    assert code(Stage().when(command)) == wanted


def test_lines_are_added_once() -> None:
    stage = placed_order()
    assert kinds(stage.when(AddLines(NUMBER, (placed(), placed(TWENTY))))) == ["LinesAdded"]
    assert stage.head.open_lines == 2
    assert stage.when(AddLines(NUMBER, (placed(TWENTY),))) == ()
    assert code(stage.when(AddLines(NUMBER, (placed(TWENTY, march(2)),)))) == "line-differs"


def test_an_added_line_with_an_earlier_date_is_watched_from_then() -> None:
    stage = placed_order().given(AddLines(NUMBER, (placed(TWENTY, march(5)),)))
    assert stage.head.watch_at_ms == due(5) + 1


def test_nothing_is_added_to_a_completed_order() -> None:
    stage = placed_order().given(CancelLine(NUMBER, TEN))
    assert code(stage.when(AddLines(NUMBER, (placed(TWENTY),)))) == "order-completed"


def frame() -> Stage:
    return confirmed_order(placed(requested=()), kind=OrderKind.CALL_OFF)


def release(number: int, received: int | str, *deliveries: Delivery) -> ReleaseCallOff:
    return ReleaseCallOff(NUMBER, number, (LineRelease(TEN, Decimal(received), deliveries),))


def test_a_confirmed_frame_awaits_its_release_and_has_no_flow() -> None:
    stage = frame()
    assert stage.line().awaits is Awaits.RELEASE
    assert stage.links == []


def test_a_release_is_binding_and_reaches_the_flow() -> None:
    stage = frame().given(release(1, 0, march(10, 30), march(17, 40)))
    assert stage.line().promised == (march(10, 30), march(17, 40))
    assert stage.line().awaits is Awaits.STOCK
    told = stage.links[-1]
    assert [part.due_at_ms for part in told.deliveries] == [due(10), due(17)]
    assert [part.quantity.amount for part in told.deliveries] == [30, 40]
    assert told.seller_quantity.amount == 70


def test_the_next_release_replaces_the_open_schedule_and_counts_on_from_what_came() -> None:
    stage = frame().given(release(1, 0, march(10, 30), march(17, 40)), release(2, 30, march(18, 50)))
    assert stage.line().ordered == 80
    told = stage.links[-1]
    assert told.seller_quantity.amount == 80
    assert sum(part.quantity.amount for part in told.deliveries) == 80
    assert [part.due_at_ms for part in told.deliveries] == [due(18), due(18)]


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (release(1, 0, march(12)), "release-not-newer"),
        (release(2, -1, march(12)), "bad-quantity"),
        (release(2, "NaN", march(12)), "bad-quantity"),
        (release(2, 0, march(12), march(11)), "dates-not-ascending"),
        (ReleaseCallOff(NUMBER, 2, ()), "bad-line-count"),
        (ReleaseCallOff(NUMBER, 2, (LineRelease(TWENTY, Decimal(0), ()),)), "line-unknown"),
    ],
)
def test_a_release_that_makes_no_sense_is_refused(command: ReleaseCallOff, wanted: str) -> None:
    assert code(frame().given(release(1, 0, march(10))).when(command)) == wanted


def test_a_discrete_order_takes_no_release() -> None:
    assert code(confirmed_order().when(release(1, 0, march(12)))) == "not-a-call-off"


def test_a_release_before_the_confirmation_is_what_the_seller_confirms() -> None:
    stage = placed_order(placed(requested=()), kind=OrderKind.CALL_OFF).given(release(1, 0, march(10, 30)))
    assert stage.line().awaits is Awaits.CONFIRMATION
    assert stage.given(CONFIRM).line().promised == (march(10, 30),)


def test_the_watch_follows_a_release() -> None:
    stage = frame()
    assert stage.head.watch_at_ms is None
    assert stage.given(release(1, 0, march(10))).head.watch_at_ms == due(10) + 1


def test_no_row_grows_with_the_number_of_lines() -> None:
    few = placed_order(placed())
    many = placed_order(*(placed(LineNumber(str(n))) for n in range(500)))
    assert len(repr(many.head)) - len(repr(few.head)) <= 4, "only the counts have more digits"


def test_a_price_is_per_unit_of_the_buyer_and_units_may_differ() -> None:
    stage = placed_order(placed(TEN, march(20, 30), terms=terms(DOZENS)))
    assert (stage.seen(BUYER).quantity, stage.seen(BUYER).unit) == (Decimal(30), "C62")
    assert (stage.seen(SELLER).quantity, stage.seen(SELLER).unit) == (Decimal("2.5"), "DZN")
