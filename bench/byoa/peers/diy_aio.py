"""The upper bound: a careful bot by hand (Starlette, aiohttp, tasks) that keeps nothing, orders nothing and retries nothing."""

import asyncio
import hashlib
import hmac
import os
from contextlib import asynccontextmanager

import aiohttp
import orjson
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

GRAPH, SECRET, PHONE = os.environ["GRAPH_URL"], os.environ["APP_SECRET"].encode(), os.environ["PHONE_ID"]
AGENT = os.environ.get("AGENT_URL", "")
HTTP, TASKS = {}, set()


@asynccontextmanager
async def life(_app):
    HTTP["session"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=500), headers={"content-type": "application/json"})
    yield


async def handle(message):
    text, session = message["text"]["body"], HTTP["session"]
    if AGENT:
        asked = orjson.dumps({"from": message["from"], "id": message["id"], "text": text})
        async with session.post(AGENT, data=asked) as answer:
            text = orjson.loads(await answer.read())["text"]
    said = orjson.dumps({"messaging_product": "whatsapp", "to": message["from"], "type": "text", "text": {"body": text}})
    async with session.post(f"{GRAPH}/v23.0/{PHONE}/messages", headers={"Authorization": "Bearer T"}, data=said) as answer:
        await answer.read()


async def webhook(request):
    body = await request.body()
    signature = "sha256=" + hmac.digest(SECRET, body, hashlib.sha256).hex()
    if not hmac.compare_digest(signature, request.headers.get("x-hub-signature-256", "")):
        return Response(status_code=403)
    for entry in orjson.loads(body)["entry"]:
        for change in entry["changes"]:
            for message in change["value"].get("messages", ()):
                task = asyncio.ensure_future(handle(message))
                TASKS.add(task)
                task.add_done_callback(TASKS.discard)
    return Response(b"ok")


app = Starlette(routes=[Route("/webhook", webhook, methods=["POST"])], lifespan=life)
