"""What is open of a pool as the chain model's index, kept from batch to batch and told what changed.

Owns: which rows the index stands for, and which answers are others since they were told last. So a pool of ten thousand
demands answers a moved supply with work for those whom it moves. Deliberately lacks: rules, and anything that does not
follow from the rows: it is made of them anew when it is not there.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from services.chain.pool_facts import STOCK, CoveredPart
from services.chain.pool_facts import Demand as ChainDemand
from services.chain.pool_index import PoolIndex
from services.chain.quantities import millionths
from services.inventory.pool_dates import chain_demand, chain_demand_holding, chain_supply, id_of, order_of
from services.inventory.pool_rows import Coming, Demand, Head, Held, Planned, Supply, Waiting
from services.kernel.model import Rows

_READ: Final = ("demand/", "supply/")


class PoolMemory:
    """Implements ``model.Memory``. Rows are named by their keys; ``untold`` are demands whose answer may be another,
    ``index`` is the pool as the chain model takes it, with its answers.
    """

    def __init__(self, rows: Rows) -> None:
        self.index = PoolIndex()
        self._demands: dict[str, Demand] = {}  # of which the pool has still to give something
        self._supplies: dict[str, Supply] = {}  # of which something is still to come
        self._claiming: set[str] = set()  # demands whose flow says that it holds of the stock
        self._names: dict[str, str] = {}  # id of a demand in the index → row
        self._holding: dict[str, set[str]] = {}  # flow of a supply → demands whose flow says that it holds of it
        self._reserved_units = 0
        self.untold = {name.replace("dated/", "demand/", 1) for name, _ in rows.scan("dated/")}
        self._changed = {"head", *_open_rows(rows)}
        self.refresh(rows)

    def changed(self, names: Iterable[str]) -> None:
        """These rows are others."""
        self._changed.update(name for name in names if name.startswith(_READ) or name == "head")

    def __len__(self) -> int:
        return len(self._demands) + len(self._supplies)

    def refresh(self, rows: Rows) -> None:
        """Read again what changed."""
        if self._changed:
            names, self._changed = self._changed, set()
            head: Head = rows.get("head") or Head("")
            demands = {name: rows.get(name) for name in names if name.startswith("demand/")}
            supplies = {name: rows.get(name) for name in names if name.startswith("supply/")}
            self._take(head, demands, supplies)

    def suppose(self, rows: Rows, name: str, supply: Supply) -> None:
        """Answer as if a supply's row were this, until the next time that the memory is asked for."""
        self._take(rows.get("head") or Head(""), {}, {name: supply})
        self._changed.add(name)

    def _take(self, head: Head, demands: Mapping[str, Demand | None], supplies: Mapping[str, Supply | None]) -> None:
        gone_demands = [self._forget(name) for name in demands if name in self._demands]
        anew = {name: row for name, row in demands.items() if row is not None and (row.open or row.reserved)}
        for name, row in anew.items():
            self._note(name, row)
        gone_supplies = [self._supplies.pop(name).flow_key for name in supplies if name in self._supplies]
        coming = {name: row for name, row in supplies.items() if row is not None and row.open}
        self._supplies |= coming
        free_units = millionths(head.usable - head.reserved)
        answers = self.index.update(
            free_units + self._reserved_units,
            [
                *(chain_demand(row) for name, row in anew.items() if name not in self._claiming),
                *self._claims(free_units),
            ],
            [chain_supply(row) for row in coming.values()],
            [id_ for id_ in gone_demands if id_ not in self._names],
            set(gone_supplies) - {row.flow_key for row in coming.values()},
        )
        self.untold |= demands.keys() | {self._names[id_] for id_ in answers if id_ in self._names}

    def _forget(self, name: str) -> str:
        row = self._demands.pop(name)
        self._claiming.discard(name)
        for hold in row.holds:
            self._holding[hold.source].discard(name)
        self._reserved_units -= millionths(row.reserved)
        self._names.pop(id_of(row), None)
        return id_of(row)

    def _note(self, name: str, row: Demand) -> None:
        self._demands[name] = row
        self._names[id_of(row)] = name
        self._reserved_units += millionths(row.reserved)
        for hold in row.holds:
            self._holding.setdefault(hold.source, set()).add(name)
        if any(hold.source == STOCK for hold in row.holds):
            self._claiming.add(name)

    def _claims(self, free_units: int) -> Iterable[ChainDemand]:
        """Those that claim stock share what nobody else holds, in their order."""
        for row in sorted((self._demands[name] for name in self._claiming), key=order_of):
            demand, free_units = chain_demand_holding(row, free_units)
            yield demand

    def demand(self, name: str) -> Demand | None:
        """The row of a demand of which the pool has still to give something."""
        return self._demands.get(name)

    def holders(self, source: str) -> list[str]:
        """The rows of the demands that hold of a supply, in the static order."""
        return sorted(self._holding.get(source, ()), key=lambda name: order_of(self._demands[name]))

    def parts(self, name: str) -> tuple[CoveredPart, ...]:
        """When what is open of a demand will be there; nothing for a row that is none."""
        row = self._demands.get(name)
        answer = self.index.covered.get(id_of(row)) if row is not None else None
        return answer.parts if answer is not None else ()

    @property
    def supplies(self) -> Mapping[str, Supply]:
        """The rows of which something is still to come."""
        return self._supplies


def _open_rows(rows: Rows) -> Iterable[str]:
    """The rows of demands and supplies of which something is open, from the index rows."""
    entry: Waiting | Planned | Held | Coming
    for prefix in ("wait/", "plan/", "held/", "coming/"):
        for _, entry in rows.scan(prefix):
            yield entry.row
