"""The doors for SDKs that bring an HTTP client of their own: their requests leave through a door, and no socket is opened elsewhere.

Model providers' SDKs and the MCP client take an `httpx2.AsyncClient`; `client` makes one whose transport is a door. Loading httpx2
costs a tenth of a second: import this module where an SDK is used, not at start.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import httpx2

from dragoman.http.answers import NoAnswer, Refused, Streamed, TooLate, Unreadable
from dragoman.http.guarded import OURS

LARGEST = 32 * 1024 * 1024

# Not handed on of an answer: how its body was framed and packed (the door has undone it), and cookies, which nobody is to keep.
_UNDONE = frozenset(["content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive", "set-cookie"])


class Door(Protocol):
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float,
        idle: float | None = None,
        largest: int = ...,
    ) -> AbstractAsyncContextManager[Streamed]: ...


class DoorTransport(httpx2.AsyncBaseTransport):
    """`timeout` is in seconds, for a whole exchange; `largest` in bytes, for the body of an answer.

    Of a request's own timeout, `read` is the longest silence. httpx2 has no limit for the whole; the longest of its four
    ends the exchange, where it is shorter than `timeout`.

    What a door raises comes out as what SDKs know; it is the `__cause__`, and its reason is the message:

        Refused             ConnectError
        TooLate             ConnectTimeout, or ReadTimeout where the request may have arrived
        Unreadable          DecodingError
        any other NoAnswer  ConnectError, or ReadError where the request may have arrived
    """

    def __init__(self, door: Door, *, timeout: float, largest: int = LARGEST) -> None:
        self._door = door
        self._timeout = timeout
        self._largest = largest

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        limits: Mapping[str, float | None] = request.extensions.get("timeout") or {}
        exchange = self._door.stream(
            request.method,
            str(request.url),
            headers={name: value for name, value in request.headers.items() if name not in OURS},
            body=await request.aread() or None,
            timeout=min(self._timeout, max((seconds for seconds in limits.values() if seconds), default=self._timeout)),
            idle=limits.get("read"),
            largest=self._largest,
        )
        try:
            answer = await exchange.__aenter__()
        except (Refused, NoAnswer) as problem:
            raise _translated(problem, request) from problem
        return httpx2.Response(answer.status, headers=_headers(answer), stream=_Parts(exchange, answer, request), request=request)


class _Parts(httpx2.AsyncByteStream):
    def __init__(self, exchange: AbstractAsyncContextManager[Streamed], answer: Streamed, request: httpx2.Request) -> None:
        self._exchange = exchange
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._answer.parts:
                yield part
        except NoAnswer as problem:
            raise _translated(problem, self._request) from problem

    async def aclose(self) -> None:
        await self._exchange.__aexit__(None, None, None)


def client(door: Door, *, timeout: float, largest: int = LARGEST) -> httpx2.AsyncClient:
    """A client whose every request leaves through `door`. Redirects are not followed, and nothing of the environment counts.

    `timeout` is in seconds, for each exchange as a whole; answers may be `largest` bytes long. Nothing of its own to close.
    """
    transport = DoorTransport(door, timeout=timeout, largest=largest)
    return httpx2.AsyncClient(transport=transport, timeout=timeout, trust_env=False, follow_redirects=False)


def _headers(answer: Streamed) -> list[tuple[bytes, bytes]]:
    """As bytes, because httpx2 takes no text but ASCII."""
    # Without its Location a redirect stays an answer, also for the SDKs that would follow it whatever the client says.
    left_out = _UNDONE | {"location"} if 300 <= answer.status < 400 else _UNDONE
    return [
        (name.encode(), value.encode(errors="surrogateescape")) for name, value in answer.headers.items() if name.lower() not in left_out
    ]


def _translated(problem: Refused | NoAnswer, request: httpx2.Request) -> httpx2.RequestError:
    match problem:
        case Refused():
            kind: type[httpx2.RequestError] = httpx2.ConnectError
        case TooLate():
            kind = httpx2.ReadTimeout if problem.body_sent else httpx2.ConnectTimeout
        case Unreadable():
            kind = httpx2.DecodingError
        case _:
            kind = httpx2.ReadError if problem.body_sent else httpx2.ConnectError
    return kind(problem.reason, request=request)
