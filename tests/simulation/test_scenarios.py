"""Scenarios played on the services in memory: what all firms see is what the chain model computes from the file.

The story of the demo, and random ones made of it: other days, other stock, other needs, a site that stands still longer
or elsewhere. Messages cross in an order of the seed.
"""

import asyncio
import io
from random import Random

import pytest
from rich.console import Console

from infra.cli.home import ROOT
from infra.cli.player import Player
from infra.cli.scenario import Disrupt, Repair, Scenario, Step
from infra.cli.scenario_file import load
from infra.cli.screen import Screen
from tests.support.backbone import Backbone
from tests.support.memory_door import MemoryClock, MemoryDoor

CITY = ROOT / "infra" / "scenarios" / "city-car.yaml"
PLANT = "fennmark/kristiansand"
STORIES = 12


def played(scenario: Scenario, seed: int) -> tuple[Player, str]:
    """The player after the last step, and what it showed."""
    backbone, out = Backbone(seed), io.StringIO()
    console = Console(file=out, width=80, no_color=True, highlight=False)

    async def play() -> Player:
        player = Player(scenario, MemoryDoor(backbone), MemoryClock(backbone), Screen(console))
        await player.set_up()
        for day, steps in sorted(scenario.days.items()):
            await player.begin(day)
            for step in steps:
                if step.burst is None:
                    await player.do(step)
        player.disruptions.compare()
        player.checks.show()
        return player

    player = asyncio.run(play())
    assert not backbone.dead_letters()
    return player, out.getvalue()


def test_the_story_of_the_demo_holds_in_memory() -> None:
    player, text = played(load(CITY), 1)
    assert player.checks.good, text
    assert [line.split()[1] for line in text.splitlines() if line.startswith("  ✓")][-6:] == [
        "planned", "disrupted", "incident", "discreet", "repaired", "recovered",
    ]  # fmt: skip
    assert "by phone, firm by firm     Tue 23 Feb 08:00" in text


@pytest.mark.parametrize("seed", range(STORIES))
def test_any_such_story_is_what_the_model_computes(seed: int) -> None:
    scenario = varied(load(CITY), Random(seed))
    player, text = played(scenario, seed)
    assert player.checks.good, f"seed {seed}\n{text}"


def varied(city: Scenario, random: Random) -> Scenario:
    """The same firms with other days, stock and needs; one or two sites stand still, not all of them recover."""
    stock = {pool: amount + random.choice((0, 0, 0, 30, 60, 120)) for pool, amount in city.stock.items()}
    orders = {
        key: one.model_copy(update={"due": max(1, one.due + random.randint(-2, 3))}) for key, one in city.orders.items()
    }
    work = {}
    for key, one in city.work.items():
        first = max(2, one.days[0] + random.randint(-2, 2))
        work[key] = one.model_copy(update={"days": (first, first + random.randint(0, 4))})
    sites = random.sample([PLANT, "kobalta/gyor", "miratec/wroclaw", "ampero/linz"], random.choice((1, 1, 2)))
    stops = [Step(disrupt=Disrupt(at=site, days=random.randint(1, 12), why="strike")) for site in sites]
    repairs = [Step(repair=Repair(at=site)) for site in random.sample(sites, random.randint(0, len(sites)))]
    days = {1: [Step(show="chain"), *stops, *repairs, Step(show="chain")]}
    return city.model_copy(update={"stock": stock, "orders": orders, "work": work, "days": days})
