"""Lanes: a lead time of at least a minute, the owner's alone."""

import pytest

from services.fulfillment.keys import SiteId
from services.fulfillment.lane import LANE, CarrierMode, ChangeLeadTime, CloseLane, DefineLane, LaneClosed, LaneDefined
from services.kernel.values import EnterpriseId, Refused
from tests.unit.fulfillment.world import BUYER, SELLER, World

ENDS = (SELLER, SiteId("plant"), BUYER, SiteId("dock"))


def define(minutes: int = 1440) -> DefineLane:
    return DefineLane(*ENDS, minutes, CarrierMode.ROAD)


def test_a_lane_belongs_to_who_defines_it() -> None:
    world = World()
    facts = world.say(define(), BUYER)
    assert facts == (LaneDefined(BUYER, *ENDS, 1440, CarrierMode.ROAD),)
    assert LANE.key(define(), BUYER) == "lane/leader/maker/plant/leader/dock"
    assert world.views[BUYER, "lanes", "maker/plant/leader/dock"].lead_time_minutes == 1440
    assert isinstance(world.say(ChangeLeadTime(*ENDS, 60), SELLER), Refused), "the other side has no such lane"
    assert (SELLER, "lanes", "maker/plant/leader/dock") not in world.views


@pytest.mark.parametrize("minutes", [0, -5, 2_000_000])
def test_a_lead_time_is_at_least_a_minute(minutes: int) -> None:
    world = World()
    refused = world.say(define(minutes))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == ("lead-time-invalid", "lead_time_minutes")
    world.say(define(1))
    refused = world.say(ChangeLeadTime(*ENDS, minutes))
    assert isinstance(refused, Refused)
    assert refused.code == "lead-time-invalid"


def test_a_lead_time_changes_and_a_lane_closes() -> None:
    world = World()
    world.say(define(1440))
    world.say(ChangeLeadTime(*ENDS, 60))
    assert world.views[SELLER, "lanes", "maker/plant/leader/dock"].lead_time_minutes == 60
    assert world.say(ChangeLeadTime(*ENDS, 60)) == (), "what is known already is no fact"
    assert world.say(CloseLane(*ENDS)) == (LaneClosed(),)
    assert world.views[SELLER, "lanes", "maker/plant/leader/dock"] is None
    refused = world.say(CloseLane(*ENDS))
    assert isinstance(refused, Refused)
    assert refused.code == "lane-unknown"
    assert world.say(define(30)) != (), "a closed lane can be defined anew"


def test_a_second_definition_is_refused_unless_it_says_the_same() -> None:
    world = World()
    world.say(define(1440))
    assert world.say(define(1440)) == ()
    refused = world.say(define(60))
    assert isinstance(refused, Refused)
    assert refused.code == "lane-exists"


def test_a_lane_has_two_ends_with_sound_ids() -> None:
    world = World()
    here = DefineLane(SELLER, SiteId("plant"), SELLER, SiteId("plant"), 60, CarrierMode.ROAD)
    refused = world.say(here)
    assert isinstance(refused, Refused)
    assert refused.code == "lane-without-way"
    refused = world.say(DefineLane(EnterpriseId("a/b"), SiteId("x"), SELLER, SiteId("plant"), 60, CarrierMode.ROAD))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == ("id-invalid", "from_enterprise")
