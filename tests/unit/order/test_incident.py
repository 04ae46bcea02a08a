"""People take an incident up, talk about it and are done with it; lines come and go meanwhile."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.fulfillment.flow import ReportLine
from services.kernel.memory_log import START_MS
from services.kernel.model import DictRows
from services.kernel.values import EnterpriseId, Origin, Refused
from services.order import incident
from services.order.api import ROUTES
from services.order.exposure import IncidentView
from services.order.incident import (
    COMMENTS_MAX,
    INCIDENT_UNKNOWN,
    AcknowledgeIncident,
    CloseIncident,
    Comment,
    CommentIncident,
    IncidentState,
)
from services.order.order_commands import ConfirmOrder, PlaceOrder
from services.order.order_facts import OrderKind
from services.order.terms import Delivery, LineNumber, OrderNumber
from tests.support.backbone import Backbone
from tests.unit.order.scene import BUYER, OTHER, SELLER, code, kinds, placed

DAY_MS = 86_400_000
ORIGIN = Origin(BUYER, 7, 7, 7, "c", "ann")
NUMBER = OrderNumber("4711")


def run(rows: DictRows, command: Any, origin: Origin = ORIGIN) -> Any:
    """Decide, and keep what follows."""
    made = incident.decide(rows, command, origin)
    if not isinstance(made, Refused):
        for fact in made:
            for key, row in incident.evolve(rows, fact).items():
                rows[key] = row
    return made


def test_who_was_first_has_taken_it_up() -> None:
    rows = DictRows()
    assert kinds(run(rows, AcknowledgeIncident("r"))) == ["IncidentAcknowledged"]
    assert run(rows, AcknowledgeIncident("r"), replace(ORIGIN, actor="bob", now_ms=9)) == ()
    assert (rows["head"].acknowledged_by, rows["head"].acknowledged_at_ms) == ("ann", 7)


def test_the_last_comments_are_kept() -> None:
    rows = DictRows()
    for number in range(COMMENTS_MAX + 2):
        run(rows, CommentIncident("r", f"call {number}"))
    assert [comment.text for comment in rows["head"].comments] == [f"call {n}" for n in range(2, COMMENTS_MAX + 2)]


def test_what_cannot_be_meant_is_refused() -> None:
    rows = DictRows()
    assert code(run(rows, CommentIncident("r", "  "))) == "bad-text"
    assert code(run(rows, CommentIncident("r", "a\nb"))) == "bad-text"
    assert code(run(rows, AcknowledgeIncident("a/b"))) == "bad-id"
    assert run(rows, CloseIncident("r")) == ()


def test_the_key_is_the_senders_own() -> None:
    assert incident.key_of(AcknowledgeIncident("r"), BUYER) == "incident/acme/r"


@pytest.mark.parametrize("name", ["AcknowledgeIncident", "CommentIncident", "CloseIncident"])
def test_the_door_knows_only_incidents_that_the_sender_sees(name: str) -> None:
    sheet = next(route.sheet for route in ROUTES if route.command.__name__ == name)
    body = CommentIncident("r", "hm") if name == "CommentIncident" else sheet.body("r")  # type: ignore[union-attr]
    assert sheet is not None
    assert (sheet.view, sheet.needs(BUYER, body)) == ("incidents", ("r",))
    assert sheet.fill(BUYER, body, {}) == INCIDENT_UNKNOWN
    assert sheet.fill(BUYER, body, {"r": object()}) is body


class Late:
    """An order of one line that is late, or not, as its seller says."""

    def __init__(self) -> None:
        self.backbone = Backbone(1)
        self.backbone.tick(START_MS)
        line = placed(LineNumber("10"), Delivery(date(2026, 1, 20), Decimal(5)))
        self.say(BUYER, PlaceOrder(NUMBER, SELLER, OrderKind.DISCRETE, (line,)))
        self.say(SELLER, ConfirmOrder(BUYER, NUMBER))

    def say(self, who: EnterpriseId, command: Any, actor: str = "") -> None:
        """A command, and all that follows."""
        self.backbone.send(who, command, actor=actor)
        self.backbone.settle()

    def slips(self, days: int) -> None:
        """The seller says that the line comes so long after 20 January; 0 takes that back."""
        finish = START_MS + (19 + days) * DAY_MS if days else None
        one = "fire-1" if days else ""  # of one disruption, so that another date is no other incident
        self.say(SELLER, ReportLine(BUYER, NUMBER, "10", None, finish, disruption_id=one, withdraw=not days))

    def seen(self, by: EnterpriseId = BUYER) -> dict[str, IncidentView]:
        """The incidents of an enterprise."""
        return self.backbone.view("order", by, "incidents")


def test_an_incident_is_open_then_confirmed_then_resolved_and_gone_when_it_is_closed() -> None:
    late = Late()
    late.slips(4)
    ((reference, row),) = late.seen().items()
    assert (row.state, row.lines, row.acknowledged_at_ms) == (IncidentState.OPEN, 1, None)
    late.say(BUYER, AcknowledgeIncident(reference), "ann")
    late.say(BUYER, CommentIncident(reference, "called them"), "bob")
    row = late.seen()[reference]
    assert (row.state, row.lines, row.acknowledged_by) == (IncidentState.CONFIRMED, 1, "ann")
    assert row.comments == (Comment("bob", "called them", START_MS),)
    late.slips(6)
    assert (late.seen()[reference].state, late.seen()[reference].worst_days_late) == (IncidentState.CONFIRMED, 6)
    late.slips(0)
    row = late.seen()[reference]
    assert (row.state, row.lines, row.worst_line, row.acknowledged_by) == (IncidentState.RESOLVED, 0, "", "ann")
    late.say(BUYER, CloseIncident(reference), "ann")
    assert not late.seen()
    late.backbone.check_laws()


def test_closed_while_lines_are_late_it_is_open_again() -> None:
    late = Late()
    late.slips(4)
    (reference,) = late.seen()
    late.say(BUYER, AcknowledgeIncident(reference), "ann")
    late.say(BUYER, CloseIncident(reference), "ann")
    row = late.seen()[reference]
    assert (row.state, row.lines, row.acknowledged_by, row.comments) == (IncidentState.OPEN, 1, "", ())


def test_nobody_else_sees_who_has_taken_it_up() -> None:
    late = Late()
    late.slips(4)
    (reference,) = late.seen()
    for stranger in (SELLER, OTHER):
        late.say(stranger, AcknowledgeIncident(reference), "eve")
        assert not late.seen(stranger)
    assert late.seen()[reference].state is IncidentState.OPEN
