"""Scenario files: read, checked whole, and every mistake told at once with its line and what to do.

Owns: where things stand in the file, and which references must lead somewhere. Deliberately lacks: the format itself
(scenario.py).
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from infra.cli.errors import CliError
from infra.cli.scenario import Burst, Scenario, Step
from services.order.workday import is_zone

Where = tuple[str | int, ...]
Mistake = tuple[Where, str]
Lines = dict[Where, int]

FIELDS: Final = sorted(
    {name for model in (Scenario, Step) for name in model.model_fields}
    | {"name", "tier", "time_zone", "day_ends", "unit", "from", "to", "days", "mode", "buyer", "item", "seller"}
    | {"seller_item", "promise", "quantity", "due", "site", "uses", "order", "at", "why", "text", "phone_at", "plan_at"}
)


def load(path: Path) -> Scenario:
    """The scenario of a file. Raises CliError with every mistake, the line where it stands and what to do."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}; name a scenario file") from error
    except UnicodeDecodeError as error:
        raise CliError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    try:
        lines, twice = _lines(yaml.compose(text, Loader=yaml.SafeLoader))
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CliError(f"{path}: not YAML: {error}") from error
    mistakes: list[Mistake] = [(where, "is there twice: keep one") for where in twice]
    found = None
    try:
        found = Scenario.model_validate(raw)
    except ValidationError as error:
        mistakes += [_mistake(one) for one in error.errors()]
    if found is not None:
        mistakes += _references(found)
    if found is not None and not mistakes:
        mistakes += _days(found)  # which follow the references
    if mistakes or found is None:
        raise CliError(_told(path, lines, mistakes))
    return found


def _told(path: Path, lines: Lines, mistakes: Iterable[Mistake]) -> str:
    told = sorted({(_line(lines, where), f"{_shown(where)}: {text}") for where, text in mistakes})
    head = f"{path}: {len(told)} to mend (docs/how-to/demo.md has the format)"
    return "\n  ".join([head, *(f"line {line}: {text}" for line, text in told)])


def _shown(where: Where) -> str:
    return " › ".join(map(str, where)) or "file"


def _line(lines: Lines, where: Where) -> int:
    """The line of the deepest part of the way that is in the file."""
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)


