"""Words to say what a chain expects of the stage's line: dates of March 2026, and causes by who handed the delay on."""

from datetime import date, timedelta
from typing import Any

from services.chain.causes import Cause, Hop, Root, RootClass
from services.chain.expectation import Expectation
from services.chain.flow import Basis
from services.chain.moments import NEVER, minute_of
from services.order.policy import flow_key
from services.order.terms import LineNumber
from services.order.workday import due_at_ms
from tests.unit.order.scene import BUYER, NUMBER, SELLER, TEN, ZONE


def own_flow(line: LineNumber = TEN) -> str:
    """The flow of a line of the stage."""
    return flow_key(BUYER, NUMBER, line)


def hops(*enterprises: str, line: LineNumber = TEN) -> tuple[Hop, ...]:
    """Hops of these enterprises, oldest first, then the line's own at the seller: flows ``f0``, ``f1`` and so on."""
    others = [Hop(f"f{place}", enterprise) for place, enterprise in enumerate(enterprises)]
    return (*others, Hop(own_flow(line), SELLER))


def caused(*enterprises: str, flow: str = "f0", line: LineNumber = TEN, **root: Any) -> Cause:
    """A cause that came by these enterprises; its root is reported on ``f0`` unless it is said otherwise."""
    fields: dict[str, Any] = {"kind": RootClass.REPORTED, "event": "e1", "reason": "fire"} | root
    return Cause(Root(flow, **fields), hops(*enterprises, line=line))


def expects(
    day: int | None, cause: Cause | None = None, promised: int = 20, basis: Basis = Basis.COMPUTED
) -> Expectation:
    """The line is expected at the end of a day counted from 1 March, None: never; by a promise for another."""
    return Expectation(
        NEVER if day is None else _minute(day), _minute(promised), basis, contradicted=False, cause=cause
    )


def _minute(day: int) -> int:
    return minute_of(due_at_ms(date(2026, 2, 28) + timedelta(day), ZONE))
