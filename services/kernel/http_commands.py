"""Command endpoints: a checked body becomes a record on the command topic, and its outcome the answer.

Owns: idempotency keys, expected versions, time-outs (202 and where to ask again), batches. The tenant is the path's.
Deliberately lacks: decisions. A handler knows neither rows nor rules.
"""

import asyncio
import inspect
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import orjson
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from services.kernel.asking import Asked, Asking, Sent, TooBusy
from services.kernel.codec import Meta, Unencodable, Wire, headers, to_json
from services.kernel.http_views import ViewEndpoints
from services.kernel.json_models import body_model, to_dataclass
from services.kernel.lease import Lease
from services.kernel.messages import Outcome
from services.kernel.outcomes import Outcomes
from services.kernel.owners import RETRY, WAIT_SECONDS, NobodyOwns, Owners, wait_seconds
from services.kernel.partitioner import partition_of
from services.kernel.problems import NO_CODES, problem, refusal
from services.kernel.processor import ID, KEY_CHARS_MAX, DomainProcessor
from services.kernel.values import EnterpriseId, Refused

VERSION = re.compile(r'(?:W/)?"?([1-9][0-9]{0,17})"?')
BODY_BYTES_MAX = 256 * 1024
BATCH_BYTES_MAX = 4 * 1024 * 1024
BATCH_COMMANDS_MAX = 2_000
LOOKS_MAX, LOOK_SECONDS = 10, 0.1
"""Rows of views follow what they show by a moment: who says two things one right after the other is not told that the
first never was. A batch is not held up for that."""
BAD_ID = "ids are 1 to 64 characters, without / and control characters"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A body that may leave out what a view's rows give.

    ``needs`` names the rows' ids, ``fill`` makes the command of the body and the rows that were found.
    """

    body: type
    view: str
    needs: Callable[[EnterpriseId, Any], tuple[str, ...]]
    fill: Callable[[EnterpriseId, Any, dict[str, Any]], Any | Refused]


@dataclass(frozen=True, slots=True)
class CommandRoute:
    """One command's address under ``/v1/{enterprise}``; names in braces are fields of the command."""

    method: str
    path: str
    command: type
    summary: str
    sheet: Sheet | None = None

    @property
    def body(self) -> type:
        """What its body is checked against."""
        return self.sheet.body if self.sheet else self.command


