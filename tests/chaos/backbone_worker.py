"""One process of a real service, told its place by arguments: what the supervisor runs for the workload ``backbone``.

python -m tests.chaos.backbone_worker SERVICE INSTANCE PORT BOOTSTRAP SESSION_SECONDS TICK_SECONDS
"""

import os
import runpy
import sys


def main() -> None:
    """Set the settings' variables, then be the service."""
    service, instance, port, bootstrap, session_seconds, tick_seconds = sys.argv[1:]
    os.environ |= {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "CHAINFLOW_INSTANCE": instance,
        "CHAINFLOW_PORT": port,
        "CHAINFLOW_SESSION_SECONDS": session_seconds,
        "CHAINFLOW_TICK_SECONDS": tick_seconds,
        "CHAINFLOW_LOG_LEVEL": "WARNING",
    }
    sys.argv = sys.argv[:1]
    runpy.run_module(f"services.{service}", run_name="__main__")


if __name__ == "__main__":
    main()
