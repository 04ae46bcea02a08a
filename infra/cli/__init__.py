"""The ``chainflow`` command: starts what runs, plays scenarios, replays files, looks after dead letters.

Owns: the processes of one installation (broker, services) and their ports; the scenario and mapping formats.
Deliberately lacks: any rule of the domain. It speaks to the services as every client does, over HTTP; only the time and
the dead letters, which no client may touch, go over Kafka.
"""
