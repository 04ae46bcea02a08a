"""Runs the order service: `python -m services.order`, settings from the environment.

``CHAINFLOW_REFERENCE_SECRET``: at least 32 characters that only the operator knows, the same for all replicas. By it
the references are made under which enterprises see what made their lines late.
"""

import logging
import os
import sys
from collections.abc import Mapping

from services.kernel.shell import serve
from services.order.api import ROUTES
from services.order.domain import domain_with
from services.order.references import DEVELOPMENT, SECRET_CHARS_MIN, References
from services.order.wire import WIRES

DEFAULT_PORT = 20_401
SECRET = "CHAINFLOW_REFERENCE_SECRET"

log = logging.getLogger("chainflow.order")


def references(environment: Mapping[str, str]) -> References:
    """The references by the secret of the environment, or with a warning those of development.

    Raises SystemExit for a secret that is too short to be one.
    """
    secret = environment.get(SECRET, "")
    if not secret:
        log.warning("%s is not set: references of causes are made by a secret that everybody can read", SECRET)
        return DEVELOPMENT
    if len(secret) < SECRET_CHARS_MIN:
        print(f"chainflow order: {SECRET} takes at least {SECRET_CHARS_MIN} characters", file=sys.stderr)
        raise SystemExit(2)
    return References(secret.encode())


if __name__ == "__main__":
    summary = "What was agreed: enterprises, agreements, orders, promises, changes."
    serve(domain_with(references(os.environ)), WIRES, ROUTES, DEFAULT_PORT, summary)
