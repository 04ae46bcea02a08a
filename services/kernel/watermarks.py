"""Where a partition ends for its writers, which is behind what a reader of committed records sees.

Deliberately lacks: use of it for positions; a reader reads up to the last stable offset only.
"""

import asyncio
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.structs import TopicPartition

READ_UNCOMMITTED = 0
LATEST = -1
NO_REPLICA = -1
RETRY_SECONDS = 0.05


async def written_end(thread: Any, partition: TopicPartition) -> int:
    """The offset behind the last record, open transactions included.

    aiokafka's own ``end_offsets`` asks in the isolation of its consumer, so it ends before the first open transaction.
    Tries until it is answered; the caller bounds the time.
    """
    client = thread._ensure_consumer()._client
    request = OffsetRequest(NO_REPLICA, READ_UNCOMMITTED, [(partition.topic, [(partition.partition, LATEST)])])
    while True:
        leader = client.cluster.leader_for_partition(partition)
        if leader is not None and leader >= 0:
            try:
                _, [(_, error, _, offset, *_)] = (await client.send(leader, request)).topics[0]
                if not error:
                    return int(offset)
            except KafkaError:
                pass
        client.force_metadata_update()
        await asyncio.sleep(RETRY_SECONDS)
