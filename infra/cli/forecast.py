"""What the chain model says of a scenario: when each order and each work order will be done, computed from the file.

Owns: turning a scenario into pools and flows, and playing the pure model on them until nothing changes. It shares the
rules of pools and flows with the services (``services.chain``), and nothing else: no message, no row, no increment. So
what the services answer can be held against it. Deliberately lacks: goods that have moved already, and the time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from infra.cli.errors import CliError
from infra.cli.scenario import LINE, Scenario, Work
from services.chain.closures import Closure
from services.chain.flow import Expected, expect
from services.chain.flow_facts import Flow
from services.chain.moments import SINCE, minute_of
from services.chain.pool import cover
from services.chain.pool_facts import Demand, DemandCovered, Pool, Supply, SupplyPart
from services.chain.quantities import millionths
from services.order.workday import due_at_ms

LINE_PRIORITY, WORK_PRIORITY = 0, 5
"""Where nobody says otherwise, a pool serves order lines before work orders."""

ROUNDS_PER_FLOW_MAX = 3
"""Without loops a chain rests after as many rounds as it has tiers; around a loop a date and then its cause go."""

LEAVING_MINUTES = 1
"""What of a line's way passes at the site that it leaves; the rest is on the road, whatever happens at the site."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One flow of the scenario: its facts, the pools that it takes from with quantities, the pool that it gives to."""

    flow: Flow
    takes: tuple[tuple[str, int], ...]
    gives: str
    priority: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of each order and work order, by its key in the scenario; ``from_stock``: orders that wait for
    nothing, their goods are on the shelf."""

    orders: Mapping[str, Expected]
    work: Mapping[str, Expected]
    from_stock: frozenset[str]


def forecast(scenario: Scenario, stopped: Mapping[str, Closure]) -> Forecast:
    """Plays the scenario's plan. ``stopped``: site (``<enterprise>/<site>``) to when it stands still.

    Raises CliError for a chain that does not come to rest.
    """
    planned = _planned(scenario, stopped)
    stock = {pool: millionths(amount) for pool, amount in scenario.stock.items()}
    expected: dict[str, Expected] = {}
    for _ in range(ROUNDS_PER_FLOW_MAX * len(planned) + 1):
        answers = {
            answer_id: answer for pool in stock for answer_id, answer in _answers(pool, stock, planned, expected)
        }
        now = {name: expect(one.flow, _inputs(one, stock, answers), SINCE) for name, one in planned.items()}
        if now == expected:
            break
        expected = now
    else:
        raise CliError("the chain of this scenario does not come to rest: take out what goes into itself")
    orders = {order: expected[line_flow(order)] for order in scenario.orders}
    shelf = frozenset(order for order in orders if _is_on_the_shelf(_inputs(planned[line_flow(order)], stock, answers)))
    return Forecast(orders, {key: expected[work_flow(key)] for key in scenario.work}, shelf)


def line_flow(order: str) -> str:
    """The flow of an order's line."""
    return f"flow/{order}/{LINE}"


def work_flow(work: str) -> str:
    """The flow of a work order."""
    return f"work/{work}"


def _is_on_the_shelf(inputs: Iterable[DemandCovered]) -> bool:
    parts = [part for covered in inputs for part in covered.parts]
    return bool(parts) and all(part.date == SINCE for part in parts)


def _planned(scenario: Scenario, stopped: Mapping[str, Closure]) -> dict[str, Planned]:
    planned = {}
    for order, wanted in scenario.orders.items():
        one = scenario.agreement_of(order)
        way = scenario.lane_days(one) * 24 * 60
        by_ship_date = one.promise == "SHIP"
        place = f"{one.seller}/{one.start}" if by_ship_date else f"{one.buyer}/{one.to}"
        due = minute_of(day_end_ms(scenario, place, scenario.date(wanted.due))) + (way if by_ship_date else 0)
        units, name = millionths(wanted.quantity), line_flow(order)
        leaves = f"{one.seller}/{one.start}"
        closures = tuple(closure for site, closure in stopped.items() if site == leaves)
        flow = Flow(name, one.seller, units, due - way, way, due, True, closures=closures, site_minutes=LEAVING_MINUTES)
        source = f"{leaves}/{one.seller_item}"
        planned[name] = Planned(flow, ((source, units),), f"{one.buyer}/{one.to}/{one.item}", LINE_PRIORITY)
    for key, work in scenario.work.items():
        owner, name = key.partition("/")[0], work_flow(key)
        start, finish = (minute_of(at) for at in work_ms(scenario, key))
        closures = tuple(closure for site, closure in stopped.items() if site == f"{owner}/{work.site}")
        flow = Flow(name, owner, millionths(work.quantity), start, finish - start, finish, closures=closures)
        takes = tuple((f"{owner}/{work.site}/{item}", millionths(amount)) for item, amount in work.uses.items())
        planned[name] = Planned(flow, takes, f"{owner}/{work.site}/{work.item}", WORK_PRIORITY)
    return planned


def _answers(
    pool: str, stock: Mapping[str, int], planned: Mapping[str, Planned], expected: Mapping[str, Expected]
) -> list[tuple[str, DemandCovered]]:
    demands = [
        Demand(name, n, units, one.flow.planned_start, one.priority)
        for name, one in planned.items()
        for n, (source, units) in enumerate(one.takes)
        if source == pool
    ]
    supplies = [
        Supply(name, one.flow.baseline, _parts(one.flow, expected.get(name)))
        for name, one in planned.items()
        if one.gives == pool
    ]
    return list(cover(Pool(stock[pool], demands, supplies)).items())


def _parts(flow: Flow, expected: Expected | None) -> tuple[SupplyPart, ...]:
    if expected is None:
        return (SupplyPart(flow.baseline, flow.quantity),)
    return tuple(SupplyPart(part.date, part.quantity, part.cause, part.path, part.trail) for part in expected.parts)


def _inputs(one: Planned, stock: Mapping[str, int], answers: Mapping[str, DemandCovered]) -> list[DemandCovered]:
    """Nothing is waited for where nobody knows the stock."""
    return [answers[f"{one.flow.flow}/{n}"] for n, (source, _) in enumerate(one.takes) if source in stock]


# -- Days of the scenario as moments -----------------------------------------------------------------------------------


def day_end_ms(scenario: Scenario, site: str, day: date) -> int:
    """When the working day ends at a site (``<enterprise>/<site>``), in ms since 1970 UTC."""
    place = scenario.sites[site]
    hours, _, minutes = place.day_ends.partition(":")
    return due_at_ms(day, place.time_zone, int(hours) * 60 + int(minutes))


def work_ms(scenario: Scenario, key: str) -> tuple[int, int]:
    """When a work order starts (the end of the day before its first) and is done, in ms since 1970 UTC."""
    work: Work = scenario.work[key]
    site = f"{key.partition('/')[0]}/{work.site}"
    first, last = work.days
    return day_end_ms(scenario, site, scenario.date(first - 1)), day_end_ms(scenario, site, scenario.date(last))
