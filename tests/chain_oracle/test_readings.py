"""How the oracle reads what can be read in two ways, and rules that are easily lost: one smallest chain for each.

Dates are minutes; the story of a chain is in the name of its test.
"""

from typing import Any

from tests.chain_oracle.expected import expected_story

Written = dict[str, Any]
Step = tuple[list[Written], int, dict[str, int]]  # flows, now, stock per pool


def flow(name: str, output: str | None, quantity: int, start: int, lead: int, *inputs: Written, **more: Any) -> Written:
    """A line that promises its planned finish."""
    shape = {"id": name, "enterprise": name[0], "kind": "line", "output": output, "quantity": quantity}
    dates = {"planned_start": start, "lead_minutes": lead, "baseline": start + lead}
    return {**shape, **dates, "inputs": list(inputs), **more}


def of(pool: str, quantity: int, sequence: int = 0, **more: Any) -> Written:
    return {"pool": pool, "quantity": quantity, "sequence": sequence, **more}


def holding(source: str, quantity: int) -> Written:
    return {"reservations": [{"from": source, "quantity": quantity}]}


def result(*flows: Written, now: int = 0, **stock: int) -> Written:
    return story((list(flows), now, stock))[0]


def story(*steps: Step) -> list[Written]:
    written = []
    for flows, now, stock in steps:
        named = {taken["pool"] for flow in flows for taken in flow["inputs"]} | {flow["output"] for flow in flows}
        pools = {pool: {"stock": stock.get(pool, 0)} for pool in sorted(named - {None})}
        written.append({"now": now, "pools": pools, "flows": flows})
    return expected_story(written)


# --- pools ------------------------------------------------------------------------------------------------------------


def test_of_several_late_supplies_the_one_that_comes_first_is_to_blame() -> None:
    """Least by date, then baseline, then flow id; what comes before the unit is not behind it."""
    early = flow("A", "x", 1, 0, 10, estimated_finish=20)
    late = [flow(name, "x", 1, 0, 10, estimated_finish=date) for name, date in (("B", 50), ("C", 40))]
    spare = flow("S", "x", 1, 0, 30)
    needs = flow("W", None, 2, 10, 5, of("x", 2))
    assert result(early, *late, spare, needs)["flows"]["W"]["hop"]["in"] == 30
    assert result(early, *late, spare, needs)["flows"]["W"]["root"]["flow"] == "C"
    late[1]["estimated_finish"] = 50
    assert result(early, *late, spare, needs)["flows"]["W"]["root"]["flow"] == "B"


def test_stock_that_a_later_arrival_holds_makes_it_the_culprit_wherever_it_stands() -> None:
    supply = flow("S", "x", 1, 0, 20)
    first = flow("W", None, 1, 5, 5, of("x", 1, sequence=1))
    held = flow("Z", None, 1, 50, 5, of("x", 1, sequence=2, priority=9, **holding("stock", 1)))
    root = result(supply, first, held, x=1)["flows"]["W"]["root"]
    assert (root["class"], root["culprit"]) == ("shared", "Z")


def test_who_arrived_at_the_same_time_is_no_culprit() -> None:
    supply = flow("S", "x", 1, 0, 20)
    first = flow("W", None, 1, 5, 5, of("x", 1))
    rush = flow("Z", None, 1, 5, 5, of("x", 1, priority=1))
    assert result(supply, first, rush, x=1)["flows"]["W"]["root"]["class"] == "planned"


def test_a_culprit_counts_only_where_the_input_comes_after_the_planned_start() -> None:
    """Promised before its own planned finish: that is the plan's doing, though a later arrival was served first."""
    supply = flow("S", "x", 1, 0, 20)
    first = flow("W", None, 1, 25, 5, of("x", 1, sequence=1), baseline=28)
    rush = flow("Z", None, 1, 5, 5, of("x", 1, sequence=2, priority=1))
    assert result(supply, first, rush, x=1)["flows"]["W"]["root"]["class"] == "planned"


def test_units_held_and_queued_of_one_date_tell_the_greater_reach() -> None:
    """Held on B, due 10; queued behind A, due 5; all come at 20."""
    flows = [
        flow("A", "x", 1, 0, 5, estimated_finish=20),
        flow("B", "x", 1, 0, 10, estimated_finish=20),
        flow("W", None, 2, 10, 5, of("x", 2, **holding("B", 1))),
    ]
    got = result(*flows)["flows"]["W"]
    assert (got["hop"]["reach"], got["root"]["flow"]) == (15, "A")
    flows[0]["baseline"] = 10
    assert result(*flows)["flows"]["W"]["root"]["flow"] == "A"  # as early by plan: the queue before what is held
    flows[0]["baseline"] = 15
    assert result(*flows)["flows"]["W"]["root"]["flow"] == "B"


