"""A site: one place of one enterprise, with its time zone and working calendar. Key ``site/<enterprise>/<site>``.

Owns: what turns an instant into a date at this place. Deliberately lacks: the calculation with it (whoever needs the
zone stamps it on what it creates; a changed site touches new ones only), and the list of zones (the tz database changes
several times a year; the door of the service checks a name against the installed one, here only its shape is checked).
"""

import datetime
import re
from dataclasses import dataclass
from typing import Any, NewType, assert_never

from services.inventory.checks import first_refusal, refuse_id, refuse_text
from services.kernel.model import Aggregate, Changes, Rows
from services.kernel.values import EnterpriseId, Origin, Refused

SiteId = NewType("SiteId", str)

HOLIDAYS_MAX = 400
MINUTES_PER_DAY = 1440
ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]{0,31}(/[A-Za-z0-9_+\-]{1,31}){0,2}")


# Facts
@dataclass(frozen=True, slots=True)
class SiteDefined:
    """The site is from now on as said here; the whole of it. ``weekdays``: ISO 8601, 1 is Monday; minutes are local."""

    site: SiteId
    name: str
    time_zone: str
    weekdays: tuple[int, ...]
    day_end_minute: int
    holidays: tuple[datetime.date, ...]


# Commands
@dataclass(frozen=True, slots=True)
class DefineSite:
    """Intent: create the sender's own site or replace what is known of it."""

    site: SiteId
    name: str
    time_zone: str
    weekdays: tuple[int, ...]
    day_end_minute: int
    holidays: tuple[datetime.date, ...] = ()


Fact = SiteDefined
Command = DefineSite


# Rows
@dataclass(frozen=True, slots=True)
class SiteHead:
    """The one row of a site."""

    name: str
    time_zone: str
    weekdays: tuple[int, ...]
    day_end_minute: int
    holidays: tuple[datetime.date, ...]


def evolve(rows: Rows, fact: Fact) -> Changes:
    """The rows that the fact changes. Total."""
    match fact:
        case SiteDefined(_, name, time_zone, weekdays, day_end_minute, holidays):
            return {"head": SiteHead(name, time_zone, weekdays, day_end_minute, holidays)}
        case _:
            assert_never(fact)


def decide(rows: Rows, command: Command, origin: Origin) -> tuple[Fact, ...] | Refused:
    """The facts that the command makes, or why not; none if it says what is known already."""
    match command:
        case DefineSite(site, name, time_zone, weekdays, day_end_minute, holidays):
            refused = first_refusal(
                refuse_id(site, "site"),
                refuse_text(name, "name", required=True),
                _refuse_zone(time_zone),
                _refuse_calendar(weekdays, day_end_minute, holidays),
            )
            if refused is not None:
                return refused
            fact = SiteDefined(
                site, name, time_zone, tuple(sorted(set(weekdays))), day_end_minute, tuple(sorted(set(holidays)))
            )
            return () if rows.get("head") == evolve(rows, fact)["head"] else (fact,)
        case _:
            assert_never(command)


def _refuse_zone(time_zone: str) -> Refused | None:
    if ZONE_NAME.fullmatch(time_zone):
        return None
    return Refused(
        "time-zone-invalid", "send a name of the IANA time zone database, such as Europe/Madrid", "time_zone"
    )


def _refuse_calendar(weekdays: tuple[int, ...], day_end: int, holidays: tuple[datetime.date, ...]) -> Refused | None:
    if not weekdays or not all(1 <= day <= 7 for day in weekdays):
        return Refused("weekdays-invalid", "send at least one working day, 1 (Monday) to 7 (Sunday)", "weekdays")
    if not 1 <= day_end <= MINUTES_PER_DAY:
        advice = f"send the end of the working day in minutes after midnight, 1 to {MINUTES_PER_DAY}"
        return Refused("day-end-invalid", advice, "day_end_minute")
    if len(holidays) > HOLIDAYS_MAX:
        return Refused("holidays-too-many", f"send at most {HOLIDAYS_MAX} holidays; leave out past years", "holidays")
    return None


def site_key(command: Any, sender: EnterpriseId) -> str:
    """The key of the sender's own site that the command is for."""
    return f"site/{sender}/{command.site}"


SITE = Aggregate(
    kind="site",
    commands=(DefineSite,),
    facts=(SiteDefined,),
    rows={"head": SiteHead},
    key=site_key,
    decide=decide,
    evolve=evolve,
)
