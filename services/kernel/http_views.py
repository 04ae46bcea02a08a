"""View endpoints: rows of one enterprise's views, filtered and paged, with one's own writes in them if asked.

Owns: cursors, filters, the wait for one's own write. Deliberately lacks: joins and sums over all rows; views that need
a sum keep it.
"""

import asyncio
import base64
import binascii
import re
from dataclasses import dataclass, fields
from typing import Any

import orjson
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.kernel.app import KernelApp
from services.kernel.codec import to_json
from services.kernel.json_models import body_model, to_dataclass
from services.kernel.lease import Lease
from services.kernel.owners import RETRY, Owners
from services.kernel.partitioner import partition_of
from services.kernel.problems import problem
from services.kernel.processor import ID, DomainProcessor
from services.kernel.row_codec import RowCodec
from services.kernel.views import view_prefix
from services.kernel.watermarks import written_end

PAGE_ROWS = 100
PAGE_ROWS_MAX = 1_000
SCAN_ROWS_MAX = 20_000
SCAN_ROWS_AT_ONCE = 500  # then the event loop gets its turn
WAIT_SECONDS_MAX = 10.0
POSITION = re.compile(r"([0-9]{1,9}):([0-9]{1,18})")
RESERVED = frozenset({"cursor", "limit", "after", "id"})


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as JSON values, and the cursor of the next page (empty at the end)."""

    rows: list[dict[str, Any]]
    cursor: str


class BadQuery(Exception):
    """A query that can not be answered: what is wrong, and the parameter."""

    def __init__(self, advice: str, field: str) -> None:
        super().__init__(advice)
        self.advice, self.field = advice, field


class ViewEndpoints:
    """The query side of one service's HTTP shell."""

    def __init__(self, service: DomainProcessor, app: KernelApp, owners: Owners) -> None:
        self._service, self._app, self._owners = service, app, owners
        self._codecs = {view.name: RowCodec(view.row) for view in service.domain.views}
        self.router = APIRouter()
        for view in service.domain.views:
            names = ", ".join(_shown_name(field.name) for field in fields(view.row))
            self.router.add_api_route(
                f"/v1/{{enterprise}}/views/{view.name}", self._endpoint(view.name), methods=["GET"], tags=["views"],
                summary=f"{view.name}: rows of the enterprise", name=f"view {view.name}",
                description=f"{view.row.__doc__}\n\nFilter by any of: {names}. Page with limit and cursor; "
                "id gives one row; after=<position> waits until the write at that position can be seen.",
            )  # fmt: skip

    def _endpoint(self, view: str) -> Any:
        async def endpoint(
            request: Request, enterprise: str, limit: int = PAGE_ROWS, cursor: str = "", after: str = "", id: str = ""
        ) -> Response:
            if not ID.fullmatch(enterprise):
                return problem(422, "bad-id", "ids are 1 to 64 characters, without / and control", "enterprise")
            partition = partition_of(enterprise.encode(), self._service.partitions)
            lease = self._owners.lease(partition)
            if lease is None:
                return await self._owners.forward(request, partition)
            wanted = {name: value for name, value in request.query_params.items() if name not in RESERVED}
            try:
                if after and not await self.seen(lease, after):
                    return problem(503, "not-yet", "the write is not in the view yet; ask again", "after", RETRY)
                if id:
                    page = self._one(lease, enterprise, view, id)
                else:
                    page = await self.page(lease, enterprise, view, wanted, min(limit, PAGE_ROWS_MAX), cursor)
            except BadQuery as error:
                return problem(422, "bad-query", error.advice, error.field)
            return Response(orjson.dumps({"rows": page.rows, "cursor": page.cursor}), media_type="application/json")

        return endpoint

    def _one(self, lease: Lease, enterprise: str, view: str, row_id: str) -> Page:
        data = lease.store.rows.get(view_prefix(enterprise, view) + row_id.encode())
        return Page([{"id": row_id, **to_json(self._codecs[view].decode(data))}] if data else [], "")

    async def rows(self, enterprise: str, view: str, row_ids: tuple[str, ...]) -> dict[str, Any]:
        """Rows by their ids, here or from the owner of the enterprise's partition; what does not exist is left out."""
        partition, prefix = partition_of(enterprise.encode(), self._service.partitions), view_prefix(enterprise, view)
        lease, found = self._owners.lease(partition), {}
        for row_id in row_ids:
            if lease is not None:
                data = lease.store.rows.get(prefix + row_id.encode())
                row = self._codecs[view].decode(data) if data else None
            else:
                row = await self._row_elsewhere(enterprise, view, row_id, partition)
            if row is not None:
                found[row_id] = row
        return found

    async def _row_elsewhere(self, enterprise: str, view: str, row_id: str, partition: int) -> Any | None:
        rows = await self._owners.ask(partition, f"/v1/{enterprise}/views/{view}", {"id": row_id})
        shape = self._service.view_rows[view]
        for row in rows.get("rows", ()):
            del row["id"]
            return to_dataclass(shape, body_model(shape).model_validate(row), {})
        return None

    async def page(
        self, lease: Lease, enterprise: str, view: str, wanted: dict[str, str], limit: int, cursor: str
    ) -> Page:
        """Rows that fit all filters, in the order of their ids. A page may be short and still have a next one."""
        shape = self._service.view_rows[view]
        known = {_shown_name(field.name) for field in fields(shape)}
        if odd := [name for name in wanted if name not in known]:
            raise BadQuery(f"rows have the fields {', '.join(sorted(known))}", odd[0])
        if limit < 1:
            raise BadQuery("a page has at least one row", "limit")
        prefix, codec, rows = view_prefix(enterprise, view), self._codecs[view], []
        last, scanned = _decode_cursor(view, cursor), 0
        found = lease.store.scan(prefix, prefix + last if last else b"")
        while True:
            chunk = [entry for _, entry in zip(range(SCAN_ROWS_AT_ONCE), found, strict=False)]
            for row_id, data in chunk:
                last = row_id[len(prefix) :]
                row = to_json(codec.decode(data))
                if all(_text(row[name]) == value for name, value in wanted.items()):
                    rows.append({"id": last.decode(), **row})
                    if len(rows) >= limit:
                        return Page(rows, _encode_cursor(view, last))
            scanned += len(chunk)
            if len(chunk) < SCAN_ROWS_AT_ONCE:
                return Page(rows, "")
            if scanned >= SCAN_ROWS_MAX:
                return Page(rows, _encode_cursor(view, last))
            await asyncio.sleep(0)  # rows may change meanwhile: start again behind the last one seen
            found = lease.store.scan(prefix, prefix + last)

    async def seen(self, lease: Lease, position: str) -> bool:
        """Wait until the command at that position is decided and the view has passed all that was written by then."""
        found = POSITION.fullmatch(position)
        if found is None or int(found[1]) >= self._service.partitions:
            raise BadQuery("a position is what an outcome gave as position, such as 2:1044", "after")
        partition, offset = int(found[1]), int(found[2])
        name = self._service.domain.name
        commands, feed = f"{name}-commands-v1", f"{name}-feed-v1"
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await self._decided(TopicPartition(commands, partition), offset)
                # Not the last stable offset: our row may lie behind the open transaction of another partition, or our
                # own transaction's marker may be on its way still, and either would be taken for seen.
                end = await written_end(self._app.consumer._thread, TopicPartition(feed, lease.partition))
                while lease.open and lease.position.get(feed, 0) < end:
                    lease.moved.clear()
                    await lease.moved.wait()
        except (TimeoutError, KafkaError):
            return False
        return lease.open

    async def _decided(self, command: TopicPartition, offset: int) -> None:
        own = self._owners.lease(command.partition)
        while True:
            if own is not None and own.open:
                if own.position.get(command.topic, 0) > offset:
                    return
                own.moved.clear()
                await own.moved.wait()
            else:
                if await self._app.consumer._thread.group_position(command) > offset:
                    return
                await asyncio.sleep(0.02)


def _shown_name(name: str) -> str:
    return name.removesuffix("_ms")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _encode_cursor(view: str, row_id: bytes) -> str:
    return base64.urlsafe_b64encode(f"{view}\0".encode() + row_id).decode()


def _decode_cursor(view: str, cursor: str) -> bytes:
    """The id of the last row seen; raises BadQuery for anything but a cursor of this view."""
    if not cursor:
        return b""
    try:
        name, found, row_id = base64.b64decode(cursor, altchars=b"-_", validate=True).partition(b"\0")
    except (binascii.Error, ValueError):
        found = b""
    if not found or name != view.encode():
        raise BadQuery("use the cursor of the page before, as it was given", "cursor")
    return row_id
