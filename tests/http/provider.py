"""A place that the SDKs call: it speaks as much of each of their languages as one short answer takes."""

import asyncio
import contextlib
import json

from aiohttp import web

WORDS = ["Yes, ", "we ", "do!"]
SAID = "".join(WORDS)
_USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


class Provider:
    """`heard` are the requests: headers and body. `said`, where a test sets one, is waited for before each further word of a stream."""

    def __init__(self):
        self.heard = []
        self.said = None
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def chat(self, request):
        asked = json.loads(await self._hear(request))
        if asked.get("stream"):
            return await self._stream(request)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": SAID}}
        return web.json_response({**_completion("chat.completion"), "choices": [choice], "usage": _USAGE})

    async def _stream(self, request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in WORDS:
            choice = {"index": 0, "finish_reason": None, "delta": {"content": word}}
            await response.write(b"data: " + json.dumps({**_completion("chat.completion.chunk"), "choices": [choice]}).encode() + b"\n\n")
            if self.said is not None:
                await self.said.acquire()
        await response.write(b"data: [DONE]\n\n")
        return response

    async def transcribe(self, request):
        await self._hear(request)
        return web.json_response({"text": "two croissants"})

    async def messages(self, request):
        await self._hear(request)
        said = {"content": [{"type": "text", "text": SAID}], "stop_reason": "end_turn", "stop_sequence": None}
        usage = {"input_tokens": 9, "output_tokens": 3}
        return web.json_response({"id": "m", "type": "message", "role": "assistant", "model": "m", **said, "usage": usage})

    async def generate(self, request):
        await self._hear(request)
        candidate = {"content": {"role": "model", "parts": [{"text": SAID}]}, "finishReason": "STOP", "index": 0}
        return web.json_response({"candidates": [candidate]})

    async def tools(self, request):
        asked = json.loads(await self._hear(request))
        if "id" not in asked:
            return web.Response(status=202)
        tool = {"name": "look_up_order", "description": SAID, "inputSchema": {"type": "object"}}
        known = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "till", "version": "1"}},
            "tools/list": {"tools": [tool]},
        }
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": known[asked["method"]]})

    async def _hear(self, request):
        body = await request.read()
        self.heard.append((request.headers, body))
        return body


def _completion(kind):
    return {"id": "c", "object": kind, "created": 0, "model": "m"}


@contextlib.asynccontextmanager
async def provider():
    """A Provider that listens on loopback."""
    place = Provider()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", place.chat)
    app.router.add_post("/v1/audio/transcriptions", place.transcribe)
    app.router.add_post("/v1/messages", place.messages)
    app.router.add_post("/v1beta/models/{call}", place.generate)
    app.router.add_post("/mcp", place.tools)
    # A word that nobody waits for any more is not waited for either, or a test that fails half way would never end.
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    place.port = site._server.sockets[0].getsockname()[1]
    yield place
    await runner.cleanup()
    await asyncio.sleep(0)
