"""A plain counter on the kernel: per key, how many records it saw. The smallest work that shows a lost or doubled one.

python -m tests.support.counter --group G --source a --source b --out o --changelog c --instance w1
"""

import argparse

from services.kernel.app import AppSettings, make_app, run
from services.kernel.batch import NO_HEADERS, Effects, Record
from services.kernel.store import Store


class CounterPartition:
    """Counts per key; emits the count after every record."""

    def __init__(self, store: Store, partition: int, out: str) -> None:
        self.store, self.target = store, (out, partition)
        self.effects = Effects(outputs={self.target: []})

    def take(self, record: Record) -> None:
        """Count one."""
        key = record.key
        assert key is not None
        changes = self.effects.changes
        before = changes.get(key) or self.store.rows.get(key) or b"0"
        changes[key] = value = b"%d" % (int(before) + 1)
        self.effects.outputs[self.target].append((key, value, NO_HEADERS))

    @property
    def behind(self) -> bool:
        """Never: it counts what it is given."""
        return False

    def finish(self) -> Effects:
        """The counts."""
        return self.effects

    def committed(self) -> None:
        """Start anew."""
        self.effects = Effects(outputs={self.target: []})


class Counter:
    """Opens a counter per partition."""

    def __init__(self, out: str) -> None:
        self.out = out

    def open(self, store: Store, partition: int) -> CounterPartition:
        """One partition's counter."""
        return CounterPartition(store, partition, self.out)


def main() -> None:
    """Run one worker."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--group", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--source", action="append", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--changelog", required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--session", type=float, default=6.0)
    given = parser.parse_args()
    run(
        make_app(
            AppSettings(
                group=given.group,
                bootstrap=given.bootstrap,
                sources=tuple(given.source),
                changelog=given.changelog,
                partitions=given.partitions,
                instance=given.instance,
                session_seconds=given.session,
            ),
            Counter(given.out),
        )
    )


if __name__ == "__main__":
    main()
