"""Prints what orders weigh in a process of their own, as JSON: resident bytes before, half-way and after.

python -m tests.bench.memory_probe ORDERS all|rows|rows+views
"""

import gc
import json
import os
import sys

from services.kernel.processor import DomainProcessor
from services.kernel.store import Store
from services.order.domain import DOMAIN
from services.order.wire import WIRES
from tests.bench.ground import rss_of
from tests.bench.orders import placed_with_promises
from tests.bench.stages import COMMANDS_PER_ORDER, drive


def main() -> None:
    """Take the commands, weigh."""
    orders, what = int(sys.argv[1]), sys.argv[2]
    store = Store()
    partition = DomainProcessor(DOMAIN, WIRES, partitions=1).open(store, 0)
    warm, half, total = 100, orders // 2, orders
    weights: dict[str, int] = {}
    commands = 0
    for batch in drive(partition, store, placed_with_promises(total + warm), feed=what != "rows"):
        if what != "all":
            store.outcomes.clear()
        commands += batch.commands
        done = commands // COMMANDS_PER_ORDER
        for name, least in (("before", warm), ("half", half), ("after", total)):
            if name not in weights and done >= least:
                gc.collect()
                weights[name], weights[name + "_orders"] = rss_of(os.getpid()), done
    print(json.dumps({**weights, "rows": len(store)}))


if __name__ == "__main__":
    main()
