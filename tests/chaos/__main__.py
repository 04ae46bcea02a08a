"""Command line of the chaos run; see ``--help``."""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aiokafka.errors import KafkaError
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from infra.kafka.broker import Broker
from infra.kafka.errors import KafkaSetupError
from tests.chaos.backbone import Backbone
from tests.chaos.chain import Chain
from tests.chaos.counting import make_counting
from tests.chaos.report import show
from tests.chaos.run import Report, chaos
from tests.chaos.workload import Workload
from tests.support.faults import Fault, plan

WORKLOADS: dict[str, Callable[..., Workload]] = {
    "backbone": Backbone,
    "chain": Chain,
    "counter": make_counting(),
    "stock": make_counting(stock=True),
}
RATES = {"backbone": 300.0, "chain": 150.0, "counter": 1500.0, "stock": 1500.0}
SERVED = ("backbone", "chain")
"""The workloads that the three services do."""
ACCEPTED_PER_FAULT = {"backbone": 2_500, "chain": 500}
RESUME_SECONDS_MAX = 45.0

EXAMPLES = """
examples:
  python -m tests.chaos                                    20 faults on the three services, a new seed
  python -m tests.chaos --workload chain                   20 faults while delays travel, compared with the oracle
  python -m tests.chaos --workload counter --rate 4000     20 faults on the kernel alone, under more load
  python -m tests.chaos --seed 7 --faults 40               the faults of seed 7 again, and more of them
  python -m tests.chaos --minutes 60 --faults 0            as many faults as fit into an hour
  python -m tests.chaos --only zombie --only kill          these kinds only
  python -m tests.chaos --workload stock --faults 6        the control: stock Faust, which fails the same check

The exit code is 0 if nothing was lost or doubled, 1 if something was, 2 if the run itself could not be done. The same
seed draws the same kinds, pauses and targets; what a fault meets depends on the machine, so to see a failure again may
take a few runs.
"""


def parse() -> argparse.Namespace:
    """The given options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Hurt workers and their broker under load, then look for lost or repeated facts.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--workload", choices=sorted(WORKLOADS), default="backbone",
        help="backbone: the three services over HTTP (default); chain: supply chains that slip, held against the "
        "oracle; counter: the kernel alone; stock: Faust as it comes",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=None, help="draws the faults and the traffic; random if not given")
    parser.add_argument("--faults", type=int, default=20, help="how many; 0: until --minutes have passed (default 20)")
    parser.add_argument("--rate", type=float, default=None, help="records a second (default 1500, backbone 300)")
    parser.add_argument(
        "--accepted", type=int, default=None, metavar="N",
        help="backbone, chain: go on until so many commands were accepted "
        f"(default {ACCEPTED_PER_FAULT['backbone']} a fault, chain {ACCEPTED_PER_FAULT['chain']})",
    )  # fmt: skip
    parser.add_argument("--minutes", type=float, default=0, help="begin no fault later than this; 0: no bound")
    parser.add_argument("--only", action="append", choices=[*Fault], help="draw this kind only; may be repeated")
    parser.add_argument("--pace", type=float, default=4.0, help="mean pause between faults, in seconds (default 4)")
    parser.add_argument(
        "--replicas",
        type=int,
        default=2,
        help="workers at the start, 1 to 3 (default 2; backbone draws up to so many a service)",
    )
    parser.add_argument("--session", type=float, default=6.0, help="session time-out, in seconds (default 6)")
    parser.add_argument("--port", type=int, default=None, help="the broker's port; a free one if not given")
    parser.add_argument("--folder", type=Path, default=None, help="where the broker's data and the workers' logs go")
    given = parser.parse_args()
    if not given.faults and not given.minutes:
        parser.error("give --faults or --minutes, else the run has no end")
    if given.rate is None:
        given.rate = RATES[given.workload]
    if given.accepted is None:
        given.accepted = ACCEPTED_PER_FAULT.get(given.workload, 0) * given.faults
    if given.seed is None:
        given.seed = random.SystemRandom().randrange(100_000)
    return given


async def go(given: argparse.Namespace, broker: Broker, folder: Path) -> Report:
    """Run with a progress bar."""
    name = f"chaos{given.seed}-{int(time.time())}"
    workload = WORKLOADS[given.workload](
        broker.bootstrap, folder / "workers", name,
        seed=given.seed, rate=given.rate, replicas=given.replicas, session_seconds=given.session,
        **({"accepted_min": given.accepted} if given.workload in SERVED else {}),
    )  # fmt: skip
    columns = (
        TextColumn("{task.description:42}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as bar:
        task = bar.add_task("", total=given.faults or None, state="")

        def tell(what: str, report: Report) -> None:
            if not bar.live.is_started or not bar.console.is_terminal:
                print(
                    f"{time.strftime('%H:%M:%S')} {len(report.done):3} faults, {workload.inputs():9,} records  {what}",
                    *([f"(last: {report.done[-1].kind} {report.done[-1].what})"] if report.done else []),
                    flush=True,
                )
            bar.update(
                task,
                completed=len(report.done),
                description=what,
                state=f"{len(report.done)} faults, {workload.inputs():,} records",
            )

        return await chaos(
            workload, broker, plan(given.seed, given.pace, given.only or tuple(Fault)),
            session_seconds=given.session, faults_max=given.faults or 1_000_000,
            seconds_max=given.minutes * 60 if given.minutes else 1e9, settle_seconds_max=180.0, tell=tell,
            resume_seconds_max=RESUME_SECONDS_MAX if given.workload in SERVED else 0.0,
        )  # fmt: skip


def main() -> int:
    """Run; 0, 1 or 2."""
    given = parse()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="chainflow-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {given.seed}; logs and data in {folder}")
    with Broker.start(folder / "kafka", heap_mb=384, port=given.port) as broker:
        try:
            report = asyncio.run(go(given, broker, folder))
        except (KafkaError, KafkaSetupError, TimeoutError) as error:
            print(f"the run could not be done: {error!r}", file=sys.stderr)
            return 2
    options = f"--workload {given.workload} --seed {given.seed} --faults {given.faults} --rate {given.rate:g}"
    options += f" --minutes {given.minutes:g} --pace {given.pace:g} --replicas {given.replicas}"
    options += f" --accepted {given.accepted}" if given.workload in SERVED else ""
    options += "".join(f" --only {kind}" for kind in given.only or ())
    show(report, f"python -m tests.chaos {options} --session {given.session:g}")
    if report.ok and not report.proven:
        print(f"It proves too little: {'; '.join(report.doubts)}. Give it more load, or a machine with less to do.")
        return 2
    return 0 if report.ok else 1


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # retries are what is meant to happen here
    sys.exit(main())
