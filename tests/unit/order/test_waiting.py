"""Who waits for a seller, and what came in, was absorbed and was caused of the delays that it passes on."""

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from services.chain.causes import Cause, Hop
from services.chain.moments import NEVER
from services.order.line_view import Tiers
from services.order.outlook import DelayShare
from services.order.policy import LineStage
from services.order.terms import LineNumber
from services.order.waiting import AccountView, WaitingView
from tests.unit.order.causes import caused, expects, own_flow
from tests.unit.order.scene import BUYER, SELLER, TEN, TWENTY, Stage, confirmed_order, placed

WAITING = LineStage.AWAITING_STOCK
DAY = 1_440


def waiting(stage: Stage, line: LineNumber = TEN) -> WaitingView | None:
    """The seller's row of a line."""
    return stage.derived.get((SELLER, "waiting-for-me", f"acme/4711/{line}"))


def account(stage: Stage) -> AccountView | None:
    """The seller's sums for its one buyer."""
    return stage.derived.get((SELLER, "delay-account", BUYER))


def cause(*hops: Hop) -> Cause:
    """A cause by these hops, the last one the line's own."""
    return Cause(replace(caused("deep").root, flow=hops[0].flow), hops)


DEEP = Hop("f0", "deep", own=5 * DAY, delay_out=5 * DAY)
WORK = Hop("work/bolts/w", SELLER, 5 * DAY, stock=DAY, reach=4 * DAY, slack=DAY, own=2 * DAY, delay_out=5 * DAY)
LINE = Hop(own_flow(), SELLER, 5 * DAY, reach=5 * DAY, recovered=2 * DAY, delay_out=3 * DAY)


def test_what_came_in_was_absorbed_and_caused_is_what_is_passed_on() -> None:
    stage = confirmed_order()
    stage.flow_says(WAITING, expectation=expects(23, cause(DEEP, WORK, LINE)))
    found = waiting(stage)
    assert found is not None
    assert (found.partner, found.days_late, found.begins_here, found.open_quantity) == (BUYER, 3, False, Decimal(100))
    assert found.share == DelayShare(5 * DAY, 4 * DAY, 2 * DAY, 3 * DAY)
    assert account(stage) == AccountView(BUYER, 1, 0, 5 * DAY, 4 * DAY, 2 * DAY, 3 * DAY)
    assert stage.seen(BUYER).share is None, "the buyer must not see what the seller absorbed"
    assert (BUYER, "waiting-for-me", "acme/4711/10") not in stage.derived


def test_what_begins_here_is_said_to() -> None:
    stage = confirmed_order()
    stage.flow_says(
        WAITING, expectation=expects(23, cause(replace(LINE, delay_in=0, reach=0, own=3 * DAY, recovered=0)))
    )
    found = waiting(stage)
    assert found is not None
    assert found.cause is not None
    assert (found.begins_here, found.cause.tiers, found.share) == (True, Tiers.NONE, DelayShare(0, 0, 3 * DAY, 3 * DAY))


@pytest.mark.parametrize(
    "hops",
    [
        (DEEP, replace(WORK, count=2), LINE),
        (replace(DEEP, delay_out=NEVER), replace(WORK, delay_in=NEVER, stock=NEVER), LINE),
        (DEEP, replace(LINE, delay_out=NEVER)),
    ],
)
def test_what_is_folded_or_endless_has_no_account(hops: tuple[Hop, ...]) -> None:
    stage = confirmed_order()
    stage.flow_says(WAITING, expectation=expects(None, cause(*hops)))
    found = waiting(stage)
    assert found is not None
    assert found.share is None
    assert account(stage) == AccountView(BUYER, 1, 1, 0, 0, 0, 0)


def test_nobody_waits_for_what_is_in_time_or_came() -> None:
    stage = confirmed_order()
    assert waiting(stage) is None
    stage.flow_says(WAITING, expectation=expects(23, cause(DEEP, WORK, LINE)))
    stage.flow_says(LineStage.RECEIVED, shipped=100, received=100, fulfilled_at_ms=stage.now_ms)
    assert waiting(stage) is None
    assert account(stage) is None


@pytest.mark.parametrize("seed", range(30))
def test_the_account_is_the_sum_over_the_lines_of_now(seed: int) -> None:
    random, stage = Random(seed), confirmed_order(placed(TEN), placed(TWENTY))
    for _ in range(10):
        line = random.choice((TEN, TWENTY))
        own = replace(LINE, flow=own_flow(line), delay_in=random.randint(1, 9), own=random.randint(1, 9))
        never = random.random() < 0.2
        said: Any = None if random.random() < 0.3 else cause(DEEP, own)
        stage.flow_says(WAITING, line, expectation=expects(None if said and never else 23 if said else 20, said))
        rows = [row for line in (TEN, TWENTY) if (row := waiting(stage, line))]
        shares = [row.share for row in rows if row.share]
        sums = account(stage)
        assert (sums.lines if sums else 0) == len(rows)
        if sums:
            assert sums.short_lines == sum(row.delay_minutes == NEVER for row in rows if row.share is None)
            assert sums.incoming_minutes == sum(share.incoming_minutes for share in shares)
            assert sums.caused_minutes == sum(share.caused_minutes for share in shares)
