"""Nobody sees a byte of an enterprise that is not its direct partner, in anything that the three services show.

Random chains are played through all three services, and every name, id, item, quantity and reference in them is a
secret of those who may know it. Searched is all that an enterprise can get: its records of the feeds with their
envelopes and headers, its views' rows and their ids, the JSON of the answers, the refusals of its commands; and, for
everybody's secrets, what the services log. The last test leaks on purpose, field by field, and must be found out.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

import services.fulfillment.cause_view as cause_view
import services.fulfillment.views as fulfillment_views
import services.fulfillment.work_view as work_view
import services.inventory.views as inventory_views
import services.order.line_view as line_view
import services.order.naming as naming
import services.order.outlook as outlook
import services.order.parties as parties
import services.order.progress as progress
import services.order.promising as promising
import services.order.views as order_views
from services.chain.causes import Cause
from services.chain.pool_facts import SupplyPart
from services.chain.quantities import MILLIONTHS_PER_UNIT
from services.fulfillment.expecting import FlowReckoned
from services.fulfillment.shipment_facts import ShipmentLinePlanned, ShipmentReceived, ShipmentShipped
from services.inventory.pool_rows import Supply, supply_row
from services.kernel import processor
from services.kernel.batch import Record
from services.kernel.codec import Meta, to_json
from services.kernel.model import FeedRow, Rows
from services.kernel.row_codec import RowCodec
from services.kernel.values import EnterpriseId, Origin, Refused
from services.kernel.views import view_prefix
from services.order.line_view import OrderLineView
from services.order.order_facts import LineProgressRecorded
from services.order.references import References
from tests.support.backbone import Backbone
from tests.support.secret_chain import SecretChain, Secrets, forms

SEEDS = int(os.environ.get("CHAINFLOW_LEAK_STORIES", "24"))
SEEDS_OF_MUTANTS = 20

MISSING_LEAST = 100_000_000  # a smaller number may stand somewhere by accident

Shown = list[tuple[str, bytes]]


def told(seed: int) -> SecretChain:
    """A story of three to five tiers, told to its end."""
    chain = SecretChain(Backbone(seed), tiers=3 + seed % 3)
    chain.play()
    return chain


def shown(backbone: Backbone, viewer: str) -> Shown:
    """All that the enterprise can get: where it stands, and the bytes."""
    return [*_feeds(backbone, viewer), *_views(backbone, viewer), *_refusals(backbone, viewer)]


def _feeds(backbone: Backbone, viewer: str) -> Iterator[tuple[str, bytes]]:
    for service in backbone.services:
        for record in backbone.log.all(f"{service}-feed-v1"):
            if record.key == viewer.encode():
                yield f"{service}'s feed", record.value or b""
                yield f"headers of {service}'s feed", b"\0".join(value or b"" for _, value in record.headers)


def _views(backbone: Backbone, viewer: str) -> Iterator[tuple[str, bytes]]:
    for service, running in backbone.services.items():
        for view in running.domain.views:
            codec, prefix = RowCodec(view.row), view_prefix(viewer, view.name)
            for row_id, data in backbone.rows_of(service, viewer, prefix):
                answer = {"id": row_id[len(prefix) :].decode(), **to_json(codec.decode(data))}
                yield f"row of {service}'s {view.name}", data
                yield f"answer from {service}'s {view.name}", json.dumps(answer, ensure_ascii=False).encode()


def _refusals(backbone: Backbone, viewer: str) -> Iterator[tuple[str, bytes]]:
    for service, running in backbone.services.items():
        for record in backbone.log.all(f"{service}-outcomes-v1"):
            meta, outcome, _ = running.wires.outcomes.decode(record.value)
            if meta.enterprise == viewer:
                yield f"outcome of {service}", " ".join((outcome.code, outcome.advice, outcome.field)).encode()


def causes(backbone: Backbone) -> Iterator[tuple[str, str, Cause]]:
    """Buyer, seller and whole cause of each line that was late at some time: what must be reduced."""
    for meta, fact in backbone.events("order"):
        if isinstance(fact, LineProgressRecorded) and fact.expectation and fact.expectation.cause:
            cause = fact.expectation.cause
            yield meta.aggregate.split("/")[1], cause.hops[-1].enterprise, cause


def learn(chain: SecretChain) -> Secrets:
    """The secrets that came about as the story went on: what is missing somewhere, and the names of roots.

    And one that is none any more: what a seller had in stock, if just that was shipped or received.
    """
    secrets = chain.secrets
    buyers: dict[tuple[str, str], str] = {}
    for meta, fact in chain.backbone.events("fulfillment"):
        if isinstance(fact, ShipmentLinePlanned):
            buyers[meta.aggregate, fact.line] = fact.flow_key.split("/")[1]
        elif isinstance(fact, ShipmentShipped | ShipmentReceived):
            for part in fact.lines:
                secrets.seen_by.get(int(part.quantity.amount), set()).add(buyers[meta.aggregate, part.line])
    for _, _, cause in causes(chain.backbone):
        if (missing := cause.root.missing // MILLIONTHS_PER_UNIT) >= MISSING_LEAST:
            flow = cause.root.flow.split("/")
            sellers = [bought.seller.name for bought in chain.bought if bought.line == flow[-1]]
            secrets.seen_by.setdefault(missing, set()).update(flow[1:2], sellers)  # both see the parts of their line
    order = chain.backbone.wires("order").feed
    for record in chain.backbone.log.all("order-feed-v1"):
        meta, row, _ = order.decode(record.value)
        if isinstance(row, OrderLineView) and row.cause:
            secrets.seen_by.setdefault(row.cause.reference, {meta.enterprise})  # a second one must not have it as well
    return secrets


def leaks(chain: SecretChain, logged: str = "") -> list[str]:
    """Whatever stands where somebody can see it who must not."""
    secrets = learn(chain)
    found = [f"{secret} in the log" for secret in secrets.seen_by if any(f in logged.encode() for f in forms(secret))]
    for viewer in chain.names:
        places = shown(chain.backbone, viewer)
        everything = b"\n".join(data for _, data in places)
        for secret in secrets.kept_from(viewer):
            for form in forms(secret):
                if form in everything:
                    place = next((place for place, data in places if form in data), "two records")
                    found.append(f"{secret} of {sorted(secrets.seen_by[secret])} in the {place} of {viewer}")
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nobody_sees_what_is_others(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        chain = told(seed)
    letters = [letter for letter in chain.backbone.dead_letters() if letter.kind.value != "MALFORMED"]
    assert not letters, f"seed {seed}: {letters[0]}"
    found = leaks(chain, caplog.text)
    assert not found, f"seed {seed}: {len(found)} leaks, such as {found[:5]}"


def test_there_is_something_to_hide() -> None:
    """Delays do come from far, of each kind, and would name who neither buys nor sells the line."""
    far, kinds, missing = 0, set[str](), 0
    for seed in range(SEEDS_OF_MUTANTS):
        for buyer, seller, cause in causes(told(seed).backbone):
            kinds.add(cause.root.kind.value)
            missing += cause.root.missing // MILLIONTHS_PER_UNIT >= MISSING_LEAST
            far += bool({hop.enterprise for hop in cause.hops} - {buyer, seller})
    assert far > 20, "few causes that come from beyond the line's two parties"
    assert missing, "nothing was ever short by much"
    assert kinds >= {"reported", "silent", "lost", "short", "planned", "shared"}, kinds


# --- Leaks on purpose: each must be found -----------------------------------------------------------------------------

Patch = pytest.MonkeyPatch


def _reason(of: Callable[[Cause], str]) -> Callable[[Patch], None]:
    """The order keeps something of the whole cause where only the word on the line itself belongs."""
    kept = outlook._kept
    return lambda patch: patch.setattr(outlook, "_kept", lambda cause: replace(kept(cause), reason=of(cause)))


def _root_as_reference(patch: Patch) -> None:
    shown_cause = line_view._cause

    def leaking(cause: Any, *others: Any) -> Any:
        seen = shown_cause(cause, *others)
        return seen and replace(seen, reference=cause.root)

    patch.setattr(line_view, "_cause", leaking)


def _references_without_viewer(patch: Patch) -> None:
    to = References.to
    patch.setattr(References, "to", lambda self, viewer, root: to(self, EnterpriseId(""), root))


def _partners_reference(patch: Patch) -> None:
    both = line_view.line_views

    def leaking(*of: Any) -> Any:
        for_buyer, for_seller = both(*of)
        return replace(for_buyer, cause=for_seller.cause), for_seller

    patch.setattr(order_views, "line_views", leaking)


def _supply_unit(of: Callable[[SupplyPart], str]) -> Callable[[Patch], None]:
    """The pool shows in its supplies' rows something that came with a part of the supply."""
    pool_rows = inventory_views._pool_rows

    def leaking(enterprise: Any, site: Any, item: Any, rows: Any, *others: Any) -> Iterator[FeedRow]:
        for feed in pool_rows(enterprise, site, item, rows, *others):
            if isinstance(feed.row, inventory_views.SupplyRow):
                supply: Supply = rows.get(supply_row(feed.row.flow_key, feed.row.supply))
                yield replace(feed, row=replace(feed.row, unit=of(supply.parts[-1]) if supply.parts else ""))
            else:
                yield feed

    return lambda patch: patch.setattr(inventory_views, "_pool_rows", leaking)


