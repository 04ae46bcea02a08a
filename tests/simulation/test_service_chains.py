"""Random chains told to the three services with their public commands, against the oracle that plays time forward.

The services run on the log in memory: records of all topics in random order, processes that die before and after their
commits, link messages that come again. At rest all that they keep and show must be what the oracle expects of the
facts. In the end some flows are reported to slip, and the reports are taken back: then every row is what it was before.

``SERVICE_CHAINS=n`` plays n stories instead of the usual ones, ``SERVICE_CHAINS_FROM=k`` begins with another seed.
"""

import os
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from services.fulfillment import expecting, line_dates
from services.inventory import pool_dates
from services.kernel.working_rows import WorkingRows
from tests.service_chains.comparing import Comparison
from tests.service_chains.expressible import Happenings, oracle_of, with_reservations
from tests.service_chains.grounds import MemoryGround
from tests.service_chains.keeping import everything_kept
from tests.service_chains.naming import Names
from tests.service_chains.playing import Player

FIRST = int(os.environ.get("SERVICE_CHAINS_FROM", "0"))
STORIES = int(os.environ.get("SERVICE_CHAINS", "12"))
STEPS = 4


class Story:
    """One chain, and what happens to it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.happenings = Happenings(seed)
        self.first = deepcopy(self.happenings.facts)
        self.player = Player(self._fresh)
        self._comparison = Comparison()
        self._alerts: dict[str, int] = {}

    def _fresh(self, facts: Any) -> tuple[MemoryGround, Names]:
        crashes, repeats = (0.02 if self.seed % 3 == 0 else 0.0), (0.1 if self.seed % 2 else 0.0)
        self.ground = MemoryGround(self.seed, crashes, repeats)
        return self.ground, Names(facts["pools"])

    def differences(self, facts: Any) -> list[str]:
        """Tell the facts; where the services then differ from the oracle."""
        self.player.after(facts)
        names = self.player.names
        told = with_reservations(self.ground, names, facts)
        expected, self._alerts = oracle_of(names, told, self._alerts)
        return self._comparison.of(self.ground, names, facts, expected).differences

    def all_differences(self) -> Iterator[str]:
        """The same for each step of the story, up to the first that differs."""
        for number, facts in enumerate((self.first, *(self.happenings.step() for _ in range(STEPS)))):
            if found := self.differences(facts):
                yield from (f"seed {self.seed}, step {number}: {line}" for line in found)
                return


@pytest.mark.parametrize("seed", range(FIRST, FIRST + STORIES))
def test_the_services_end_where_time_played_forward_ends(seed: int) -> None:
    story = Story(seed)
    assert not (found := list(story.all_differences())), "\n".join(found[:10])
    before = deepcopy(story.happenings.facts)
    kept = everything_kept(story.ground, story.player.names, before)
    slipped = story.happenings.slip_only()
    assert not (found := story.differences(slipped)), "\n".join([f"seed {seed}, slipped", *found[:10]])
    assert not (found := story.differences(before)), "\n".join([f"seed {seed}, taken back", *found[:10]])
    assert everything_kept(story.ground, story.player.names, before) == kept, f"seed {seed}: not as before"
    story.ground.backbone.check_laws()


# --- controls: each must fail the same check --------------------------------------------------------------------------


def breaks(seeds: Iterable[int]) -> bool:
    """Whether one of the stories differs, or can not even be told."""
    for seed in seeds:
        try:
            if next(Story(seed).all_differences(), None):
                return True
        except AssertionError:
            return True
    return False


CONTROLS = (7, 20, 23)  # small chains; in the first, lines wait for lines


def test_without_the_versions_of_links_the_services_end_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WorkingRows, "link_version", lambda self, link: 0)
    assert breaks(CONTROLS)


def test_a_pool_that_forgets_who_holds_what_ends_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_dates, "_held", lambda stated, open_units, free: iter(()))
    assert breaks(CONTROLS)


def test_a_pool_to_which_all_are_alike_ends_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pool_dates._chain_demand
    monkeypatch.setattr(pool_dates, "_chain_demand", lambda row: replace(asked(row), priority=5))
    assert breaks(CONTROLS)


def test_a_supply_that_is_told_without_its_cause_ends_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    told = expecting.supply_part
    monkeypatch.setattr(line_dates, "supply_part", lambda part: replace(told(part), cause=None))
    assert breaks(CONTROLS)