def test_a_holder_has_slack_for_what_it_holds_though_the_rest_of_its_demand_is_late() -> None:
    flows = [
        flow("A", "x", 1, 0, 5),
        flow("B", "x", 1, 0, 5, estimated_finish=30),
        flow("W", None, 2, 10, 5, of("x", 2, **holding("A", 1))),
    ]
    assert result(*flows)["pools"]["x"]["supplies"]["A"]["slack"] == 5


def test_a_holder_is_in_time_if_all_that_it_holds_of_the_supply_is() -> None:
    flows = [
        flow("A", "x", 1, 0, 30),
        flow("S", "y", 2, 0, 5, of("x", 2), split=True),
        flow("W", None, 2, 10, 5, of("y", 2, **holding("S", 2))),
    ]
    got = result(*flows, x=1)["pools"]["y"]
    assert (got["demands"]["W/0"], got["supplies"]["S"]["slack"]) == ([[5, 1], [35, 1]], None)


def test_a_demand_that_holds_all_it_needs_gives_no_slack_to_what_is_queued_for() -> None:
    """Z holds stock and stands last with its need at 30; only W, in time by 5, depends on A."""
    flows = [
        flow("A", "x", 1, 0, 5),
        flow("W", None, 1, 10, 5, of("x", 1)),
        flow("Z", None, 1, 6, 5, of("x", 1, priority=9, **holding("stock", 1))),
    ]
    assert result(*flows, x=1)["pools"]["x"]["supplies"]["A"]["slack"] == 5


def test_stock_below_zero_is_filled_first() -> None:
    got = result(flow("A", "x", 3, 0, 5), flow("W", None, 2, 5, 5, of("x", 2)), x=-2)
    assert got["pools"]["x"]["demands"]["W/0"] == [[5, 1], [None, 1]]
    assert got["flows"]["W"]["root"] == {"flow": "W", "event": None, "reason": None, "class": "short", "missing": 1}


def test_a_flow_that_is_lost_or_finished_wants_what_its_facts_leave_open() -> None:
    """Nothing withdraws a demand but the facts: who cancels or finishes says how much he took."""
    second = flow("Z", None, 1, 5, 5, of("x", 1, sequence=2))
    for report in ({"lost": True}, {"actual_finish": 0}, {"firm": True, "estimated_finish": 7}):
        first = flow("W", None, 1, 5, 5, of("x", 1, sequence=1), **report)
        assert result(first, second, x=1)["flows"]["Z"]["expected"] is None


# --- flows ------------------------------------------------------------------------------------------------------------


def frozen(date: int, baseline: int, late_by: int, root: str | None) -> Written:
    short_words = {"stock": 0, "reach": 0, "slack": 0, "recovered": 0, "plan": 0, "own": late_by, "out": late_by}
    hop = {"flow": root, "ent": root, "inn": 0, **short_words}
    cause = [{"flow": root, "event": None, "reason": None, "cls": "reported"}, [hop]] if root else None
    return {"date": date, "baseline": baseline, "in": late_by, "cause": cause}


def test_of_equal_dates_an_open_input_is_critical_before_what_was_issued() -> None:
    supply = flow("S", "y", 1, 0, 5, estimated_finish=20)
    work = flow("W", None, 1, 5, 5, of("x", 1, issued=1), of("y", 1), actual_start=8, frozen=frozen(20, 10, 10, "F"))
    assert result(supply, work, now=20)["flows"]["W"]["root"]["flow"] == "S"
    work["frozen"] = frozen(20, 10, 10, "F")
    supply["estimated_finish"] = supply["actual_finish"] = 20
    assert result(supply, work, now=20, y=1)["flows"]["W"]["root"]["flow"] == "F"


def test_a_flow_starts_with_its_last_component() -> None:
    work = flow("W", None, 1, 5, 5, of("x", 1, issued=1), actual_start=8, frozen=frozen(20, 10, 10, None))
    assert result(work, now=20)["flows"]["W"]["expected"] == 25
    work["estimated_finish"] = 22
    assert result(work, now=20)["flows"]["W"]["expected"] == 22  # nothing is open: an estimate replaces the lead time