def _reason_of_work(patch: Patch) -> None:
    class_of = cause_view.shown_to_owner
    patch.setattr(
        work_view, "shown_to_owner", lambda key, cause: (class_of(key, cause)[0], cause.root.reason if cause else "")
    )


def _reason_of_flow(patch: Patch) -> None:
    flow_row = fulfillment_views._flow_row

    def leaking(key: Any, terms: Any, head: Any, told: FlowReckoned, *others: Any) -> Any:
        cause = told.expectation and told.expectation.cause
        return replace(flow_row(key, terms, head, told, *others), reason=cause.root.reason if cause else "")

    patch.setattr(fulfillment_views, "_flow_row", leaking)


def _cover(patch: Patch) -> None:
    of_seller = fulfillment_views._cover_for_seller
    patch.setattr(fulfillment_views, "_cover_for_buyer", lambda terms, head: of_seller(head))


def _planned_shipments(patch: Patch) -> None:
    patch.setattr(fulfillment_views, "_left_or_came", lambda _: True)
    patch.setattr(fulfillment_views, "_quantity", lambda what, _: what.quantity)


def _envelope(patch: Patch) -> None:
    def leaking(id_: str, key: str, version: int, viewer: Any, meta: Meta, record: Record) -> Meta:
        return replace(meta, id=id_, aggregate=key, version=version, enterprise=viewer)

    patch.setattr(processor, "_about_row", leaking)


