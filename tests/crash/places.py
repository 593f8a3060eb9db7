"""Where a scenario is played: WhatsApp, an agent, a model and a shop that live on, and a server that dies."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aiohttp
from cast import Agent, Lumen, Phone
from model import model_server
from native import SECRET_KEY
from stage import free_socket, served, serving, visiting
from tests.crash.invariants import Evidence, check
from tests.crash.processes import Server
from world import shop_server

from dragoman.accounts import keys, numbers, organisations
from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock
from dragoman.sandbox import seeing
from dragoman.sandbox.app import Sandbox
from dragoman.store.database import Database

NUMBER, WABA = "106540000000001", "102290000000001"
SETTLES = 45.0  # seconds
AGAIN = 0.05
FAST = {"lease_seconds": 2.1, "unknown_wait_seconds": 1}


class Parts:
    """As much of `Services` as helpers of the stories ask for."""

    def __init__(self, db):
        self.db, self.clock, self.vault = db, Clock(), Vault(SECRET_KEY)


@dataclass
class Place:
    """Bakery Lumen for the length of one run. `promised` are the ids of messages whose caller got a 2xx."""

    lumen: Lumen
    agent: Agent
    model: Any
    shop: Any
    sandbox: Sandbox
    servers: list[Server]
    folder: Any
    promised: list[str] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def server(self):
        return self.servers[0]

    @property
    def database(self):
        return self.lumen.services.db

    async def person(self, name="Dana", phone="+15550007890"):
        self.kept.setdefault("people", []).append(made := await Phone.of(self.lumen, name=name, phone=phone))
        return made

    async def asks(self, method, path, json=None, *, key=None, url=None, headers=None):
        """As a careful program calls an API: again until there is an answer, under one Idempotency-Key. The status and the JSON."""
        own = headers or {"X-API-Key": self.lumen.key}
        own |= {"Idempotency-Key": key} if key else {}
        async with asyncio.timeout(SETTLES):
            while True:
                with suppress(aiohttp.ClientError, OSError):
                    async with self.lumen.session.request(method, url or f"{self.server.url}{path}", json=json, headers=own) as answer:
                        if answer.status not in (500, 503, 429):
                            return answer.status, await answer.json()
                await asyncio.sleep(AGAIN)

    async def says(self, conversation_id, text):
        """The till writes a message, once: of one whose answer was cut off it looks whether it is there."""
        path = f"/api/v1/conversations/{conversation_id}/messages/"
        for n in range(5):
            status, body = await self.asks("POST", path, {"type": "text", "text": {"body": text}}, key=f"{text} {n}")
            if status < 300:
                self.promised.append(body["id"])
                return
            assert status == 409, (status, body)
            if await self.rows("select 1 from messages where content ->> 'body' = %(text)s", text=text):
                return
        raise AssertionError(f"could not say {text}")

    async def rows(self, query, **params):
        return await self.database.fetch(query, params)

    async def conversation_id(self):
        return (await self.until(lambda: self.rows("select id from conversations"), "somebody has written"))[0]["id"]

    async def until(self, condition, what):
        """Wait until `condition()` is true and give back what it said; it may be async."""
        async with asyncio.timeout(SETTLES):
            while True:
                result = condition()
                if asyncio.iscoroutine(result):
                    result = await result
                if result:
                    return result
                self.time_passes()
                await asyncio.sleep(AGAIN)
        raise AssertionError(what)

    async def answered(self, count):
        """Wait until this many messages have left or are known not to have."""
        query = "select 1 from messages where direction = 'out' and state not in ('queued', 'sending', 'discarded')"

        async def enough():
            found = await self.rows(query)
            return len(found) >= count

        await self.until(enough, f"{count} messages are settled")

    def time_passes(self):
        """Meta's patience runs out, and it delivers again what had no answer."""
        if self._under_way() and not self.server.dead.is_set():
            self.sandbox.box.clock.advance(timedelta(seconds=20))

    def _under_way(self):
        """WhatsApp still has something to tell."""
        return bool(self.sandbox.box.world.state.undelivered or self.sandbox.box.timers._heap)

    async def settled(self):
        """Nothing is left to do anywhere; raises TimeoutError when that takes too long."""
        await self.until(self._rests, "all is settled")

    async def _rests(self):
        if self._under_way():
            return False
        row = await self.database.fetch_one(UNSETTLED, {"ahead": self.server.clock + 5})
        if any(row.values()):
            return False
        for _ in range(2):  # who dies of what he has just committed does not answer; one answer may have been on its way
            await self.asks("GET", "/healthz")
        return True

    async def evidence(self):
        world = self.sandbox.box.world.state
        heard = [
            (headers["webhook-id"], [m["message_id"] for m in delivery["context"]["messages"]])
            for headers, delivery in zip(self.agent.headers, self.agent.deliveries, strict=True)
        ]
        return Evidence(
            database=self.database,
            ledger=json.loads(seeing.ledger(self.sandbox.box)),
            inbound=[m.id for m in world.messages.values() if m.by == "person"],
            promised=self.promised,
            heard=heard,
            acts=[_act(request) for request in self.shop.requests if request.method == "POST"],
        )

    async def forgotten(self):
        """What somebody was told is there, and is not, while the server is dead."""
        log = [delivery for delivery in self.sandbox.box.postman.log if delivery.status == 200]
        wamids = [wamid for delivery in log for wamid in delivery.messages]
        stored = await self.rows("select wamid from messages where wamid = any(%(wamids)s)", wamids=wamids)
        ids = await self.rows("select id from messages where id = any(%(ids)s::uuid[])", ids=self.promised)
        lost = set(wamids) - {row["wamid"] for row in stored}
        lost |= set(self.promised) - {str(row["id"]) for row in ids}
        return [f"I-01 acknowledged, and not on disk when the server died: {one}" for one in sorted(lost)]

    async def violations(self):
        return await check(await self.evidence())


