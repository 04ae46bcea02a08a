"""Something stops a plant, and later it is well again: reported once, timed, and held against the chain model.

Owns: what is reported, the time from the report to the leader's rows, and the checks on what all firms see then.
Everything that is shown was read from views. Deliberately lacks: layout (chain_screen.py), and the model (forecast.py).
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from time import monotonic, perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from infra.cli import notice
from infra.cli.chain_screen import ChainScreen
from infra.cli.chain_seen import Chain, Timed, delay_of, differences, leaks, look, paths, slacks, tiers_between
from infra.cli.checks import Checks
from infra.cli.clock import DAY_MS, Clock
from infra.cli.forecast import Forecast, forecast
from infra.cli.front_door import Answer, FrontDoor, Row
from infra.cli.opening import moment
from infra.cli.scenario import LINE, Disrupt, Repair, Scenario
from services.chain.closures import Closure
from services.chain.moments import minute_of

SEEN_SECONDS_MAX = 30.0
QUIET_MS = 3_000
LOOK_SECONDS = 0.01
SETTLE_LOOK_SECONDS = 0.1
SLACK_SECONDS_MAX = 5.0


class Disruptions:
    """All that is stopped in one scenario. ``followed``: nothing has happened that the forecast knows nothing of."""

    def __init__(self, scenario: Scenario, door: FrontDoor, clock: Clock, screen: ChainScreen, checks: Checks) -> None:
        self.scenario, self.door, self.clock, self.screen, self.checks = scenario, door, clock, screen, checks
        self.followed = True
        self._stopped: dict[str, Closure] = {}
        self._struck_at: datetime | None = None
        self._timed: Timed | None = None
        self._exposed_before: dict[str, int] = {}
        self._ways: list[list[str]] = []

    def wanted(self) -> Forecast:
        """What the chain model computes from the file and from what is stopped now."""
        return forecast(self.scenario, self._stopped)

    async def settled(self, wanted: Forecast) -> tuple[Chain, list[str]]:
        """What all firms see, once it is what the model computes; or as it is after 30 s, with the differences."""
        deadline = monotonic() + SEEN_SECONDS_MAX
        while True:
            chain = await look(self.door, self.scenario)
            wrong = differences(self.scenario, chain, wanted) if self.followed else []
            if not wrong or monotonic() > deadline:
                return chain, wrong
            await asyncio.sleep(SETTLE_LOOK_SECONDS)

    async def show_chain(self, at_ms: int) -> None:
        """The chain as it is, checked."""
        wanted = self.wanted()
        chain, wrong = await self.settled(wanted)
        await self.clock.tick(at_ms)  # pools look ahead with a tick
        self.screen.tree(chain, wanted, await self._slacks(wanted))
        self._check_model("as_planned", chain, wrong)

    async def _slacks(self, wanted: Forecast) -> dict[str, int]:
        """What each order may slip, once all pools of the chain have looked ahead; none if they do not in a while."""
        if any(one.delay for one in wanted.orders.values()):
            return {}
        looked = {order for order in self.scenario.orders if self.scenario.feeds(order) in self.scenario.stock}
        deadline = monotonic() + SLACK_SECONDS_MAX
        while monotonic() < deadline:
            found, known = await slacks(self.door, self.scenario)
            if looked <= known:
                return found
            await asyncio.sleep(SETTLE_LOOK_SECONDS)
        return {}

    async def strike(self, stop: Disrupt, at_ms: int) -> None:
        """The site is stopped: report it, watch the leader's rows, then see what everybody sees."""
        owner, _, site = stop.at.partition("/")
        until_ms = at_ms + stop.days * DAY_MS
        if not self._stopped:
            self._exposed_before = await self._exposed()
        self._struck_at = datetime.fromtimestamp(at_ms / 1000, UTC)
        self._stopped[stop.at] = Closure(minute_of(at_ms), minute_of(until_ms), stop.at, stop.why)
        wanted = self.wanted()
        report = {
            "site": site, "from_at": moment(at_ms), "to_at": moment(until_ms), "reason_code": stop.why,
            "reason": self.screen.word.of(stop.text),
            "work": [key.partition("/")[2] for key in self.scenario.work_at(stop.at)],
            "lines": [_named(order) for order in self.scenario.leaving(stop.at)],
        }  # fmt: skip
        path = f"/disruptions/{_disruption(stop.at)}"
        self._timed = await self._timed_report(wanted, self.door.tell("fulfillment", owner, "PUT", path, report))
        chain, wrong = await self.settled(wanted)
        late = [order for order in self.scenario.orders if delay_of(chain.bought(order)) != 0]
        self._ways = paths(self.scenario, late, owner)
        self.screen.struck(stop, [key for key in self.scenario.work_at(stop.at) if delay_of(chain.work(key)) != 0])
        self.screen.tree(chain, wanted, {})
        leader = self.scenario.leader
        exposed, incidents = await asyncio.gather(
            self.door.view("order", leader, "exposure"), self.door.view("order", leader, "incidents")
        )
        self.screen.leader(exposed, incidents, self._ways, self._timed)
        self.screen.between(chain, owner)
        self.screen.absorbed(chain)
        self._check_model("disrupted", chain, wrong)
        self._check_incident(incidents, exposed)
        await self._check_leaks()

    async def repair(self, repair: Repair, at_ms: int) -> None:
        """The site is well again: take the reports back, and see everything turn green."""
        self._stopped.pop(repair.at, None)
        wanted = self.wanted()
        owner, path = repair.at.partition("/")[0], f"/disruptions/{_disruption(repair.at)}/lift"
        timed = await self._timed_report(wanted, self.door.tell("fulfillment", owner, "POST", path, {}))
        chain, wrong = await self.settled(wanted)
        await self.clock.tick(at_ms)
        self.screen.repaired(repair)
        self.screen.tree(chain, wanted, await self._slacks(wanted))
        self.screen.took(timed)
        self._check_model("repaired_check", chain, wrong)
        if not self._stopped:
            now, before = await self._exposed(), self._exposed_before
            text = self.screen.word("check_recovered", n=len(now), before=len(before))
            self.checks.add("recovered", text, now == before)

    async def _timed_report(self, wanted: Forecast, report: Coroutine[Any, Any, Answer]) -> Timed:
        """Send a report, and look at the leader's rows until they are as computed."""
        goal = self._goal(wanted) if self.followed else None
        before = await self._exposed()
        started = perf_counter()
        sending = asyncio.create_task(report)
        timed = await self._watch(before, goal, started)
        await sending
        return timed

    async def _watch(self, before: Mapping[str, int], goal: Mapping[str, int] | None, started: float) -> Timed:
        """Look until the rows are as the goal says; without one until nothing has moved for a while."""
        first, last, seen = 0.0, 0.0, before
        deadline = monotonic() + SEEN_SECONDS_MAX
        while monotonic() < deadline:
            now = await self._exposed()
            took = (perf_counter() - started) * 1000
            if now != seen:
                first, last, seen = first or took, took, now
            if seen == goal or (goal is None and took - last > QUIET_MS):
                break
            await asyncio.sleep(LOOK_SECONDS)
        return Timed(first, last)

    async def _exposed(self) -> dict[str, int]:
        """The leader's late lines by order, with the minutes that they are late."""
        leader = self.scenario.leader
        rows = await self.door.view("order", leader, "exposure")
        return {f"{leader}/{row['number']}": int(row["delay_minutes"]) for row in rows}

    def _goal(self, wanted: Forecast) -> dict[str, int]:
        own = f"{self.scenario.leader}/"
        return {order: one.delay for order, one in wanted.orders.items() if order.startswith(own) and one.delay}

    # -- Checks ------------------------------------------------------------------------------------------------------

    def _check_model(self, name: str, chain: Chain, wrong: list[str]) -> None:
        if not self.followed:
            self.screen.note(self.screen.word("not_followed"))
            return
        rows = sum(len(firm.bought) + len(firm.sold) + len(firm.work) for firm in chain.firms.values())
        equal = self.screen.word("check_model", n=rows, firms=len(chain.firms))
        self.checks.add(name, equal if not wrong else "; ".join(wrong[:3]), not wrong)

    def _check_incident(self, incidents: list[Row], exposed: list[Row]) -> None:
        """Each root is one incident; and where only one thing went wrong there is one root."""
        roots, lines = {row["reference"] for row in exposed}, sum(row["lines"] for row in incidents)
        holds = {row["id"] for row in incidents} == roots and lines == len(exposed)
        plan = forecast(self.scenario, {})
        if len(self._stopped) == 1 and not any(one.delay for one in (*plan.orders.values(), *plan.work.values())):
            holds = holds and len(roots) <= 1
        self.checks.add("one_incident", self.screen.word("check_incident", n=len(incidents), lines=lines), holds)

    async def _check_leaks(self) -> None:
        secrets: dict[str, set[str]] = defaultdict(set)
        for site, stop in self._stopped.items():
            for word in (stop.reason, _disruption(site)):
                secrets[word].add(site.partition("/")[0])
        rows, found = await leaks(self.door, self.scenario, secrets)
        text = self.screen.word("check_leaks", n=rows) if not found else "; ".join(found[:3])
        self.checks.add("discreet", text, not found)

    # -- Compared ----------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """How long the same news would have taken otherwise; nothing if none reached the leader."""
        if self._struck_at is None or self._timed is None or not self._timed.all_ms or not self._ways:
            return
        hops = tiers_between(self.scenario, self._ways)
        sites = [site for site in self.scenario.sites if site.startswith(f"{self.scenario.leader}/")]
        zone = ZoneInfo(self.scenario.sites[sites[0]].time_zone if sites else "UTC")
        happened = self._struck_at.astimezone(zone)
        phone = notice.by_phone(happened, hops, self.scenario.compare)
        plans = notice.by_nightly_plans(happened, hops, self.scenario.compare)
        self.screen.compared(happened, {"phone": phone, "plans": plans}, self._timed, hops, self.scenario.compare)


def _disruption(site: str) -> str:
    """The id of what stops a site."""
    return f"stop-of-{site.partition('/')[2]}"[:64]


def _named(order: str) -> dict[str, str]:
    """The line of an order as a report names it."""
    buyer, _, number = order.partition("/")
    return {"buyer": buyer, "number": number, "line": LINE}
