"""A date that came about by more stages than any chain has is not told; that it is not is shown, and stops nobody.

Whoever makes the chain so long is perhaps a supplier's supplier: the flow at its end has to go on.
"""

from typing import Any

import pytest

from services.chain.causes import STAGES_MAX, Stage
from services.chain.flow import Basis
from services.chain.moments import minute_of
from services.chain.pool_facts import CoveredPart
from services.fulfillment.flow import ReportLine
from services.fulfillment.links import AVAILABILITY_TOPIC, DemandCovered
from services.fulfillment.work import ReportWork
from services.kernel.codec import Meta
from services.kernel.memory_log import START_MS
from services.kernel.partitioner import partition_of
from services.order.exposure import Risk
from tests.simulation.test_disruptions import CAR, MAKER, WORK, at_ms, chain, pieces, say
from tests.support.backbone import PARTITIONS, Backbone

W1, LINE = "work/maker/w1", "flow/car/axles/10"
POOLS = {W1: "pool/maker/dock/bar", LINE: "pool/maker/plant/axle"}
_LINE: dict[str, Any] = {"buyer": CAR, "number": "axles", "line": "10"}
REPORTS = {
    W1: (ReportWork(WORK[0], estimated_finish_at_ms=at_ms(30), firm=True), ReportWork(WORK[0])),
    LINE: (ReportLine(**_LINE, estimated_finish_at_ms=at_ms(30), firm=True), ReportLine(**_LINE, withdraw=True)),
}
LATER = 1_000_000
"""A version beyond all that the pool has said itself."""


def pool_says(backbone: Backbone, key: str, stages: int, version: int, day: int = 12) -> None:
    """What the flow waits for is there on that day, by so many stages."""
    path = tuple(Stage(f"flow/x/{n}/10", 1) for n in range(stages))
    part = CoveredPart(minute_of(at_ms(day)), 10_000_000, minute_of(at_ms(day)), path=path)
    said = DemandCovered(POOLS[key], f"{key}#0", pieces(0), pieces(0), pieces(10), True, (part,))
    meta = Meta(id=f"p{version}", occurred_at_ms=START_MS, aggregate=POOLS[key], version=LATER + version)
    value = backbone.wires("fulfillment").links_in[AVAILABILITY_TOPIC].encode(meta, said, link=f"{key}#0")
    backbone.log.append(AVAILABILITY_TOPIC, partition_of(key.encode(), PARTITIONS), key.encode(), value, [])
    backbone.settle()


def seen(backbone: Backbone, key: str) -> Any:
    view, row = ("work", "w1") if key == W1 else ("flows", "car/axles/10")
    return backbone.view("fulfillment", MAKER, view)[row]


@pytest.mark.parametrize("key", [W1, LINE])
def test_a_chain_that_is_too_long_leaves_an_outdated_date_and_a_shorter_one_heals_it(key: str) -> None:
    backbone = chain(1)
    before = seen(backbone, key).expected_at_ms
    pool_says(backbone, key, STAGES_MAX, 1)
    assert (seen(backbone, key).expected_at_ms, seen(backbone, key).basis) == (before, Basis.OUTDATED)
    firm, nothing = REPORTS[key]
    say(backbone, MAKER, firm)
    assert (seen(backbone, key).expected_at_ms, seen(backbone, key).basis) == (at_ms(30), Basis.REPORTED)
    say(backbone, MAKER, nothing)
    assert seen(backbone, key).basis is Basis.OUTDATED
    pool_says(backbone, key, STAGES_MAX - 1, 2)
    assert seen(backbone, key).expected_at_ms == at_ms(15 if key == W1 else 13)
    assert seen(backbone, key).basis is Basis.COMPUTED
    assert not backbone.dead_letters()
    backbone.check_laws()


@pytest.mark.parametrize("key", [W1, LINE])
def test_time_goes_on_behind_a_chain_that_is_too_long(key: str) -> None:
    """It is overdue while it can not be reckoned, and can be again when what it waits for is overdue as well."""
    backbone = chain(1)
    pool_says(backbone, key, STAGES_MAX, 1, day=50)
    backbone.tick(at_ms(40))
    backbone.settle()
    assert seen(backbone, key).basis is Basis.OUTDATED
    assert not backbone.dead_letters(), "and nothing is parked"
    backbone.tick(at_ms(60))
    backbone.settle()
    assert (seen(backbone, key).expected_at_ms, seen(backbone, key).basis) == (at_ms(60), Basis.PROMISED)
    assert not backbone.dead_letters()


def test_both_parties_of_the_line_are_told_that_its_date_is_outdated() -> None:
    backbone = chain(1)
    pool_says(backbone, LINE, STAGES_MAX, 1)
    for party in (MAKER, CAR):
        assert backbone.view("order", party, "order-lines")["car/axles/10"].expected_basis is Basis.OUTDATED
    exposed = backbone.view("order", CAR, "exposure")["axles/10"]
    assert (exposed.risk, exposed.days_late) == (Risk.AT_RISK, 0)
    assert "as last known: the chain behind it has become too long" in exposed.sentence_en
    assert "供应链过长" in exposed.sentence_zh
    pool_says(backbone, LINE, 1, 2)
    assert "axles/10" in backbone.view("order", CAR, "exposure"), "day thirteen is later than promised"
    assert "as last known" not in backbone.view("order", CAR, "exposure")["axles/10"].sentence_en
