"""Recovery of rows, driven by Faust, applied by us: Faust decides when and from where, the consumer fills the rows."""

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from mode import Service


class KernelRecovery(Recovery):
    """Faust's driver without its own applying of changelog records."""

    @Service.task
    async def _slurp_changelogs(self) -> None:  # rows are applied in KernelConsumer.getmany
        return

    def _set_recovery_started(self) -> None:
        super()._set_recovery_started()
        # Faust leaves it set: a second rebalance within seconds would end its recovery at once, with empty rows.
        self.signal_recovery_end.clear()


class KernelTables(TableManager):
    """Faust's tables with our recovery."""

    _recovery: KernelRecovery | None

    @property
    def recovery(self) -> KernelRecovery:
        """The driver, made on first use."""
        if self._recovery is None:
            self._recovery = KernelRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
