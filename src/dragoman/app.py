"""The whole server as one object: what it opens, in which order, and what it closes.

web      the doors: Meta's webhook, the APIs, callbacks, media, the sandbox
worker   takes conversations that are due
all      both, in one process
"""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Literal

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from dragoman.accounts import numbers, organisations, sealed
from dragoman.accounts.secrets import load_key
from dragoman.agents.knowledge import indexing
from dragoman.agents.knowledge.shelves import Shelves
from dragoman.agents.llm import knowing
from dragoman.api.callback import CallbackDoor
from dragoman.api.dialect import mounted
from dragoman.api.heads import LimitedHeads
from dragoman.api.health import HealthDoor
from dragoman.api.media import MediaDoor
from dragoman.api.oauth import OAuthDoor
from dragoman.api.outbound import OutboundDoor
from dragoman.api.v1 import app as v1
from dragoman.api.v2 import app as v2
from dragoman.api.webhooks import WEBHOOKS, MetaDoor
from dragoman.campaigns import batches
from dragoman.clock import Clock
from dragoman.conversations import erasing_rest, errands
from dragoman.conversations.services import Services
from dragoman.conversations.worker import Worker
from dragoman.sandbox.app import Sandbox
from dragoman.settings import Settings
from dragoman.store.jobs import Runner
from dragoman.store.opening import opened

log = structlog.get_logger()

Role = Literal["all", "web", "worker"]

TICK_SECONDS = 1.0  # how old the date in our answers may be
SANDBOX_APP = "sandbox"
SANDBOX_NUMBER = "106540000000001"


@asynccontextmanager
async def running(settings: Settings, clock: Clock, role: Role = "all") -> AsyncIterator[Starlette]:
    """Everything that this process needs, open; the application to serve (for a worker, only its health)."""
    key = load_key(settings)
    async with opened(settings) as db:
        services = Services.make(settings, clock, db, key)
        async with db.transaction() as connection:
            await sealed.check_key(connection, services.vault)
        await services.open()
        sandbox = await _sandbox(services) if settings.sandbox and role != "worker" else None
        worker = Worker(services) if role != "web" else None
        jobs = _jobs(services, db.uri) if role != "web" else None
        if worker and jobs:
            await worker.start()
            await jobs.start()
        try:
            yield application(services, role, sandbox)
        finally:
            await asyncio.gather(*(part.stop() for part in (worker, jobs) if part))
            if sandbox:
                await sandbox.close()
            await services.close()


def _jobs(services: Services, uri: str) -> Runner:
    """What runs later and in no conversation's turn: reading documents, the errands of native agents, campaigns."""
    embedder_for = partial(knowing.embedder_for, services.kit)
    shelves = Shelves(services.db, services.clock, services.objects, services.guarded, embedder_for)
    return Runner(uri, [*indexing.tasks(shelves), *errands.tasks(services), *batches.tasks(services), *erasing_rest.tasks(services)])


def application(services: Services, role: Role, sandbox: Sandbox | None = None) -> Starlette:
    routes: list[Route | Mount] = [*HealthDoor(services).routes()]
    meta = MetaDoor(services) if role != "worker" else None
    if meta:
        routes += [
            *meta.routes(),
            *CallbackDoor(services).routes(),
            *OutboundDoor(services).routes(),
            *MediaDoor(services).routes(),
            *OAuthDoor(services).routes(),
        ]
        routes += [mounted("/api/v1", v1.build(services)), mounted("/v2", v2.build(services)), Route("/", _welcome)]
    if sandbox:
        routes.append(Mount("/sandbox", app=sandbox.app))
    app = _Application(routes=routes)
    app.meta = meta
    app.router.redirect_slashes = False
    app.state.services = services
    return app


class _Application(Starlette):
    """Nearly every request is a webhook of Meta's; it goes to its door past the routing and its middleware."""

    meta: MetaDoor | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.meta and scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(WEBHOOKS):
            await self.meta.post(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def serve(settings: Settings, listening: socket.socket, role: Role, *, backlog: int) -> None:
    """Serve on a listening socket until told to stop; what is under way is finished first. `backlog`: connections that may wait to be taken."""
    async with running(settings, Clock(), role) as app:
        config = uvicorn.Config(
            app,
            http=LimitedHeads,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,  # nothing here believes a forwarded header
            server_header=False,
            timeout_graceful_shutdown=20,
            timeout_keep_alive=75,
            backlog=backlog,
        )
        log.info("ready", url=settings.public_url, role=role)
        await _Server(config).serve(sockets=[listening])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told_to_stop = asyncio.Event()

    async def main_loop(self) -> None:
        """uvicorn's own looks ten times a second whether it was told to stop."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_stop.wait(), TICK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._told_to_stop.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order when asked to. uvicorn's own way ends the process by the same signal before anything is closed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def _sandbox(services: Services) -> Sandbox:
    """The built-in Graph API with its number connected, under secrets that survive a restart."""
    settings, vault = services.settings, services.vault
    secret, verify, token = (vault.derive("sandbox", name).hex() for name in ("app secret", "verify token", "access token"))
    organisation_id = await organisations.default(services.db, services.clock)
    await numbers.add_app(services.db, vault, services.clock, organisation_id, app_id=SANDBOX_APP, app_secret=secret, verify_token=verify)
    new = numbers.NewNumber(
        app_id=SANDBOX_APP,
        phone_number_id=SANDBOX_NUMBER,
        waba_id="102290000000001",
        display_number="+15550001234",
        access_token=token,
        name="Sandbox",
        is_sandbox=True,
    )
    await numbers.add_number(services.db, vault, services.clock, organisation_id, new)
    sandbox = Sandbox(
        services.clock,
        app_secret=secret,
        verify_token=verify,
        access_token=token,
        callback_url=f"{settings.public_url}/webhooks/whatsapp/{SANDBOX_APP}",
        own_url=f"{settings.public_url}/sandbox",
        state_file=Path(settings.data_dir) / "sandbox.json",
    )
    await sandbox.start()
    return sandbox


async def _welcome(request: Request) -> Response:
    services: Services = request.app.state.services
    lines = [
        "Dragoman is running.",
        "",
        "API           /api/v1/docs/",
        "              /v2/docs/",
        "Health        /healthz /readyz /metrics",
    ]
    if services.settings.sandbox:
        lines.append("Phone page    /sandbox/phone")
    return PlainTextResponse("\n".join(lines) + "\n")
