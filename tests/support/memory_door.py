"""The front door and the clock of the demo, over the three services on the log in memory.

Owns: a request as the HTTP shell takes it apart (path, body, sheet), and rows as it writes them. Deliberately lacks:
HTTP itself, time-outs and sending again: nothing gets lost on the way here.
"""

import re
from collections.abc import Mapping
from typing import Any

import services.fulfillment.api as fulfillment_api
import services.inventory.api as inventory_api
import services.order.api as order_api
from infra.cli.clock import Clock
from infra.cli.front_door import Answer, FrontDoor, Row
from services.kernel.json_form import to_json
from services.kernel.json_models import body_model, to_dataclass
from services.kernel.values import EnterpriseId
from tests.support.backbone import Backbone

ROUTES = {"order": order_api.ROUTES, "inventory": inventory_api.ROUTES, "fulfillment": fulfillment_api.ROUTES}


class MemoryDoor(FrontDoor):
    """Commands and views of a backbone; what follows from a command is done before it is answered."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone

    async def send(
        self, service: str, enterprise: str, method: str, path: str, body: Mapping[str, Any], key: str = ""
    ) -> Answer:
        """Decide one command. Raises LookupError for a path that no service has."""
        for route in ROUTES[service]:
            names = re.findall(r"{(\w+)}", route.path)
            found = re.fullmatch(re.sub(r"{\w+}", "([^/]+)", route.path), path)
            if found is None or route.method != method:
                continue
            given = dict(zip(names, found.groups(), strict=True))
            made = to_dataclass(route.body, body_model(route.body, frozenset(names)).model_validate(body), given)
            if route.sheet is not None:
                made = route.sheet.fill(EnterpriseId(enterprise), made, {})
            id_ = self.backbone.send(enterprise, made)
            self.backbone.settle()
            outcome = self.backbone.outcome(id_)
            return Answer(key, outcome.code, outcome.advice)
        raise LookupError(f"{service} has no {method} {path}")

    async def view(self, service: str, enterprise: str, view: str, **wanted: str) -> list[Row]:
        """The rows that fit."""
        rows = self.backbone.view(service, enterprise, view)
        found = [{"id": id_, **to_json(row)} for id_, row in rows.items()]
        return [row for row in found if all(row[name] == value for name, value in wanted.items())]


class MemoryClock(Clock):
    """Turns the time of a backbone."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone, self.now_ms = backbone, 0

    async def tick(self, now_ms: int) -> None:
        """It is that late now; an earlier time than before is dropped."""
        if now_ms > self.now_ms:
            self.now_ms = now_ms
            self.backbone.tick(now_ms)
            self.backbone.settle()
