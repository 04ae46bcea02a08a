"""The benchmark: throughput, latency, recovery and memory of the backbone on this machine, beside other engines."""
