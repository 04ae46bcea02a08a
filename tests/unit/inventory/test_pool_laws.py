"""Laws of a pool under random sequences of everything that can be said to it."""

from dataclasses import fields
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.chain.causes import Cause, Root, RootClass, Stage
from services.chain.moments import NEVER
from services.chain.pool_facts import STOCK, Hold, SupplyPart
from services.inventory import pool_commands as say
from services.inventory.pool_facts import ReservationId
from services.inventory.pool_rows import Demand, Reservation
from services.kernel.values import Quantity, Refused
from tests.unit.inventory.plain_pool import PlainPool
from tests.unit.inventory.pool_case import (
    ITEM,
    KEY,
    SITE,
    PoolCase,
    check_laws,
    flow,
    origin,
    pieces,
    state_demand,
    state_supply,
)

INTENTS = say.ReserveStock | say.ReleaseReservation
some = st.sampled_from(["0.5", *map(str, range(1, 13))]).map(pieces)
none_too = st.integers(0, 12).map(pieces)
hand = st.sampled_from("ABC").map(ReservationId)
moment = st.integers(0, 5)
ends = st.integers(2_000, 2_005)

owners = st.one_of(
    st.builds(say.ReceiveStock, st.just(SITE), st.just(ITEM), some),
    st.builds(say.IssueStock, st.just(SITE), st.just(ITEM), some),
    st.builds(say.CountStock, st.just(SITE), st.just(ITEM), none_too),
    st.builds(
        say.AdjustStock, st.just(SITE), st.just(ITEM), st.sampled_from([-3, 2]).map(pieces), reason=st.just("found")
    ),
    st.builds(say.BlockStock, st.just(SITE), st.just(ITEM), some, reason=st.just("moisture")),
    st.builds(say.UnblockStock, st.just(SITE), st.just(ITEM), some),
    st.builds(say.ReserveStock, st.just(SITE), st.just(ITEM), hand, some, moment, st.none() | ends),
    st.builds(say.ReleaseReservation, st.just(SITE), st.just(ITEM), hand, st.none() | some),
    st.builds(say.ConsumeReservation, st.just(SITE), st.just(ITEM), hand, some),
    st.builds(say.TrackPool, st.just(SITE), st.just(ITEM), st.just("C62")),
    st.builds(say.UntrackPool, st.just(SITE), st.just(ITEM)),
)
minute = st.integers(1, 6)
minute_ms = minute.map(lambda number: number * 60_000)
holds = st.lists(
    st.builds(Hold, st.sampled_from([STOCK, flow(6), flow(7)]), st.integers(1, 9).map(lambda n: n * 10**6)), max_size=2
).map(tuple)
demands = st.builds(
    state_demand,
    st.integers(1, 5),
    none_too,
    st.none() | none_too,
    st.none() | minute_ms,
    st.integers(1, 2),
    st.integers(1, 2),
    st.sampled_from([False, False, False, True]),
    planned=st.sampled_from([False, False, True]),
    holds=st.just(()) | holds,
)
parts = st.lists(
    st.builds(
        SupplyPart,
        minute | st.just(NEVER),
        st.integers(1, 9).map(lambda n: n * 10**6),
        st.none() | st.just(Cause(Root("flow/steel/1", RootClass.REPORTED), ())),
        st.just((Stage("flow/steel/1", 1),)),
    ),
    max_size=3,
).map(tuple)
supplies = st.builds(
    state_supply,
    st.integers(6, 8),
    none_too,
    st.sampled_from([None, pieces(0), pieces(0), pieces(1), pieces(4)]),
    st.none() | minute_ms,
    st.sampled_from([False, False, False, True]),
    parts=parts,
    promised_at_ms=st.none() | minute_ms,
)
flows = st.one_of(demands, demands, supplies, supplies, st.builds(say.WakePool, st.just(KEY), ends))
in_kilograms = st.builds(
    state_demand, st.integers(1, 5), st.just(Quantity(Decimal(4), "KGM")), st.just(Quantity(Decimal(1), "KGM"))
)


