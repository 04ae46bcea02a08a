"""A chain as files that people and sheets can read: one table per kind, and a page that says what is in them.

The same chain gives the same bytes. Deliberately lacks: reading them back; the seed makes the chain again.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.chains.chain import SITE, TIME_ZONE, UNIT, Chain
from infra.chains.shape import Shape

Row = Mapping[str, Any]


def contents(shape: Shape, chain: Chain) -> dict[str, str]:
    """File name to text. Moments are UTC, quantities pieces."""
    tables: dict[str, Iterable[Row]] = {
        "enterprises.csv": ({"enterprise": one.enterprise, "tier": one.tier} for one in chain.enterprises),
        "sites.csv": (
            {"enterprise": one.enterprise, "site": SITE, "time_zone": TIME_ZONE} for one in chain.enterprises
        ),
        "items.csv": (
            {"enterprise": one.enterprise, "item": one.item, "kind": one.kind, "unit": UNIT, "stock_known": one.tracked}
            for one in chain.items
        ),
        "agreements.csv": (asdict(one) for one in chain.agreements),
        "lanes.csv": _lanes(chain),
        "stock.csv": ({**asdict(one), "site": SITE} for one in chain.stock),
        "order-lines.csv": (
            {
                "buyer": line.buyer, "number": line.number, "line": line.line, "seller": line.seller,
                "buyer_item": line.part, "seller_item": line.product, "quantity": line.quantity,
                "due_on": line.due_on.isoformat(), "due_at": _text(line.due), "ships_at": _text(line.start),
                "stock_known": line.tracked,
            }
            for line in chain.lines
        ),
        "work-orders.csv": (
            {
                "owner": one.owner, "work": one.work, "item": one.item, "quantity": one.quantity,
                "starts_at": _text(one.start), "finishes_at": _text(one.due), "bought_in": not one.components,
            }
            for one in chain.work
        ),
        "components.csv": (
            {"owner": one.owner, "work": one.work, "item": needed.item, "quantity": needed.quantity}
            for one in chain.work
            for needed in one.components
        ),
        "slips.csv": (
            {
                "slip": one.slip, "reported_at": _text(one.reported_at), "enterprise": one.enterprise,
                "flow": one.flow, "expected_at": _text(one.estimated_finish),
                "days_late": one.late_minutes // (24 * 60), "reason": one.reason,
                "taken_back_at": "" if one.taken_back_at is None else _text(one.taken_back_at),
            }
            for one in chain.slips
        ),
    }  # fmt: skip
    made = {name: _table(rows) for name, rows in tables.items()}
    return {"README.md": _page(shape, made), **made}


def write(folder: Path, shape: Shape, chain: Chain) -> dict[str, int]:
    """Write the files into a folder, which is made; file name to the rows in it. OSError as the system gives it."""
    folder.mkdir(parents=True, exist_ok=True)
    made = contents(shape, chain)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return {name: _rows(text) for name, text in made.items() if name.endswith(".csv")}


def _rows(text: str) -> int:
    return max(0, text.count("\n") - 1)


def _lanes(chain: Chain) -> Iterator[Row]:
    for one in chain.agreements:
        yield {
            "from": f"{one.seller}/{SITE}", "to": f"{one.buyer}/{SITE}", "item": one.product,
            "lead_time_minutes": one.lead_minutes,
        }  # fmt: skip


def _text(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _table(rows: Iterable[Row]) -> str:
    out = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(out, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()})
    return out.getvalue()


def _page(shape: Shape, made: Mapping[str, str]) -> str:
    known = "\n".join(f"- {one.name.replace('_', ' ')}: {getattr(shape, one.name)}" for one in fields(shape))
    files = "\n".join(f"- `{name}`: {_rows(text):,} rows" for name, text in made.items())
    return f"""# A generated supply chain

Made from this shape; the same shape makes the same files:

{known}

Tier 0 leads, tier n supplies tier n - 1. Everything is open: nothing has started, and without a slip everything is in
time. A line whose stock is not known comes from a seller who gives orders and promises and nothing else. Moments are
UTC, quantities are pieces. `slips.csv` says who reports when that which flow ends later, and when that is taken back.

{files}
"""
