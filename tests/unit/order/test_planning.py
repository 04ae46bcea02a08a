"""How a seller says that it will meet a line, and what the flow is told of it."""

from decimal import Decimal

import pytest

from services.kernel.values import EnterpriseId, Quantity
from services.order.order_commands import CancelLine, ConfirmOrder, PlanLine
from services.order.planning import INBOUND_LINES_MAX
from services.order.policy import LineStage
from services.order.terms import InboundLine, LineNumber, OrderNumber
from tests.unit.order.scene import (
    BUYER,
    CONFIRM,
    NUMBER,
    OTHER,
    SELLER,
    START,
    TEN,
    code,
    confirmed_order,
    kinds,
    placed,
    placed_order,
    terms,
)

INBOUND = InboundLine(OrderNumber("77"), LineNumber("1"), Decimal(40))
OTHERS = InboundLine(OrderNumber("78"), LineNumber("1"))
PLAN = PlanLine(BUYER, NUMBER, TEN, START, (INBOUND, OTHERS))
WAITS_FOR = f"flow/{SELLER}/77/1", f"flow/{SELLER}/78/1"
EACH = Quantity(Decimal(40), "C62"), Quantity(Decimal(0), "C62")


def test_a_plan_is_told_to_the_flow_at_once() -> None:
    stage = confirmed_order()
    assert kinds(stage.when(PLAN, SELLER)) == ["LinePlanned"]
    assert (stage.links[-1].planned_start_at_ms, stage.links[-1].waits_for) == (START, WAITS_FOR)
    assert stage.links[-1].waits_for_quantities == EACH
    assert stage.when(PLAN, SELLER) == ()


def test_a_plan_from_before_the_promise_is_told_with_it_and_outlives_what_the_flow_says() -> None:
    stage = placed_order().given((PLAN, SELLER))
    assert stage.links == []
    stage.given(CONFIRM)
    assert (stage.links[-1].planned_start_at_ms, stage.links[-1].waits_for) == (START, WAITS_FOR)
    stage.flow_says(LineStage.AWAITING_STOCK)
    assert stage.line().plan is not None


def test_a_plan_is_replaced_as_a_whole_and_taken_back_by_an_empty_one() -> None:
    stage = confirmed_order().given((PLAN, SELLER), (PlanLine(BUYER, NUMBER, TEN, START), SELLER))
    assert (stage.links[-1].planned_start_at_ms, stage.links[-1].waits_for) == (START, ())
    stage.given((PlanLine(BUYER, NUMBER, TEN), SELLER))
    assert (stage.line().plan, stage.links[-1].planned_start_at_ms) == (None, None)


@pytest.mark.parametrize(
    ("command", "sender", "wanted"),
    [
        (PLAN, BUYER, "order-unknown"),
        (PLAN, OTHER, "order-unknown"),
        (PlanLine(BUYER, NUMBER, LineNumber("99"), START), SELLER, "line-unknown"),
        (PlanLine(BUYER, NUMBER, TEN, 0), SELLER, "date-out-of-range"),
        (PlanLine(BUYER, NUMBER, TEN, None, (INBOUND, INBOUND)), SELLER, "line-twice"),
        (PlanLine(BUYER, NUMBER, TEN, None, (InboundLine(OrderNumber("a/b"), TEN),)), SELLER, "bad-id"),
        (PlanLine(BUYER, NUMBER, TEN, None, (InboundLine(NUMBER, TEN, Decimal(0)),)), SELLER, "bad-quantity"),
        (
            PlanLine(
                BUYER, NUMBER, TEN, None,
                tuple(InboundLine(OrderNumber(str(n)), TEN) for n in range(INBOUND_LINES_MAX + 1)),
            ),
            SELLER,
            "too-many-lines",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_meant_is_refused(command: PlanLine, sender: EnterpriseId, wanted: str) -> None:
    assert code(confirmed_order().when(command, sender)) == wanted


def test_an_ended_line_is_not_planned_any_more() -> None:
    stage = placed_order().given((CancelLine(NUMBER, TEN), BUYER))
    assert code(stage.when(PLAN, SELLER)) == "line-ended"


def test_the_flow_is_told_whether_a_line_may_go_in_parts() -> None:
    stage = placed_order(placed(terms=terms(ship_complete=True))).given((ConfirmOrder(BUYER, NUMBER), SELLER))
    assert stage.links[-1].ship_complete
    assert not confirmed_order().links[-1].ship_complete
