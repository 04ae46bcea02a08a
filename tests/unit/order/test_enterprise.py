"""Enterprises and the numbers by which others know them."""

from typing import Any

import pytest

from services.kernel.model import DictRows
from services.kernel.values import EnterpriseId, Origin, Refused
from services.order import enterprise, views
from services.order.enterprise import (
    AddAlias,
    Alias,
    AliasScheme,
    EnterpriseCommand,
    RegisterEnterprise,
    RemoveAlias,
    RenameEnterprise,
    check_alias,
)
from tests.unit.order.scene import PROJECT, code, kinds

ACME = EnterpriseId("acme")
ORIGIN = Origin(ACME, 0, 0, 0, "c")
GLN = Alias(AliasScheme.GLN, "4012345000009")
DUNS = Alias(AliasScheme.DUNS, "150483782")


def run(rows: DictRows, command: EnterpriseCommand) -> tuple[Any, ...] | Refused:
    made = enterprise.decide(rows, command, ORIGIN)
    if not isinstance(made, Refused):
        for fact in made:
            for key, row in enterprise.evolve(rows, fact).items():
                if row is None:
                    del rows[key]
                else:
                    rows[key] = row
    return made


# GLN: the example of the GS1 check digit page. BPNs: published by Catena-X in its examples. USCC: Tencent and Huawei.
@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        (AliasScheme.GLN, "4012345000009"),
        (AliasScheme.GLN, "6291041500213"),
        (AliasScheme.DUNS, "150483782"),
        (AliasScheme.BPN, "BPNL00000003AYRE"),
        (AliasScheme.BPN, "BPNL00000003CRHK"),
        (AliasScheme.BPN, "BPNL00000007OR16"),
        (AliasScheme.USCC, "9144030071526726XG"),
        (AliasScheme.USCC, "914403001922038216"),
    ],
)
def test_good_numbers_are_taken_and_one_wrong_character_is_not(scheme: AliasScheme, value: str) -> None:
    assert check_alias(Alias(scheme, value)) is None
    if scheme is AliasScheme.DUNS:
        return  # nothing checks it but its length
    for place in range(4 if scheme is AliasScheme.BPN else 0, len(value)):
        for other in "0123456789":
            if other != value[place]:
                wrong = Alias(scheme, value[:place] + other + value[place + 1 :])
                assert code(check_alias(wrong)) == "bad-alias", wrong


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        (AliasScheme.GLN, ""),
        (AliasScheme.GLN, "401234500000"),
        (AliasScheme.GLN, "４012345000009"),
        (AliasScheme.GLN, "4012345000009\n"),
        (AliasScheme.DUNS, "15-048-3782"),
        (AliasScheme.BPN, "bpnl00000003ayre"),
        (AliasScheme.BPN, "BPNX00000003AYRE"),
        (AliasScheme.USCC, "9144030071526726Xg"),
        (AliasScheme.USCC, "91440300715267261I"),
    ],
)
def test_other_forms_are_refused(scheme: AliasScheme, value: str) -> None:
    assert code(check_alias(Alias(scheme, value))) == "bad-alias"


def test_an_enterprise_is_registered_once() -> None:
    rows = DictRows()
    assert kinds(run(rows, RegisterEnterprise("Acme AG", (GLN, DUNS)))) == ["EnterpriseRegistered"]
    assert run(rows, RegisterEnterprise("Acme AG", (DUNS, GLN))) == ()
    assert code(run(rows, RegisterEnterprise("Acme SE", (GLN, DUNS)))) == "enterprise-differs"
    assert code(run(rows, RegisterEnterprise("Acme AG", (GLN,)))) == "enterprise-differs"


def test_names_and_aliases_change() -> None:
    rows = DictRows()
    run(rows, RegisterEnterprise("Acme AG"))
    assert kinds(run(rows, RenameEnterprise("Acme SE"))) == ["EnterpriseRenamed"]
    assert run(rows, RenameEnterprise("Acme SE")) == ()
    assert kinds(run(rows, AddAlias(GLN))) == ["AliasAdded"]
    assert run(rows, AddAlias(GLN)) == ()
    (row,) = PROJECT("enterprise/acme", rows, (), ORIGIN)
    assert row.row == views.EnterpriseView("Acme SE", (GLN,))
    assert kinds(run(rows, RemoveAlias(GLN))) == ["AliasRemoved"]
    assert run(rows, RemoveAlias(GLN)) == ()
    (row,) = PROJECT("enterprise/acme", rows, (), ORIGIN)
    assert row.row == views.EnterpriseView("Acme SE", ())


@pytest.mark.parametrize("name", ["", "  ", "a\x07b", "x" * 501])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    rows = DictRows()
    assert code(run(rows, RegisterEnterprise(name))) in ("bad-name", "bad-text")
    run(rows, RegisterEnterprise("Acme"))
    assert code(run(rows, RenameEnterprise(name))) in ("bad-name", "bad-text")


def test_nothing_changes_before_the_registration() -> None:
    for command in (RenameEnterprise("x"), AddAlias(GLN), RemoveAlias(GLN)):
        assert code(run(DictRows(), command)) == "enterprise-unknown"


def test_aliases_are_bounded() -> None:
    rows = DictRows()
    many = tuple(Alias(AliasScheme.DUNS, f"{number:09}") for number in range(50))
    run(rows, RegisterEnterprise("Acme", many))
    assert code(run(rows, AddAlias(DUNS))) == "too-many-aliases"
    assert code(run(DictRows(), RegisterEnterprise("Acme", (*many, DUNS)))) == "too-many-aliases"


def test_a_command_goes_to_the_senders_own_enterprise() -> None:
    assert enterprise.key_of(RenameEnterprise("x"), ACME) == "enterprise/acme"
