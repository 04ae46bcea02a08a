"""The services as processes on a real broker, as a ground to play chains on: commands and views over HTTP.

What a service keeps of a flow or a pool no view shows whole; it is read from its event log and folded, as the service
itself would after a loss of its tables. The clock of a broker goes forward only, so every chain has enterprises and a
calendar of its own, behind those before it.
"""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any
from urllib.parse import quote

from infra.kafka.broker import Broker
from infra.kafka.provision import load_topics, provision
from services.fulfillment.api import ROUTES as FULFILLMENT_ROUTES
from services.inventory.api import ROUTES as INVENTORY_ROUTES
from services.kernel.catalogue import TOPICS_FILE, load
from services.kernel.codec import NO_META
from services.kernel.http_commands import CommandRoute
from services.kernel.json_form import to_json
from services.kernel.json_models import body_model, to_dataclass
from services.kernel.messages import Tick
from services.kernel.processor import CLOCK_TOPIC, DomainProcessor
from services.order.api import ROUTES as ORDER_ROUTES
from tests.chaos.backbone_lag import Lag, Last
from tests.service_chains.naming import FIRST_DAY, Names, Written
from tests.support.backbone import WIRING
from tests.support.laws import FoldRows
from tests.support.live import SERVICES, Live, Raw, Replica, free_port

HEAP_MB = 320
QUIET_SECONDS_MAX = 60.0
DAYS_APART = timedelta(days=120)
ROUTES = {
    route.command: (service, route)
    for service, routes in (
        ("order", ORDER_ROUTES),
        ("inventory", INVENTORY_ROUTES),
        ("fulfillment", FULFILLMENT_ROUTES),
    )
    for route in routes
}


class Running:
    """The three services, and what was read of their logs."""

    def __init__(self, live: Live, runner: asyncio.Runner) -> None:
        self.live, self._runner = live, runner
        self.services = {name: DomainProcessor(*WIRING[name], live.partitions) for name in SERVICES}
        self._lag = Lag(live.bootstrap, {name: one.sources for name, one in self.services.items()}, live.partitions)
        runner.run(self._lag.start())
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._read: dict[str, dict[int, int]] = {name: {} for name in SERVICES}
        self._now_ms = 0
        self._numbers = itertools.count()

    def close(self) -> None:
        """Disconnect."""
        self._runner.run(self._lag.stop())

    def fresh(self, facts: Written) -> "tuple[LiveGround, Names]":
        """A ground and names that no chain before had."""
        number = next(self._numbers)
        return LiveGround(self), Names(facts["pools"], f"~{number}", FIRST_DAY + number * DAYS_APART)

    def tick(self, now_ms: int) -> None:
        """The time, for every partition."""
        assert now_ms >= self._now_ms, "the clock of a broker goes forward only"
        self._now_ms = now_ms
        value = self.services["order"].wires.clock.encode(NO_META, Tick(now_ms))
        self.live.write(Raw(CLOCK_TOPIC, None, value, partition=number) for number in range(self.live.partitions))

    def settle(self) -> None:
        """Return when no record is behind, and none came between two looks."""
        deadline = monotonic() + QUIET_SECONDS_MAX
        before: Last | None = None
        while True:
            for replica in self.live.replicas.values():
                replica.revive()
            look = self._runner.run(self._lag.read())
            if look is not None and not look[0]:
                if look[1] == before:
                    break
                before = look[1]
            assert monotonic() < deadline, f"not quiet within {QUIET_SECONDS_MAX:.0f} s: {look and look[0]}"
        for name in SERVICES:
            assert not self.live.read(f"{name}-dead-letters-v1"), f"{name} has dead letters"
            self._fold(name)

    def _fold(self, name: str) -> None:
        """Take over the events that were not read yet."""
        service = self.services[name]
        for record in self.live.read(f"{name}-events-v1", self._read[name]):
            self._read[name][record.partition] = record.offset + 1
            meta, fact = service.wires.events.decode(record.value or b"")[:2]
            rows = self._rows.setdefault((name, meta.aggregate), {})
            for key, row in service.by_kind[meta.aggregate.partition("/")[0]].evolve(FoldRows(rows), fact).items():
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row

    def rows(self, service: str, key: str) -> dict[str, Any]:
        """What a service keeps under a key, by row key."""
        return dict(self._rows.get((service, key), {}))


class LiveGround:
    """One chain on them."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def send(self, enterprise: str, command: Any) -> None:
        """Say it through the front door."""
        service, route = ROUTES[type(command)]
        said = to_json(command)
        names = {name: said.pop(name) for name in _in_path(route)}
        path = route.path.format(**{name: quoted(str(value)) for name, value in names.items()})
        self._running.live.done(service, route.method, quoted(enterprise), path, said)

    def tick(self, now_ms: int) -> None:
        """Set the clock."""
        self._running.tick(now_ms)

    def settle(self) -> None:
        """Return when nothing is in flight."""
        self._running.settle()

    def rows(self, service: str, key: str) -> dict[str, Any]:
        """What a service keeps under a key, by row key."""
        return self._running.rows(service, key)

    def view(self, service: str, enterprise: str, view: str) -> dict[str, Any]:
        """What an enterprise sees, by row id."""
        declared = self._running.services[service].domain.views
        shape = next(one.row for one in declared if one.name == view)
        model = body_model(shape)
        rows = self._running.live.view(service, quoted(enterprise), view)
        return {
            row_id: to_dataclass(shape, model.model_validate({k: v for k, v in row.items() if k != "id"}), {})
            for row_id, row in rows.items()
        }


def _in_path(route: CommandRoute) -> list[str]:
    return [part[1:-1] for part in route.path.split("/") if part.startswith("{")]


def quoted(text: str) -> str:
    """As a part of an address."""
    return quote(text, safe="")


@contextmanager
def running() -> Iterator[Running]:
    """A broker of our own and one process of each service, in a folder that goes with them."""
    with (
        TemporaryDirectory(prefix="chainflow-") as folder,
        Broker.start(Path(folder) / "kafka", heap_mb=HEAP_MB, port=free_port()) as broker,
        asyncio.Runner() as runner,
    ):
        provision(broker.bootstrap, load_topics(TOPICS_FILE))
        settings = {"CHAINFLOW_TICK_SECONDS": "0"}
        replicas = {
            name: Replica(name, broker.bootstrap, Path(folder), f"{name}-1", settings).start() for name in SERVICES
        }
        try:
            for replica in replicas.values():
                replica.await_ready()
            live = Live(broker.bootstrap, Path(folder), load()["order-commands-v1"].partitions, replicas)
            one = Running(live, runner)
            try:
                yield one
            finally:
                one.close()
                live.http.close()
        finally:
            for replica in replicas.values():
                replica.kill()
