"""Writes ``jars.lock`` anew: resolves the broker's runtime jars and pins the SHA-256 of each.

Run it only to change the broker's version: ``python -m infra.kafka.relock 4.1.2``. Trust on first use: the checksums
are of what the registry served at that moment, so the diff is reviewed like code.
"""

from __future__ import annotations

import hashlib
import sys

from infra.kafka.jars import LOCK_FILE

__all__ = ["main"]

# The broker speaks slf4j 1.7 and configures log4j 2; this joins the two, as in Kafka's own distribution.
_LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:{log4j}"


def main(kafka_version: str) -> int:
    """Resolve, download, hash, write; returns the number of jars pinned."""
    import jgo

    broker = f"org.apache.kafka:kafka_2.13:{kafka_version}"
    artifacts = jgo.resolve(broker)
    log4j = next(a.version for a in artifacts if a.artifactId == "log4j-core")
    artifacts += jgo.resolve(_LOG_BINDING.format(log4j=log4j))
    unique = {(a.groupId, a.artifactId): a for a in reversed(artifacts)}
    lines = []
    for (group, artifact), found in sorted(unique.items()):
        content = found.resolve().read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"{group}:{artifact}:{found.version} {len(content)} {digest}\n")
    header = "# The broker's runtime jars, written by infra/kafka/relock.py: group:artifact:version size sha256\n"
    LOCK_FILE.write_text(header + "".join(lines))
    return len(lines)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m infra.kafka.relock KAFKA_VERSION   (for example 4.1.2)")
    print(f"{main(sys.argv[1])} jars pinned in {LOCK_FILE.name}")
