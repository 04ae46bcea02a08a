"""A buyer's exposure and its incidents are what its lines say now, whatever they said before."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from services.chain.causes import RootClass
from services.kernel.values import Money
from services.order.exposure import Risk, exposure_of
from services.order.line_view import Alert
from services.order.order_facts import OrderKind
from services.order.policy import LineStage
from services.order.terms import LineNumber
from tests.unit.order.causes import caused, expects, own_flow
from tests.unit.order.scene import (
    BUYER,
    SELLER,
    TEN,
    TWENTY,
    Stage,
    confirmed_order,
    due,
    march,
    placed,
    terms,
)

WAITING = LineStage.AWAITING_STOCK


def exposed(stage: Stage, line: LineNumber = TEN) -> Any:
    """The buyer's exposure by a line."""
    return stage.derived.get((BUYER, "exposure", f"4711/{line}"))


def incidents(stage: Stage) -> dict[str, Any]:
    """The buyer's incidents by reference."""
    return {row_id: row for (_, view, row_id), row in stage.derived.items() if view == "incidents" and row is not None}


def test_an_exposure_is_ranked_by_days_and_by_the_value_that_is_still_to_come() -> None:
    stage = confirmed_order(placed(unit_price=Money("EUR", 2, 500_000_000)))
    stage.flow_says(WAITING, received="40", shipped="40", expectation=expects(23, caused("deep")))
    row = exposed(stage)
    assert (row.risk, row.open_quantity, row.days_late, row.rank_value) == (Risk.LATE, 60, 3, 3 * Decimal("2.5") * 60)
    assert (row.cause, row.reference) == (stage.seen().cause, stage.seen().cause.reference)  # type: ignore[union-attr]


def test_what_never_comes_ranks_as_a_year() -> None:
    stage = confirmed_order(placed(unit_price=Money("EUR", 1)))
    stage.flow_says(WAITING, expectation=expects(None, caused("deep", kind=RootClass.SHORT)))
    assert (exposed(stage).risk, exposed(stage).days_late, exposed(stage).rank_value) == (Risk.SHORT, 0, 36_500)


def test_late_within_the_tolerance_is_a_risk_and_no_incident() -> None:
    stage = confirmed_order(placed(terms=terms(delay_tolerance_minutes=10_000)))
    stage.flow_says(WAITING, expectation=expects(23, caused("deep")))
    assert exposed(stage).risk is Risk.AT_RISK
    assert not incidents(stage)


def test_silence_is_an_exposure_without_a_cause() -> None:
    stage = confirmed_order()
    stage.tick(due(20) + 1)
    assert (exposed(stage).risk, exposed(stage).cause, exposed(stage).reference) == (Risk.LATE, None, "")
    assert exposed(stage).sentence_en == (
        "Line 10 of 4711 from bolts: promised Fri 20 Mar, overdue, and nobody has said when it comes"
    )
    assert exposed(stage).sentence_zh == (
        "订单 4711 第 10 行（供应商 bolts）：承诺 3月20日（周五），已逾期，尚无人告知到货日期"
    )


def test_a_seller_is_not_exposed_by_what_it_sells() -> None:
    stage = confirmed_order()
    stage.flow_says(WAITING, expectation=expects(23, caused("deep")))
    assert exposure_of(stage.seen(SELLER)) is None
    assert not [view for viewer, view, _ in stage.derived if viewer == SELLER and view in ("exposure", "incidents")]


def test_the_sentence_says_what_the_row_says() -> None:
    stage = confirmed_order()
    stage.flow_says(WAITING, expectation=expects(23, caused("deep")))
    short = exposed(stage).reference[:4]
    assert exposed(stage).sentence_en == (
        "Line 10 of 4711 from bolts: promised Fri 20 Mar, expected Mon 23 Mar, "
        f"because a supplier two tiers down is late (ref {short}…)"
    )
    assert exposed(stage).sentence_zh == (
        "订单 4711 第 10 行（供应商 bolts）：承诺 3月20日（周五），预计 3月23日（周一），"
        f"原因：第二级供应商延误（参考号 {short}…）"
    )
    stage.flow_says(WAITING, expectation=expects(None, caused("a", "b", "c", kind=RootClass.SHORT)))
    assert "no date can be expected, because nobody has promised a supplier three" in exposed(stage).sentence_en
    assert "暂无可预期的日期，原因：第三级或更远的供应商尚未获得足够的供应承诺" in exposed(stage).sentence_zh
    stage.flow_says(WAITING, expectation=expects(23, caused(flow=own_flow())))
    assert "because the delivery itself is late" in exposed(stage).sentence_en


