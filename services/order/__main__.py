"""Runs the order service: `python -m services.order`, settings from the environment."""

from services.kernel.shell import serve
from services.order.api import ROUTES
from services.order.domain import DOMAIN
from services.order.wire import WIRES

DEFAULT_PORT = 20_401

if __name__ == "__main__":
    serve(DOMAIN, WIRES, ROUTES, DEFAULT_PORT, "What was agreed: enterprises, agreements, orders, promises, changes.")
