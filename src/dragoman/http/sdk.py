"""The doors for SDKs that bring an HTTP client of their own: their requests leave through a door, and no socket is opened elsewhere.

Model providers' SDKs and the MCP client take an `httpx2.AsyncClient`; `client` makes one whose transport is a door. Loading httpx2
costs a tenth of a second: import this module where an SDK is used, not at start.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import httpx2

from dragoman.http.answers import NoAnswer, Refused, Streamed

# What a door sets itself, or what belongs to one connection only.
_DROPPED = frozenset(
    [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "accept-encoding",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "cookie",
        "proxy-authorization",
        "proxy-connection",
    ]
)


class Door(Protocol):
    def stream(
        self, method: str, url: str, *, headers: Mapping[str, str] | None, body: bytes | None, timeout: float, largest: int
    ) -> AbstractAsyncContextManager[Streamed]: ...


class DoorTransport(httpx2.AsyncBaseTransport):
    """`timeout` is in seconds for a whole exchange; a request with a shorter one of its own ends sooner."""

    def __init__(self, door: Door, timeout: float, largest: int) -> None:
        self._door = door
        self._timeout = timeout
        self._largest = largest

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _DROPPED}
        body = await request.aread()
        limits = [seconds for seconds in (request.extensions.get("timeout") or {}).values() if seconds]
        timeout = min([self._timeout, max(limits, default=self._timeout)])
        exchange = self._door.stream(
            request.method, str(request.url), headers=headers, body=body or None, timeout=timeout, largest=self._largest
        )
        try:
            answer = await exchange.__aenter__()
        except (Refused, NoAnswer) as nothing:
            raise _translated(nothing, request) from None
        return httpx2.Response(
            answer.status, headers=list(answer.headers.items()), stream=_Body(exchange, answer, request), request=request
        )


class _Body(httpx2.AsyncByteStream):
    def __init__(self, exchange: AbstractAsyncContextManager[Streamed], answer: Streamed, request: httpx2.Request) -> None:
        self._exchange = exchange
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._answer.parts:
                yield part
        except NoAnswer as nothing:
            raise _translated(nothing, self._request) from None

    async def aclose(self) -> None:
        await self._exchange.__aexit__(None, None, None)


def _translated(nothing: Refused | NoAnswer, request: httpx2.Request) -> httpx2.HTTPError:
    if isinstance(nothing, Refused) or not nothing.body_sent:
        return httpx2.ConnectError(nothing.reason, request=request)
    return httpx2.ReadError(nothing.reason, request=request)


def client(door: Door, *, timeout: float, largest: int) -> httpx2.AsyncClient:
    """A client whose every request goes through `door`; answers may be `largest` bytes long. Redirects are not followed."""
    transport = DoorTransport(door, timeout, largest)
    return httpx2.AsyncClient(transport=transport, timeout=timeout, trust_env=False, follow_redirects=False)
