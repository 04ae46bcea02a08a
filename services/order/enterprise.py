"""An enterprise: a tenant's own name and the numbers by which others know it.

Owns: row ``head`` (the name), one row ``alias/<scheme>/<value>`` per alias, one ``naming/<viewer>`` per enterprise that
may know it behind a delay, and one ``ask/…`` per order line that waits to know. Its key is the tenant's opaque id, and
only the tenant itself writes it. Deliberately lacks: persons, addresses, and a search by alias over enterprises.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from services.kernel.model import Aggregate, Rows
from services.kernel.values import EnterpriseId, Origin, Refused
from services.order.terms import ItemId, LineNumber, SiteId, bad_id, check_text, is_id

ALIASES_MAX = 50


class AliasScheme(StrEnum):
    """Who issues the number: GS1, Dun & Bradstreet, Catena-X, the People's Republic of China."""

    GLN = "GLN"
    DUNS = "DUNS"
    BPN = "BPN"
    USCC = "USCC"


@dataclass(frozen=True, slots=True)
class Alias:
    """A number of the enterprise in a scheme, in its canonical form: capitals, no blanks or hyphens."""

    scheme: AliasScheme
    value: str


# Facts
@dataclass(frozen=True, slots=True)
class EnterpriseRegistered:
    """The tenant is known by this name and these aliases."""

    name: str
    aliases: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class EnterpriseRenamed:
    """The new name."""

    name: str


@dataclass(frozen=True, slots=True)
class AliasAdded:
    """A further number."""

    alias: Alias


@dataclass(frozen=True, slots=True)
class AliasRemoved:
    """A number that is not the enterprise's any more."""

    alias: Alias


@dataclass(frozen=True, slots=True)
class NamingAllowed:
    """The viewer may know the enterprise as the one where a delay began that reached it over others."""

    viewer: EnterpriseId


@dataclass(frozen=True, slots=True)
class NamingForbidden:
    """Not any more."""

    viewer: EnterpriseId


@dataclass(frozen=True, slots=True)
class NamingAskNoted:
    """An order of the viewer waits for the name behind a delay; ``withdrawn``: it does not any more."""

    about: str
    asker: str
    asker_line: LineNumber
    viewer: EnterpriseId
    item: ItemId
    site: SiteId
    withdrawn: bool


EnterpriseFact = (
    EnterpriseRegistered
    | EnterpriseRenamed
    | AliasAdded
    | AliasRemoved
    | NamingAllowed
    | NamingForbidden
    | NamingAskNoted
)


# Commands
@dataclass(frozen=True, slots=True)
class RegisterEnterprise:
    """The sender introduces itself; the same again changes nothing."""

    name: str
    aliases: tuple[Alias, ...] = ()


@dataclass(frozen=True, slots=True)
class RenameEnterprise:
    """The sender's new name."""

    name: str


@dataclass(frozen=True, slots=True)
class AddAlias:
    """A further number of the sender."""

    alias: Alias


@dataclass(frozen=True, slots=True)
class RemoveAlias:
    """A number that is not the sender's any more."""

    alias: Alias


@dataclass(frozen=True, slots=True)
class AllowNaming:
    """The sender lets the viewer know that a delay began with it, and of which of its items and sites."""

    viewer: EnterpriseId


@dataclass(frozen=True, slots=True)
class ForbidNaming:
    """The sender's name disappears from what the viewer sees of delays."""

    viewer: EnterpriseId


@dataclass(frozen=True, slots=True)
class NoteNamingAsk:
    """Reaction: see NamingAskNoted."""

    enterprise: EnterpriseId
    about: str
    asker: str
    asker_line: LineNumber
    viewer: EnterpriseId
    item: ItemId
    site: SiteId
    withdrawn: bool


EnterpriseCommand = (
    RegisterEnterprise | RenameEnterprise | AddAlias | RemoveAlias | AllowNaming | ForbidNaming | NoteNamingAsk
)


# Rows
@dataclass(frozen=True, slots=True)
class Enterprise:
    """Row ``head``."""

    name: str


