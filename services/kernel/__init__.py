"""Mechanism only, no business noun: the transactional stream processor on Faust and what stands around it.

Owns: the lease of a partition (rows, producer, positions), the codec, outcomes, parked keys, dead letters, timers, the
HTTP shell, settings, telemetry, and an in-memory log that runs the same processors in a simulation.
Deliberately lacks: any knowledge of orders, stock or shipments.
"""
