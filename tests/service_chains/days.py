"""Examples of days of supply, as pools of the inventory service.

Of each day of an example the service is asked in the evening: a pool has the stock that the example has left then (none
for less than none), and on each later day a work order needs what the example needs. What comes in later is not in the
number that the service shows, so it is in the stock of the evenings after it.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.service_chains.naming import Written
from tests.service_chains.playing import Player

DAY_MINUTES = 1440
Json = Any


def facts_of(cases: list[Json]) -> Written:
    """All examples as the facts of one chain: one pool for each evening of each example."""
    pools: dict[str, Json] = {}
    flows: list[Json] = []
    for number, case in enumerate(cases):
        stock = case["stock"]
        for day in range(len(case["expected"])):
            stock += case["inbound"][day] - case["demand"][day]
            pool = pool_of(number, day)
            pools[pool] = {"stock": max(0, stock)}
            for later, needed in enumerate(case["demand"][day + 1 :]):
                if needed:
                    flows.append(_work(f"W{number}-{day}-{later}", pool, needed, later * DAY_MINUTES + 60))
    return {"now": 0, "pools": pools, "flows": flows}


def pool_of(case: int, day: int) -> str:
    """The pool for an evening of an example."""
    return f"E/case {case} day {day}"


def _work(name: str, pool: str, quantity: int, start: int) -> Json:
    return {
        "id": name, "enterprise": "E", "kind": "work", "output": None, "quantity": 1, "planned_start": start,
        "lead_minutes": 60, "baseline": start + 60, "inputs": [{"pool": pool, "quantity": quantity}],
    }  # fmt: skip


def compared_days(player: Player, cases: list[Json]) -> Iterator[tuple[str, Json, Json]]:
    """Each value: which it is, what is expected (to a tenth, as it is shown; None: it covers all), what is shown."""
    player.after(facts_of(cases))
    for number, case in enumerate(cases):
        for day, cover in enumerate(case["expected"]):
            place = player.names.places[pool_of(number, day)]
            row = player.ground.view("inventory", place.enterprise, "outlook")[place.row]
            expected = None if cover["covers_horizon"] else Decimal(round(cover["days"] * 10)) / 10
            yield f"case {number} day {day}", expected, row.days_of_supply
