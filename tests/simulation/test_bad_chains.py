"""What nobody can mean, or nobody can reckon with, in a chain: refused with a code and advice, or shown as a gap.

Through all three services, since what one of them takes another may not know what to do with. Never a silent zero.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.chain.flow import Basis
from services.fulfillment.cause_view import CauseClass
from services.fulfillment.flow import ReportLine, TransferStock
from services.fulfillment.keys import WorkId
from services.fulfillment.lane import CarrierMode, DefineLane
from services.fulfillment.shipment import PlannedLine, PlanShipment, ShipShipment
from services.fulfillment.shipment_facts import LineQuantity
from services.fulfillment.work import Component, ComponentTotal, IssueComponents, PlanWork, ReportWork
from services.inventory.pool_commands import CountStock, ReserveStock
from services.inventory.pool_facts import Contradiction
from services.kernel.memory_log import START_MS
from services.kernel.messages import OutcomeStatus
from services.kernel.values import EnterpriseId, Quantity
from services.order.order_commands import ConfirmOrder, PlaceOrder, ReportDelay
from tests.support import ordering
from tests.support.backbone import Backbone

PIECE, KILO, DAY_MS, DAY_MINUTES = "C62", "KGM", 86_400_000, 1440
TODAY_MS = START_MS // DAY_MS * DAY_MS
TODAY = date(1970, 1, 1) + timedelta(days=TODAY_MS // DAY_MS)
CAR, MAKER, NOSY = EnterpriseId("car"), EnterpriseId("maker"), EnterpriseId("nosy")


def text(value: str) -> Any:
    """An id: each service has types of its own for them."""
    return value


PLANT, DOCK, AXLE, BAR, LINE = text("plant"), text("dock"), text("axle"), text("bar"), text("10")
W1, W2 = WorkId("w1"), WorkId("w2")


def pieces(amount: int, unit: str = PIECE) -> Quantity:
    return Quantity(Decimal(amount), unit)


def at_ms(day: int) -> int:
    return TODAY_MS + day * DAY_MS


def work(id_: WorkId = W1, **changed: Any) -> PlanWork:
    """Ten axles of ten bars, on days five to eight."""
    fields: dict[str, Any] = {
        "item": AXLE, "quantity": pieces(10), "start_at_ms": at_ms(5), "lead_time_minutes": 3 * DAY_MINUTES,
        "components": (Component(PLANT, BAR, pieces(10)),), **changed,
    }  # fmt: skip
    return PlanWork(id_, PLANT, **fields)


def order(lead_minutes: int = DAY_MINUTES, amount: int = 10) -> PlaceOrder:
    """The car maker buys axles, delivered on day ten."""
    terms = ordering.terms(AXLE, PLANT, DOCK, lead_time_minutes=lead_minutes)
    return ordering.order("o", MAKER, ordering.placed(LINE, AXLE, terms, (TODAY + timedelta(days=10), amount)))


@pytest.fixture
def backbone() -> Backbone:
    backbone = Backbone(1)
    backbone.tick(START_MS)
    return backbone


def say(backbone: Backbone, who: EnterpriseId, *commands: Any) -> str:
    """The code of the last one's outcome, "" if it is taken; all before are."""
    ids = []
    for command in commands:
        ids.append(backbone.send(who, command))
        backbone.settle()
    for id_ in ids[:-1]:
        assert not backbone.outcome(id_).code, backbone.outcome(id_)
    outcome = backbone.outcome(ids[-1])
    assert (outcome.status is OutcomeStatus.REFUSED) == bool(outcome.code) == bool(outcome.advice)
    return outcome.code


def agreed(backbone: Backbone, **fields: Any) -> None:
    assert say(backbone, CAR, order(**fields)) == ""
    assert say(backbone, MAKER, ConfirmOrder(CAR, text("o"))) == ""


def flow(backbone: Backbone, who: EnterpriseId = MAKER) -> Any:
    (row,) = backbone.view("fulfillment", who, "flows").values()
    return row


def work_row(backbone: Backbone, id_: WorkId = W1) -> Any:
    return backbone.view("fulfillment", MAKER, "work")[id_]


# -- Refused -----------------------------------------------------------------------------------------------------------

LATER = ReportWork(W1, actual_start_at_ms=START_MS + 1000)
MOVE = TransferStock(text("t"), BAR, PLANT, DOCK, pieces(5), at_ms(5), 0)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (work(components=(Component(PLANT, AXLE, pieces(1)),)), "component-is-output"),
        (work(components=()), "components-missing"),
        (work(lead_time_minutes=0), "lead-time-invalid"),
        (DefineLane(MAKER, PLANT, CAR, DOCK, 0, CarrierMode.ROAD), "lead-time-invalid"),
        (MOVE, "lead-time-invalid"),
        (order(lead_minutes=2**31), "bad-lead-time"),
        (work(quantity=pieces(0)), "quantity-out-of-range"),
    ],
)
def test_what_nobody_can_plan_is_refused(backbone: Backbone, command: Any, code: str) -> None:
    assert say(backbone, CAR if isinstance(command, PlaceOrder) else MAKER, command) == code
    assert backbone.view("fulfillment", MAKER, "work") == {}


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (LATER, "actual-in-future"),
        (ReportWork(W1, actual_start_at_ms=START_MS, estimated_finish_at_ms=START_MS - 1), "finish-before-start"),
        (ReportWork(W1, firm=True), "firm-without-finish"),
        (IssueComponents(W1, (ComponentTotal(PLANT, BAR, pieces(3, KILO)),)), "unit-differs"),
        (ReportWork(W2, lost=True), "work-unknown"),
    ],
)
def test_what_nobody_can_report_is_refused(backbone: Backbone, report: Any, code: str) -> None:
    assert say(backbone, MAKER, work(), report) == code
    assert work_row(backbone).expected_at_ms == at_ms(8)


