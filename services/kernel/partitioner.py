"""Which partition a key belongs to: murmur2, as Kafka's Java client does, so that clients of any language agree.

Deliberately lacks: the choice for records without a key; every record of ours has one.
Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner.partitionForKey.
"""

from functools import lru_cache
from struct import unpack_from
from typing import Final

KEYS_CACHED_MAX: Final = 8_192
_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


@lru_cache(KEYS_CACHED_MAX)
def murmur2(key: bytes) -> int:
    """The 32-bit murmur2 hash of a key, unsigned."""
    length = len(key)
    h = _SEED ^ length
    whole = length >> 2
    for k in unpack_from(f"<{whole}I", key):
        k = k * _M & _MASK
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    tail = key[whole << 2 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key among so many, as Java's default partitioner gives it."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
