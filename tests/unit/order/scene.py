"""One order on a stage: commands go in, facts, links and feed rows are kept, and the clock is what the test says."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from services.kernel.model import DictRows
from services.kernel.values import EnterpriseId, Money, Origin, Quantity, Refused
from services.order import order, policy, views
from services.order.line import Line, Order, line_key
from services.order.line_view import OrderLineView
from services.order.order_commands import ConfirmOrder, OrderCommand, PlaceOrder
from services.order.order_facts import OrderFact, OrderKind
from services.order.policy import LineAgreed, LineProgressed, LineStage
from services.order.references import References
from services.order.terms import (
    Delivery,
    ItemId,
    LineNumber,
    OrderNumber,
    PlacedLine,
    PromiseBasis,
    SiteId,
    Terms,
    UnitFactor,
)
from services.order.workday import due_at_ms

BUYER, SELLER, OTHER = EnterpriseId("acme"), EnterpriseId("bolts"), EnterpriseId("nosy")
NUMBER = OrderNumber("4711")
TEN, TWENTY = LineNumber("10"), LineNumber("20")
KEY = "order/acme/4711"
ZONE = "Europe/Berlin"
DAY = 86_400_000
START = due_at_ms(date(2026, 3, 1), ZONE)
REFERENCES = References(b"a secret of the tests")
PROJECT = views.projector(REFERENCES)

PIECES = UnitFactor("C62", "C62")
DOZENS = UnitFactor("C62", "DZN", 1, 12)
BOXES_OF_TWELVE = UnitFactor("XBX", "C62", 12, 1)


def march(day: int, amount: int | str = 100) -> Delivery:
    """A delivery in March 2026."""
    return Delivery(date(2026, 3, day), Decimal(amount))


def due(day: int) -> int:
    """The end of a day in March 2026 in Berlin."""
    return due_at_ms(date(2026, 3, day), ZONE)


def terms(factor: UnitFactor = PIECES, basis: PromiseBasis = PromiseBasis.DELIVER, **changes: Any) -> Terms:
    """Terms that hold."""
    made = Terms(ItemId("B-1"), factor, basis, SiteId("lyon"), SiteId("hamburg"), ZONE, lead_time_minutes=2_880)
    return replace(made, **changes)


def placed(line: LineNumber = TEN, *requested: Delivery, **changes: Any) -> PlacedLine:
    """A line of 100 pieces for 20 March, or of what is given."""
    made = PlacedLine(line, ItemId("A-1"), terms(), requested or (march(20),), Money("EUR", 2, 500_000_000))
    return replace(made, **changes)


class Stage:
    """The order acme/4711 and all that was said about it."""

    def __init__(self) -> None:
        self.rows = DictRows()
        self.facts: list[OrderFact] = []
        self.links: list[LineAgreed] = []
        self.feed: dict[tuple[EnterpriseId, str], Any] = {}
        self.derived: dict[tuple[EnterpriseId, str, str], Any] = {}
        self.now_ms = START
        self.commands = 0

    def decide(self, command: Any, by: EnterpriseId) -> tuple[OrderFact, ...] | Refused:
        """What the command would make, with nothing kept."""
        self.commands += 1
        origin = Origin(by, self.now_ms, self.now_ms, self.now_ms, f"c{self.commands}")
        return order.decide(self.rows, command, origin)

    def when(self, command: OrderCommand, by: EnterpriseId = BUYER) -> tuple[OrderFact, ...] | Refused:
        """Decide, and keep what follows."""
        made = self.decide(command, by)
        if isinstance(made, Refused) or not made:
            return made
        for fact in made:
            self.rows.update(order.evolve(self.rows, fact))
        self.facts += made
        origin = Origin(by, self.now_ms, self.now_ms, self.now_ms, "c")
        self.links += [link.state for link in policy.tell(KEY, self.rows, made, origin)]
        for row in PROJECT(KEY, self.rows, made, origin):
            place = (row.enterprise, row.row_id)

            def read(view: str, row_id: str, viewer: EnterpriseId = row.enterprise) -> Any:
                return self.derived.get((viewer, view, row_id))

            for (view, row_id), value in views.derive_from_lines(self.feed.get(place), row.row, read).items():
                self.derived[row.enterprise, view, row_id] = value
            self.feed[place] = row.row
        return made

    def given(self, *commands: OrderCommand | tuple[OrderCommand, EnterpriseId]) -> "Stage":
        """Commands that must be accepted."""
        for item in commands:
            command, by = item if isinstance(item, tuple) else (item, BUYER)
            made = self.when(command, by)
            assert not isinstance(made, Refused), made
        return self

    def flow_says(self, stage: LineStage, line: LineNumber = TEN, **said: Any) -> tuple[OrderFact, ...] | Refused:
        """The flow of a line reports; quantities as plain numbers in the seller's unit."""
        fields: dict[str, Any] = dict.fromkeys(
            ("reserved", "planned", "shipped", "received", "cancelled", "cancel_answered")
        )
        unit = self.line(line).placed.terms.factor.seller_unit
        for name in fields:
            if name in said:
                fields[name] = Quantity(Decimal(said.pop(name)), unit)
        rest: dict[str, Any] = {"expected_at_ms": None, "fulfilled_at_ms": None, "reason": "", "stock_known": True}
        rest |= said
        (command,) = policy.react(LineProgressed(line, stage, **fields, **rest), KEY)
        return self.when(command, EnterpriseId(""))

    def tick(self, now_ms: int) -> tuple[OrderFact, ...] | Refused | None:
        """The clock moves on; the alarm rings if it is due, as the kernel would let it."""
        self.now_ms = max(self.now_ms, now_ms)
        alarm = order.alarm(self.rows)
        if alarm is None or alarm > self.now_ms:
            return None
        made = self.when(order.ring(KEY, self.now_ms), EnterpriseId(""))
        after = order.alarm(self.rows)
        assert after is None or after > alarm, "the kernel parks an aggregate whose alarm does not move on"
        return made

    @property
    def head(self) -> Order:
        """The order's row."""
        head: Order = self.rows["head"]
        return head

    def line(self, number: LineNumber = TEN) -> Line:
        """A line's row."""
        line: Line = self.rows[line_key(number)]
        return line

    def seen(self, by: EnterpriseId = BUYER, line: LineNumber = TEN) -> OrderLineView:
        """The line as an enterprise sees it."""
        view: OrderLineView = self.feed[by, f"{BUYER}/{NUMBER}/{line}"]
        return view


def place(*lines: PlacedLine, kind: OrderKind = OrderKind.DISCRETE) -> PlaceOrder:
    """The order of the stage."""
    return PlaceOrder(NUMBER, SELLER, kind, lines or (placed(),))


CONFIRM = (ConfirmOrder(BUYER, NUMBER), SELLER)


def placed_order(*lines: PlacedLine, kind: OrderKind = OrderKind.DISCRETE) -> Stage:
    """A stage with an order that waits for its confirmation."""
    return Stage().given(place(*lines, kind=kind))


def confirmed_order(*lines: PlacedLine, kind: OrderKind = OrderKind.DISCRETE) -> Stage:
    """A stage with an order that is confirmed as requested."""
    return placed_order(*lines, kind=kind).given(CONFIRM)


def code(made: Any) -> str:
    """The code of a refusal."""
    assert isinstance(made, Refused), f"accepted: {made}"
    assert made.advice, "a refusal says what to do"
    return made.code


def kinds(made: Any) -> list[str]:
    """The names of the facts made."""
    assert not isinstance(made, Refused), made
    return [type(fact).__name__ for fact in made]
