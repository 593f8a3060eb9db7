"""The world outside: model providers, shops, websites and MCP servers, each for the length of a block.

async with model_server() as model, shop_server() as shop, website() as site, mcp_server("--token", "t") as mcp: ...
"""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from model import model_server
from shop import Shop
from stage import serving
from website import Site

__all__ = ["mcp_server", "model_server", "shop_server", "website"]

PROGRAM = Path(__file__).with_name("mcp_server.py")


@asynccontextmanager
async def shop_server(**options):
    shop = Shop(**options)
    async with serving(shop.handle) as shop.url:
        try:
            yield shop
        finally:
            shop.closing.set()


@asynccontextmanager
async def website(**options):
    site = Site(**options)
    async with serving(site.handle) as site.url, serving(site.rival) as site.rival_url:
        yield site


class McpServer:
    """An MCP server in a process of its own: `url` is where it speaks MCP, the rest is its control."""

    def __init__(self, base, session):
        self.url = f"{base}/mcp"
        self.base = base
        self._session = session

    async def requests(self, path="/mcp"):
        """Every request to this path: {"method", "rpc", "params", "headers", "status"}; also those it refused."""
        return [one for one in await self._control("GET", "/requests") if one["path"] == path]

    async def calls(self, tool=None):
        """The calls of tools that were answered: {"tool", "arguments", "headers"}, oldest first."""
        made = [one for one in await self.requests() if one["rpc"] == "tools/call" and one["status"] == 200]
        calls = [{"tool": one["params"]["name"], "arguments": one["params"].get("arguments"), "headers": one["headers"]} for one in made]
        return [call for call in calls if tool in (None, call["tool"])]

    async def pull_rug(self, tool, description, **more):
        """Change a tool while it is in use: its description, `parameters`, `read_only`."""
        return await self._control("PUT", f"/tools/{tool}", {"description": description, **more})

    async def remove(self, tool):
        return await self._control("DELETE", f"/tools/{tool}")

    async def answer(self, path, status=200, body=None, headers=None, times=None):
        """Let a path answer this instead, `times` times or until told otherwise: a status, a hostile document, a redirect."""
        return await self._control(
            "PUT", "/answers", {"path": path, "status": status, "body": body, "headers": headers or {}, "times": times}
        )

    async def forget_tokens(self, refresh=False):
        """No access token is good any more; with `refresh`, no refresh token either."""
        return await self._control("DELETE", "/tokens", {"refresh": refresh})

    async def set_authorization(self, **options):
        """`deny=True`: the next who asks is refused."""
        return await self._control("PUT", "/authorization", options)

    async def oauth(self):
        """What the authorization server knows: {"clients", "tokens", "refreshes"}."""
        return await self._control("GET", "/oauth")

    async def _control(self, method, path, json=None):
        async with self._session.request(method, f"{self.base}/control{path}", json=json) as answer:
            assert answer.status == 200, (answer.status, await answer.text())
            return await answer.json()


@asynccontextmanager
async def mcp_server(*options, port=0):
    """`options` are those of mcp_server.py: "--token", "t" or "--oauth"."""
    words = [sys.executable, str(PROGRAM), str(port), *options]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    try:
        said = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        assert said.startswith("listens on "), said
        async with aiohttp.ClientSession() as session:
            yield McpServer(f"http://127.0.0.1:{said.split()[-1]}", session)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