def _act(request):
    return f"{request.path} {request.headers.get('Idempotency-Key')}"


UNSETTLED = """
select (select count(*) from conversations where due_at <= now() + make_interval(secs => %(ahead)s)) as due,
       (select count(*) from conversations where owner = 'agent' and wanted_seq > answered_seq) as wanted,
       (select count(*) from messages where state in ('queued', 'sending') or (state = 'unknown' and not_before is not null)) as waiting,
       (select count(*) from turns where state = 'open') as open,
       (select count(*) from wakeups where state = 'pending' and at <= now() + make_interval(secs => %(ahead)s)) as planned,
       (select count(*) from procrastinate_jobs where status in ('todo', 'doing')) as jobs
"""


@asynccontextmanager
async def place(nursery, uri, folder, roles=("all",), **settings):
    """Everything of one run, with nothing started yet; `uri` is a fresh database."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(visiting(timeout=aiohttp.ClientTimeout(total=20)))
        graph, addresses = free_socket(), [_port(stack) for _ in roles]
        own_url, url = f"http://127.0.0.1:{graph.getsockname()[1]}", f"http://127.0.0.1:{addresses[0]}"
        secrets = {"app_secret": "app-secret", "verify_token": "verify", "access_token": "token"}
        sandbox = Sandbox(Clock(), **secrets, callback_url=f"{url}/webhooks/whatsapp/meta", own_url=own_url)
        await stack.enter_async_context(served(sandbox.app, graph))
        stack.push_async_callback(sandbox.close)
        agent = Agent()
        agent.url = await stack.enter_async_context(serving(agent.handle))
        model = await stack.enter_async_context(model_server())
        shop = await stack.enter_async_context(shop_server())
        database = Database(uri, largest=4)
        await database.open()
        stack.push_async_callback(database.close)
        organisation_id, key = await _furnish(database)
        environment = {
            "database_url": uri,
            "secret_key": SECRET_KEY,
            "data_dir": folder,
            "public_url": url,
            "graph_url": f"{own_url}/graph",
            "allow_private_urls": "127.0.0.0/8",
            "api_rate_limit": 100_000,
            **FAST,
            **settings,
        }
        servers = [
            Server(nursery, port, environment, folder, role, f"{role}-{n}")
            for n, (port, role) in enumerate(zip(addresses, roles, strict=True))
        ]
        for server in servers:
            stack.push_async_callback(server.kill)
        lumen = Lumen(url, key, session, Parts(database), organisation_id, own_url)
        yield Place(lumen, agent, model, shop, sandbox, servers, folder)


def _port(stack):
    """One that is ours for the whole run, also between two lives of its server."""
    sock = stack.enter_context(socket.socket())
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the server says the same, and may listen beside it
    return sock.getsockname()[1]


async def _furnish(database):
    vault, clock = Vault(SECRET_KEY), Clock()
    organisation_id = await organisations.create(database, clock, "Bakery Lumen")
    _, key = await keys.create(database, vault, clock, organisation_id, "Till")
    await numbers.add_app(database, vault, clock, organisation_id, app_id="meta", app_secret="app-secret", verify_token="verify")
    new = numbers.NewNumber(app_id="meta", phone_number_id=NUMBER, waba_id=WABA, display_number="+15550001234", access_token="token")
    await numbers.add_number(database, vault, clock, organisation_id, new)
    return organisation_id, key


def fresh(connection, template):
    """Make a database from a template; its name. `connection` is the shared server's."""
    name = f"crash_{uuid4().hex}"
    connection.execute(f"create database {name} template {template} strategy file_copy")
    return name


def drop(connection, name):
    connection.execute(f"drop database if exists {name} with (force)")
