"""Who is behind a delay from far is named to a buyer by its own leave only, and as long as it gives that.

A chain of three on the three services: the leader buys gears from the maker, who makes them of castings of the foundry.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.chain.causes import Cause, Hop, Root, RootClass
from services.chain.expectation import Expectation
from services.chain.flow import Basis
from services.fulfillment.flow import ReportLine
from services.fulfillment.work import Component, PlanWork, ReportWork
from services.inventory.pool_commands import CountStock
from services.kernel.memory_log import START_MS, MemoryRecord
from services.kernel.model import DictRows
from services.kernel.values import EnterpriseId, Origin, Quantity
from services.order import enterprise
from services.order.enterprise import NAMINGS_MAX, AllowNaming, ForbidNaming, RegisterEnterprise
from services.order.exposure import ExposureView
from services.order.order_commands import ConfirmOrder
from services.order.outlook import outlook_of
from services.order.terms import ItemId, OrderNumber, SiteId
from tests.support import ordering
from tests.support.backbone import Backbone
from tests.unit.order.scene import code

LEADER, MAKER, FOUNDRY = EnterpriseId("leader"), EnterpriseId("maker"), EnterpriseId("foundry")
DAY_MS = 86_400_000


def pieces(amount: int) -> Quantity:
    """So many of them."""
    return Quantity(Decimal(amount), "C62")


class Chain:
    """The three, with the foundry's line due on 10 January and the maker's on 14."""

    def __init__(self) -> None:
        self.backbone = Backbone(3)
        self.backbone.tick(START_MS)
        self.say(FOUNDRY, RegisterEnterprise("Founders & Sons"))
        self.say(MAKER, RegisterEnterprise("Maker"))
        for firm, item in ((MAKER, "castings"), (MAKER, "gears"), (FOUNDRY, "raw-castings")):
            self.say(firm, CountStock(_site(firm), ItemId(item), pieces(0)))  # type: ignore[arg-type]
        self.order(MAKER, FOUNDRY, "castings", "raw-castings", 10)
        self.order(LEADER, MAKER, "gears", "gears", 14)
        self.work(MAKER, "w", "gears", 11, (Component(_site(MAKER), ItemId("castings"), pieces(10)),))  # type: ignore[arg-type]
        self.work(FOUNDRY, "f", "raw-castings", 5, ())

    def say(self, who: EnterpriseId, command: Any) -> None:
        """A command, and all that follows."""
        sent = self.backbone.send(who, command)
        self.backbone.settle()
        assert not self.backbone.outcome(sent).code

    def order(self, buyer: EnterpriseId, seller: EnterpriseId, item: str, of_seller: str, day: int) -> None:
        """An order of one line, confirmed."""
        terms = ordering.terms(of_seller, _site(seller), _site(buyer), lead_time_minutes=1_440)
        self.say(buyer, ordering.order(item, seller, ordering.placed("1", item, terms, (date(2026, 1, day), 10))))
        self.say(seller, ConfirmOrder(buyer, OrderNumber(item)))

    def work(self, firm: EnterpriseId, id_: str, item: str, day: int, components: Any) -> None:
        """A work order of a day."""
        start = START_MS + (day - 1) * DAY_MS
        plan = PlanWork(id_, _site(firm), item, pieces(10), start, 1_440, components, bought_in=not components)  # type: ignore[arg-type]
        self.say(firm, plan)

    def fire(self) -> None:
        """The foundry's work ends ten days later than planned."""
        at_ms = START_MS + 15 * DAY_MS
        self.say(FOUNDRY, ReportWork("f", estimated_finish_at_ms=at_ms, reason_code="fire"))  # type: ignore[arg-type]

    @property
    def seen(self) -> ExposureView:
        """What the leader is exposed to."""
        (row,) = self.backbone.view("order", LEADER, "exposure").values()
        assert isinstance(row, ExposureView)
        return row

    def messages(self) -> int:
        """How many of them were about names."""
        return sum(1 for _ in self.backbone.log.all("order-naming-v1"))


def _site(firm: EnterpriseId) -> SiteId:
    return SiteId(f"{firm}-hall")


NAMED_EN = "because Founders & Sons (raw-castings from foundry-hall) is late"
NAMED_ZH = "Founders & Sons（foundry-hall 的 raw-castings）延误"


def test_without_leave_there_is_a_class_and_a_reference_only() -> None:
    chain = Chain()
    chain.fire()
    assert chain.seen.cause is not None
    assert (chain.seen.cause.origin, chain.seen.cause.tiers.value) == (None, "2")
    assert "because a supplier two tiers down is late (ref " in chain.seen.sentence_en
    assert "Founders" not in repr(chain.seen)
    assert "foundry" not in repr(chain.seen)


