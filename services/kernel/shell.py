"""One process of a service: a Faust worker and a FastAPI app in one event loop.

Owns: putting the parts together, health, metrics, the time (live). Deliberately lacks: any route of a domain.
"""

import asyncio
import logging
import sys
import time
import zoneinfo
from collections.abc import Awaitable, Callable

import orjson
import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.kernel.app import AppSettings, KernelApp, make_app, run
from services.kernel.asking import Asking
from services.kernel.body_limit import BodyLimit
from services.kernel.catalogue import load
from services.kernel.codec import NO_META, Wire
from services.kernel.http_commands import CommandEndpoints, CommandRoute, body_bytes_max
from services.kernel.http_views import ViewEndpoints
from services.kernel.messages import Tick
from services.kernel.model import Domain
from services.kernel.owners import Owners, owners_known
from services.kernel.problems import CutOff, defect, failed, invalid
from services.kernel.processor import CLOCK_TOPIC, DomainProcessor, Wires
from services.kernel.settings import Settings, SettingsError, read
from services.kernel.telemetry import Meters

STOP_SECONDS_MAX = 2

log = logging.getLogger("chainflow.shell")


def serve(domain: Domain, wires: Wires, routes: tuple[CommandRoute, ...], default_port: int, summary: str) -> None:
    """Run a service until a signal ends it; exits 2 and says all that is wrong with its settings."""
    try:
        settings = read(domain.name, default_port)
    except SettingsError as error:
        print(f"chainflow {domain.name}: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    logging.getLogger("httpx").setLevel(logging.WARNING)
    zoneinfo.reset_tzpath(to=())  # the pinned tzdata decides, on every machine alike
    run(compose(domain, wires, routes, settings, summary), settings.log_level)


def compose(
    domain: Domain, wires: Wires, routes: tuple[CommandRoute, ...], settings: Settings, summary: str
) -> KernelApp:
    """The Faust app with its HTTP shell as a task of it."""
    topics, name = load(), domain.name
    partitions = topics[f"{name}-commands-v1"].partitions
    asking = Asking(settings.bootstrap, f"{name}-commands-v1")
    meters = Meters()
    processor = DomainProcessor(domain, wires, partitions, meters=meters, answer=asking.answer)
    app = make_app(
        AppSettings(
            group=f"chainflow-{name}", bootstrap=settings.bootstrap, sources=processor.sources,
            changelog=f"{name}-changelog-v1", partitions=partitions,
            instance=settings.instance, url=settings.url, session_seconds=settings.session_seconds,
            patient=frozenset({f"{name}-feed-v1"}),
        ),
        processor,
        meters,
    )  # fmt: skip
    owners = Owners(app, settings.url)
    views = ViewEndpoints(processor, app, owners)
    web = front(name, summary, views, CommandEndpoints(processor, asking, owners, views, routes))
    _add_health(web, app, meters, name, settings.url)
    app.task(_http(web, settings, asking, owners))
    if settings.tick_seconds:
        app.task(_ticker(app, settings, wires.clock))
    return app


def front(name: str, summary: str, views: ViewEndpoints, commands: CommandEndpoints) -> FastAPI:
    """The HTTP app: views, commands, and every failure as a problem document."""
    web = FastAPI(title=f"Chainflow {name}", description=summary, docs_url=None, redoc_url=None)
    web.add_exception_handler(RequestValidationError, invalid)
    web.add_exception_handler(HTTPException, failed)
    web.add_exception_handler(Exception, defect)
    web.add_middleware(BodyLimit, bytes_max=body_bytes_max)
    web.add_middleware(CutOff)
    web.include_router(views.router)
    web.include_router(commands.router)
    return web


def _add_health(web: FastAPI, app: KernelApp, meters: Meters, name: str, own_url: str) -> None:
    @web.get("/health/live", summary="The process answers", tags=["health"])
    async def live() -> dict[str, str]:
        return {"service": name, "status": "live"}

    @web.get(
        "/health/ready", summary="All partitions are owned by somebody, and this one's are served", tags=["health"]
    )
    async def ready() -> Response:
        mine = sorted(number for number, lease in app.leases.items() if lease.open)
        known = owners_known(app)
        owned = {number for url, numbers in known.items() for number in numbers if url != own_url} | set(mine)
        body = {"service": name, "mine": mine, "owners": known}
        good = len(mine) == len(app.leases) and owned >= set(range(app.conf.topic_partitions))
        return Response(orjson.dumps(body), 200 if good else 503, media_type="application/json")

    @web.get("/metrics", summary="Prometheus metrics", tags=["health"])
    async def metrics() -> Response:
        return Response(generate_latest(meters.registry), media_type=CONTENT_TYPE_LATEST)


def _http(web: FastAPI, settings: Settings, asking: Asking, owners: Owners) -> Callable[[], Awaitable[None]]:
    async def http() -> None:
        """The HTTP server, as long as the worker runs."""
        await asking.start()
        server = uvicorn.Server(
            uvicorn.Config(
                web,
                host=settings.host,
                port=settings.port,
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=STOP_SECONDS_MAX,
            )
        )
        serving = asyncio.create_task(server._serve())  # serve() would take the signals, which are the worker's
        try:
            await asyncio.shield(serving)
        finally:  # the leases are closed by now: what was asked is answered still, if only with where to ask again
            server.should_exit = True
            await asyncio.wait({serving}, timeout=2 * STOP_SECONDS_MAX)
            await owners.close()
            await asking.stop()

    return http


def _ticker(app: KernelApp, settings: Settings, wire: Wire) -> Callable[[], Awaitable[None]]:
    async def ticker() -> None:
        """Writes the time for the partitions this process owns; two tickers do no harm, the greatest time counts."""
        producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, enable_idempotence=True, acks="all")
        await producer.start()
        try:
            while not app.should_stop:
                value = wire.encode(NO_META, Tick(time.time_ns() // 1_000_000))
                for partition in [number for number, lease in app.leases.items() if lease.open]:
                    await producer.send_and_wait(CLOCK_TOPIC, value, partition=partition)
                await asyncio.sleep(settings.tick_seconds)
        finally:
            await producer.stop()

    return ticker
