"""An MCP server by hand, for what no library would do: every answer is a test's own.

It speaks the protocol of 2025 with JSON answers. `on` holds, by method, a function of (request, message) that gives the result, a whole
web.Response, or never comes back; `turns_away` decides about every request before that.
"""

import asyncio
import json
from contextlib import asynccontextmanager

from aiohttp import web
from stage import serving

ECHO = {"name": "echo", "description": "Say it again.", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}


class Wild:
    def __init__(self):
        self.tools = [ECHO]
        self.on = {"tools/call": lambda request, message: text("ok")}
        self.turns_away = lambda request: None
        self.requests = []
        self.messages = []
        self.over = asyncio.Event()  # the test is

    async def handle(self, request):
        self.requests.append(request)
        body = await request.read()
        if (away := self.turns_away(request)) is not None:
            return away
        if request.method == "DELETE":
            return web.Response(status=200)
        message = json.loads(body)
        self.messages.append(message)
        if "id" not in message:
            return web.Response(status=202)
        make = self.on.get(message["method"]) or getattr(self, "_" + message["method"].replace("/", "_"), None)
        if make is None:
            return reply(message, error={"code": -32601, "message": "Method not found"})
        result = make(request, message)
        result = await result if asyncio.iscoroutine(result) else result
        if isinstance(result, web.StreamResponse):
            return result
        headers = {"Mcp-Session-Id": "the-session"} if message["method"] == "initialize" else {}
        return reply(message, headers, result=result)

    def _initialize(self, request, message):
        info = {"name": "wild", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {"listChanged": True}}, "serverInfo": info}

    def _tools_list(self, request, message):
        return {"tools": self.tools}

    def methods(self):
        return [message["method"] for message in self.messages if "method" in message]


def text(words, **more):
    return {"content": [{"type": "text", "text": words}], **more}


def reply(message, headers=None, **body):
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], **body}, headers=headers)


@asynccontextmanager
async def wild_server():
    wild = Wild()
    async with serving(wild.handle) as url:
        wild.url = f"{url}/mcp"
        yield wild
        wild.over.set()
