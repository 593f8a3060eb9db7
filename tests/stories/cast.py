"""The cast of the stories: what a business, a customer's phone and an agent can do in a test."""

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

PATIENCE = 60.0  # seconds; a machine that does four things at once is slow
NUMBER = "106540000000001"


async def until(condition, what="it happens"):
    """Wait until `condition()` is true and give back what it said; it may be async."""
    deadline = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE:.0f} s in vain until {what}")
        await asyncio.sleep(0.01)


@dataclass
class Lumen:
    """Bakery Lumen: its server, its key, and the sandbox's controls."""

    url: str
    key: str
    session: Any
    services: Any
    organisation_id: Any
    sandbox_url: str = ""  # where WhatsApp is, when it is not the sandbox of the server itself

    async def call(self, method, path, json=None, **more):
        """An API call; the status and the JSON of the answer."""
        headers = {"X-API-Key": self.key, **more.pop("headers", {})}
        async with self.session.request(method, f"{self.url}/api/v1{path}", json=json, headers=headers, **more) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else await answer.text()

    async def get(self, path):
        status, body = await self.call("GET", path)
        assert status == 200, body
        return body

    async def post(self, path, json=None, expect=(200, 201, 202)):
        status, body = await self.call("POST", path, json)
        assert status in (expect if isinstance(expect, tuple) else (expect,)), (status, body)
        return body

    async def connect(self, agent, url, **options):
        """Create a BYOA agent at `url` and put it on the sandbox number."""
        agent.url = url
        created = await self.post("/agents/byoa/", {"webhookUrl": f"{url}/hook", "name": "Echo", **options})
        agent.id, agent.secret, agent.connect_url = created["id"], created["byoa"]["secret"], created["connectUrl"]
        await self.post("/phone-numbers/15550001234/connect-agent/", {"agentId": agent.id})

    async def change_agent(self, agent, **byoa):
        status, body = await self.call("PATCH", f"/agents/{agent.id}/", {"byoa": byoa})
        assert status == 200, body

    async def conversation(self, name="Dana"):
        """The newest conversation with this contact, as soon as there is one."""

        async def newest():
            page = await self.get("/conversations/")
            return next((c for c in page["results"] if c["contact"]["name"] == name), None)

        return await until(newest, f"{name} has a conversation")

    async def messages(self, name="Dana"):
        """What was said, oldest first."""
        conversation = await self.conversation(name)
        return list(reversed(await self.get(f"/conversations/{conversation['id']}/messages/?limit=100")))

    async def timeline(self, name="Dana"):
        conversation = await self.conversation(name)
        return await self.get(f"/conversations/{conversation['id']}/timeline/")

    async def control(self, method, path, json=None):
        async with self.session.request(method, f"{self.sandbox_url or self.url + '/sandbox'}/control{path}", json=json) as answer:
            body = await answer.json() if answer.content_type == "application/json" else await answer.text()
            assert answer.status < 300, (answer.status, body)
            return body

    async def skip(self, **time_parts):
        seconds = time_parts.get("seconds", 0) + 60 * time_parts.get("minutes", 0) + 3600 * time_parts.get("hours", 0)
        await self.control("POST", "/clock", {"advance_seconds": seconds})

    async def ledger(self):
        """Everything that WhatsApp took for a customer, in order: the truth about what people saw."""
        return await self.control("GET", "/ledger")

    async def fault(self, **fault):
        return await self.control("POST", "/faults", fault)

    async def rows(self, query, **params):
        return await self.services.db.fetch(query, params)


@dataclass
class Phone:
    """A customer's phone in the sandbox."""

    lumen: Lumen
    id: str
    person: dict[str, Any]

    @classmethod
    async def of(cls, lumen, **person):
        made = await lumen.control("POST", "/people", person)
        return cls(lumen, made["id"], made)

    async def says(self, text, **more):
        """Send a text; its wamid."""
        return await self.sends(type="text", text=text, **more)

    async def sends(self, **message):
        return (await self.lumen.control("POST", f"/people/{self.id}/messages", message))["id"]

    async def sends_file(self, kind, data, mime_type, **more):
        return await self.sends(type=kind, media_base64=base64.b64encode(data).decode(), mime_type=mime_type, **more)

    async def taps(self, message, **choice):
        return (await self.lumen.control("POST", f"/people/{self.id}/taps", {"message": message, **choice}))["id"]

    async def chat(self):
        return await self.lumen.control("GET", f"/people/{self.id}/chat")

    async def heard(self):
        """What the business said to this person."""
        return [m for m in (await self.chat())["messages"] if m["from"] == "business"]

    async def hears(self, count=1):
        """Wait until the business has said `count` things; all of them."""
        return await until(lambda: self._heard(count), f"{self.person['name']} hears {count} messages")

    async def _heard(self, count):
        heard = await self.heard()
        return heard if len(heard) >= count else None

    async def hears_text(self, count=1):
        return [message["text"] for message in await self.hears(count)]


@dataclass
class Agent:
    """An agent's webhook. `answer` decides: a dict (JSON), a str (text), an int (status), a web.Response, or a function
    of the delivery that gives one of these; None echoes. `script` holds answers for the next deliveries, first come first."""

    answer: Any = None
    script: list[Any] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    url: str = ""
    id: str = ""
    secret: str = ""
    connect_url: str = ""

    async def handle(self, request):
        body = await request.read()
        self.bodies.append(body)
        self.headers.append(request.headers)
        delivery = json.loads(body)
        self.deliveries.append(delivery)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = self.script.pop(0) if self.script else self.answer
            if callable(answer):
                answer = answer(delivery)
            if asyncio.iscoroutine(answer):
                answer = await answer
            return _response(answer if answer is not None else {"content": f"You said: {delivery['message']}"})
        finally:
            self.in_flight -= 1

    async def delivered(self, count=1):
        """Wait until the webhook was called `count` times; all the deliveries."""
        return await until(lambda: self.deliveries if len(self.deliveries) >= count else None, f"the agent is called {count} times")

    def genuine(self, index=-1):
        """Does an independent library accept the signature of that delivery?"""
        Webhook(self.secret).verify(self.bodies[index], dict(self.headers[index]))
        return True


def _response(answer):
    if isinstance(answer, web.StreamResponse):
        return answer
    if isinstance(answer, int):
        return web.Response(status=answer)
    if isinstance(answer, str):
        return web.Response(text=answer)
    return web.json_response(answer)
