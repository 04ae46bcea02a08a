"""The counter on Quix Streams, exactly once. Runs in a virtual environment of its own and imports nothing of ours."""

import argparse
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found,unused-ignore]

COMMIT_SECONDS = 1.0  # five by default; the sooner, the fairer is a short run, and it costs little


def main() -> None:
    """Run one worker until a signal ends it."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "group", "source", "out", "folder"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    app = Application(
        broker_address=given.bootstrap,
        consumer_group=given.group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=COMMIT_SECONDS,
        state_dir=given.folder,
        loglevel="WARNING",
    )
    source = app.topic(given.source, key_deserializer="bytes", value_deserializer="bytes")
    out = app.topic(given.out, key_serializer="bytes", value_serializer="bytes")

    def count(_: bytes, state: Any) -> bytes:
        number = state.get("n", 0) + 1
        state.set("n", number)
        return b"%d" % number

    app.dataframe(source).apply(count, stateful=True).to_topic(out)
    app.run()


if __name__ == "__main__":
    main()
