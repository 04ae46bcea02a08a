"""Everything the three services wrote, read back from the beginning and held against what clients were told.

Owns: the judgement of a run. Deliberately lacks: running anything, and the laws themselves (tests.support.laws).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import services.fulfillment.wire as fulfillment_wire
import services.inventory.wire as inventory_wire
import services.order.wire as order_wire
from services.kernel.codec import Meta
from services.kernel.messages import Outcome, OutcomeStatus
from services.kernel.processor import DomainProcessor
from services.kernel.row_codec import RowCodec
from services.kernel.store import Store
from services.kernel.views import Views
from tests.chaos.backbone_clients import Account, Answer
from tests.chaos.logs import read_all
from tests.chaos.workload import Verdict
from tests.support.laws import (
    ViewRows,
    domain_rows,
    flow_breaches,
    fold,
    inbound_flows,
    stock_breaches,
    version_gaps,
)

PARTITIONS = 4
SERVICES: dict[str, DomainProcessor] = {
    module.DOMAIN.name: DomainProcessor(module.DOMAIN, module.WIRES, PARTITIONS)
    for module in (order_wire, inventory_wire, fulfillment_wire)
}
VIEW = b"view/"


@dataclass(slots=True)
class Read:
    """One service's logs. ``table``: the changelog, folded; ``views``: the rows of views that follow from the feed."""

    service: DomainProcessor
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    events: list[tuple[Meta, Any]] = field(default_factory=list)
    table: dict[bytes, bytes] = field(default_factory=dict)
    views: dict[bytes, bytes] = field(default_factory=dict)
    dead_letters: list[Any] = field(default_factory=list)
    feed_rows: int = 0

    def view(self, name: str) -> ViewRows:
        """Enterprise to row id to row, as the table has them."""
        codec = RowCodec(self.service.view_rows[name])
        found: dict[str, dict[str, Any]] = {}
        for row_id, data in self.table.items():
            if row_id.startswith(VIEW):
                place, _, entry = row_id[len(VIEW) :].decode().partition("\0")
                enterprise, _, view = place.partition("/")
                if view == name:
                    found.setdefault(enterprise, {})[entry] = codec.decode(data)
        return found


async def read_back(bootstrap: str, name: str) -> Read:
    """All committed records of one service's own topics. Raises LogStuck, Malformed."""
    read, wires = Read(SERVICES[name]), SERVICES[name].wires

    async def records(what: str) -> Any:
        async for tp, record in read_all(bootstrap, f"{name}-{what}-v1", PARTITIONS):
            yield tp.partition, record

    async for _, record in records("outcomes"):
        outcome = wires.outcomes.decode(record.value)[1]
        read.outcomes.setdefault(outcome.command_id, []).append(outcome)
    async for _, record in records("events"):
        meta, fact, _ = wires.events.decode(record.value)
        read.events.append((meta, fact))
    async for _, record in records("dead-letters"):
        read.dead_letters.append(wires.dead_letters.decode(record.value)[1])
    stores = [Store() for _ in range(PARTITIONS)]
    async for partition, record in records("changelog"):
        stores[partition].apply([(record.key, record.value)])
    for store in stores:
        read.table.update(store.rows)
    stores = [Store() for _ in range(PARTITIONS)]
    keepers = [Views(read.service.domain.views, store) for store in stores]
    async for partition, record in records("feed"):
        read.feed_rows += 1
        keeper = keepers[partition]
        _, row, extras = wires.feed.decode(record.value)
        keeper.take(record.key.decode(), extras["view"], extras["row_id"], None if extras.get("removed") else row)
        stores[partition].apply(list(keeper.encoded()))
        keeper.committed()
    for store in stores:
        read.views.update(store.rows)
    return read


def judge(reads: Mapping[str, Read], account: Account, verdict: Verdict) -> None:
    """All that can be said from the logs and the account; adds to the verdict."""
    judge_account(account, verdict)
    for name, read in reads.items():
        judge_outcomes(name, read, account, verdict)
        judge_tables(name, read, verdict)
        for letter in read.dead_letters:
            what = f"{letter.kind.value} {letter.reason} {letter.detail[:200]}"
            verdict.blame("dead letter", f"{name}: {what}, {letter.topic}[{letter.partition}]@{letter.offset}")
    for breach in stock_breaches(reads["inventory"].events, reads["inventory"].view("stock")):
        verdict.blame("stock not conserved", breach)
    verdict.facts["events"] = f"{sum(len(read.events) for read in reads.values()):,}"
    verdict.facts["rows of views on their way"] = f"{sum(read.feed_rows for read in reads.values()):,}"


