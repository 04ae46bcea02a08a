"""Every kind of fault once to the three services, over HTTP; and a log that was tampered with must be found out."""

import asyncio
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from infra.kafka.broker import Broker
from services.kernel.messages import Outcome, OutcomeStatus
from tests.chaos.backbone import Backbone
from tests.chaos.backbone_check import SERVICES, Read, judge_outcomes
from tests.chaos.backbone_clients import Account
from tests.chaos.report import render_text
from tests.chaos.run import chaos
from tests.chaos.workload import Verdict
from tests.support.faults import WEIGHTS, Fault, plan

SEED = 4
SESSION_SECONDS = 4.0


@pytest.mark.chaos
@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_or_repeated_by_any_kind_of_fault(tmp_path: Path) -> None:
    steps = list(islice(plan(SEED, pace_seconds=1.5), len(WEIGHTS)))
    assert {step.kind for step in steps} == set(Fault)
    with Broker.start(tmp_path / "kafka", heap_mb=384) as broker:
        workload = Backbone(
            broker.bootstrap, tmp_path, "short", seed=SEED, rate=150, replicas=2, session_seconds=SESSION_SECONDS
        )
        ran = chaos(
            workload, broker, steps, session_seconds=SESSION_SECONDS, faults_max=len(steps), seconds_max=400.0,
            settle_seconds_max=120.0,
        )  # fmt: skip
        report = asyncio.run(ran)
    text = render_text(report)
    assert report.ok, text
    assert report.proven, text
    assert report.verdict.inputs > 1_000, text
    assert len(report.done) == len(steps), text


OUTCOME = Outcome("car/s1-1", OutcomeStatus.ACCEPTED, "order/car/o1", 1, 0, "order-commands-v1", 2, 17, b"")
ANSWER = {
    "status": "ACCEPTED", "aggregate": "order/car/o1", "version": 1, "events": 0, "command_id": "s1-1",
    "position": "2:17",
}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "violations"),
    [
        ([OUTCOME], {}),
        ([], {"missing": 1}),
        ([OUTCOME, OUTCOME], {"duplicate": 1}),
        ([replace(OUTCOME, version=2)], {"answer differs": 1}),
        ([replace(OUTCOME, events=3)], {"answer differs": 1, "events of a command": 1}),
    ],
)
def test_outcomes_are_held_against_answers(found: list[Outcome], violations: dict[str, int]) -> None:
    verdict, read = Verdict(), Read(SERVICES["order"], {OUTCOME.command_id: found} if found else {})
    judge_outcomes("order", read, Account({OUTCOME.command_id: "order"}, {OUTCOME.command_id: ANSWER}), verdict)
    assert {kind: count for kind, count in verdict.violations.items() if count} == violations


def test_an_outcome_of_a_command_that_nobody_sent_is_found() -> None:
    verdict = Verdict()
    judge_outcomes("order", Read(SERVICES["order"], {OUTCOME.command_id: [OUTCOME]}), Account(), verdict)
    assert verdict.violations["beyond"] == 1