@dataclass(frozen=True, slots=True)
class Naming:
    """Row ``naming/<viewer>``: the viewer may know."""

    viewer: EnterpriseId


@dataclass(frozen=True, slots=True)
class Ask:
    """Row ``ask/<viewer>/<asker>/<line>/<about>``: an order line of the viewer that waits for the name."""

    about: str
    asker: str
    asker_line: LineNumber
    item: ItemId
    site: SiteId


ALIASES, NAMINGS = "alias/", "naming/"
NAMINGS_MAX = 1_000


def naming_key(viewer: EnterpriseId) -> str:
    """Row key of what a viewer may know."""
    return f"{NAMINGS}{viewer}"


def asks_of(viewer: EnterpriseId) -> str:
    """What the row keys of a viewer's asks begin with."""
    return f"ask/{viewer}/"


def alias_key(alias: Alias) -> str:
    """Row key of an alias."""
    return f"{ALIASES}{alias.scheme.value}/{alias.value}"


def evolve(rows: Rows, fact: EnterpriseFact) -> dict[str, Any]:
    """The rows that the fact changes."""
    match fact:
        case EnterpriseRegistered(name, aliases):
            return {"head": Enterprise(name), **{alias_key(alias): alias for alias in aliases}}
        case EnterpriseRenamed(name):
            return {"head": Enterprise(name)}
        case AliasAdded(alias):
            return {alias_key(alias): alias}
        case AliasRemoved(alias):
            return {alias_key(alias): None}
        case NamingAllowed(viewer):
            return {naming_key(viewer): Naming(viewer)}
        case NamingForbidden(viewer):
            return {naming_key(viewer): None}
        case NamingAskNoted(about, asker, line, viewer, item, site, withdrawn):
            ask = None if withdrawn else Ask(about, asker, line, item, site)
            return {f"{asks_of(viewer)}{asker}/{line}/{about}": ask}
        case _:
            assert_never(fact)


def decide(rows: Rows, command: EnterpriseCommand, origin: Origin) -> tuple[EnterpriseFact, ...] | Refused:
    """The facts that the command makes, or why not. Sent again it adds nothing."""
    head: Enterprise | None = rows.get("head")
    if isinstance(command, RegisterEnterprise):
        return _register(rows, head, command)
    if isinstance(command, NoteNamingAsk):  # a report: also to an enterprise that has not introduced itself
        return (
            NamingAskNoted(
                command.about, command.asker, command.asker_line, command.viewer, command.item, command.site,
                command.withdrawn,
            ),
        )  # fmt: skip
    if head is None:
        return Refused("enterprise-unknown", "send RegisterEnterprise first")
    match command:
        case RenameEnterprise(name):
            if (refused := _check_name(name)) is not None:
                return refused
            return () if name == head.name else (EnterpriseRenamed(name),)
        case AddAlias(alias):
            if (refused := check_alias(alias)) is not None:
                return refused
            if rows.get(alias_key(alias)) is not None:
                return ()
            if sum(1 for _ in rows.scan(ALIASES)) >= ALIASES_MAX:
                return Refused("too-many-aliases", f"remove one first; at most {ALIASES_MAX} are kept", "alias")
            return (AliasAdded(alias),)
        case RemoveAlias(alias):
            return () if rows.get(alias_key(alias)) is None else (AliasRemoved(alias),)
        case AllowNaming(viewer):
            if not is_id(viewer):
                return bad_id(viewer, "viewer")
            if rows.get(naming_key(viewer)) is not None:
                return ()
            if sum(1 for _ in rows.scan(NAMINGS)) >= NAMINGS_MAX:
                return Refused("too-many-viewers", f"forbid one first; at most {NAMINGS_MAX} are kept", "viewer")
            return (NamingAllowed(viewer),)
        case ForbidNaming(viewer):
            return () if rows.get(naming_key(viewer)) is None else (NamingForbidden(viewer),)
        case _:
            assert_never(command)


