"""Pools and flows that tell one another their states until nothing is in flight, as the services do over Kafka.

Every message is the whole state of its sender's side of one link. A link numbers its messages and keeps their order; a
receiver drops what is not newer; links have no order among each other. All messages of a round are applied first, then
each touched pool or flow is computed once, and sends what differs from what it sent last.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from services.chain.flow import Expected, expect
from services.chain.flow_facts import Flow
from services.chain.pool import cover
from services.chain.pool_facts import Demand, DemandCovered, Pool, Supply, SupplyPart

ROUNDS_MAX = 5_000

Link = tuple[str, str, str]  # sender, receiver, demand or supply
State = Demand | Supply | DemandCovered | None  # None withdraws


@dataclass(frozen=True, slots=True)
class Placed:
    """A flow in its chain: what is known of it, its demands with the pool of each, and the pool that it gives to."""

    flow: Flow
    inputs: tuple[tuple[str, Demand], ...]
    output: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """The state of one link, with its version."""

    link: Link
    version: int
    state: State


@dataclass
class Node:
    """What a pool or flow received and sent, by link, each with its version."""

    received: dict[Link, Message] = field(default_factory=dict)
    sent: dict[Link, Message] = field(default_factory=dict)


Cover = Callable[[str, Pool], Mapping[str, DemandCovered]]


@dataclass
class MessageLoop:
    """A whole chain. ``random`` shuffles the order across links and repeats old messages; without it a round is all."""

    random: Random | None = None
    covered_by: Cover = lambda _, pool: cover(pool)
    now: int = 0
    rounds: int = 0
    stock: dict[str, int] = field(default_factory=dict)
    placed: dict[str, Placed] = field(default_factory=dict)
    expected: dict[str, Expected] = field(default_factory=dict)
    answers: dict[str, Mapping[str, DemandCovered]] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    in_flight: dict[Link, deque[Message]] = field(default_factory=dict)
    old: list[Message] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)

    def place(self, placed: Placed) -> None:
        """A flow is created, or its facts change."""
        if self.placed.get(placed.flow.flow) != placed:
            self.placed[placed.flow.flow] = placed
            self.touched.add(f"flow {placed.flow.flow}")

    def remove(self, flow: str) -> None:
        """A flow is withdrawn by its buyer."""
        del self.placed[flow]
        self.expected.pop(flow, None)
        self.touched.add(f"flow {flow}")

    def put_stock(self, pool: str, quantity: int) -> None:
        """The stock of a pool that may be used."""
        if self.stock.get(pool) != quantity:
            self.stock[pool] = quantity
            self.touched.add(f"pool {pool}")

    def tick(self, now: int) -> None:
        """Time goes on, for all."""
        if self.now != now:
            self.now = now
            self.touched.update(f"flow {flow}" for flow in self.placed)

    def run(self) -> None:
        """Rounds until nothing is in flight."""
        self.step()
        while self.in_flight:
            self.step()

    def step(self) -> None:
        """One round: a batch is applied, then each touched key is computed once."""
        self.rounds += 1
        assert self.rounds < ROUNDS_MAX, "the chain does not come to rest"
        for message in self._batch():
            node = self._node(message.link[1])
            known = node.received.get(message.link)
            if known is None or self.is_news(message, known):
                node.received[message.link] = message
                self.touched.add(message.link[1])
        for key in sorted(self.touched):
            self._send(key, self._pool(key[5:]) if key.startswith("pool ") else self._flow(key[5:]))
        self.touched.clear()

    def is_news(self, message: Message, known: Message) -> bool:
        """Whether a message says more than what is known of its link."""
        return message.version > known.version

    def differs(self, state: State, sent: State) -> bool:
        """Whether a state must be told after what was told last."""
        return state != sent

    def pool(self, name: str) -> Pool:
        """The facts of a pool as it knows them."""
        states = [message.state for message in self._node(f"pool {name}").received.values()]
        demands = [state for state in states if isinstance(state, Demand)]
        supplies = [state for state in states if isinstance(state, Supply)]
        return Pool(self.stock.get(name, 0), demands, supplies)

    def _node(self, key: str) -> Node:
        return self.nodes.setdefault(key, Node())

    def _batch(self) -> Iterable[Message]:
        links = sorted(self.in_flight)
        if self.random:
            links = [link for link in links if self.random.random() < 0.5] or links[:1]
            self.random.shuffle(links)
        batch = [self.in_flight[link].popleft() for link in links]
        self.in_flight = {link: queue for link, queue in self.in_flight.items() if queue}
        if self.random and self.old:
            batch.insert(0, self.random.choice(self.old))
        self.old += batch
        return batch

    def _send(self, key: str, states: Mapping[tuple[str, str], State]) -> None:
        node = self._node(key)
        wanted: dict[Link, State] = {(key, *rest): state for rest, state in states.items()}
        wanted |= {link: None for link in node.sent if link not in wanted}
        for link, state in wanted.items():
            last = node.sent.get(link)
            if last is None or self.differs(state, last.state):
                message = Message(link, last.version + 1 if last else 1, state)
                node.sent[link] = message
                self.in_flight.setdefault(link, deque()).append(message)

    def _pool(self, name: str) -> Mapping[tuple[str, str], State]:
        self.answers[name] = self.covered_by(name, self.pool(name))
        return {(f"flow {answer.flow}", id_): answer for id_, answer in self.answers[name].items()}

    def _flow(self, name: str) -> Mapping[tuple[str, str], State]:
        placed = self.placed.get(name)
        if placed is None:
            return {}
        states: dict[tuple[str, str], State] = {(f"pool {pool}", demand.id): demand for pool, demand in placed.inputs}
        received = self._node(f"flow {name}").received
        links = [(f"pool {pool}", f"flow {name}", demand.id) for pool, demand in placed.inputs]
        answers = [message.state for link in links if (message := received.get(link))]
        covered = [answer for answer in answers if isinstance(answer, DemandCovered)]
        if len(covered) == len(placed.inputs):  # else some pool did not answer yet
            self.expected[name] = expected = expect(placed.flow, covered, self.now)
            if placed.output is not None:
                states[f"pool {placed.output}", name] = supply_of(placed.flow, expected)
        return states


def supply_of(flow: Flow, expected: Expected) -> Supply:
    """What a flow states to the pool that it gives to; what is finished was received."""
    parts = tuple(SupplyPart(part.date, part.quantity, part.cause, part.path, part.trail) for part in expected.parts)
    return Supply(flow.flow, flow.baseline, parts, flow.quantity if flow.is_finished else 0)
