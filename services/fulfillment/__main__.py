"""Runs the fulfillment service: `python -m services.fulfillment`, settings from the environment."""

from services.fulfillment.api import ROUTES
from services.fulfillment.domain import DOMAIN
from services.fulfillment.wire import WIRES
from services.kernel.shell import serve

DEFAULT_PORT = 20_403

if __name__ == "__main__":
    serve(DOMAIN, WIRES, ROUTES, DEFAULT_PORT, "What happens on the way: lanes, transfers, shipments, receipts.")
