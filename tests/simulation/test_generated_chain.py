"""A generated chain in the three services: every date is the chain model's, at rest, after slips and their end."""

from infra.chains.generate import generate
from infra.chains.shape import Shape
from infra.chains.solution import Solution
from services.fulfillment.expecting import TOLD, FlowReckoned
from services.kernel.memory_log import START_MS
from services.kernel.partitioner import partition_of
from services.kernel.row_codec import RowCodec
from tests.bench.chain_commands import report_of, stages_of, withdrawal_of
from tests.support.backbone import PARTITIONS, Backbone

TOLD_CODEC = RowCodec(FlowReckoned)


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