def test_dates_of_two_years_say_which() -> None:
    stage = confirmed_order()
    stage.flow_says(WAITING, expectation=expects(310, caused("deep")))
    assert stage.seen().expected_on == date(2027, 1, 4)
    assert "promised Fri 20 Mar 2026, expected Mon 4 Jan 2027" in exposed(stage).sentence_en
    assert "承诺 2026年3月20日（周五），预计 2027年1月4日（周一）" in exposed(stage).sentence_zh


def test_one_fire_is_one_incident_until_its_last_line_is_in_time() -> None:
    stage = confirmed_order(placed(), placed(TWENTY))
    stage.flow_says(WAITING, expectation=expects(23, caused("deep")))
    since = stage.now_ms
    stage.now_ms += 1
    stage.flow_says(WAITING, TWENTY, expectation=expects(25, caused("x", "y", flow="f1", line=TWENTY)))
    ((reference, row),) = incidents(stage).items()
    assert reference == stage.seen().cause.reference  # type: ignore[union-attr]
    assert (row.lines, row.days_late, row.worst_line, row.worst_days_late, row.since_ms) == (2, 8, "4711/20", 5, since)
    stage.flow_says(WAITING, TWENTY, expectation=expects(20))
    ((_, row),) = incidents(stage).items()
    assert (row.lines, row.days_late, row.worst_line, row.worst_days_late) == (1, 3, "4711/10", 3)
    stage.flow_says(WAITING, expectation=expects(23, caused("deep", event="e2")))
    ((other, row),) = incidents(stage).items()
    assert (other != reference, row.lines) == (True, 1)
    stage.flow_says(WAITING, expectation=expects(20))
    assert not incidents(stage)


@dataclass
class Sum:
    """An incident, counted line by line."""

    lines: int = 0
    short_lines: int = 0
    days_late: int = 0
    worst: tuple[bool, int] = (False, 0)
    worst_line: str = ""


def counted(stage: Stage) -> dict[str, Sum]:
    """All incidents as the buyer's lines give them, from scratch."""
    sums: dict[str, Sum] = {}
    for (viewer, row_id), line in sorted(stage.feed.items()):
        if viewer == BUYER and line.cause is not None and line.alert is not None:
            short = line.alert is Alert.SHORT
            found = sums.setdefault(line.cause.reference, Sum())
            found.lines += 1
            found.short_lines += short
            days = 0 if short else line.days_late
            found.days_late += days
            if not found.worst_line or (short, days) > found.worst:
                found.worst, found.worst_line = (short, days), row_id.removeprefix(f"{BUYER}/")
    return sums


@pytest.mark.parametrize("seed", range(12))
def test_incidents_are_the_sums_of_the_lines_after_every_word(seed: int) -> None:
    random = Random(seed)
    numbers = [LineNumber(f"{place:02}") for place in range(1, 26)]
    patient = terms(delay_tolerance_minutes=1_440)
    lines = [placed(number, march(20), terms=random.choice([terms(), patient])) for number in numbers]
    stage = confirmed_order(*lines, kind=OrderKind.CALL_OFF)
    for step in range(150):
        number = random.choice(numbers)
        late, event = random.random() < 0.75, random.choice(["e1", "e1", "e2", "e3"])
        day = random.choice([None, 21, 22, 25, 25, 40]) if late else 20
        said = expects(day, caused("deep", line=number, event=event) if late else None)
        stage.flow_says(WAITING, number, expectation=said)
        wanted, rows = counted(stage), incidents(stage)
        assert rows.keys() == wanted.keys(), f"seed {seed}, step {step}"
        for reference, found in wanted.items():
            row = rows[reference]
            assert (
                Sum(row.lines, row.short_lines, row.days_late, (found.worst[0], row.worst_days_late), row.worst_line)
                == found
            ), f"seed {seed}, step {step}"
            ranked = [
                r for (_, view, i), r in stage.derived.items() if view == "incident-lines" and i[:16] == reference
            ]
            assert sum(r is not None for r in ranked) == found.lines, f"seed {seed}, step {step}"
    for number in numbers:
        stage.flow_says(WAITING, number, expectation=expects(20))
    kept = {view for (_, view, _), row in stage.derived.items() if row is not None}
    assert kept == {"partners"}, f"seed {seed}: nothing is left behind"
