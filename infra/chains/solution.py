"""When everything of a generated chain is expected, and what a report changes, by the chain model alone.

A chain has no loops, so its equations are solved in one pass from the deepest tier to the leaders, and a report by
computing again what it can reach, in that order. Deliberately lacks: messages, services, and the passing of time.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from types import MappingProxyType
from typing import Final

from infra.chains.chain import Chain, Line, Work, orders_of
from services.chain.flow import Expected, expect
from services.chain.flow_facts import Flow
from services.chain.pool import cover
from services.chain.pool_facts import Demand, DemandCovered, Pool, Supply, SupplyPart

BEFORE_ALL: Final = 0
"""The clock: nothing that was planned is overdue."""

Name = tuple[str, str]
"""Enterprise and item: a pool, as every enterprise has one site."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One flow that a report made another: what was expected of it, and what is now."""

    flow: str
    before: Expected
    after: Expected


@dataclass(slots=True)
class Effect:
    """What a report changes: flows by key, and the statements between pools and flows that carry it there.

    ``tied``: it changes what is answered to somebody who stands before or behind another only because of when their
    commands came. Had those come in another order, it might be other flows that it moves.
    """

    moved: dict[str, Moved]
    statements: int = 0
    tied: bool = False


class Solution:
    """A chain with all its dates. ``report`` changes them, ``undo`` brings back what was before it.

    ``arrivals``: when the command for a flow came, by key. Commands that it does not name came as ``orders_of`` and the
    work orders of the chain have them, and those for the lines of one order together.
    """

    def __init__(self, chain: Chain, arrivals: Mapping[str, int] = MappingProxyType({})) -> None:
        self.tiers = chain.tiers
        self.last_tier = max(self.tiers.values())
        self.flows: dict[str, Flow] = {}
        self.facts: dict[str, Line | Work] = {}
        self.expected: dict[str, Expected] = {}
        self._stock: dict[Name, int] = {(one.enterprise, one.item): one.quantity for one in chain.stock}
        self._demands: dict[Name, list[Demand]] = {}
        self._supplies: dict[Name, dict[str, Supply]] = {}
        self._takes: dict[str, list[Name]] = {}
        self._gives: dict[str, Name] = {}
        self._answers: dict[Name, Mapping[str, DemandCovered]] = {}
        self._tied: dict[Name, Set[str]] = {}
        self._before: dict[str, tuple[Flow, Expected]] = {}
        for arrival, order in enumerate(orders_of(chain.lines)):
            for line in order.lines:
                self._place(line, arrivals.get(line.key, arrival))
        for arrival, work in enumerate(chain.work):
            self._place(work, arrivals.get(work.key, arrival))
        for key in sorted(self.flows, key=lambda key: (self.level(key), key)):
            self._expect(key)

    def _place(self, fact: Line | Work, arrival: int) -> None:
        key, sender = fact.key, fact.seller if isinstance(fact, Line) else fact.owner
        self.facts[key] = fact
        self.flows[key] = Flow(
            key, sender, fact.quantity, fact.start, fact.lead_minutes, fact.due, split=isinstance(fact, Line)
        )
        if isinstance(fact, Line):
            needs = [((fact.seller, fact.product), fact.quantity)] if fact.tracked else []
            self._gives[key] = fact.buyer, fact.part
        else:
            needs = [((fact.owner, component.item), component.quantity) for component in fact.components]
            self._gives[key] = fact.owner, fact.item
        self._takes[key] = [name for name, _ in needs]
        for n, (name, quantity) in enumerate(needs):
            self._demands.setdefault(name, []).append(Demand(key, n, quantity, fact.start, sequence=arrival))

    def level(self, key: str) -> int:
        """Flows of one level do not wait for one another; one that waits for others has a higher level than they."""
        fact = self.facts[key]
        if isinstance(fact, Work):
            return 2 * (self.last_tier - self.tiers[fact.owner]) + bool(fact.components)
        return 2 * (self.last_tier - self.tiers[fact.seller] + 1)

    def tier_of(self, key: str) -> int:
        """The tier at which a flow ends: the owner's, or the buyer's."""
        fact = self.facts[key]
        return self.tiers[fact.buyer if isinstance(fact, Line) else fact.owner]

    def stock_of(self, name: Name) -> int:
        """What is there of an item."""
        return self._stock.get(name, 0)

    def demands_of(self, name: Name) -> Iterable[Demand]:
        """What is needed of an item."""
        return self._demands.get(name, ())

    def demands_by(self, key: str) -> Iterable[Demand]:
        """What a flow needs."""
        return (one for name in self._takes[key] for one in self._demands[name] if one.flow == key)

    def supplies_of(self, name: Name) -> Iterable[Supply]:
        """What is to come of an item, with its dates as they are now."""
        return self._supplies.get(name, {}).values()

    def output_of(self, key: str) -> Name:
        """The pool that a flow gives to."""
        return self._gives[key]

    def _expect(self, key: str) -> bool:
        """Expect a flow anew; whether it moved."""
        inputs = [self._answers_of(name)[f"{key}/{n}"] for n, name in enumerate(self._takes[key])]
        after = expect(self.flows[key], inputs, BEFORE_ALL)
        if after == self.expected.get(key):
            return False
        self.expected[key] = after
        parts = tuple(SupplyPart(part.date, part.quantity, part.cause, part.path, part.trail) for part in after.parts)
        self._supplies.setdefault(self._gives[key], {})[key] = Supply(key, self.flows[key].baseline, parts)
        return True

    def _answers_of(self, name: Name) -> Mapping[str, DemandCovered]:
        answers = self._answers.get(name)
        if answers is None:
            pool = Pool(
                self._stock.get(name, 0), self._demands.get(name, ()), tuple(self._supplies.get(name, {}).values())
            )
            answers = self._answers[name] = cover(pool)
        return answers

    def report(self, flow: str, estimated_finish: int, event: str, reason: str = "") -> Effect:
        """The owner of a flow says when it will end; what changes with it.

        ``statements``: what the flows and pools on the way say to one another, each once.
        """
        self._before = {}
        effect = Effect({})
        self._remember(flow)
        self.flows[flow] = replace(self.flows[flow], estimated_finish=estimated_finish, event=event, reason=reason)
        waiting = [(self.level(flow), flow)]
        while waiting:
            _, key = heappop(waiting)
            self._remember(key)
            before = self._answers_of(self._gives[key])
            if not self._expect(key):
                continue
            effect.moved[key] = Moved(key, self._before[key][1], self.expected[key])
            effect.statements += 1
            self._answers.pop(self._gives[key], None)
            after = self._answers_of(self._gives[key])
            for other in (answer.flow for id_, answer in after.items() if answer != before[id_]):
                effect.statements += 1
                effect.tied = effect.tied or other in self._tied_of(self._gives[key])
                if (entry := (self.level(other), other)) not in waiting:
                    heappush(waiting, entry)
        return effect

    def _tied_of(self, name: Name) -> Set[str]:
        """Flows that want something of a pool by the same minute as others whose commands came at other times."""
        tied = self._tied.get(name)
        if tied is None:
            beside: dict[int, list[Demand]] = {}
            for demand in self.demands_of(name):
                beside.setdefault(demand.need, []).append(demand)
            tied = self._tied[name] = {
                demand.flow
                for demands in beside.values()
                if len({demand.sequence for demand in demands}) > 1
                for demand in demands
            }
        return tied

    def _remember(self, key: str) -> None:
        self._before.setdefault(key, (self.flows[key], self.expected[key]))

    def undo(self) -> None:
        """As before the last report."""
        for key, (flow, expected) in self._before.items():
            self.flows[key], self.expected[key] = flow, expected
            parts = tuple(
                SupplyPart(part.date, part.quantity, part.cause, part.path, part.trail) for part in expected.parts
            )
            self._supplies[self._gives[key]][key] = Supply(key, flow.baseline, parts)
            self._answers.pop(self._gives[key], None)
        self._before = {}
