"""When a flow ends and why then: each state that a flow can be in, its basis, its hop and its root."""

from dataclasses import dataclass, replace
from random import Random

import pytest

from services.chain.causes import Cause, Hop, Root, RootClass, Stage, Stages, obeys_law
from services.chain.flow import Basis, Expected, expect
from services.chain.flow_facts import Flow
from services.chain.moments import NEVER, SINCE
from services.chain.pool_facts import CoveredPart, DemandCovered, Frozen, LateSupply

PLAN = Flow("W", "M", quantity=10, planned_start=100, lead_minutes=20, baseline=125)
SLIP = Cause(Root("S", RootClass.REPORTED, "e1"), (Hop("S", "A", own=40, delay_out=40),))
COMES_LATE = LateSupply("S", date=130, baseline=90, cause=SLIP, trail=(Stage("S", 10),))


def input_of(*parts: CoveredPart, issued: int = 0, frozen: Frozen | None = None, n: int = 0) -> DemandCovered:
    """The answer to input n of the flow."""
    return DemandCovered("W", n, parts, issued, frozen)


def at(date: int, quantity: int = 10, baseline: int | None = None, late: LateSupply | None = None) -> CoveredPart:
    """Units that come as agreed, or behind a late supply."""
    return CoveredPart(date, quantity, date if baseline is None else baseline, late, path=(Stage("S", 10),))


LATE = at(130, baseline=90, late=COMES_LATE)


def minutes(expected: Expected) -> dict[str, int]:
    """The numbers of a flow's hop that are not zero."""
    hop = expected.hop
    assert obeys_law(hop), hop
    names = ("delay_in", "stock", "reach", "slack", "recovered", "plan", "own", "calendar", "delay_out")
    return {name: getattr(hop, name) for name in names if getattr(hop, name)}


def root(expected: Expected) -> tuple[str, RootClass]:
    """Where the delay of the last part began."""
    assert expected.cause is not None
    return expected.cause.root.flow, expected.cause.root.kind


@pytest.mark.parametrize(
    ("facts", "inputs", "date", "basis"),
    [
        ({}, [], 120, Basis.PROMISED),
        ({}, [input_of(at(SINCE))], 120, Basis.PROMISED),
        ({}, [input_of(at(100))], 120, Basis.PROMISED),
        ({}, [input_of(at(101))], 121, Basis.COMPUTED),
        ({}, [input_of(at(101)), input_of(at(103), n=1)], 123, Basis.COMPUTED),
        ({}, [input_of(at(101, 6), at(NEVER, 4))], NEVER, Basis.COMPUTED),
        ({"estimated_start": 100}, [], 120, Basis.REPORTED),
        ({"estimated_start": 99}, [], 120, Basis.PROMISED),
        ({"estimated_start": 110}, [input_of(at(105))], 130, Basis.REPORTED),
        ({"estimated_finish": 130}, [input_of(at(105))], 130, Basis.REPORTED),
        ({"estimated_finish": 110}, [], 120, Basis.PROMISED),
        ({"estimated_finish": 124}, [input_of(at(105))], 125, Basis.COMPUTED),
        ({"actual_start": 95}, [], 115, Basis.REPORTED),
        ({"actual_start": 95, "estimated_finish": 110}, [], 110, Basis.REPORTED),
        ({"actual_start": 95, "estimated_finish": 110}, [input_of(at(105))], 125, Basis.COMPUTED),
        ({"actual_start": 95, "estimated_finish": 110}, [input_of(issued=10)], 110, Basis.REPORTED),
        ({"actual_start": 95}, [input_of(issued=10, frozen=Frozen(97, 90, 9, SLIP))], 117, Basis.REPORTED),
        ({"actual_start": 95, "actual_finish": 108}, [input_of(at(NEVER))], 108, Basis.REPORTED),
        ({"lost": True}, [input_of(at(105))], NEVER, Basis.REPORTED),
        ({"lost": True, "actual_finish": 108}, [], 108, Basis.REPORTED),
        ({"estimated_finish": 110, "firm": True}, [input_of(at(105))], 110, Basis.REPORTED),
        ({"firm": True}, [input_of(at(105))], 125, Basis.COMPUTED),
    ],
)
def test_the_date_of_a_flow_and_what_it_rests_on(
    facts: dict[str, int], inputs: list[DemandCovered], date: int, basis: Basis
) -> None:
    expected = expect(replace(PLAN, **facts), inputs, now=1)  # type: ignore[arg-type]
    assert (expected.date, expected.parts[-1].basis) == (date, basis)


