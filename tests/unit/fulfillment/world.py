"""A fulfillment service, a seller's pool and an order in memory: links wait until the test delivers them, in any order.

The pool and the order are stand-ins as plain as can be; lanes, flows and shipments are the real ones, under the rules
that the kernel guarantees: one writer per key, a link keeps its order, an older state of a link never follows a newer.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from services.chain.moments import NEVER, SINCE, split_at
from services.chain.pool_facts import CoveredPart, Frozen
from services.chain.quantities import millionths
from services.fulfillment.domain import DOMAIN
from services.fulfillment.keys import FlowKey, ItemId, SiteId
from services.fulfillment.legs import AgreedDelivery
from services.fulfillment.links import DemandCovered, DemandStated, LineAgreed, LineProgressed, SupplyStated
from services.kernel.model import DictRows, FeedRow, Link
from services.kernel.values import EnterpriseId, Origin, Quantity, Refused

DAY = 86_400_000
NOW = 1_700_000_000_000
BUYER, SELLER, STRANGER = EnterpriseId("leader"), EnterpriseId("maker"), EnterpriseId("nosy")
FLOW = FlowKey("flow/leader/4711/10")
ORDER = "order/leader/4711"
POOL = "pool/maker/plant/M-1"
BUYERS_POOL = "pool/leader/dock/L-1"
FIRST = "shipment/maker/leader-4711-10-1"
SECOND = "shipment/maker/leader-4711-10-2"

Channel = tuple[str, str, str]


def pieces(amount: int | str | Decimal) -> Quantity:
    """So many pieces."""
    return Quantity(Decimal(amount), "C62")


def origin(sender: EnterpriseId = SELLER, at_ms: int = NOW, number: int = 1) -> Origin:
    """A command of the sender."""
    return Origin(sender, at_ms, at_ms, at_ms, f"c-{number}")


def agreed(total: int = 10, cancel: int = 0, due_ms: int = NOW + 10 * DAY, **other: Any) -> LineAgreed:
    """One line: the maker sells the leader so many pieces, delivered in ten days, a day on the way."""
    fields: dict[str, Any] = {
        "order_key": ORDER,
        "line": "10",
        "buyer": BUYER,
        "seller": SELLER,
        "buyer_item": ItemId("L-1"),
        "seller_item": ItemId("M-1"),
        "ship_from": SiteId("plant"),
        "ship_to": SiteId("dock"),
        "seller_quantity": pieces(total),
        "buyer_quantity": pieces(total),
        "deliveries": (AgreedDelivery(due_ms, pieces(total)),),
        "promise_is_ship_date": False,
        "lead_time_minutes": 1440,
        "priority": 5,
        "sequence_ms": NOW,
        "cancel_requested": pieces(cancel) if cancel else None,
        "closes_at": pieces(total),
    }
    return LineAgreed(**(fields | other))


@dataclass
class PlainPool:
    """A pool that reserves what it has for the one demand it knows.

    ``coming``: when what it does not have will be there, and why; beyond that it is never. None: it tells no dates.
    """

    on_hand: Decimal = Decimal(0)
    tracked: bool = True
    issued: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    stated: DemandStated | None = None
    answered: DemandCovered | None = None
    coming: tuple[CoveredPart, ...] | None = None
    frozen: Frozen | None = None

    def settle(self) -> DemandCovered | None:
        """Issue what was stated as issued, reserve what is needed and there; the answer if it changed."""
        if self.stated is None:
            return None
        self.on_hand -= self.stated.issued.amount - self.issued
        self.issued = self.stated.issued.amount
        open_ = Decimal(0) if self.stated.withdrawn else max(self.stated.quantity.amount - self.issued, Decimal(0))
        self.reserved = min(open_, max(self.on_hand, Decimal(0))) if self.tracked else Decimal(0)
        waiting = open_ - self.reserved
        answer = DemandCovered(
            POOL,
            self.stated.demand,
            pieces(self.reserved),
            pieces(self.issued),
            pieces(waiting),
            self.tracked,
            self.parts(waiting) if self.tracked else (),
            self.frozen if self.tracked else None,
        )
        if answer == self.answered:
            return None
        self.answered = answer
        return answer

    def parts(self, waiting: Decimal) -> tuple[CoveredPart, ...]:
        """What is open, by date: what is reserved is there."""
        if self.coming is None:
            return ()
        there = (CoveredPart(SINCE, millionths(self.reserved)),) if self.reserved else ()
        come, _ = split_at(self.coming, millionths(waiting))
        missing = millionths(waiting) - sum(part.quantity for part in come)
        return (*there, *come, *((CoveredPart(NEVER, missing, NEVER, missing=missing),) if missing else ()))


@dataclass
class World:
    """Everything that is, and the links under way."""

    rows: dict[str, DictRows] = field(default_factory=dict)
    log: list[tuple[str, Any]] = field(default_factory=list)
    links: dict[Channel, deque[Any]] = field(default_factory=dict)
    sent: list[Link] = field(default_factory=list)
    views: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    feed: list[FeedRow] = field(default_factory=list)
    pool: PlainPool = field(default_factory=PlainPool)
    progress: LineProgressed | None = None
    supply: SupplyStated | None = None
    commands: int = 0

    def say(self, command: Any, sender: EnterpriseId = SELLER, at_ms: int = NOW) -> tuple[Any, ...] | Refused:
        """Decide a command as the kernel does, and put its links on their way."""
        aggregate = next(a for a in DOMAIN.aggregates if type(command) in a.commands)
        key = aggregate.key(command, sender)
        assert key.startswith(f"{aggregate.kind}/")
        rows = self.rows.get(key, DictRows())
        before = dict(rows)
        self.commands += 1
        circumstances = origin(sender, at_ms, self.commands)
        facts = aggregate.decide(rows, command, circumstances)
        assert dict(rows) == before, "a decision changes nothing"
        if isinstance(facts, Refused):
            return facts
        self._record(key, rows, facts, circumstances)
        if aggregate.reckon is not None and type(command) is not type(aggregate.reckon(key)):
            self.say(aggregate.reckon(key), sender, at_ms)
        return facts

    def tick(self, now_ms: int) -> None:
        """The time: whose alarm is not after it is rung, as the kernel does."""
        for aggregate in DOMAIN.aggregates:
            for key, rows in list(self.rows.items()):
                if aggregate.alarm is None or not key.startswith(f"{aggregate.kind}/"):
                    continue
                at_ms = aggregate.alarm(rows)
                if at_ms is not None and at_ms <= now_ms:
                    assert aggregate.ring is not None
                    self.say(aggregate.ring(key, now_ms), EnterpriseId(""), now_ms)
                    assert not 0 < (aggregate.alarm(rows) or 0) <= at_ms, "it was rung and is still set"

    def _record(self, key: str, rows: DictRows, facts: tuple[Any, ...], said: Origin) -> None:
        if not facts:
            return
        aggregate = next(a for a in DOMAIN.aggregates if key.startswith(f"{a.kind}/"))
        self.rows[key] = rows
        for fact in facts:
            apply(rows, aggregate.evolve(rows, fact))
            self.log.append((key, fact))
        for link in DOMAIN.tell(key, rows, facts, said):
            self.send(key, link)
        for row in DOMAIN.project(key, rows, facts, said):
            self.feed.append(row)
            self.views[row.enterprise, row.view, row.row_id] = row.row

    def send(self, sender: str, link: Link) -> None:
        """Put a link's state behind its older ones."""
        self.sent.append(link)
        self.links.setdefault((sender, link.to, link.link), deque()).append(link.state)

    def agree(self, said: LineAgreed) -> None:
        """The order says something about the line."""
        self.send(ORDER, Link("order-lines-v1", FLOW, "line", said))

    def stock(self, on_hand: int | Decimal) -> None:
        """The pool now has so much, and is tracked."""
        self.pool.on_hand, self.pool.tracked = Decimal(on_hand), True
        self._answer()

    def coming(self, *parts: CoveredPart, frozen: Frozen | None = None) -> None:
        """The pool now says that what it does not have comes then, and what it knew of what it issued."""
        self.pool.coming, self.pool.frozen = parts, frozen
        self._answer()

    def pending(self) -> list[Channel]:
        """The links with a state that was not delivered, in a stable order."""
        return sorted(channel for channel, states in self.links.items() if states)

    def deliver(self, channel: Channel, only_last: bool = False) -> None:
        """Deliver the next state of a link; ``only_last``: the last, and the older ones are lost, as they may be."""
        states = self.links[channel]
        state = states.pop() if only_last else states.popleft()
        if only_last:
            states.clear()
        self._arrive(channel[1], state)

    def run(self) -> None:
        """Deliver until nothing is under way."""
        for _ in range(1000):
            channels = self.pending()
            if not channels:
                return
            self.deliver(channels[0])
        raise AssertionError("it never ends")

    def _arrive(self, to: str, state: Any) -> None:
        if to.startswith("order/"):
            if to == ORDER:
                self.progress = state
        elif to.startswith("pool/"):  # nobody plays other demands and other pools
            if to == POOL and state.flow_key == FLOW:
                self.pool.stated = state
                self._answer()
            elif to == BUYERS_POOL and state.flow_key == FLOW:
                self.supply = state
        else:
            for command in DOMAIN.react(state, to):
                assert not isinstance(self.say(command, EnterpriseId("")), Refused), "a reaction is never refused"

    def _answer(self) -> None:
        answer = self.pool.settle()
        if answer is not None:
            self.send(POOL, Link("inventory-availability-v1", FLOW, answer.demand, answer))

    def copy(self) -> "World":
        """Another world that stands where this one does; rows and states are frozen, so they are shared."""
        return World(
            {key: DictRows(rows) for key, rows in self.rows.items()},
            list(self.log),
            {channel: deque(states) for channel, states in self.links.items()},
            list(self.sent),
            dict(self.views),
            list(self.feed),
            replace(self.pool),
            self.progress,
            self.supply,
        )

    @property
    def head(self) -> Any:
        """The flow's head."""
        return self.rows[FLOW]["head"]

    def line(self, shipment: str = FIRST, line: str = "1") -> Any:
        """A line of a shipment."""
        return self.rows[shipment][f"line/{line}"]

    def status(self, shipment: str = FIRST) -> str:
        """The status of a shipment."""
        return str(self.rows[shipment]["head"].status)

    def facts(self, kind: type) -> list[Any]:
        """All facts of a kind, in order."""
        return [fact for _, fact in self.log if isinstance(fact, kind)]


def apply(rows: DictRows, changes: Any) -> None:
    """The rows after changes."""
    for key, row in changes.items():
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row


def ready(total: int = 10, on_hand: int = 10, **other: Any) -> World:
    """A world in which the line was agreed, the pool has stock, and every message arrived."""
    world = World()
    world.pool.on_hand = Decimal(on_hand)
    world.agree(agreed(total, **other))
    world.run()
    return world
