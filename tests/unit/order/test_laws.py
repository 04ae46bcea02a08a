"""Laws that hold whatever is said in whatever order."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.chain.alerts import AlertState
from services.chain.causes import RootClass
from services.chain.moments import NEVER
from services.kernel.model import DictRows
from services.kernel.row_codec import RowCodec
from services.kernel.values import EnterpriseId, Money, Origin, Refused
from services.order import order
from services.order.domain import DOMAIN
from services.order.exposure import EXPOSURE, exposure_of
from services.order.line import LINES, Line, Order, OrderLineStage, alert, days_late, delay_minutes, is_open, requested
from services.order.line_view import line_views
from services.order.order_commands import (
    AcceptChange,
    AddLines,
    CancelLine,
    CancelOrder,
    CloseLine,
    CloseOrder,
    ConfirmLine,
    ConfirmOrder,
    DeclineChange,
    OrderCommand,
    ProposeChange,
    RecordLineProgress,
    RejectLine,
    ReleaseCallOff,
    ReportDelay,
    RevisePromise,
)
from services.order.order_facts import (
    Awaits,
    LineDelayChanged,
    LineDelayCleared,
    LineDelayRaised,
    LineRelease,
    OrderKind,
)
from services.order.policy import LineStage
from services.order.silence import watch_ms
from services.order.terms import Delivery, LineNumber, PromiseBasis, total
from tests.unit.order.causes import caused, expects
from tests.unit.order.scene import (
    BUYER,
    DAY,
    DOZENS,
    NUMBER,
    OTHER,
    PIECES,
    REFERENCES,
    SELLER,
    START,
    TEN,
    TWENTY,
    Stage,
    confirmed_order,
    march,
    place,
    placed,
    terms,
)

lines = st.sampled_from([TEN, TWENTY, LineNumber("30")])
amounts = st.integers(1, 40).map(lambda dozens: Decimal(dozens * 6))
march_days = st.integers(1, 31).map(lambda day: date(2026, 3, day))
schedules = st.dictionaries(march_days, amounts, min_size=1, max_size=3).map(
    lambda plan: tuple(Delivery(day, plan[day]) for day in sorted(plan))
)
reasons = st.sampled_from(["", "strike", "no-truck"])
totals = st.integers(0, 60).map(Decimal)
instants = st.integers(START, START + 40 * DAY)


def placed_lines(numbers: Sequence[LineNumber]) -> st.SearchStrategy[Any]:
    return st.tuples(
        *(
            st.builds(
                placed,
                st.just(number),
                requested=schedules,
                unit_price=st.one_of(st.none(), st.just(Money("EUR", 3))),
                terms=st.builds(
                    terms,
                    st.sampled_from([PIECES, DOZENS]),
                    st.sampled_from(PromiseBasis),
                    under_percent=st.sampled_from([None, Decimal(5)]),
                    delay_tolerance_minutes=st.sampled_from([0, 3_000]),
                    day_ends_minute=st.sampled_from([None, 1020]),
                ),
            )
            for number in numbers
        )
    )


releases = st.builds(LineRelease, lines, totals, st.one_of(st.just(()), schedules))
from_buyer: st.SearchStrategy[OrderCommand] = st.one_of(
    placed_lines([LineNumber("30")]).map(lambda new: AddLines(NUMBER, new)),
    st.builds(ReleaseCallOff, st.just(NUMBER), st.integers(1, 9), st.tuples(releases)),
    st.builds(CancelLine, st.just(NUMBER), lines, st.one_of(st.none(), amounts)),
    st.builds(CancelOrder, st.just(NUMBER)),
    st.builds(CloseLine, st.just(NUMBER), lines),
    st.builds(CloseOrder, st.just(NUMBER)),
)
from_seller: st.SearchStrategy[OrderCommand] = st.one_of(
    st.builds(ConfirmOrder, st.just(BUYER), st.just(NUMBER)),
    st.builds(ConfirmLine, st.just(BUYER), st.just(NUMBER), lines, st.one_of(st.just(()), schedules)),
    st.builds(RejectLine, st.just(BUYER), st.just(NUMBER), lines, st.just("no")),
    st.builds(RevisePromise, st.just(BUYER), st.just(NUMBER), lines, schedules, st.just("slip")),
    st.builds(ReportDelay, st.just(BUYER), st.just(NUMBER), lines, march_days, reasons),
)
from_either: st.SearchStrategy[OrderCommand] = st.one_of(
    st.builds(ProposeChange, st.just(BUYER), st.just(NUMBER), lines, schedules, st.none(), reasons),
    st.builds(AcceptChange, st.just(BUYER), st.just(NUMBER), lines, st.integers(1, 3)),
    st.builds(DeclineChange, st.just(BUYER), st.just(NUMBER), lines, st.integers(1, 3)),
)
causes = st.builds(caused, st.sampled_from(["deep", SELLER]), kind=st.sampled_from(RootClass), culprit=reasons)
expectations = st.builds(expects, st.one_of(st.none(), st.integers(15, 30)), st.one_of(st.none(), causes))
from_flow: st.SearchStrategy[OrderCommand] = st.builds(
    RecordLineProgress,
    st.just(BUYER), st.just(NUMBER), lines, st.sampled_from(Awaits), totals, totals, totals, totals, totals, totals,
    st.one_of(st.none(), instants), st.one_of(st.none(), instants), st.booleans(), reasons,
    st.one_of(st.none(), expectations),
)  # fmt: skip
said = st.one_of(
    st.tuples(from_buyer, st.just(BUYER)),
    st.tuples(from_seller, st.just(SELLER)),
    st.tuples(from_either, st.sampled_from([BUYER, SELLER])),
    st.tuples(from_flow, st.just(EnterpriseId(""))),
    st.tuples(st.none(), st.integers(0, 10)),  # the clock moves on by so many days
)
stories = st.tuples(placed_lines([TEN, TWENTY]), st.sampled_from(OrderKind), st.lists(said, max_size=12))
rows_codecs = {kind: RowCodec(row) for kind, row in order.ORDER.rows.items()}


def check_always(stage: Stage) -> None:
    """What every state keeps to."""
    all_lines: list[Line] = [line for _, line in stage.rows.scan(LINES)]
    open_lines = [line for line in all_lines if is_open(line)]
    assert stage.head.open_lines == len(open_lines)
    for line in all_lines:
        if not is_open(line):
            assert line.awaits is Awaits.NOTHING
            assert line.proposal is None
        if line.stage is OrderLineStage.PLACED:
            assert not line.promised
            if line.progress is None:  # a flow that reports before the promise is nobody's plan
                assert line.ordered == line.received_before + total(requested(line))
    dues = [at for line in open_lines if (at := watch_ms(line)) is not None]
    alarm = order.alarm(stage.rows)
    if dues:
        assert alarm is not None, "a line can become overdue and nobody would look"
        assert alarm <= min(dues)
    for (viewer, row_id), row in stage.feed.items():
        line = stage.rows[LINES + row_id.rsplit("/", 1)[1]]
        assert row in line_views(BUYER, NUMBER, stage.head, line, REFERENCES), f"{viewer} sees an old row"
    for side, viewer, partner in (("BUYER", BUYER, SELLER), ("SELLER", SELLER, BUYER)):
        sums = stage.derived[viewer, "partners", f"{side}/{partner}"]
        late = [days_late(line) for line in all_lines]
        late_lines = sum(days_late(line) > 0 or delay_minutes(line) == NEVER for line in all_lines)
        assert (sums.lines, sums.open_lines, sums.late_lines, sums.days_late) == (
            len(all_lines), len(open_lines), late_lines, sum(late),
        )  # fmt: skip
    check_alerts(stage, all_lines)


def check_alerts(stage: Stage, all_lines: list[Line]) -> None:
    """The log says of each delay what the line says now, and the buyer's exposure is what its rows give."""
    said: dict[LineNumber, int] = {}
    for fact in stage.facts:
        match fact:
            case LineDelayRaised(number, delay):
                assert number not in said, "raised twice"
                said[number] = delay
            case LineDelayChanged(number, delay):
                assert said[number] != delay, "nothing changed"
                said[number] = delay
            case LineDelayCleared(number):
                del said[number]
            case _:
                pass
    alerted = {line.placed.line: delay_minutes(line) for line in all_lines if alert(line) is not AlertState.NONE}
    assert said == alerted
    assert {line.placed.line for line in all_lines if line.late_since_ms is not None} == alerted.keys()
    for line in all_lines:
        number = line.placed.line
        exposed = stage.derived.get((BUYER, EXPOSURE, f"{NUMBER}/{number}"))
        assert exposed == exposure_of(stage.seen(BUYER, number))


