"""Protobuf of the fulfillment service: which topics carry which of its types. The mapping follows from the names."""

from schemas.python.chainflow.fulfillment.v1 import (
    commands_pb2,
    events_pb2,
    feed_pb2,
    legs_pb2,
    links_pb2,
    progress_pb2,
)
from schemas.python.chainflow.inventory.v1 import links_pb2 as _inventory_links
from schemas.python.chainflow.kernel.v1 import clock_pb2, dead_letter_pb2, outcome_pb2
from schemas.python.chainflow.order.v1 import links_pb2 as _order_links
from services.fulfillment.domain import DOMAIN
from services.fulfillment.links import LINKS
from services.kernel.wiring import wires_of

MESSAGES = (
    commands_pb2, events_pb2, feed_pb2, legs_pb2, links_pb2, progress_pb2,
    _inventory_links, _order_links, outcome_pb2, dead_letter_pb2, clock_pb2,
)  # fmt: skip
"""Imported so that they are known by name."""

WIRES = wires_of(DOMAIN, LINKS)
