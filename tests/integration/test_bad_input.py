"""Bad input straight on the topics of a real broker: each record ends as a refusal or as a dead letter with its bytes,
and what is good goes on."""

import dataclasses
import itertools
import random
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from schemas.python.chainflow.inventory.v1.commands_pb2 import InventoryCommand
from schemas.python.chainflow.order.v1.commands_pb2 import OrderCommand
from services.fulfillment.shipment import PlanShipment
from services.fulfillment.wire import WIRES as FULFILLMENT
from services.inventory.item import ItemId as StockItemId
from services.inventory.policy import DemandStated
from services.inventory.pool_commands import CountStock, ReserveStock
from services.inventory.pool_facts import DemandId, FlowKey, OutlookReckoned
from services.inventory.site import SiteId as StockSiteId
from services.inventory.wire import WIRES as INVENTORY
from services.kernel.codec import Meta, Wire
from services.kernel.messages import DeadLetter, DeadLetterHeader, DeadLetterKind, Outcome, OutcomeStatus
from services.kernel.partitioner import partition_of
from services.kernel.values import EnterpriseId, Quantity
from services.order.order_commands import CancelLine, ConfirmOrder, PlaceOrder
from services.order.terms import LineNumber, OrderNumber, PromiseBasis, SiteId
from services.order.wire import WIRES as ORDER
from tests.support import ordering
from tests.support.live import Live, Raw, until

pytestmark = pytest.mark.kafka

Name = Callable[[str], str]
AT_MS = 1_767_225_600_000
POOL_INPUTS = "fulfillment-pool-inputs-v1"
_ids = itertools.count(1)


def pieces(amount: int) -> Quantity:
    return Quantity(Decimal(amount), "C62")


def count(amount: int, item: str = "part") -> CountStock:
    return CountStock(StockSiteId("main"), StockItemId(item), pieces(amount))


def place(seller: str, number: str = "o1", *, due_on: date = date(2090, 1, 5), amount: int = 5) -> PlaceOrder:
    terms = ordering.terms("part", "main", "dock", PromiseBasis.SHIP, "Europe/Berlin")
    return ordering.order(number, seller, ordering.placed("10", "teil", terms, (due_on, amount)))


def encoded(wire: Wire, enterprise: str, body: Any, **values: Any) -> bytes:
    """A command's bytes, as the front door would have made them."""
    meta = Meta(f"raw-{next(_ids)}", occurred_at_ms=AT_MS, enterprise=enterprise)
    return wire.encode(dataclasses.replace(meta, **values), body)


def changed(value: bytes, message: type[Any], change: Callable[[Any], None]) -> bytes:
    """The bytes of a command after a change that our own model would not make."""
    made = message.FromString(value[6:])
    change(made)
    return value[:6] + bytes(made.SerializeToString())


class Letters:
    """The dead letters of one service since now."""

    def __init__(self, live: Live, service: str) -> None:
        self._live, self._topic = live, f"{service}-dead-letters-v1"
        self._start = live.ends(self._topic)
        self._url = f"{live.replicas[service].url}/metrics"
        self._counted = self._metric()

    def _metric(self) -> float:
        found = re.findall(
            r"^chainflow_dead_letters_total{[^}]*} ([0-9.e+]+)$", self._live.http.get(self._url).text, re.M
        )
        return sum(map(float, found))

    def all(self) -> list[DeadLetter]:
        """What is there by now."""
        return [ORDER.dead_letters.decode(record.value)[1] for record in self._live.read(self._topic, self._start)]

    def exactly(self, raws: Sequence[Raw], places: Sequence[tuple[int, int]]) -> dict[tuple[str, int, int], DeadLetter]:
        """Wait for a dead letter of each record, and for no other: by their positions, with their original bytes."""
        wanted = {(raw.topic, *place): raw for raw, place in zip(raws, places, strict=True)}
        until(f"{len(wanted)} dead letters", lambda: len(self.all()) >= len(wanted), 60)
        letters = self.all()
        found = {(letter.topic, letter.partition, letter.offset): letter for letter in letters}
        assert len(letters) == len(found), "a dead letter twice"
        assert found.keys() == wanted.keys()
        for where, raw in wanted.items():
            assert (found[where].key, found[where].value) == (raw.key or b"", raw.value or b""), where
            assert found[where].timestamp_ms > AT_MS
        assert self._metric() - self._counted == len(wanted)
        return found


