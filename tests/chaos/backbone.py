"""Workload: the three real services over HTTP on real Kafka, with clients that ask until they are answered.

Owns: the fleets (one a service), the traffic's beginning and end, and when nothing is in flight. What is right is in
``backbone_check``.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from time import monotonic

from infra.kafka.ports import choose_port
from infra.kafka.provision import load_topics, provision_async
from services.kernel.catalogue import TOPICS_FILE
from services.kernel.codec import to_json
from services.kernel.processor import CLOCK_TOPIC
from tests.chaos.backbone_check import PARTITIONS, SERVICES, Read, judge, judge_shipments, read_back
from tests.chaos.backbone_clients import Clients
from tests.chaos.backbone_lag import Lag, Last
from tests.chaos.backbone_stories import ENTERPRISES, Say, Story, Told, first_counts
from tests.chaos.logs import LogStuck, Tail
from tests.chaos.workload import Verdict
from tests.support.laws import ViewRows
from tests.support.workers import Command, Fleet

SERVE_SECONDS_MAX = 120.0
EXITS_MAX = 9
TICK_SECONDS = 1.0
STORIES_PER_RATE = 3.0
"""Stories told at once at most, by commands a second; when a service stands, all of them come to wait for it."""
STORIES_PER_LOOK, LOOK_SECONDS = 3, 0.05
ENOUGH_SECONDS = 60.0
"""So long at least a run goes on that has not tried enough."""
ANSWERED_SECONDS_MAX = 120.0
QUIET_SECONDS = 3.0
QUIET_SECONDS_MAX = 40.0
SHOWN = (("order", "order-lines"), ("inventory", "stock"), ("fulfillment", "flows"), ("fulfillment", "shipments"))
"""Views whose rows, as a replica gives them, are held against the table."""
SHOWN_ROWS = 25


class Backbone:
    """The workload. ``accepted_min``: the traffic ends only when so many commands were accepted."""

    def __init__(self, bootstrap: str, folder: Path, name: str, *, seed: int, rate: float, replicas: int,
                 session_seconds: float, accepted_min: int = 0) -> None:  # fmt: skip
        self.bootstrap, self.name, self.seed, self.rate = bootstrap, name, seed, rate
        self.session_seconds, self.accepted_min = session_seconds, accepted_min
        self.stories_max = int(rate * STORIES_PER_RATE)
        self._ports: dict[tuple[str, str], int] = {}
        self._rng = Random(seed)
        self._replicas = {service: self._rng.randint(1, replicas) for service in SERVICES}
        self._fleets = {service: Fleet(self._command_of(service), folder / service) for service in SERVICES}
        self.tails = {service: Tail(bootstrap, f"{service}-outcomes-v1", PARTITIONS) for service in SERVICES}
        self.clients = Clients(self._urls, rate, seed)
        self._numbers = itertools.count(1)
        self._tellers: list[asyncio.Task[None]] = []
        self._ended = False
        self._unseen: list[str] = []
        self._late: Mapping[str, int] = {}
        self._traffic = 0.0
        self._traffic_began = 0.0

    @property
    def fleets(self) -> Sequence[Fleet]:
        """One a service."""
        return tuple(self._fleets.values())

    def _command_of(self, service: str) -> Command:
        def command(instance: str) -> Sequence[str]:
            place = service, f"{service}-{instance}", str(self._port(service, instance))
            times = str(self.session_seconds), str(TICK_SECONDS)
            return "-m", "tests.chaos.backbone_worker", *place, self.bootstrap, *times

        return command

    def _port(self, service: str, instance: str) -> int:
        """The same for a worker's whole life, restarts included."""
        place = service, instance
        if place not in self._ports:
            self._ports[place] = choose_port(avoid=frozenset(self._ports.values()))
        return self._ports[place]

    def _urls(self, service: str) -> Sequence[str]:
        return [f"http://127.0.0.1:{self._port(service, worker.name)}" for worker in self._fleets[service].wanted]

    async def prepare(self) -> None:
        """Make the topics, start the workers, count every pool: the first answers mean that all serve."""
        await provision_async(self.bootstrap, load_topics(TOPICS_FILE))
        for tail in self.tails.values():
            await tail.start()
        self.clients.start()
        for service, replicas in self._replicas.items():
            for number in range(replicas):
                await self._fleets[service].start(f"w{number + 1}")

    async def start_traffic(self) -> None:
        """Tell stories; the first time, return when every partition has put something out."""
        self.clients.pause(False)
        self._traffic_began = monotonic()
        if self._tellers:
            return
        deadline = monotonic() + SERVE_SECONDS_MAX
        self._tellers.append(asyncio.create_task(self._first(self.clients.say)))
        await self._within(self._tellers[0], deadline)
        self._tellers.append(asyncio.create_task(self._begin()))
        while not all(self.progress().values()):
            self._complain(deadline)
            await asyncio.sleep(0.05)
        self._traffic, self._traffic_began = 0.0, monotonic()

    async def _within(self, task: "asyncio.Task[None]", deadline: float) -> None:
        while not task.done():
            self._complain(deadline)
            await asyncio.sleep(0.05)
        task.result()

    def _complain(self, deadline: float) -> None:
        exits = sum(worker.exits.total() for fleet in self.fleets for worker in fleet.workers.values())
        if monotonic() > deadline or exits > EXITS_MAX:
            folder = self.fleets[0].folder.parent
            raise TimeoutError(f"The services do not serve, and ended {exits} times; see {folder}")

    async def _begin(self) -> None:
        """Begin stories while those told do not fill the rate."""
        told: set[asyncio.Task[None]] = set()
        while not self._ended:
            for _ in range(STORIES_PER_LOOK):
                if self.clients.idle and len(told) < self.stories_max:
                    task = asyncio.create_task(self._tell())
                    told.add(task)
                    task.add_done_callback(told.discard)
                    self._tellers.append(task)
            await asyncio.sleep(LOOK_SECONDS)

    async def _tell(self) -> None:
        story = self._story(next(self._numbers))
        try:
            await story.tell()
        finally:
            self._unseen += story.unseen

    def _story(self, number: int) -> Told:
        return Story(self.seed, number, self.clients.say, self.clients.look)

    async def _first(self, say: Say) -> None:
        await first_counts(say)

    def _judge_more(self, reads: Mapping[str, Read], verdict: Verdict) -> None:
        """What the stories were about."""
        if not judge_shipments(reads, verdict):
            verdict.too_little.append("nothing was shipped")

    async def stop_traffic(self) -> None:
        """No new commands once enough were accepted; return when those under way have their answers (bounded)."""
        more = max(0, self.accepted_min - self.clients.account.counts["accepted"])
        deadline = monotonic() + max(ENOUGH_SECONDS, 3 * more / self.rate)
        while monotonic() < deadline:
            if self._enough():
                break
            await asyncio.sleep(0.2)
        self._ended = True
        self.clients.pause(True)
        self._traffic += monotonic() - self._traffic_began
        await self._answered(ANSWERED_SECONDS_MAX)
        for teller in self._tellers:  # they wait to go on, or for an answer that is not coming any more
            teller.cancel()
        for ended in await asyncio.gather(*self._tellers, return_exceptions=True):
            if isinstance(ended, Exception):
                self.clients.account.invalid.append(f"a story failed: {ended!r}")

    def _enough(self) -> bool:
        """So much was tried that the run proves something."""
        return self.clients.account.counts["accepted"] >= self.accepted_min

    async def _answered(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            if not self.clients.open:
                return
            await asyncio.sleep(0.05)

    async def quiet(self, pause: bool) -> None:
        """Pause until every answer is there and nothing is put out any more (bounded), or go on."""
        if not pause:
            self._traffic_began = monotonic()
            self.clients.pause(False)
            return
        self.clients.pause(True)
        self._traffic += monotonic() - self._traffic_began
        deadline = monotonic() + QUIET_SECONDS_MAX
        await self._answered(QUIET_SECONDS_MAX)
        since, before = monotonic(), -1
        while monotonic() < deadline and monotonic() - since < 1.0:
            done = sum(self.progress().values())
            if done != before:
                since, before = monotonic(), done
            await asyncio.sleep(0.1)

    async def settle(self, seconds: float) -> bool:
        """Wait until no service is behind, and nothing but the time was written for a while."""
        lag = Lag(self.bootstrap, {name: service.sources for name, service in SERVICES.items()}, PARTITIONS)
        await lag.start()
        began, since = monotonic(), monotonic()
        before: Last = {}
        try:
            while monotonic() - began < seconds:
                if (read := await lag.read()) is not None:
                    self._late, last = read
                    last = {tp: offset for tp, offset in last.items() if tp.topic != CLOCK_TOPIC}
                    late = [where for where in self._late if CLOCK_TOPIC not in where]
                    if late or last != before:
                        since, before = monotonic(), last
                    elif monotonic() - since > QUIET_SECONDS:
                        self._late = {}
                        return True
                await asyncio.sleep(0.3)
        finally:
            await lag.stop()
        return False

    def progress(self) -> Mapping[int, int]:
        """Outcomes per service and partition, numbered through."""
        return dict(enumerate(count for tail in self.tails.values() for count in tail.counts.values()))

    def inputs(self) -> int:
        """Commands answered so far."""
        return len(self.clients.account.answers)

    async def check(self) -> Verdict:
        """Read all logs back and judge; then see that replicas show what the tables hold."""
        verdict, account = Verdict(), self.clients.account
        for where, distance in self._late.items():
            verdict.blame("behind", f"{where} by {distance}")
        for unseen in self._unseen:
            verdict.blame("own write not seen", unseen)
        try:
            reads = {name: await read_back(self.bootstrap, name) for name in SERVICES}
        except LogStuck as stuck:
            verdict.blame("log stuck", str(stuck))
            return verdict
        judge(reads, account, verdict)
        self._judge_more(reads, verdict)
        for service, view in SHOWN:
            await self._compare_shown(service, view, reads[service].view(view), verdict)
        accepted = account.counts["accepted"]
        verdict.facts["rate"] = (
            f"{accepted / max(self._traffic, 1e-9):.0f} accepted a second over {self._traffic:.0f} s"
        )
        if accepted < self.accepted_min:
            verdict.too_little.append(f"{accepted:,} commands were accepted, not {self.accepted_min:,}")
        return verdict

    async def _compare_shown(self, service: str, view: str, rows: ViewRows, verdict: Verdict) -> None:
        for enterprise in ENTERPRISES:
            kept = rows.get(enterprise, {})
            for row_id in self._rng.sample(sorted(kept), min(SHOWN_ROWS, len(kept))):
                shown = None
                for _ in range(20):
                    if (shown := await self.clients.look(service, enterprise, view, id=row_id)) is not None:
                        break
                    await asyncio.sleep(0.5)
                if shown != [{"id": row_id, **to_json(kept[row_id])}]:
                    verdict.blame("wrong row", f"{service} shows {enterprise} {view} {row_id} as {shown}")

    async def close(self) -> None:
        """Stop everything."""
        for teller in self._tellers:
            teller.cancel()
        await self.clients.close()
        await asyncio.gather(*(fleet.stop_all() for fleet in self.fleets))
        for tail in self.tails.values():
            await tail.stop()