def test_a_finished_flow_that_froze_no_cause_waited_for_nothing() -> None:
    """Issued at 20, in time: that it finished at 30, and not at 10, is its own."""
    work = flow("W", None, 1, 5, 5, of("x", 1, issued=1), actual_finish=30, frozen=frozen(20, 20, 0, None))
    assert result(work, now=30)["flows"]["W"]["hop"]["own"] == 20


def test_a_late_start_is_its_own_and_what_was_issued_late_is_inherited() -> None:
    work = flow("W", None, 1, 5, 5, of("x", 1, issued=1), actual_start=23, frozen=frozen(20, 5, 15, "F"))
    got = result(work, now=23)["flows"]["W"]
    assert (got["hop"]["in"], got["hop"]["own"], got["hop"]["out"]) == (15, 3, 18)
    assert (got["root"]["flow"], [hop["flow"] for hop in got["hops"]]) == ("F", ["F", "W"])


def test_a_supply_that_is_late_but_there_before_the_planned_start_does_not_drive_a_late_flow() -> None:
    supply = flow("S", "x", 1, 0, 5, estimated_finish=8)
    work = flow("W", None, 1, 10, 5, of("x", 1), estimated_finish=25, event="e")
    got = result(supply, work)["flows"]["W"]
    assert (got["hop"]["in"], got["root"]["flow"]) == (0, "W")
    del work["estimated_finish"]
    assert result(supply, work)["flows"]["W"]["hop"]["in"] == 3  # in time: the account of what was absorbed has it


def test_a_tight_plan_is_told_although_faster_work_saved_it() -> None:
    """Components due at 5 came at 8, before the planned start; planned for 15, promised for 13, done at 12."""
    work = flow("W", None, 1, 10, 5, of("x", 1, issued=1), baseline=13, actual_finish=12, frozen=frozen(8, 5, 3, "F"))
    hop = result(work, now=12)["flows"]["W"]["hop"]
    assert (hop["in"], hop["slack"], hop["recovered"], hop["plan"], hop["out"]) == (3, 2, 3, 2, 0)


def test_silence_is_what_the_clock_alone_adds() -> None:
    """Without the clock 15 (its inputs as they are), with it 40; a late input makes both alike."""
    work = flow("W", None, 1, 10, 5)
    assert result(work, now=40)["flows"]["W"]["root"]["class"] == "silent"
    work["estimated_finish"] = 40
    assert result(work, now=40)["flows"]["W"]["root"]["class"] == "reported"


def test_an_equal_share_goes_to_the_late_supply_and_own_goes_before_plan() -> None:
    supply = flow("S", "x", 1, 0, 10, estimated_finish=13)
    work = flow("W", None, 1, 10, 5, of("x", 1), estimated_finish=21)
    assert result(supply, work)["flows"]["W"]["root"]["flow"] == "S"
    assert (
        result(flow("W", None, 1, 10, 5, baseline=13, estimated_finish=17))["flows"]["W"]["root"]["class"] == "reported"
    )


def test_parts_of_a_split_line_that_end_together_tell_of_the_last() -> None:
    """Two supplies, late by 4 and by 6, both before the line can go."""
    flows = [
        flow("A", "x", 1, 0, 5, estimated_finish=9),
        flow("B", "x", 1, 0, 6, estimated_finish=12),
        flow("L", None, 2, 15, 5, of("x", 2), split=True),
    ]
    got = result(*flows)["flows"]["L"]
    assert (got["parts"], got["hop"]["in"]) == ([[20, 2]], 6)


def test_a_split_line_between_unlike_units_rounds_down_what_it_can_give_so_far() -> None:
    """Boxes of three: two and four pieces come, three boxes are asked for."""
    flows = [flow("A", "x", 4, 0, 5), flow("B", "x", 5, 0, 9), flow("L", None, 3, 0, 1, of("x", 9), split=True)]
    assert result(*flows)["flows"]["L"]["parts"] == [[6, 1], [10, 2]]


def test_what_a_split_line_was_issued_leaves_first() -> None:
    flows = [flow("A", "x", 2, 0, 30), flow("L", None, 3, 0, 5, of("x", 3, issued=1), split=True, actual_start=10)]
    assert result(*flows, now=10)["flows"]["L"]["parts"] == [[15, 1], [35, 2]]


# --- loops, causes, incidents -----------------------------------------------------------------------------------------