def _lines(root: yaml.Node | None) -> tuple[Lines, list[Where]]:
    """The line (from 1) of each part of the file, and the names that a mapping has twice."""
    lines: Lines = {(): 1}
    twice: list[Where] = []
    seen: set[Where] = set()
    todo: list[tuple[Where, yaml.Node]] = [((), root)] if root is not None else []
    while todo:
        where, node = todo.pop()
        lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            todo += [((*where, index), one) for index, one in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                place = (*where, _name(key))
                lines[place] = key.start_mark.line + 1
                if place in seen:
                    twice.append(place)
                    continue
                seen.add(place)
                todo.append((place, value))
    return lines, twice


def _name(key: yaml.Node) -> str | int:
    """A key as the file's values have it: a day is a number."""
    text = str(key.value)
    return int(text) if text.isdecimal() else text


def _mistake(error: Any) -> Mistake:
    where, text = tuple(part for part in error["loc"] if part != "[key]"), str(error["msg"])
    if error["type"] == "extra_forbidden":
        near = get_close_matches(str(where[-1]), FIELDS, 1)
        text = "is not known here" + (f"; {near[0]} perhaps?" if near else "; take it out")
    elif error["type"] == "missing":
        text = "is missing: add it"
    return where, text.removeprefix("Value error, ")


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"; {near[0]} perhaps?" if near else ""


def _need(known: Iterable[str], name: str, where: Where, what: str) -> Iterator[Mistake]:
    if name not in (known := list(known)):
        yield where, f"there is no {what} {name!r}{_near(name, known)}"


def _references(found: Scenario) -> Iterator[Mistake]:
    """References that lead nowhere."""
    for kind, names in (("sites", found.sites), ("items", found.items), ("orders", found.orders), ("work", found.work)):
        for name in names:
            yield from _need(found.enterprises, name.partition("/")[0], (kind, name), "enterprise")
    for name, place in found.sites.items():
        if not is_zone(place.time_zone):
            yield ("sites", name, "time_zone"), f"no such time zone: {place.time_zone}; give one like Europe/Vienna"
    for index, lane in enumerate(found.lanes):
        yield from _need(found.sites, lane.start, ("lanes", index, "from"), "site")
        yield from _need(found.sites, lane.end, ("lanes", index, "to"), "site")
    ways = {(lane.start, lane.end) for lane in found.lanes}
    for index, one in enumerate(found.agreements):
        where: Where = ("agreements", index)
        start, end = f"{one.seller}/{one.start}", f"{one.buyer}/{one.to}"
        yield from _need(found.sites, start, (*where, "from"), "site")
        yield from _need(found.sites, end, (*where, "to"), "site")
        yield from _need(found.items, f"{one.buyer}/{one.item}", (*where, "item"), "item")
        yield from _need(found.items, f"{one.seller}/{one.seller_item}", (*where, "seller_item"), "item")
        if (start, end) not in ways:
            yield where, f"there is no lane from {start} to {end}: add one under lanes"
    for pool in found.stock:
        enterprise, _, rest = pool.partition("/")
        site, _, item = rest.partition("/")
        yield from _need(found.sites, f"{enterprise}/{site}", ("stock", pool), "site")
        yield from _need(found.items, f"{enterprise}/{item}", ("stock", pool), "item")
    for key, order in found.orders.items():
        yield from _agreed(found, key, order.item, ("orders", key, "item"))
    for key, work in found.work.items():
        owner = key.partition("/")[0]
        yield from _need(found.sites, f"{owner}/{work.site}", ("work", key, "site"), "site")
        for item in (work.item, *work.uses):
            yield from _need(found.items, f"{owner}/{item}", ("work", key), "item")
        if work.item in work.uses:
            yield ("work", key, "uses"), f"{work.item} can not be made of itself: take it out"


def _agreed(found: Scenario, order: str, item: str, where: Where) -> Iterator[Mistake]:
    buyer = order.partition("/")[0]
    known = [one.item for one in found.agreements if one.buyer == buyer]
    if item not in known:
        yield where, f"{buyer} has no agreement on {item!r}{_near(item, known)}"


def _days(found: Scenario) -> Iterator[Mistake]:
    """Steps that speak of what is not there, or not yet."""
    placed = set(found.orders)
    for day, steps in sorted(found.days.items()):
        for index, step in enumerate(steps):
            where: Where = ("days", day, index, step.kind)
            if step.place is not None:
                yield from _agreed(found, step.place.order, step.place.item, (*where, "item"))
                if step.place.order in placed:
                    yield where, f"{step.place.order} is placed twice: give another number"
                placed.add(step.place.order)
            elif step.burst is not None:
                yield from _burst(found, step.burst, where)
            elif step.make is not None:
                yield from _need(found.sites, step.make.at, (*where, "at"), "site")
                enterprise = step.make.at.partition("/")[0]
                for item in (step.make.item, *step.make.uses):
                    yield from _need(found.items, f"{enterprise}/{item}", where, "item")
            elif (stopped := step.disrupt or step.repair) is not None:
                yield from _need(found.sites, stopped.at, (*where, "at"), "site")
                if stopped.at in found.sites and not (found.work_at(stopped.at) or found.leaving(stopped.at)):
                    yield where, f"nothing is planned at {stopped.at}: add a work order or an order for it"
            elif step.show is None:
                moved = step.slip or step.recover
                order = moved.order if moved else step.confirm or step.ship or step.receive or ""
                if order not in placed:
                    yield where, f"{order!r} is not placed before{_near(order, placed)}"


def _burst(found: Scenario, burst: Burst, where: Where) -> Iterator[Mistake]:
    mistakes = list(_agreed(found, f"{burst.buyer}/", burst.item, (*where, "item")))
    yield from mistakes
    if not mistakes:
        one = found.agreement(burst.buyer, burst.item)
        pool, needed = f"{one.seller}/{one.start}/{one.seller_item}", burst.orders * burst.quantity
        if found.stock.get(pool, 0) < needed:
            yield where, f"it ships {needed} from stock: count at least so many under stock as {pool}"
