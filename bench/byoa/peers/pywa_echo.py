"""pywa 4.5 async echo bot on FastAPI; AGENT_URL set = asks a BYOA webhook first."""

import os

import httpx
from fastapi import FastAPI
from pywa_async import WhatsApp, filters, types

AGENT = os.environ.get("AGENT_URL", "")
app = FastAPI()
session = httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=500, max_keepalive_connections=100))
agent = httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=500, max_keepalive_connections=100))
wa = WhatsApp(
    phone_id=os.environ["PHONE_ID"],
    token="T",
    server=app,
    webhook_endpoint="/webhook",
    verify_token="V",
    app_secret=os.environ["APP_SECRET"],
    session=session,
)
session.base_url = os.environ["GRAPH_URL"] + "/v23.0"


@wa.on_message(filters.text)
async def echo(_: WhatsApp, msg: types.Message):
    text = msg.text
    if AGENT:
        r = await agent.post(AGENT, json={"from": msg.from_user.wa_id, "id": msg.id, "text": text})
        text = r.json()["text"]
    await msg.reply_text(text)
