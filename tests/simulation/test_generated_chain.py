"""A generated chain in the three services: every date is the chain model's, at rest, after slips and their end."""

import pytest

from infra.chains.chain import orders_of
from infra.chains.generate import generate
from infra.chains.shape import Shape
from infra.chains.solution import Solution
from services.fulfillment.expecting import TOLD, FlowReckoned
from services.kernel.memory_log import START_MS
from services.kernel.partitioner import partition_of
from services.kernel.row_codec import RowCodec
from services.kernel.values import EnterpriseId
from tests.bench.chain_commands import Told, placed, plan_of, report_of, stages_of, stock_of, withdrawal_of
from tests.support.backbone import PARTITIONS, Backbone

TOLD_CODEC = RowCodec(FlowReckoned)
MANY_TIES = Shape(6, enterprises=8, tiers=4, orders_per_day=3, days=6, slip_rate=0.2)


def differences(backbone: Backbone, solution: Solution) -> list[str]:
    """Flows that the services date otherwise, or explain otherwise."""
    found = []
    for key, expected in solution.expected.items():
        store = backbone.store("fulfillment", partition_of(key.encode(), PARTITIONS))
        data = store.rows.get(f"{key}\0{TOLD}".encode())
        told = TOLD_CODEC.decode(data).expectation if data is not None else None
        if told is None or (told.date, told.delay) != (expected.date, expected.delay):
            found.append(f"{key}: {told}, not {expected.date}")
        elif (told.cause and told.cause.root.flow) != (expected.cause and expected.cause.root.flow):
            found.append(f"{key}: because of {told.cause}, not of {expected.cause}")
    return found


def test_the_services_date_a_generated_chain_as_the_model_does() -> None:
    """Some hundred flows in four tiers."""
    chain = generate(Shape(1, enterprises=24, tiers=4, orders_per_day=1, days=30, slip_rate=0.05))
    solution, backbone = Solution(chain), Backbone(1)
    backbone.tick(START_MS)
    for _, told in stages_of(chain):
        for sender, command in told:
            backbone.send(sender, command)
        backbone.settle()
    assert [one for found in backbone.outcomes().values() for one in found if one.code] == []
    assert backbone.dead_letters() == []
    assert differences(backbone, solution) == []
    reaching = 0
    for slip in chain.slips[:4]:
        effect = solution.report(slip.flow, slip.estimated_finish, slip.slip, slip.reason)
        reaching += any(solution.tier_of(key) == 0 for key in effect.moved)
        backbone.send(*report_of(slip))
        backbone.settle()
        assert differences(backbone, solution) == [], slip
        solution.undo()
        backbone.send(*withdrawal_of(slip))
        backbone.settle()
        assert differences(backbone, solution) == [], slip
    assert reaching, "no slip reached a leader: this shows nothing"
    backbone.check_laws()


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_wanted_by_the_same_minute_is_served_in_the_order_in_which_it_was_said(seed: int) -> None:
    """All is told in an order by chance, much of it in one millisecond; dates after a slip are those of that order."""
    chain = generate(MANY_TIES)
    backbone, arrivals = Backbone(seed), dict[str, int]()
    backbone.tick(START_MS)
    for sender, command in stock_of(chain):
        backbone.send(sender, command)
    told = [([one.key], (EnterpriseId(one.owner), plan_of(one))) for one in chain.work]
    confirmed = list[Told]()
    for order in orders_of(chain.lines):
        place, confirm = placed(order.lines)
        told.append(([line.key for line in order.lines], place))
        confirmed.append(confirm)
    backbone.random.shuffle(told)
    for flows, (sender, command) in told:
        backbone.send(sender, command)
        arrivals |= dict.fromkeys(flows, backbone.log.now_ms)
        backbone.log.now_ms -= backbone.random.randint(0, 1)
    backbone.settle()
    for sender, command in confirmed:
        backbone.send(sender, command)
    backbone.settle()
    solution, by_default, otherwise = Solution(chain, arrivals), Solution(chain), 0
    assert differences(backbone, solution) == [], seed
    for slip in chain.slips:
        for one in (solution, by_default):
            effect = one.report(slip.flow, slip.estimated_finish, slip.slip, slip.reason)
        backbone.send(*report_of(slip))
        backbone.settle()
        assert differences(backbone, solution) == [], (seed, slip)
        if others := differences(backbone, by_default):
            assert effect.tied, (seed, slip, others)
            otherwise += 1
        for one in (solution, by_default):
            one.undo()
        backbone.send(*withdrawal_of(slip))
        backbone.settle()
        assert differences(backbone, solution) == [], (seed, slip)
    assert otherwise, "the order of arrival decided nothing: this shows nothing"
    backbone.check_laws()