class CommandEndpoints:
    """The command side of one service's HTTP shell."""

    def __init__(
        self,
        service: DomainProcessor,
        asking: Asking,
        owners: Owners,
        views: ViewEndpoints,
        routes: tuple[CommandRoute, ...],
    ) -> None:
        self._views = views
        self._service, self._asking, self._owners = service, asking, owners
        self._wire: Wire = service.wires.commands
        self._source = f"/{service.domain.name}/front-door"
        self._by_name = {route.command.__name__: route for route in routes}
        # "order-unknown" where an order is what the address names; "unit-unknown" is a fault of the body.
        nouns = {name for route in routes for name in re.findall(r"{(\w+)}", route.path)} | set(service.by_kind)
        self._not_found = frozenset(f"{noun.replace('_', '-')}-unknown" for noun in nouns)
        self.router = APIRouter()
        for route in routes:
            self._add(route)
        self.router.add_api_route(
            "/v1/{enterprise}/commands",
            self._batch,
            methods=["POST"],
            summary="Many commands at once",
            tags=["commands"],
        )
        self.router.add_api_route(
            "/v1/{enterprise}/outcomes/{command_id}", self._outcome, methods=["GET"],
            summary="What became of a command", tags=["commands"],
        )  # fmt: skip

    def _add(self, route: CommandRoute) -> None:
        names: list[str] = re.findall(r"{(\w+)}", route.path)
        known = {field.name for field in fields(route.body)}
        if odd := [name for name in names if name not in known]:
            raise TypeError(f"{route.path}: {route.command.__name__} has no field {', '.join(odd)}")
        model = body_model(route.body, frozenset(names))

        async def endpoint(request: Request, enterprise: str, body: BaseModel, **path: str) -> Response:
            raw = await request.body()
            return await self.send(request, EnterpriseId(enterprise), route, body, path, raw)

        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            inspect.Parameter("request", keyword, annotation=Request),
            inspect.Parameter("enterprise", keyword, annotation=str),
            *(inspect.Parameter(name, keyword, annotation=str) for name in names),
            inspect.Parameter("body", keyword, annotation=model),
        ]
        endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        self.router.add_api_route(
            f"/v1/{{enterprise}}{route.path}", endpoint, methods=[route.method], summary=route.summary,
            name=route.command.__name__, description=(route.command.__doc__ or "").strip(), tags=["commands"],
        )  # fmt: skip

    async def send(
        self,
        request: Request,
        enterprise: EnterpriseId,
        route: CommandRoute,
        body: BaseModel,
        path: dict[str, str],
        raw: bytes,
    ) -> Response:
        """Produce one command here or at its owner, and answer with its outcome."""
        if len(raw) > BODY_BYTES_MAX:
            return problem(413, "body-too-large", f"send at most {BODY_BYTES_MAX // 1024} KiB a command")
        if bad := [name for name, value in {"enterprise": enterprise, **path}.items() if not ID.fullmatch(value)]:
            return problem(422, "bad-id", BAD_ID, bad[0])
        try:
            made = await self._command_of(enterprise, route, to_dataclass(route.body, body, dict(path)), LOOKS_MAX)
            if isinstance(made, Refused):
                return refusal(made, self._not_found)
            key = self._service.by_command[route.command].key(made, enterprise)
            partition = partition_of(key.encode(), self._service.partitions)
        except NobodyOwns as error:
            return problem(503, "moving", f"{error}; send it again", headers=RETRY)
        except UnicodeEncodeError as error:  # JSON can escape half a character
            return problem(422, "invalid-input", f"a text is not whole: {error.reason}")
        lease = self._owners.lease(partition)
        if lease is None:
            return await self._owners.forward(request, partition, raw)
        id_ = request.headers.get("idempotency-key", "")
        if id_ and not ID.fullmatch(id_):
            return problem(422, "bad-id", "an Idempotency-Key is 1 to 64 characters without / and control characters")
        expected = VERSION.fullmatch(request.headers["if-match"]) if "if-match" in request.headers else None
        if expected is None and "if-match" in request.headers:
            return problem(422, "bad-version", 'If-Match takes the version that an ETag gave, such as "7"')
        version, actor = int(expected[1]) if expected else 0, request.headers.get("x-actor", "")
        try:
            asked = self._asked(enterprise, made, key, partition, id_, version, actor, _said(path, raw))
        except Unencodable as error:
            return problem(422, "invalid-input", str(error))
        if id_ and (known := self._known(asked, lease)) is not None:
            return answer(known, self._not_found)
        try:
            outcome, offset = await self._asking.ask(asked, wait_seconds(request), self._here(partition))
        except TooBusy as error:
            return problem(429, "too-busy", str(error), headers=RETRY)
        except KafkaError as error:
            detail = f"the log does not take it now ({error}); send it again under the same Idempotency-Key"
            return problem(503, "log-unavailable", detail, headers=RETRY)
        if outcome is None:
            return self._accepted(enterprise, asked, offset)
        return answer(outcome, self._not_found)

    def _known(self, asked: Asked, lease: Lease) -> Outcome | None:
        """The outcome of a command that was decided already: it need not go through the log once more."""
        kept = self._kept(lease, asked.command_id, asked.key.decode())
        return kept if kept is not None and kept.fingerprint == asked.fingerprint else None

    def _kept(self, lease: Lease, command_id: str, key: str) -> Outcome | None:
        """What is remembered under a command's id, whatever its body was."""
        kept = Outcomes(lease.store).find(command_id)
        return None if kept is None else self._service.outcome(command_id, key, lease.partition, kept)

    def _here(self, partition: int) -> Callable[[], bool]:
        return lambda: self._owners.lease(partition) is not None

    async def _command_of(
        self, enterprise: EnterpriseId, route: CommandRoute, body: Any, looks: int = 1
    ) -> Any | Refused:
        """The command of a body, or why there is none; of rows that it needs, after so many looks for them."""
        if route.sheet is None:
            return body
        needed = route.sheet.needs(enterprise, body)
        while True:
            rows = await self._views.rows(enterprise, route.sheet.view, needed) if needed else {}
            made, looks = route.sheet.fill(enterprise, body, rows), looks - 1
            if not (needed and looks and isinstance(made, Refused)):
                return made
            await asyncio.sleep(LOOK_SECONDS)

    def _asked(
        self, enterprise: str, command: Any, key: str, partition: int, id_: str, expected: int, actor: str, said: bytes
    ) -> Asked:
        if "\0" in key:
            raise Unencodable(BAD_ID)
        id_ = f"{enterprise}/{id_ or uuid.uuid4().hex}"  # with what neither has in it: no tenant meets another's ids
        meta = Meta(
            id=id_, correlation_id=id_, occurred_at_ms=time.time_ns() // 1_000_000,
            enterprise=enterprise, aggregate=key, version=expected, actor=actor,
        )  # fmt: skip
        print_ = blake2b(b"\0".join((type(command).__name__.encode(), key.encode(), said)), digest_size=8).digest()
        head = headers(meta, self._wire.type_names[type(command)], self._source)
        return Asked(id_, print_, key.encode(), partition, self._wire.encode(meta, command), head)

    def _accepted(self, enterprise: str, asked: Asked, offset: int) -> Response:
        id_ = asked.command_id.partition("/")[2]
        body = {"status": "PENDING", "command_id": id_, "position": f"{asked.partition}:{offset}"}
        where = f"/v1/{quote(enterprise)}/outcomes/{quote(id_)}?key={quote(asked.key, safe='')}"
        return Response(orjson.dumps(body), 202, headers={"Location": where}, media_type="application/json")

    async def _outcome(self, request: Request, enterprise: str, command_id: str, key: str) -> Response:
        """The outcome of a command, found by its id and the key of its aggregate (as the 202's Location says)."""
        if not (ID.fullmatch(enterprise) and ID.fullmatch(command_id)):
            return problem(422, "bad-id", BAD_ID, "command_id" if ID.fullmatch(enterprise) else "enterprise")
        if len(key) > KEY_CHARS_MAX:
            return problem(422, "bad-id", "take the key from the Location of the 202", "key")
        partition = partition_of(key.encode(), self._service.partitions)
        lease = self._owners.lease(partition)
        if lease is None:
            return await self._owners.forward(request, partition)
        kept = self._kept(lease, f"{enterprise}/{command_id}", key)
        if kept is None:
            return problem(
                404, "unknown-command", "not decided yet, or forgotten after a day; send it again under this id"
            )
        return answer(kept, self._not_found)

    async def _batch(self, request: Request, enterprise: str) -> Response:
        """A JSON list of {"command": "PlaceOrder", "id": "…", "body": {…}}; the answers stand in the same order."""
        if not ID.fullmatch(enterprise):
            return problem(422, "bad-id", BAD_ID, "enterprise")
        if not request.headers.get("content-type", "").startswith("application/json"):
            return problem(415, "not-json", "send a list as JSON, with the header Content-Type: application/json")
        raw = await request.body()
        if len(raw) > BATCH_BYTES_MAX:
            return problem(413, "body-too-large", f"send at most {BATCH_BYTES_MAX // 1024} KiB a batch")
        try:
            entries = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            return problem(400, "bad-json", str(error))
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return problem(422, "invalid-input", "send a list of objects with command, id and body")
        if len(entries) > BATCH_COMMANDS_MAX:
            return problem(413, "batch-too-large", f"send at most {BATCH_COMMANDS_MAX} commands a batch")
        answers: list[dict[str, Any] | None] = [None] * len(entries)
        elsewhere: dict[int, list[int]] = {}
        asked: list[tuple[int, Asked]] = []
        for index, entry in enumerate(entries):
            made = await self._checked(EnterpriseId(enterprise), entry)
            if isinstance(made, Asked):
                lease = self._owners.lease(made.partition)
                if lease is not None and (known := self._known(made, lease)) is not None:
                    answers[index] = shown(known)
                elif lease is None:
                    elsewhere.setdefault(made.partition, []).append(index)
                else:
                    asked.append((index, made))
            else:
                answers[index] = made
        sent: list[tuple[int, Sent]] = []
        for index, one in asked:  # one after the other: what stands first in the list is decided first
            try:
                sent.append((index, await self._asking.send(one)))
            except (TooBusy, KafkaError) as error:
                answers[index] = _unsent(error)
        await asyncio.gather(
            *(self._wait_into(answers, index, one) for index, one in sent),
            *(self._forward_into(answers, request, p, entries, indexes) for p, indexes in elsewhere.items()),
        )
        return Response(orjson.dumps(answers), media_type="application/json")

    async def _checked(self, enterprise: EnterpriseId, entry: dict[str, Any]) -> Asked | dict[str, Any]:
        route = self._by_name.get(str(entry.get("command")))
        if route is None:
            return _failed(422, "unknown-command-type", f"commands are {', '.join(sorted(self._by_name))}", "command")
        id_, body = str(entry.get("id") or ""), entry.get("body")
        if id_ and not ID.fullmatch(id_):
            return _failed(422, "bad-id", BAD_ID, "id")
        raw = orjson.dumps(body)
        if len(raw) > BODY_BYTES_MAX:
            return _failed(413, "body-too-large", f"send at most {BODY_BYTES_MAX // 1024} KiB a command", "body")
        try:
            sheet = to_dataclass(route.body, body_model(route.body).model_validate(body), {})
            made = await self._command_of(enterprise, route, sheet)
            if isinstance(made, Refused):
                return _failed(422, made.code, made.advice, made.field)
            key = self._service.by_command[route.command].key(made, enterprise)
            partition = partition_of(key.encode(), self._service.partitions)
            return self._asked(enterprise, made, key, partition, id_, 0, "", raw)
        except ValidationError as error:
            first = error.errors()[0]
            return _failed(422, "invalid-input", first["msg"], ".".join(str(part) for part in first["loc"]))
        except Unencodable as error:
            return _failed(422, "invalid-input", str(error))
        except NobodyOwns as error:
            return _failed(503, "moving", f"{error}; send it again under the same id")

    async def _wait_into(self, answers: list[dict[str, Any] | None], index: int, sent: Sent) -> None:
        try:
            outcome, offset = await self._asking.wait(sent, WAIT_SECONDS, self._here(sent.asked.partition))
        except KafkaError as error:
            answers[index] = _unsent(error)
            return
        id_, position = sent.asked.command_id.partition("/")[2], f"{sent.asked.partition}:{offset}"
        pending = {"status": "PENDING", "command_id": id_, "position": position}
        answers[index] = shown(outcome) if outcome else pending

    async def _forward_into(
        self,
        answers: list[dict[str, Any] | None],
        request: Request,
        partition: int,
        entries: list[Any],
        indexes: list[int],
    ) -> None:
        answer = await self._owners.forward(request, partition, orjson.dumps([entries[index] for index in indexes]))
        body = orjson.loads(bytes(answer.body))
        if not isinstance(body, list):  # the owner could not be asked: the same for each of them
            code = body["type"].rpartition(":")[2]
            body = [_failed(answer.status_code, code, body["detail"])] * len(indexes)
        for index, entry in zip(indexes, body, strict=True):
            answers[index] = entry


