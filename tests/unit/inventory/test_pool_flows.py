"""Demands and supplies as flows state them: totals in, differences to the ledger, answers out, never a refusal."""

from decimal import Decimal

from services.inventory.policy import DemandCovered, DemandStated, SupplyStated, react, tell
from services.inventory.pool_commands import CountStock, IssueStock, ReceiveStock, StateDemand
from services.inventory.pool_facts import (
    Contradiction,
    DemandId,
    DemandIssued,
    DemandRecorded,
    DemandReleased,
    DemandReserved,
    MovementKind,
    ReleaseCause,
    StockContradicted,
    StockMoved,
    SupplyId,
    SupplyReceived,
)
from services.inventory.pool_rows import demand_row, supply_row
from services.inventory.views import ReservationState
from services.kernel.values import Quantity, Refused
from tests.unit.inventory.pool_case import (
    ITEM,
    KEY,
    SITE,
    PoolCase,
    check_laws,
    flow,
    in_stock,
    kilograms,
    origin,
    pieces,
    short,
    state_demand,
    state_supply,
)


def counted(amount: int) -> PoolCase:
    return PoolCase().given(CountStock(SITE, ITEM, pieces(amount)))


def test_a_demand_takes_what_is_free_and_waits_for_the_rest() -> None:
    case = counted(6)
    facts = case.run(state_demand(1, pieces(10)))
    assert facts == (
        DemandRecorded(flow(1), DemandId("1"), pieces(10), 100, 5, 1, False),
        DemandReserved(flow(1), DemandId("1"), pieces(6), pieces(6)),
    )
    assert case.covered(1) == DemandCovered(
        KEY, DemandId("1"), pieces(6), pieces(0), pieces(4), True, (in_stock(6), short(4, missing=4))
    )
    row = case.seen["reservations", f"madrid/cell/{flow(1)}/1"]
    assert (row.state, row.reserved, row.waiting) == (ReservationState.PARTLY_RESERVED, 6, 4)


def test_waiting_demands_are_served_in_the_static_order() -> None:
    case = counted(0).given(
        state_demand(1, pieces(1), priority=5, need_at_ms=None),
        state_demand(2, pieces(1), priority=5, need_at_ms=900, sequence_ms=7),
        state_demand(3, pieces(1), priority=5, need_at_ms=900, sequence_ms=6),
        state_demand(4, pieces(1), priority=5, need_at_ms=1_000),
        state_demand(5, pieces(1), priority=4, need_at_ms=99_000),
        state_demand(6, pieces(1), priority=10, need_at_ms=1),
        state_demand(7, pieces(1), priority=5, need_at_ms=900, sequence_ms=7),
    )
    served = []
    for _ in range(7):
        facts = case.run(ReceiveStock(SITE, ITEM, pieces(1)))
        assert isinstance(facts, tuple)
        served += [f.flow_key for f in facts if isinstance(f, DemandReserved)]
    assert served == [flow(n) for n in (5, 3, 2, 7, 4, 1, 6)]


def test_one_receipt_serves_as_many_as_it_covers_and_tells_only_them() -> None:
    case = counted(0).given(*(state_demand(n, pieces(2), need_at_ms=n) for n in range(1, 5)))
    case.given(state_supply(9, pieces(9)))
    answer = case.run(ReceiveStock(SITE, ITEM, pieces(5)))
    assert isinstance(answer, tuple)
    assert case.reserved(1, 2, 3, 4) == [2, 2, 1, 0]
    assert list(tell(KEY, case.rows, answer, origin())) == []  # before it is reckoned
    assert sorted(case.said) == [flow(1), flow(2), flow(3)]


def test_a_receipt_that_nobody_waits_for_tells_nobody() -> None:
    case = counted(10).given(state_demand(1, pieces(2)))
    answer = case.run(ReceiveStock(SITE, ITEM, pieces(5)))
    assert isinstance(answer, tuple)
    assert case.said == []


