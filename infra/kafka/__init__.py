"""The Kafka broker that Chainflow starts when none is given: real Apache Kafka, one node, on loopback.

Owns: fetching the broker's jars, finding Java, the lifetime of one broker process per data directory, and creating
topics. Deliberately lacks: replication, TLS and authentication (point ``KAFKA_BOOTSTRAP_SERVERS`` at a cluster that
has them), and any knowledge of what the topics mean.
"""