def _refusal(patch: Patch) -> None:
    asked = parties.order_of_seller

    def leaking(rows: Rows, origin: Origin) -> Any:
        head, found = rows.get("head"), asked(rows, origin)
        return replace(found, advice=f"ask {head.seller}") if head and isinstance(found, Refused) else found

    patch.setattr(promising, "order_of_seller", leaking)


def _logged_cause(patch: Patch) -> None:
    record = progress.record_progress

    def leaking(rows: Rows, command: Any, origin: Origin) -> Any:
        logging.getLogger("chainflow.order").info("progress of %s: %s", command.line, command.expectation)
        return record(rows, command, origin)

    patch.setattr(progress, "record_progress", leaking)


MUTANTS: dict[str, Callable[[Patch], None]] = {
    "root as the reference": _root_as_reference,
    "one reference for all viewers": _references_without_viewer,
    "the partner's own reference": _partners_reference,
    "reason of the root": _reason(lambda cause: cause.root.reason),
    "flow of the root": _reason(lambda cause: cause.root.flow),
    "event of the root": _reason(lambda cause: cause.root.event),
    "what was served first": _reason(lambda cause: cause.root.culprit),
    "what is missing at the root": _reason(lambda cause: str(cause.root.missing)),
    "enterprise of the first hop": _reason(lambda cause: cause.hops[0].enterprise),
    "flow of the last hop but one": _reason(lambda cause: cause.hops[-2].flow if len(cause.hops) > 1 else ""),
    "path of a supply": _supply_unit(lambda part: part.path[0].flow if part.path else ""),
    "trail of a supply": _supply_unit(lambda part: part.trail[0].flow if part.trail else ""),
    "root of a supply": _supply_unit(lambda part: part.cause.root.flow if part.cause else ""),
    "reason of others' work": _reason_of_work,
    "reason of a line's root": _reason_of_flow,
    "what the seller's stock covers of a line": _cover,
    "what a shipment is to take": _planned_shipments,
    "name without leave": lambda patch: patch.setattr(naming, "naming_key", lambda viewer: "head"),
    "envelope of what a row follows from": _envelope,
    "refusal that names the seller": _refusal,
    "cause in the log": _logged_cause,
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_leak_is_found(mutant: str, monkeypatch: Patch, caplog: pytest.LogCaptureFixture) -> None:
    MUTANTS[mutant](monkeypatch)
    for seed in range(SEEDS_OF_MUTANTS):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            chain = told(seed)
        if leaks(chain, caplog.text):
            return
    pytest.fail(f"{SEEDS_OF_MUTANTS} stories, and nobody noticed")
