"""Which of an enterprise's lines is hit worst by an incident, kept up to date at the cost of a few rows per change.

Owns: the lines of each incident as a binary heap in rows, the worst at place 1, and where each line stands. A view can
read single rows only, so that nothing is ever searched; and no row grows with the number of lines. Deliberately lacks:
sums over the lines (``exposure`` keeps them).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.order.terms import LineNumber, OrderNumber

INCIDENT_LINES, INCIDENT_PLACES = "incident-lines", "incident-places"
_WORST: Final = 1

Read = Callable[[str, str], Any | None]
Derived = Mapping[tuple[str, str], Any | None]
"""What a view reads and gives when a row of another one changes; see ``View.derive``."""


@dataclass(frozen=True, slots=True)
class IncidentLineView:
    """One line that is late by an incident, row id ``<reference>/<place>``; the one at half its place is worse.

    A line without a date to expect (``short``) is worse than any other, then the more days late.
    """

    reference: str
    number: OrderNumber
    line: LineNumber
    days_late: int
    short: bool

    @property
    def id(self) -> str:
        """Row id of the line in ``exposure``."""
        return f"{self.number}/{self.line}"

    def is_worse(self, than: "IncidentLineView") -> bool:
        """Whether this one is to be named before the other; there are no ties."""
        if (self.short, self.days_late) != (than.short, than.days_late):
            return (self.short, self.days_late) > (than.short, than.days_late)
        return self.id < than.id


@dataclass(frozen=True, slots=True)
class IncidentPlaceView:
    """Where a line stands in ``incident-lines``, row id ``<reference>/<number>/<line>``."""

    place: int


class Ranking:
    """The lines of one incident, ``size`` of them, over the rows that ``read`` gives; ``changed`` has what is new."""

    def __init__(self, reference: str, size: int, read: Read) -> None:
        self.reference, self.size, self._read = reference, size, read
        self.changed: dict[tuple[str, str], Any | None] = {}

    @property
    def worst(self) -> IncidentLineView | None:
        """The worst line; None without any."""
        return self._at(_WORST) if self.size else None

    def put(self, line: IncidentLineView) -> None:
        """A line that is new, or as it is now."""
        place = self._place(line.id)
        if not place:
            self.size += 1
            place = self.size
        self._settle(place, line)

    def remove(self, id_: str) -> None:
        """A line that is not late by this any more: the last one takes its place."""
        place, last = self._place(id_), self._at(self.size)
        self._set(INCIDENT_LINES, self._row(self.size), None)
        self._set(INCIDENT_PLACES, f"{self.reference}/{id_}", None)
        self.size -= 1
        if last.id != id_:
            self._settle(place, last)

    def _settle(self, place: int, line: IncidentLineView) -> None:
        """Finds the place of a line from here: up past all that it is worse than, or else down."""
        while place > _WORST and line.is_worse(above := self._at(place // 2)):
            self._stand(place, above)
            place //= 2
        while (below := self._worse_below(place)) and self._at(below).is_worse(line):
            self._stand(place, self._at(below))
            place = below
        self._stand(place, line)

    def _worse_below(self, place: int) -> int:
        """The place of the worse of the two below, 0 without any."""
        left, right = 2 * place, 2 * place + 1
        if left > self.size:
            return 0
        return right if right <= self.size and self._at(right).is_worse(self._at(left)) else left

    def _stand(self, place: int, line: IncidentLineView) -> None:
        self._set(INCIDENT_LINES, self._row(place), line)
        self._set(INCIDENT_PLACES, f"{self.reference}/{line.id}", IncidentPlaceView(place))

    def _at(self, place: int) -> IncidentLineView:
        line: IncidentLineView = self._get(INCIDENT_LINES, self._row(place))
        return line

    def _place(self, id_: str) -> int:
        found: IncidentPlaceView | None = self._get(INCIDENT_PLACES, f"{self.reference}/{id_}")
        return found.place if found else 0

    def _row(self, place: int) -> str:
        return f"{self.reference}/{place:08d}"

    def _get(self, view: str, row_id: str) -> Any:
        where = (view, row_id)
        return self.changed[where] if where in self.changed else self._read(*where)

    def _set(self, view: str, row_id: str, row: Any) -> None:
        self.changed[view, row_id] = row
