"""The inventory service's commands over HTTP. Views are served by name, see the views' rows."""

from services.inventory.item import DefineItem
from services.inventory.pool_commands import (
    AdjustStock,
    BlockStock,
    ConsumeReservation,
    CountStock,
    IssueStock,
    ReceiveStock,
    ReleaseReservation,
    ReserveStock,
    TrackPool,
    UnblockStock,
    UntrackPool,
)
from services.inventory.site import DefineSite
from services.kernel.http_commands import CommandRoute

POOL = "/pools/{site}/{item}"
RESERVATION = POOL + "/reservations/{reservation}"

ROUTES = (
    CommandRoute("PUT", "/sites/{site}", DefineSite, "Define a site: its time zone and working days"),
    CommandRoute("PUT", "/items/{item}", DefineItem, "Define an item: its base unit and conversions"),
    CommandRoute("POST", POOL + "/receipts", ReceiveStock, "Report stock received"),
    CommandRoute("POST", POOL + "/issues", IssueStock, "Report stock issued"),
    CommandRoute("POST", POOL + "/counts", CountStock, "Report a count; the first makes the pool tracked"),
    CommandRoute("POST", POOL + "/adjustments", AdjustStock, "Correct the book, with a reason"),
    CommandRoute("POST", POOL + "/blocks", BlockStock, "Block stock"),
    CommandRoute("POST", POOL + "/unblocks", UnblockStock, "Unblock stock"),
    CommandRoute("PUT", RESERVATION, ReserveStock, "Reserve stock, all or nothing"),
    CommandRoute("POST", RESERVATION + "/release", ReleaseReservation, "Give a reservation back"),
    CommandRoute("POST", RESERVATION + "/consume", ConsumeReservation, "Issue what was reserved"),
    CommandRoute("POST", POOL + "/track", TrackPool, "Say that this pool is kept from now on"),
    CommandRoute("POST", POOL + "/untrack", UntrackPool, "Say that this pool is not kept any more"),
)