def test_an_estimate_of_who_is_not_the_seller_is_refused(backbone: Backbone) -> None:
    """As for a line that there is not, so that nobody learns which there are."""
    agreed(backbone)
    known, unknown = (ReportLine(CAR, number, LINE, estimated_finish_at_ms=at_ms(30)) for number in ("o", "none"))
    for who in (NOSY, CAR):
        assert say(backbone, who, known) == say(backbone, who, unknown) == "line-unknown"
    assert say(backbone, NOSY, ReportDelay(CAR, text("o"), LINE, TODAY + timedelta(days=30), "x")) == "order-unknown"
    assert flow(backbone).delay_minutes == 0


def test_a_reservation_of_more_than_there_is_is_refused(backbone: Backbone) -> None:
    reserve = ReserveStock(PLANT, BAR, text("r"), pieces(6), at_ms(5))
    assert say(backbone, MAKER, reserve) == "stock-unknown"
    assert say(backbone, MAKER, CountStock(PLANT, BAR, pieces(5)), reserve) == "stock-short"


def test_a_line_waits_for_what_does_not_convert_to_its_unit(backbone: Backbone) -> None:
    """The seller's pool counts in kilograms: its stock is shown as unknown to the line, and the clash to the pool."""
    assert say(backbone, MAKER, CountStock(PLANT, AXLE, pieces(50, KILO))) == ""
    agreed(backbone)
    row = flow(backbone)
    assert (row.stock_known, row.basis) == (False, Basis.PROMISED)
    assert backbone.view("inventory", MAKER, "stock")["plant/axle"].contradicted is Contradiction.UNIT_UNKNOWN


# -- Computed, and the gap is named ------------------------------------------------------------------------------------


def test_work_orders_that_wait_for_each_other_come_to_rest(backbone: Backbone) -> None:
    """Axles of bars, bars of axles, and nothing to begin with: both are a loop, and what turns up ends it."""
    for item in (AXLE, BAR):
        assert say(backbone, MAKER, CountStock(PLANT, item, pieces(0))) == ""
    back = work(W2, item=BAR, components=(Component(PLANT, AXLE, pieces(10)),))
    assert say(backbone, MAKER, work(), back) == ""
    for id_ in (W1, W2):
        row = work_row(backbone, id_)
        assert (row.expected_at_ms, row.delay_minutes, row.cause) == (None, None, CauseClass.LOOP)
    assert say(backbone, MAKER, CountStock(PLANT, BAR, pieces(10))) == ""
    assert (work_row(backbone, W1).expected_at_ms, work_row(backbone, W2).expected_at_ms) == (at_ms(8), at_ms(11))
    assert not backbone.dead_letters()
    backbone.check_laws()


@pytest.mark.parametrize("counted", [(), (CountStock(PLANT, BAR, pieces(50, KILO)),)])
def test_a_component_whose_stock_is_unknown_is_named(backbone: Backbone, counted: tuple[Any, ...]) -> None:
    """Nobody ever counted it, or it is counted in a unit that does not convert: the plan is all there is."""
    assert say(backbone, MAKER, *counted, work()) == ""
    row = work_row(backbone)
    assert (row.unknown_components, row.basis, row.expected_at_ms) == (1, Basis.PROMISED, at_ms(8))
    if not counted:
        assert say(backbone, MAKER, CountStock(PLANT, BAR, pieces(0))) == ""
        row = work_row(backbone)
        assert (row.unknown_components, row.cause, row.expected_at_ms) == (0, CauseClass.SHORT, None)


def test_a_lane_without_a_lead_time_stands_on_the_promise(backbone: Backbone) -> None:
    agreed(backbone, lead_minutes=0)
    for who in (CAR, MAKER):
        row = flow(backbone, who)
        assert (row.no_lead_time, row.basis, row.delay_minutes) == (True, Basis.PROMISED, 0)


def test_an_item_that_its_seller_does_not_know_stands_on_the_promise(backbone: Backbone) -> None:
    """Nobody ever counted it: the line can be shipped and reported, and its stock is unknown, not zero."""
    agreed(backbone)
    row = flow(backbone)
    assert (row.stock_known, row.basis, row.waiting) == (False, Basis.PROMISED, 0)
    stock = backbone.view("inventory", MAKER, "stock")["plant/axle"]
    assert (stock.tracked, stock.on_hand) == (False, None)


def test_more_is_shipped_than_was_ordered(backbone: Backbone) -> None:
    """What was shipped is recorded whatever was ordered, and both sides see by how much it is more."""
    assert say(backbone, MAKER, CountStock(PLANT, AXLE, pieces(50))) == ""
    agreed(backbone)
    line = PlannedLine(text("1"), AXLE, pieces(15), text("flow/car/o/10"), AXLE)
    plan = PlanShipment(text("s"), CAR, PLANT, DOCK, "", at_ms(2), at_ms(3), (line,))
    assert say(backbone, MAKER, plan) == ""
    assert flow(backbone).planned == 10, "no more is planned than was ordered"
    assert say(backbone, MAKER, ShipShipment(MAKER, text("s"), START_MS, (LineQuantity(text("1"), pieces(15)),))) == ""
    for who in (CAR, MAKER):
        row = flow(backbone, who)
        assert (row.quantity, row.shipped) == (10, 15)
    assert backbone.view("inventory", MAKER, "stock")["plant/axle"].on_hand == 35
    backbone.check_laws()
