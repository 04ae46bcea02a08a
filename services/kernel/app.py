"""The Faust app of a service: Faust's group, assignor, agents and recovery driver; our transport, leases and tables.

Owns: the settings without which Faust's defaults lose or repeat records, each with its reason, and the watchdog.
Deliberately lacks: Faust's own table writes and commits; see lease.py.
"""

import asyncio
import gc
import logging
from dataclasses import dataclass
from time import monotonic
from typing import Any

import faust
from faust.serializers.codecs import Codec
from faust.types import TP

from services.kernel.batch import Processor
from services.kernel.consumer import KernelTransport
from services.kernel.lease import LeaseSettings, die
from services.kernel.ownership import KernelAssignor, Leases
from services.kernel.protocol import quicken
from services.kernel.recovery import KernelTables
from services.kernel.telemetry import Meters

POLL_RECORDS_MAX = 2_000
STREAM_BUFFER_POLLS_MAX = 16
WATCH_SECONDS = 5.0
NOTE_SECONDS = 0.2
COLLECT_AFTER = 100_000, 20, 50

log = logging.getLogger("chainflow.kernel")


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What makes one worker; times in seconds.

    ``instance`` is the static member's name: a worker restarted under it takes its partitions back without a rebalance.
    """

    group: str
    bootstrap: str
    sources: tuple[str, ...]
    changelog: str
    partitions: int
    instance: str
    url: str = "http://localhost"
    session_seconds: float = 6.0
    stuck_seconds_max: float = 60.0
    patient: frozenset[str] = frozenset()
    datadir: str = ""


class Untouched(Codec):
    """Values pass as they are: a chunk of a poll is not decoded by Faust."""

    def _loads(self, value: Any) -> Any:
        return value


class KernelApp(faust.App):
    """A Faust app whose partitions are leases."""

    leases: Leases
    polled_at_s: float = 0.0

    def _new_transport(self) -> KernelTransport:
        return KernelTransport(self.conf.broker_consumer, self)

    async def crash(self, reason: BaseException) -> None:
        """Faust's services report what killed them here; a worker half alive is worse than none."""
        die("Faust crashed", reason)

    def _crash(self, reason: BaseException) -> None:
        die("Faust crashed", reason)


def make_app(settings: AppSettings, processor: Processor, meters: Meters | None = None) -> KernelApp:
    """The app of one worker; starting it joins the group.

    Every source topic has ``settings.partitions`` partitions, and so has the changelog.
    """
    quicken()
    app = KernelApp(
        settings.group,
        broker=f"kafka://{settings.bootstrap.replace(',', ';kafka://')}",
        store="memory://",
        topic_partitions=settings.partitions,
        table_standby_replicas=0,
        web_enabled=False,
        canonical_url=settings.url,
        datadir=settings.datadir or f"/tmp/chainflow-{settings.group}-{settings.instance}",
        consumer_group_instance_id=settings.instance,
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,  # Faust would make topics; infra makes them, from the catalogue
        topic_allow_declare=False,
        processing_guarantee="exactly_once",  # makes the consumer read_committed; the rest of it is replaced
        broker_max_poll_records=POLL_RECORDS_MAX,
        stream_wait_empty=False,
        stream_buffer_maxsize=STREAM_BUFFER_POLLS_MAX,
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=min(1.0, settings.session_seconds / 5),
        broker_request_timeout=max(30.0, settings.session_seconds),
        stream_recovery_delay=0.0,
        TableManager=KernelTables,
        PartitionAssignor=KernelAssignor,
    )
    meters = meters or Meters()
    app.leases = Leases(
        frozenset(settings.sources),
        LeaseSettings(
            settings.group, settings.bootstrap, settings.changelog, settings.instance, patient=settings.patient
        ),
        processor,
        meters,
        fence_seconds_max=settings.session_seconds,
    )
    source = app.topic(
        *sorted(settings.sources),
        value_serializer=Untouched(), key_serializer="raw", partitions=settings.partitions, value_type=None,
    )  # fmt: skip
    changelog = app.topic(
        settings.changelog, key_type=bytes, value_type=bytes, partitions=settings.partitions, compacting=True
    )
    app.Table("rows", default=None, partitions=settings.partitions, changelog_topic=changelog)
    app.agent(source, name="chunks")(_hand_over(app.leases))
    app.task(_watch(app, settings, meters))
    app.task(_note(app))
    return app


