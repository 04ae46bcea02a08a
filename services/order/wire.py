"""Protobuf of the order service: which topics carry which of its types. The mapping follows from the names."""

from schemas.python.chainflow.fulfillment.v1 import progress_pb2
from schemas.python.chainflow.kernel.v1 import clock_pb2, dead_letter_pb2, outcome_pb2
from schemas.python.chainflow.order.v1 import commands_pb2, events_pb2, feed_pb2, links_pb2
from services.kernel.wiring import wires_of
from services.order.domain import DOMAIN
from services.order.naming import NAMING_TOPIC, NamingAnswered, NamingAsked, NamingPassedOn
from services.order.policy import LINES_TOPIC, PROGRESS_TOPIC, LineAgreed, LineProgressed

MESSAGES = (commands_pb2, events_pb2, feed_pb2, links_pb2, progress_pb2, outcome_pb2, dead_letter_pb2, clock_pb2)
"""Imported so that they are known by name."""

WIRES = wires_of(
    DOMAIN,
    {
        LINES_TOPIC: (LineAgreed,),
        PROGRESS_TOPIC: (LineProgressed,),
        NAMING_TOPIC: (NamingAsked, NamingPassedOn, NamingAnswered),
    },
)
