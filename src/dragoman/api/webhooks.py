"""Meta's door: `GET` for the handshake, `POST` for signed events. 200 means: it is on disk."""

import asyncio
import hmac
import re
import time
from collections.abc import Awaitable
from typing import TypeVar

import psycopg
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from dragoman.accounts import numbers
from dragoman.api.body import read_body
from dragoman.conversations.inbox import Inbox
from dragoman.conversations.metrics import REFUSED
from dragoman.conversations.services import Services
from dragoman.errors import Problem
from dragoman.whatsapp import events
from dragoman.whatsapp.signature import signed

log = structlog.get_logger()

WEBHOOKS = "/webhooks/whatsapp/"
LARGEST_BODY = 4 * 1024 * 1024  # Meta: payloads have up to 3 MB
APP_CACHE_SECONDS = 5.0
# What cannot be stored for so long, because somebody holds a lock or the disk is slow, is better sent again than waited for.
STORE_SECONDS = 5.0
Found = TypeVar("Found")
_CHALLENGE = re.compile(r"[0-9A-Za-z_-]{1,128}")


class MetaDoor:
    """Knows the apps by the path of their webhook; a revoked secret is forgotten within seconds."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._inbox = Inbox(services)
        self._apps: dict[str, tuple[float, numbers.App | None]] = {}

    def routes(self) -> list[Route]:
        path = WEBHOOKS + "{app_id}"
        return [Route(path, self.handshake, methods=["GET"]), Route(path, self.receive, methods=["POST"])]

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`receive` as an application of its own, for a server that knows the path already."""
        scope["path_params"] = {"app_id": scope["path"].removeprefix(WEBHOOKS)}
        answer = await self.receive(Request(scope, receive))
        await answer(scope, receive, send)

    async def handshake(self, request: Request) -> Response:
        """Meta asks once, when the address is entered, whether we know the verify token."""
        return await self._or_again(self._shake(request))

    async def receive(self, request: Request) -> Response:
        return await self._or_again(self._take(request))

    async def _or_again(self, answer: Awaitable[Response]) -> Response:
        try:
            return await answer
        except (psycopg.Error, OSError) as error:
            REFUSED.labels("not_durable").inc()
            log.error(
                "a webhook could not be stored; Meta will send it again",
                error=type(error).__name__,
                sqlstate=getattr(error, "sqlstate", None),
            )
            return PlainTextResponse("not stored; send it again", 503, headers={"Retry-After": "5"})

    async def _shake(self, request: Request) -> Response:
        app = await self._app(request.path_params["app_id"])
        query = request.query_params
        given, challenge = query.get("hub.verify_token", ""), query.get("hub.challenge", "")
        if app is None or not hmac.compare_digest(given.encode(), app.verify_token.encode()):
            return PlainTextResponse("the verify token is not the one of this app", 403)
        if query.get("hub.mode") != "subscribe" or not _CHALLENGE.fullmatch(challenge):
            return PlainTextResponse("hub.mode must be subscribe, and hub.challenge a short word", 400)
        return PlainTextResponse(challenge)

    async def _take(self, request: Request) -> Response:
        app = await self._app(request.path_params["app_id"])
        if app is None:
            REFUSED.labels("unknown_app").inc()
            return PlainTextResponse("no such app; add it with `dragoman apps add`", 404)
        try:
            body = await read_body(request, LARGEST_BODY)
        except Problem as problem:
            REFUSED.labels(problem.code).inc()
            return PlainTextResponse(problem.message, problem.status)
        # Two headers are refused like one that holds both: what each of them says is not the one signature of this body.
        signature = ", ".join(request.headers.getlist("x-hub-signature-256"))
        if not signed(body, signature, app.secrets):
            REFUSED.labels("bad_signature").inc()
            log.warning("a webhook had no valid signature", app_id=app.app_id)
            return PlainTextResponse("the signature does not fit the body and this app's secret", 401)
        await _soon(self._inbox.receive(app.app_id, events.parse(body)))
        return Response(status_code=200)

    async def _app(self, app_id: str) -> numbers.App | None:
        if "\0" in app_id:
            return None  # PostgreSQL would refuse to look for it
        seen, app = self._apps.get(app_id, (0.0, None))
        if app is None or time.monotonic() - seen > APP_CACHE_SECONDS:
            app = await _soon(numbers.app_by_id(self._services.db, self._services.vault, app_id))
            if app is not None:
                self._apps[app_id] = (time.monotonic(), app)
            else:
                self._apps.pop(app_id, None)
        return app


async def _soon(work: Awaitable[Found]) -> Found:
    """Raises TimeoutError, which is an OSError."""
    async with asyncio.timeout(STORE_SECONDS):
        return await work