def _hand_over(leases: Leases) -> Any:
    async def chunks(stream: Any) -> None:
        async for event in stream.events():
            for tp, polled in event.message.value.items():
                lease = leases.get(tp.partition)
                while lease and lease.open and lease.full:
                    lease.moved.clear()
                    await lease.moved.wait()
                if lease and lease.open:
                    lease.put(polled)

    return chunks


def _note(app: KernelApp) -> Any:
    async def note() -> None:
        """Tells the group where its members stand. In the transactions it would cost each of them two requests."""
        noted: dict[TP, int] = {}
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            if app.should_stop:  # the consumer may be closed
                return
            stands = {
                TP(topic, number): at
                for number, lease in app.leases.items()
                if lease.open
                for topic, at in lease.position.items()
            }
            if not app.rebalancing and (moved := {tp: at for tp, at in stands.items() if noted.get(tp) != at}):
                await app.consumer._thread.note(moved)
                noted = stands

    return note


def _watch(app: KernelApp, settings: AppSettings, meters: Meters) -> Any:
    async def watch() -> None:
        """Ends a worker that has lag but makes no progress: polls that stop returning were seen in the field."""
        seen: dict[int, tuple[int, float]] = {}  # partition to its positions' sum and since when
        recovering: dict[int, tuple[int, float]] = {}
        calm_at_s = monotonic()
        while not app.should_stop:
            await asyncio.sleep(WATCH_SECONDS)
            if not app.rebalancing:
                calm_at_s = monotonic()
            elif monotonic() - calm_at_s > settings.stuck_seconds_max:
                die(f"a rebalance lasts for {settings.stuck_seconds_max:.0f} s")
            owned = [tp for tp in app.consumer.assignment() if tp.topic in app.leases.sources]
            if app.tables.recovery.in_recovery and not app.rebalancing:
                _watch_recovery(app.leases, recovering, settings.stuck_seconds_max)
            else:
                recovering.clear()
            if not owned or app.rebalancing or app.tables.recovery.in_recovery:
                seen.clear()
                continue
            async with asyncio.timeout(settings.stuck_seconds_max):
                ends = await app.consumer._thread._highwaters(owned)
            lag: dict[int, int] = {}
            stands: dict[int, int] = {}  # any topic's progress is the lease's: a busy one takes them by turns
            for tp in owned:
                lease = app.leases.get(tp.partition)
                position = lease.position.get(tp.topic) if lease and lease.open else None
                if position is None:
                    continue
                lag[tp.partition] = lag.get(tp.partition, 0) + max(0, ends[tp] - position)
                stands[tp.partition] = stands.get(tp.partition, 0) + position
            for partition, behind in lag.items():
                meters.lag_records.labels(str(partition)).set(behind)
                before, since = seen.get(partition, (-1, 0.0))
                if before != stands[partition] or behind == 0:
                    seen[partition] = stands[partition], monotonic()
                elif monotonic() - since > settings.stuck_seconds_max:
                    die(f"partition {partition} stands for {settings.stuck_seconds_max:.0f} s with {behind} waiting")

    return watch


def _watch_recovery(leases: Leases, seen: dict[int, tuple[int, float]], seconds_max: float) -> None:
    """A recovery that stands still ends the process as well: its changelog may have gone from under it."""
    for number, lease in leases.items():
        before, since = seen.get(number, (-1, 0.0))
        if before != lease.recovered or lease.recovered >= lease.end:
            seen[number] = lease.recovered, monotonic()
        elif monotonic() - since > seconds_max:
            die(f"recovery of partition {number} stands at {lease.recovered} of {lease.end} for {seconds_max:.0f} s")


def collect_seldom() -> None:
    """Leave what was made until now alone for ever, and look at the rest less often than Python would.

    Rows, caches and messages hold no cycles, and a collection walks over all of them: with Python's own thresholds a
    quarter of the time goes there.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def run(app: KernelApp, log_level: str = "WARNING") -> None:
    """Run the worker until a signal ends it: SIGTERM and SIGINT finish the running transactions first."""
    for library in ("aiokafka", "faust", "mode", "services"):  # theirs name their services, ours is "chainflow"
        logging.getLogger(library).setLevel(logging.WARNING)
    # A produce that meets the markers of the transaction before is retried after 5 ms: normal here, not worth a line.
    logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)
    worker = faust.Worker(app, loglevel=log_level, quiet=True, redirect_stdouts=False)
    worker.spinner = None  # it would write cursor codes to a log, and make every logger format its debug records
    collect_seldom()
    worker.execute_from_commandline()
