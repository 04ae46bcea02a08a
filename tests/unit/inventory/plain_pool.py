"""The same pool told the slow way: no index, no facts, all sorted anew each time. Shares no code with the real one."""

from dataclasses import dataclass, field
from decimal import Decimal

from services.inventory import pool_commands as say
from services.kernel.values import Quantity

NEVER = 10**18
ZERO = Decimal(0)


@dataclass
class PlainDemand:
    quantity: Decimal = ZERO
    issued: Decimal = ZERO
    reserved: Decimal = ZERO
    need: int = NEVER
    priority: int = 0
    sequence: int = 0
    withdrawn: bool = False
    planned: bool = False
    holds: list[tuple[str, Decimal]] = field(default_factory=list)

    def may_hold(self) -> Decimal:
        return ZERO if self.withdrawn or self.planned else max(ZERO, self.quantity - self.issued)

    def waits(self) -> Decimal:
        return max(ZERO, self.may_hold() - self.reserved)


@dataclass
class PlainSupply:
    quantity: Decimal = ZERO
    received: Decimal = ZERO
    withdrawn: bool = False

    def comes(self) -> Decimal:
        return ZERO if self.withdrawn else max(ZERO, self.quantity - self.received)


@dataclass
class PlainHand:
    reserved: Decimal
    need: int
    ends: int
    sequence: int


@dataclass
class PlainPool:
    on_hand: Decimal = ZERO
    blocked: Decimal = ZERO
    tracked: bool = False
    demands: dict[str, PlainDemand] = field(default_factory=dict)
    hands: dict[str, PlainHand] = field(default_factory=dict)
    supplies: dict[str, PlainSupply] = field(default_factory=dict)

    def free(self) -> Decimal:
        holders: list[PlainDemand | PlainHand] = [*self.demands.values(), *self.hands.values()]
        return max(ZERO, self.on_hand - self.blocked) - sum((one.reserved for one in holders), ZERO)

    def run(self, command: say.Command, recorded_at: int) -> None:
        """Only commands that the real pool accepted."""
        match command:
            case say.ReceiveStock(quantity=Quantity(amount)) | say.AdjustStock(quantity=Quantity(amount)):
                self.on_hand += amount
            case say.IssueStock(quantity=Quantity(amount)):
                self.on_hand -= amount
            case say.CountStock(counted=Quantity(amount)):
                self.on_hand, self.tracked = amount, True
            case say.BlockStock(quantity=Quantity(amount)):
                self.blocked += amount
            case say.UnblockStock(quantity=Quantity(amount)):
                self.blocked = max(ZERO, self.blocked - amount)
            case say.TrackPool():
                self.tracked = True
            case say.UntrackPool():
                self.tracked = False
                self.hands.clear()
                for one in self.demands.values():
                    one.reserved = ZERO
            case say.ReserveStock():
                ends = NEVER if command.expires_at_ms is None else command.expires_at_ms
                self.hands[command.reservation] = PlainHand(
                    command.quantity.amount, command.need_at_ms, ends, recorded_at
                )
            case say.ReleaseReservation(reservation=name, quantity=part):
                self.hands[name].reserved -= self.hands[name].reserved if part is None else part.amount
            case say.ConsumeReservation(reservation=name, quantity=Quantity(amount)):
                self.on_hand -= amount
                if name in self.hands:
                    self.hands[name].reserved -= min(amount, self.hands[name].reserved)
            case say.WakePool(now_ms=now):
                self.hands = {name: hand for name, hand in self.hands.items() if hand.ends > now}
            case say.StateDemand():
                self._demand(command)
            case say.StateSupply():
                self._supply(command)
        self.hands = {name: hand for name, hand in self.hands.items() if hand.reserved > 0}
        self._settle()

    def _supply(self, command: say.StateSupply) -> None:
        one = self.supplies.setdefault(command.flow_key, PlainSupply())
        one.quantity, one.withdrawn = command.quantity.amount, command.withdrawn
        if command.received is None:  # what is not said moves nothing
            return
        before, one.received = one.received, command.received.amount
        self.on_hand += one.received - before
        counted = ZERO
        for holder in self._queue() if self.tracked else []:
            for source, amount in holder.holds:
                if source == command.flow_key:
                    mine = min(counted + amount, one.received) - max(counted, before)
                    counted += amount
                    holder.reserved += max(ZERO, min(mine, holder.waits(), self.free()))

    def _queue(self) -> list[PlainDemand]:
        in_order = sorted(self.demands.items(), key=lambda e: (e[1].priority, e[1].need, e[1].sequence, e[0]))
        return [one for _, one in in_order]

    def _takes(self, one: PlainDemand) -> Decimal:
        """What of the stock: not what it holds of supplies that still come."""
        held = [min(amount, self.supplies[of].comes()) for of, amount in one.holds if of in self.supplies]
        return max(ZERO, one.waits() - sum(held, ZERO))

    def _demand(self, command: say.StateDemand) -> None:
        one = self.demands.setdefault(command.flow_key, PlainDemand())
        one.quantity, one.withdrawn, one.planned = command.quantity.amount, command.withdrawn, command.planned
        one.need = NEVER if command.need_at_ms is None else command.need_at_ms
        one.priority, one.sequence = command.priority, command.sequence_ms
        one.holds = [(hold.source, Decimal(hold.quantity) / 10**6) for hold in command.holds if hold.quantity > 0]
        more = (command.issued.amount if command.issued is not None else one.issued) - one.issued
        self.on_hand -= more
        one.issued += more
        one.reserved -= min(one.reserved, max(ZERO, more))
        one.reserved = min(one.reserved, one.may_hold())

    def _settle(self) -> None:
        """Latest need gives back first, then those by hand, the less important, the later; then the queue is served."""
        by_hand: list[tuple[tuple[int, int, int, int], str, PlainDemand | PlainHand]] = [
            ((-hand.need, 0, 0, -hand.sequence), f"reservation/{name}", hand) for name, hand in self.hands.items()
        ]
        holders = by_hand + [
            ((-one.need, 1, -one.priority, -one.sequence), f"demand/{name}", one) for name, one in self.demands.items()
        ]
        for _, _, holder in sorted(holders, key=lambda entry: entry[:2]):
            holder.reserved -= min(holder.reserved, max(ZERO, -self.free()))
        self.hands = {name: hand for name, hand in self.hands.items() if hand.reserved > 0}
        for one in self._queue() if self.tracked else []:
            one.reserved += min(self._takes(one), max(ZERO, self.free()))
