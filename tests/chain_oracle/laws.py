"""Laws that hold for any right result, without knowing the right result.

``breaches`` looks at one result (facts and ``expected`` in the shape of the vectors); the laws that compare two results
take the function that answers facts, so that they hold an engine to account as well as the oracle. Every law gives
sentences, none if it holds. Deliberately lacks: the dates themselves (see ``equations``).
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import pairwise
from math import inf
from random import Random
from typing import Any

from tests.chain_oracle.differences import differences
from tests.chain_oracle.equations import equation_breaches, serve, supplies, unit_dates, wanted

Written = Mapping[str, Any]
Answers = Callable[[Written], Written]

MINUTES = ("in", "stock", "reach", "slack", "recovered", "plan", "own", "out")
CLASSES = {"reported", "silent", "shared", "planned", "lost", "loop", "short"}


def breaches(facts: Written, expected: Written) -> list[str]:
    """Everything that is wrong with one result: dates, hops, causes, roots, pools, incidents."""
    found = equation_breaches(facts, expected)
    for flow in facts["flows"]:
        result = expected["flows"][flow["id"]]
        told = [*delay_breaches(flow, result), *cause_breaches(result), *root_breaches(facts, expected, flow)]
        told += reach_breaches(facts, expected, flow)
        found += [f"flow {flow['id']}: {breach}" for breach in told]
    for pool in facts["pools"]:
        found += [f"pool {pool}: {breach}" for breach in supply_breaches(facts, expected, pool)]
    return found + incident_breaches(facts, expected)


def delay_breaches(flow: Written, result: Written) -> list[str]:
    """The delay is that of the last part, no quantity is lost, parts are ascending, and the hop's out is the delay."""
    dates = [inf if date is None else date for date, _ in result["parts"]]
    last = None if dates[-1] == inf else dates[-1]
    delay = None if last is None else max(0, last - flow["baseline"])
    checks = {
        f"parts {result['parts']} do not ascend": dates == sorted(set(dates)),
        f"parts {result['parts']} are not {flow['quantity']}": sum(n for _, n in result["parts"]) == flow["quantity"],
        f"expected is {result['expected']}, the last part {last}": result["expected"] == last,
        f"delay is {result['delay']}, not {delay}": result["delay"] == delay,
        f"delay is {delay}, out is {result['hop']['out']}": result["hop"]["out"] == delay,
        f"its hop is called {result['hop']['flow']}": result["hop"]["flow"] == flow["id"],
    }
    return [breach for breach, fine in checks.items() if not fine]


def cause_breaches(result: Written) -> list[str]:
    """Late means a cause and in time means none; every hop obeys its law; what leaves one hop comes into the next."""
    late, hops, root = result["delay"] != 0, result["hops"], result["root"]
    if not late:
        no_cause = root is None and hops is None
        return hop_breaches(result["hop"]) + ([] if no_cause else [f"in time, but with the cause {root}"])
    if not hops or root is None:
        return ["late without a cause"]
    found = [breach for hop in hops for breach in hop_breaches(hop)]
    for hop, following in pairwise(hops):
        if hop["out"] != following["in"]:
            found.append(f"{hop['out']} leave {hop['flow']}, {following['in']} come into {following['flow']}")
    if "count" not in hops[-1] and hops[-1] != result["hop"]:
        found.append(f"its last hop {hops[-1]} is not its hop {result['hop']}")
    if len(hops) > 16 or any("count" in hop for hop in hops[1:]):
        found.append("its hops are not folded at the old end, to sixteen")
    return found


def hop_breaches(hop: Written) -> list[str]:
    """in - stock - slack - recovered + plan + own = out, nothing below zero; stock + reach = in.

    If in is never, stock is, and the law begins with reach. If out is never, only in and out are given. In a folded hop
    reach is a sum without a meaning, and with a never in its middle nothing is asked of it.
    """
    came, stock, reach, slack, recovered, plan, own, out = (hop[name] for name in MINUTES)
    given = [hop[name] for name in MINUTES if hop[name] is not None]
    fine = min(given, default=0) >= 0
    if "count" in hop:
        fine = fine and (None in (came, stock, out) or came - stock - slack - recovered + plan + own == out)
    elif out is None:
        fine = fine and came in (0, None) and not any((stock, reach, slack, recovered, plan, own))
    else:
        fine = fine and reach - slack - recovered + plan + own == out
        fine = fine and (stock is None if came is None else stock + reach == came)
    return [] if fine else [f"the hop law does not hold for {dict(hop)}"]


