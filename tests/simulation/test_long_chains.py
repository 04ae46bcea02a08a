"""A date that came about by more stages than any chain has is set aside with its reason, and stops nobody.

Whoever makes the chain so long is perhaps a supplier's supplier: the flow at its end has to go on.
"""

from typing import Any

import pytest

from services.chain.causes import STAGES_MAX, Stage
from services.chain.moments import minute_of
from services.chain.pool_facts import CoveredPart
from services.fulfillment.flow import ReportLine
from services.fulfillment.links import AVAILABILITY_TOPIC, DemandCovered
from services.fulfillment.work import ReportWork
from services.kernel.codec import Meta
from services.kernel.memory_log import START_MS
from services.kernel.messages import DeadLetterKind
from services.kernel.partitioner import partition_of
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


def pool_says(backbone: Backbone, key: str, stages: int, version: int) -> None:
    """What the flow waits for is there on day twelve, by so many stages."""
    path = tuple(Stage(f"flow/x/{n}/10", 1) for n in range(stages))
    part = CoveredPart(minute_of(at_ms(12)), 10_000_000, minute_of(at_ms(12)), path=path)
    said = DemandCovered(POOLS[key], f"{key}#0", pieces(0), pieces(0), pieces(10), True, (part,))
    meta = Meta(id=f"p{version}", occurred_at_ms=START_MS, aggregate=POOLS[key], version=LATER + version)
    value = backbone.wires("fulfillment").links_in[AVAILABILITY_TOPIC].encode(meta, said, link=f"{key}#0")
    backbone.log.append(AVAILABILITY_TOPIC, partition_of(key.encode(), PARTITIONS), key.encode(), value, [])
    backbone.settle()


def expected(backbone: Backbone, key: str) -> Any:
    view, row = ("work", "w1") if key == W1 else ("flows", "car/axles/10")
    return backbone.view("fulfillment", MAKER, view)[row].expected_at_ms


@pytest.mark.parametrize("key", [W1, LINE])
def test_a_chain_that_is_too_long_is_set_aside_and_a_shorter_one_heals_it(key: str) -> None:
    backbone = chain(1)
    before = expected(backbone, key)
    pool_says(backbone, key, STAGES_MAX, 1)
    (letter,) = backbone.dead_letters()
    assert (letter.kind, letter.reason) == (DeadLetterKind.REFUSED_REACTION, "chain-too-long")
    assert f"more than {STAGES_MAX} stages lead to unit 10000000 of {key}" in letter.detail
    assert expected(backbone, key) == before
    firm, nothing = REPORTS[key]
    say(backbone, MAKER, firm)
    assert expected(backbone, key) == at_ms(30), "its owner is heard as ever"
    say(backbone, MAKER, nothing)
    pool_says(backbone, key, STAGES_MAX - 1, 2)
    assert expected(backbone, key) == at_ms(15 if key == W1 else 13)
