"""The lifetime of one embedded broker: hold its directory, start Java, make sure it is ours and healthy, end it.

Owns the data directory's layout: ``broker.lock``, ``cluster-id``, ``ports.json``, ``server.properties``, ``records/``
(Kafka's own) and ``logs/``. Invariants: no Java without the lock; no `Broker` is handed out before the broker that
answers on its port has reported this directory's cluster id. Deliberately lacks restarting a broker that died by
itself: a caller that wants it back says `restart`, everyone else should see the failure.
"""

from __future__ import annotations

import atexit
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.kafka.cluster_id import new_cluster_id
from infra.kafka.datadir import DataDirLock, LockRecord, is_alive, is_our_java, read_record
from infra.kafka.errors import BrokerFailed, DataDirInUse, ForeignBroker
from infra.kafka.health import cluster_id_of
from infra.kafka.jars import ensure_jars
from infra.kafka.java import find_java
from infra.kafka.ports import Ports, choose_port, is_free, load_ports, save_ports
from infra.kafka.process import JavaProcess, end_process
from infra.kafka.settings import java_command, server_properties

__all__ = ["DEFAULT_DATA_DIR", "Broker", "bootstrap_servers"]

DEFAULT_DATA_DIR = Path(__file__).resolve().parents[2] / ".chainflow" / "kafka"
"""Under the checkout, so that two checkouts side by side do not meet."""

DEFAULT_HEAP_MB = 512
_HEALTHY_SECONDS = 90.0
_FORMAT_SECONDS = 60.0
_STOP_SECONDS = 20.0
_ORPHAN_SECONDS = 30.0
_PORT_TRIES = 3

Say = Callable[[str], None]


