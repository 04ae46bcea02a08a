"""What really occurs in random stories, counted: so that nobody trusts a generator that only makes trivial chains.

Deliberately lacks: judgement on results (see ``laws``).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.chain_oracle.chains import Written, held_units, open_units
from tests.chain_oracle.equations import serve, supplies, unit_dates
from tests.chain_oracle.expected import Answer
from tests.chain_oracle.facts import read_facts
from tests.chain_oracle.laws import ancestors_of


def features(facts: Written, expected: Mapping[str, Any]) -> Counter[str]:
    """How often each feature occurs in the facts of one step and in its result."""
    ancestors = {flow["id"]: ancestors_of(facts, flow) for flow in facts["flows"]}
    found: Counter[str] = Counter()
    for flow in facts["flows"]:
        found.update(f"facts: {feature}" for feature in _of_flow(flow, facts, ancestors))
        found.update(
            f"result: {feature}" for feature in _of_result(flow, expected, flow["id"] in ancestors[flow["id"]])
        )
        found["result: equally late inputs"] += _equally_late(flow, expected)
    for pool in facts["pools"]:
        for served in serve(facts, pool, supplies(facts, expected, pool)).values():
            held = {source: set(dates) for source, dates in served.held.items() if source != "stock"}
            of_any = set().union(*held.values())
            found["pool: held and queued units of one date"] += bool(of_any & set(served.queued))
            found["pool: units of two supplies held, of one date"] += sum(map(len, held.values())) > len(of_any)
    for shown in expected["pools"].values():
        found.update(f"pool: {feature}" for feature in _of_pool(shown))
    found.update(f"alert: {alert['event']}" for alert in expected["alerts"])
    found.update("incident of several lines" for lines in expected["incidents"].values() if len(lines) > 1)
    found["result: finite part that breaks a loop of late supplies"] += len(Answer(read_facts(facts)).account.cut)
    return +found


def _of_flow(flow: Written, facts: Written, ancestors: Mapping[str, set[str]]) -> Iterator[str]:
    behind = [{other["id"] for other in facts["flows"] if other["output"] == taken["pool"]} for taken in flow["inputs"]]
    behind = [direct.union(*(ancestors[name] for name in direct)) for direct in behind]
    present = {
        "diamond": any(one & other for n, one in enumerate(behind) for other in behind[:n]),
        "in a loop": flow["id"] in ancestors[flow["id"]],
        "line without inputs": flow["kind"] == "line" and not flow["inputs"],
        "waits for an inbound line": any(_waits_for(taken) for taken in flow["inputs"]),
        "holds stock": any(held_units(taken, "stock") for taken in flow["inputs"]),
        "holds a supply": any(held_units(taken) > held_units(taken, "stock") for taken in flow["inputs"]),
        "holds some, waits for some": any(0 < held_units(taken) < open_units(taken) for taken in flow["inputs"]),
        "unlike units, split": flow.get("split")
        and flow["inputs"]
        and flow["inputs"][0]["quantity"] != flow["quantity"],
        "plain estimate": flow.get("estimated_finish") is not None and not flow.get("firm"),
        "firm estimate": flow.get("firm") and flow.get("actual_finish") is None,
        "estimated start": flow.get("estimated_start") is not None,
        "started": "actual_start" in flow,
        "started with open inputs": "actual_start" in flow and any(map(open_units, flow["inputs"])),
        "started split line with open inputs": "actual_start" in flow
        and flow.get("split")
        and any(map(open_units, flow["inputs"])),
        "finished": flow.get("actual_finish") is not None,
        "lost": flow.get("lost"),
        "frozen cause": flow.get("frozen") and flow["frozen"]["cause"],
        "frozen, in time": flow.get("frozen") and not flow["frozen"]["cause"],
    }
    return (feature for feature, there in present.items() if there)


def _equally_late(flow: Written, expected: Mapping[str, Any]) -> bool:
    """Whether two inputs come last together, and not out of stock."""
    open_inputs = [number for number, taken in enumerate(flow["inputs"]) if open_units(taken)]
    pools = {number: expected["pools"][flow["inputs"][number]["pool"]] for number in open_inputs}
    last = [unit_dates(pools[number]["demands"][f"{flow['id']}/{number}"])[-1] for number in open_inputs]
    return max(last, default=0) > 0 and last.count(max(last)) > 1


def _waits_for(taken: Written) -> bool:
    holds = [hold for hold in taken.get("reservations", ()) if hold["from"] != "stock"]
    return any(hold["quantity"] == open_units(taken) for hold in holds)


def _of_result(flow: Written, expected: Mapping[str, Any], in_loop: bool) -> Iterator[str]:
    result = expected["flows"][flow["id"]]
    hop, root, hops, parts = result["hop"], result["root"], result["hops"] or [], result["parts"]
    finite = result["expected"] is not None
    present = {
        f"root {root and root['class']}": True,
        "root of another flow": root and root["flow"] != flow["id"],
        "own root behind other hops": root and root["flow"] == flow["id"] and len(hops) > 1,
        "loop of three or more": root and len(root.get("members", ())) > 2,
        "finite in a loop": in_loop and finite and flow.get("actual_finish") is None,
        "several parts": len(parts) > 1,
        "some parts never": len(parts) > 1 and not finite,
        "never": not finite,
        "never came in, finite goes out": hop["in"] is None and hop["out"],
        "absorbed by stock or others": finite and hop["stock"],
        "slack": hop["slack"],
        "recovered": hop["recovered"],
        "driven and in time": hop["in"] != 0 and hop["out"] == 0,
        "plan beside a late supply": hop["in"] and hop["plan"],
        "own beside a late supply": hop["in"] and hop["own"],
        "ten hops or more": len(hops) >= 10,
        "folded hops": hops and "count" in hops[0],
    }
    return (feature for feature, there in present.items() if there)


def _of_pool(pool: Mapping[str, Any]) -> Iterator[str]:
    passed = [supply["passed"] for supply in pool["supplies"].values() if supply["in"] != 0]
    present = {
        "several supplies": len(pool["supplies"]) > 1,
        "several demands": len(pool["demands"]) > 1,
        "demand in several parts": any(len(parts) > 1 for parts in pool["demands"].values()),
        "a late supply blamed by nobody": 0 in passed,
        "several late supplies blamed": sum(minutes != 0 for minutes in passed) > 1,
        "slack of a supply": any(supply["slack"] for supply in pool["supplies"].values()),
    }
    return (feature for feature, there in present.items() if there)
