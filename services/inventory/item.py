"""An item: one SKU of one enterprise, with its base unit and the ratios to it. Key ``item/<enterprise>/<item>``.

Owns: the default from which a sender stamps a factor on a command in another unit. Deliberately lacks: any influence
on pools that exist (a changed default touches new commands only), and partners' numbers for it (agreed elsewhere).
"""

from dataclasses import dataclass
from typing import Any, NewType, assert_never

from services.inventory.checks import first_refusal, refuse_id, refuse_text
from services.inventory.units import UnitConversion, refuse_ratio, refuse_unit
from services.kernel.model import Aggregate, Changes, Rows
from services.kernel.values import EnterpriseId, Origin, Refused

ItemId = NewType("ItemId", str)

CONVERSIONS_MAX = 40


# Facts
@dataclass(frozen=True, slots=True)
class ItemDefined:
    """The item is from now on as said here; the whole of it. Conversions are sorted by unit."""

    item: ItemId
    description: str
    base_unit: str
    conversions: tuple[UnitConversion, ...]


# Commands
@dataclass(frozen=True, slots=True)
class DefineItem:
    """Intent: create the sender's own item or replace what is known of it; the base unit stays for ever."""

    item: ItemId
    description: str
    base_unit: str
    conversions: tuple[UnitConversion, ...] = ()


Fact = ItemDefined
Command = DefineItem


# Rows
@dataclass(frozen=True, slots=True)
class ItemHead:
    """The one row of an item."""

    description: str
    base_unit: str
    conversions: tuple[UnitConversion, ...]


def evolve(rows: Rows, fact: Fact) -> Changes:
    """The rows that the fact changes. Total."""
    match fact:
        case ItemDefined(_, description, base_unit, conversions):
            return {"head": ItemHead(description, base_unit, conversions)}
        case _:
            assert_never(fact)


def decide(rows: Rows, command: Command, origin: Origin) -> tuple[Fact, ...] | Refused:
    """The facts that the command makes, or why not; none if it says what is known already."""
    match command:
        case DefineItem(item, description, base_unit, conversions):
            head: ItemHead | None = rows.get("head")
            refused = first_refusal(
                refuse_id(item, "item"),
                refuse_text(description, "description"),
                refuse_unit(base_unit, "base_unit"),
                _refuse_conversions(base_unit, conversions),
            )
            if refused is not None:
                return refused
            if head is not None and head.base_unit != base_unit:
                advice = f"keep {head.base_unit}, in which its pools count, and send {base_unit} as a conversion"
                return Refused("base-unit-fixed", advice, "base_unit")
            fact = ItemDefined(item, description, base_unit, tuple(sorted(conversions, key=lambda ratio: ratio.unit)))
            return () if head == evolve(rows, fact)["head"] else (fact,)
        case _:
            assert_never(command)


def _refuse_conversions(base_unit: str, conversions: tuple[UnitConversion, ...]) -> Refused | None:
    if len(conversions) > CONVERSIONS_MAX:
        return Refused("conversions-too-many", f"send at most {CONVERSIONS_MAX} conversions", "conversions")
    if len({base_unit, *(ratio.unit for ratio in conversions)}) != len(conversions) + 1:
        return Refused("conversions-repeated", "send each unit once, and not the base unit", "conversions")
    return first_refusal(
        *(refuse_unit(ratio.unit, "conversions") for ratio in conversions),
        *(refuse_ratio(ratio.numerator, ratio.denominator, "conversions") for ratio in conversions),
    )


def item_key(command: Any, sender: EnterpriseId) -> str:
    """The key of the sender's own item that the command is for."""
    return f"item/{sender}/{command.item}"


ITEM = Aggregate(
    kind="item",
    commands=(DefineItem,),
    facts=(ItemDefined,),
    rows={"head": ItemHead},
    key=item_key,
    decide=decide,
    evolve=evolve,
)
