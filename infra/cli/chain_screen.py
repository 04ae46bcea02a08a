"""How the chain, a disruption and its end look on a terminal: the tree of orders by tiers, tables, sentences.

Owns: layout at 80 columns, colours that repeat what the words say. Deliberately lacks: asking anybody, and computing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from rich.markup import escape
from rich.text import Text

from infra.cli.chain_seen import Chain, Timed, day, delay_of
from infra.cli.forecast import Forecast
from infra.cli.front_door import Row
from infra.cli.opening import minutes_of
from infra.cli.scenario import Compare, Disrupt, Repair, Scenario
from infra.cli.screen import Screen, table
from services.order.workday import working_day

LATE, GOOD, FAINT = "bold red", "green", "dim"
ALL_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Branch:
    """One row of the tree; ``order``: which, none for work; ``expected`` is empty where it is what was promised."""

    order: str
    what: Text
    by: Text
    promised: Text
    expected: Text
    state: Text


class ChainScreen:
    """The part of the screen that shows one scenario's chain."""

    def __init__(self, scenario: Scenario, screen: Screen) -> None:
        self.scenario, self.screen, self.word = scenario, screen, screen.word

    def note(self, text: str) -> None:
        """A line between others."""
        self.screen.note(text)

    # -- The tree ----------------------------------------------------------------------------------------------------

    def tree(self, chain: Chain, wanted: Forecast, slacks: Mapping[str, int]) -> None:
        """The leader's work and orders, under each order those of the tier below it that go into it.

        ``slacks``: minutes that an order may still slip; shown while nothing is late.
        """
        leader = self.scenario.leader
        works = [key for key in self.scenario.work if key.startswith(f"{leader}/")]
        orders = [order for order in self.scenario.orders if order.startswith(f"{leader}/")]
        rows = [self._work_cells(key, chain.work(key)) for key in works]
        rows += [
            self._order_cells(order, prefix, chain.bought(order))
            for order, prefix in self._branches(orders, "", wanted)
        ]
        titles = [
            self.word("col_what"),
            self.word("col_from"),
            self.word("col_promised"),
            self.word("col_expected"),
            "",
        ]
        if not any(row.expected.plain for row in rows):
            titles.pop(3)
            rows = [replace(row, state=self._with_slack(row, slacks)) for row in rows]
        found = table(*titles)
        found.add_row(Text(self._name(leader), style="bold"))
        for row in rows:
            found.add_row(
                row.what, row.by, row.promised, *([row.expected] if len(titles) == ALL_COLUMNS else []), row.state
            )
        self.screen.put_whole(found, 2)

    def _with_slack(self, row: Branch, slacks: Mapping[str, int]) -> Text:
        slack = slacks.get(row.order, 0)
        return row.state + Text(self.word("slack", span=self.word.span(slack)), FAINT) if slack else row.state

    def _branches(self, orders: list[str], indent: str, wanted: Forecast) -> Iterator[tuple[str, str]]:
        for order in orders:
            last = order == orders[-1]
            yield order, f"{indent}{'└─ ' if last else '├─ '}"
            below = [] if order in wanted.from_stock else self.scenario.needed_for(order)
            yield from self._branches(below, f"{indent}{'   ' if last else '│  '}", wanted)

    def _order_cells(self, order: str, prefix: str, row: Row) -> Branch:
        buyer, _, number = order.partition("/")
        one, delay = self.scenario.agreement_of(order), delay_of(row)
        style = LATE if delay != 0 else GOOD
        what = Text(prefix, style=FAINT).append(
            f"{self.scenario.item_name(buyer, one.item, self.word)} {number}", style
        )
        expected = Text(self.word.day(day(row["expected_on"])) if delay != 0 else "", style)
        promised = Text(self.word.day(day(row["promised_on"])))
        return Branch(order, what, Text(self._name(one.seller)), promised, expected, Text(self._mark(delay), style))

    def _work_cells(self, key: str, row: Row) -> Branch:
        owner, _, number = key.partition("/")
        work, delay = self.scenario.work[key], delay_of(row)
        style = LATE if delay != 0 else GOOD
        what = Text("◆ ", style=FAINT).append(f"{self.scenario.item_name(owner, work.item, self.word)} {number}", style)
        expected = Text(self.word.day(self._work_day(key, row["expected_at"])) if delay != 0 else "", style)
        planned = Text(self.word.day(self._work_day(key, row["planned_finish_at"])))
        return Branch("", what, Text(self.word("own_work"), FAINT), planned, expected, Text(self._mark(delay), style))

    def _work_day(self, key: str, text: str | None) -> date | None:
        """The working day of a moment at the site of a work order."""
        if text is None:
            return None
        site = self.scenario.sites[f"{key.partition('/')[0]}/{self.scenario.work[key].site}"]
        at_ms = round(datetime.fromisoformat(text).timestamp() * 1000)
        return working_day(at_ms, site.time_zone, minutes_of(site.day_ends))

    def _mark(self, delay: int | None) -> str:
        return f"{'■' if delay != 0 else '·'} {self.word.late(delay)}"

    def _name(self, id_: str) -> str:
        return self.scenario.enterprises[id_].name

    # -- A disruption ------------------------------------------------------------------------------------------------

    def struck(self, stop: Disrupt, work: Sequence[str]) -> None:
        """What is reported, by whom, and which of its own work is late by it."""
        owner = stop.at.partition("/")[0]
        text = self.word.of(stop.text) or stop.why
        site, span = self.scenario.sites[stop.at].name, self.word.span(stop.days * 1440)
        self.screen.says(self.word("struck", who=self._name(owner), text=text, site=site, span=span))
        if work:
            numbers = self.word("and").join(key.partition("/")[2] for key in work)
            self.screen.says(self.word("struck_work", numbers=numbers))

    def leader(self, exposed: list[Row], incidents: list[Row], ways: list[list[str]], timed: Timed) -> None:
        """The leader's late lines in the words of the order service, and what it counts as one incident."""
        self.screen.heading(self.word("leader_sees", who=self._name(self.scenario.leader)))
        for row in sorted(exposed, key=lambda row: -row["delay_minutes"]):
            sentence = row[f"sentence_{self.word.code}"]
            self.screen.hang(f"[{LATE}]■[/] ", f"[{LATE}]{escape(sentence)}[/]")
        said = [
            self.word("incident", ref=row["id"][:4], lines=row["lines"], days=row["days_late"],
                      worst=row["worst_line"].partition("/")[0])
            for row in incidents
        ]  # fmt: skip
        if said and ways:
            said.append(self.word("ways", ways=len(ways)))
        if said:
            self.screen.hang("  ", escape(" ".join(said)))
        self.took(timed)

    def took(self, timed: Timed) -> None:
        """How long it took until the leader's rows were as they are now."""
        if timed.all_ms:
            self.screen.measured(self.word("took", first=f"{timed.first_ms:.0f}", all=f"{timed.all_ms:.0f}"))
        else:
            self.screen.note(self.word("took_none", who=self._name(self.scenario.leader)))

    def repaired(self, repair: Repair) -> None:
        """What is reported, by whom."""
        owner = repair.at.partition("/")[0]
        self.screen.says(
            self.word("repaired", who=self._name(owner), text=self.word.of(repair.text) or self.word("well_again"))
        )

    def between(self, chain: Chain, plant: str) -> None:
        """What the firms between plant and leader are told: their own lines, and of the cause its kind and distance."""
        found = table(self.word("col_firm"), "", self.word("col_line"), self.word("col_late"), self.word("col_told"))
        for id_, firm in chain.firms.items():
            if id_ in (plant, self.scenario.leader):
                continue
            shown = self._name(id_)
            for label, rows in ((self.word("buys"), firm.bought), (self.word("sells"), firm.sold)):
                for order, row in rows.items():
                    if delay_of(row) == 0 or order not in self.scenario.orders:
                        continue
                    name = f"{self.scenario.item_name(id_, row['item'], self.word)} {order.partition('/')[2]}"
                    span = self.word.late(delay_of(row))
                    found.add_row(shown, Text(label, FAINT), name, Text(span, LATE), self._told(row))
                    shown = ""
        if found.row_count:
            self.screen.heading(self.word("between_see"))
            self.screen.put(found)
            self.screen.note(self.word("between_note"))

    def _told(self, row: Row) -> str:
        cause = row["cause"]
        if cause is None:
            return ""
        kind, tiers = self.word(f"kind_{cause['kind'].lower()}"), cause["tiers"]
        return f"{kind}, {self.word(_TIERS.get(tiers, 'tiers_more'))}"

    def absorbed(self, chain: Chain) -> None:
        """How many days of delay come into each firm and leave it, and what it takes up in between."""
        self.screen.heading(self.word("absorbed"))
        taken = self.word("col_absorbed")
        found = table(
            self.word("col_firm"), self.word("col_in"), taken, self.word("col_made"), taken, self.word("col_out")
        )
        for id_, firm in reversed(list(chain.firms.items())):
            bought, made, sold = firm.bought, firm.work, firm.sold
            if any(_worst(rows.values()) for rows in (bought, made, sold)):
                found.add_row(
                    self._name(id_), self._span(bought), self._taken(bought, made or sold), self._span(made),
                    self._taken(made, sold), self._span(sold),
                )  # fmt: skip
        self.screen.put_whole(found, 1)

    def _taken(self, before: Mapping[str, Row], after: Mapping[str, Row]) -> Text:
        """By how much less late it is after a step than before; nothing where there is no such step."""
        if not before or not after:
            return Text("")
        taken = _worst(before.values()) - _worst(after.values())
        return Text(f"−{self.word.span(taken)}" if taken > 0 else "–", GOOD if taken > 0 else FAINT)

    def _span(self, rows: Mapping[str, Row]) -> Text:
        minutes = _worst(rows.values())
        if not rows:
            return Text("")
        return Text(self.word.span(minutes) if minutes else self.word("on_time"), LATE if minutes else GOOD)

    # -- Compared ----------------------------------------------------------------------------------------------------

    def compared(
        self, happened: datetime, otherwise: Mapping[str, datetime], timed: Timed, hops: int, compare: Compare
    ) -> None:
        """When the leader knows, by each way."""
        self.screen.title(self.word("compare_title", who=self._name(self.scenario.leader)))
        found = table(self.word("col_way"), self.word("col_known"), self.word("col_after"))
        for way, known in otherwise.items():
            span = self.word.span(int((known - happened).total_seconds() // 60))
            found.add_row(self.word(f"way_{way}"), self._moment(known), Text(span, LATE))
        span = f"{timed.all_ms / 1000:.1f} s"
        found.add_row(self.word("way_here"), self._moment(happened), Text(span, GOOD))
        self.screen.put(found)
        self.screen.note(self.word("compare_note", hops=hops, phone=compare.phone_at, plan=compare.plan_at))

    def _moment(self, at: datetime) -> str:
        return f"{self.word.day(at.date())} {at:%H:%M}"


_TIERS = {"0": "tiers_0", "1": "tiers_1", "2": "tiers_2"}


def _worst(rows: Iterable[Row]) -> int:
    return max((row["delay_minutes"] or 0 for row in rows), default=0)
