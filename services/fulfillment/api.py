"""The fulfillment service's commands over HTTP. Views are served by name, see the views' rows."""

from services.fulfillment.disruption import DisruptSite, LiftDisruption
from services.fulfillment.flow import CancelTransfer, ReportLine, TransferStock
from services.fulfillment.lane import ChangeLeadTime, CloseLane, DefineLane
from services.fulfillment.shipment import (
    CancelShipment,
    PackShipment,
    PickShipment,
    PlanShipment,
    ReceiveShipment,
    ReportMilestone,
    ShipShipment,
)
from services.fulfillment.work import CancelWork, IssueComponents, PlanWork, ReportWork
from services.kernel.http_commands import CommandRoute

LANE = "/lanes/{from_enterprise}/{from_site}/{to_enterprise}/{to_site}"
LINE = "/lines/{buyer}/{number}/{line}"
WORK = "/work/{work}"
DISRUPTION = "/disruptions/{disruption}"
SHIPMENT = "/shipments/{seller}/{shipment}"

ROUTES = (
    CommandRoute("PUT", LANE, DefineLane, "Define a lane and its lead time"),
    CommandRoute("POST", LANE + "/lead-time", ChangeLeadTime, "Change a lane's lead time"),
    CommandRoute("POST", LANE + "/close", CloseLane, "Close a lane"),
    CommandRoute("PUT", "/transfers/{transfer}", TransferStock, "Transfer stock between two own sites"),
    CommandRoute("POST", "/transfers/{transfer}/cancel", CancelTransfer, "Ask to cancel a transfer"),
    CommandRoute("POST", LINE + "/reports", ReportLine, "Report when a line leaves and arrives, or that it is lost"),
    CommandRoute("PUT", WORK, PlanWork, "Plan a work order, or plan it anew"),
    CommandRoute("POST", WORK + "/reports", ReportWork, "Report when a work order starts and ends, or that it is lost"),
    CommandRoute("POST", WORK + "/issues", IssueComponents, "Report what was taken for a work order, in total"),
    CommandRoute("POST", WORK + "/cancel", CancelWork, "Cancel a work order"),
    CommandRoute("PUT", DISRUPTION, DisruptSite, "Report that a site stands still, and which flows that holds up"),
    CommandRoute("POST", DISRUPTION + "/lift", LiftDisruption, "Take a disruption back, and all that it held up"),
    CommandRoute("PUT", "/shipments/{shipment}", PlanShipment, "Plan a shipment of several lines"),
    CommandRoute("POST", SHIPMENT + "/pick", PickShipment, "Start picking"),
    CommandRoute("POST", SHIPMENT + "/pack", PackShipment, "Report packed"),
    CommandRoute("POST", SHIPMENT + "/ship", ShipShipment, "Report shipped (ASN), whole or in part"),
    CommandRoute("POST", SHIPMENT + "/milestones", ReportMilestone, "Report a milestone: planned, estimated, actual"),
    CommandRoute("POST", SHIPMENT + "/receive", ReceiveShipment, "Report received, with what really came"),
    CommandRoute("POST", SHIPMENT + "/cancel", CancelShipment, "Cancel a shipment that has not left"),
)
