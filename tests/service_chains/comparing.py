"""A step as it is expected and as the services have it, in one form; how the two differ, and how much was compared.

Owns: the translation of what is expected: enterprises are those who do a flow in the services, of what a late supply
passes on the pool shows the rest (what it absorbs), and a flow that is not late keeps no hop. Deliberately lacks: any
rule of dates.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from services.chain.alerts import alert_change
from services.chain.moments import NEVER
from tests.chain_oracle.differences import differences
from tests.service_chains.keeping import kept
from tests.service_chains.naming import Names, Written
from tests.service_chains.playing import Ground
from tests.service_chains.showing import shown, to_be_shown

Json = Any


@dataclass(slots=True)
class Compared:
    """How many single values were compared, how many are not kept anywhere, and where they differ, in words."""

    values: int = 0
    not_kept: int = 0
    differences: list[str] = field(default_factory=list)


class Comparison:
    """Holds what the services have against what is expected, step after step of one story."""

    def __init__(self) -> None:
        self._delays: dict[str, int | None] = {}

    def of(self, ground: Ground, names: Names, facts: Written, expected: Json) -> Compared:
        """One step, when nothing is in flight."""
        compared = Compared()
        wanted = translated(names, expected, compared)
        got = kept(ground, names, facts)
        got["alerts"] = list(self._alerts(got.pop("delays")))
        wanted["shown"] = to_be_shown(names, facts, wanted)
        got["shown"] = shown(ground, names, wanted["shown"])
        compared.values = _leaves(wanted)
        compared.differences = differences(wanted, got)
        return compared

    def _alerts(self, delays: Mapping[str, int | None]) -> Iterator[Json]:
        """What the delays that are shown now, and were before, say about each line."""
        for line in [*delays, *(line for line in self._delays if line not in delays)]:
            before, now = self._delays.get(line, 0), delays.get(line, 0)
            change = alert_change(NEVER if before is None else before, NEVER if now is None else now)
            if change:
                yield {"line": line, "event": change.value, "delay": now}
        self._delays = dict(delays)


def translated(names: Names, expected: Json, compared: Compared) -> Json:
    """What is expected in the words of the services."""
    wanted = deepcopy(expected)
    for flow in wanted["flows"].values():
        hop = flow.pop("hop")
        compared.not_kept += 0 if flow["hops"] else len(hop)
        assert not flow["hops"] or flow["hops"][-1] == hop
        for told in flow["hops"] or ():
            told["enterprise"] = names.flows[told["flow"]].does
    for pool in wanted["pools"].values():
        for supply in pool["supplies"].values():
            passed, came = supply.pop("passed"), supply["in"]
            supply["absorbed"] = (0 if passed is None else None) if came is None else came - passed
    return wanted


def _leaves(value: Json) -> int:
    if isinstance(value, Mapping):
        return sum(map(_leaves, value.values()))
    if isinstance(value, list):
        return sum(map(_leaves, value))
    return 1
