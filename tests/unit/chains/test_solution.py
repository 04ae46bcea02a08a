"""Dates of a generated chain against the oracle that plays time forward, before and after reports."""

from typing import Any

import pytest

from infra.chains.chain import Chain, Line
from infra.chains.generate import generate
from infra.chains.shape import Shape
from infra.chains.solution import Solution
from services.chain.flow_facts import Flow
from tests.chain_oracle.facts import read_facts
from tests.chain_oracle.oracle import play

SEEDS = range(3)


def facts_of(chain: Chain, solution: Solution) -> dict[str, Any]:
    """The chain as the oracle reads it, with what is reported now."""
    pools: dict[str, dict[str, int]] = {}

    def pool(name: tuple[str, str]) -> str:
        pools.setdefault("/".join(name), {"stock": solution.stock_of(name)})
        return "/".join(name)

    def flow(one: Flow, output: tuple[str, str], inputs: list[tuple[str, int, int]]) -> dict[str, Any]:
        return {
            "id": one.flow, "enterprise": one.enterprise, "output": pool(output), "quantity": one.quantity,
            "planned_start": one.planned_start, "lead_minutes": one.lead_minutes, "baseline": one.baseline,
            "split": one.split, "estimated_finish": one.estimated_finish,
            "inputs": [{"pool": name, "quantity": units, "sequence": sequence} for name, units, sequence in inputs],
        }  # fmt: skip

    arrivals = {demand.flow: demand.sequence for one in solution.facts for demand in solution.demands_by(one)}
    flows = []
    for key, one in solution.flows.items():
        fact = solution.facts[key]
        arrival = arrivals.get(key, 0)
        if isinstance(fact, Line):
            taken = [(pool((fact.seller, fact.product)), fact.quantity, arrival)] if fact.tracked else []
            flows.append(flow(one, (fact.buyer, fact.part), taken))
        else:
            taken = [(pool((fact.owner, part.item)), part.quantity, arrival) for part in fact.components]
            flows.append(flow(one, (fact.owner, fact.item), taken))
    return {"now": 0, "pools": pools, "flows": flows}


def differences(chain: Chain, solution: Solution) -> list[str]:
    """Flows that the oracle dates otherwise."""
    played = play(read_facts(facts_of(chain, solution))).flows
    return [
        f"{key}: {one.parts} instead of {played[key]}"
        for key, one in solution.expected.items()
        if [(part.date, part.quantity) for part in one.parts] != played[key]
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_dates_are_those_of_the_oracle_after_each_report_and_after_it_is_undone(seed: int) -> None:
    """Also of the second report of a pool that the first one moved."""
    chain = generate(Shape(seed, enterprises=30, tiers=4, orders_per_day=1, days=60, slip_rate=0.05))
    solution = Solution(chain)
    base = dict(solution.expected)
    assert differences(chain, solution) == []
    for slip in chain.slips[:8]:
        effect = solution.report(slip.flow, slip.estimated_finish, slip.slip, slip.reason)
        assert differences(chain, solution) == [], (seed, slip)
        moved = {key for key, one in solution.expected.items() if one != base[key]}
        assert moved == effect.moved.keys(), (seed, slip)
        solution.undo()
        assert solution.expected == base
    for slip in chain.slips[:3]:
        solution.report(slip.flow, slip.estimated_finish, slip.slip, slip.reason)
    assert differences(chain, solution) == [], (seed, "three at once")