def reach_breaches(facts: Written, expected: Written, flow: Written) -> list[str]:
    """Reach is what the first of the last inputs comes later than by plan, and in the delay of a supply behind that.

    By plan: with every supply of its pool on its baseline. Asked of flows that wait, as one part and without a past.
    """
    hop = expected["flows"][flow["id"]]["hop"]
    decided = any(flow.get(report) for report in ("actual_finish", "lost", "firm", "frozen", "split"))
    numbers = [n for n, taken in enumerate(flow["inputs"]) if taken["quantity"] > taken.get("issued", 0)]
    if decided or not numbers or hop["out"] is None:
        return [] if decided or hop["in"] in (0, None) else [f"{hop['in']} came in without inputs"]
    last = {n: _last_unit(facts, expected, flow, n) for n in numbers}
    critical = max(numbers, key=lambda n: (last[n][0], -n))
    date, baseline = last[critical]
    if hop["in"] == 0:
        explained = date > baseline and (date > flow["planned_start"] or hop["out"] == 0)
        breaks_a_loop = hop["out"] > 0 and flow["id"] in ancestors_of(facts, flow)
        return ["nothing came in, but a supply is late"] if explained and not breaks_a_loop else []
    pool = flow["inputs"][critical]["pool"]
    baselines = {supply["id"]: supply["baseline"] for supply in facts["flows"]}
    behind = {
        None if unit == inf else unit - baselines[name]
        for name, units in supplies(facts, expected, pool).items()
        for unit in units
        if unit >= date and baselines[name] <= baseline
    }
    found = [] if hop["reach"] == date - baseline else [f"reach is {hop['reach']}, not {date} - {baseline}"]
    return found + ([] if hop["in"] in behind else [f"in is {hop['in']}, but the supplies behind it have {behind}"])


def _last_unit(facts: Written, expected: Written, flow: Written, number: int) -> tuple[float, float]:
    """The date of an input's last unit, and its date by plan.

    Of the units on that date, the last of the queue counts, or one that is held, if that was planned before.
    """
    pool, demand = flow["inputs"][number]["pool"], f"{flow['id']}/{number}"
    coming = supplies(facts, expected, pool)
    baselines = {supply["id"]: supply["baseline"] for supply in facts["flows"]}
    served = serve(facts, pool, coming)[demand]
    planned = serve(facts, pool, {name: [baselines[name]] * len(units) for name, units in coming.items()})[demand]
    date = max(served.queued + [unit for units in served.held.values() for unit in units])
    by_plan = [baselines.get(name, 0) for name, units in served.held.items() if date in units]
    if date in served.queued:
        by_plan.append(planned.queued[len(served.queued) - served.queued[::-1].index(date) - 1])
    return date, min(by_plan)


def ancestors_of(facts: Written, flow: Written) -> set[str]:
    """The flows whose goods reach a flow through pools."""
    reached: set[str] = set()
    open_ends = [flow]
    while open_ends:
        pools = {taken["pool"] for taken in open_ends.pop()["inputs"]}
        for other in facts["flows"]:
            if other["output"] in pools and other["id"] not in reached:
                reached.add(other["id"])
                open_ends.append(other)
    return reached


def root_breaches(facts: Written, expected: Written, flow: Written) -> list[str]:
    """A root names a flow with its last report; its class has what it needs and says what the facts say."""
    root = expected["flows"][flow["id"]]["root"]
    of_facts = {other["id"]: other for other in facts["flows"]}
    frozen_causes = [other["frozen"]["cause"] for other in facts["flows"] if other.get("frozen")]
    if root is None or root["flow"] in {cause[0]["flow"] for cause in frozen_causes if cause}:
        return []  # a frozen cause tells how it was, and may name what is gone
    named, result = of_facts[root["flow"]], expected["flows"][root["flow"]]
    checks = {
        "names another report": (root["event"], root["reason"]) == (named.get("event"), named.get("reason")),
        "names a flow without delay": result["delay"] != 0,
        "is lost without a lost flow": (root["class"] == "lost") == named.get("lost", False),
        "is shared without a culprit": (root["class"] == "shared") == ("culprit" in root),
        "is short without missing units": (root["class"] == "short") == (root.get("missing", 0) > 0),
        "is short of what comes": root["class"] != "short" or result["expected"] is None,
        "is a loop without members": (root["class"] == "loop") == ("members" in root),
        "has no known class": root["class"] in CLASSES,
        "is a culprit of itself": root.get("culprit") != root["flow"],
    }
    found = [f"root {root} {breach}" for breach, fine in checks.items() if not fine]
    return found + (_loop_breaches(facts, expected, root) if "members" in root else [])


def _loop_breaches(facts: Written, expected: Written, root: Written) -> list[str]:
    """Members never come, begin with the least, and each gives to the pool that the next one waits for."""
    members = root["members"]
    flows = {flow["id"]: flow for flow in facts["flows"]}
    found = [] if members[0] == min(members) == root["flow"] else [f"root {root} does not begin with the least"]
    for name, following in zip(members, members[1:] + members[:1], strict=True):
        waited_for = {taken["pool"] for taken in flows[following]["inputs"]}
        if flows[name]["output"] not in waited_for or expected["flows"][name]["expected"] is not None:
            found.append(f"root {root}: {following} does not wait for {name}")
    return found


