"""How many units are served before each waiting demand although they are for demands that arrived later.

Owns: these numbers, kept up to date in the static order of the queue, and the question whose culprit may have changed.
A change of one demand's units, or of stock that it holds, is one pass over the numbers of those behind it; nothing else
of them is looked at. Deliberately lacks: dates, except for the steps of the baseline curve that it is handed.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.chain.pool_facts import OrderKey
from services.chain.running_sums import RunningSums

Arrival = tuple[int, str, int]


@dataclass(slots=True)
class Place:
    """A demand in the queue: the units that it waits for and those of later arrivals that are served before.

    ``latest`` is the last arrived of all that are served before, ``culprit`` the same if it makes the demand's last
    unit later; ``in_parts``: it gets its units on several dates; ``asked``: by how many it was overtaken, and by whom
    at last, when that was asked before.
    """

    order: OrderKey
    arrival: Arrival
    units: int = 0
    jumped: int = 0
    latest: Arrival | None = None
    culprit: Arrival | None = None
    in_parts: bool = False
    asked: tuple[int, Arrival | None] = (0, None)


class Overtaken:
    """All waiting demands in the static order, and the stock that any demand holds."""

    def __init__(self, waiting: Iterable[tuple[OrderKey, Arrival, int, int]] = ()) -> None:
        """Demands with the units that they wait for, and those of the stock that they hold."""
        self._places: list[Place] = []
        self._stock: RunningSums[Arrival] = RunningSums()
        served: RunningSums[Arrival] = RunningSums()
        for order, arrival, units, stock in sorted(waiting):
            if units:
                jumped = served.total - served.before((arrival[0] + 1,))
                self._places.append(Place(order, arrival, units, jumped))
                served.put(arrival, units)
            if stock:
                self._stock.put(arrival, stock)
        for place in self._places:
            place.jumped += self._stock_held_later(place.arrival)
        self._by_order = {place.order: place for place in self._places}

    def place(self, order: OrderKey) -> Place:
        """The place of a demand that waits for something."""
        return self._by_order[order]

    def wait(self, order: OrderKey, arrival: Arrival, units: int) -> None:
        """A demand waits for so many units; 0: for none."""
        place = self._by_order.get(order)
        if units == (place.units if place else 0):
            return
        at = bisect_left(self._places, order, key=lambda other: other.order)
        if place is None:
            later = sum(other.units for other in self._places[:at] if other.arrival[0] > arrival[0])
            place = Place(order, arrival, jumped=later + self._stock_held_later(arrival))
            self._places.insert(at, place)
            self._by_order[order] = place
        self._add(at + 1, arrival[0], units - place.units)
        place.units = units
        if not units:
            del self._places[at], self._by_order[order]

    def hold_stock(self, arrival: Arrival, units: int) -> None:
        """A demand holds so many units of the stock."""
        more = units - self._stock.amount(arrival)
        if more:
            self._add(0, arrival[0], more)
            self._stock.put(arrival, units)

    def _stock_held_later(self, arrival: Arrival) -> int:
        return self._stock.total - self._stock.before((arrival[0] + 1,))

    def _add(self, start: int, sequence: int, units: int) -> None:
        """So many units more are served before all that stand behind and arrived earlier."""
        for place in self._places[start:]:
            if place.arrival[0] < sequence:
                place.jumped += units

    def changed(self, agreed: Sequence[int], anew: tuple[int, int]) -> Iterator[OrderKey]:
        """Those whose culprit is another now, or may be: of several parts of one demand only the last is looked at.

        ``agreed``: the units that were agreed to be there by each baseline date, ascending, from 0 on; ``anew``:
        between which units (above the first, up to the second) their dates are others than when this was asked before.
        Without the units of later arrivals a demand would be served earlier if there is a date between.
        """
        latest = self._stock.last()
        last = step = 0
        for place in self._places:
            last += place.units
            while step < len(agreed) and agreed[step] < last:
                step += 1
            shared = place.jumped and step and last - place.jumped <= agreed[step - 1]
            culprit = latest if shared else None
            if culprit != place.culprit or (place.in_parts and _asks_anew(place, last, latest, anew)):
                yield place.order
            place.asked = (place.jumped, latest if place.jumped else None)
            place.latest, place.culprit = latest, culprit
            if latest is None or place.arrival > latest:
                latest = place.arrival


def _asks_anew(place: Place, last: int, latest: Arrival | None, anew: tuple[int, int]) -> bool:
    """Whether one of several parts may have another culprit: overtaken by others, or agreed for another date if not."""
    if not place.jumped:
        return place.asked[0] != 0
    without = last - place.jumped
    return place.asked != (place.jumped, latest) or (anew[0] < without and without - place.units < anew[1])
