"""An agreement between two enterprises on one item: the defaults that are stamped on new lines.

Owns: row ``head`` under ``agreement/<buyer>/<seller>/<buyer item>``. One side proposes terms, the other accepts them;
terms in force stay until others are accepted or one side ends the agreement.
Deliberately lacks: effect on lines that exist (a changed default touches new ones only), and on what others may see: an
enterprise lets them know its name as a whole (``enterprise``), wherever they are. Orders need no agreement.
"""

from dataclasses import dataclass, replace
from typing import Any, assert_never

from services.kernel.model import Aggregate, Rows
from services.kernel.values import EnterpriseId, Origin, Refused
from services.order.terms import ItemId, Side, Terms, bad_id, check_reason, check_terms, is_id


# Facts
@dataclass(frozen=True, slots=True)
class AgreementProposed:
    """One side asks for these terms; ``revision`` counts the proposals."""

    buyer: EnterpriseId
    seller: EnterpriseId
    buyer_item: ItemId
    revision: int
    by: Side
    terms: Terms


@dataclass(frozen=True, slots=True)
class AgreementAccepted:
    """The other side agreed: the terms of this revision are in force."""

    revision: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class AgreementDeclined:
    """The proposal is off the table; what was in force stays."""

    revision: int
    by: Side
    reason_code: str
    reason_text: str


@dataclass(frozen=True, slots=True)
class AgreementEnded:
    """Nothing is in force any more."""

    by: Side
    reason_code: str
    reason_text: str


@dataclass(frozen=True, slots=True)
class GrantsSet:
    """Said in former times: the whole of what this side lets the other see further. It never had an effect."""

    by: Side
    grants: tuple[str, ...]


AgreementFact = AgreementProposed | AgreementAccepted | AgreementDeclined | AgreementEnded | GrantsSet


# Commands
@dataclass(frozen=True, slots=True)
class ProposeAgreement:
    """Either side asks for terms."""

    buyer: EnterpriseId
    seller: EnterpriseId
    buyer_item: ItemId
    terms: Terms


@dataclass(frozen=True, slots=True)
class AcceptAgreement:
    """The side that did not propose accepts the revision."""

    buyer: EnterpriseId
    seller: EnterpriseId
    buyer_item: ItemId
    revision: int


@dataclass(frozen=True, slots=True)
class DeclineAgreement:
    """The other side declines the revision, or its own side withdraws it."""

    buyer: EnterpriseId
    seller: EnterpriseId
    buyer_item: ItemId
    revision: int
    reason_code: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class EndAgreement:
    """Either side ends what is in force."""

    buyer: EnterpriseId
    seller: EnterpriseId
    buyer_item: ItemId
    reason_code: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class SetGrants:
    """Sent in former times, and refused: see ``enterprise`` for what lets others see more."""

    buyer: EnterpriseId
    seller: EnterpriseId
    buyer_item: ItemId
    grants: tuple[str, ...]


AgreementCommand = ProposeAgreement | AcceptAgreement | DeclineAgreement | EndAgreement | SetGrants


# Rows
@dataclass(frozen=True, slots=True)
class Agreement:
    """Row ``head``. ``terms``: in force; ``proposed``: asked for by ``proposed_by`` and not answered.

    The grants are what was said in former times: they mean nothing, and old rows have them.
    """

    revision: int
    terms: Terms | None = None
    terms_revision: int = 0
    proposed: Terms | None = None
    proposed_by: Side | None = None
    ended: bool = False
    buyer_grants: tuple[str, ...] = ()
    seller_grants: tuple[str, ...] = ()


HEAD = "head"
AGREEMENT_UNKNOWN = Refused("agreement-unknown", "check buyer, seller and the buyer's item, or send ProposeAgreement")
REVISION_UNKNOWN = Refused(
    "revision-unknown", "look at the agreement again; this proposal is answered or replaced", "revision"
)
GRANTS_RETIRED = Refused(
    "grants-retired", "an agreement shows nobody more; send AllowNaming to let an enterprise read your name", "grants"
)


