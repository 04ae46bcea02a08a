"""What is told of a flow is what the chain makes of its rows, after any commands in any order."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chain.causes import obeys_law
from services.chain.flow import expect
from services.chain.flow_facts import Flow
from services.chain.moments import NEVER, minute_of
from services.chain.pool_facts import CoveredPart, DemandCovered
from services.chain.quantities import millionths
from services.fulfillment.amounts import ZERO
from services.fulfillment.expecting import NOTHING_REPORTED, FlowReckoned, FlowReport
from services.fulfillment.flow import ReportLine
from services.fulfillment.keys import ItemId, LineId, ShipmentId, SiteId, WorkId
from services.fulfillment.legs import AgreedDelivery, Leg, StockCover, owed
from services.fulfillment.links import DemandCovered as PoolSays
from services.fulfillment.links import DemandStated, LineProgressed, SupplyStated
from services.fulfillment.shipment import ReceiveShipment, ShipShipment
from services.fulfillment.shipment_facts import LineQuantity
from services.fulfillment.work import (
    CancelWork,
    Component,
    ComponentTotal,
    IssueComponents,
    PlanWork,
    ReportWork,
    WorkStage,
)
from services.kernel.model import Link
from tests.unit.fulfillment.test_interleavings import check_fold, shipments
from tests.unit.fulfillment.world import BUYER, DAY, FLOW, NOW, SELLER, World, agreed, pieces

START, HOUR, UNIT = NOW // DAY * DAY, 3_600_000, 1_000_000
slow = settings(max_examples=150, suppress_health_check=list(HealthCheck))

ACTIONS = ("agree", "stock", "dates", "report", "ship", "receive", "untracked", "tick", "deliver", "run")
days = st.none() | st.integers(1, 40)
quantities = st.integers(0, 12)
steps = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS),
        st.integers(0, 7), quantities, days, days, st.booleans(),
    ),
    max_size=30,
)  # fmt: skip


def at_ms(day: int | None) -> int | None:
    return None if day is None else START + day * DAY


def minute(day: int) -> int:
    return minute_of(START + day * DAY)


class Story:
    """A line whose facts change, and the time that goes on, told on the hour."""

    def __init__(self) -> None:
        self.world, self.now_ms = World(), NOW
        self.world.pool.coming = ()
        self._agree(10, 10, None, False)

    def _agree(self, total: int, due: int, more: int | None, by_ship_date: bool) -> None:
        deliveries = [AgreedDelivery(START + due * DAY, pieces(total))]
        if more is not None and total > 1:
            deliveries = [
                AgreedDelivery(START + due * DAY, pieces(1)),
                AgreedDelivery(START + (due + more) * DAY, pieces(total - 1)),
            ]
        self.world.agree(agreed(total, deliveries=tuple(deliveries), promise_is_ship_date=by_ship_date))

    def step(self, action: str, which: int, amount: int, one: int | None, other: int | None, yes: bool) -> None:
        world = self.world
        known = shipments(world)
        match action:
            case "agree":
                self._agree(max(amount, 1), 1 + which, other, yes)
            case "stock":
                world.stock(amount)
            case "dates":
                first = CoveredPart(minute(one or 1), which * UNIT, minute(other or 1))
                world.coming(first, CoveredPart(minute((one or 1) + which + 1), amount * UNIT, minute(other or 1)))
            case "untracked":
                world.pool.tracked = False
                world._answer()
            case "report":
                said = ReportLine(BUYER, "4711", "10", at_ms(one), at_ms(other), yes, which == 0, withdraw=which == 1)
                world.say(said, SELLER, self.now_ms)
            case "ship" | "receive" if known:
                key, rows = known[which % len(known)]
                name, line = ShipmentId(key.split("/")[2]), rows["line/1"]
                at, part = START + (one or 1) * DAY, (LineQuantity(LineId("1"), pieces(amount)),)
                if action == "ship":
                    world.say(ShipShipment(SELLER, name, at, () if yes else part), SELLER, self.now_ms)
                elif line.shipped:
                    world.say(ReceiveShipment(SELLER, name, at, part, partial=yes), BUYER, self.now_ms)
            case "tick":
                self.now_ms = max(self.now_ms, START + (one or 1) * DAY)
            case "deliver" if channels := world.pending():
                world.deliver(channels[which % len(channels)])
            case "run":
                world.run()

    def end(self) -> World:
        """Nothing is in flight, and the last tick was heard."""
        self.world.run()
        self.now_ms += -self.now_ms % HOUR
        self.world.tick(self.now_ms)
        self.world.run()
        return self.world


@slow
@given(steps)
def test_what_is_told_of_a_line_follows_from_its_rows(script: list[tuple[Any, ...]]) -> None:
    story = Story()
    for step in script:
        story.step(*step)
    world = story.end()
    check_fold(world)
    rows = world.rows[FLOW]
    told: FlowReckoned = rows.get("told") or FlowReckoned()
    assert isinstance(world.supply, SupplyStated)
    assert isinstance(world.progress, LineProgressed)
    assert (world.supply.parts, world.progress.expectation) == (told.parts, told.expectation)
    if told.expectation is None:
        return
    terms, head = rows["terms"], rows["head"]
    legs: list[Leg] = [leg for _, leg in rows.scan("shipment/")]
    now = minute_of(story.now_ms)
    lost = sum((leg.report.shipped - leg.report.received - leg.in_transit for leg in legs), ZERO)
    whole = max(owed(terms, head), head.shipped, head.received)
    if head.received <= head.shipped and lost >= 0 and all(leg.report.received <= leg.report.shipped for leg in legs):
        assert sum(part.quantity for part in told.parts) == millionths(whole - lost), "each unit is told once"
    coming = told.parts[1:] if head.received else told.parts
    assert [part.date for part in coming] == sorted(part.date for part in coming)
    for part in coming:
        assert part.date == NEVER or part.date >= now, "nothing is expected in the past"
        assert (part.cause is None) == (part.date <= minute_of(world.supply.promised_at_ms))
        assert part.cause is None or all(obeys_law(hop) for hop in part.cause.hops)
    assert (told.expectation.cause is None) == (told.expectation.delay == 0)
    if not legs and len(terms.deliveries) == 1 and not terms.promise_is_ship_date:
        _is_what_the_chain_says(rows, told, now)
    if told.expectation.date != NEVER:
        assert world.progress.expected_at_ms is not None
        assert minute_of(world.progress.expected_at_ms) >= told.expectation.date
        by_shipments = head.ship_at_ms if terms.promise_is_ship_date else head.arrive_at_ms
        assert world.progress.expected_at_ms >= by_shipments, "nor before what the shipments say"


def _is_what_the_chain_says(rows: Any, told: FlowReckoned, now: int) -> None:
    """A line without shipments is one flow of the chain."""
    terms, head = rows["terms"], rows["head"]
    said: FlowReport = rows.get("report") or NOTHING_REPORTED
    due = minute_of(terms.deliveries[-1].due_at_ms)
    lead = terms.lead_time_minutes
    flow = Flow(
        FLOW, SELLER, millionths(terms.buyer_quantity.amount), due - lead, lead, due,
        split=True,
        estimated_start=None if said.estimated_start_at_ms is None else minute_of(said.estimated_start_at_ms),
        estimated_finish=None if said.estimated_finish_at_ms is None else minute_of(said.estimated_finish_at_ms),
        firm=said.firm, lost=said.lost, event=said.event, reason=said.reason_code,
    )  # fmt: skip
    covered = rows.get("input/0")
    inputs = [DemandCovered(FLOW, 0, covered.parts, 0)] if head.stock is StockCover.TRACKED and covered else []
    expected = expect(flow, inputs, now)
    assert [(part.date, part.quantity, part.cause, part.path) for part in told.parts] == [
        (part.date, part.quantity, part.cause, part.path) for part in expected.parts
    ]
    assert told.expectation is not None
    assert (told.expectation.date, told.expectation.contradicted) == (expected.date, expected.contradicted)


KEY = "work/maker/w"
work_steps = st.lists(
    st.tuples(
        st.sampled_from(("plan", "report", "issue", "cover", "cover", "tick", "cancel")),
        st.integers(0, 3), quantities, days, days, st.booleans(),
    ),
    max_size=25,
)  # fmt: skip


def work_step(world: World, now_ms: int, action: str, n: int, amount: int, one: Any, other: Any, yes: bool) -> None:
    ids = WorkId("w"), SiteId("plant")
    items = [ItemId(f"c{i}") for i in range(3)]
    match action:
        case "plan":
            components = tuple(Component(ids[1], item, pieces(amount + 1)) for item in items[: n % 3 + 1])
            start = START + (one or 1) * DAY
            plan = PlanWork(*ids, ItemId("p"), pieces(10), start, 1 + (other or 0) * 100, components, split=yes)
            world.say(
                plan if n < 3 else PlanWork(*ids, ItemId("p"), pieces(10), start, 60, reports_start=yes, bought_in=True)
            )
        case "report":
            actual = None if n else min(now_ms, START + (one or 1) * DAY)
            said = ReportWork(
                ids[0], at_ms(one), at_ms(other), yes, actual, actual if amount == 1 else None, amount == 2
            )
            world.say(said, SELLER, now_ms)
        case "issue":
            totals = (ComponentTotal(ids[1], items[n % 3], pieces(amount)),)
            world.say(IssueComponents(ids[0], () if yes and n == 3 else totals), SELLER, now_ms)
        case "cover" if KEY in world.rows:
            parts = (CoveredPart(minute(one or 1), amount * UNIT, minute(other or 1)),) if amount else ()
            said_of = PoolSays("pool", f"{KEY}#{n}", pieces(0), pieces(amount), pieces(amount), yes, parts)
            world.send(f"pool/{n}", Link("inventory-availability-v1", KEY, f"{KEY}#{n}", said_of))
            world.run()
        case "cancel" if n == 0:
            world.say(CancelWork(ids[0]), SELLER, now_ms)


@slow
@given(work_steps)
def test_what_is_told_of_a_work_order_follows_from_its_rows(script: list[tuple[Any, ...]]) -> None:
    world, now_ms = World(), NOW
    for step in script:
        if step[0] == "tick":
            now_ms = max(now_ms, START + (step[3] or 1) * DAY)
        work_step(world, now_ms, *step)
    now_ms += -now_ms % HOUR
    world.tick(now_ms)
    if KEY not in world.rows:
        return
    check_fold(world)
    rows = world.rows[KEY]
    terms, told, said = rows["terms"], rows.get("told"), rows.get("report") or NOTHING_REPORTED
    supply = [link.state for link in world.sent if isinstance(link.state, SupplyStated)][-1]
    assert supply.parts == (told.parts if told else ())
    for _, row in rows.scan("component/"):
        stated = [s for s in (link.state for link in world.sent) if isinstance(s, DemandStated)]
        stated = [state for state in stated if state.demand == f"{KEY}#{row.n}"]
        last = stated[-1]
        assert (last.quantity.amount, last.issued.amount) == (row.quantity, row.issued)
        ended = rows["head"].stage in (WorkStage.FINISHED, WorkStage.CANCELLED, WorkStage.LOST)
        assert (last.withdrawn, last.need_at_ms) == (ended or not row.open, terms.start_at_ms)
    if rows["head"].stage is WorkStage.CANCELLED:
        assert told in (None, FlowReckoned())
        return
    needed = [row for _, row in rows.scan("component/") if row.quantity or row.issued]
    answers = [rows.get(f"input/{row.n:04}") for row in needed]
    if told is None:
        assert None in answers
        return
    dates: dict[str, Any] = {
        name: None if at is None else minute_of(at)
        for name, at in (
            ("estimated_start", said.estimated_start_at_ms), ("estimated_finish", said.estimated_finish_at_ms),
            ("actual_start", said.actual_start_at_ms), ("actual_finish", said.actual_finish_at_ms),
        )
    }  # fmt: skip
    flow = Flow(
        KEY, SELLER, 10 * UNIT, minute_of(terms.start_at_ms), terms.lead_time_minutes, minute_of(terms.finish_at_ms),
        split=terms.split, reports_start=terms.reports_start, firm=said.firm, lost=said.lost, event=said.event,
        reason=said.reason_code, **dates,
    )  # fmt: skip
    inputs = [DemandCovered(KEY, a.n, a.parts, a.issued, a.frozen) for a in answers if a and a.tracked]
    expected = expect(flow, inputs, minute_of(now_ms))
    assert [(p.date, p.quantity, p.cause, p.path, p.trail) for p in told.parts] == [
        (p.date, p.quantity, p.cause, p.path, p.trail) for p in expected.parts
    ]
    assert (told.expectation.date, told.expectation.cause) == (expected.date, expected.cause)
