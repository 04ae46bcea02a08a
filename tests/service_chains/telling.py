"""A fact as the public command that says it. Deliberately lacks: when to say it (``playing``)."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from services.fulfillment.flow import ReportLine, TransferStock
from services.fulfillment.keys import ItemId, SiteId, TransferId, WorkId
from services.fulfillment.work import Component, ComponentTotal, IssueComponents, PlanWork, ReportWork
from services.inventory.pool_commands import CountStock
from services.kernel.values import EnterpriseId, Quantity
from services.order.order_commands import AcceptChange, ConfirmLine, PlaceOrder, PlanLine, ProposeChange
from services.order.order_facts import OrderKind
from services.order.terms import (
    Delivery,
    InboundLine,
    LineNumber,
    OrderNumber,
    PlacedLine,
    PromiseBasis,
    Terms,
    UnitFactor,
)
from services.order.terms import ItemId as OrderItemId
from services.order.terms import SiteId as OrderSiteId
from tests.service_chains.naming import AWAY, LINE, SITE, Kind, Named, Names, Written

DAY_MINUTES: Final = 1440
DEFAULT_PRIORITY: Final = 5

Said = tuple[str, Any]
"""Who says it, and the command."""


def priority_of(flow: Written) -> int:
    """The one priority of a flow's inputs."""
    return min((int(taken.get("priority", DEFAULT_PRIORITY)) for taken in flow["inputs"]), default=DEFAULT_PRIORITY)


