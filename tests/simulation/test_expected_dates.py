"""What the flow of a line reckons is what its order shows, in the terms of the promise."""

from datetime import date

import pytest

from services.kernel.memory_log import START_MS
from services.kernel.values import EnterpriseId
from services.order.line_view import OrderLineView
from services.order.order_commands import ConfirmOrder
from services.order.terms import OrderNumber, PromiseBasis
from tests.support import ordering
from tests.support.backbone import Backbone

DUE = date(2026, 1, 20)
WAY_MINUTES = 3 * 1440


@pytest.mark.parametrize("basis", list(PromiseBasis))
def test_a_line_that_nothing_holds_up_is_expected_as_promised(basis: PromiseBasis) -> None:
    """Also where the promise is to ship: the way to the buyer is counted neither twice nor at all."""
    backbone = Backbone(1)
    number, buyer, seller = OrderNumber("o1"), EnterpriseId("car"), EnterpriseId("axle")
    terms = ordering.terms("part", "main", "main", basis, "Europe/Berlin", lead_time_minutes=WAY_MINUTES)
    backbone.tick(START_MS)
    backbone.send(buyer, ordering.order(number, seller, ordering.placed("10", "part", terms, (DUE, 5))))
    backbone.settle()
    backbone.send(seller, ConfirmOrder(buyer, number))
    backbone.settle()
    for viewer in (buyer, seller):
        (seen,) = backbone.view("order", viewer, "order-lines").values()
        assert isinstance(seen, OrderLineView)
        assert seen.expected_basis is not None, "the flow has reckoned"
        assert (seen.promised_on, seen.expected_on, seen.delay_minutes, seen.late) == (DUE, DUE, 0, False)
