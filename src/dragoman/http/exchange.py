"""One call over aiohttp: from the bytes to send to the Answer, or to the exception that says why there is none."""

import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import NoReturn

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    NonHttpUrlClientError,
    ServerDisconnectedError,
    TCPConnector,
)
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from dragoman.http.answers import Answer, NoAnswer, Refused, Streamed, TooLate, TooLong
from dragoman.http.dialling import Forbidden

CONNECT_SECONDS = 5.0
HEAD = 4096
_SLICE = 256 * 1024

_FAILURES = (ClientError, TimeoutError, OSError, ValueError)

Ask = Callable[[], Awaitable[ClientResponse]]
"""Makes the call, up to the head of its answer: `ClientSession.request` with all its arguments."""


class Body(Payload):
    """Bytes to send, which know afterwards whether the first and the last of them were handed to an open connection.

    aiohttp's tracing could tell too, at a cost for every request, and only from just before the write.
    """

    _autoclose = True

    def __init__(self, value: bytes) -> None:
        super().__init__(value, content_type="application/json")
        self._size = len(value)
        self.begun = self.sent = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return bytes(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        value: bytes = self._value
        end = max(len(value), 1)
        for start in range(0, end, _SLICE):
            if writer.transport is not None and not writer.transport.is_closing():
                # Noted before the write: bytes that are in the connection's buffer still leave when the wait for them is given up.
                self.begun = True
                self.sent = self.sent or start + _SLICE >= end
            await writer.write(value[start : start + _SLICE])


def open_session(connector: TCPConnector, *, auto_decompress: bool) -> ClientSession:
    """No cookies, nothing from the environment (proxies, netrc), answers as they are rather than packed, bounded headers."""
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        trust_env=False,
        auto_decompress=auto_decompress,
        headers={"User-Agent": "Dragoman", "Accept-Encoding": "identity"},
        max_line_size=8190,
        max_field_size=8190,
        max_headers=100,
    )


@lru_cache(maxsize=256)
def deadline(seconds: float, idle: float | None = None) -> ClientTimeout:
    """`seconds` for everything together; the way to an open connection (name, TCP, TLS) gets at most CONNECT_SECONDS of them.

    `idle` is how many seconds the other side may be silent once it has the request.
    """
    connecting = min(CONNECT_SECONDS, seconds)
    # Without ceil_threshold aiohttp rounds a deadline of more than 5 s up to the next full second.
    return ClientTimeout(total=seconds, connect=connecting, sock_connect=connecting, sock_read=idle, ceil_threshold=86_400)


async def whole(got: Streamed) -> Answer:
    """The answer with all of its body. Raises NoAnswer, TooLong."""
    return Answer(got.status, got.headers, b"".join([part async for part in got.parts]))


@asynccontextmanager
async def streamed(ask: Ask, host: str, body: Body | None, largest: int) -> AsyncIterator[Streamed]:
    """Make the call and hand out its answer while it comes, at most `largest` bytes of it. Raises Refused, NoAnswer."""
    # Leaving it half read closes the connection: the rest would be taken for the next answer.
    async with await _begun(ask, host, body) as response:
        yield Streamed(response.status, response.headers, _Parts(response, host, body, largest))


async def _begun(ask: Ask, host: str, body: Body | None, *, once_more: bool = True) -> ClientResponse:
    try:
        return await ask()
    except _FAILURES as error:
        if not (once_more and body is not None and _met_a_closing_connection(error, body)):
            _explain(error, host, body)
    return await _begun(ask, host, body, once_more=False)


class _Parts:
    """A body as it comes. Not a generator: one that is given up half way would be left to the garbage collector."""

    def __init__(self, response: ClientResponse, host: str, body: Body | None, largest: int) -> None:
        self._response, self._host, self._body, self._largest = response, host, body, largest
        self._size = 0
        self._head = b""

    def __aiter__(self) -> "_Parts":
        return self

    async def __anext__(self) -> bytes:
        try:
            part = await self._response.content.readany()
        except _FAILURES as error:
            _explain(error, self._host, self._body)
        if not part:
            raise StopAsyncIteration
        self._size += len(part)
        if len(self._head) < HEAD:
            self._head = (self._head + part)[:HEAD]
        if self._size > self._largest:
            reason = f"{self._host} answered with more than {self._largest} bytes, which is the most that is taken."
            raise TooLong(reason, status=self._response.status, head=self._head)
        return part


def _met_a_closing_connection(error: Exception, body: Body) -> bool:
    """The other side hung up on a kept connection just when we chose it; not one byte was sent, so another one is safe to try."""
    hung_up = isinstance(error, (ClientOSError, ServerDisconnectedError)) and not isinstance(error, ClientConnectorError)
    return hung_up and not body.begun


def _explain(error: Exception, host: str, body: Body | None) -> NoReturn:
    """`from None`, because aiohttp's exceptions carry the whole URL and the request's headers."""
    if isinstance(error, ClientConnectorError) and isinstance(error.os_error, Forbidden):
        raise Refused(str(error.os_error)) from None
    never_connected = isinstance(error, (ClientConnectorError, ConnectionTimeoutError, NonHttpUrlClientError, ValueError))
    sent = body.sent if body is not None else not never_connected
    kind = TooLate if isinstance(error, TimeoutError) else NoAnswer
    raise kind(_reason(error, host), body_sent=sent) from None


def _reason(error: Exception, host: str) -> str:
    match error:
        case ClientConnectorCertificateError():
            cause = getattr(error.certificate_error, "verify_message", "") or "it does not belong to this host"
            return f"The certificate of {host} was not accepted: {cause}."
        case ClientConnectorDNSError():
            return f"The name {host} could not be found: {_plain(error.os_error)}."
        case ClientConnectorError():
            return f"{host} could not be reached: {_plain(error.os_error)}."
        case ConnectionTimeoutError():
            return f"{host} did not accept the connection in time."
        case TimeoutError():
            return f"{host} did not answer in time."
        case ServerDisconnectedError():
            return f"{host} closed the connection before it answered."
        case ClientPayloadError():
            return f"The answer of {host} stopped in the middle."
        case ClientResponseError():
            return f"The answer of {host} is not valid HTTP."
        case InvalidURL() | NonHttpUrlClientError():
            return f"The URL at {host} cannot be called: it is not an http or https one."
        case ValueError():
            return "A header of the request holds a line break or another character that HTTP does not allow."
        case OSError():
            # Not `strerror`: aiohttp writes the whole URL into it.
            return f"The connection to {host} broke: {os.strerror(error.errno).lower() if error.errno else 'it was closed'}."
    return f"The request to {host} failed ({type(error).__name__})."


def _plain(error: OSError) -> str:
    """The cause without addresses, which some of the system's messages contain."""
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or 'no reason given'})"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or "no reason given").lower()