def test_an_issued_total_is_posted_as_the_difference_and_consumes_the_reservation() -> None:
    case = counted(10).given(state_demand(1, pieces(8)))
    facts = case.run(state_demand(1, pieces(8), issued=pieces(5), reference="shipment/acme/S1"))
    assert facts == (
        DemandIssued(flow(1), DemandId("1"), pieces(5), pieces(5), pieces(5)),
        StockMoved(MovementKind.ISSUE, pieces(-5), "shipment/acme/S1", "", pieces(5)),
    )
    assert case.run(state_demand(1, pieces(8), issued=pieces(5), reference="shipment/acme/S1")) == ()
    case.given(state_demand(1, pieces(8), issued=pieces(8)))
    assert [case.head.on_hand, case.head.reserved] == [2, 0]
    assert case.covered(1) == DemandCovered(KEY, DemandId("1"), pieces(0), pieces(8), pieces(0), True)
    assert case.seen["reservations", f"madrid/cell/{flow(1)}/1"] is None
    check_laws(case)


def test_issuing_more_than_held_cuts_others_latest_need_first() -> None:
    case = counted(10).given(
        state_demand(1, pieces(4), need_at_ms=300),
        state_demand(2, pieces(3), need_at_ms=100),
        state_demand(3, pieces(3), need_at_ms=200),
        state_demand(1, pieces(4), issued=pieces(8), need_at_ms=300),
    )
    assert case.reserved(1, 2, 3) == [0, 2, 0]
    assert case.covered(3).waiting == pieces(3)
    assert case.covered(1).issued == pieces(8)
    check_laws(case)


def test_an_issued_total_that_falls_is_posted_back_and_contradicts() -> None:
    case = counted(10).given(state_demand(1, pieces(8), issued=pieces(8)))
    facts = case.run(state_demand(1, pieces(8), issued=pieces(6), reference="corrected"))
    assert isinstance(facts, tuple)
    assert StockMoved(MovementKind.ISSUE, pieces(2), "corrected", "", pieces(4)) in facts
    assert StockContradicted(Contradiction.TOTAL_TAKEN_BACK, pieces(6), pieces(8), "corrected") in facts
    assert case.reserved(1) == [2]
    check_laws(case)


def test_withdrawing_releases_and_serves_the_next() -> None:
    case = counted(5).given(state_demand(1, pieces(5)), state_demand(2, pieces(5)))
    facts = case.run(state_demand(1, pieces(5), withdrawn=True))
    assert isinstance(facts, tuple)
    assert DemandReleased(flow(1), DemandId("1"), pieces(5), pieces(0), ReleaseCause.NOT_NEEDED) in facts
    assert case.reserved(2) == [5]
    assert case.covered(1).reserved == pieces(0)
    assert demand_row(flow(1), DemandId("1")) not in case.rows
    check_laws(case)


def test_a_reduced_demand_gives_back_the_difference() -> None:
    case = counted(10).given(state_demand(1, pieces(8)), state_demand(1, pieces(3)))
    assert case.reserved(1) == [3]
    assert case.seen["stock", "madrid/cell"].available == 7


def test_a_demand_that_waited_and_is_reduced_leaves_the_queue_to_the_next() -> None:
    case = counted(5).given(state_demand(1, pieces(8)), state_demand(2, pieces(5), need_at_ms=200))
    facts = case.run(state_demand(1, pieces(3)))
    assert isinstance(facts, tuple)
    assert facts[1:] == (
        DemandReleased(flow(1), DemandId("1"), pieces(2), pieces(3), ReleaseCause.NOT_NEEDED),
        DemandReserved(flow(2), DemandId("1"), pieces(2), pieces(2)),
    )


def test_among_equal_needs_the_less_important_gives_back_first_then_the_later() -> None:
    case = counted(9).given(
        state_demand(1, pieces(3), priority=1, sequence_ms=9),
        state_demand(2, pieces(3), priority=2, sequence_ms=1),
        state_demand(3, pieces(3), priority=2, sequence_ms=2),
        CountStock(SITE, ITEM, pieces(7)),
    )
    assert case.reserved(1, 2, 3) == [3, 3, 1]
    case.given(CountStock(SITE, ITEM, pieces(4)))
    assert case.reserved(1, 2, 3) == [3, 1, 0]