@pytest.mark.parametrize(
    ("facts", "date"),
    [
        ({}, 150),
        ({"reports_start": True}, 170),
        ({"actual_start": 100}, 150),
        ({"actual_start": 140}, 160),
        ({"estimated_finish": 130, "firm": True}, 150),
        ({"actual_finish": 108}, 108),
        ({"lost": True}, NEVER),
    ],
)
def test_what_is_overdue_is_not_expected_in_the_past(facts: dict[str, int], date: int) -> None:
    assert expect(replace(PLAN, **facts), [], now=150).date == date  # type: ignore[arg-type]


def test_silence_is_its_own_kind_of_root_and_no_report() -> None:
    silent = expect(PLAN, [], now=150)
    assert (root(silent), silent.parts[0].basis) == (("W", RootClass.SILENT), Basis.PROMISED)
    assert minutes(silent) == {"slack": 5, "own": 30, "delay_out": 25}
    assert root(expect(replace(PLAN, estimated_finish=150), [], now=150)) == ("W", RootClass.REPORTED)
    not_started = expect(replace(PLAN, reports_start=True), [], now=110)
    assert (not_started.date, root(not_started)) == (130, ("W", RootClass.SILENT))


def test_a_late_input_is_inherited_less_what_stock_and_slack_absorb() -> None:
    expected = expect(PLAN, [input_of(LATE)], now=1)
    assert expected.date == 150
    assert minutes(expected) == {"delay_in": 40, "reach": 40, "slack": 15, "delay_out": 25}
    assert expected.cause is not None
    assert expected.cause == Cause(SLIP.root, (*SLIP.hops, expected.hop))
    from_stock = at(110, baseline=90, late=COMES_LATE)
    assert minutes(expect(PLAN, [input_of(from_stock)], now=1)) == {
        "delay_in": 40, "stock": 20, "reach": 20, "slack": 15, "delay_out": 5,
    }  # fmt: skip


def test_what_is_in_time_has_no_cause_but_tells_what_it_absorbed() -> None:
    for date, absorbed in ((104, 14), (95, 5)):
        expected = expect(PLAN, [input_of(at(date, baseline=90, late=COMES_LATE))], now=1)
        assert (expected.delay, expected.cause, expected.parts[0].trail) == (0, None, ())
        assert minutes(expected) == {"delay_in": 40, "stock": 40 - absorbed, "reach": absorbed, "slack": absorbed}


def test_a_late_supply_that_came_before_the_planned_start_does_not_drive() -> None:
    expected = expect(replace(PLAN, estimated_finish=140), [input_of(at(95, baseline=90, late=COMES_LATE))], now=1)
    assert root(expected) == ("W", RootClass.REPORTED)
    assert minutes(expected) == {"slack": 5, "own": 20, "delay_out": 15}


def test_the_critical_input_is_the_latest_and_the_first_of_several() -> None:
    other = replace(COMES_LATE, flow="T", cause=Cause(Root("T", RootClass.REPORTED), ()))
    first, second = input_of(LATE), input_of(replace(LATE, late=other), n=1)
    assert root(expect(PLAN, [first, second], now=1))[0] == "S"
    assert root(expect(PLAN, [second, first], now=1))[0] == "T"
    later = input_of(replace(LATE, late=other, date=131), n=1)
    assert root(expect(PLAN, [first, later], now=1))[0] == "T"


