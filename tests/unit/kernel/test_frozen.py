"""What is made or amended quickly is what the dataclass itself gives."""

from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.frozen import amended, maker
from tests.support.model_values import values_of
from tests.support.yard import Seal, TruckDocked

new_docked, new_seal = maker(TruckDocked), maker(Seal)


@dataclass(frozen=True, slots=True)
class Checked:
    count: int
    name: str = ""

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("less than none")


@dataclass(frozen=True)
class Slotless:
    count: int


@dataclass(frozen=True, slots=True)
class Listed:
    count: int
    names: list[str] = field(default_factory=list)


@given(values_of(TruckDocked))
def test_made_is_what_a_call_of_the_class_gives(docked: TruckDocked) -> None:
    values = {item.name: getattr(docked, item.name) for item in fields(TruckDocked)}
    for made in (new_docked(*values.values()), new_docked(**values)):
        assert made == docked
        assert type(made) is TruckDocked
        assert (hash(made), repr(made)) == (hash(docked), repr(docked))


def test_defaults_are_the_classes_own() -> None:
    assert new_seal("7") == Seal("7") == Seal("7", None)
    with pytest.raises(TypeError, match="number"):
        new_seal()  # type: ignore[call-arg]  # as the class's own call


def test_what_is_made_cannot_be_changed() -> None:
    for seal in (new_seal("7"), amended(Seal("7"), number="8")):
        with pytest.raises(FrozenInstanceError):
            seal.number = "9"  # type: ignore[misc]


@given(values_of(TruckDocked), values_of(TruckDocked), st.sets(st.sampled_from(fields(TruckDocked)), max_size=5))
def test_amended_is_replaced(before: TruckDocked, after: TruckDocked, changed: Any) -> None:
    values = {item.name: getattr(after, item.name) for item in changed}
    kept = replace(before)
    assert amended(before, **values) == replace(before, **values)
    assert before == kept


def test_a_field_that_is_none_is_told() -> None:
    with pytest.raises(AttributeError, match="colour"):
        amended(Seal("7"), colour="red")


def test_other_classes_are_called() -> None:
    assert maker(Checked)(1) == Checked(1)
    with pytest.raises(ValueError, match="less than none"):
        maker(Checked)(-1)
    with pytest.raises(ValueError, match="less than none"):
        amended(Checked(1), count=-1)
    assert amended(Slotless(1), count=2) == Slotless(2)
    assert maker(Listed)(1).names is not maker(Listed)(1).names