def test_a_demand_first_heard_of_when_withdrawn_is_answered_and_its_issue_remembered() -> None:
    case = counted(10)
    case.given(state_demand(1, pieces(8), withdrawn=True))
    assert case.covered(1).reserved == pieces(0)
    case.given(state_demand(2, pieces(8), issued=pieces(3), withdrawn=True))
    case.given(state_demand(2, pieces(8), issued=pieces(3), withdrawn=True))
    assert case.head.on_hand == 7
    assert case.demand(2).issued == 3
    check_laws(case)


def test_a_moved_need_date_moves_the_place_in_the_queue() -> None:
    case = counted(0).given(
        state_demand(1, pieces(1), need_at_ms=100),
        state_demand(2, pieces(1), need_at_ms=200),
        state_demand(2, pieces(1), need_at_ms=50),
        ReceiveStock(SITE, ITEM, pieces(1)),
    )
    assert case.reserved(1, 2) == [0, 1]
    check_laws(case)


def test_an_unknown_pool_covers_nothing_and_still_records_issues() -> None:
    case = PoolCase().given(state_demand(1, pieces(8)))
    assert case.covered(1) == DemandCovered(KEY, DemandId("1"), pieces(0), pieces(0), pieces(8), False)
    case.given(state_demand(1, pieces(8), issued=pieces(5)))
    assert case.covered(1) == DemandCovered(KEY, DemandId("1"), pieces(0), pieces(5), pieces(3), False)
    assert case.head.on_hand == -5
    assert case.head.contradicted is None
    assert case.seen["stock", "madrid/cell"].on_hand is None
    case.given(CountStock(SITE, ITEM, pieces(2)))
    assert case.covered(1) == DemandCovered(
        KEY, DemandId("1"), pieces(2), pieces(5), pieces(1), True, (in_stock(2), short(1, missing=1))
    )
    check_laws(case)


def test_becoming_tracked_is_told_to_those_that_get_nothing_too() -> None:
    case = PoolCase().given(state_demand(1, pieces(8)), state_demand(2, pieces(8)), CountStock(SITE, ITEM, pieces(3)))
    assert case.covered(2) == DemandCovered(
        KEY, DemandId("1"), pieces(0), pieces(0), pieces(8), True, (short(8, missing=13),)
    )


def test_a_demand_in_an_unknown_unit_holds_nothing_moves_nothing_and_is_shown() -> None:
    case = counted(10).given(state_demand(1, pieces(4)))
    case.given(state_demand(1, kilograms(7), issued=kilograms(2)))
    assert [case.head.on_hand, case.head.reserved, case.head.waiting] == [10, 0, 0]
    assert case.covered(1) == DemandCovered(KEY, DemandId("1"), pieces(0), pieces(0), kilograms(7), False)
    assert case.head.contradicted is Contradiction.UNIT_UNKNOWN
    row = case.seen["reservations", f"madrid/cell/{flow(1)}/1"]
    assert (row.state, row.unit, row.waiting) == (ReservationState.UNIT_UNKNOWN, "KGM", 7)
    check_laws(case)
    case.given(state_demand(1, pieces(4), issued=pieces(1)))
    assert [case.head.on_hand, *case.reserved(1)] == [9, 3]
    check_laws(case)


def test_every_issue_in_an_unknown_unit_is_said() -> None:
    case = counted(10).given(state_demand(1, kilograms(7)))
    facts = case.run(state_demand(1, kilograms(7), issued=kilograms(2), reference="shipment/acme/S1"))
    assert facts == (StockContradicted(Contradiction.UNIT_UNKNOWN, kilograms(2), pieces(0), "shipment/acme/S1"),)


def test_what_a_flow_states_is_made_fit_at_the_door_and_never_refused() -> None:
    case = counted(10)
    for quantity in ("-5", "NaN", "0.0000001", "1e30", "Infinity"):
        answer = case.run(state_demand(1, Quantity(Decimal(quantity), "C62"), issued=pieces("-3"), priority=-1))
        assert not isinstance(answer, Refused)
        check_laws(case)


