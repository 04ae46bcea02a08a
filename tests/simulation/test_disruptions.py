"""A site stands still, in all three services: what it names is late, all that is late by it is one incident, and taking
it back takes everything back.

The chain: a mill sells bars to a maker, whose two work orders make axles of them, which it sells to a car maker. Order,
repetition and crashes are drawn by a seed.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.fulfillment.disruption import DisruptSite, LiftDisruption, NamedLine
from services.fulfillment.disruption_view import DisruptionState
from services.fulfillment.keys import DisruptionId, LineId, WorkId
from services.fulfillment.work import Component, PlanWork
from services.inventory.pool_commands import CountStock
from services.kernel.memory_log import START_MS
from services.kernel.values import EnterpriseId, Quantity
from services.order.exposure import ExposureView, IncidentView
from services.order.line_view import Alert, Tiers
from services.order.order_commands import ConfirmOrder
from services.order.terms import OrderNumber
from tests.support import ordering
from tests.support.backbone import Backbone
from tests.support.laws import domain_rows

UNIT, DAY_MS, DAY_MINUTES = "C62", 86_400_000, 1440
TODAY_MS = START_MS // DAY_MS * DAY_MS
TODAY = date(1970, 1, 1) + timedelta(days=TODAY_MS // DAY_MS)
CAR, MAKER, MILL = EnterpriseId("car"), EnterpriseId("maker"), EnterpriseId("mill")
PLANT: Any = "plant"  # each service has types of its own for ids
DOCK: Any = "dock"
AXLE: Any = "axle"
BAR: Any = "bar"
FIRE = DisruptionId("fire")
WORK = (WorkId("w1"), WorkId("w2"))
SEEDS = range(4)

Sent = tuple[EnterpriseId, Any]


def pieces(amount: int) -> Quantity:
    return Quantity(Decimal(amount), UNIT)


def at_ms(day: int) -> int:
    return TODAY_MS + day * DAY_MS


def order(
    number: str, buyer: EnterpriseId, seller: EnterpriseId, item: Any, day: int, lines: int, way: int = 1
) -> list[Sent]:
    """Ten pieces each, delivered on that day, so many days on the way; confirmed as ordered."""
    terms, due = ordering.terms(item, PLANT, DOCK, lead_time_minutes=way * DAY_MINUTES), TODAY + timedelta(days=day)
    placed = [ordering.placed(f"{10 * n}", item, terms, (due, 10)) for n in range(1, lines + 1)]
    return [(buyer, ordering.order(number, seller, *placed)), (seller, ConfirmOrder(buyer, OrderNumber(number)))]


def axles(work: WorkId) -> PlanWork:
    """Ten axles of ten bars, for three days from day five on, the second from day six on."""
    bars = (Component(DOCK, BAR, pieces(10)),)
    return PlanWork(work, PLANT, AXLE, pieces(10), at_ms(6 if work == "w2" else 5), 3 * DAY_MINUTES, bars)


def chain(seed: int, crash_share: float = 0.0) -> Backbone:
    """All is planned, promised and in time, with a day in hand."""
    backbone = Backbone(seed, crash_share=crash_share)
    backbone.tick(START_MS)
    for who, site, item in ((MAKER, DOCK, BAR), (MAKER, PLANT, AXLE)):
        backbone.send(who, CountStock(site, item, pieces(0)))
    for who, command in (*order("bars", MAKER, MILL, BAR, 4, 1), *order("axles", CAR, MAKER, AXLE, 10, 2)):
        backbone.send(who, command)
        backbone.settle()
    for work in WORK:
        backbone.send(MAKER, axles(work))
    backbone.send(MAKER, CountStock(DOCK, BAR, pieces(10)))
    backbone.settle()
    assert days_late(backbone) == {"car/axles/10": 0, "car/axles/20": 0}
    return backbone


def standstill(**fields: Any) -> DisruptSite:
    """The maker's plant, from day six on for four days: one work order is at work, the other is to start."""
    return DisruptSite(FIRE, PLANT, at_ms(6), at_ms(10), "FIRE", "press 3 burnt", **fields)


def say(backbone: Backbone, who: EnterpriseId, command: Any) -> None:
    """Taken, with half of all links of before once more on the way."""
    backbone.repeat_links(0.5)
    id_ = backbone.send(who, command)
    backbone.settle()
    assert not backbone.outcome(id_).code, backbone.outcome(id_)


def days_late(backbone: Backbone) -> dict[str, int]:
    """Of the car maker's lines."""
    return {row: line.days_late for row, line in backbone.view("order", CAR, "order-lines").items()}


def incidents(backbone: Backbone) -> list[IncidentView]:
    """Of the car maker."""
    return list(backbone.view("order", CAR, "incidents").values())