def test_the_larger_share_names_the_root() -> None:
    for own, named in ((25, "S"), (26, "W")):
        expected = expect(replace(PLAN, estimated_finish=150 + own, event="e2"), [input_of(LATE)], now=1)
        assert minutes(expected)["own"] == own
        assert root(expected)[0] == named
        assert [hop.flow for hop in (expected.cause or SLIP).hops] == ["S", "W"], "the hops are told in any case"


def test_faster_work_is_not_time_in_hand() -> None:
    started = replace(PLAN, actual_start=130, estimated_finish=140)
    frozen = Frozen(130, 90, 40, SLIP)
    expected = expect(started, [input_of(issued=10, frozen=frozen)], now=1)
    assert minutes(expected) == {"delay_in": 40, "reach": 40, "slack": 15, "recovered": 10, "delay_out": 15}
    assert root(expected)[0] == "S"


def test_a_plan_that_was_too_tight_or_a_demand_that_went_first() -> None:
    tight = replace(PLAN, baseline=115)
    assert minutes(expect(tight, [], now=1)) == {"plan": 5, "delay_out": 5}
    assert root(expect(tight, [], now=1)) == ("W", RootClass.PLANNED)
    for own, kind in ((4, RootClass.PLANNED), (5, RootClass.REPORTED)):
        assert root(expect(replace(tight, estimated_finish=120 + own), [], now=1)) == ("W", kind)
    overtaken = expect(PLAN, [input_of(replace(at(110), culprit="R"))], now=1)
    assert (root(overtaken), overtaken.cause and overtaken.cause.root.culprit) == (("W", RootClass.SHARED), "R")
    assert root(expect(tight, [input_of(replace(at(100), culprit="R"))], now=1)) == ("W", RootClass.PLANNED)


def test_what_never_comes_says_why() -> None:
    lost = expect(replace(PLAN, lost=True, event="e2"), [input_of(LATE)], now=1)
    assert (root(lost), minutes(lost)) == (("W", RootClass.LOST), {"delay_out": NEVER})
    short = expect(PLAN, [input_of(CoveredPart(NEVER, 10, NEVER, missing=4))], now=1)
    assert (root(short), short.cause and short.cause.root.missing) == (("W", RootClass.SHORT), 4)
    cut_off = replace(COMES_LATE, date=NEVER)
    waits = expect(PLAN, [input_of(at(NEVER, baseline=90, late=cut_off))], now=1)
    assert (root(waits)[0], minutes(waits)) == ("S", {"delay_in": NEVER, "delay_out": NEVER})


def test_of_a_lost_supply_that_another_replaces_the_pool_absorbed_all() -> None:
    replaced = at(130, baseline=90, late=replace(COMES_LATE, date=NEVER))
    assert minutes(expect(PLAN, [input_of(replaced)], now=1)) == {
        "delay_in": NEVER, "stock": NEVER, "reach": 40, "slack": 15, "delay_out": 25,
    }  # fmt: skip


def test_a_firm_word_stands_against_its_inputs_and_the_contradiction_shows() -> None:
    firm = replace(PLAN, estimated_finish=145, firm=True)
    expected = expect(firm, [input_of(LATE)], now=1)
    assert (expected.contradicted, root(expected)) == (True, ("W", RootClass.REPORTED))
    assert minutes(expected) == {"slack": 5, "own": 25, "delay_out": 20}
    assert not expect(firm, [input_of(at(125))], now=1).contradicted
    assert not expect(replace(firm, firm=False), [input_of(LATE)], now=1).contradicted


SPLIT = replace(PLAN, split=True)


def parts(expected: Expected) -> list[tuple[int, int]]:
    """(date, quantity) of each."""
    return [(part.date, part.quantity) for part in expected.parts]


def test_a_line_that_may_go_in_parts_does() -> None:
    covered = input_of(at(SINCE, 3), at(90, 2), replace(LATE, quantity=4), at(NEVER, 1))
    assert parts(expect(SPLIT, [covered], now=1)) == [(120, 5), (150, 4), (NEVER, 1)]
    assert parts(expect(PLAN, [covered], now=1)) == [(NEVER, 10)]
    on_time, late, _ = expect(SPLIT, [covered], now=1).parts
    assert (on_time.cause, late.cause and late.cause.root.flow) == (None, "S")


