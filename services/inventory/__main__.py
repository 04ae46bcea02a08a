"""Runs the inventory service: `python -m services.inventory`, settings from the environment."""

from services.inventory.api import ROUTES
from services.inventory.domain import DOMAIN
from services.inventory.wire import WIRES
from services.kernel.shell import serve

DEFAULT_PORT = 20_402

if __name__ == "__main__":
    serve(DOMAIN, WIRES, ROUTES, DEFAULT_PORT, "What is there: sites, items, stock, reservations.")
