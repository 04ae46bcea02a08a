"""Everything that one installation runs: a broker with its topics, and the processes of the three services.

Owns: the order of starting (broker, topics, services, healthy) and the settings of each process. Deliberately lacks:
who holds it all, which is the demo's own process or the supervisor that ``up`` leaves behind.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx

from infra.cli.errors import CliError
from infra.cli.home import ROOT, Home
from infra.cli.processes import Keeper, Spec
from infra.kafka.broker import Broker, bootstrap_servers
from infra.kafka.provision import load_topics, provision_async

SERVICES = ("order", "inventory", "fulfillment")
TOPICS_FILE = ROOT / "schemas" / "topics.yaml"
HEALTHY_SECONDS_MAX = 90.0
LOG_LINES = 12

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Health:
    """What a process says of itself: ``ready`` when all its partitions are served; which those are."""

    ready: bool
    answers: bool
    partitions: tuple[int, ...] = ()


async def start_broker(home: Home, *, detached: bool, say: Say) -> tuple[str, Broker | None]:
    """The broker's address, and the broker if it is ours. ``KAFKA_BOOTSTRAP_SERVERS`` names another one."""
    return await asyncio.to_thread(bootstrap_servers, home.kafka, on_progress=say, detached=detached)


async def make_topics(bootstrap: str, say: Say) -> int:
    """Create the topics of the catalogue that are missing; how many that were. Differences are told, not mended."""
    done = await provision_async(bootstrap, load_topics(TOPICS_FILE))
    for difference in done.differences:
        say(f"warning: {difference}")
    return len(done.created)


def specs(home: Home, bootstrap: str, replicas: int, tick_seconds: float | None) -> list[Spec]:
    """The processes to run: ``replicas`` of each service, each on a port of its own that it keeps over restarts."""
    names = [f"{service}-{number}" for service in SERVICES for number in range(1, replicas + 1)]
    ports = home.ports(names)
    found = []
    for name in names:
        service, port = name.rpartition("-")[0], ports[name]
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "CHAINFLOW_HOST": "127.0.0.1",
            "CHAINFLOW_PORT": str(port),
            "CHAINFLOW_URL": f"http://127.0.0.1:{port}",
            "CHAINFLOW_INSTANCE": f"{name}-{port}",
        }
        if tick_seconds is not None:
            environment["CHAINFLOW_TICK_SECONDS"] = f"{tick_seconds:g}"
        found.append(Spec(name, f"services.{service}", port, environment, home.log(name)))
    return found


async def start_services(keeper: Keeper, wanted: list[Spec]) -> None:
    """Start the processes; returns when all are healthy. Raises CliError with the end of the log of one that is not."""
    for spec in wanted:
        await keeper.start(spec)
    await await_healthy(wanted, lambda spec: keeper.kept[spec.name].starts)


async def await_healthy(wanted: list[Spec], starts: Callable[[Spec], int]) -> None:
    """Wait until every process serves its partitions. Raises CliError if one does not within 90 s, or keeps ending."""
    deadline = monotonic() + HEALTHY_SECONDS_MAX
    async with httpx.AsyncClient(timeout=2.0) as client:
        waiting = list(wanted)
        while waiting:
            healths = await asyncio.gather(*(health(client, spec.port) for spec in waiting))
            waiting = [spec for spec, found in zip(waiting, healths, strict=True) if not found.ready]
            failing = [spec for spec in waiting if starts(spec) > 5]
            if failing or (waiting and monotonic() > deadline):
                raise CliError(_why_not(failing or waiting))
            await asyncio.sleep(0.1 if waiting else 0.0)


def _why_not(waiting: list[Spec]) -> str:
    first = waiting[0]
    lines = first.log.read_text(errors="replace").splitlines()[-LOG_LINES:] if first.log.exists() else []
    names = ", ".join(spec.name for spec in waiting)
    return "\n".join([f"not healthy: {names}. The end of {first.log}:", *(f"  {line}" for line in lines)])


async def health(client: httpx.AsyncClient, port: int) -> Health:
    """Ask one process; one that does not answer is not healthy."""
    try:
        answer = await client.get(f"http://127.0.0.1:{port}/health/ready")
        body: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        return Health(False, False)
    return Health(answer.status_code == 200, True, tuple(body.get("mine", ())))


def urls_of(wanted: list[Spec]) -> dict[str, list[str]]:
    """Service to the addresses of its replicas."""
    found: dict[str, list[str]] = {service: [] for service in SERVICES}
    for spec in wanted:
        found[spec.name.rpartition("-")[0]].append(f"http://127.0.0.1:{spec.port}")
    return found


def given_bootstrap() -> str:
    """The broker that the environment names, if any."""
    return os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