@settings(max_examples=400)
@given(st.lists(owners | flows, max_size=30))
def test_every_sequence_keeps_the_laws_and_does_what_the_plain_pool_does(commands: list[say.Command]) -> None:
    case, plain = PoolCase(), PlainPool()
    for number, command in enumerate(commands):
        answer = case.run(command, origin(recorded_at_ms=1_000 + number))
        check_laws(case)
        if isinstance(answer, Refused):
            assert isinstance(command, INTENTS), f"a report was refused: {answer}"
            continue
        plain.run(command, 1_000 + number)
        if "head" in case.rows:
            assert (case.head.on_hand, case.head.blocked, case.head.tracked) == (
                plain.on_hand,
                plain.blocked,
                plain.tracked,
            )
        held = {row.flow_key: row.reserved for row in case.rows.values() if isinstance(row, Demand) and row.reserved}
        assert held == {name: one.reserved for name, one in plain.demands.items() if one.reserved}
        hands = {row.reservation: row.quantity for row in case.rows.values() if isinstance(row, Reservation)}
        assert hands == {name: one.reserved for name, one in plain.hands.items()}


@settings(max_examples=100)
@given(st.lists(owners | flows | in_kilograms, max_size=25))
def test_units_that_come_and_go_keep_the_laws(commands: list[say.Command]) -> None:
    case = PoolCase().given(say.TrackPool(SITE, ITEM, "C62"))
    for command in commands:
        case.run(command)
        check_laws(case)


@settings(max_examples=100)
@given(st.permutations([1, 2, 3, 4]), st.lists(st.integers(0, 2), min_size=4, max_size=4), st.data())
def test_any_interleaving_ends_with_the_same_stock_and_the_same_sum_held(
    order: list[int], issues: list[int], data: st.DataObject
) -> None:
    """What comes in, what is issued for demands and what demands ask for commute, up to who holds what."""
    messages: list[say.Command] = [state_demand(n, pieces(n * 3), pieces(issues[n - 1]), need_at_ms=n) for n in order]
    messages += [state_supply(9, pieces(20), pieces(7)), say.ReceiveStock(SITE, ITEM, pieces(5))]
    shuffled = data.draw(st.permutations(messages))
    results = []
    for sequence in (messages, shuffled):
        case = PoolCase().given(say.CountStock(SITE, ITEM, pieces(3)), *sequence)
        check_laws(case)
        results.append((case.head.on_hand, case.head.reserved, case.head.waiting, case.head.inbound))
    assert results[0] == results[1]


def test_no_row_grows_with_the_number_of_demands_or_movements() -> None:
    case = PoolCase().given(say.CountStock(SITE, ITEM, pieces(50)))
    for number in range(100, 130):
        case.given(state_demand(number, pieces(3), pieces(1)), say.ReceiveStock(SITE, ITEM, pieces(1)))
    for row in case.rows.values():
        values = [getattr(row, item.name) for item in fields(row)]
        assert not any(isinstance(value, list | dict | set) for value in values)
        assert all(len(value) <= 2 for value in values if isinstance(value, tuple))  # parts and holds of one flow
    assert case.demand(100).issued == 1
    assert case.covered(129).issued == pieces(1)
    assert flow(100) == case.demand(100).flow_key


def test_a_decision_reads_of_the_queue_only_what_it_serves() -> None:
    case = PoolCase().given(say.CountStock(SITE, ITEM, pieces(0)))
    for number in range(100, 150):
        case.given(state_demand(number, pieces(3), need_at_ms=number))
    answer = case.run(say.ReceiveStock(SITE, ITEM, pieces(6)))
    assert isinstance(answer, tuple)
    assert [type(fact).__name__ for fact in answer] == ["StockMoved", "DemandReserved", "DemandReserved"]
