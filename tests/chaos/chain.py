"""Workload: random supply chains told to the three services over HTTP, with slips that are taken back, and more slips.

Owns: stories of whole chains, and the judgement against the independent oracle: what the services keep and show of each
chain at the end must be what follows from the facts that were told of it last, in all fields, whatever was killed on
the way. Deliberately lacks: stock and actual dates. What is known of goods when they leave depends on when that is, and
here nobody waits for anything.
"""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from types import SimpleNamespace
from typing import Any

from services.inventory.pool_commands import CountStock
from tests.chain_oracle.chains import Shape, Shares, random_chain
from tests.chain_oracle.changes import Happenings
from tests.chain_oracle.expected import expected_of
from tests.chaos.backbone import Backbone
from tests.chaos.backbone_check import SERVICES, Read
from tests.chaos.backbone_stories import Answer, Look, Say
from tests.chaos.workload import Verdict
from tests.service_chains.comparing import Comparison
from tests.service_chains.naming import Names, Written
from tests.service_chains.playing import Player
from tests.service_chains.telling import Said

STORIES_MAX = 40
"""At once: each chain says one thing after the other, a hundred in all, so few of them come to an end if many begin."""
WHOLE_MIN = 4
"""Chains that were told whole before a run may end."""
STEPS = 6
PLAIN = Shares(stock=0, reservations=0, pallets=0, trader=0, priority=0, need_moved=0, reports_start=0, unlike_units=0)
"""The oracle counts whole units, the services millionths: a split line of unlike units may differ by part of one."""
SHAPES = (Shape(4, 3, 2, PLAIN), Shape(6, 4, 3, PLAIN), Shape(7, 6, 2, PLAIN))
TRIES = 40
AGAIN_SECONDS = 0.5
"""A command may wait for what another service has not said yet; after so many tries it is refused for good."""


class Reports(Happenings):
    """Only what firms report of what is planned, and take back."""

    def _possible(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self._slip, 8),
            (self._recovery, 4),
            (self._firm_estimate, 2),
            (self._estimated_start, 2),
            (self._restored, 3),
        ]

    def _reported(self, flow: dict[str, Any], **report: Any) -> None:
        """Nobody says that something ends before it begins: that is refused."""
        super()._reported(flow, **report)
        start, finish = flow.get("estimated_start"), flow.get("estimated_finish")
        if start is not None and finish is not None and finish <= start:
            del flow["estimated_start" if "estimated_finish" in report else "estimated_finish"]
            flow.pop("firm", None)


