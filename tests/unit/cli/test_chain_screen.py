"""The chain on a terminal: what it says, in 80 columns, in both languages, and without colours as well."""

import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.cells import cell_len
from rich.console import Console

from infra.cli.chain_screen import ChainScreen
from infra.cli.chain_seen import Chain, Firm, Timed
from infra.cli.forecast import Forecast, forecast, work_ms
from infra.cli.front_door import Row
from infra.cli.home import ROOT
from infra.cli.notice import by_nightly_plans, by_phone
from infra.cli.scenario import Scenario
from infra.cli.scenario_file import load
from infra.cli.screen import Screen
from infra.cli.words import Code, Lang, number
from services.chain.closures import Closure
from services.chain.moments import minute_of

PLANT = "fennmark/kristiansand"
WIDTH = 80


@pytest.fixture(scope="module")
def city() -> Scenario:
    return load(ROOT / "infra" / "scenarios" / "city-car.yaml")


def stopped(scenario: Scenario, days: int) -> Forecast:
    since = minute_of(work_ms(scenario, "fennmark/F-61")[0]) + 2880
    return forecast(scenario, {PLANT: Closure(since, since + days * 1440, PLANT)} if days else {})


def seen(scenario: Scenario, wanted: Forecast) -> Chain:
    """The rows that the firms would see if their services said what is forecast."""
    firms: dict[str, tuple[dict[str, Row], dict[str, Row], dict[str, Row]]]
    firms = {id_: ({}, {}, {}) for id_ in scenario.enterprises}
    for order, expected in wanted.orders.items():
        one = scenario.agreement_of(order)
        cause = {"kind": "supply", "tiers": "3 or more", "reference": "ab12"} if expected.delay else None
        row: Row = {
            "delay_minutes": expected.delay, "item": one.item, "cause": cause,
            "promised_on": day_of(expected.baseline).isoformat(), "expected_on": day_of(expected.date).isoformat(),
        }  # fmt: skip
        firms[order.partition("/")[0]][0][order] = row
        firms[one.seller][1][order] = {**row, "item": one.seller_item}
    for key, expected in wanted.work.items():
        firms[key.partition("/")[0]][2][key] = {
            "delay_minutes": expected.delay, "planned_finish_at": instant(expected.baseline),
            "expected_at": instant(expected.date),
        }  # fmt: skip
    return Chain({id_: Firm(*rows) for id_, rows in firms.items()})


def instant(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).isoformat()


def day_of(minute: int) -> date:
    return datetime.fromtimestamp(minute * 60, UTC).date()


def shown(scenario: Scenario, code: Code, days: int, *, colours: bool = False) -> str:
    """All that the screen has of the chain when the plant stands still for so many days."""
    out, wanted = io.StringIO(), stopped(scenario, days)
    console = Console(file=out, width=WIDTH, force_terminal=colours, highlight=False, no_color=not colours)
    screen = ChainScreen(scenario, Screen(console, Lang(code)))
    chain = seen(scenario, wanted)
    screen.tree(chain, wanted, dict.fromkeys(scenario.orders, 5760))
    screen.between(chain, "fennmark")
    screen.absorbed(chain)
    happened, compare = datetime(2027, 2, 18, 9, 15, tzinfo=UTC), scenario.compare
    otherwise = {"phone": by_phone(happened, 3, compare), "plans": by_nightly_plans(happened, 3, compare)}
    screen.compared(happened, otherwise, Timed(800, 900), 3, compare)
    return out.getvalue()


@pytest.mark.parametrize("code", ["en", "zh"])
@pytest.mark.parametrize("days", [0, 6, 30])
def test_nothing_is_wider_than_the_terminal_or_cut_off(city: Scenario, code: Code, days: int) -> None:
    text = shown(city, code, days)
    assert max(map(cell_len, text.splitlines())) <= WIDTH
    assert "…" not in text
    assert "\x1b" not in text


def test_dates_and_delays_are_never_cut_however_long_the_names(city: Scenario) -> None:
    firms = {id_: one.model_copy(update={"name": one.name * 4}) for id_, one in city.enterprises.items()}
    lines = shown(city.model_copy(update={"enterprises": firms}), "en", 30).splitlines()
    assert [line for line in lines if "Fri 12 Mar  Thu 8 Apr   ■ 27 days late" in line]
    assert max(map(cell_len, lines)) <= WIDTH


def test_the_tree_says_what_is_late_and_by_how_much(city: Scenario) -> None:
    lines = [" ".join(line.split()) for line in shown(city, "en", 6).splitlines()]
    assert "├─ packs 4502 Ampero Packs Fri 12 Mar Mon 15 Mar ■ 3 days late" in lines
    assert "├─ packs 4501 Ampero Packs Fri 5 Mar · on time" in lines
    assert "◆ city cars C-2 own plant Thu 18 Mar Fri 19 Mar ■ 1 day late" in lines
    assert [line for line in lines if "resin 512 Fennmark" in line] == [
        "│ └─ resin 512 Fennmark Works Thu 25 Feb Wed 3 Mar ■ 6 days late",
        "│ └─ resin 512 Fennmark Works Thu 25 Feb Wed 3 Mar ■ 6 days late",
    ], "a diamond: it goes into two things"


def test_slack_is_said_while_nothing_is_late(city: Scenario) -> None:
    assert "· on time, 4 days slack" in shown(city, "en", 0)
    assert "slack" not in shown(city, "en", 6)
    assert "余量 4 天" in shown(city, "zh", 0)


def test_what_comes_in_late_and_does_not_go_out_was_absorbed(city: Scenario) -> None:
    lines = [" ".join(line.split()) for line in shown(city, "en", 6).splitlines()]
    assert "Ampero Packs 6 days −2 days 4 days −1 day 3 days" in lines
    assert "Corvida Cars 3 days −2 days 1 day" in lines
    assert not [line for line in lines if line.startswith("Sedelia Seating") and "days" in line]


def test_colours_only_repeat_what_the_words_say(city: Scenario) -> None:
    plain, coloured = shown(city, "en", 6), shown(city, "en", 6, colours=True)
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_firm_in_between_reads_its_own_lines_only(city: Scenario) -> None:
    text = shown(city, "en", 6)
    between = text[text.index("What the firms in between see") : text.index("Where the delay went")]
    assert "Fennmark" not in between
    assert "Corvida" not in between
    assert "Sedelia" not in between, "not late, nothing to tell"


@pytest.mark.parametrize(("minutes", "amount"), [(5.5, "5.5"), (11520, "11,520")])
def test_amounts(minutes: float, amount: str) -> None:
    assert number(Decimal(str(minutes))) == amount