def outcomes(live: Live, service: str, ids: Iterable[str]) -> dict[str, list[Outcome]]:
    """Wait until each of the commands has an outcome; id to outcomes."""
    wanted = set(ids)

    def there() -> dict[str, list[Outcome]]:
        found: dict[str, list[Outcome]] = {}
        for record in live.read(f"{service}-outcomes-v1"):
            if (record.key or b"").decode() in wanted:
                outcome: Outcome = ORDER.outcomes.decode(record.value)[1]
                found.setdefault(outcome.command_id, []).append(outcome)
        return found if found.keys() == wanted else {}

    return until(f"outcomes of {len(wanted)} commands", there, 60)


def still_works(live: Live, owner: str, item: str = "part") -> None:
    """The pool that the bad records were for is decided on as ever."""
    position = live.done(
        "inventory", "POST", owner, f"/pools/main/{item}/counts", {"counted": {"amount": "7", "unit": "C62"}}
    )
    assert live.row("inventory", owner, "stock", f"main/{item}", after=position)["on_hand"] == "7"


# --- malformed --------------------------------------------------------------------------------------------------------


def malformed_counts(owner: str) -> list[tuple[str, Raw]]:
    """Reason, and the record, of everything that can be wrong with the bytes of a count."""
    topic, key = "inventory-commands-v1", f"pool/{owner}/main/part".encode()
    good = encoded(INVENTORY.commands, owner, count(5))

    def bad(value: bytes | None, own_key: bytes | None = key, **more: Any) -> Raw:
        return Raw(topic, own_key, value, **more)

    def without(change: Callable[[Any], None]) -> Raw:
        return bad(changed(good, InventoryCommand, change))

    def set_unit(made: Any) -> None:
        made.count_stock.counted.amount = "12,5"

    def no_quantity(made: Any) -> None:
        made.count_stock.ClearField("counted")

    def no_body(made: Any) -> None:
        made.ClearField("count_stock")

    def no_id(made: Any) -> None:
        made.envelope.id = ""

    def no_time(made: Any) -> None:
        made.envelope.ClearField("occurred_at")

    def late(made: Any) -> None:
        made.envelope.occurred_at.seconds = 300_000_000_000

    def long(made: Any) -> None:
        made.count_stock.reference = "r" * 5_000

    return [
        ("empty", bad(None)),
        ("empty", bad(b"")),
        ("bad-magic", bad(b"\xff\xfe\xfd")),
        ("bad-magic", bad(b'{"counted": 5}')),
        ("unknown-schema", bad(b"\x00\x00\x00\x4e\x20\x00" + good[6:])),
        ("unknown-schema", bad(b"\x00")),
        ("unknown-message-index", bad(good[:5] + b"\x02\x04" + good[6:])),
        ("undecodable", bad(good[:-2])),
        ("undecodable", bad(good[:6] + b"\xff" * 40)),
        ("envelope-missing", bad(good[:6])),
        ("envelope-incomplete", without(no_id)),
        ("envelope-incomplete", without(no_time)),
        ("envelope-incomplete", bad(encoded(INVENTORY.commands, "", count(5)))),
        ("envelope-incomplete", bad(encoded(INVENTORY.commands, f"{owner}/main", count(5)))),
        ("bad-timestamp", without(late)),
        ("body-missing", without(no_body)),
        ("field-missing", without(no_quantity)),
        ("bad-decimal", without(set_unit)),
        ("too-long", without(long)),
        ("too-long", bad(encoded(INVENTORY.commands, owner, count(5), id="i" * 400))),
        ("key-mismatch", bad(good, f"pool/{owner}/main/other".encode())),
        ("key-mismatch", bad(good, b"pool/somebody/main/part")),
        ("key-unknown", bad(good, f"order/{owner}/o1".encode())),
        ("key-unknown", bad(good, None)),
        ("key-unknown", bad(good, key + b"\0x")),
        ("key-not-utf8", bad(good, b"pool/\xff\xfe")),
        ("wrong-partition", bad(good, partition=(partition_of(key, 4) + 1) % 4)),
        ("bad-magic", bad(b"null headers", headers=(("a", None), ("b", b"\xff"), ("n" * 3_000, b"")))),
    ]


