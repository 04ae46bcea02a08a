"""The demo speaks both languages: every phrase has both forms, with the same places to fill in."""

from datetime import date
from string import Formatter

import pytest

from infra.cli.words import PHRASES, Lang


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", PHRASES)
def test_both_languages_say_the_same_things(key: str) -> None:
    english, chinese = PHRASES[key]
    assert places(english) == places(chinese)
    assert bool(english) == bool(chinese)


@pytest.mark.parametrize(
    ("minutes", "english", "chinese"),
    [
        (0, "on time", "准时"), (1, "1 min late", "晚 1 分钟"), (60, "1 h late", "晚 1 小时"),
        (1440, "1 day late", "晚 1 天"), (4320, "3 days late", "晚 3 天"), (1505, "1 day 1 h late", "晚 1 天 1 小时"),
        (None, "no date", "无日期"),
    ],
)  # fmt: skip
def test_how_late_something_is(minutes: int | None, english: str, chinese: str) -> None:
    assert Lang("en").late(minutes) == english
    assert Lang("zh").late(minutes) == chinese


def test_days_and_texts() -> None:
    assert Lang("en").day(date(2027, 3, 12)) == "Fri 12 Mar"
    assert Lang("zh").day(date(2027, 3, 12)) == "3月12日周五"
    assert Lang("zh").of({"en": "nuts"}) == "nuts", "one language is better than none"
    assert Lang("zh").of({"en": "nuts", "zh": "螺母"}) == "螺母"


@pytest.mark.parametrize(("n", "said"), [(0, "0 pools counted"), (1, "1 pool counted"), (1200, "1,200 pools counted")])
def test_a_number_comes_with_its_word(n: int, said: str) -> None:
    assert Lang("en")("set_stock", n=n) == said
