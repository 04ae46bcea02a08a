"""How long news takes by phone and by planning runs, on the assumptions of a scenario."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from infra.cli.notice import by_nightly_plans, by_phone
from infra.cli.scenario import Compare


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo("Europe/Vienna"))  # type: ignore[arg-type,misc]


THURSDAY_MORNING = moment(2027, 2, 18, 9, 15)
FRIDAY_NIGHT = moment(2027, 2, 19, 23, 59)


@pytest.mark.parametrize(
    ("happened", "hops", "known"),
    [
        (THURSDAY_MORNING, 0, THURSDAY_MORNING),
        (THURSDAY_MORNING, 1, moment(2027, 2, 19, 8, 0)),
        (THURSDAY_MORNING, 2, moment(2027, 2, 22, 8, 0)),
        (THURSDAY_MORNING, 3, moment(2027, 2, 23, 8, 0)),
        (FRIDAY_NIGHT, 1, moment(2027, 2, 22, 8, 0)),
    ],
)
def test_nobody_phones_on_a_weekend(happened: datetime, hops: int, known: datetime) -> None:
    assert by_phone(happened, hops, Compare()) == known


def test_plans_run_every_night() -> None:
    assert by_nightly_plans(FRIDAY_NIGHT, 1, Compare(plan_at="03:30")) == moment(2027, 2, 20, 3, 30)
    assert by_nightly_plans(THURSDAY_MORNING, 3, Compare()) == moment(2027, 2, 21, 2, 0)
