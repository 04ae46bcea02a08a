"""One chaos run: traffic on, faults by plan, traffic off, settle, check.

Owns: the order of a run and the measure of standstills. Deliberately lacks: what is sent and what is right (workloads).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from time import monotonic

from infra.kafka.broker import Broker
from tests.chaos.workload import Verdict, Workload
from tests.support.faults import IN_TRANSACTION, Done, Fault, Injector, Step

SAMPLE_SECONDS = 0.1
STANDSTILL_SECONDS_MIN = 0.5
LEAD_SECONDS = 1.0
"""Traffic before the first fault and after the last one."""

RESUME_SHARE = 2 / 3

Tell = Callable[[str, "Report"], None]
"""Called with what happens now, and the report so far."""


@dataclass(slots=True)
class Report:
    """What was done and found."""

    done: list[Done] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    settled: bool = False
    settle_seconds: float = 0.0
    traffic_seconds: float = 0.0
    exits: dict[str, int] = field(default_factory=dict)
    """Why workers ended by themselves, and how often."""
    starts: int = 0

    @property
    def ok(self) -> bool:
        """Nothing violated, and nothing left undone."""
        return self.settled and self.verdict.ok

    @property
    def in_transaction(self) -> tuple[int, int]:
        """Of the faults that ask for an open transaction: how many hit one, and how many there were."""
        asked = [done for done in self.done if done.kind in IN_TRANSACTION and done.in_transaction is not None]
        return sum(done.in_transaction is True for done in asked), len(asked)

    @property
    def doubts(self) -> list[str]:
        """Why the run proves too little, if it does; half of the kills and zombies must fall into a transaction."""
        hit, asked = self.in_transaction
        few = [f"{hit} of {asked} kills and zombies met an open transaction"] if 2 * hit < asked else []
        return [*self.verdict.too_little, *few]

    @property
    def proven(self) -> bool:
        """The faults and the traffic were what they had to be."""
        return not self.doubts


class Standstills:
    """Watches progress, and remembers when a partition stood: from when, and for how long."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.found: list[tuple[float, float]] = []
        self.paused = False

    async def watch(self) -> None:
        """Until cancelled."""
        counts = dict(self.workload.progress())
        moved = dict.fromkeys(counts, monotonic())
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            now = monotonic()
            for partition, count in self.workload.progress().items():
                if self.paused:
                    moved[partition] = now
                elif count != counts[partition]:
                    if now - moved[partition] > STANDSTILL_SECONDS_MIN:
                        self.found.append((moved[partition], now - moved[partition]))
                    counts[partition], moved[partition] = count, now

    def blame(self, faults: Iterable[Done]) -> None:
        """Give each standstill to the last fault that had begun when the partition stopped; keep the longest."""
        ordered = list(faults)
        for since, seconds in self.found:
            before = [done for done in ordered if done.began_s <= since + 2 * SAMPLE_SECONDS + 0.2]
            if before:
                before[-1].recovery_seconds = max(before[-1].recovery_seconds or 0.0, seconds)


async def _resumed(workload: Workload, seconds: float) -> None:
    before, deadline = dict(workload.progress()), monotonic() + seconds
    while monotonic() < deadline:
        if all(count > before[number] for number, count in workload.progress().items()):
            return
        await asyncio.sleep(SAMPLE_SECONDS)


async def chaos(
    workload: Workload,
    broker: Broker,
    steps: Iterable[Step],
    *,
    session_seconds: float,
    faults_max: int,
    seconds_max: float,
    settle_seconds_max: float,
    resume_seconds_max: float = 0.0,
    tell: Tell = lambda what, report: None,
) -> Report:
    """Run to the end and judge. Stops drawing faults at the first of ``faults_max`` and ``seconds_max``.

    ``resume_seconds_max``: so long at most every partition is waited for to move again after two faults of three; by
    default not at all, since a fault in the recovery from another is worth more than one in peace. But on a machine
    that has much else to do faults alone would leave no time for work that they could hit.
    """
    report = Report()
    standstills = Standstills(workload)

    async def quiet(pause: bool) -> None:
        standstills.paused = True
        await workload.quiet(pause)
        standstills.paused = pause

    injectors = [Injector(fleet, broker, session_seconds, quiet) for fleet in workload.fleets]

    async def hurt(step: Step) -> Done:
        # The draw that settles which worker is hit settles which fleet first.
        which, target = divmod(step.target * len(injectors), 1.0)
        done = await injectors[int(which)].do(replace(step, target=target))
        if len(injectors) > 1 and step.kind is not Fault.BROKER_KILL:
            done.what = f"{injectors[int(which)].fleet.folder.name} {done.what}"
        return done

    watching: asyncio.Task[None] | None = None
    try:
        tell("starting the workers", report)
        await workload.prepare()
        await workload.start_traffic()
        began = monotonic()
        watching = asyncio.create_task(standstills.watch())
        await asyncio.sleep(LEAD_SECONDS)
        for step in steps:
            if len(report.done) >= faults_max or monotonic() - began > seconds_max:
                break
            tell(f"next: {step.kind}", report)
            await asyncio.sleep(step.pause_seconds)
            tell(f"{step.kind}", report)
            report.done.append(await hurt(step))
            if step.detail < RESUME_SHARE:
                await _resumed(workload, resume_seconds_max)
        await asyncio.sleep(LEAD_SECONDS)
        report.traffic_seconds = monotonic() - began
        tell("traffic off, waiting until all is decided", report)
        await workload.stop_traffic()
        ended = monotonic()
        report.settled = await workload.settle(settle_seconds_max)
        report.settle_seconds = monotonic() - ended
        tell("reading everything back", report)
        report.verdict = await workload.check()
        if not report.settled:
            report.verdict.blame("not settled", f"still behind after {report.settle_seconds:.0f} s")
    finally:
        if watching:
            watching.cancel()
        await workload.close()
    standstills.blame(report.done)
    report.exits = dict(sum((fleet.reasons() for fleet in workload.fleets), Counter[str]()).most_common())
    workers = [worker for fleet in workload.fleets for worker in fleet.workers.values()]
    if overdue := sum(worker.overdue for worker in workers):
        report.verdict.facts["workers that did not stop when asked"] = str(overdue)
    report.starts = sum(worker.starts for worker in workers)
    return report
