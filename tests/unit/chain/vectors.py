"""Runs files of worked examples against the pure model: ``python -m tests.unit.chain.vectors --vectors DIR``.

The format is described in ``tests/vectors/README.md``. A story keeps one message loop over all its steps, so each step
is reached by messages from the one before, as it would be in life.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from services.chain.alerts import LateLine, alert_change, incidents
from services.chain.causes import Cause, Hop, Root, RootClass, obeys_law
from services.chain.flow import Expected
from services.chain.flow_facts import Flow
from services.chain.moments import NEVER
from services.chain.pool import shares
from services.chain.pool_facts import STOCK, Demand, Frozen, Hold
from services.chain.pool_outlook import days_of_supply, supply_outlooks
from tests.unit.chain.message_loop import MessageLoop, Placed

Json = Any

OWN_VECTORS = Path(__file__).parents[2] / "vectors"


def steps_of(path: Path, loop: MessageLoop | None = None) -> Iterator[tuple[str, Json, Json]]:
    """For each step of a story: its name, what is expected after it, and what the model says."""
    story = json.loads(path.read_text())
    for number, case in enumerate(story.get("cases", ())):
        yield f"case {number}", case["expected"], _days(case)
    chain = Chain(loop or MessageLoop())
    for step in story.get("steps", ()):
        yield step["step"], step["expected"], chain.after(step["facts"])


class Chain:
    """A chain on its way through the steps of a story."""

    def __init__(self, loop: MessageLoop) -> None:
        self.loop = loop
        self.delays: dict[str, int] = {}

    def after(self, facts: Json) -> Json:
        """What the model says when the facts are these and nothing is in flight."""
        loop = self.loop
        for gone in set(loop.placed) - {flow["id"] for flow in facts["flows"]}:
            loop.remove(gone)
        for pool in facts["pools"]:
            loop.put_stock(pool, facts["pools"][pool]["stock"])
        for flow in facts["flows"]:
            loop.place(placed_of(flow))
        loop.tick(facts["now"])
        loop.run()
        lines = [flow["id"] for flow in facts["flows"] if flow.get("kind") == "line"]
        return {
            "flows": {name: _flow(loop.expected[name], loop.placed[name].flow) for name in loop.placed},
            "pools": {pool: self._pool(pool) for pool in facts["pools"]},
            "alerts": list(self._alerts(lines)),
            "incidents": {incident.incident: list(incident.lines) for incident in incidents(self._late(lines))},
        }

    def _pool(self, name: str) -> Json:
        answers = self.loop.answers[name]
        outlooks = supply_outlooks(self.loop.pool(name), answers, shares(self.loop.pool(name)))
        return {
            "demands": {
                demand: [[_or_null(part.date), part.quantity] for part in answer.parts]
                for demand, answer in answers.items()
                if answer.parts
            },
            "supplies": {
                outlook.flow: {
                    "in": _or_null(outlook.delay_in),
                    "passed": _or_null(outlook.passed),
                    "slack": outlook.slack,
                }
                for outlook in outlooks
            },
        }

    def _alerts(self, lines: list[str]) -> Iterator[Json]:
        gone = [line for line in self.delays if line not in lines]
        for line in [*lines, *gone]:  # a line that goes is late no more
            delay = self.loop.expected[line].delay if line in lines else 0
            change = alert_change(self.delays.get(line, 0), delay)
            self.delays[line] = delay
            if change:
                yield {"line": line, "event": change.value, "delay": _or_null(delay)}

    def _late(self, lines: list[str]) -> Iterator[LateLine]:
        for line in lines:
            cause = self.loop.expected[line].cause
            if cause:
                yield LateLine(line, (self.loop.placed[line].flow.enterprise,), cause.root)


def placed_of(flow: Json) -> Placed:
    """A flow of the file, with its demands; what was frozen goes to the first input of which something was issued."""
    inputs = flow["inputs"]
    froze = next((n for n, stated in enumerate(inputs) if stated.get("issued")), 0)
    demands = tuple(
        (
            stated["pool"],
            Demand(
                flow["id"],
                n,
                stated["quantity"],
                stated.get("need", flow["planned_start"]),
                stated.get("priority", 5),
                stated.get("sequence", 0),
                stated.get("issued", 0),
                tuple(
                    Hold(STOCK if hold["from"] == "stock" else hold["from"], hold["quantity"])
                    for hold in stated.get("reservations", ())
                ),
                _frozen(flow["frozen"]) if flow.get("frozen") and n == froze else None,
            ),
        )
        for n, stated in enumerate(inputs)
    )
    facts = Flow(
        flow["id"],
        flow["enterprise"],
        flow["quantity"],
        flow["planned_start"],
        flow["lead_minutes"],
        flow["baseline"],
        split=flow.get("split", False),
        estimated_start=flow.get("estimated_start"),
        estimated_finish=flow.get("estimated_finish"),
        firm=flow.get("firm", False),
        actual_start=flow.get("actual_start"),
        actual_finish=flow.get("actual_finish"),
        lost=flow.get("lost", False),
        reports_start=flow.get("reports_start", False),
        event=flow.get("event") or "",
        reason=flow.get("reason") or "",
    )
    return Placed(facts, demands, flow.get("output"))


def _frozen(frozen: Json) -> Frozen:
    if frozen["cause"] is None:
        return Frozen(frozen["date"], frozen["baseline"], 0)
    root, hops = frozen["cause"]
    told = Root(
        root["flow"],
        RootClass(root["cls"]),
        root["event"] or "",
        root["reason"] or "",
        tuple(root.get("members") or ()),
        root.get("missing") or 0,
        root.get("culprit") or "",
    )
    return Frozen(frozen["date"], frozen["baseline"], _or_never(frozen["in"]), Cause(told, tuple(map(_told_hop, hops))))


def _told_hop(hop: Json) -> Hop:
    numbers = ("inn", "stock", "reach", "slack", "recovered", "plan", "own")
    told = Hop(hop["flow"], hop["ent"], *(_or_never(hop[number]) for number in numbers))
    return replace(told, delay_out=_or_never(hop["out"]))


def _flow(expected: Expected, flow: Flow) -> Json:
    assert obeys_law(expected.hop), expected.hop
    cause = expected.cause
    return {
        "parts": [[_or_null(part.date), part.quantity] for part in expected.parts],
        "expected": _or_null(expected.date),
        "delay": _or_null(expected.delay),
        "hop": _hop(expected.hop),
        "root": _root(cause.root) if cause else None,
        "hops": [_hop(hop) for hop in cause.hops] if cause else None,
    }


def _hop(hop: Hop) -> Json:
    names = {"delay_in": "in", "delay_out": "out"}
    numbers = ("delay_in", "stock", "reach", "slack", "recovered", "plan", "own", "delay_out")
    told = {names.get(number, number): _or_null(getattr(hop, number)) for number in numbers}
    told |= {"calendar": hop.calendar} if hop.calendar else {}
    told |= {"count": hop.count} if hop.count > 1 else {}
    return {"flow": hop.flow, "enterprise": hop.enterprise, **told}


def _root(root: Root) -> Json:
    told: Json = {"flow": root.flow, "event": root.event or None, "reason": root.reason or None}
    told["class"] = root.kind.value
    match root.kind:
        case RootClass.LOOP:
            told["members"] = list(root.members)
        case RootClass.SHORT:
            told["missing"] = root.missing
        case RootClass.SHARED:
            told["culprit"] = root.culprit
        case _:
            pass
    return told


def _days(case: Json) -> Json:
    days = days_of_supply(case["stock"], case["demand"], case["inbound"])
    return [{"days": day.days, "covers_horizon": day.covers_horizon} for day in days]


def _or_null(number: int) -> int | None:
    return None if number == NEVER else number


def _or_never(number: int | None) -> int:
    return NEVER if number is None else number


def differences(expected: Json, actual: Json, where: str = "") -> Iterator[str]:
    """Where two results differ, one line each."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted({*expected, *actual}):
            yield from differences(expected.get(key, "absent"), actual.get(key, "absent"), f"{where}/{key}")
    elif expected != actual:
        yield f"{where}: expected {json.dumps(expected)}, got {json.dumps(actual)}"


def main() -> int:
    """Prints each file and where it differs; the exit status is the number of files that do."""
    parser = argparse.ArgumentParser(description="Run worked examples against the chain model.")
    parser.add_argument("--vectors", type=Path, default=OWN_VECTORS, help="the folder of JSON files")
    parser.add_argument("--seed", type=int, help="deliver messages in a random order")
    options = parser.parse_args()
    paths = sorted(options.vectors.glob("*.json"))
    failed = 0
    for path in paths:
        loop = MessageLoop(None if options.seed is None else Random(options.seed))
        told = [f"  {step}{line}" for step, *pair in steps_of(path, loop) for line in differences(*pair)]
        print("\n".join([f"{'differs' if told else 'equal  '} {path.name}", *told]))
        failed += bool(told)
    print(f"{len(paths) - failed} of {len(paths)} files equal")
    return failed if paths else 1


if __name__ == "__main__":
    sys.exit(main())
