"""One installation from `up` to `down`: replays into it, a killed process, dead letters, and data that outlives it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from infra.cli.home import ROOT, Home
from infra.cli.running import Running, look
from infra.kafka.broker import Broker
from infra.kafka.datadir import is_alive
from services.kernel.catalogue import load
from services.kernel.partitioner import partition_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SECONDS_MAX = 250
SAMPLE = ROOT / "infra" / "scenarios" / "sample_deliveries.tsv"
MAPPING = ROOT / "infra" / "scenarios" / "scms.yaml"
SCMS = os.environ.get("CHAINFLOW_SCMS_FILE", "")
# Counted by hand from the sample: seller, lines, late lines, days late.
SELLERS = {
    "orinoco-diagnosticos-s-a": (12, 12, 78),
    "meridian-bandage-sons": (8, 0, 0),
    "pale-moon-pharma-formerly-half-moon": (8, 1, 3),
    "scms-from-rdc": (6, 6, 36),
    "alpenquell-labs-gmbh": (5, 1, 3),
}


def chainflow(home: Home, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command, as typed."""
    environment = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS_MAX,
        env={**environment, "CHAINFLOW_HOME": str(home.folder)},
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """An installation that runs, without a ticker: the replays write the time."""
    where = Home(tmp_path_factory.mktemp("chainflow"))
    done = chainflow(where, "up", "--tick-seconds", "0")
    try:
        assert done.returncode == 0, done.stderr
        yield where
    finally:
        chainflow(where, "down")


def running(home: Home) -> Running:
    """What runs."""
    found = look(home)
    assert found is not None
    return found


def partners(home: Home) -> dict[str, tuple[int, int, int]]:
    """Seller to lines, late lines and days late in the programme's view."""
    url = running(home).urls()["order"][0]
    rows = httpx.get(f"{url}/v1/scms-programme/views/partners", params={"role": "BUYER"}).json()["rows"]
    return {row["partner"]: (row["lines"], row["late_lines"], row["days_late"]) for row in rows}


def ends(home: Home) -> dict[str, int]:
    """Topic to the number of its records, of those that hold facts and what follows from them."""

    async def ask() -> dict[str, int]:
        wanted = [
            TopicPartition(topic.name, number)
            for topic in load().values()
            if topic.name.endswith(("-events-v1", "-outcomes-v1", "-feed-v1", "-dead-letters-v1"))
            for number in range(topic.partitions)
        ]
        consumer = AIOKafkaConsumer(bootstrap_servers=running(home).bootstrap)
        await consumer.start()
        try:
            found: dict[str, int] = {}
            for place, end in (await consumer.end_offsets(wanted)).items():
                found[place.topic] = found.get(place.topic, 0) + end
            return found
        finally:
            await consumer.stop()

    return asyncio.run(ask())


def test_status_names_every_process(home: Home) -> None:
    done = chainflow(home, "status")
    assert done.returncode == 0
    for name in ("broker", "order-1", "inventory-1", "fulfillment-1"):
        assert name in done.stdout
    assert done.stdout.count("ready") == 3


def test_a_replay_comes_to_the_figures_of_the_file_and_again_changes_nothing(home: Home) -> None:
    done = chainflow(home, "replay", str(SAMPLE), "--map", str(MAPPING))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "every figure of the views is that of the file" in done.stdout
    assert partners(home) == SELLERS
    before = ends(home)
    again = chainflow(home, "replay", str(SAMPLE), "--map", str(MAPPING))
    assert again.returncode == 0, f"{again.stdout}\n{again.stderr}"
    assert partners(home) == SELLERS
    assert ends(home) == before