def test_two_flows_may_number_their_inputs_alike() -> None:
    case = counted(10).given(state_demand(1, pieces(4)), state_demand(2, pieces(3)))
    assert case.reserved(1, 2) == [4, 3]


def test_a_supply_is_expected_and_posts_what_was_received() -> None:
    case = counted(0).given(state_demand(1, pieces(5)))
    case.given(state_supply(9, pieces(20), expected_at_ms=700))
    assert case.seen["stock", "madrid/cell"].inbound == 20
    row = case.seen["inbound", f"madrid/cell/{flow(9)}/out"]
    assert (row.open, row.expected_at_ms, row.promised_at_ms) == (20, 700, 400)
    facts = case.run(state_supply(9, pieces(20), received=pieces(12), expected_at_ms=700, reference="shipment/s/S9"))
    assert isinstance(facts, tuple)
    assert facts[:2] == (
        SupplyReceived(flow(9), SupplyId("out"), pieces(12), pieces(12)),
        StockMoved(MovementKind.RECEIPT, pieces(12), "shipment/s/S9", "", pieces(12)),
    )
    assert case.reserved(1) == [5]
    assert case.head.inbound == 8
    case.given(state_supply(9, pieces(20), received=pieces(21), expected_at_ms=700))
    assert case.head.on_hand == 21
    assert case.seen["inbound", f"madrid/cell/{flow(9)}/out"] is None
    check_laws(case)


def test_a_received_total_that_falls_is_posted_back_and_cuts() -> None:
    case = counted(0).given(state_demand(1, pieces(5)), state_supply(9, pieces(5), received=pieces(5)))
    assert case.reserved(1) == [5]
    case.given(state_supply(9, pieces(5), received=pieces(3)))
    assert case.reserved(1) == [3]
    assert case.head.contradicted is Contradiction.TOTAL_TAKEN_BACK
    check_laws(case)


def test_a_withdrawn_supply_is_no_longer_expected_and_a_late_receipt_of_it_counts() -> None:
    case = counted(0).given(state_supply(9, pieces(5)), state_supply(9, pieces(5), withdrawn=True))
    assert case.head.inbound == 0
    assert supply_row(flow(9), SupplyId("out")) not in case.rows
    case.given(state_supply(9, pieces(5), received=pieces(5), withdrawn=True))
    case.given(state_supply(9, pieces(5), received=pieces(5), withdrawn=True))
    assert [case.head.on_hand, case.head.inbound] == [5, 0]
    check_laws(case)


def test_a_supply_in_an_unknown_unit_is_kept_and_shown() -> None:
    case = counted(0).given(state_supply(9, kilograms(5), received=kilograms(5)))
    assert [case.head.on_hand, case.head.inbound] == [0, 0]
    assert case.head.contradicted is Contradiction.UNIT_UNKNOWN
    assert case.seen["inbound", f"madrid/cell/{flow(9)}/out"].unit == "KGM"


def test_links_become_commands_on_the_pool_they_are_addressed_to() -> None:
    stated = DemandStated(flow(1), DemandId("1"), pieces(3), pieces(1), 100, 5, 9, False, "ref")
    assert react(stated, KEY) == (
        StateDemand(KEY, flow(1), DemandId("1"), pieces(3), pieces(1), 100, 5, 9, False, "ref"),
    )
    supplied = SupplyStated(flow(1), SupplyId("out"), pieces(3), None, 100, None, False, "")
    assert [type(command).__name__ for command in react(supplied, KEY)] == ["StateSupply"]
    assert react(stated, "pool/acme/madrid") == ()
    assert react(stated, "site/acme/madrid/x") == ()


def test_an_issue_without_a_demand_takes_free_stock_first() -> None:
    case = counted(10).given(state_demand(1, pieces(6)), IssueStock(SITE, ITEM, pieces(4)))
    assert case.reserved(1) == [6]
    case.given(IssueStock(SITE, ITEM, pieces(1)))
    assert case.reserved(1) == [5]
