"""The sandbox's own way out: webhooks to apps, and the links that businesses ask WhatsApp to fetch."""

import aiohttp

USER_AGENT = "facebookexternalua"


class Web:
    """One aiohttp session, opened when first needed, because the sandbox is mounted into an app that starts its loop later."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=10),
                headers={"User-Agent": USER_AGENT},
                auto_decompress=True,
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None
