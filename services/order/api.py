"""The order service's commands over HTTP. Views are served by name, see the views' rows.

A path names the order as ``{buyer}/{number}`` where the seller speaks too, and by its number where only the buyer may.
"""

from services.kernel.http_commands import CommandRoute, Sheet
from services.order.agreement import AcceptAgreement, DeclineAgreement, EndAgreement, ProposeAgreement
from services.order.enterprise import (
    AddAlias,
    AllowNaming,
    ForbidNaming,
    RegisterEnterprise,
    RemoveAlias,
    RenameEnterprise,
)
from services.order.exposure import INCIDENTS
from services.order.incident import INCIDENT_UNKNOWN, AcknowledgeIncident, CloseIncident, CommentIncident
from services.order.order_commands import (
    AcceptChange,
    AcknowledgeDemandChange,
    AddLines,
    CancelLine,
    CancelOrder,
    CloseLine,
    CloseOrder,
    ConfirmLine,
    ConfirmOrder,
    DeclineChange,
    PlaceOrder,
    PlanLine,
    ProposeChange,
    RejectLine,
    RejectOrder,
    ReleaseCallOff,
    ReportDelay,
    RevisePromise,
)
from services.order.sheet import OrderSheet, agreements_of, order_of
from services.order.views import AGREEMENTS

OWN = "/orders/{number}"
OWN_LINE = OWN + "/lines/{line}"
SHARED = "/orders/{buyer}/{number}"
SHARED_LINE = SHARED + "/lines/{line}"
CHANGE = SHARED_LINE + "/changes/{change}"
AGREEMENT = "/agreements/{buyer}/{seller}/{buyer_item}"

INCIDENT = "/incidents/{reference}"

SHEET = Sheet(OrderSheet, AGREEMENTS, agreements_of, order_of)


def _seen(command: type) -> Sheet:
    """People speak about an incident that their enterprise sees; of another one nobody learns that there is one."""
    return Sheet(
        command,
        INCIDENTS,
        lambda _, body: (body.reference,),
        lambda _, body, found: body if body.reference in found else INCIDENT_UNKNOWN,
    )


ROUTES = (
    CommandRoute("PUT", "/enterprise", RegisterEnterprise, "Register the enterprise and its aliases"),
    CommandRoute("POST", "/enterprise/name", RenameEnterprise, "Rename the enterprise"),
    CommandRoute("POST", "/enterprise/aliases", AddAlias, "Add a GLN, DUNS, BPN or USCC"),
    CommandRoute("POST", "/enterprise/aliases/removed", RemoveAlias, "Remove an alias"),
    CommandRoute("PUT", "/naming/{viewer}", AllowNaming, "Let an enterprise know when a delay of its lines began here"),
    CommandRoute("POST", "/naming/{viewer}/forbid", ForbidNaming, "Do not let it know any more"),
    CommandRoute("PUT", AGREEMENT, ProposeAgreement, "Propose terms for an item"),
    CommandRoute("POST", AGREEMENT + "/accept", AcceptAgreement, "Accept the other side's terms"),
    CommandRoute("POST", AGREEMENT + "/decline", DeclineAgreement, "Decline the other side's terms"),
    CommandRoute("POST", AGREEMENT + "/end", EndAgreement, "End the agreement"),
    CommandRoute(
        "POST", INCIDENT + "/acknowledge", AcknowledgeIncident, "Take an incident up", _seen(AcknowledgeIncident)
    ),
    CommandRoute(
        "POST", INCIDENT + "/comments", CommentIncident, "Say something about an incident", _seen(CommentIncident)
    ),
    CommandRoute("POST", INCIDENT + "/close", CloseIncident, "Be done with an incident", _seen(CloseIncident)),
    CommandRoute("PUT", OWN, PlaceOrder, "Place an order; the same sheet finds the same order", SHEET),
    CommandRoute("POST", OWN + "/lines", AddLines, "Add lines to an open order"),
    CommandRoute("POST", OWN + "/releases", ReleaseCallOff, "Release a call-off: replaces its open schedule"),
    CommandRoute("POST", OWN + "/cancel", CancelOrder, "Ask to cancel what is not yet shipped"),
    CommandRoute("POST", OWN + "/close", CloseOrder, "Close the order with what came"),
    CommandRoute("POST", OWN_LINE + "/cancel", CancelLine, "Ask to cancel a line, or an amount of it"),
    CommandRoute("POST", OWN_LINE + "/close", CloseLine, "Close a line with what came"),
    CommandRoute("POST", SHARED + "/confirm", ConfirmOrder, "Confirm the order, as requested or with promises"),
    CommandRoute("POST", SHARED + "/reject", RejectOrder, "Reject the order"),
    CommandRoute("POST", SHARED_LINE + "/confirm", ConfirmLine, "Confirm a line, as requested or with promises"),
    CommandRoute(
        "PUT", SHARED_LINE + "/plan", PlanLine, "Say when a line starts, and which inbound lines it waits for"
    ),
    CommandRoute("POST", SHARED_LINE + "/reject", RejectLine, "Reject a line"),
    CommandRoute("POST", SHARED_LINE + "/changes", ProposeChange, "Propose other dates, quantities or prices"),
    CommandRoute("POST", SHARED_LINE + "/revisions", RevisePromise, "Promise anew, subject to the buyer's consent"),
    CommandRoute("POST", SHARED_LINE + "/delays", ReportDelay, "Report when the line is really expected"),
    CommandRoute(
        "POST", SHARED_LINE + "/demand-change/acknowledge", AcknowledgeDemandChange, "Take note of a changed demand"
    ),
    CommandRoute("POST", CHANGE + "/accept", AcceptChange, "Accept a proposed change"),
    CommandRoute("POST", CHANGE + "/decline", DeclineChange, "Decline a proposed change"),
)
