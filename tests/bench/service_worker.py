"""The order service's processor without its HTTP shell and its feed: what views cost, by leaving them out.

python -m tests.bench.service_worker BOOTSTRAP
"""

import sys

from services.kernel.app import AppSettings, make_app, run
from services.kernel.processor import DomainProcessor
from services.order.domain import DOMAIN
from services.order.wire import WIRES
from tests.bench.orders import PARTITIONS

GROUP = "bench-order-without-feed"


def main() -> None:
    """Run one worker until a signal ends it."""
    processor = DomainProcessor(DOMAIN, WIRES, PARTITIONS)
    sources = tuple(topic for topic in processor.sources if topic != "order-feed-v1")
    run(make_app(AppSettings(GROUP, sys.argv[1], sources, "order-changelog-v1", PARTITIONS, "w1"), processor))


if __name__ == "__main__":
    main()
