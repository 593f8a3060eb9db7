"""The real MCP server, from the outside: started in a process of its own and told what to be."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from cast import until
from stage import free_port


class Baker:
    def __init__(self, url, session):
        self.url, self._control, self._session = f"{url}/mcp", f"{url}/control", session

    async def is_now(self, **what):
        """`tools` and `answers` of `server.py`."""
        async with self._session.put(self._control, json=what) as answer:
            assert answer.status == 204

    async def asked(self, method="tools/call"):
        async with self._session.get(self._control) as answer:
            return [one for one in await answer.json() if one["method"] == method]


@asynccontextmanager
async def real_server():
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, str(Path(__file__).with_name("server.py")), str(port))
    try:
        async with aiohttp.ClientSession() as session:
            baker = Baker(f"http://127.0.0.1:{port}", session)
            await until(lambda: _answers(baker), "the MCP server answers")
            yield baker
    finally:
        process.kill()
        await process.wait()


async def _answers(baker):
    try:
        return await baker.asked() == []
    except aiohttp.ClientError:
        return False
