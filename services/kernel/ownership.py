"""Which partitions this process owns: leases opened and dropped as the group's assignment changes.

Owns: the order of things at a rebalance. Fence first (claims, then the last writers), ask for the changelogs' ends
afterwards, claim when the rows are complete.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from faust.assignor.partition_assignor import PartitionAssignor
from faust.transport.consumer import TransactionManager
from faust.types import TP

from services.kernel.batch import Processor
from services.kernel.fence import fence_writers
from services.kernel.lease import Lease, LeaseSettings, die
from services.kernel.telemetry import Meters
from services.kernel.transactions import Transactions


class Leases(dict[int, Lease]):
    """Partition number to lease, for one app."""

    def __init__(
        self,
        sources: frozenset[str],
        settings: LeaseSettings,
        processor: Processor,
        meters: Meters,
        *,
        fence_seconds_max: float,
    ) -> None:
        super().__init__()
        self.sources, self.settings, self.processor, self.meters = sources, settings, processor, meters
        self.fence_seconds_max = fence_seconds_max
        self.follow: dict[TP, int] = {}
        """Partition to the position up to which all since the last seek was handed over. A rebalance puts a new one in
        its place: a poll under way then writes to one that nobody reads."""
        self.turn = 0
        """Counts rebalances: what was begun before the last one is void."""
        self.settled = False
        """False from a revocation until the assignment that follows it."""
        self._wake = asyncio.Event()
        self._transactions: Transactions | None = None
        self._client: AIOKafkaClient | None = None

    def changelog(self, partition: int) -> TP:
        """The changelog's partition that belongs to a lease."""
        return TP(self.settings.changelog, partition)

    async def revoke(self) -> None:
        """Finish what runs, take nothing new; positions become void."""
        self.turn += 1
        self.follow, self.settled = {}, False
        for lease in self.values():
            lease.close()
        for lease in list(self.values()):  # ends, or the transaction's own bound ends the process
            await asyncio.wait_for(lease.idle.wait(), self.settings.transaction_seconds_max + 1)

    async def assign(self, mine: set[int], fresh: set[int], recovery: Any, consumer: Any) -> None:
        """Drop leases that left or came back, make new ones, all behind fences and in a term of their own.

        The order is what makes it safe. Whoever claims a partition later fences our claim first; whoever claimed it
        before us either did so before our fence, and is read and fenced here, or can not any more.
        """
        self._end_term()
        for partition in [number for number in self if number not in mine or number in fresh]:
            self.pop(partition)
        opened = [Lease(number, self.settings, self.processor, self._wake) for number in sorted(mine - set(self))]
        self.update({lease.partition: lease for lease in opened})
        for lease in self.values():
            if lease in opened:
                recovery.active_offsets.pop(self.changelog(lease.partition), None)  # read from the start
            else:
                recovery.active_offsets[self.changelog(lease.partition)] = lease.recovered - 1
        try:
            async with asyncio.timeout(self.fence_seconds_max):
                client = await self._connected()
                self._transactions = Transactions(client, self.settings, self, self._wake, self.meters)
                await asyncio.gather(self._transactions.start(), *(lease.fence(client) for lease in self.values()))
                await fence_writers(client, self.settings, list(self))
        except Exception as error:
            die("cannot fence the last owner of a partition", error)
        # Each lease keeps its own: Faust's highwaters may be those of a recovery that a rebalance has overtaken.
        ends = await consumer.highwaters(*(self.changelog(lease.partition) for lease in opened)) if opened else {}
        for lease in opened:
            lease.end = ends[self.changelog(lease.partition)]
        self.settled = True

    async def claim(self, leases: Iterable[Lease], turn: int) -> bool:
        """Claim partitions whose rows are complete for this term; False if a rebalance has overtaken it."""
        assert self._transactions
        writer = self._transactions.id
        for found in await asyncio.gather(*(lease.claim(writer) for lease in leases), return_exceptions=True):
            if self.turn == turn and isinstance(found, BaseException):
                die("cannot claim a partition", found)
        return self.turn == turn

    def _end_term(self) -> None:
        if self._transactions:
            transactions, self._transactions = self._transactions, None
            transactions.stop()

    async def _connected(self) -> AIOKafkaClient:
        """The connection of all producers."""
        if self._client is None:
            self._client = AIOKafkaClient(bootstrap_servers=self.settings.bootstrap)
            await self._client.bootstrap()
        return self._client

    async def close(self) -> None:
        """A graceful stop: what runs is finished."""
        await self.revoke()
        self._end_term()
        self.clear()
        if self._client:
            await self._client.close()


class KernelAssignor(PartitionAssignor):
    """Faust's assignor, for a leader that knows all topics."""

    def assign(self, cluster: ClusterMetadata, member_metadata: Any) -> Any:
        """Who gets which partitions.

        A broker that is loading answers that topics do not exist. Faust would leave them out, and everybody would own
        nothing until the next rebalance, which nothing causes; a new process asks again.
        """
        wanted = {topic for metadata in member_metadata.values() for topic in metadata.subscription}
        if missing := sorted(topic for topic in wanted if not cluster.partitions_for_topic(topic)):
            die(f"the broker does not know {', '.join(missing)}: it is loading, or they were not made")
        return super().assign(cluster, member_metadata)


class KernelTransactions(TransactionManager):
    """Faust's rebalance hooks, for leases. Faust's own commits do nothing: positions are rows of the leases."""

    @property
    def leases(self) -> Leases:
        """The app's."""
        leases: Leases = self.app.leases
        return leases

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Before the group takes partitions away."""
        await self.leases.revoke()

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP]) -> None:
        """Before Faust asks where the changelogs end."""
        leases = self.leases
        mine = {tp.partition for tp in assigned if tp.topic in leases.sources}
        ours = {*leases.sources, leases.settings.changelog}
        fresh = {tp.partition for tp in newly_assigned if tp.topic in ours}
        numbers = {topic: sorted(tp.partition for tp in assigned if tp.topic == topic) for topic in ours}
        if any(found != sorted(mine) for found in numbers.values()):
            # Rows without their inputs, or inputs of which one is missing, would wait for ever or be decided alone.
            die(f"inputs and rows do not go together, is a topic missing or of another partition count? {numbers}")
        await leases.assign(mine, fresh, self.app.tables.recovery, self.consumer)

    async def on_stop(self) -> None:
        """At a graceful end of the process."""
        await self.leases.close()

    async def commit(self, offsets: Any, start_new_transaction: bool = True) -> bool:
        """Nothing to do."""
        return True