def judge_shipments(reads: Mapping[str, Read], verdict: Verdict) -> int:
    """What one service says left and came, the others know; gives the number of lines of which something shipped."""
    lines, flows = reads["order"].view("order-lines"), reads["fulfillment"].view("flows")
    for breach in flow_breaches(reads["inventory"].events, lines, flows):
        verdict.blame("services disagree", breach)
    met = [row for _, row in inbound_flows(flows)]
    shipped = sum(bool(row.shipped) for row in met)
    verdict.facts["order lines"] = f"{len(met):,} confirmed, {shipped:,} shipped"
    return shipped


def judge_account(account: Account, verdict: Verdict) -> None:
    """What clients saw by themselves."""
    counts = account.counts
    verdict.inputs = len(account.sent)
    verdict.facts["commands"] = (
        f"{len(account.sent):,} sent, {counts['accepted']:,} accepted, {counts['refused']:,} refused; "
        f"{counts['sent again']:,} sendings repeated for want of an answer, {counts['asked again']:,} on purpose"
    )
    for conflict in account.conflicts:
        verdict.blame("answered differently twice", conflict)
    for what in account.invalid:
        verdict.blame("invalid", what)
    for id_ in account.unanswered:
        verdict.blame("unanswered", id_)


def judge_outcomes(name: str, read: Read, account: Account, verdict: Verdict) -> None:
    """One outcome for each command, equal to what was told, and as many events as it says."""
    caused: Counter[str] = Counter(meta.causation_id for meta, _ in read.events)
    told = {id_: account.answers.get(id_) for id_, service in account.sent.items() if service == name}
    verdict.outputs += sum(map(len, read.outcomes.values()))
    for id_ in read.outcomes.keys() - told.keys():
        verdict.blame("beyond", f"{id_} was never sent, and has an outcome")
    for id_, answer in told.items():
        found = read.outcomes.get(id_, [])
        verdict.blame("duplicate", f"{id_} has {len(found)} outcomes: {found[:2]}"[:600], max(0, len(found) - 1))
        if answer is None:
            continue
        if not found:
            verdict.blame("missing", f"{id_} was told {answer}, and has no outcome")
        elif (right := as_told(found[0])) != told_part(answer):
            verdict.blame("answer differs", f"{id_}: told {answer}, the log has {right}"[:600])
    for id_, found in read.outcomes.items():
        first = found[0]
        wanted = first.events if first.status is OutcomeStatus.ACCEPTED else 0
        if caused[id_] != wanted:
            verdict.blame("events of a command", f"{name} {id_}: {caused[id_]} in the log, the outcome says {wanted}")


def as_told(outcome: Outcome) -> Answer:
    """An outcome as a client is told it."""
    return {
        "status": outcome.status.value, "aggregate": outcome.aggregate, "version": outcome.version,
        "events": outcome.events, "command_id": outcome.command_id.partition("/")[2],
        "position": f"{outcome.partition}:{outcome.offset}",
        "code": outcome.code, "advice": outcome.advice, "field": outcome.field,
    }  # fmt: skip


def told_part(answer: Answer) -> Answer:
    """An answer with what it leaves out."""
    return {"code": "", "advice": "", "field": ""} | answer


def judge_tables(name: str, read: Read, verdict: Verdict) -> None:
    """Versions without gaps; the table is the fold of the log, its views are what the feed says, byte by byte."""
    for gap in version_gaps(read.events):
        verdict.blame("gap or disorder", f"{name}: {gap}")
    try:
        wanted = fold(read.service, read.events)
    except Exception as error:  # a log with a gap may not fold at all
        verdict.blame("does not fold", f"{name}: {error!r}")
        return
    _compare(f"{name}'s table", domain_rows(read.table), wanted, verdict)
    kept = {row_id: data for row_id, data in read.table.items() if row_id.startswith(VIEW)}
    _compare(f"{name}'s views", kept, read.views, verdict)
    verdict.facts[f"rows of {name}"] = f"{len(wanted):,} of aggregates, {len(kept):,} of views"


def _compare(what: str, kept: Mapping[bytes, bytes], wanted: Mapping[bytes, bytes], verdict: Verdict) -> None:
    for row_id in kept.keys() | wanted.keys():
        if kept.get(row_id) != wanted.get(row_id):
            verdict.blame("wrong row", f"{what}: {row_id!r} is {kept.get(row_id)!r}, should be {wanted.get(row_id)!r}")
