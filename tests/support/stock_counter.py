"""The counter on stock Faust with its exactly_once: the control, which the chaos check must find wanting.

Same options as tests.support.counter; nothing of the kernel is used.
"""

import argparse
import tempfile

import faust


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
    app = faust.App(
        given.group,
        broker=f"kafka://{given.bootstrap}",
        store="memory://",
        topic_partitions=given.partitions,
        table_standby_replicas=0,
        web_enabled=False,
        datadir=tempfile.mkdtemp(prefix="chainflow-stock-"),
        consumer_group_instance_id=given.instance,
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        topic_allow_declare=False,
        processing_guarantee="exactly_once",
        broker_session_timeout=given.session,
        broker_heartbeat_interval=1.0,
        broker_request_timeout=30.0,
        stream_recovery_delay=0.0,
    )
    source = app.topic(*given.source, key_type=bytes, value_type=bytes, value_serializer="raw", key_serializer="raw")
    out = app.topic(given.out, key_type=bytes, value_type=bytes, value_serializer="raw", key_serializer="raw")
    changelog = app.topic(
        given.changelog,
        partitions=given.partitions,
        compacting=True,
        key_type=bytes,
        key_serializer="raw",
        value_type=int,
        value_serializer="json",
    )
    counts = app.Table(
        "counts",
        default=int,
        partitions=given.partitions,
        changelog_topic=changelog,
        key_type=bytes,
        value_type=int,
    )

    async def count(stream: faust.types.StreamT[bytes]) -> None:
        async for key, _ in stream.items():
            counts[key] += 1
            await out.send(key=key, value=b"%d" % counts[key])

    app.agent(source)(count)
    faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