def test_malformed_commands(live: Live, name: Name) -> None:
    owner = name("owner")
    still_works(live, owner)
    cases = malformed_counts(owner)
    letters = Letters(live, "inventory")
    raws = [raw for _, raw in cases]
    found = letters.exactly(raws, places := live.write(raws))
    for (reason, raw), place in zip(cases, places, strict=True):
        letter = found[(raw.topic, *place)]
        assert (letter.kind, letter.reason) == (DeadLetterKind.MALFORMED, reason), letter.detail
        assert letter.detail
    null = next(letter for letter in found.values() if letter.value == b"null headers")
    assert null.headers[:2] == (DeadLetterHeader("a", b"", null=True), DeadLetterHeader("b", b"\xff"))
    still_works(live, owner)


def test_choices_of_a_newer_producer(live: Live, name: Name) -> None:
    """A value that is not known here is set aside; a field that is not known here is left out, and the rest counts."""
    buyer, seller = name("buyer"), name("seller")
    key, good = f"order/{buyer}/o1".encode(), encoded(ORDER.commands, buyer, place(seller))

    def new_kind(made: Any) -> None:
        made.place_order.kind = 99

    def no_kind(made: Any) -> None:
        made.place_order.kind = 0

    def new_basis(made: Any) -> None:
        made.place_order.lines[0].terms.basis = 7

    letters = Letters(live, "order")
    raws = [
        Raw("order-commands-v1", key, changed(good, OrderCommand, change)) for change in (new_kind, no_kind, new_basis)
    ]
    found = letters.exactly(raws, live.write(raws))
    assert sorted(letter.reason for letter in found.values()) == ["choice-missing", "unknown-choice", "unknown-choice"]
    newer = encoded(ORDER.commands, buyer, place(seller), id="newer") + b"\xfa\x3f\x03new"  # field 1023, bytes
    live.write([Raw("order-commands-v1", key, newer)])
    (outcome,) = outcomes(live, "order", ["newer"])["newer"]
    assert (outcome.status, outcome.version) == (OutcomeStatus.ACCEPTED, 1)


def test_malformed_links_feed_rows_and_ticks(live: Live, name: Name) -> None:
    owner = name("owner")
    key = f"pool/{owner}/main/part".encode()
    still_works(live, owner)
    stated = DemandStated(
        FlowKey("flow/x/o1/10"), DemandId("d"), pieces(5), None, AT_MS, 0, AT_MS, False, "o1"
    )  # fmt: skip
    wire = INVENTORY.links_in[POOL_INPUTS]

    def link(**values: Any) -> bytes:
        return wire.encode(dataclasses.replace(Meta("l", occurred_at_ms=AT_MS), **values), stated, link="demand")

    good = link(aggregate="flow/x/o1/10", version=3)
    feed = live.read("inventory-feed-v1")[0]
    cases = [
        ("bad-magic", Raw(POOL_INPUTS, key, b"\xff\xfe")),
        ("empty", Raw(POOL_INPUTS, key, None)),
        ("undecodable", Raw(POOL_INPUTS, key, good[:-3])),
        ("unknown-schema", Raw(POOL_INPUTS, key, encoded(INVENTORY.commands, owner, count(5)))),
        ("envelope-incomplete", Raw(POOL_INPUTS, key, link(version=3))),
        ("envelope-incomplete", Raw(POOL_INPUTS, key, link(aggregate="flow/x/o1/10"))),
        ("key-unknown", Raw(POOL_INPUTS, b"flow/x/o1/10", good)),
        ("key-mismatch", Raw(POOL_INPUTS, f"item/{owner}/part".encode(), good)),
        ("wrong-partition", Raw(POOL_INPUTS, key, good, partition=(partition_of(key, 4) + 2) % 4)),
        ("bad-magic", Raw("inventory-feed-v1", owner.encode(), b"{}")),
        ("empty", Raw("inventory-feed-v1", owner.encode(), None)),
        ("key-not-utf8", Raw("inventory-feed-v1", b"\xff", feed.value)),
        ("key-unknown", Raw("inventory-feed-v1", b"a/b", feed.value)),
        ("wrong-partition", Raw("inventory-feed-v1", feed.key, feed.value, partition=(feed.partition + 1) % 4)),
    ]
    letters = Letters(live, "inventory")
    raws = [raw for _, raw in cases]
    found = letters.exactly(raws, places := live.write(raws))
    assert [found[(raw.topic, *place)].reason for raw, place in zip(raws, places, strict=True)] == [r for r, _ in cases]
    still_works(live, owner)
    # a tick is read by all three
    before = {service: Letters(live, service) for service in live.replicas}
    ticks = [Raw("clock-v1", None, b"now", partition=1), Raw("clock-v1", b"x", None, partition=2)]
    places = live.write(ticks)
    for letters in before.values():
        letters.exactly(ticks, places)


