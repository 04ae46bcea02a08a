"""One broker and one replica of each service for all tests of a run; each test has enterprises of its own."""

import itertools
import warnings
from collections.abc import Callable, Iterator

import pytest

from infra.kafka.broker import Broker
from infra.kafka.provision import load_topics, provision
from services.kernel.catalogue import TOPICS_FILE, load
from tests.support.live import SERVICES, Live, Replica, free_port

HEAP_MB = 320
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The three services on a broker of their own."""
    folder = tmp_path_factory.mktemp("live")
    with Broker.start(folder / "kafka", heap_mb=HEAP_MB, port=free_port()) as broker:
        provision(broker.bootstrap, load_topics(TOPICS_FILE))
        replicas = {name: Replica(name, broker.bootstrap, folder, f"{name}-1").start() for name in SERVICES}
        running = Live(broker.bootstrap, folder, load()["order-commands-v1"].partitions, replicas)
        try:
            for replica in replicas.values():
                replica.await_ready()
            yield running
        finally:
            running.http.close()
            if crashes := [f"{name}: {said}" for name, one in replicas.items() for said in one.crashes]:
                warnings.warn(f"services ended by themselves and were started again: {crashes}", stacklevel=1)
            for replica in replicas.values():
                if replica.process is not None and replica.process.poll() is None:
                    replica.process.terminate()
            for replica in replicas.values():
                if replica.process is not None:
                    replica.process.wait(30)


@pytest.fixture
def name() -> Callable[[str], str]:
    """Makes the name of an enterprise that no other test has."""
    number = next(_numbers)
    return lambda role: f"{role}-{number}"
