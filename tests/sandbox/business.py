"""What the tests say and hear: a business that takes webhooks, and the doors of the sandbox."""

import asyncio
import hashlib
import hmac
from datetime import timedelta
from io import BytesIO

import msgspec
from stage import free_socket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

NUMBER = "106540000000001"
WABA = "102290000000001"
DANA = "+15550007890"
TOKEN = "lumen-token"
JSON = {"Content-Type": "application/json"}


def door():
    listening = free_socket()
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


class Business:
    """Takes webhooks at /hook. `answers` are the statuses of the next ones (200 when it runs out); `bodies` what came, byte by byte; `updates` what was in it, as long as it `reads`."""

    def __init__(self, origin, *, secret):
        self.origin, self.secret = origin, secret
        self.answers, self.bodies, self.updates, self.forged, self.reads = [], [], [], 0, True
        self.challenges = []
        self.files = {}
        self._news = asyncio.Condition()
        routes = [
            Route("/hook", self._hook, methods=["POST"]),
            Route("/hook", self._challenge, methods=["GET"]),
            Route("/files/{name}", self._file),
        ]
        self.app = Starlette(routes=routes)

    async def _hook(self, request):
        body = await request.body()
        mac = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        async with self._news:
            if request.headers.get("x-hub-signature-256") != f"sha256={mac}":
                self.forged += 1
                self._news.notify_all()
                return Response(status_code=401)
            self.bodies.append(body)
            status = self.answers.pop(0) if self.answers else 200
            if status == 200 and self.reads:
                self.updates += list(updates_in(body))
            self._news.notify_all()
        return Response(status_code=status)

    async def _challenge(self, request):
        self.challenges.append(dict(request.query_params))
        if request.query_params["hub.verify_token"] != "verify":
            return Response(status_code=403)
        return PlainTextResponse(request.query_params["hub.challenge"])

    async def _file(self, request):
        kind, data = self.files.get(request.path_params["name"], (None, b""))
        return Response(data, 200 if kind else 404, media_type=kind)

    async def until(self, true):
        """Wait until `true(self)`, as news come in."""
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: true(self))

    async def update(self, **wanted):
        """The first update that was taken with these values, waited for."""

        def found():
            return [update for update in self.updates if wanted.items() <= {k: v for k, v in update.items() if k in wanted}.items()]

        await self.until(lambda _: found())
        return found()[0]

    async def message(self, wamid):
        return await self.update(kind="messages", id=wamid)

    async def status(self, status, wamid):
        return await self.update(kind="statuses", status=status, id=wamid)


def updates_in(body):
    """Every update of a webhook of the sandbox's own; other shapes, posted by hand, hold none."""
    if not body.startswith(b'{"object":"whatsapp_business_account"'):
        return
    for entry in msgspec.json.decode(body)["entry"]:
        for change in entry["changes"]:
            value = change["value"]
            for kind in ("messages", "statuses", "message_echoes"):
                for item in value.get(kind, []):
                    yield item | {"kind": kind, "field": change["field"], "metadata": value["metadata"], "profiles": value.get("contacts")}
            if "metadata" not in value:
                yield value | {"kind": "value", "field": change["field"], "time": entry.get("time")}


class Town:
    """The sandbox from outside: `control` is what testers do, `graph` what businesses do."""

    def __init__(self, origin, web, clock, sandbox):
        self.origin, self.web, self.clock, self.sandbox = origin, web, clock, sandbox

    def later(self, **delta):
        self.clock.advance(timedelta(**delta))

    async def control(self, method, path, body=None, *, expect=None):
        data = None if body is None else BytesIO(msgspec.json.encode(body))
        async with self.web.request(method, f"{self.origin}/control{path}", data=data, headers=JSON) as answer:
            shown = await answer.json()
            assert answer.status == expect if expect else answer.status in (200, 201), shown
            return shown

    async def person(self, name, **more):
        return await self.control("POST", "/people", {"name": name, **more})

    async def says(self, person, text=None, **more):
        said = {"text": text, **more} if text is not None else more
        return (await self.control("POST", f"/people/{person['id']}/messages", said))["id"]

    async def taps(self, person, wamid, **choice):
        return (await self.control("POST", f"/people/{person['id']}/taps", {"message": wamid, **choice}))["id"]

    async def chat(self, person, number=NUMBER):
        return await self.control("GET", f"/people/{person['id']}/chat?number={number}")

    async def bubble(self, person, wamid):
        return next(message for message in (await self.chat(person))["messages"] if message["id"] == wamid)

    async def ledger(self):
        return await self.control("GET", "/ledger")

    async def fault(self, on, action, **more):
        return await self.control("POST", "/faults", {"on": on, "action": action, **more})

    async def graph(self, method, path, body=None, *, token=TOKEN, **more):
        """(status, JSON body) of a Graph call."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.web.request(method, f"{self.origin}/graph/v26.0/{path}", json=body, headers=headers, **more) as answer:
            return answer.status, await answer.json()

    async def send(self, content, *, to=DANA, number=NUMBER, token=TOKEN, **more):
        """The answer to a send: (status, JSON body)."""
        address = {"to": to} if to else {}
        return await self.graph("POST", f"{number}/messages", {"messaging_product": "whatsapp", **address, **content, **more}, token=token)

    async def text(self, body="Your cake is ready", **more):
        """The wamid of a text that was accepted."""
        status, answer = await self.send({"type": "text", "text": {"body": body}}, **more)
        assert status == 200, answer
        return answer["messages"][0]["id"]

    async def refused(self, content, **more):
        """(HTTP status, code) of a send that is refused at once."""
        status, answer = await self.send(content, **more)
        assert "error" in answer, answer
        return status, answer["error"]["code"]


def text(body="Your cake is ready"):
    return {"type": "text", "text": {"body": body}}


def interactive(content):
    return {"type": "interactive", "interactive": content}


def buttons(*titles, body="Which cake?", **more):
    replies = [{"type": "reply", "reply": {"id": title.lower(), "title": title}} for title in titles]
    return interactive({"type": "button", "body": {"text": body}, "action": {"buttons": replies}, **more})


def choices(*rows, body="When?", button="Choose", **more):
    row_list = [{"id": f"r{place}", "title": title} for place, title in enumerate(rows)]
    return interactive({"type": "list", "body": {"text": body}, "action": {"button": button, "sections": [{"rows": row_list}]}, **more})
