"""Delays travel while workers are killed; and a chain whose dates were tampered with must be found out."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from infra.kafka.broker import Broker
from services.inventory.domain import DOMAIN as INVENTORY
from services.kernel.row_codec import RowCodec
from tests.chaos.backbone_check import Read
from tests.chaos.chain import Chain
from tests.chaos.report import render_text
from tests.chaos.run import chaos
from tests.chaos.workload import Verdict
from tests.support.faults import Fault, plan

SEED = 6
SESSION_SECONDS = 4.0


class Tampered(Chain):
    """Judges a second time, after the dates of demands were moved by a minute."""

    found: Verdict

    def _judge_more(self, reads: Mapping[str, Read], verdict: Verdict) -> None:
        super()._judge_more(reads, verdict)
        self.found, table = Verdict(), dict(reads["inventory"].table)
        codec = _dated_codec()
        for key in [row_id for row_id in table if b"\0dated/" in row_id]:
            row: Any = codec.decode(table[key])
            parts = tuple(replace(part, date=part.date + 1) for part in row.parts)
            table[key] = codec.encode(replace(row, parts=parts))
        super()._judge_more({**reads, "inventory": replace(reads["inventory"], table=table)}, self.found)


def _dated_codec() -> RowCodec:
    (rows,) = (aggregate.rows for aggregate in INVENTORY.aggregates if aggregate.kind == "pool")
    return RowCodec(rows["dated"])


@pytest.mark.chaos
@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_chain_is_as_the_oracle_says_whatever_was_killed(tmp_path: Path) -> None:
    steps = list(islice(plan(SEED, 1.5, (Fault.KILL, Fault.ZOMBIE, Fault.RESTART)), 3))
    with Broker.start(tmp_path / "kafka", heap_mb=384) as broker:
        workload = Tampered(
            broker.bootstrap, tmp_path, "chains", seed=SEED, rate=25, replicas=2, session_seconds=SESSION_SECONDS,
            accepted_min=500,
        )  # fmt: skip
        workload.stories_max = 5
        ran = chaos(
            workload, broker, steps, session_seconds=SESSION_SECONDS, faults_max=len(steps), seconds_max=300.0,
            settle_seconds_max=120.0,
        )  # fmt: skip
        report = asyncio.run(ran)
    text = render_text(report)
    assert report.ok, text
    assert report.proven, text
    assert not workload.found.ok, "dates that were tampered with were not found out"
