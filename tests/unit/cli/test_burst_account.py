"""The account of a burst holds only if nothing is lost, nothing came twice, and stock says the same as shipments."""

from dataclasses import replace
from decimal import Decimal

import pytest

from infra.cli.burst import Account

EVEN = Account(sent=9, outcomes=9, repeated=2, before=Decimal(50), after=Decimal(29), shipped=Decimal(21))


def test_an_even_account_holds() -> None:
    assert EVEN.even


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcomes": 8}, {"refused": 1}, {"lost": 1}, {"twice": 1}, {"differently_answered": 1}, {"after": Decimal(28)},
        {"shipped": Decimal(22)},
    ],
)  # fmt: skip
def test_whatever_is_wrong_shows(wrong: dict[str, Decimal]) -> None:
    assert not replace(EVEN, **wrong).even  # type: ignore[arg-type]