def test_a_record_that_the_broker_refuses_and_the_largest_that_it_takes(live: Live, name: Name) -> None:
    owner = name("owner")
    key = f"pool/{owner}/main/part".encode()
    with pytest.raises(MessageSizeTooLargeError):
        live.write([Raw("inventory-commands-v1", key, b"x" * 5_000_000)])
    large = [Raw("inventory-commands-v1", key, bytes([number]) * 1_045_000) for number in (0, 1)]
    many = Raw("inventory-commands-v1", key, b"", headers=tuple(("", b"") for _ in range(200_000)))
    letters = Letters(live, "inventory")
    places = live.write([*large, many])
    until("three dead letters", lambda: len(letters.all()) >= 3, 60)
    found = letters.all()
    assert sorted((letter.partition, letter.offset) for letter in found) == sorted(places)
    for letter in found:
        assert letter.topic == "inventory-commands-v1"
        assert "(cut: " in letter.detail  # a record of the largest size has no room for a word around it
        assert any((raw.value or b"").startswith(letter.value) for raw in [*large, many])
    still_works(live, owner)


# --- refused ----------------------------------------------------------------------------------------------------------


def test_what_is_well_formed_and_wrong_is_refused(live: Live, name: Name) -> None:
    buyer, seller, eve = name("buyer"), name("seller"), name("eve")
    live.done("inventory", "POST", seller, "/pools/main/part/counts", {"counted": {"amount": "7", "unit": "C62"}})
    order_key, pool_key = f"order/{buyer}/o1", f"pool/{seller}/main/part"
    reserve = ReserveStock(StockSiteId("main"), StockItemId("part"), "r1", pieces(2), AT_MS, AT_MS)  # type: ignore[arg-type]
    shipment = PlanShipment(
        "s1", EnterpriseId(buyer), SiteId("main"), SiteId("dock"), "", AT_MS + 10, AT_MS, ()  # type: ignore[arg-type]
    )  # fmt: skip
    cancel, confirm = (
        CancelLine(OrderNumber("o1"), LineNumber("10")),
        ConfirmOrder(EnterpriseId(buyer), OrderNumber("o1")),
    )
    cases: list[tuple[str, str, Wire, str, str, Any, dict[str, Any]]] = [
        ("inventory", "quantity-negative", INVENTORY.commands, seller, pool_key, count(-1), {}),
        ("inventory", "stale-version", INVENTORY.commands, seller, pool_key, count(3), {"version": 77}),
        ("inventory", "expiry-past", INVENTORY.commands, seller, pool_key, reserve, {}),
        ("order", "date-out-of-range", ORDER.commands, buyer, order_key, place(seller, due_on=date(1999, 1, 1)), {}),
        ("order", "date-out-of-range", ORDER.commands, buyer, order_key, place(seller, due_on=date(9999, 1, 1)), {}),
        ("order", "bad-quantity", ORDER.commands, buyer, order_key, place(seller, amount=-5), {}),
        ("order", "own-seller", ORDER.commands, buyer, order_key, place(buyer), {}),
        ("order", "order-unknown", ORDER.commands, buyer, order_key, cancel, {}),
        ("order", "order-unknown", ORDER.commands, eve, order_key, confirm, {}),
        ("fulfillment", "", FULFILLMENT.commands, seller, f"shipment/{seller}/s1", shipment, {}),
    ]  # fmt: skip
    before = {service: Letters(live, service) for service in live.replicas}
    sent: dict[str, tuple[str, str]] = {}
    raws = []
    for number, (service, code, wire, enterprise, key, body, values) in enumerate(cases):
        id_ = f"wrong-{enterprise}-{number}"
        sent[id_] = service, code
        raws.append(Raw(f"{service}-commands-v1", key.encode(), encoded(wire, enterprise, body, id=id_, **values)))
    live.write(raws)
    for service in live.replicas:
        ids = [id_ for id_, (where, _) in sent.items() if where == service]
        for id_, found in outcomes(live, service, ids).items():
            (outcome,) = found
            assert outcome.status is OutcomeStatus.REFUSED, id_
            assert outcome.code == (sent[id_][1] or outcome.code), outcome
            assert outcome.advice
    assert not [letter for letters in before.values() for letter in letters.all()]
    still_works(live, seller)