def answer(outcome: Outcome, not_found: frozenset[str] = NO_CODES) -> Response:
    """An outcome as an HTTP answer, with the stream version as ETag and the command's position as a token."""
    refused = outcome.refused
    if refused:
        response = refusal(refused, not_found)
    else:
        response = Response(orjson.dumps(shown(outcome)), media_type="application/json")
    response.headers["ETag"] = f'"{outcome.version}"'
    response.headers["x-position"] = position(outcome)
    return response


def position(outcome: Outcome) -> str:
    """The token with which a view query reads this write."""
    return f"{outcome.partition}:{outcome.offset}"


def shown(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON values: status, what it is about, the token, and the refusal if it is one."""
    full = to_json(outcome)
    kept = {name: full[name] for name in ("status", "aggregate", "version", "events")}
    kept |= {"command_id": outcome.command_id.partition("/")[2], "position": position(outcome)}
    return kept | {name: full[name] for name in ("code", "advice", "field") if full[name]}


def _failed(status: int, code: str, advice: str, field: str = "") -> dict[str, Any]:
    what = "UNAVAILABLE" if status in (429, 503) else "INVALID"
    return {"status": what, "http": status, "code": code, "advice": advice, "field": field}


def _unsent(error: Exception) -> dict[str, Any]:
    if isinstance(error, TooBusy):
        return _failed(429, "too-busy", f"{error}; send it again under the same id")
    return _failed(503, "log-unavailable", f"{error}; send it again under the same id")


def _said(path: dict[str, str], raw: bytes) -> bytes:
    """All that the sender said: an id stands for one command, and what tells it from others may be in its address."""
    return orjson.dumps(path, option=orjson.OPT_SORT_KEYS) + raw


def body_bytes_max(path: str) -> int:
    """How many bytes a body sent to this path may have."""
    return BATCH_BYTES_MAX if path.endswith("/commands") else BODY_BYTES_MAX
