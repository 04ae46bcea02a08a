"""Values that every domain speaks in: quantities, money, who said a thing and when. Pure, and no business rule.

Deliberately lacks: conversion between units (that is a fact of an item) and between currencies (never done).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NewType

EnterpriseId = NewType("EnterpriseId", str)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount in a unit; the unit is a UN/ECE Recommendation 20 code such as ``C62`` (piece) or ``KGM``."""

    amount: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Money:
    """Whole units and billionths of a currency (ISO 4217); never added across currencies."""

    currency: str
    units: int
    nanos: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Who said it and when: the circumstances of one command, so that deciders need neither clock nor random.

    ``now_ms``: the greatest tick of the clock seen by the partition; ``occurred_at_ms``: the sender's word;
    ``recorded_at_ms``: the broker's append time of the command; all in milliseconds since 1970 UTC.
    """

    enterprise: EnterpriseId
    now_ms: int
    occurred_at_ms: int
    recorded_at_ms: int
    command_id: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """What the sender gets instead of facts: a stable code, a sentence that says what to do, the field at fault."""

    code: str
    advice: str
    field: str = ""