def test_a_file_that_says_otherwise_is_found_out(home: Home, tmp_path: Path) -> None:
    """The views keep what was replayed; a file with another delivery date must not compare equal."""
    changed = tmp_path / "changed.tsv"
    text = SAMPLE.read_text(encoding="utf-8")
    rows = text.splitlines()
    cells = rows[1].split("\t")
    cells[13] = "1-Dec-12"
    changed.write_text("\n".join([rows[0], "\t".join(cells), *rows[2:]]) + "\n", encoding="utf-8")
    done = chainflow(home, "replay", str(changed), "--map", str(MAPPING))
    assert done.returncode == 1, done.stdout
    assert "✗ the file:" in done.stdout


def test_a_bad_mapping_says_what_is_wrong(home: Home, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(MAPPING.read_text(encoding="utf-8").replace("column: Vendor}", "column: Vender}"), encoding="utf-8")
    done = chainflow(home, "replay", str(SAMPLE), "--map", str(bad))
    assert done.returncode == 1
    assert "no column 'Vender'; did you mean 'Vendor'?" in " ".join(done.stderr.split())


@pytest.mark.skipif(
    not SCMS, reason="CHAINFLOW_SCMS_FILE does not name the SCMS delivery history; see docs/how-to/replay.md"
)
def test_the_delivery_history_of_the_scms(home: Home, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"  # another buyer, so that the view compared holds nothing else
    own.write_text(MAPPING.read_text(encoding="utf-8").replace("SCMS programme", "History test"), encoding="utf-8")
    done = chainflow(home, "replay", SCMS, "--map", str(own), "--limit", "100")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "every figure of the views is that of the file" in done.stdout


def test_a_dead_letter_is_listed_shown_and_sent_again(home: Home) -> None:
    key = b"order/nobody/1"

    async def garbage() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=running(home).bootstrap)
        await producer.start()
        await producer.send_and_wait("order-commands-v1", b"garbage", key=key, partition=partition_of(key, 4))
        await producer.stop()

    asyncio.run(garbage())
    name = _listed(home, 1)[0]
    shown = chainflow(home, "dead-letters", "show", name)
    assert shown.returncode == 0, shown.stderr
    assert "bad-magic" in shown.stdout
    assert "676172 62616765" in shown.stdout
    sent = chainflow(home, "dead-letters", "replay", name)
    assert sent.returncode == 0, sent.stderr
    assert len(_listed(home, 2)) == 2, "the cause is not mended, so it is set aside again"


def _listed(home: Home, count: int) -> list[str]:
    deadline = time.monotonic() + 30
    while True:
        done = chainflow(home, "dead-letters", "list", "--service", "order")
        names = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("order-dead-letters-v1:")]
        if len(names) >= count or time.monotonic() > deadline:
            return names


def test_a_killed_process_comes_back_and_up_again_does_nothing(home: Home) -> None:
    first = running(home)
    victim = next(process for process in first.processes if process.service == "inventory")
    os.kill(victim.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while chainflow(home, "status").returncode != 0:
        assert time.monotonic() < deadline
    second = running(home)
    assert {process.name: process.port for process in second.processes} == {p.name: p.port for p in first.processes}
    assert next(process for process in second.processes if process.service == "inventory").starts == 2
    assert chainflow(home, "up").returncode == 0
    assert running(home).pid == first.pid


def test_data_outlives_down_and_a_killed_supervisor(home: Home) -> None:
    """Last: it stops and starts everything."""
    before = partners(home)
    first = running(home)
    os.kill(first.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(is_alive(process.pid) for process in first.processes):
        assert time.monotonic() < deadline, "services outlive their supervisor"
    assert chainflow(home, "status").returncode == 3
    done = chainflow(home, "up", "--tick-seconds", "0")
    assert done.returncode == 0, done.stderr
    assert partners(home) == before
    assert chainflow(home, "down").returncode == 0
    assert look(home) is None
    assert Broker.attach(home.kafka) is None
    state = json.loads((home.run / "supervisor.json").read_text())
    assert state["phase"] == "stopped"
    assert not any(is_alive(process["pid"]) for process in state["processes"])
    assert "nothing runs" in chainflow(home, "down").stderr
