"""Parts of messages that pass through: the same bytes and equal objects, whether they were seen before or not."""

from decimal import Decimal
from typing import Any

import pytest

from services.chain.causes import Cause, Hop, Root, RootClass
from services.chain.pool_facts import SupplyPart
from services.fulfillment.links import LINKS
from services.fulfillment.wire import WIRES
from services.kernel import remembered
from services.kernel.codec import Meta
from services.kernel.remembered import Remembered, leaves
from services.kernel.values import Quantity

TOPIC = "fulfillment-pool-inputs-v1"
ABOUT = Meta("m", occurred_at_ms=1, aggregate="flow/a/b/c", version=1)


def cause(number: int) -> Cause:
    hops = tuple(Hop(f"flow/{at}", "firm", own=number, delay_out=number) for at in range(3))
    return Cause(Root("flow/0", RootClass.REPORTED, f"e{number}", "fire"), hops)


def stated(of: Cause) -> Any:
    (state,) = (cls for cls in LINKS[TOPIC] if cls.__name__ == "SupplyStated")
    return state(
        "flow/a",
        "out",
        Quantity(Decimal(5), "C62"),
        Quantity(Decimal(0), "C62"),
        1,
        1,
        False,
        "",
        (SupplyPart(9, 5, of),),
    )


def test_what_was_written_is_read_back_as_the_same_object_and_written_again_as_the_same_bytes() -> None:
    wire = WIRES.links_out[TOPIC]
    data = wire.encode(ABOUT, stated(cause(1)))
    assert wire.encode(ABOUT, stated(cause(1))) == data, "equal, and not the same object"
    _, first, _ = wire.decode(data)
    _, again, _ = wire.decode(data)
    assert first == stated(cause(1))
    assert first.parts[0] is again.parts[0]
    assert wire.encode(ABOUT, first) == data


def test_what_was_forgotten_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "PARTS_MAX", 3)
    wire = WIRES.links_out[TOPIC]
    written = [wire.encode(ABOUT, stated(cause(number))) for number in range(20)]
    for number, data in enumerate(written):
        assert wire.decode(data)[1] == stated(cause(number))
        assert wire.encode(ABOUT, stated(cause(number))) == data


def test_the_number_of_parts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "PARTS_MAX", 3)
    known, parts = Remembered(), [object() for _ in range(8)]
    for number, part in enumerate(parts):
        known.keep(part, chr(number))
        assert known.written[id(part)] == (part, chr(number))
        assert len(known.written) <= 3


def test_small_parts_are_not_remembered() -> None:
    assert remembered.remembered(Quantity, "chainflow.common.v1.Quantity") is None
    assert leaves(Hop) == 12
    assert leaves(Cause) == 12 + leaves(Root)