class Broker:
    """A healthy broker. ``bootstrap`` is "127.0.0.1:PORT"; ``pid`` is Java's, 0 when it does not run."""

    def __init__(
        self, data_dir: Path, cluster_id: str, ports: Ports, *, heap_mb: int, detached: bool, lasting: bool = False
    ) -> None:
        self.data_dir = data_dir
        self.cluster_id = cluster_id
        self.pid = 0
        self._ports = ports
        self._heap_mb = heap_mb
        self._detached = detached
        self._lasting = lasting or detached
        self._java: JavaProcess | None = None
        self._owner = os.getpid()

    @property
    def bootstrap(self) -> str:
        """What clients connect to; stays the same over `kill` and `restart`."""
        return f"127.0.0.1:{self._ports.broker}"

    @property
    def running(self) -> bool:
        """True while the Java process lives."""
        return self._java.running if self._java else is_our_java(self.pid, self.data_dir)

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        heap_mb: int | None = None,
        port: int | None = None,
        on_progress: Say | None = None,
        detached: bool = False,
        lasting: bool = False,
    ) -> Broker:
        """Start a broker on ``data_dir`` and return when it is healthy.

        ``heap_mb`` defaults to ``CHAINFLOW_KAFKA_HEAP_MB`` or 512. ``port`` fixes the client port; without it the
        directory's last port is used again, or a free one chosen. ``detached``: Java outlives this process, else it
        dies with it. ``lasting``, as a detached one is: its first minutes may be slow if the hours afterwards are fast.
        Raises DataDirInUse, JavaNotFound, JarsUnavailable, ForeignBroker, BrokerFailed.
        """
        say = on_progress or (lambda _: None)
        heap = heap_mb if heap_mb is not None else _heap_from(os.environ)
        data_dir = data_dir.resolve()
        lock = _hold(data_dir, say)
        try:
            lock.write(LockRecord(os.getpid(), detached=detached, since=time.time()))
            (data_dir / "logs").mkdir(exist_ok=True)
            broker = cls(data_dir, _cluster_id(data_dir), Ports(0, 0), heap_mb=heap, detached=detached, lasting=lasting)
            broker._start_on_some_port(lock, port, say)
        finally:
            # From here on Java's inherited share is the hold, so it cannot end before Java does.
            lock.release()
        return broker

    @classmethod
    def attach(cls, data_dir: Path) -> Broker | None:
        """The broker that already runs on ``data_dir``, or None. Raises ForeignBroker if another has its port."""
        data_dir = data_dir.resolve()
        record, ports = read_record(data_dir), load_ports(data_dir / "ports.json")
        if record is None or ports is None or not is_our_java(record.java, data_dir):
            return None
        broker = cls(data_dir, _cluster_id(data_dir), ports, heap_mb=_heap_from(os.environ), detached=record.detached)
        broker.pid = record.java
        broker._check_identity()
        return broker

    def stop(self) -> None:
        """End Java cleanly: SIGTERM, up to 20 s, then SIGKILL. Does nothing if it has ended already."""
        self._end(_STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL Java, as a crash would; returns when it is gone. Data that clients saw acknowledged stays."""
        self._end(0.0)

    def restart(self, on_progress: Say | None = None) -> None:
        """Start Java again on the same directory and port after `kill` or `stop`; returns when it is healthy."""
        if self.running:
            raise BrokerFailed(f"The broker on {self.data_dir} still runs (pid {self.pid}); stop or kill it first.")
        say = on_progress or (lambda _: None)
        lock = _hold(self.data_dir, say)
        try:
            lock.write(LockRecord(os.getpid(), detached=self._detached, since=time.time()))
            self._start_on_some_port(lock, self._ports.broker, say)
        finally:
            lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, term_seconds: float) -> None:
        if os.getpid() != self._owner:
            return  # a forked child must not end its parent's broker
        if self.running and not end_process(self.pid, term_seconds=term_seconds):
            raise BrokerFailed(f"Java (pid {self.pid}) did not end after SIGKILL; it may hang in the kernel.")
        if self._java is not None:
            self._java.wait(5.0)
            self._java = None
        self.pid = 0
        atexit.unregister(self.stop)

    def _start_on_some_port(self, lock: DataDirLock, wanted: int | None, say: Say) -> None:
        """Start on the wanted port, else the remembered one, else free ones; a lost race for a free port is retried."""
        java = find_java()
        say(f"Java {java.major} from {java.source}")
        classpath = ensure_jars()
        remembered = load_ports(self.data_dir / "ports.json")
        for attempt in range(1, _PORT_TRIES + 1):
            self._ports = _pick(wanted, remembered, say)
            properties = self.data_dir / "server.properties"
            properties.write_text(server_properties(self.data_dir / "records", self._ports))
            save_ports(self.data_dir / "ports.json", self._ports)

            def run(*main: str) -> JavaProcess:
                command = java_command(
                    java, classpath, self.data_dir, main, heap_mb=self._heap_mb, lasting=self._lasting
                )
                output = self.data_dir / "logs" / "console.log"
                return JavaProcess(command, output=output, keep_fd=lock.fd, tied=not self._detached)

            self._format(run, properties, say)
            say(f"starting Kafka on {self.bootstrap}")
            self._java = run("kafka.Kafka", str(properties))
            self.pid = self._java.pid
            lock.write(LockRecord(os.getpid(), self.pid, self._ports.broker, self._detached, time.time()))
            try:
                self._await_health()
            except (BrokerFailed, ForeignBroker) as error:
                ended = not self._java.running
                self._end(0.0)
                taken = not (is_free(self._ports.broker) and is_free(self._ports.controller))
                lost_race = isinstance(error, ForeignBroker) or (ended and taken)
                if wanted is not None or not lost_race or attempt == _PORT_TRIES:
                    raise
                remembered = None
                say("another server took the port meanwhile; trying another")
                continue
            if not self._detached:
                atexit.register(self.stop)
            return

    def _format(self, run: Callable[..., JavaProcess], properties: Path, say: Say) -> None:
        """Give a new directory Kafka's metadata; without it the broker refuses to start."""
        meta = self.data_dir / "records" / "meta.properties"
        if meta.exists():
            lines = dict(line.split("=", 1) for line in meta.read_text().splitlines() if "=" in line)
            if lines.get("cluster.id") != self.cluster_id:
                raise BrokerFailed(
                    f"{meta} belongs to cluster {lines.get('cluster.id')}, but {self.data_dir / 'cluster-id'} says "
                    f"{self.cluster_id}. One was copied from elsewhere: restore the right one, or use a new directory."
                )
            return
        say("formatting a new data directory")
        arguments = ("format", "--cluster-id", self.cluster_id, "--config", str(properties), "--ignore-formatted")
        process = run("kafka.tools.StorageTool", *arguments)
        if not process.wait(_FORMAT_SECONDS):
            end_process(process.pid, term_seconds=0.0)
        if process.returncode != 0 or not meta.exists():
            raise BrokerFailed(f"Formatting {self.data_dir} failed.\n{self._log_tail()}")

    def _await_health(self) -> None:
        deadline = time.monotonic() + _HEALTHY_SECONDS
        while time.monotonic() < deadline:
            if not self.running:
                raise BrokerFailed(f"Kafka ended while starting.\n{self._log_tail()}")
            if _accepts(self._ports.broker) and self._check_identity():
                return
            time.sleep(0.05)
        raise BrokerFailed(f"Kafka was not healthy after {_HEALTHY_SECONDS:.0f} s.\n{self._log_tail()}")

    def _check_identity(self) -> bool:
        """True if our broker answers, False if none is ready; raises ForeignBroker if another one does."""
        answered = cluster_id_of(self.bootstrap)
        if answered is None:
            return False
        if answered != self.cluster_id:
            raise ForeignBroker(
                f"{self.bootstrap} answers as cluster {answered}, but {self.data_dir} is cluster {self.cluster_id}. "
                "Another broker has the port: stop that one, or start this one with another --port."
            )
        return True

    def _log_tail(self, lines: int = 8) -> str:
        texts = []
        for name in ("console.log", "server.log"):
            path = self.data_dir / "logs" / name
            if path.exists():
                texts += path.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([*texts, f"More in {self.data_dir / 'logs'}"])


def _heap_from(environ: Mapping[str, str]) -> int:
    text = environ.get("CHAINFLOW_KAFKA_HEAP_MB", str(DEFAULT_HEAP_MB))
    try:
        heap = int(text)
    except ValueError:
        heap = 0
    if heap < 128:
        raise BrokerFailed(f"CHAINFLOW_KAFKA_HEAP_MB={text!r}: give a whole number of megabytes, at least 128.")
    return heap


def _cluster_id(data_dir: Path) -> str:
    """The directory's own cluster id, made on first use."""
    path = data_dir / "cluster-id"
    if path.exists() and (known := path.read_text().strip()):
        return known
    fresh = new_cluster_id()
    path.write_text(fresh + "\n")
    return fresh


def _hold(data_dir: Path, say: Say) -> DataDirLock:
    """Lock the directory; a broker whose supervisor was killed is ended first, any other holder is left alone."""
    deadline = time.monotonic() + _ORPHAN_SECONDS
    told = False
    while True:
        try:
            return DataDirLock.acquire(data_dir)
        except DataDirInUse:
            record = read_record(data_dir)
            orphaned = record is not None and not record.detached and not is_alive(record.supervisor)
            if not orphaned or time.monotonic() > deadline:
                raise
            assert record is not None
            if not told:
                say(f"the last supervisor (pid {record.supervisor}) was killed; ending what it left")
                told = True
            if is_our_java(record.java, data_dir):
                end_process(record.java, term_seconds=_STOP_SECONDS)
            time.sleep(0.05)


def _pick(wanted: int | None, remembered: Ports | None, say: Say) -> Ports:
    if wanted is not None:
        if not is_free(wanted):
            raise BrokerFailed(f"Port {wanted} is taken by another process; stop it, or give another --port.")
        known = remembered.controller if remembered and remembered.broker == wanted else 0
        return Ports(wanted, known if known and is_free(known) else choose_port(avoid=frozenset({wanted})))
    if remembered is not None:
        if is_free(remembered.broker) and is_free(remembered.controller):
            return remembered
        say(f"port {remembered.broker} of the last start is taken now; choosing another")
    first = choose_port()
    return Ports(first, choose_port(avoid=frozenset({first})))


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False


def bootstrap_servers(
    data_dir: Path = DEFAULT_DATA_DIR,
    *,
    environ: Mapping[str, str] | None = None,
    on_progress: Say | None = None,
    detached: bool = False,
) -> tuple[str, Broker | None]:
    """Where to find Kafka: ``KAFKA_BOOTSTRAP_SERVERS`` if set (then nothing is started), else the embedded broker.

    The second value is the broker if this call started or found an embedded one; stopping it is up to the caller.
    """
    given = (os.environ if environ is None else environ).get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
    if given:
        return given, None
    broker = Broker.attach(data_dir) or Broker.start(data_dir, on_progress=on_progress, detached=detached)
    return broker.bootstrap, broker