def standing(backbone: Backbone) -> dict[str, dict[bytes, bytes]]:
    """All rows of all services but those of disruptions, byte by byte."""
    return {
        name: {row: data for row, data in domain_rows(backbone._table(name)).items() if b"disruption/" not in row}
        for name in backbone.services
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_a_disruption_holds_up_is_one_incident(seed: int) -> None:
    """Two work orders of one plant, and the lines that wait for them; it moves with its end, and goes with its end."""
    backbone = chain(seed, crash_share=0.02)
    before = standing(backbone)
    say(backbone, MAKER, standstill(work=WORK))
    # planned to end on days 8 and 9, they end on days 12 and 13: on the way a day, due at the end of day 10
    assert days_late(backbone) == {"car/axles/10": 2, "car/axles/20": 3}
    (incident,) = incidents(backbone)
    assert (incident.lines, incident.days_late) == (2, 5)
    assert {row.reason for row in backbone.view("fulfillment", MAKER, "work").values()} == {"FIRE"}
    (seen,) = backbone.view("fulfillment", MAKER, "disruptions").values()
    assert (seen.state, seen.flows, seen.reason) == (DisruptionState.OPEN, 2, "press 3 burnt")
    assert set(backbone.view("fulfillment", MAKER, "disrupted-flows")) == {"fire/work/maker/w1", "fire/work/maker/w2"}
    assert backbone.view("fulfillment", CAR, "disruptions") == {}

    say(backbone, MAKER, DisruptSite(FIRE, PLANT, at_ms(6), at_ms(7), work=WORK))
    assert days_late(backbone) == {"car/axles/10": 0, "car/axles/20": 0}, "the plan has a day in hand"
    assert {row.late for row in backbone.view("fulfillment", MAKER, "work").values()} == {True}
    assert incidents(backbone) == []

    say(backbone, MAKER, LiftDisruption(FIRE))
    assert standing(backbone) == before
    (seen,) = backbone.view("fulfillment", MAKER, "disruptions").values()
    assert (seen.state, seen.flows) == (DisruptionState.LIFTED, 2)
    assert backbone.view("fulfillment", MAKER, "disrupted-flows") == {}
    assert not backbone.dead_letters()
    backbone.check_laws()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_disruption_two_tiers_away_is_one_incident_as_well(seed: int) -> None:
    """What the mill could not send made both work orders late, and with them both lines."""
    backbone = chain(seed)
    backbone.send(MAKER, CountStock(DOCK, BAR, pieces(0)))  # so both need the mill's bars
    for who, command in order("more", MAKER, MILL, BAR, 5, 1, way=2):
        backbone.send(who, command)
        backbone.settle()
    before = standing(backbone)
    named = tuple(NamedLine(MAKER, number, LineId("10")) for number in ("bars", "more"))
    say(backbone, MILL, DisruptSite(FIRE, PLANT, at_ms(3), at_ms(9), "FIRE", lines=named))
    assert all(days > 0 for days in days_late(backbone).values())
    (incident,) = incidents(backbone)
    assert incident.lines == 2
    exposed: list[ExposureView] = list(backbone.view("order", CAR, "exposure").values())
    assert {row.cause.tiers for row in exposed if row.cause} == {Tiers.TWO}
    say(backbone, MILL, LiftDisruption(FIRE))
    assert standing(backbone) == before
    backbone.check_laws()


def test_nobody_knows_until_when() -> None:
    """There is no date to expect, and that is what everybody downstream is told."""
    backbone = chain(1)
    say(backbone, MAKER, DisruptSite(FIRE, PLANT, at_ms(6), work=WORK))
    assert {line.alert for line in backbone.view("order", CAR, "order-lines").values()} == {Alert.SHORT}
    (incident,) = incidents(backbone)
    assert (incident.lines, incident.short_lines) == (2, 2)


def test_what_was_reported_stays_with_its_reporter() -> None:
    """The buyer is told of the delay: neither the disruption's name nor its story, nor what else it holds up."""
    backbone = chain(1)
    say(backbone, MAKER, standstill(work=WORK, lines=(NamedLine(CAR, "axles", LineId("10")),)))
    told = {
        who: [
            record.value
            for name in backbone.services
            for record in backbone.log.all(f"{name}-feed-v1")
            if record.key == who.encode() and record.value is not None
        ]
        for who in (CAR, MAKER)
    }
    for secret in (b"burnt", b"disruption/", b"work/maker"):
        assert any(secret in value for value in told[MAKER]), "else nothing is looked for"
        assert not any(secret in value for value in told[CAR]), secret


def before_the_plan(backbone: Backbone) -> None:
    say(backbone, MAKER, standstill(work=(WorkId("w3"),)))
    say(backbone, MAKER, axles(WorkId("w3")))


def after_the_plan(backbone: Backbone) -> None:
    say(backbone, MAKER, axles(WorkId("w3")))
    say(backbone, MAKER, standstill(work=(WorkId("w3"),)))


@pytest.mark.parametrize("story", [before_the_plan, after_the_plan])
def test_a_flow_that_does_not_exist_yet_is_held_up_once_it_comes(story: Callable[[Backbone], None]) -> None:
    backbone = chain(1)
    backbone.send(MAKER, CountStock(DOCK, BAR, pieces(30)))
    backbone.settle()
    story(backbone)
    seen = backbone.view("fulfillment", MAKER, "work")["w3"]
    assert (seen.expected_at_ms, seen.delay_minutes) == (at_ms(12), 4 * DAY_MINUTES)
    assert not backbone.dead_letters()


def test_what_others_sell_is_held_up_by_nobody_else() -> None:
    """The answer is that for a line that nobody knows, and nothing moves."""
    backbone = chain(1)
    before = standing(backbone)
    own, unknown = NamedLine(CAR, "axles", LineId("10")), NamedLine(CAR, "no-such-order", LineId("10"))
    answers: list[Any] = []
    for named in (own, unknown):
        id_ = backbone.send(MILL, DisruptSite(FIRE, PLANT, at_ms(6), at_ms(20), lines=(named,)))
        backbone.settle()
        outcome = backbone.outcome(id_)
        answers.append((outcome.status, outcome.events, outcome.code))
        assert standing(backbone) == before
        row = backbone.view("fulfillment", MILL, "disruptions")["fire"]
        answers.append((row.state, row.flows))
        say(backbone, MILL, LiftDisruption(FIRE))
    assert answers[:2] == answers[2:]
    id_ = backbone.send(MILL, LiftDisruption(DisruptionId("others")))
    backbone.send(MAKER, standstill(work=WORK))
    backbone.settle()
    assert backbone.outcome(id_).code == "disruption-unknown"
