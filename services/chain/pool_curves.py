"""The curves of a pool as running sums, and which units of the queue a change of them can reach.

Owns: the answers of ``pool.PlainCurves`` by search instead of by passes. Deliberately lacks: who the units are for
(``pool_index`` knows the queue).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from services.chain.moments import NEVER, SINCE
from services.chain.pool import Share
from services.chain.running_sums import RunningSums

DateKey = tuple[int, int, str]  # date, baseline, flow
BaselineKey = tuple[int, str]  # baseline, flow
KeyT = TypeVar("KeyT", DateKey, BaselineKey)

Units = tuple[int, int]
"""Units of the queue: those above the first number, up to the second."""

ALL_UNITS: Final = (-NEVER, NEVER)
NO_UNITS: Final = (0, 0)


class IndexedCurves:
    """Free supply, and free stock as what comes at SINCE, by date and by baseline."""

    def __init__(self) -> None:
        self.by_date: RunningSums[DateKey] = RunningSums()
        self.by_baseline: RunningSums[BaselineKey] = RunningSums()
        self._shares: dict[DateKey, Share] = {}

    def units_by(self, date: int) -> int:
        """S(t)."""
        return self.by_date.before((date + 1,))

    def date_of(self, unit: int) -> int:
        """A(u)."""
        found = self.by_date.at(unit)
        return found[0][0] if found else NEVER

    def agreed_date(self, unit: int) -> int:
        """A0(u)."""
        if unit <= 0:
            return SINCE
        found = self.by_baseline.at(unit)
        return found[0][0] if found else NEVER

    def late_supply(self, date: int, baseline: int) -> Share | None:
        """The first from the date on that was due."""
        key = self.by_date.first_with((date,), baseline)
        return self._shares[key] if key else None

    def supply_of(self, date: int) -> Share | None:
        """The least flow of those that come then."""
        shares = (self._shares[key] for key in self.keys_between((date,), (date + 1,)))
        return min(shares, key=lambda share: share.supply.flow, default=None)

    def keys_between(self, start: tuple[Any, ...], end: tuple[Any, ...]) -> Iterator[DateKey]:
        """What comes from a key on and before another."""
        for key, _ in self.by_date.items(start):
            if key >= end:
                return
            yield key

    def agreed_steps(self) -> list[int]:
        """The units agreed to be there by each baseline date, ascending, from nothing on."""
        return [0, *_steps(self.by_baseline, 0)]

    def replace(self, gone: Mapping[DateKey, Share], come: Mapping[DateKey, Share]) -> tuple[list[Units], list[Units]]:
        """Takes shares away and adds others; gives the units whose expected and whose agreed dates may change by it."""
        dates: dict[DateKey, int] = {}
        baselines: dict[BaselineKey, int] = {}
        for shares, sign in ((gone, -1), (come, 1)):
            for key, share in shares.items():
                units, due = sign * share.part.quantity, (key[1], key[2])
                dates[key] = dates.get(key, 0) + units
                baselines[due] = baselines.get(due, 0) + units
        for key in gone.keys() - come.keys():
            del self._shares[key]
        self._shares.update(come)
        return list(_moved(self.by_date, dates)), list(_moved(self.by_baseline, baselines))

    def crossing(self, first: int, by: int) -> Iterator[Units]:
        """The units that cross a step of a curve when all behind the first so many are counted differently.

        They are told as they are counted afterwards. What nobody has promised counts what is missing, so it changes.
        """
        for step in {*_steps(self.by_date, first), *_steps(self.by_baseline, first)}:
            yield min(step, step + by), max(step, step + by)
        total = self.by_date.total
        yield max(first, min(total, total + by)), NEVER


def _moved(curve: RunningSums[KeyT], changes: Mapping[KeyT, int]) -> Iterator[Units]:
    """Changes amounts; gives the units between the first and the last of them, and behind that what crosses a step.

    Between means from the units that were there before the first date to all that are there on the last: also what
    keeps its date there may have another supply to wait for, or another path. Stock has neither.
    """
    changes = {key: change for key, change in changes.items() if change}
    if not changes:
        return
    first, last = (min(changes)[0],), (max(changes)[0] + 1,)
    at_once, by_last = curve.before((SINCE + 1,)), curve.before(last)
    for key, change in changes.items():
        curve.put(key, curve.amount(key) + change)
    more = curve.before(last) - by_last
    low = curve.before(first) if first[0] > SINCE else min(at_once, curve.before((SINCE + 1,)))
    yield low, max(by_last, by_last + more)
    if more:
        for step in _steps(curve, by_last + more):
            yield min(step, step - more), max(step, step - more)
        yield min(curve.total, curve.total - more), NEVER


def _steps(curve: RunningSums[KeyT], above: int) -> Iterator[int]:
    """The running sums at the end of each date, from the first that is above a number of units on."""
    found = curve.at(above + 1)
    if found is None:
        return
    (date, *_), sum_ = found
    for key, amount in curve.items(found[0]):
        if key[0] != date:
            yield sum_
            date = key[0]
        sum_ += amount
    yield sum_