def test_unlike_units_are_converted_cumulatively() -> None:
    dozens = replace(SPLIT, quantity=2)
    assert parts(expect(dozens, [input_of(at(101, 11), at(102, 1), at(103, 12))], now=1)) == [(122, 1), (123, 1)]
    assert parts(expect(dozens, [input_of(at(102, 23), at(103, 1))], now=1)) == [(122, 1), (123, 1)]


def test_issued_units_of_a_split_go_first() -> None:
    covered = input_of(at(NEVER, 4), issued=6, frozen=Frozen(130, 90, 40, SLIP))
    expected = expect(replace(SPLIT, actual_start=125), [covered], now=1)
    assert parts(expected) == [(150, 6), (NEVER, 4)]
    assert expected.parts[0].hop.reach == 40


def test_a_date_that_came_about_by_its_own_flow_is_none() -> None:
    mine = (Stage("W", 10), Stage("S", 10))
    assert expect(PLAN, [input_of(replace(at(130), path=mine))], now=1).date == NEVER
    assert expect(PLAN, [input_of(replace(at(100), path=mine))], now=1).date == 120, "the plan decides, not the input"
    first_five = (Stage("W", 5),)
    covered = input_of(at(110, 5), replace(at(130, 5), path=first_five))
    assert parts(expect(SPLIT, [covered], now=1)) == [(130, 5), (150, 5)], "a part may wait for an earlier one"
    covered = input_of(replace(at(130, 4), path=first_five), at(140, 6))
    assert parts(expect(SPLIT, [covered], now=1)) == [(NEVER, 10)]


def test_a_path_tells_what_decided() -> None:
    def path(expected: Expected) -> Stages:
        return expected.parts[-1].path

    assert path(expect(PLAN, [input_of(at(130))], now=1)) == (Stage("S", 10), Stage("W", 10))
    assert path(expect(PLAN, [input_of(at(100))], now=1)) == (Stage("W", 10),)
    assert path(expect(PLAN, [input_of(at(NEVER))], now=1)) == ()


def circle(*names: str, date: int = 130) -> list[DemandCovered]:
    """An input whose late supply has this trail behind it."""
    trail = tuple(Stage(name, 10) for name in names)
    return [input_of(at(date, baseline=90, late=replace(COMES_LATE, date=date, trail=trail)))]


def test_the_least_member_of_a_loop_breaks_the_circle() -> None:
    waits = expect(PLAN, circle("A", "W", "X", "Y", date=NEVER), now=1)
    assert waits.cause == Cause(Root("W", RootClass.LOOP, members=("W", "X", "Y")), (waits.hop,))
    assert (waits.hop.delay_in, waits.parts[0].trail) == (NEVER, (Stage("W", 10),))
    comes = expect(PLAN, circle("W", "X"), now=1)
    assert (comes.hop.delay_in, root(comes)) == (0, ("W", RootClass.PLANNED))


def test_the_other_members_pass_its_root_on() -> None:
    waits = expect(PLAN, circle("A", "W", "B", "Y", date=NEVER), now=1)
    assert root(waits) == ("S", RootClass.REPORTED), "what the least member says, once it has come around"
    assert waits.parts[0].trail == (Stage("B", 10), Stage("Y", 10), Stage("W", 10))