@pytest.mark.parametrize("before_the_fire", [True, False])
def test_by_its_leave_firm_item_and_site_are_named_until_it_takes_that_back(before_the_fire: bool) -> None:
    chain = Chain()
    if before_the_fire:
        chain.say(FOUNDRY, AllowNaming(LEADER))
    chain.fire()
    if not before_the_fire:
        chain.say(FOUNDRY, AllowNaming(LEADER))
    assert NAMED_EN in chain.seen.sentence_en
    assert NAMED_ZH in chain.seen.sentence_zh
    chain.say(FOUNDRY, ForbidNaming(LEADER))
    assert "Founders" not in repr(chain.seen)
    assert "foundry" not in repr(chain.seen)
    chain.say(FOUNDRY, AllowNaming(LEADER))
    assert NAMED_EN in chain.seen.sentence_en
    chain.backbone.check_laws()
    assert not chain.backbone.dead_letters()


def test_leave_is_for_one_viewer_and_given_by_the_one_where_it_began() -> None:
    chain = Chain()
    chain.fire()
    chain.say(FOUNDRY, AllowNaming(EnterpriseId("nosy")))
    chain.say(MAKER, AllowNaming(LEADER))
    assert "Founders" not in repr(chain.seen)
    assert chain.seen.cause is not None
    assert chain.seen.cause.origin is None


def test_what_is_over_is_not_asked_any_more() -> None:
    chain = Chain()
    chain.say(FOUNDRY, AllowNaming(LEADER))
    chain.fire()
    chain.say(FOUNDRY, ReportWork("f", withdraw=True))  # type: ignore[arg-type]
    assert not chain.backbone.view("order", LEADER, "exposure")
    asked = chain.messages()
    chain.say(FOUNDRY, ForbidNaming(LEADER))
    assert chain.messages() == asked, "nobody waits for the answer"


def test_a_partner_needs_no_leave_and_is_not_asked() -> None:
    chain = Chain()
    before = chain.messages()  # until the foundry had planned its work
    finish = START_MS + 20 * DAY_MS
    chain.say(MAKER, ReportLine(LEADER, "gears", "1", estimated_finish_at_ms=finish, reason_code="truck"))
    assert chain.seen.cause is not None
    assert chain.messages() == before


def test_an_enterprise_sees_whom_it_allowed_and_not_who_asks() -> None:
    chain = Chain()
    chain.say(FOUNDRY, AllowNaming(LEADER))

    def fed() -> list[MemoryRecord]:
        return [record for record in chain.backbone.log.all("order-feed-v1") if record.key == FOUNDRY.encode()]

    (row,) = chain.backbone.view("order", FOUNDRY, "enterprises").values()
    assert row.named_to == (LEADER,)
    before = len(fed())
    chain.fire()
    assert chain.messages() > 0
    lines = sum(row.role.value == "SELLER" for row in chain.backbone.view("order", FOUNDRY, "order-lines").values())
    assert lines == 1
    assert all(
        chain.backbone.wires("order").feed.decode(record.value)[2]["view"] == "order-lines" for record in fed()[before:]
    )


def test_an_enterprise_answers_for_itself_only() -> None:
    rows, origin = DictRows({"head": enterprise.Enterprise("F")}), Origin(FOUNDRY, 0, 0, 0, "c")
    assert code(enterprise.decide(rows, AllowNaming(EnterpriseId("a/b")), origin)) == "bad-id"
    assert enterprise.decide(rows, ForbidNaming(LEADER), origin) == ()
    for number in range(NAMINGS_MAX):
        viewer = EnterpriseId(f"v{number}")
        rows[enterprise.naming_key(viewer)] = enterprise.Naming(viewer)
    assert code(enterprise.decide(rows, AllowNaming(LEADER), origin)) == "too-many-viewers"
    assert enterprise.decide(rows, AllowNaming(EnterpriseId("v1")), origin) == ()


OWN = Hop("flow/leader/gears/1", MAKER)
LEFT = Hop("flow/maker/castings/1", FOUNDRY)


@pytest.mark.parametrize(
    ("root", "hops", "origin"),
    [
        ("work/foundry/f", (Hop("work/foundry/f", FOUNDRY), LEFT, Hop("work/maker/w", MAKER), OWN), LEFT.flow),
        (LEFT.flow, (LEFT, OWN), LEFT.flow),
        (OWN.flow, (LEFT, OWN), ""),  # the line itself
        ("work/maker/w", (LEFT, Hop("work/maker/w", MAKER), OWN), ""),  # the seller
        ("work/leader/k", (Hop("work/leader/k", LEADER), Hop("flow/maker/kit/1", LEADER), OWN), ""),  # the buyer
        ("folded", (LEFT, OWN), ""),
        ("work/foundry/f", (Hop("work/foundry/f", FOUNDRY), OWN), ""),  # it left by no line
    ],
)
def test_a_delay_left_where_it_began_by_an_order_line(root: str, hops: tuple[Hop, ...], origin: str) -> None:
    said = Expectation(9, 5, Basis.COMPUTED, False, Cause(Root(root, RootClass.REPORTED), hops))
    found = outlook_of(said)
    assert found is not None
    assert found.cause is not None
    assert found.cause.origin == origin