def parties_of_key(key: str) -> tuple[EnterpriseId, EnterpriseId, ItemId]:
    """Buyer, seller and the buyer's item, read back from the key."""
    _, buyer, seller, item = key.split("/", 3)
    return EnterpriseId(buyer), EnterpriseId(seller), ItemId(item)


def key_of(command: Any, sender: EnterpriseId) -> str:
    """The agreement that a command is for."""
    return f"agreement/{command.buyer}/{command.seller}/{command.buyer_item}"


def evolve(rows: Rows, fact: AgreementFact) -> dict[str, Any]:
    """The rows that the fact changes."""
    head: Agreement = rows.get(HEAD) or Agreement(0)
    match fact:
        case AgreementProposed(_, _, _, revision, by, terms):
            head = replace(head, revision=revision, proposed=terms, proposed_by=by)
        case AgreementAccepted(revision, terms):
            head = replace(head, terms=terms, terms_revision=revision, proposed=None, proposed_by=None, ended=False)
        case AgreementDeclined():
            head = replace(head, proposed=None, proposed_by=None)
        case AgreementEnded():
            head = replace(head, terms=None, proposed=None, proposed_by=None, ended=True)
        case GrantsSet(by, grants):
            head = replace(head, buyer_grants=grants) if by is Side.BUYER else replace(head, seller_grants=grants)
        case _:
            assert_never(fact)
    return {HEAD: head}


def decide(rows: Rows, command: AgreementCommand, origin: Origin) -> tuple[AgreementFact, ...] | Refused:
    """The facts that the command makes, or why not; a third enterprise hears what it would hear of none."""
    if command.buyer != command.seller and origin.enterprise == command.buyer:
        side = Side.BUYER
    elif command.buyer != command.seller and origin.enterprise == command.seller:
        side = Side.SELLER
    else:
        return AGREEMENT_UNKNOWN
    head: Agreement | None = rows.get(HEAD)
    if isinstance(command, ProposeAgreement):
        return _propose(head, command, side)
    if head is None:
        return AGREEMENT_UNKNOWN
    match command:
        case AcceptAgreement(_, _, _, revision):
            if head.proposed is None:
                return () if head.terms is not None and revision == head.terms_revision else REVISION_UNKNOWN
            if revision != head.revision:
                return REVISION_UNKNOWN
            if head.proposed_by is side:
                advice = "the other side has to answer; DeclineAgreement withdraws it"
                return Refused("own-proposal", advice, "revision")
            return (AgreementAccepted(revision, head.proposed),)
        case DeclineAgreement(_, _, _, revision, code, text):
            if head.proposed is None or revision != head.revision:
                return REVISION_UNKNOWN
            return check_reason(code, text) or (AgreementDeclined(revision, side, code, text),)
        case EndAgreement(_, _, _, code, text):
            if head.terms is None:
                if head.ended:
                    return ()
                return Refused("nothing-in-force", "send DeclineAgreement to answer or withdraw the proposal")
            return check_reason(code, text) or (AgreementEnded(side, code, text),)
        case SetGrants():
            return GRANTS_RETIRED
        case _:
            assert_never(command)


def _propose(head: Agreement | None, command: ProposeAgreement, side: Side) -> tuple[AgreementFact, ...] | Refused:
    for text, field in (
        (command.buyer, "buyer"),
        (command.seller, "seller"),
        (command.buyer_item, "buyer_item"),
    ):
        if not is_id(text):
            return bad_id(text, field)
    if (refused := check_terms(command.terms)) is not None:
        return refused
    revision = 1
    if head is not None:
        revision = head.revision + 1
        if head.proposed is not None and head.proposed_by is not side:
            advice = f"revision {head.revision} waits; send AcceptAgreement or DeclineAgreement first"
            return Refused("proposal-pending", advice, "terms")
        if command.terms == (head.terms if head.proposed is None else head.proposed):
            return ()
    return (AgreementProposed(command.buyer, command.seller, command.buyer_item, revision, side, command.terms),)


AGREEMENT = Aggregate(
    kind="agreement",
    commands=AgreementCommand.__args__,
    facts=AgreementFact.__args__,
    rows={HEAD: Agreement},
    key=key_of,
    decide=decide,
    evolve=evolve,
)