class Spoken:
    """A ground where nothing runs: what a player says, in order."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self._counted: dict[str, Any] = {}

    def send(self, enterprise: str, command: Any) -> None:
        """To be said later."""
        if isinstance(command, CountStock):
            self._counted[f"pool/{enterprise}/{command.site}/{command.item}"] = command.counted.amount
        self.said.append((enterprise, command))

    def tick(self, now_ms: int) -> None:
        """The real clock goes on; all dates of the chain are years away."""

    def settle(self) -> None:
        """Nobody waits."""

    def rows(self, service: str, key: str) -> dict[str, Any]:
        """Of pools, what was counted."""
        return {"head": SimpleNamespace(on_hand=self._counted[key])}

    def view(self, service: str, enterprise: str, view: str) -> dict[str, Any]:
        """Nothing is seen while it is told."""
        return {}


class ChainStory:
    """One chain: planned and agreed by all its firms, then step after step of reports."""

    def __init__(self, seed: int, number: int, say: Say, look: Look) -> None:
        self.number, self._say, self.unseen = number, say, list[str]()
        chain = random_chain(seed * 100_000 + number, SHAPES[number % len(SHAPES)])
        self._happenings = Reports(chain, Random(f"reports {seed}/{number}"))
        self._spoken, self._ids = Spoken(), 0
        self._player = Player(lambda facts: (self._spoken, Names(facts["pools"], tag=f"-{number}")))
        self.facts: Written | None = None
        """What was told whole and of which nothing else was begun; None while something is being told."""
        self.steps = 0

    @property
    def names(self) -> Names:
        """What its flows and pools are called in the services."""
        return self._player.names

    async def tell(self) -> None:
        """From the plans to the last report."""
        facts = self._happenings.facts_now()
        for step in range(STEPS + 1):
            self.facts = None
            self._player.after(facts)
            said, self._spoken.said = self._spoken.said, []
            for enterprise, command in said:
                await self._accepted(enterprise, command)
            self.facts, self.steps = facts, step
            facts = self._happenings.step()

    async def _accepted(self, enterprise: str, command: Any) -> None:
        service = next(name for name, known in SERVICES.items() if type(command) in known.by_command)
        answer: Answer = {}
        for _ in range(TRIES):
            self._ids += 1
            answer = await self._say(service, enterprise, f"c{self.number}-{self._ids}", command)
            if answer["status"] == "ACCEPTED":
                return
            await asyncio.sleep(AGAIN_SECONDS)
        raise ValueError(f"refused: {answer.get('code')}, {answer.get('advice')}: {command}")


class ReadGround(Spoken):
    """What was read back of all services' tables."""

    def __init__(self, reads: Mapping[str, Read]) -> None:
        super().__init__()
        self._reads = reads
        self._by_key: dict[str, dict[bytes, dict[str, bytes]]] = {}
        for name, read in reads.items():
            by_key = self._by_key[name] = {}
            for row_id, data in read.table.items():
                key, _, row = row_id.partition(b"\0")
                if not row.startswith(b"~"):
                    by_key.setdefault(key, {})[row.decode()] = data
        self._views: dict[tuple[str, str], Any] = {}

    def rows(self, service: str, key: str) -> dict[str, Any]:
        """What a service keeps under a key, by row key."""
        codecs = SERVICES[service].row_codecs[key.partition("/")[0]]
        found = self._by_key[service].get(key.encode(), {})
        return {row: codecs[row.partition("/")[0]].decode(data) for row, data in found.items()}

    def view(self, service: str, enterprise: str, view: str) -> dict[str, Any]:
        """What an enterprise sees, by row id."""
        if (service, view) not in self._views:
            self._views[service, view] = self._reads[service].view(view)
        rows: dict[str, Any] = self._views[service, view].get(enterprise, {})
        return rows


class Chain(Backbone):
    """The workload: as the backbone's, with chains for orders."""

    _chains: list[ChainStory]

    def __init__(self, *where: Any, **how: Any) -> None:
        super().__init__(*where, **how)
        self.stories_max, self._chains = STORIES_MAX, []

    def _story(self, number: int) -> ChainStory:
        story = ChainStory(self.seed, number, self.clients.say, self.clients.look)
        self._chains.append(story)
        return story

    async def _first(self, say: Say) -> None:
        """Nothing has to be said first: chains come to every partition by themselves."""

    def _enough(self) -> bool:
        return super()._enough() and sum(story.facts is not None for story in self._chains) >= WHOLE_MIN

    def _judge_more(self, reads: Mapping[str, Read], verdict: Verdict) -> None:
        """Each chain that was told whole, against the oracle."""
        ground, values, late = ReadGround(reads), 0, 0
        whole = [story for story in self._chains if story.facts is not None]
        for story in whole:
            assert story.facts is not None
            expected, delays = expected_of(story.facts, {})
            compared = Comparison().of(ground, story.names, story.facts, expected)
            values, late = values + compared.values, late + bool(delays)
            for difference in compared.differences:
                verdict.blame("differs from the oracle", f"chain {story.number} step {story.steps}: {difference}"[:600])
        verdict.facts["chains"] = (
            f"{len(self._chains):,} begun, {len(whole):,} of them told whole and compared with the oracle: "
            f"{values:,} values, {late:,} chains with late lines"
        )
        if not late:
            verdict.too_little.append("no chain with a late line was compared")