def _register(rows: Rows, head: Enterprise | None, command: RegisterEnterprise) -> tuple[EnterpriseFact, ...] | Refused:
    if (refused := _check_name(command.name)) is not None:
        return refused
    if len(command.aliases) > ALIASES_MAX:
        return Refused("too-many-aliases", f"give at most {ALIASES_MAX}", "aliases")
    for alias in command.aliases:
        if (refused := check_alias(alias)) is not None:
            return refused
    if head is None:
        return (EnterpriseRegistered(command.name, command.aliases),)
    known = {alias for _, alias in rows.scan(ALIASES)}
    if head.name == command.name and known == set(command.aliases):
        return ()
    advice = "the enterprise is registered with other content; send RenameEnterprise, AddAlias, RemoveAlias"
    return Refused("enterprise-differs", advice, "name")


def _check_name(name: str) -> Refused | None:
    if not name.strip():
        return Refused("bad-name", "give the name by which partners know the enterprise", "name")
    return check_text(name, "name")


def check_alias(alias: Alias) -> Refused | None:
    """Why the number cannot be one of its scheme, or None.

    GLN: 13 digits, GS1 modulo 10. DUNS: nine digits; no check digit is defined any more. BPN: Catena-X CX-0010, ten
    characters with two of ISO/IEC 7064 MOD 1271-36 behind them. USCC: GB 32100-2015, modulo 31.
    """
    value = alias.value
    match alias.scheme:
        case AliasScheme.GLN:
            good = bool(re.fullmatch("[0-9]{13}", value)) and _gs1_check_digit(value[:12]) == value[12]
            advice = "give the 13 digits of the GLN; the last one checks the others"
        case AliasScheme.DUNS:
            good = bool(re.fullmatch("[0-9]{9}", value))
            advice = "give the nine digits of the DUNS number without hyphens"
        case AliasScheme.BPN:
            good = bool(re.fullmatch("BPN[LSA][0-9A-Z]{12}", value)) and _mod_1271_36(value[4:14]) == value[14:]
            advice = "give the 16 characters of the BPN in capitals; the last two check the others"
        case AliasScheme.USCC:
            pattern = f"[{_USCC_DIGITS}]{{2}}[0-9]{{6}}[{_USCC_DIGITS}]{{10}}"
            good = bool(re.fullmatch(pattern, value)) and _uscc_check_digit(value[:17]) == value[17]
            advice = "give the 18 characters of the social credit code in capitals; the last one checks the others"
        case _:
            assert_never(alias.scheme)
    return None if good else Refused("bad-alias", advice, "alias")


def _gs1_check_digit(digits: str) -> str:
    """GS1 General Specifications 7.9: weights 3 and 1 in turn from the right."""
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-weighted % 10)


_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _mod_1271_36(text: str) -> str:
    """ISO/IEC 7064, pure system with two check characters: the number with them is 1 modulo 1271."""
    product = 0
    for character in text:
        product = (product + _BASE_36.index(character)) * 36 % 1271
    check = (1 - product * 36) % 1271
    return _BASE_36[check // 36] + _BASE_36[check % 36]


_USCC_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _uscc_check_digit(text: str) -> str:
    """GB 32100-2015: weights are the powers of 3 modulo 31, the alphabet leaves out I, O, S, V, Z."""
    weighted = sum(_USCC_DIGITS.index(character) * pow(3, place, 31) for place, character in enumerate(text))
    return _USCC_DIGITS[-weighted % 31]


def key_of(command: Any, sender: EnterpriseId) -> str:
    """An enterprise is written by itself only; what it is asked comes over links."""
    return f"enterprise/{getattr(command, 'enterprise', sender)}"


ENTERPRISE = Aggregate(
    kind="enterprise",
    commands=EnterpriseCommand.__args__,
    facts=EnterpriseFact.__args__,
    rows={"head": Enterprise, "alias": Alias, "naming": Naming, "ask": Ask},
    key=key_of,
    decide=decide,
    evolve=evolve,
)
