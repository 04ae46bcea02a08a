"""The broker's settings file and Java command line: one node that is broker and controller at once, on loopback.

Deliberately lacks topic settings: retention, compaction and timestamps belong to each topic (``schemas/topics.yaml``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infra.kafka.datadir import marker
from infra.kafka.java import Java
from infra.kafka.ports import Ports

__all__ = ["java_command", "server_properties"]

_LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")


def server_properties(log_dir: Path, ports: Ports, *, bind: str = "127.0.0.1", advertised: str | None = None) -> str:
    """The text of ``server.properties``. ``log_dir`` is where Kafka keeps its records (its word for them is log)."""
    advertised = advertised or f"127.0.0.1:{ports.broker}"
    values: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{ports.controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{bind}:{ports.broker},CONTROLLER://127.0.0.1:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised},CONTROLLER://127.0.0.1:{ports.controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_dir,
        # A misspelt topic must fail, not appear.
        "auto.create.topics.enable": "false",
        "default.replication.factor": 1,
        "num.partitions": 4,
        # One node, so one copy of everything; few partitions, because each costs time at start.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 8,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        # A broker that writes a transaction's records only if the coordinator knows that transaction: no hung ones.
        "transaction.partition.verification.enable": "true",
        # A dead producer's transaction holds up readers of its partition, so time it out promptly.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        # A lone developer's group should not wait for members that never come.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # After a crash the controller refuses the broker until the dead one's session has run out (by default 9 s).
        "broker.session.timeout.ms": 2500,
        "broker.heartbeat.interval.ms": 500,
        "message.max.bytes": 2 * 1024 * 1024,
        "log.retention.ms": -1,
        "log.retention.bytes": -1,
        # Sized for a small machine. The cleaner's buffer is allocated whole at start, hence not its default of 128 MB.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        # An idle broker need not write two records a second to say so.
        "metadata.max.idle.interval.ms": 5000,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def java_command(
    java: Java, classpath: Sequence[Path], data_dir: Path, main: Sequence[str], *, heap_mb: int, lasting: bool = False
) -> list[str]:
    """The command line that runs ``main`` (a class and its arguments) with a bounded heap, in MB.

    ``lasting``: for hours. Java's optimizing compiler takes a whole core for the first minutes; afterwards a request
    costs the broker a quarter less. Without it the first minute's answers come in a tenth of the time.
    """
    return [
        str(java.executable),
        marker(data_dir),
        f"-Xmx{heap_mb}m",
        f"-Xms{min(heap_mb, 96)}m",
        # One collector thread and the least overhead; with a heap this small its pauses stay short.
        "-XX:+UseSerialGC",
        *([] if lasting else ["-XX:TieredStopAtLevel=1"]),
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={_LOG_SETTINGS}",
        f"-Dchainflow.log.dir={data_dir / 'logs'}",
        "-cp",
        ":".join(str(jar) for jar in classpath),
        *main,
    ]
