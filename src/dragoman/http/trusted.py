"""The trusted door: calls to places that the operator chose, such as the Graph API and model providers. Any address, any scheme."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from aiohttp import ClientSession, ClientTimeout, FormData, TCPConnector
from yarl import URL

from dragoman.http.answers import Answer, NoAnswer, Streamed
from dragoman.http.exchange import Body, deadline, open_session, streamed, whole

LARGEST = 32 * 1024 * 1024


class Trusted:
    """One pool of kept-alive connections. Redirects come back as the answer: a token is only for the host it was made for."""

    _session: ClientSession

    async def open(self) -> None:
        connector = TCPConnector(limit=0, limit_per_host=0, ttl_dns_cache=30, keepalive_timeout=30)
        self._session = open_session(connector, auto_decompress=True)

    async def close(self) -> None:
        await self._session.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: bytes | None = None,
        data: FormData | None = None,
        timeout: float,
        largest: int = LARGEST,
    ) -> Answer:
        """Call `url` with encoded JSON or a form, or nothing. `timeout` is in seconds, for everything together.

        Raises NoAnswer, and TooLong when the answer exceeds `largest` bytes.
        """
        sending = Body(json_body) if json_body is not None else data
        async with self._streamed(method, url, headers, sending, deadline(timeout), largest) as got:
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
        """`request` for an answer that is read while it comes; `idle` is how many seconds it may pause.

        `body` is JSON unless `headers` say otherwise.
        """
        sending = Body(body) if body is not None else None
        async with self._streamed(method, url, headers, sending, deadline(timeout, idle), largest) as got:
            yield got

    def _streamed(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        sending: Body | FormData | None,
        limits: ClientTimeout,
        largest: int,
    ) -> AbstractAsyncContextManager[Streamed]:
        where = _read(url)
        ask = partial(self._session.request, method, where, headers=headers, data=sending, timeout=limits, allow_redirects=False)
        return streamed(ask, where.host or "the host", sending if isinstance(sending, Body) else None, largest)


def _read(url: str) -> URL:
    try:
        return URL(url)
    except ValueError:
        raise NoAnswer("The URL cannot be read.", body_sent=False) from None
