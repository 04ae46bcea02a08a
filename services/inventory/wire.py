"""Protobuf of the inventory service: which topics carry which of its types. The mapping follows from the names."""

from schemas.python.chainflow.fulfillment.v1 import links_pb2 as _fulfillment_links
from schemas.python.chainflow.inventory.v1 import commands_pb2, events_pb2, feed_pb2, links_pb2
from schemas.python.chainflow.kernel.v1 import clock_pb2, dead_letter_pb2, outcome_pb2
from services.inventory.domain import DOMAIN
from services.inventory.policy import (
    AVAILABILITY_TOPIC,
    POOL_INPUTS_TOPIC,
    DemandCovered,
    DemandStated,
    SupplyStated,
)
from services.kernel.wiring import wires_of

MESSAGES = (
    commands_pb2, events_pb2, feed_pb2, links_pb2, _fulfillment_links, outcome_pb2, dead_letter_pb2, clock_pb2,
)  # fmt: skip
"""Imported so that they are known by name."""

WIRES = wires_of(
    DOMAIN,
    {POOL_INPUTS_TOPIC: (DemandStated, SupplyStated), AVAILABILITY_TOPIC: (DemandCovered,)},
)