def test_of_two_parts_of_one_flow_in_a_loop_the_first_breaks_it() -> None:
    trail = (Stage("W", 10), Stage("W", 4))
    late = at(130, baseline=90, late=replace(COMES_LATE, trail=trail))
    first, second = expect(
        SPLIT, [input_of(replace(late, quantity=4), replace(late, date=131, quantity=6))], now=1
    ).parts
    assert (first.hop.delay_in, first.trail) == (0, (Stage("W", 4),))
    assert (second.hop.delay_in, second.trail) == (40, (Stage("W", 4), Stage("W", 10)))


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Of seven minutes the last two are closed."""

    def end(self, start: int, lead_minutes: int) -> int:
        """The minute at which the work is done."""
        worked = start // 7 * 5 + min(start % 7, 5) + lead_minutes
        return (worked - 1) // 5 * 7 + (worked - 1) % 5 + 1


@pytest.mark.parametrize(
    ("came", "due", "calendar"),
    [(12, 10, 0), (13, 12, -1), (15, 12, -2), (15, 10, -2), (12, 8, 2), (15, 14, 0), (11, 10, 0)],
)
def test_closed_hours_have_their_own_account(came: int, due: int, calendar: int) -> None:
    flow = Flow("W", "M", 10, planned_start=0, lead_minutes=3, baseline=Weekdays().end(due, 3))
    late = LateSupply("S", came, due, SLIP)
    expected = expect(flow, [input_of(at(came, baseline=due, late=late))], now=1, calendar=Weekdays())
    assert minutes(expected).get("calendar", 0) == calendar
    assert expected.hop.delay_in + calendar == expected.hop.delay_out


def test_what_closed_hours_added_to_a_late_input_is_inherited() -> None:
    late = LateSupply("S", 12, 8, SLIP)  # four minutes late, six when the work is done
    facts = Flow("W", "M", 10, planned_start=0, lead_minutes=3, baseline=11, estimated_finish=17 + 5)
    assert root(expect(facts, [input_of(at(12, baseline=8, late=late))], now=1, calendar=Weekdays()))[0] == "S"
    late = LateSupply("S", 13, 12, SLIP)  # a minute late, but nobody would have worked in it
    facts = replace(facts, baseline=17, estimated_finish=18)
    assert root(expect(facts, [input_of(at(13, baseline=12, late=late))], now=1, calendar=Weekdays()))[0] == "W"


def test_a_flow_that_takes_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="at least a minute"):
        replace(PLAN, lead_minutes=0)


@pytest.mark.parametrize("seed", range(500))
def test_every_hop_obeys_the_law_and_continues_the_one_before(seed: int) -> None:
    random = Random(seed)

    def some(most: int = 30) -> int:
        return random.randint(1, most)

    def maybe(date: int) -> int | None:
        return random.choice((None, None, date))

    came_in = random.choice((NEVER, some() + 30))
    slip = Cause(
        Root("S", RootClass.REPORTED), (Hop("S", "A", own=0 if came_in == NEVER else came_in, delay_out=came_in),)
    )
    covered = []
    for n in range(random.randint(0, 3)):
        baseline = some()
        date = random.choice((baseline + some(), baseline, NEVER if came_in == NEVER else baseline))
        late = LateSupply("S", NEVER if came_in == NEVER else 40 + came_in, 40, slip) if date > baseline else None
        frozen = Frozen(baseline + some(), baseline, came_in, slip) if random.random() < 0.3 else None
        open_parts = (CoveredPart(date, 5, baseline, late),) if random.random() < 0.8 else ()
        covered.append(DemandCovered("W", n, open_parts, 5, frozen))
    flow = Flow("W", "M", 10, some(), some(9), some(50), split=len(covered) == 1, estimated_start=maybe(some()))
    flow = replace(
        flow,
        estimated_finish=maybe(some(60)),
        firm=random.random() < 0.2,
        actual_start=maybe(some()),
        actual_finish=random.choice((None, None, None, None, some(60))),
        reports_start=random.random() < 0.3,
    )
    calendar = Weekdays()
    for part in expect(flow, covered, now=some(60), calendar=calendar).parts:
        assert obeys_law(part.hop), (seed, flow, covered, part.hop)
        assert (part.cause is None) == (part.hop.delay_out == 0), (seed, part)
        if part.cause and len(part.cause.hops) > 1:
            assert part.cause.hops[-2].delay_out == part.hop.delay_in, (seed, part)
