"""A chain by seed: the network of agreements, and the orders that follow from what its leaders order.

What a leader orders is exploded as a planning run would: needs are netted with what earlier lots and the opening stock
leave, the rest is made or ordered in a lot of its own, in time and with a little slack. So without a slip everything is
in time, and every unit that is needed is there or on its way. Deliberately lacks: capacity, and time that passes: the
chain is as it stands at one moment, with everything still to start.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from random import Random
from typing import Final

from infra.chains.chain import (
    DAY_MINUTES,
    FIRST_DAY,
    Agreement,
    Chain,
    Component,
    Line,
    Slip,
    Stock,
    Work,
    day_end,
    last_day_by,
)
from infra.chains.network import RAW, Name, Network, network_of
from infra.chains.shape import Shape

QUANTITIES: Final = (10, 20, 30, 40)
PER_PIECE: Final = (1, 1, 1, 1, 1, 2)
LOTS: Final = (1, 1, 2)  # a lot covers the need, or as much again for those to come
STOCKED_SHARE: Final = 0.2  # of the parts and raw items have an opening stock, of one need or two
SLACK_MINUTES: Final = (0, 120, 240, 480)
WORK_DAYS: Final = (1, 2, 3)
ODD_MINUTES: Final = (
    240  # by which leads are shorter than whole days, so that hardly two plans of a pool fall on one minute
)
RAW_DAYS: Final = 3
DAYS_PER_TIER: Final = 7  # by which all starts behind a leader's line lie before it, at most
LINES_PER_ORDER_MAX: Final = 10
REPORT_DAYS: Final = 7
LATE_DAYS_MEAN, LATE_DAYS_MAX = 4.0, 20
TAKEN_BACK_SHARE: Final = 0.35
TAKEN_BACK_HOURS: Final = (2, 96)
REASONS: Final = ("machine", "quality", "labour", "energy", "material", "customs")
SINCE: Final = 0


def generate(shape: Shape) -> Chain:
    """The chain of a shape."""
    network = network_of(shape)
    plan = _Plan(network, Random(f"chainflow plan {shape.seed}"))
    for agreement, quantity, due in _leaders_orders(shape, network):
        plan.order(agreement, quantity, due)
    lines, work = _numbered(plan.lines), tuple(sorted(plan.work, key=lambda one: (one.due, one.key)))
    return Chain(
        network.enterprises,
        tuple(network.items),
        tuple(network.sources.values()),
        tuple(Stock(*name, quantity) for name, quantity in sorted(plan.stock.items())),
        lines,
        work,
        tuple(_slips(shape, {one.enterprise: one.tier for one in network.enterprises}, lines, work)),
    )


def _leaders_orders(shape: Shape, network: Network) -> Iterator[tuple[Agreement, int, int]]:
    """(agreement, pieces, minute by which they are needed), day by day."""
    random = Random(f"chainflow orders {shape.seed}")
    leading = [
        network.sources[one, part] for (one, product), parts in network.parts.items() if not product for part in parts
    ]
    first = FIRST_DAY + timedelta(days=REPORT_DAYS + DAYS_PER_TIER * shape.tiers)
    for day in range(shape.days):
        for _ in range(shape.orders_per_day):
            yield random.choice(leading), random.choice(QUANTITIES), day_end(first + timedelta(days=day))


class _Plan:
    """What is planned so far. A need is met by what is left of earlier lots, then by a lot of its own."""

    def __init__(self, network: Network, random: Random) -> None:
        self._network, self._random = network, random
        self._left: dict[Name, list[tuple[int, int]]] = {}  # item → (minute from which it is there, pieces)
        self._recipes: dict[Name, tuple[int, list[int]]] = {}  # product → lead minutes, pieces of each part
        self.stock: dict[Name, int] = {}
        self.lines: list[Line] = []
        self.work: list[Work] = []

    def order(self, agreement: Agreement, quantity: int, needed: int) -> int:
        """Order of a partner; the minute from which it is there."""
        due_on = last_day_by(needed)
        source = agreement.seller, agreement.product
        tracked = source not in self._network.untracked
        line = Line(
            agreement.buyer, "", "", agreement.seller, agreement.part, agreement.product, quantity, due_on,
            agreement.lead_minutes, tracked,
        )  # fmt: skip
        self.lines.append(line)
        if tracked:
            self._need(source, quantity, line.start)
        return line.due

    def _need(self, name: Name, quantity: int, needed: int) -> None:
        left = self._left.get(name)
        if left is None:
            left = self._left[name] = self._opening(name, quantity)
        rest: list[tuple[int, int]] = []
        for minute, pieces in left:
            taken = min(pieces, quantity) if minute <= needed else 0
            quantity -= taken
            if pieces > taken:
                rest.append((minute, pieces - taken))
        if quantity:
            lot = quantity * self._random.choice(LOTS)
            minute = self._make(name, lot, needed)
            if lot > quantity:
                rest.append((minute, lot - quantity))
        self._left[name] = rest

    def _opening(self, name: Name, quantity: int) -> list[tuple[int, int]]:
        if name in self._network.parts:  # products are made to order
            self.stock[name] = 0
        else:
            has = self._random.random() < STOCKED_SHARE
            self.stock[name] = quantity * self._random.choice((1, 2)) if has else 0
        return [(SINCE, self.stock[name])] if self.stock[name] else []

    def _make(self, name: Name, quantity: int, needed: int) -> int:
        """Plan a lot that is there by a minute; the minute from which it is."""
        if (agreement := self._network.sources.get(name)) is not None:
            return self.order(agreement, quantity, needed)
        owner, item = name
        number = f"w{len(self.work) + 1:06d}"
        finish = needed - self._random.choice(SLACK_MINUTES)
        if item.startswith(RAW):
            self.work.append(
                Work(owner, number, item, quantity, finish - RAW_DAYS * DAY_MINUTES, RAW_DAYS * DAY_MINUTES, ())
            )
            return finish
        lead, per_piece = self._recipe(name)
        parts = self._network.parts[name]
        components = tuple(Component(part, quantity * per) for part, per in zip(parts, per_piece, strict=True))
        self.work.append(Work(owner, number, item, quantity, finish - lead, lead, components))
        for component in components:
            self._need((owner, component.item), component.quantity, finish - lead)
        return finish

    def _recipe(self, name: Name) -> tuple[int, list[int]]:
        if name not in self._recipes:
            lead = self._random.choice(WORK_DAYS) * DAY_MINUTES - self._random.randrange(ODD_MINUTES)
            self._recipes[name] = lead, [self._random.choice(PER_PIECE) for _ in self._network.parts[name]]
        return self._recipes[name]


def _numbered(lines: Iterable[Line]) -> tuple[Line, ...]:
    """What one buyer orders of one seller for one week is one order; sorted by due date."""

    def order_of(line: Line) -> tuple[str, str, int]:
        return line.buyer, line.seller, (line.due_on - FIRST_DAY).days // 7

    numbered: list[Line] = []
    count = 0
    for _, group in groupby(
        sorted(lines, key=lambda line: (order_of(line), line.due, line.part, line.quantity)), order_of
    ):
        for n, line in enumerate(group):
            count += n % LINES_PER_ORDER_MAX == 0
            numbered.append(replace(line, number=f"o{count:06d}", line=str(10 * (n % LINES_PER_ORDER_MAX + 1))))
    return tuple(sorted(numbered, key=lambda line: (line.due, line.key)))


def reporter_of(flow: Line | Work) -> str:
    """Who reports on a flow: the seller of a line, the owner of a work order."""
    return flow.owner if isinstance(flow, Work) else flow.seller


def _slips(shape: Shape, tiers: dict[str, int], lines: tuple[Line, ...], work: tuple[Work, ...]) -> Iterator[Slip]:
    """Reports of the first days, in their order: of work orders, and of lines behind which nothing is known."""
    random = Random(f"chainflow slips {shape.seed}")
    able: list[Line | Work] = [*work, *(line for line in lines if not line.tracked)]
    begin = day_end(FIRST_DAY)
    # Without repetition, those of tier t with a weight of t³: the further down, the smaller the firm and its margin.
    drawn = sorted(able, key=lambda flow: random.random() ** (1 / tiers[reporter_of(flow)] ** 3), reverse=True)
    chosen = drawn[: round(shape.slip_rate * len(able))]
    random.shuffle(chosen)
    when = sorted(begin + random.randrange(REPORT_DAYS * DAY_MINUTES) for _ in chosen)
    for n, (flow, minute) in enumerate(zip(chosen, when, strict=True), 1):
        days = min(1 + int(random.expovariate(1 / LATE_DAYS_MEAN)), LATE_DAYS_MAX)
        back = random.random() < TAKEN_BACK_SHARE
        hours = random.randint(*TAKEN_BACK_HOURS)
        late = days * DAY_MINUTES
        yield Slip(
            f"s{n:05d}", flow.key, reporter_of(flow), minute, flow.due + late, late, random.choice(REASONS),
            minute + hours * 60 if back else None,
        )  # fmt: skip
