"""Agreements: proposed by one side, accepted by the other, in force until changed or ended."""

from decimal import Decimal
from typing import Any

import pytest

from services.kernel.model import DictRows
from services.kernel.values import EnterpriseId, Origin, Refused
from services.order import agreement
from services.order.agreement import (
    AcceptAgreement,
    AgreementCommand,
    DeclineAgreement,
    EndAgreement,
    GrantsSet,
    ProposeAgreement,
    SetGrants,
)
from services.order.api import ROUTES
from services.order.terms import ItemId, Side
from services.order.views import AgreementStage, AgreementView
from tests.unit.order.scene import BOXES_OF_TWELVE, BUYER, OTHER, PROJECT, SELLER, code, kinds, terms

ITEM = ItemId("A-1")
KEY = "agreement/acme/bolts/A-1"
PROPOSE = ProposeAgreement(BUYER, SELLER, ITEM, terms())
OTHER_TERMS = ProposeAgreement(BUYER, SELLER, ITEM, terms(BOXES_OF_TWELVE, under_percent=Decimal(2)))


class Table:
    def __init__(self) -> None:
        self.rows = DictRows()

    def when(self, command: AgreementCommand, by: EnterpriseId) -> tuple[Any, ...] | Refused:
        made = agreement.decide(self.rows, command, Origin(by, 0, 0, 0, "c"))
        if not isinstance(made, Refused):
            for fact in made:
                self.rows.update(agreement.evolve(self.rows, fact))
        return made

    def given(self, *commands: tuple[AgreementCommand, EnterpriseId]) -> "Table":
        for command, by in commands:
            made = self.when(command, by)
            assert not isinstance(made, Refused), made
        return self

    def seen(self) -> dict[EnterpriseId, AgreementView]:
        rows = PROJECT(KEY, self.rows, (), Origin(BUYER, 0, 0, 0, "c"))
        return {row.enterprise: row.row for row in rows if row.row is not None}


def accept(revision: int) -> AcceptAgreement:
    return AcceptAgreement(BUYER, SELLER, ITEM, revision)


def in_force() -> Table:
    return Table().given((PROPOSE, BUYER), (accept(1), SELLER))


def test_terms_are_in_force_when_both_agreed() -> None:
    table = Table().given((PROPOSE, SELLER))
    assert {view.stage for view in table.seen().values()} == {AgreementStage.PROPOSED}
    assert code(table.when(accept(1), SELLER)) == "own-proposal"
    assert kinds(table.when(accept(1), BUYER)) == ["AgreementAccepted"]
    for side, view in table.seen().items():
        assert (view.stage, view.terms, view.proposed) == (AgreementStage.IN_FORCE, terms(), None)
        assert view.partner == (SELLER if side == BUYER else BUYER)
    assert table.when(accept(1), BUYER) == ()


def test_terms_in_force_stay_until_others_are_accepted() -> None:
    table = in_force().given((OTHER_TERMS, SELLER))
    assert table.seen()[BUYER].terms == terms()
    assert code(table.when(OTHER_TERMS, BUYER)) == "proposal-pending"
    assert code(table.when(accept(1), BUYER)) == "revision-unknown"
    table.given((DeclineAgreement(BUYER, SELLER, ITEM, 2), BUYER))
    assert table.seen()[BUYER].stage is AgreementStage.IN_FORCE
    table.given((OTHER_TERMS, SELLER), (accept(3), BUYER))
    assert table.seen()[SELLER].terms == OTHER_TERMS.terms


def test_the_same_proposal_again_makes_no_fact() -> None:
    assert Table().given((PROPOSE, BUYER)).when(PROPOSE, BUYER) == ()
    assert in_force().when(PROPOSE, SELLER) == ()
    assert kinds(Table().given((PROPOSE, BUYER)).when(OTHER_TERMS, BUYER)) == ["AgreementProposed"]


def test_either_side_ends_it_and_it_can_begin_again() -> None:
    table = in_force().given((EndAgreement(BUYER, SELLER, ITEM, "phase-out"), SELLER))
    assert table.seen()[BUYER].stage is AgreementStage.ENDED
    assert table.when(EndAgreement(BUYER, SELLER, ITEM), BUYER) == ()
    table.given((PROPOSE, BUYER), (accept(2), SELLER))
    assert table.seen()[BUYER].stage is AgreementStage.IN_FORCE


def test_a_proposal_is_declined_or_withdrawn_not_ended() -> None:
    table = Table().given((PROPOSE, BUYER))
    assert code(table.when(EndAgreement(BUYER, SELLER, ITEM), BUYER)) == "nothing-in-force"
    table.given((DeclineAgreement(BUYER, SELLER, ITEM, 1), BUYER))
    assert table.seen()[SELLER].stage is AgreementStage.DECLINED
    assert code(table.when(DeclineAgreement(BUYER, SELLER, ITEM, 1), SELLER)) == "revision-unknown"


def test_grants_are_refused_and_what_was_granted_in_former_times_shows_nowhere() -> None:
    table = in_force()
    for side in (BUYER, SELLER):
        assert code(table.when(SetGrants(BUYER, SELLER, ITEM, ("causes",)), side)) == "grants-retired"
    assert SetGrants not in {route.command for route in ROUTES}, "no address takes it"
    before = table.seen()
    table.rows.update(agreement.evolve(table.rows, GrantsSet(Side.SELLER, ("causes",))))
    assert table.seen() == before
    assert table.when(accept(1), SELLER) == (), "and it goes on as ever"


@pytest.mark.parametrize(
    "command",
    [PROPOSE, accept(1), DeclineAgreement(BUYER, SELLER, ITEM, 1), EndAgreement(BUYER, SELLER, ITEM),
     SetGrants(BUYER, SELLER, ITEM, ())],
)  # fmt: skip
def test_a_third_enterprise_hears_what_it_would_hear_of_none(command: AgreementCommand) -> None:
    unknown = Table().when(command, OTHER)
    assert code(unknown) == "agreement-unknown"
    assert in_force().when(command, OTHER) == unknown


def test_proposals_that_make_no_sense_are_refused() -> None:
    assert code(Table().when(ProposeAgreement(BUYER, BUYER, ITEM, terms()), BUYER)) == "agreement-unknown"
    assert code(Table().when(ProposeAgreement(BUYER, SELLER, ItemId("a/b"), terms()), BUYER)) == "bad-id"
    assert code(Table().when(ProposeAgreement(BUYER, SELLER, ITEM, terms(incoterm="XXX")), BUYER)) == "unknown-incoterm"
    assert code(Table().when(accept(1), SELLER)) == "agreement-unknown"
