"""What the chain expects of a line reaches its parties: when, how late, and as much of why as each may know."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.chain.causes import Cause, RootClass
from services.chain.flow import Basis
from services.chain.moments import NEVER
from services.kernel.values import EnterpriseId
from services.order.__main__ import SECRET, references
from services.order.line import alert, delay_minutes
from services.order.line_view import Alert, CauseView, Tiers
from services.order.order_commands import CancelOrder, ReleaseCallOff, ReportDelay
from services.order.order_facts import LineDelayChanged, LineDelayCleared, LineDelayRaised, LineRelease, OrderKind
from services.order.outlook import CauseKind
from services.order.policy import LineStage
from services.order.references import DEVELOPMENT, References
from services.order.terms import ZERO, PromiseBasis
from tests.unit.order.causes import caused, expects, own_flow
from tests.unit.order.scene import (
    BUYER,
    DAY,
    NUMBER,
    SELLER,
    TEN,
    confirmed_order,
    due,
    kinds,
    placed,
    terms,
)

WAITING = LineStage.AWAITING_STOCK
DAY_MINUTES = DAY // 60_000


def test_both_sides_see_when_how_late_and_how_far_away_it_began() -> None:
    stage = confirmed_order()
    stage.flow_says(WAITING, expectation=expects(23, caused("deep", SELLER)))
    for by, tiers in ((BUYER, Tiers.TWO), (SELLER, Tiers.ONE)):
        seen = stage.seen(by)
        assert (seen.expected_on, seen.expected_at_ms, seen.days_late) == (date(2026, 3, 23), due(23), 3)
        assert (seen.delay_minutes, seen.expected_basis, seen.alert) == (3 * DAY_MINUTES, Basis.COMPUTED, Alert.LATE)
        assert seen.cause is not None
        assert (seen.cause.kind, seen.cause.tiers, seen.cause.reason) == (CauseKind.SUPPLY, tiers, "")


def test_the_chain_knows_better_than_the_dates_of_shipments() -> None:
    stage = confirmed_order()
    stage.flow_says(WAITING, expected_at_ms=due(20), expectation=expects(24))
    assert stage.seen().expected_on == date(2026, 3, 24)


def test_a_promise_to_ship_is_expected_when_the_goods_leave() -> None:
    stage = confirmed_order(placed(terms=terms(basis=PromiseBasis.SHIP, lead_time_minutes=2 * DAY_MINUTES)))
    stage.flow_says(WAITING, expectation=expects(23, promised=20))
    assert (stage.seen().expected_on, stage.seen().days_late) == (date(2026, 3, 23), 3)
    stage.flow_says(LineStage.IN_TRANSIT, shipped="100", fulfilled_at_ms=due(20), expectation=expects(23, promised=20))
    assert (stage.seen().late, stage.seen().delay_minutes) == (False, 3 * DAY_MINUTES), (
        "shipped in time, under way late"
    )


def test_the_sellers_own_estimate_can_only_make_it_later() -> None:
    stage = confirmed_order().given((ReportDelay(BUYER, NUMBER, TEN, date(2026, 3, 25), "strike"), SELLER))
    stage.flow_says(WAITING, expectation=expects(23))
    assert stage.seen().expected_on == date(2026, 3, 25)
    stage.flow_says(WAITING, expectation=expects(27))
    assert stage.seen().expected_on == date(2026, 3, 27)
    stage.flow_says(WAITING, expectation=expects(None))
    assert (stage.seen().expected_on, stage.seen().alert, stage.seen().late) == (None, Alert.SHORT, True)


def test_a_delay_is_raised_changed_and_cleared_in_the_log() -> None:
    stage = confirmed_order()
    stage.now_ms += DAY
    made = stage.flow_says(WAITING, expectation=expects(23, caused("deep")))
    assert isinstance(made, tuple)
    assert made[1:] == (LineDelayRaised(TEN, 3 * DAY_MINUTES, due(23), stage.now_ms),)
    assert stage.seen().late_since_ms == stage.now_ms
    raised = stage.now_ms
    stage.now_ms += DAY
    made = stage.flow_says(WAITING, expectation=expects(None, caused("deep")))
    assert isinstance(made, tuple)
    assert made[1:] == (LineDelayChanged(TEN, NEVER, None, stage.now_ms),)
    assert stage.seen().late_since_ms == raised
    made = stage.flow_says(WAITING, expectation=expects(20))
    assert isinstance(made, tuple)
    assert made[1:2] == (LineDelayCleared(TEN, 0, due(20), stage.now_ms),)
    assert (stage.seen().late_since_ms, stage.seen().cause, stage.seen().alert) == (None, None, None)


def test_another_cause_of_the_same_delay_is_shown_and_not_raised_again() -> None:
    stage = confirmed_order()
    stage.flow_says(WAITING, expectation=expects(23, caused("deep")))
    before = stage.seen().cause
    assert kinds(stage.flow_says(WAITING, expectation=expects(23, caused("deep", event="e2")))) == [
        "LineProgressRecorded"
    ]
    assert stage.seen().cause != before


def test_what_no_party_may_see_makes_no_fact() -> None:
    stage = confirmed_order()
    cause = caused("deep", SELLER)
    stage.flow_says(WAITING, expectation=expects(23, cause))
    others = (replace(hop, own=7, slack=7) for hop in cause.hops[:1])
    other = Cause(cause.root, (*others, *cause.hops[1:]))
    assert stage.flow_says(WAITING, expectation=expects(23, other)) == ()


def test_a_delay_within_the_tolerance_is_seen_and_is_no_alert() -> None:
    stage = confirmed_order(placed(terms=terms(delay_tolerance_minutes=3 * DAY_MINUTES)))
    assert kinds(stage.flow_says(WAITING, expectation=expects(23, caused("deep")))) == ["LineProgressRecorded"]
    assert (stage.seen().delay_minutes, stage.seen().alert) == (3 * DAY_MINUTES, None)
    assert "LineDelayRaised" in kinds(stage.flow_says(WAITING, expectation=expects(24, caused("deep"))))
    assert "LineDelayCleared" in kinds(stage.flow_says(WAITING, expectation=expects(23, caused("deep"))))


def test_what_is_cancelled_is_not_late_any_more() -> None:
    stage = confirmed_order()
    stage.flow_says(WAITING, expectation=expects(23, caused("deep")))
    made = stage.flow_says(LineStage.CANCELLED, cancelled="100", expectation=expects(23, caused("deep")))
    assert kinds(made) == ["LineProgressRecorded", "LineDelayCleared", "LineCancelled", "OrderCompleted"]
    assert (stage.seen().alert, stage.seen().delay_minutes, stage.seen().cause) == (None, 0, None)


def test_a_frame_that_is_cancelled_clears_what_its_last_release_raised() -> None:
    stage = confirmed_order(kind=OrderKind.CALL_OFF)
    stage.flow_says(WAITING, expectation=expects(23, caused("deep")))
    stage.given(ReleaseCallOff(NUMBER, 1, (LineRelease(TEN, ZERO, ()),)))
    assert alert(stage.line()) == "late", "until the flow says that nothing is to come"
    assert kinds(stage.when(CancelOrder(NUMBER))) == ["LineDelayCleared", "LineCancelled", "OrderCompleted"]
    assert (delay_minutes(stage.line()), stage.line().late_since_ms) == (0, None)


def test_what_came_late_stays_late_and_is_no_exposure() -> None:
    stage = confirmed_order()
    said = expects(23, caused("deep"), basis=Basis.REPORTED)
    stage.flow_says(WAITING, expectation=said)
    assert stage.derived[BUYER, "exposure", "4711/10"] is not None
    stage.flow_says(LineStage.RECEIVED, shipped="100", received="100", fulfilled_at_ms=due(23), expectation=said)
    assert (stage.seen().alert, stage.seen().days_late) == (Alert.LATE, 3)
    assert stage.derived[BUYER, "exposure", "4711/10"] is None


@pytest.mark.parametrize(
    ("kind", "far", "here"),
    [
        (RootClass.REPORTED, CauseKind.SUPPLY, CauseKind.TRANSPORT),
        (RootClass.SILENT, CauseKind.SUPPLY, CauseKind.TRANSPORT),
        (RootClass.LOST, CauseKind.SUPPLY, CauseKind.TRANSPORT),
        (RootClass.SHARED, CauseKind.SHARED, CauseKind.SHARED),
        (RootClass.SHORT, CauseKind.SHORT, CauseKind.SHORT),
        (RootClass.PLANNED, CauseKind.PLANNED, CauseKind.PLANNED),
        (RootClass.LOOP, CauseKind.LOOP, CauseKind.LOOP),
    ],
)
def test_who_spoke_or_kept_silent_is_not_told(kind: RootClass, far: CauseKind, here: CauseKind) -> None:
    said: dict[str, Any] = {"kind": kind, "members": ("f0", "f1"), "culprit": "f9"}
    assert _seen(caused("deep", SELLER, **said)).kind is far
    assert _seen(caused("deep", SELLER, flow=own_flow(), **said)).kind is here


def _seen(cause: Cause, by: EnterpriseId = BUYER) -> CauseView:
    stage = confirmed_order()
    stage.flow_says(WAITING, expectation=expects(23, cause))
    seen = stage.seen(by).cause
    assert seen is not None
    return seen


@pytest.mark.parametrize(
    ("enterprises", "root", "for_buyer", "for_seller"),
    [
        ((), own_flow(), "1", "0"),
        ((SELLER, SELLER), "f0", "1", "0"),
        (("deep",), "f0", "2", "1"),
        (("deep", "deep", SELLER), "f0", "2", "1"),
        (("deeper", "deep", SELLER), "f0", "3 or more", "2"),
        (("deepest", "deeper", "deep", SELLER), "f0", "3 or more", "3 or more"),
        (("a", "b", "c", "d", "e", "f"), "f0", "3 or more", "3 or more"),
        (("deeper", "deep", SELLER), "f1", "2", "1"),  # what is behind the root was late too, but did not decide
        (("deeper", "deep", SELLER), "f2", "1", "0"),
        (("deep", SELLER, "deep"), "f0", "3 or more", "3 or more"),  # goods that come back are on their way again
        (("deeper", "deep", SELLER), "folded away", "3 or more", "2"),
    ],
)
def test_tiers_are_counted_from_the_viewer_to_the_root(
    enterprises: tuple[str, ...], root: str, for_buyer: str, for_seller: str
) -> None:
    cause = caused(*enterprises, flow=root)
    assert _seen(cause).tiers == for_buyer
    assert _seen(cause, SELLER).tiers == for_seller


def test_a_reason_is_shown_where_the_delay_began_with_the_line_itself() -> None:
    assert _seen(caused("deep", flow=own_flow(), reason="storm")).reason == "storm"
    assert _seen(caused(SELLER, flow="f0", reason="storm")).reason == ""


def test_a_cause_without_hops_is_the_partners() -> None:
    cause = Cause(caused("deep").root, ())
    assert (_seen(cause).tiers, _seen(cause).kind) == (Tiers.ONE, CauseKind.SUPPLY)


def test_lines_of_one_viewer_with_one_root_have_one_reference() -> None:
    near, far = _seen(caused("deep")), _seen(caused("deep", "deeper", flow="f1"))
    assert near.reference == far.reference, "one event on two flows is one incident"
    assert len(near.reference) == 16
    assert near.reference != _seen(caused("deep"), SELLER).reference, "two viewers have nothing to join on"
    assert near.reference != _seen(caused("deep", event="e2")).reference


def test_a_root_without_an_event_is_known_by_what_it_is() -> None:
    def reference(**root: Any) -> str:
        return _seen(caused("deep", event="", **root)).reference

    assert reference(flow="x") == reference(flow="x", kind=RootClass.SILENT) != reference(flow="y")
    shared = RootClass.SHARED
    assert reference(flow="x", kind=shared, culprit="c") == reference(flow="y", kind=shared, culprit="c")
    loop = RootClass.LOOP
    assert reference(flow="x", kind=loop, members=("b", "a")) == reference(flow="y", kind=loop, members=("a", "b"))


def test_another_secret_gives_other_references() -> None:
    one, other = References(b"one"), References(b"other")
    assert one.to(BUYER, "e1") == References(b"one").to(BUYER, "e1") != other.to(BUYER, "e1")
    assert "one" not in repr(one)


def test_the_secret_is_read_where_the_service_is_put_together(caplog: pytest.LogCaptureFixture) -> None:
    assert references({SECRET: "s" * 32}) == References(b"s" * 32)
    assert not caplog.records
    assert references({}) == DEVELOPMENT
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    with pytest.raises(SystemExit):
        references({SECRET: "short"})