class Teller:
    """Says the facts of one story."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def quantity(self, pool: str | None, units: int) -> Quantity:
        """Units of a pool; of none, pieces."""
        return Quantity(Decimal(units), self.names.places[pool].unit if pool else "C62")

    def happened_ms(self, minute: int) -> int:
        """A moment within the minute that ends then, at which the clock has come to it."""
        return self.names.at_ms(minute - 1) + 1

    def _happened_ms(self, minute: int | None) -> int | None:
        return None if minute is None else self.happened_ms(minute)

    def _at_ms(self, minute: int | None) -> int | None:
        return None if minute is None else self.names.at_ms(minute)

    # --- plans --------------------------------------------------------------------------------------------------------

    def plan(self, flow: Written) -> Iterator[Said]:
        """What begins a flow, in the order of arrival; a line is confirmed later."""
        named = self.names.learn(flow)
        match named.kind:
            case Kind.LINE:
                yield named.buyer, self._order(flow, named)
            case Kind.WORK:
                yield named.does, self.work(flow, named)
            case Kind.ROUND_TRIP:
                yield from self._round_trip(flow, named)

    def work(self, flow: Written, named: Named) -> PlanWork:
        """The plan of a work order."""
        output = self.names.places[flow["output"]] if flow["output"] else None
        components = []
        for taken in flow["inputs"]:
            place = self.names.places[taken["pool"]]
            quantity = self.quantity(taken["pool"], taken["quantity"])
            components.append(Component(SiteId(place.site), ItemId(place.item), quantity))
        return PlanWork(
            WorkId(named.id),
            SiteId(output.site if output else SITE),
            ItemId(output.item if output else f"product of {named.id}"),
            self.quantity(flow["output"], flow["quantity"]),
            self.names.at_ms(flow["planned_start"]),
            flow["lead_minutes"],
            tuple(components),
            finish_at_ms=self.names.at_ms(flow["baseline"]),
            priority=priority_of(flow),
            split=flow.get("split", False),
            reports_start=flow.get("reports_start", False),
            bought_in=not components,
        )

    def _round_trip(self, flow: Written, named: Named) -> Iterator[Said]:
        """Out to another site, of which nothing else is there, and back; the way back takes a minute."""
        place = self.names.places[flow["output"]]
        nothing = self.quantity(flow["output"], 0)
        yield named.does, CountStock(AWAY, place.item, nothing)  # type: ignore[arg-type]
        quantity = self.quantity(flow["output"], flow["quantity"])
        lead = flow["lead_minutes"] - 1
        for (site, to_site), start, minutes, key in (
            ((place.site, AWAY), flow["planned_start"], lead, named.keys[0]),
            ((AWAY, place.site), flow["planned_start"] + lead, 1, named.keys[1]),
        ):
            transfer = TransferId(key.rpartition("/")[2])
            item = ItemId(place.item)
            yield (
                named.does,
                TransferStock(
                    transfer, item, SiteId(site), SiteId(to_site), quantity, self.names.at_ms(start), minutes
                ),
            )

    def _order(self, flow: Written, named: Named) -> PlaceOrder:
        source = self.names.places[flow["inputs"][0]["pool"]] if flow["inputs"] else None
        output = self.names.places[flow["output"]] if flow["output"] else None
        taken = flow["inputs"][0]["quantity"] if flow["inputs"] else flow["quantity"]
        buyer_unit, seller_unit = output.unit if output else "C62", source.unit if source else "C62"
        if buyer_unit == seller_unit or (source is None and output is not None):
            seller_unit = buyer_unit
        terms = Terms(
            OrderItemId(source.item if source else f"bought-in {named.id}"),
            UnitFactor(buyer_unit, seller_unit, taken, flow["quantity"])
            if buyer_unit != seller_unit
            else UnitFactor(buyer_unit, seller_unit),
            PromiseBasis.DELIVER,
            OrderSiteId(source.site if source else SITE),
            OrderSiteId(output.site if output else "door"),
            "UTC",
            lead_time_minutes=flow["lead_minutes"],
            day_ends_minute=(flow["baseline"] - 1) % DAY_MINUTES + 1,
            ship_complete=not flow.get("split", False),
        )
        line = PlacedLine(
            LineNumber(LINE),
            OrderItemId(output.item if output else f"item of {named.id}"),
            terms,
            (self.delivery_of(flow),),
            priority=priority_of(flow),
        )
        return PlaceOrder(OrderNumber(named.id), EnterpriseId(named.does), OrderKind.DISCRETE, (line,))

    def confirm(self, flow: Written) -> Said:
        """The seller's word on a line."""
        named = self.names.flows[flow["id"]]
        buyer, number = EnterpriseId(named.buyer), OrderNumber(named.id)
        return named.does, ConfirmLine(buyer, number, LineNumber(LINE))

    def line_plan(self, flow: Written) -> Said:
        """What the seller of a line says of its start, and of the supplies that the line holds."""
        named = self.names.flows[flow["id"]]
        promised = flow["baseline"] - flow["lead_minutes"]
        start = None if flow["planned_start"] == promised else self.names.at_ms(flow["planned_start"])
        held: dict[str, int] = {}
        for taken in flow["inputs"]:
            for hold in taken.get("reservations", ()):
                held[hold["from"]] = held.get(hold["from"], 0) + hold["quantity"]
        held.pop("stock", None)  # what is there is reserved for who comes first, and nobody says so
        inbound = tuple(InboundLine(OrderNumber(of), LineNumber(LINE), Decimal(units)) for of, units in held.items())
        return named.does, PlanLine(EnterpriseId(named.buyer), OrderNumber(named.id), LineNumber(LINE), start, inbound)

    def new_promise(self, flow: Written, change: int) -> Iterator[Said]:
        """Both sides agree on another quantity or date."""
        named = self.names.flows[flow["id"]]
        buyer, number, line = EnterpriseId(named.buyer), OrderNumber(named.id), LineNumber(LINE)
        yield named.does, ProposeChange(buyer, number, line, (self.delivery_of(flow),))
        yield named.buyer, AcceptChange(buyer, number, line, change)

    # --- reports ------------------------------------------------------------------------------------------------------

    def report(self, flow: Written) -> Said:
        """What its doer says of a flow, whole; of a line only what no shipment says."""
        named = self.names.flows[flow["id"]]
        start, finish = self._at_ms(flow.get("estimated_start")), self._at_ms(flow.get("estimated_finish"))
        firm, lost = flow.get("firm", False), flow.get("lost", False)
        reason, event = flow.get("reason") or "", flow.get("event") or ""
        if named.kind is Kind.WORK:
            return named.does, ReportWork(
                WorkId(named.id), start, finish, firm, self._happened_ms(flow.get("actual_start")),
                self._happened_ms(flow.get("actual_finish")), lost, reason, event, withdraw=True,
            )  # fmt: skip
        buyer, number, line = named.last.split("/", 3)[1:]
        return named.does, ReportLine(
            EnterpriseId(buyer), number, line, start, finish, firm, lost, reason, event, withdraw=not event
        )

    def issues(self, flow: Written) -> Said:
        """What was taken for a work order, in total."""
        named = self.names.flows[flow["id"]]
        totals = []
        for taken in flow["inputs"]:
            place = self.names.places[taken["pool"]]
            issued = self.quantity(taken["pool"], taken.get("issued", 0))
            totals.append(ComponentTotal(SiteId(place.site), ItemId(place.item), issued))
        return named.does, IssueComponents(WorkId(named.id), tuple(totals))

    def count(self, pool: str, units: int) -> Said:
        """So much is there."""
        place = self.names.places[pool]
        return place.enterprise, CountStock(place.site, place.item, self.quantity(pool, units))  # type: ignore[arg-type]

    def delivery_of(self, flow: Written) -> Delivery:
        """The baseline as the end of a working day that ends at its minute."""
        days = (flow["baseline"] - 1) // DAY_MINUTES
        return Delivery(self.names.first_day + timedelta(days=days), Decimal(flow["quantity"]))
