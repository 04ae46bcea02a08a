"""No byte of anybody but the two parties gets into a feed, whatever came along with the cause of a delay.

The causes are random, with random names in every place; what is searched are the bytes of the feed's messages, of the
rows that are kept, and the JSON of the answers.
"""

import json
from collections.abc import Iterator
from random import Random

import pytest

from services.chain.causes import Cause, Hop, Root, RootClass
from services.chain.expectation import Expectation
from services.chain.flow import Basis
from services.chain.moments import NEVER, minute_of
from services.kernel.codec import Meta, to_json
from services.kernel.row_codec import RowCodec
from services.order.policy import LineStage
from services.order.views import VIEWS
from services.order.wire import WIRES
from tests.support.secret_chain import varint
from tests.unit.order.causes import own_flow
from tests.unit.order.scene import KEY, SELLER, Stage, confirmed_order, due

CODECS = {view.name: RowCodec(view.row) for view in VIEWS}


class Secrets:
    """Random names and numbers, each of which would be recognised anywhere."""

    def __init__(self, seed: int) -> None:
        self.random, self.names, self.numbers = Random(seed), list[str](), list[int]()
        self.own: set[int] = set()  # numbers of the account of the line itself, which is its seller's

    def name(self, kind: str = "") -> str:
        """A name that nobody else has."""
        self.names.append(f"{self.random.getrandbits(60):x}")
        return kind + self.names[-1]

    def number(self) -> int:
        """A number that nobody else has."""
        self.numbers.append(self.random.getrandbits(48) | 1 << 47)
        return self.numbers[-1]

    def found_in(self, data: bytes, viewer: str = "") -> list[str]:
        """Those of others that stand in the bytes: as text, as a protobuf number or as one of MessagePack."""
        found = [name for name in self.names if name.encode() in data]
        for number in self.numbers:
            if viewer == SELLER and number in self.own:
                continue
            if any(form in data for form in (str(number).encode(), varint(number), number.to_bytes(8, "big"))):
                found.append(str(number))
        return found


def random_cause(secrets: Secrets, own_root: bool) -> Cause:
    """A cause full of secrets; the line's own flow, and a reason that was given for it, are none."""
    random, numbers = secrets.random, secrets.number
    flows = [f"flow/{secrets.name()}/{secrets.name('item-')}" for _ in range(random.randint(0, 6))]
    hops = [Hop(flow, secrets.name("firm-"), *(numbers() for _ in range(9))) for flow in flows]
    own = Hop(own_flow(), SELLER, *(numbers() for _ in range(9)))
    secrets.own.update(secrets.numbers[-9:])
    root = Root(
        own_flow() if own_root or not flows else random.choice(flows),
        random.choice(list(RootClass)),
        random.choice(["", secrets.name("event-")]),
        "storm" if own_root or not flows else secrets.name("reason-"),
        tuple(secrets.name("flow/") for _ in range(3)),
        numbers(),
        secrets.name("flow/"),
    )
    return Cause(root, (*hops, own))


def shown(stage: Stage) -> Iterator[tuple[str, str, bytes]]:
    """Everything that each of the two parties gets, in every form in which they get it."""
    for (viewer, row_id), row in stage.feed.items():
        meta = Meta("id", aggregate=KEY, enterprise=viewer)
        yield viewer, "message", WIRES.feed.encode(meta, row, view="order-lines", row_id=row_id, removed=False)
        yield viewer, "row", CODECS["order-lines"].encode(row)
        yield viewer, "answer", json.dumps(to_json(row), ensure_ascii=False).encode()
    for (viewer, view, row_id), row in stage.derived.items():
        yield viewer, f"{view} row id", row_id.encode()
        if row is not None:
            yield viewer, f"{view} row", CODECS[view].encode(row)
            yield viewer, f"{view} answer", json.dumps(to_json(row), ensure_ascii=False).encode()


@pytest.mark.parametrize("seed", range(60))
def test_no_byte_of_others_is_in_any_row(seed: int) -> None:
    secrets = Secrets(seed)
    stage = confirmed_order()
    for _ in range(3):
        cause = random_cause(secrets, own_root=secrets.random.random() < 0.3)
        date = NEVER if secrets.random.random() < 0.2 else minute_of(due(secrets.random.randint(21, 30)))
        said = Expectation(date, minute_of(due(20)), Basis.COMPUTED, secrets.random.random() < 0.5, cause)
        stage.flow_says(LineStage.AWAITING_STOCK, expectation=said)
        for viewer, place, data in shown(stage):
            assert not (found := secrets.found_in(data, viewer)), f"seed {seed}: {found} in the {place} of {viewer}"
    assert stage.seen().cause, "or there was nothing to find"
    assert any(view == "incidents" for _, view, _ in stage.derived)


def test_the_search_finds_what_is_there() -> None:
    secrets = Secrets(1)
    name, number = secrets.name(), secrets.number()
    assert secrets.found_in(f'"x{name}y"'.encode()) == [name]
    hop = Hop("f", name, number)
    assert secrets.found_in(RowCodec(Hop).encode(hop)) == [name, str(number)]
    said = Expectation(number, 0, Basis.COMPUTED, False, None)
    assert secrets.found_in(WIRES.events.encode(Meta("id", aggregate=KEY), _recorded(said))) == [str(number)]


def _recorded(said: Expectation) -> object:
    stage = confirmed_order()
    made = stage.flow_says(LineStage.AWAITING_STOCK, expectation=said)
    assert isinstance(made, tuple)
    return made[0]