@given(stories)
@settings(max_examples=300)
def test_rows_views_and_alarm_agree_after_every_command(story: Any) -> None:
    placed_now, kind, commands = story
    stage = Stage().given(place(*placed_now, kind=kind))
    for command, by in commands:
        if command is None:
            stage.tick(stage.now_ms + by * DAY)
        else:
            made = stage.when(command, by)
            if isinstance(command, RecordLineProgress | ReportDelay):
                known = f"{LINES}{command.line}" in stage.rows
                assert isinstance(made, Refused) is not known, "a report is never refused"
        check_always(stage)

    replayed = DictRows()
    for fact in stage.facts:
        replayed.update(order.evolve(replayed, fact))
    assert replayed == stage.rows
    for key, row in stage.rows.items():
        codec = rows_codecs[key.partition("/")[0]]
        assert codec.decode(codec.encode(row)) == row
        assert codec.encode(replayed[key]) == codec.encode(row)


@given(stories, st.one_of(from_buyer, from_seller, from_either))
@settings(max_examples=100)
def test_a_third_enterprise_changes_nothing_and_learns_nothing(story: Any, command: OrderCommand) -> None:
    placed_now, kind, commands = story
    stage = Stage().given(place(*placed_now, kind=kind))
    for spoken, by in commands:
        if spoken is not None:
            stage.when(spoken, by)
    if order.key_of(command, OTHER) != "order/acme/4711":
        return  # a buyer's command goes to the sender's own order
    assert stage.decide(command, OTHER) == Stage().decide(command, OTHER)


