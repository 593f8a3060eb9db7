"""The Graph API door: any `/vNN.N/` prefix or none, bearer tokens, Meta's error bodies, and faults on request.

A bare ASGI application, because a load test sends through it.
"""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from dragoman.sandbox.box import Box
from dragoman.sandbox.failures import GraphError, no_such_object
from dragoman.sandbox.world import DEFAULT_WABA, Json, Number, Token, Waba

log = structlog.get_logger()

VERSION = re.compile(r"v\d+(\.\d+)?")
HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Sorry, something went wrong.</h1></body></html>"
JSON_TYPE = b"application/json; charset=UTF-8"
APP_USAGE = b'{"call_count":1,"total_cputime":1,"total_time":1}'
LARGEST_BODY = 110 * 1024 * 1024
MANAGEMENT = "whatsapp_business_management"


class Reset(Exception):
    """The connection is to break instead of an answer."""


@dataclass(slots=True)
class Answer:
    body: bytes = b'{"success":true}'
    status: int = 200
    content_type: bytes = JSON_TYPE
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class Call:
    """One request to the Graph API, with what every endpoint asks of it."""

    __slots__ = ("body", "box", "fail_code", "method", "parts", "query", "scope")

    def __init__(self, box: Box, scope: Scope, body: bytes) -> None:
        self.box, self.scope, self.body = box, scope, body
        parts: list[str] = scope["path"].removeprefix(scope.get("root_path", "")).strip("/").split("/")
        self.parts = (parts[1:] or [""]) if VERSION.fullmatch(parts[0]) else parts
        self.method: str = scope["method"]
        self.query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)) if scope["query_string"] else {}
        self.fail_code: int | None = None

    def header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.scope["headers"] if key == name), "")

    def json(self) -> Json:
        """The body as an object: JSON, or a form (Meta takes both). Raises GraphError 100."""
        if not self.body:
            return dict(self.query)
        if self.header(b"content-type").startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))
        try:
            return msgspec.json.decode(self.body, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise GraphError(100, "The request body is not a JSON object.") from None

    def bearer(self) -> str:
        """The token as it was sent: `Authorization: Bearer …` (or `OAuth …`), else `?access_token=`."""
        return self.header(b"authorization").partition(" ")[2].strip() or self.query.get("access_token", "")

    def token(self) -> Token:
        """The token of the request. Raises GraphError 190 when there is none, or it has expired."""
        token = self.box.world.state.tokens.get(self.bearer())
        if token is None:
            raise GraphError(
                190,
                "Invalid OAuth access token - Cannot parse access token",
                message="Invalid OAuth access token - Cannot parse access token",
            )
        if token.expires_at is not None and token.expires_at <= self.box.now:
            raise GraphError(190, "The session has expired.", subcode=463, message="Error validating access token: Session has expired.")
        return token

    def number(self, number_id: str) -> Number:
        """A number this token may use; to others it does not exist."""
        token = self.token()
        number = self.box.world.state.numbers.get(number_id)
        if number is None or number.waba_id not in token.wabas:
            raise no_such_object(number_id)
        return number

    def waba(self, waba_id: str) -> Waba:
        token = self.token()
        waba = self.box.world.state.wabas.get(waba_id)
        if waba is None or waba.id not in token.wabas:
            raise no_such_object(waba_id)
        if MANAGEMENT not in token.scopes:
            raise GraphError(200, f"The token lacks the permission {MANAGEMENT}.")
        return waba


Endpoint = Callable[[Call], Awaitable[Answer]]
Route = tuple[Endpoint, str]


class Graph:
    """`find` gives the endpoint of a call and the name faults know it by ("" when no fault can hit it)."""

    def __init__(self, box: Box, find: Callable[[Call], Route], whose: Callable[[Call, str], tuple[str | None, str | None]]) -> None:
        self._box, self._find, self._whose = box, find, whose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(Call(self._box, scope, await _read(receive)))
        except Reset:
            await break_connection(receive, send)
            return
        except GraphError as error:
            answer = self._refusal(error)
        except Exception:
            log.exception("sandbox graph call failed")
            answer = self._refusal(GraphError(131000, "The sandbox has a bug; its log says more."))
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            (b"facebook-api-version", b"v26.0"),
            (b"x-app-usage", APP_USAGE),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers + answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _refusal(self, error: GraphError) -> Answer:
        """Meta's error body; on 4 and 80007 also the header that says how many minutes to wait."""
        trace = f"A{self._box.world.serial():022d}"
        answer = Answer(error.body(trace), error.http, headers=[(b"x-fb-trace-id", trace.encode())])
        if error.http == 401:
            answer.headers.append((b"www-authenticate", b'OAuth "Facebook Platform" "invalid_token"'))
        if error.code in (4, 80007):
            usage = {"type": "whatsapp", "call_count": 100, "total_cputime": 25, "total_time": 25, "estimated_time_to_regain_access": 1}
            answer.headers.append((b"x-business-use-case-usage", msgspec.json.encode({DEFAULT_WABA: [usage]})))
        return answer

    async def _answer(self, call: Call) -> Answer:
        endpoint, name = self._find(call)
        if not name or not self._box.faults.any:
            return await endpoint(call)
        number, person = self._whose(call, name)
        fault = self._box.faults.take(name, number=number, person=person)
        if fault is None:
            return await endpoint(call)
        if fault.action == "garble":
            return garbled(await endpoint(call))
        if fault.action == "fail_after":
            call.fail_code = fault.code
            return await endpoint(call)
        if fault.action == "reset_before":
            raise Reset
        answer = None
        if fault.processed or fault.action == "reset_after" or (fault.action == "delay" and fault.code is None):
            answer = await endpoint(call)
        if fault.action == "reset_after":
            raise Reset
        if fault.action == "html_500":
            return Answer(HTML, fault.http or 500, b"text/html; charset=utf-8")
        if fault.action == "delay":
            await self._box.clock.sleep(fault.delay_seconds)
        if answer is None or fault.action == "error":
            raise GraphError(fault.code or 131000, "Injected by the sandbox.", http=fault.http)
        return answer


def garbled(answer: Answer) -> Answer:
    """As many bytes, with one bit of the last of them turned."""
    return replace(answer, body=answer.body[:-1] + bytes([answer.body[-1] ^ 1])) if answer.status == 200 and answer.body else answer


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        body = body + chunk if body else chunk
        if len(body) > LARGEST_BODY:
            raise GraphError(100, "The request body is too large.")
        if not message.get("more_body", False):
            return body


async def break_connection(receive: Receive, send: Send) -> None:
    """Cut the TCP connection with a reset, so that the caller cannot know whether the request took effect.

    ASGI has no word for this: uvicorn's transport is reached through its `receive`. Behind another server, or behind
    middleware that wraps `receive`, an answer that ends too early does nearly the same.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        return
    with contextlib.suppress(OSError, AttributeError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(receive(), 1)
