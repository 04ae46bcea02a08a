"""Processes that are kept: started again when they end, more and more slowly, and gone when they should be."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from infra.cli.home import Home
from infra.cli.processes import Keeper, Spec
from infra.kafka.datadir import is_alive
from infra.kafka.ports import PORT_LIMIT

SECONDS_MAX = 20.0


def spec(folder: Path, code: str) -> Spec:
    """A process that runs the code: a module found through PYTHONPATH."""
    (folder / "kept_for_test.py").write_text(code)
    return Spec("one", "kept_for_test", 1, {"PYTHONPATH": str(folder)}, folder / "one.log")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(SECONDS_MAX):
        while not condition():  # noqa: ASYNC110  a process sets no event
            await asyncio.sleep(0.01)


def test_what_ends_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    async def body() -> None:
        keeper, at = Keeper(), asyncio.get_running_loop().time
        moments: list[float] = []
        keeper._changed = lambda: moments.append(at())
        kept = await keeper.start(spec(tmp_path, "raise SystemExit(70)"))
        await until(lambda: kept.starts >= 4)
        await keeper.stop_all(1.0)
        assert kept.last_code in (70, -signal.SIGTERM)
        assert (tmp_path / "one.log").read_text().count("--- start") == kept.starts
        pauses = [started - ended for ended, started in zip(moments[1::2], moments[2::2], strict=False)]
        assert pauses[0] >= 0.2
        assert pauses[1] >= 0.4
        assert pauses[2] >= 0.8

    asyncio.run(body())


def test_a_killed_process_has_a_successor_and_stopping_leaves_none(tmp_path: Path) -> None:
    async def body() -> None:
        keeper = Keeper()
        kept = await keeper.start(spec(tmp_path, "import time; print('up', flush=True); time.sleep(100)"))
        first = kept.pid
        assert keeper.kill("one") == first
        await until(lambda: kept.starts == 2 and kept.pid != 0)
        second = kept.pid
        await keeper.stop_all(1.0)
        assert not is_alive(first)
        assert not is_alive(second)
        assert kept.pid == 0

    asyncio.run(body())


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(100)"
    )

    async def body() -> None:
        keeper = Keeper()
        kept = await keeper.start(spec(tmp_path, code))
        await until(lambda: "deaf" in (tmp_path / "one.log").read_text())
        pid = kept.pid
        await keeper.stop_all(0.2)
        assert kept.last_code == -signal.SIGKILL
        assert not is_alive(pid)

    asyncio.run(body())


def test_ports_are_remembered_and_below_those_that_clients_get(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    first = home.ports(["order-1", "inventory-1"])
    assert home.ports(["order-1", "inventory-1"]) == first
    assert len(set(first.values())) == 2
    assert all(1024 < port < PORT_LIMIT for port in first.values())
    more = home.ports(["order-1", "order-2"])
    assert more["order-1"] == first["order-1"]
    assert more["order-2"] not in first.values()


def test_a_home_that_was_named_counts_before_the_environment(tmp_path: Path) -> None:
    from infra.cli.home import DEFAULT_FOLDER, default_home

    before = os.environ.pop("CHAINFLOW_HOME", None)
    try:
        assert default_home().folder == DEFAULT_FOLDER
        os.environ["CHAINFLOW_HOME"] = str(tmp_path / "env")
        assert default_home().folder == tmp_path / "env"
        assert default_home(tmp_path / "named").folder == tmp_path / "named"
    finally:
        os.environ.pop("CHAINFLOW_HOME", None)
        if before is not None:
            os.environ["CHAINFLOW_HOME"] = before
