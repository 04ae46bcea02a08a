"""The oracle's answer in the words of the vectors: the ``expected`` of a step from its ``facts``.

Owns: how results are written, alerts and incidents. Deliberately lacks: notifications, hysteresis, who may see what.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.chain_oracle.account import Account, Root, account
from tests.chain_oracle.coverage import Covered, Pool, covered, read_pool
from tests.chain_oracle.dates import minus, published
from tests.chain_oracle.facts import Facts, Flow, read_facts
from tests.chain_oracle.oracle import Parts, Played, play
from tests.chain_oracle.pool_views import passed, slack

Written = dict[str, Any]  # as the vectors write it


def expected_story(steps: Iterable[Mapping[str, Any]]) -> list[Written]:
    """The facts of successive steps -> what is expected after each; alerts tell what changed since the step before."""
    before: dict[str, int] = {}
    story = []
    for facts in steps:
        answer, before = expected_of(facts, before)
        story.append(answer)
    return story


def expected_of(written: Mapping[str, Any], alerts_before: Mapping[str, int]) -> tuple[Written, dict[str, int]]:
    """Facts and the delay of every line with an alert before -> (what is expected, the lines with an alert now).

    ValueError if the facts contradict one another.
    """
    answer = Answer(read_facts(written))
    late_lines = {flow.id: answer.delay(flow) for flow in answer.lines() if answer.delay(flow)}
    shown = {
        "flows": {flow.id: answer.write_flow(flow) for flow in answer.facts.flows.values()},
        "pools": {name: answer.write_pool(pool) for name, pool in answer.pools.items()},
        "alerts": _alerts(alerts_before, late_lines),
        "incidents": answer.incidents(),
    }
    return shown, late_lines


class Answer:
    """Everything that follows from some facts."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.played: Played = play(facts)
        self.pools: dict[str, Pool] = {name: read_pool(facts, self.played, name) for name in facts.stock}
        self.inputs: dict[str, list[Covered]] = {
            demand.id: covered(pool, demand) for pool in self.pools.values() for demand in pool.demands
        }
        for demand, parts in self.inputs.items():
            dated = [(part.date, part.quantity) for part in parts]
            assert dated == self.played.demands[demand], f"{demand}: played {self.played.demands[demand]}, read {dated}"
        self.account: Account = account(facts, self.played.flows, self.inputs)

    def lines(self) -> list[Flow]:
        """The order lines, in the order of the facts."""
        return [flow for flow in self.facts.flows.values() if flow.kind == "line"]

    def expected(self, flow: Flow) -> int:
        """The date of a flow's last part."""
        return self.played.flows[flow.id][-1][0]

    def delay(self, flow: Flow) -> int:
        """Minutes by which a flow's last part is late."""
        return max(0, minus(self.expected(flow), flow.baseline))

    def write_flow(self, flow: Flow) -> Written:
        """One entry of ``flows``."""
        last = (flow.id, self.expected(flow))
        cause = self.account.causes.get(last)
        return {
            "parts": _write_parts(self.played.flows[flow.id]),
            "expected": published(last[1]),
            "delay": published(self.delay(flow)),
            "hop": self.account.hops[last].write(),
            "root": write_root(cause.root) if cause else None,
            "hops": [hop.write() for hop in cause.hops] if cause else None,
        }

    def write_pool(self, pool: Pool) -> Written:
        """One entry of ``pools``."""
        parts = {demand.id: self.inputs[demand.id] for demand in pool.demands}
        return {
            "demands": {demand: _write_parts(self.played.demands[demand]) for demand in parts},
            "supplies": {
                supply.id: {
                    "in": published(self.delay(supply)),
                    "passed": published(passed(supply, parts)),
                    "slack": slack(pool, supply),
                }
                for supply in self.facts.supplies[pool.name]
            },
        }

    def incidents(self) -> dict[str, list[str]]:
        """Late lines by what they have in common: the event at the root or, without one, whoever stands for it."""
        found: dict[str, list[str]] = {}
        for line in self.lines():
            cause = self.account.causes.get((line.id, self.expected(line)))
            if cause:
                found.setdefault(_incident(cause.root), []).append(line.id)
        return found


def _incident(root: Root) -> str:
    return root.event or root.culprit or root.flow  # the flow of a loop's root is its least member


def _alerts(before: Mapping[str, int], now: Mapping[str, int]) -> list[Written]:
    """What changed in the alerts of lines; a line that is gone has none."""
    told = []
    for line, delay in now.items():
        if line not in before:
            told.append({"line": line, "event": "DelayRaised", "delay": published(delay)})
        elif before[line] != delay:
            told.append({"line": line, "event": "DelayChanged", "delay": published(delay)})
    told += [{"line": line, "event": "DelayCleared", "delay": 0} for line in before if line not in now]
    return told


def _write_parts(parts: Parts) -> list[list[int | None]]:
    return [[published(date), quantity] for date, quantity in parts]


def write_root(root: Root) -> Written:
    """A root as results write it; what a class does not have is left out."""
    extra: Written = {"culprit": root.culprit, "missing": root.missing, "members": root.members and list(root.members)}
    return {
        "flow": root.flow,
        "event": root.event,
        "reason": root.reason,
        "class": root.cause_class,
        **{name: value for name, value in extra.items() if value is not None},
    }
