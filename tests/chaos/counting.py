"""Workload: count records per key. Every key's outputs must be 1, 2, 3, … up to the number of its inputs, and no more.

The same traffic and the same check serve the kernel's counter and stock Faust's, which is the control.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from services.kernel.partitioner import partition_of
from tests.chaos.logs import LogStuck, Tail, make_topics, read_all
from tests.chaos.traffic import Traffic
from tests.chaos.workload import Verdict
from tests.support.workers import Fleet

PARTITIONS = 4
KEYS_PER_PARTITION = 500
SERVE_SECONDS_MAX = 90.0
EXITS_MAX = 6
"""Before the first output; a worker that cannot start at all should not take the whole wait to say so."""
STANDSTILL_SECONDS_MAX = 60.0


class Counting:
    """The workload. ``stock`` runs Faust as it comes, else the kernel."""

    def __init__(self, bootstrap: str, folder: Path, name: str, *, seed: int, rate: float, replicas: int,
                 session_seconds: float, stock: bool = False) -> None:  # fmt: skip
        self.bootstrap, self.name, self.replicas, self.stock = bootstrap, name, replicas, stock
        self.sources = (f"{name}-a", f"{name}-b")
        self.out = f"{name}-out"
        self.changelog = f"{name}-counts-changelog"
        keys: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        number = 0
        while any(len(some) < KEYS_PER_PARTITION for some in keys):
            key = b"k%d" % number
            some = keys[partition_of(key, PARTITIONS)]
            if len(some) < KEYS_PER_PARTITION:
                some.append(key)
            number += 1
        self.traffic = Traffic(bootstrap, name, self.sources, keys, rate, seed)
        self.tail = Tail(bootstrap, self.out, PARTITIONS)
        self.session_seconds = session_seconds
        self.fleet = Fleet(self._command, folder)
        self._truth: Counter[bytes] = Counter()

    @property
    def fleets(self) -> Sequence[Fleet]:
        """The one."""
        return (self.fleet,)

    def _command(self, instance: str) -> Sequence[str]:
        return (
            "-m", f"tests.support.{'stock_counter' if self.stock else 'counter'}",
            "--group", self.name, "--bootstrap", self.bootstrap,
            "--source", self.sources[0], "--source", self.sources[1],
            "--out", self.out, "--changelog", self.changelog, "--instance", instance,
            "--partitions", str(PARTITIONS), "--session", str(self.session_seconds),
        )  # fmt: skip

    async def prepare(self) -> None:
        """Make the topics, start the workers, and see the first output come through."""
        await make_topics(self.bootstrap, (*self.sources, self.out, self.changelog), PARTITIONS)
        await self.tail.start()
        for number in range(self.replicas):
            await self.fleet.start(f"w{number + 1}")

    async def start_traffic(self) -> None:
        """Send; the first time, return when every partition has put something out."""
        await self.traffic.start()
        deadline = monotonic() + SERVE_SECONDS_MAX
        while not all(self.tail.counts.values()):
            exits = sum(worker.exits.total() for worker in self.fleet.workers.values())
            if monotonic() > deadline or exits > EXITS_MAX:
                raise TimeoutError(f"The workers do not serve, and ended {exits} times; see {self.fleet.folder}")
            await asyncio.sleep(0.05)

    async def stop_traffic(self) -> None:
        """Send no more."""
        await self.traffic.stop()

    async def quiet(self, pause: bool) -> None:
        """Pause until nothing is left to do (bounded), or go on."""
        if not pause:
            await self.traffic.start()
            return
        self.traffic.pause()
        deadline = monotonic() + 30.0
        since, before = monotonic(), -1
        while monotonic() < deadline and monotonic() - since < 2.0:
            done = sum(self.tail.counts.values())
            if done != before:
                since, before = monotonic(), done
            await asyncio.sleep(0.1)

    async def settle(self, seconds: float) -> bool:
        """Wait until the group's position is behind the last record of every source; markers after it do not count."""
        last: dict[TopicPartition, int] = {}
        self._truth = Counter()
        for topic in self.sources:
            async for tp, record in read_all(self.bootstrap, topic, PARTITIONS):
                self._truth[record.key] += 1
                last[tp] = record.offset
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        began = moved = monotonic()
        before = -1
        try:
            while monotonic() - began < seconds and monotonic() - moved < STANDSTILL_SECONDS_MAX:
                try:
                    at = await admin.list_consumer_group_offsets(self.name)
                except KafkaError:
                    at = {}
                if last and all(tp in at and at[tp].offset > offset for tp, offset in last.items()):
                    return True
                done = sum(self.tail.counts.values())
                if done != before:
                    before, moved = done, monotonic()
                await asyncio.sleep(0.25)
        finally:
            await admin.close()
        return False

    def progress(self) -> Mapping[int, int]:
        """Outputs per partition."""
        return self.tail.counts

    def inputs(self) -> int:
        """Records acknowledged so far."""
        return self.traffic.account.total

    async def check(self) -> Verdict:
        """Inputs against outputs against rows."""
        verdict = Verdict(inputs=self._truth.total())
        account = self.traffic.account
        for key in {*self._truth, *account.acked}:
            sent, doubt, there = account.acked[key], account.doubtful[key], self._truth[key]
            if not sent <= there <= sent + doubt:
                verdict.blame("input not as acknowledged", f"{key!r}: {there} in the log, {sent}+{doubt} sent")
        if account.doubtful.total():
            verdict.facts["inputs in doubt"] = str(account.doubtful.total())
        try:
            values = await self._outputs()
            rows = await self._rows()
        except LogStuck as stuck:
            verdict.blame("log stuck", str(stuck))
            return verdict
        verdict.outputs = sum(len(some) for some in values.values())
        judge_outputs(self._truth, values, verdict)
        judge_rows(self._truth, values, rows, verdict)
        return verdict

    async def _outputs(self) -> dict[bytes, list[int]]:
        values: dict[bytes, list[int]] = {}
        async for _, record in read_all(self.bootstrap, self.out, PARTITIONS):
            values.setdefault(record.key, []).append(int(record.value))
        return values

    async def _rows(self) -> dict[bytes, int]:
        rows: dict[bytes, int] = {}
        async for _, record in read_all(self.bootstrap, self.changelog, PARTITIONS):
            if record.key.startswith(b"~"):  # the kernel's own
                continue
            if record.value is None:
                rows.pop(record.key, None)
            else:
                rows[record.key] = int(record.value)
        return rows

    async def close(self) -> None:
        """Stop everything."""
        self.traffic.abandon()
        await (self.fleet.kill_all() if self.stock else self.fleet.stop_all())
        await self.tail.stop()


