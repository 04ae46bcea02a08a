"""What the service declares: it fits its messages and row formats, and nobody but the owner is addressed."""

from decimal import Decimal

from schemas.python.chainflow.fulfillment.v1 import links_pb2 as fulfillment_links
from schemas.python.chainflow.inventory.v1 import commands_pb2, events_pb2, feed_pb2, links_pb2
from services.inventory.domain import DOMAIN
from services.inventory.policy import DemandCovered, DemandStated, SupplyStated
from services.inventory.pool import pool_key
from services.inventory.pool_commands import CountStock, ReserveStock, WakePool
from services.inventory.pool_facts import DemandId, FlowKey, ReservationId
from services.inventory.units import UnitFactor
from services.kernel.codec import Meta, Wire
from services.kernel.row_codec import RowCodec
from services.kernel.values import EnterpriseId
from tests.unit.inventory.pool_case import ITEM, KEY, SITE, PoolCase, pieces, state_demand, state_supply

OUTSIDE = [one for a in DOMAIN.aggregates for one in a.commands if one not in DOMAIN.reactions]
COMMANDS = Wire(commands_pb2.InventoryCommand, 201, OUTSIDE, "command")
EVENTS = Wire(events_pb2.InventoryEvent, 202, [fact for a in DOMAIN.aggregates for fact in a.facts], "event")
FEED = Wire(feed_pb2.InventoryFeed, 203, [view.row for view in DOMAIN.views], "row")
ANSWERS = Wire(links_pb2.AvailabilityLink, 204, [DemandCovered], "state")
INPUTS = Wire(fulfillment_links.PoolInputLink, 304, [DemandStated, SupplyStated], "state")
META = Meta("command-1", enterprise="acme", aggregate=KEY)


def busy_pool() -> PoolCase:
    return PoolCase().given(
        state_demand(1, pieces(4), need_at_ms=None),
        state_demand(4, pieces(4), planned=True),
        CountStock(SITE, ITEM, pieces("12.5")),
        ReserveStock(SITE, ITEM, ReservationId("R1"), pieces(2), 50, 5_000),
        state_demand(2, pieces(9), issued=pieces(1)),
        state_supply(3, pieces(9), received=pieces(1)),
        CountStock(SITE, ITEM, pieces(3)),
    )


def test_facts_feed_rows_and_answers_cross_the_wire_unchanged() -> None:
    case = busy_pool()
    for fact in case.log:
        assert EVENTS.decode(EVENTS.encode(META, fact))[1] == fact
    for (view, row_id), row in case.seen.items():
        data = FEED.encode(META, row, view=view, row_id=row_id, removed=row is None)
        assert FEED.decode(data)[1] == row
    for (_, link), state in case.told.items():
        assert ANSWERS.decode(ANSWERS.encode(META, state, link=link))[1] == state


def test_rows_of_every_kind_are_packed_and_read_back_small() -> None:
    case = busy_pool()
    kinds = DOMAIN.aggregates[2].rows
    codecs = {kind: RowCodec(row_type) for kind, row_type in kinds.items()}
    seen = set()
    for key, row in case.rows.items():
        kind = key.partition("/")[0]
        data = codecs[kind].encode(row)
        assert codecs[kind].decode(data) == row
        assert len(data) < 120
        seen.add(kind)
    assert seen == set(kinds)


def test_a_command_is_for_the_senders_own_pool_and_a_reaction_for_the_one_addressed() -> None:
    count = CountStock(SITE, ITEM, pieces(1))
    assert pool_key(count, EnterpriseId("acme")) == KEY
    assert pool_key(count, EnterpriseId("other")) == "pool/other/madrid/cell"
    assert pool_key(WakePool(KEY, 1), EnterpriseId("other")) == KEY


def test_commands_and_statements_of_flows_cross_the_wire_unchanged() -> None:
    reserve = ReserveStock(SITE, ITEM, ReservationId("R1"), pieces(2), 100, None, UnitFactor("C62", 12, 1))
    assert COMMANDS.decode(COMMANDS.encode(META, reserve))[1] == reserve
    stated = DemandStated(FlowKey("flow/b/1/10"), DemandId("1"), pieces(2), None, None, 0, 7, False, "")
    assert INPUTS.decode(INPUTS.encode(META, stated, link="1"))[1] == stated


def test_nobody_outside_can_state_a_demand() -> None:
    oneof = commands_pb2.InventoryCommand.DESCRIPTOR.oneofs_by_name["command"]
    assert {one.message_type.name for one in oneof.fields if one.message_type is not None} == {
        one.__name__ for one in OUTSIDE
    }


def test_amounts_stay_exact() -> None:
    case = PoolCase()
    for _ in range(10):
        case.given(state_supply(3, pieces(1), pieces(0)), state_supply(3, pieces(1), pieces("0.1")))
    assert case.head.on_hand == Decimal("0.1")