def test_an_id_has_one_outcome_whatever_comes_under_it(live: Live, name: Name) -> None:
    owner = name("owner")
    key, id_ = f"pool/{owner}/main/part".encode(), f"{owner}/same"
    first = encoded(INVENTORY.commands, owner, count(5), id=id_)
    other = encoded(INVENTORY.commands, owner, count(6), id=id_)
    topic = "inventory-commands-v1"
    marker = f"{owner}/after"
    raws = [first, other, first, other, encoded(INVENTORY.commands, owner, count(9), id=marker)]
    live.write([Raw(topic, key, value) for value in raws])
    (last,) = outcomes(live, "inventory", [marker])[marker]
    (outcome,) = outcomes(live, "inventory", [id_])[id_]
    assert (outcome.status, outcome.version) == (OutcomeStatus.ACCEPTED, outcome.events)
    events = [INVENTORY.events.decode(record.value) for record in live.read("inventory-events-v1") if record.key == key]
    said = [meta for meta, fact, _ in events if not isinstance(fact, OutlookReckoned)]  # a tick may come in between
    assert [meta.causation_id for meta in said] == [id_] * outcome.events + [marker] * last.events
    assert said[-1].version == last.version


# --- a thousand good and a hundred bad --------------------------------------------------------------------------------


def test_garbage_among_a_thousand_good_records(live: Live, name: Name) -> None:
    owner, rand = name("owner"), random.Random(2026)
    kinds = ["good"] * 1_000 + ["bad"] * 100
    rand.shuffle(kinds)
    items = [f"p{number}" for number in range(12)]
    latest: dict[str, int] = {}
    raws: list[Raw] = []
    bad: list[int] = []
    ids = []
    for number, kind in enumerate(kinds):
        item = rand.choice(items)
        key = f"pool/{owner}/main/{item}".encode()
        good = encoded(INVENTORY.commands, owner, count(number, item), id=f"{owner}/g{number}")
        if kind == "good":
            latest[item] = number
            ids.append(f"{owner}/g{number}")
            raws.append(Raw("inventory-commands-v1", key, good))
            continue
        bad.append(number)
        start = rand.choice((b"", good[:6], good[: rand.randrange(len(good))]))
        value = start + rand.randbytes(rand.randint(1, 80))
        topic = rand.choice(("inventory-commands-v1", "inventory-commands-v1", POOL_INPUTS, "inventory-feed-v1"))
        raws.append(Raw(topic, rand.choice((key, rand.randbytes(7), None)), value, partition=rand.randrange(4)))
    letters = Letters(live, "inventory")
    places = live.write(raws)
    found = outcomes(live, "inventory", ids)
    assert all(len(one) == 1 and one[0].status is OutcomeStatus.ACCEPTED for one in found.values())
    set_aside = letters.exactly([raws[number] for number in bad], [places[number] for number in bad])
    assert {letter.kind for letter in set_aside.values()} == {DeadLetterKind.MALFORMED}
    shown = until(
        "the view shows the last counts",
        lambda: (
            {id_: row["on_hand"] for id_, row in live.view("inventory", owner, "stock").items()}
            == {f"main/{item}": str(number) for item, number in latest.items()}
        ),
    )
    assert shown
    versions: dict[bytes, int] = {}
    looked_ahead = 0  # with a tick, by which no command was answered
    for record in live.read("inventory-events-v1"):
        meta, fact, _ = INVENTORY.events.decode(record.value)
        assert record.key is not None
        if meta.aggregate.startswith(f"pool/{owner}/"):
            looked_ahead += isinstance(fact, OutlookReckoned)
            assert meta.version == versions.get(record.key, 0) + 1
            versions[record.key] = meta.version
    assert sum(versions.values()) - looked_ahead == sum(one[0].events for one in found.values())


def test_dead_letters_hold_what_a_person_needs(live: Live, name: Name) -> None:
    """Enough to send the record again after a repair: the original headers, and the time that the broker gave it."""
    owner = name("owner")
    letters = Letters(live, "inventory")
    raw = Raw("inventory-commands-v1", f"pool/{owner}/main/part".encode(), b"junk", (("traceparent", b"00-1-2-00"),))
    found = letters.exactly([raw], live.write([raw]))
    (letter,) = found.values()
    assert [(header.name, header.value) for header in letter.headers] == [("traceparent", b"00-1-2-00")]
    record = next(
        record
        for record in live.read(letter.topic)
        if (record.partition, record.offset) == (letter.partition, letter.offset)
    )
    assert record.timestamp == letter.timestamp_ms
    assert dataclasses.astuple(letter)
