"""An independent count of late lines, straight from a file: the figure that a replay's views must come to.

Shares no code with the mapping and the replay on purpose, so that one mistake can not be in both. Deliberately lacks:
anything but lines, late lines and days late per partner.
"""

import csv
import datetime
import itertools
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
CENTURY_TURNS = 69  # years below are 20xx


@dataclass(slots=True)
class Tally:
    """Lines of one partner; late ones and their days among those that came."""

    lines: int = 0
    late_lines: int = 0
    days_late: int = 0


def count(
    path: Path, separator: str, *, partner: str, due: str, done: str, dates: str, limit: int | None = None
) -> dict[str, Tally]:
    """Partner, as the file writes it, to its tally. ``dates`` is the order of the parts of a date, as "dmy"."""
    found: dict[str, Tally] = defaultdict(Tally)
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in itertools.islice(csv.DictReader(file, delimiter=separator), limit):
            tally = found[(row[partner] or "").strip()]
            tally.lines += 1
            wanted, came = _day(row[due], dates), _day(row[done], dates)
            if wanted is None or came is None:
                continue
            days = came.toordinal() - wanted.toordinal()
            if days > 0:
                tally.late_lines += 1
                tally.days_late += days
    return dict(found)


def _day(text: str | None, order: str) -> datetime.date | None:
    parts = re.findall(r"[A-Za-z]+|\d+", text or "")
    if len(parts) != 3:
        return None
    by_name = dict(zip(order, parts, strict=True))
    month = by_name["m"].lower()[:3]
    if not month.isdigit():
        if month not in MONTHS:
            return None
        month = str(MONTHS.index(month) + 1)
    if not (by_name["y"].isdigit() and by_name["d"].isdigit()):
        return None
    year = int(by_name["y"])
    if year < 100:
        year += 2000 if year < CENTURY_TURNS else 1900
    return datetime.date(year, int(month), int(by_name["d"]))
