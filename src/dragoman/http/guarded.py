"""The guarded door: calls to every URL that a tenant or a customer can influence. Goes to the public internet, and to `allow`."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial

from aiohttp import ClientSession, ClientTimeout

from dragoman.http.addresses import Network
from dragoman.http.answers import Answer, Refused, Streamed, Unreadable
from dragoman.http.dialling import CheckedNames, Forbidden, Lookup, Rule, SystemNames
from dragoman.http.exchange import Ask, Body, deadline, open_session, streamed, whole
from dragoman.http.one_answer import OneAnswerConnector
from dragoman.http.urls import Target, check_url, read

__all__ = ["LARGEST", "Guarded", "check_url"]

LARGEST = 256 * 1024

# Headers that say how the message is framed and for whom it is; a tenant's own must not contradict ours.
OURS = frozenset(
    [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
        "proxy-authorization",
        "proxy-connection",
        "cookie",
    ]
)


@lru_cache
def _authorities(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Whom we believe: the system's authorities, or an operator's own, which OpenSSL finds by these two. To read them takes 40 ms."""
    return ssl.create_default_context()


class Guarded:
    """`allow` are networks that may be called although they are not public, also over http and on any port.

    `deny` are public ones that may not be called, such as this server's own address; `allow` goes before it.
    """

    certificates: ssl.SSLContext
    _public: ClientSession
    _inside: ClientSession

    def __init__(self, allow: Sequence[Network], *, deny: Sequence[Network] = (), lookup: Lookup | None = None) -> None:
        self._allow, self._deny = tuple(allow), tuple(deny)
        self._names = SystemNames()
        self._lookup = lookup or self._names
        self._read: Callable[[str], Target] = lru_cache(maxsize=8192)(lambda url: read(url, self._allow))

    async def open(self) -> None:
        self.certificates = _authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        self._public = self._session(inside=False)
        self._inside = self._session(inside=True)

    async def close(self) -> None:
        await self._public.close()
        await self._inside.close()
        self._names.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float,
        largest: int = LARGEST,
    ) -> Answer:
        """Call `url`. `body` is JSON unless `headers` say otherwise; `timeout` is in seconds, for everything together.

        A redirect is returned as the answer it is. Raises Refused, when nothing was sent; NoAnswer; TooLong, when the answer
        exceeds `largest` bytes; Unreadable, when it is compressed.
        """
        async with self.stream(method, url, headers=headers, body=body, timeout=timeout, largest=largest) as got:
            return await whole(got)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float,
        idle: float | None = None,
        largest: int = LARGEST,
    ) -> AsyncIterator[Streamed]:
        """`request` for an answer that is read while it comes; `idle` is how many seconds it may pause."""
        ask, host, payload = self._asking(method, url, headers, body, deadline(timeout, idle))
        async with streamed(ask, host, payload, largest) as got:
            if got.headers.get("Content-Encoding", "identity").lower() != "identity":
                reason = f"{host} sent a compressed answer although it was asked not to (Accept-Encoding: identity)."
                raise Unreadable(reason, status=got.status)
            yield got

    async def dial(self, host: str, port: int, ports: Collection[int]) -> socket.socket:
        """A connected socket for a protocol that is not HTTP. On the public internet only `ports` are dialled. Raises Refused, OSError."""
        rule = Rule(self._allow, self._deny, inside=port not in ports)
        try:
            found = await CheckedNames(rule, self._lookup).resolve(host, port)
        except Forbidden as forbidden:
            if port not in ports:
                known = ", ".join(map(str, sorted(ports)))
                raise Refused(f"Port {port} of {host} is not dialled on the public internet; use one of {known}.") from None
            raise Refused(str(forbidden)) from None
        except OSError:
            raise Refused(f"{host} is not known to the name service.") from None
        error: OSError | None = None
        for one in found:
            made = socket.socket(one["family"], socket.SOCK_STREAM)
            made.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(made, (one["host"], port))
            except OSError as failed:
                made.close()
                error = failed
            except BaseException:
                made.close()
                raise
            else:
                return made
        raise error or OSError(f"{host} has no address")

    def _asking(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None, limits: ClientTimeout
    ) -> tuple[Ask, str, Body | None]:
        target = self._read(url)
        if headers and not OURS.isdisjoint(map(str.lower, headers)):
            raise Refused(f"These headers are set by Dragoman and cannot be chosen: {', '.join(n for n in headers if n.lower() in OURS)}.")
        payload = Body(body) if body is not None else None
        session = self._inside if target.inside else self._public
        ask = partial(session.request, method, target.url, headers=headers, data=payload, timeout=limits, allow_redirects=False)
        return ask, target.url.host or "", payload

    def _session(self, *, inside: bool) -> ClientSession:
        """Two sessions rather than one, because a socket knows its address but not the scheme it is for."""
        rule = Rule(self._allow, self._deny, inside)
        connector = OneAnswerConnector(
            limit=0,
            limit_per_host=0,
            ttl_dns_cache=10,
            keepalive_timeout=4,  # just under the 5 s of uvicorn and Node, so that we rarely write to a connection that is being closed
            ssl=self.certificates,
            resolver=CheckedNames(rule, self._lookup),
            socket_factory=rule.socket,
        )
        return open_session(connector, auto_decompress=False)