def test_members_of_a_loop_follow_the_goods_from_the_least() -> None:
    """A gives to C, C to B, B to A."""
    flows = [
        flow("B", "b", 1, 0, 5, of("c", 1)),
        flow("C", "c", 1, 0, 5, of("a", 1)),
        flow("A", "a", 1, 0, 5, of("b", 1), event="e"),
    ]
    got = result(*flows)
    root = {"flow": "A", "event": "e", "reason": None, "class": "loop", "members": ["A", "C", "B"]}
    assert [got["flows"][name]["root"] for name in "ABC"] == [root] * 3
    assert [hop["flow"] for hop in got["flows"]["B"]["hops"]] == ["A", "C", "B"]
    assert got["incidents"] == {"e": ["B", "C", "A"]}  # the report on the least member; without one, the least member


def test_finite_dates_with_a_loop_of_late_supplies_lose_it_at_the_least() -> None:
    """A and B were to feed each other by 10; T comes at 50 instead, as was planned, and feeds A."""
    flows = [
        flow("A", "a", 1, 0, 5, of("b", 1), baseline=10),
        flow("B", "b", 1, 0, 5, of("a", 1), baseline=10),
        flow("T", "b", 1, 0, 50),
    ]
    got = result(*flows)["flows"]
    assert (got["A"]["expected"], got["B"]["expected"]) == (55, 60)
    assert (got["A"]["hop"]["in"], got["A"]["root"]["class"], got["A"]["root"]["flow"]) == (0, "planned", "A")
    assert [hop["flow"] for hop in got["B"]["hops"]] == ["A", "B"]


def test_a_supply_that_does_not_drive_closes_no_loop() -> None:
    """As above, but B starts at 100 by plan, after T, and is late by its own report: A has nothing to break."""
    flows = [
        flow("A", "a", 1, 105, 5, of("b", 1), baseline=78),
        flow("B", "b", 1, 100, 5, of("a", 1), estimated_finish=200),
        flow("T", "a", 1, 0, 80),
    ]
    got = result(*flows)["flows"]
    assert (got["B"]["hop"]["in"], got["B"]["hop"]["own"]) == (0, 95)
    assert (got["A"]["hop"]["in"], got["A"]["root"]["flow"]) == (95, "B")


def test_an_incident_is_named_by_the_report_on_its_root_before_the_culprit() -> None:
    supply = flow("S", "x", 1, 0, 20)
    first = flow("W", None, 1, 5, 5, of("x", 1, sequence=1))
    rush = flow("Z", None, 1, 5, 5, of("x", 1, sequence=2, priority=1))
    assert result(supply, first, rush, x=1)["incidents"] == {"Z": ["W"]}
    first |= {"estimated_finish": 6, "event": "e"}
    assert result(supply, first, rush, x=1)["incidents"] == {"e": ["W"]}


def test_seventeen_hops_are_folded_at_the_old_end() -> None:
    """The folded hop has the name of its older half, where the delay began, sums of all minutes, and a count."""
    flows = [flow("F00", "p00", 1, 0, 10, estimated_finish=30)]
    for number in range(1, 18):
        before = f"p{number - 1:02}"
        flows.append(flow(f"F{number:02}", f"p{number:02}", 1, 10 * number, 10, of(before, 1)))
    got = result(*flows)["flows"]
    assert [len(got[f"F{number:02}"]["hops"]) for number in (14, 15, 16, 17)] == [15, 16, 16, 16]
    oldest = got["F17"]["hops"][0]
    assert (oldest["flow"], oldest["count"], oldest["in"], oldest["own"], oldest["out"]) == ("F00", 3, 0, 20, 20)
    assert oldest["reach"] == 40  # a sum as well, though it means nothing


def test_the_alert_of_a_line_that_is_gone_is_cleared() -> None:
    late = flow("S", "x", 1, 0, 5, estimated_finish=9)
    other = flow("W", "x", 1, 0, 5)
    assert story(([late, other], 0, {}), ([other], 0, {}))[1]["alerts"] == [
        {"line": "S", "event": "DelayCleared", "delay": 0}
    ]


def test_an_alert_changes_with_its_delay_and_not_with_its_cause() -> None:
    steps: list[Step] = [
        ([flow("S", "x", 1, 0, 5, estimated_finish=finish, event=event)], 0, {}) for finish, event in LATE
    ]
    told = [[alert["event"] for alert in step["alerts"]] for step in story(*steps)]
    assert told == [["DelayRaised"], [], ["DelayChanged"], ["DelayCleared"]]


LATE = ((9, "e1"), (9, "e2"), (7, "e2"), (5, "e3"))