@given(stories)
@settings(max_examples=100)
def test_the_sheet_sent_again_never_makes_a_fact(story: Any) -> None:
    placed_now, kind, commands = story
    sheet = place(*placed_now, kind=kind)
    stage = Stage().given(sheet)
    for command, by in commands:
        if command is not None:
            stage.when(command, by)
    assert stage.when(sheet) == ()


@given(stories)
@settings(max_examples=50)
def test_evolve_is_total_without_rows(story: Any) -> None:
    placed_now, kind, commands = story
    stage = Stage().given(place(*placed_now, kind=kind))
    for command, by in commands:
        if command is not None:
            stage.when(command, by)
    for fact in stage.facts[1:]:
        order.evolve(DictRows(), fact)


def test_rows_are_as_small_as_a_million_orders_need() -> None:
    stage = confirmed_order(placed(TEN, march(20), march(27, 50)))
    stage.when(
        RecordLineProgress(
            BUYER, NUMBER, TEN, Awaits.SHIPMENT, Decimal(100), Decimal(100), Decimal(0), Decimal(0), Decimal(0),
            Decimal(0), START, None, True, "",
        ),
        EnterpriseId(""),
    )  # fmt: skip
    assert len(rows_codecs["line"].encode(stage.line())) <= 250
    in_time = len(rows_codecs["line"].encode(stage.line()))
    far = caused(*(f"enterprise-{tier}" for tier in range(15)), event="c" * 36)
    stage.flow_says(LineStage.AWAITING_STOCK, expectation=expects(23, far))
    assert len(rows_codecs["line"].encode(stage.line())) <= in_time + 100, "fifteen tiers cost no more than one"
    assert len(rows_codecs["head"].encode(stage.head)) <= 120


def test_every_type_of_the_domain_is_a_frozen_dataclass_that_rows_can_hold() -> None:
    for aggregate in DOMAIN.aggregates:
        for row in aggregate.rows.values():
            RowCodec(row)
        for one in (*aggregate.commands, *aggregate.facts):
            assert is_dataclass(one)
            assert fields(one) or one.__name__ == "CancelOrder"
    for view in DOMAIN.views:
        RowCodec(view.row)


def test_decisions_depend_on_nothing_but_their_arguments() -> None:
    stage = confirmed_order()
    command = RevisePromise(BUYER, NUMBER, TEN, (Delivery(date(2026, 3, 25), Decimal(100)),), "slip")
    origin = Origin(SELLER, START, START, START, "c")
    assert order.decide(stage.rows, command, origin) == order.decide(stage.rows, command, origin)
    assert isinstance(stage.head, Order)