def judge_outputs(truth: Mapping[bytes, int], values: Mapping[bytes, Sequence[int]], verdict: Verdict) -> None:
    """Per key exactly 1…n, in order: missing, duplicate, beyond (counted twice) and disorder are told apart."""
    for key in {*truth, *values}:
        wanted, seen = truth.get(key, 0), values.get(key, ())
        if len(seen) == wanted and all(value == index for index, value in enumerate(seen, 1)):
            continue
        different = set(seen)
        where = f"{key!r}: {wanted} inputs, outputs {_shown(seen)}"
        verdict.blame("missing", where, wanted - len(different & set(range(1, wanted + 1))))
        verdict.blame("duplicate", where, len(seen) - len(different))
        verdict.blame("beyond", where, sum(not 1 <= value <= wanted for value in different))
        verdict.blame("gap or disorder", where, sum(b != a + 1 for a, b in zip((0, *seen), seen, strict=False)))


def judge_rows(
    truth: Mapping[bytes, int], values: Mapping[bytes, Sequence[int]], rows: Mapping[bytes, int], verdict: Verdict
) -> None:
    """The table rebuilt from its changelog holds each key's number, and that is the last one put out."""
    for key in {*truth, *rows}:
        row, last = rows.get(key, 0), (values.get(key) or (0,))[-1]
        verdict.blame("wrong row", f"{key!r}: row {row}, inputs {truth.get(key, 0)}", row != truth.get(key, 0))
        verdict.blame("row is not the last output", f"{key!r}: row {row}, output {last}", row != last)


def _shown(seen: Sequence[int]) -> str:
    """Where a sequence departs from 1, 2, 3, …"""
    for index, value in enumerate(seen, 1):
        if value != index:
            return f"…{', '.join(map(str, seen[max(0, index - 4) : index + 6]))}… ({len(seen)})"
    return f"1…{len(seen)}"


def make_counting(stock: bool = False) -> Callable[..., Counting]:
    """A maker of the workload, for the command line's table of workloads."""

    def make(bootstrap: str, folder: Path, name: str, *, seed: int, rate: float, replicas: int,
             session_seconds: float) -> Counting:  # fmt: skip
        return Counting(bootstrap, folder, name, seed=seed, rate=rate, replicas=replicas,
                        session_seconds=session_seconds, stock=stock)  # fmt: skip

    return make
