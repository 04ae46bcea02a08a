"""A lane: how long goods of one enterprise's trade take from one site to another. Its owner's word, and a default.

Owns: lead time and mode of carriage. Deliberately lacks: calendars, carriers' schedules, cost. Who creates a line or a
transfer stamps the lead time on it; a changed lane touches new ones only.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from services.fulfillment.amounts import first_refusal, refuse_lead_time
from services.fulfillment.keys import SiteId, refuse_id
from services.kernel.model import Aggregate, Changes, Rows
from services.kernel.values import EnterpriseId, Origin, Refused


class CarrierMode(StrEnum):
    """How goods are carried on the lane."""

    ROAD = "ROAD"
    RAIL = "RAIL"
    SEA = "SEA"
    INLAND_WATER = "INLAND_WATER"
    AIR = "AIR"
    PARCEL = "PARCEL"
    MULTIMODAL = "MULTIMODAL"
    OTHER = "OTHER"


# Facts
@dataclass(frozen=True, slots=True)
class LaneDefined:
    """The lane exists from now on, with this lead time. It is also the one row of a lane, gone when that is closed."""

    owner: EnterpriseId
    from_enterprise: EnterpriseId
    from_site: SiteId
    to_enterprise: EnterpriseId
    to_site: SiteId
    lead_time_minutes: int
    mode: CarrierMode


@dataclass(frozen=True, slots=True)
class LeadTimeChanged:
    """New lines on the lane take this long."""

    lead_time_minutes: int


@dataclass(frozen=True, slots=True)
class LaneClosed:
    """The lane is a default no more."""


Fact = LaneDefined | LeadTimeChanged | LaneClosed


# Commands: all intents of the owner, who is the sender.
@dataclass(frozen=True, slots=True)
class DefineLane:
    """Name a lane between two sites, anybody's; the sender becomes its owner."""

    from_enterprise: EnterpriseId
    from_site: SiteId
    to_enterprise: EnterpriseId
    to_site: SiteId
    lead_time_minutes: int
    mode: CarrierMode


@dataclass(frozen=True, slots=True)
class ChangeLeadTime:
    """Give the sender's lane another lead time."""

    from_enterprise: EnterpriseId
    from_site: SiteId
    to_enterprise: EnterpriseId
    to_site: SiteId
    lead_time_minutes: int


@dataclass(frozen=True, slots=True)
class CloseLane:
    """Take the sender's lane away."""

    from_enterprise: EnterpriseId
    from_site: SiteId
    to_enterprise: EnterpriseId
    to_site: SiteId


Command = DefineLane | ChangeLeadTime | CloseLane


def evolve(rows: Rows, fact: Fact) -> Changes:
    """The rows that the fact changes. Total."""
    match fact:
        case LaneDefined():
            return {"head": fact}
        case LeadTimeChanged(minutes):
            head: LaneDefined | None = rows.get("head")
            return {"head": replace(head, lead_time_minutes=minutes)} if head is not None else {}
        case LaneClosed():
            return {"head": None}
        case _:
            assert_never(fact)


def decide(rows: Rows, command: Command, origin: Origin) -> tuple[Fact, ...] | Refused:
    """The facts that the command makes, or why not; none if the lane is already as wanted."""
    lane: LaneDefined | None = rows.get("head")
    match command:
        case DefineLane():
            return _define(lane, command, origin.enterprise)
        case ChangeLeadTime(lead_time_minutes=minutes):
            if lane is None:
                return _unknown()
            refused = refuse_lead_time(minutes, "lead_time_minutes")
            if refused is not None:
                return refused
            return () if lane.lead_time_minutes == minutes else (LeadTimeChanged(minutes),)
        case CloseLane():
            return _unknown() if lane is None else (LaneClosed(),)
        case _:
            assert_never(command)


def _define(lane: LaneDefined | None, command: DefineLane, owner: EnterpriseId) -> tuple[Fact, ...] | Refused:
    refused = first_refusal(
        refuse_id(command.from_enterprise, "from_enterprise"),
        refuse_id(command.from_site, "from_site"),
        refuse_id(command.to_enterprise, "to_enterprise"),
        refuse_id(command.to_site, "to_site"),
        refuse_lead_time(command.lead_time_minutes, "lead_time_minutes"),
    )
    if refused is not None:
        return refused
    if (command.from_enterprise, command.from_site) == (command.to_enterprise, command.to_site):
        return Refused("lane-without-way", "name two different sites", "to_site")
    if lane is not None:
        same = (lane.lead_time_minutes, lane.mode) == (command.lead_time_minutes, command.mode)
        return () if same else Refused("lane-exists", "change its lead time, or close it and define it anew")
    ends = command.from_enterprise, command.from_site, command.to_enterprise, command.to_site
    return (LaneDefined(owner, *ends, command.lead_time_minutes, command.mode),)


def _unknown() -> Refused:
    return Refused("lane-unknown", "define the lane first, or name one of your own")


def lane_key(command: Command, sender: EnterpriseId) -> str:
    """The key of the sender's lane that the command is for."""
    ends = f"{command.from_enterprise}/{command.from_site}/{command.to_enterprise}/{command.to_site}"
    return f"lane/{sender}/{ends}"


LANE = Aggregate(
    kind="lane",
    commands=Command.__args__,
    facts=Fact.__args__,
    rows={"head": LaneDefined},
    key=lane_key,
    decide=decide,
    evolve=evolve,
)
