"""Every kind of fault once, and the control: the same check must find stock Faust's exactly_once wanting.

What is asserted is what came out, never how long it took: the bounds are for a machine that is busy with other things.
"""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from infra.kafka.broker import Broker
from tests.chaos.counting import Counting
from tests.chaos.report import render_text
from tests.chaos.run import Report, chaos
from tests.support.faults import WEIGHTS, Fault, Step, plan

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 20
SESSION_SECONDS = 4.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One of our own: it gets killed."""
    with Broker.start(tmp_path_factory.mktemp("chaos-kafka"), heap_mb=384) as started:
        yield started


def run(
    broker: Broker,
    folder: Path,
    name: str,
    steps: list[Step],
    *,
    rate: float,
    stock: bool = False,
    settle_seconds_max: float = 120.0,
    resume_seconds_max: float = 0.0,
) -> Report:
    """One run over these steps."""
    workload = Counting(
        broker.bootstrap,
        folder,
        name,
        seed=SEED,
        rate=rate,
        replicas=2,
        session_seconds=SESSION_SECONDS,
        stock=stock,
    )
    ran = chaos(
        workload,
        broker,
        steps,
        session_seconds=SESSION_SECONDS,
        faults_max=len(steps),
        seconds_max=400.0,
        settle_seconds_max=settle_seconds_max,
        resume_seconds_max=resume_seconds_max,
    )
    return asyncio.run(ran)


def test_nothing_is_lost_or_repeated_by_any_kind_of_fault(broker: Broker, tmp_path: Path) -> None:
    steps = list(islice(plan(SEED, pace_seconds=1.5), len(WEIGHTS)))
    assert {step.kind for step in steps} == set(Fault)
    report = run(broker, tmp_path, "short", steps, rate=1000)
    text = render_text(report)
    assert report.ok, text
    assert report.proven, text
    assert report.verdict.inputs > 10_000, text
    assert len(report.done) == len(steps), text


def test_the_check_finds_stock_faust_wanting(broker: Broker, tmp_path: Path) -> None:
    """The control: a check that stock Faust passes too would prove nothing.

    Records put out twice are what counts, since a slow worker's missing ones might only be late.
    """
    steps = [Step(Fault.KILL, 3.0, target, 0.5) for target in (0.0, 0.9, 0.0)]
    report = run(
        broker, tmp_path, "control", steps, rate=600, stock=True, settle_seconds_max=15.0, resume_seconds_max=40.0
    )
    found = report.verdict.violations
    assert found["duplicate"] + found["beyond"] > 0, render_text(report)
