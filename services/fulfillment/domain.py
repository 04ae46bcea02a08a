"""The fulfillment service as the kernel sees it. Deliberately lacks: anything that runs."""

from services.fulfillment.disruption import DISRUPTION
from services.fulfillment.flow import AgreeLine, CoverDemand, DisruptFlow, NoteShipment, NoteSilence
from services.fulfillment.flow_rules import FLOW
from services.fulfillment.lane import LANE
from services.fulfillment.links import AVAILABILITY_TOPIC, LEGS_TOPIC, LINES_AGREED_TOPIC
from services.fulfillment.policy import react, tell
from services.fulfillment.shipment import WantShipment
from services.fulfillment.shipment_rules import SHIPMENT
from services.fulfillment.views import VIEWS, project
from services.fulfillment.work import CoverComponent, DisruptWork, ReckonWork
from services.fulfillment.work_rules import WORK
from services.kernel.model import Domain

DOMAIN = Domain(
    name="fulfillment",
    aggregates=(LANE, FLOW, SHIPMENT, WORK, DISRUPTION),
    views=VIEWS,
    link_topics=(LINES_AGREED_TOPIC, AVAILABILITY_TOPIC, LEGS_TOPIC),
    react=react,
    tell=tell,
    project=project,
    reactions=(
        AgreeLine,
        CoverDemand,
        NoteShipment,
        DisruptFlow,
        NoteSilence,
        WantShipment,
        CoverComponent,
        DisruptWork,
        ReckonWork,
    ),
)