def supply_breaches(facts: Written, expected: Written, pool: str) -> list[str]:
    """A supply passes on no more than its delay, and its slack is what it can slip without making a demand late."""
    found = []
    coming = supplies(facts, expected, pool)
    needs = {demand.name: demand.need for demand in wanted(facts, pool)}
    for name, shown in expected["pools"][pool]["supplies"].items():
        delay = inf if shown["in"] is None else shown["in"]
        reached = inf if shown["passed"] is None else shown["passed"]
        if shown["in"] != expected["flows"][name]["delay"] or not 0 <= reached <= delay:
            found.append(f"supply {name} is late by {shown['in']} and passes on {shown['passed']}")
        spare = inf if shown["slack"] is None else shown["slack"]
        if _made_late(facts, pool, coming, name, spare, needs):
            found.append(f"supply {name} can not slip by its slack of {shown['slack']}")
        if spare < inf and len(set(coming[name])) == 1 and not _made_late(facts, pool, coming, name, spare + 1, needs):
            found.append(f"supply {name} can slip by more than its slack of {shown['slack']}")
    return found


def _made_late(
    facts: Written,
    pool: str,
    coming: Mapping[str, list[float]],
    name: str,
    minutes: float,
    needs: Mapping[str, int],
) -> set[tuple[str, str]]:
    """Demands (and holders, by supply) of a pool that are in time and would not be if a supply slipped further."""
    slipped = {**coming, name: [date + minutes for date in coming[name]]}
    return _in_time(facts, pool, coming, needs) - _in_time(facts, pool, slipped, needs)


def _in_time(
    facts: Written, pool: str, coming: Mapping[str, list[float]], needs: Mapping[str, int]
) -> set[tuple[str, str]]:
    found = set()
    for demand, served in serve(facts, pool, coming).items():
        sources = {**served.held, "the queue": served.queued}
        found |= {(demand, source) for source, units in sources.items() if max(units, default=inf) <= needs[demand]}
    return found


def incident_breaches(facts: Written, expected: Written) -> list[str]:
    """Every late line is in exactly one incident, and no other is in any."""
    late = [flow["id"] for flow in facts["flows"] if flow.get("kind") == "line"]
    late = [line for line in late if expected["flows"][line]["delay"] != 0]
    named = [line for lines in expected["incidents"].values() for line in lines]
    return [] if sorted(late) == sorted(named) else [f"late lines {sorted(late)}, in incidents {sorted(named)}"]


def alert_breaches(facts: Written, expected: Written, alerts: dict[str, Any]) -> list[str]:
    """The alerts told so far (line -> delay, brought up to date here) are those that the present facts give."""
    for alert in expected["alerts"]:
        known = alerts.pop(alert["line"], 0)
        kind = "DelayCleared" if alert["delay"] == 0 else "DelayRaised" if known == 0 else "DelayChanged"
        if alert["event"] != kind or alert["delay"] == known:
            return [f"{alert} follows a delay of {known}"]
        if alert["delay"] != 0:
            alerts[alert["line"]] = alert["delay"]
    lines = [flow["id"] for flow in facts["flows"] if flow.get("kind") == "line"]
    present = {line: expected["flows"][line]["delay"] for line in lines if expected["flows"][line]["delay"] != 0}
    return [] if alerts == present else [f"told alerts {alerts}, the facts give {present}"]


def later_is_never_earlier(facts: Written, answers: Answers, random: Random) -> list[str]:
    """A later estimate, a tick, or a free unit less in stock gives no earlier date anywhere."""
    worse = deepcopy(dict(facts))
    flow = random.choice([flow for flow in worse["flows"] if flow.get("actual_finish") is None] or worse["flows"])
    change = random.choice(("estimate", "tick", "stock"))
    before = answers(facts)["flows"]
    if change == "estimate":
        said = max(flow.get("estimated_finish") or 0, before[flow["id"]]["expected"] or flow["baseline"])
        flow["estimated_finish"] = said + random.randrange(1, 5_000)
    elif change == "tick":
        worse["now"] += random.randrange(1, 5_000)
    else:
        pool = random.choice(list(worse["pools"]))
        held = sum(n for demand in wanted(facts, pool) for source, n in demand.reservations if source == "stock")
        worse["pools"][pool]["stock"] = max(held, worse["pools"][pool]["stock"] - 1)
    after = answers(worse)["flows"]
    return [
        f"{name}: {before[name]['parts']} became {after[name]['parts']} after a worse {change}"
        for name in before
        if any(
            then > now
            for then, now in zip(unit_dates(before[name]["parts"]), unit_dates(after[name]["parts"]), strict=True)
        )
    ]


def order_of_facts_does_not_matter(facts: Written, answers: Answers, random: Random) -> list[str]:
    """The same facts, written in another order, give the same result."""
    flows, pools = list(facts["flows"]), list(facts["pools"].items())
    random.shuffle(flows)
    random.shuffle(pools)
    return differences(answers(facts), answers({**facts, "flows": flows, "pools": dict(pools)}))
