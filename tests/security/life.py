"""A whole life of a business, with a canary in every field that is secret or somebody's own, and nets in which all of it is caught.

Lumen's server is a process of its own, at its most talkative, with the sandbox in it. What it answers is kept (`Nets`), what it logs is in
`program.log`, what it stores is in the database, what a model was asked is with the model.
"""

import json
import sys
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
from cast import Agent, Lumen, Phone, until
from meta import sign
from model import model_server
from native import NUMBER, SECRET_KEY, Second
from program import Program
from stage import free_port, serving
from test_native_api_tools import described, fixed
from tests.project.source import ROOT
from world import shop_server

from dragoman.accounts import keys, members, organisations
from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock
from dragoman.store.database import Database

PASSWORD, PROVIDER_KEY, TILL_KEY = "canary-password-of-maya", "sk-canary-provider-0001", "sk-canary-till-key-0002"
TRIGGER, AUTH_TOKEN, HEADER_SECRET, URL_TOKEN = (
    "canary-trigger-secret",
    "canary0twilio0token0003",
    "canary-mcp-bearer-0004",
    "canary-url-token-0005",
)
SECRETS = {
    "the key that seals secrets": SECRET_KEY,
    "a member's password": PASSWORD,
    "a provider's key": PROVIDER_KEY,
    "a tool's credential": TILL_KEY,
    "a trigger's secret": TRIGGER,
    "an integration's token": AUTH_TOKEN,
    "an MCP server's header": HEADER_SECRET,
}
NAME, PHONE, WORDS, ANSWER = "Dana Canarybird", "15557770042", "a canary-wedding cake on Saturday", "The canary-oven is on"
LATE, REMEMBERED, KNOWN, CUSTOMER = "The canary-cake is ready", "canary-spelt-rolls", "We bake canary-bread on Mondays", "Max Canaryman"
PERSONAL = {
    "a customer's name": NAME, "a customer's number": PHONE, "a customer's words": WORDS, "an answer": ANSWER, "a late answer": LATE,
    "what was remembered": REMEMBERED, "what stands in an agent's address": URL_TOKEN, "what the agent knows": KNOWN, "a customer's name in the other dialect": CUSTOMER,
}  # fmt: skip


class Nets:
    """Every answer of the server, with who got it."""

    def __init__(self):
        self.caught = []

    def keep(self, who, method, url, status, headers, text):
        self.caught.append(SimpleNamespace(who=who, what=f"{method} {url}", status=status, headers=str(dict(headers)), text=text))


class Session:
    """An HTTP session that lets nothing through its nets unseen."""

    def __init__(self, session, nets, who):
        self._session, self._nets, self._who = session, nets, who

    @asynccontextmanager
    async def request(self, method, url, **more):
        async with self._session.request(method, url, **more) as answer:
            if "/sandbox/" not in url:  # which is WhatsApp, and knows all of it
                self._nets.keep(self._who, method, url, answer.status, answer.headers, await answer.text())
            yield answer

    def get(self, url, **more):
        return self.request("GET", url, **more)

    def post(self, url, **more):
        return self.request("POST", url, **more)


class Prying(Program):
    """The server, perhaps with leaks in it."""

    def __init__(self, port, settings, log, leaky):
        super().__init__(port, settings, log)
        if leaky:
            self._command[: self._command.index("serve")] = [sys.executable, "-m", "tests.security.leaky"]
            self._environment["PYTHONPATH"] = str(ROOT)


@asynccontextmanager
async def lives(database_uri, folder, leaky=False):
    """Bakery Lumen and Rival on one server, and everybody outside of it."""
    port = free_port()
    url, vault, clock, db, nets = f"http://127.0.0.1:{port}", Vault(SECRET_KEY), Clock(), Database(database_uri), Nets()
    settings = {
        "database_url": database_uri, "secret_key": SECRET_KEY, "data_dir": folder, "public_url": url, "graph_url": "sandbox",
        "allow_private_urls": "127.0.0.0/8", "api_rate_limit": 100_000, "log_level": "DEBUG", "unknown_wait_seconds": 1,
    }  # fmt: skip
    program = Prying(port, settings, folder / "server.log", leaky)
    await db.open()
    await program.start()
    agent, single = Agent(), aiohttp.TCPConnector(force_close=True)
    async with (
        model_server(key=PROVIDER_KEY) as model,
        shop_server(key=TILL_KEY) as shop,
        serving(agent.handle) as agent_url,
        aiohttp.ClientSession(connector=single) as http,
    ):
        mine, rivals = await organisations.default(db, clock), await organisations.create(db, clock, "Rival")
        both = [(await keys.create(db, vault, clock, one, "Till"))[1] for one in (mine, rivals)]
        # `services=None`: nothing of the server is in this process. The rows are asked of the database itself.
        lumen = Lumen(url, both[0], Session(http, nets, "Lumen"), None, mine)
        rival = Lumen(url, both[1], Session(http, nets, "Rival"), None, rivals)
        await members.put(db, clock, mine, "maya@lumen.example", "Maya", PASSWORD)
        secrets = SECRETS | {
            "the API key": both[0],
            "the app secret": vault.derive("sandbox", "app secret").hex(),
            "the verify token": vault.derive("sandbox", "verify token").hex(),
            "the access token": vault.derive("sandbox", "access token").hex(),
        }
        yield SimpleNamespace(
            lumen=lumen, rival=rival, model=model, shop=shop, agent=agent, agent_url=agent_url, nets=nets, db=db, program=program, secrets=secrets
        )  # fmt: skip
        if program.process.poll() is None:
            program.kill()
    await db.close()


async def native(world):
    """An assistant that knows, remembers and calls a till; then it is in trouble with its provider."""
    lumen, model = world.lumen, world.model
    assert (await lumen.call("PUT", "/model-providers/lab/", {"baseUrl": model.url, "apiKey": model.key}))[0] == 200
    headers = {"X-Shop-Key": fixed(TILL_KEY)}
    order = {
        "url": f"{world.shop.url}/orders/{{order}}",
        "method": "GET",
        "path_params": {"order": described("Its number")},
        "request_headers": headers,
    }
    options = {
        "memoryKeys": [{"key": "bread", "type": "string", "initialValue": "", "whenToUpdate": "always"}],
        "tools": [{"name": "Order", "description": "Looks it up.", "apiSchema": order}],
        "outboundTriggers": [{"templateName": "order_ready", "secret": TRIGGER}],
    }
    agent = await lumen.post("/agents/", {"name": "Lumi", "llmModel": "lab/small", **options})
    await lumen.post(f"/agents/{agent['id']}/documents/", {"name": "Bread", "text": KNOWN})
    await until(lambda: rows(world, "select 1 from documents where state = 'ready'"), "the document is read")
    await lumen.post(f"/phone-numbers/{NUMBER}/connect-agent/", {"agentId": agent["id"]})
    model.script = [
        {"tool": "remember", "args": {"key": "bread", "value": REMEMBERED}},
        {"tool": "order", "args": {"order": "1001"}},
        ANSWER,
    ]
    world.dana = await Phone.of(lumen, name=NAME, phone=f"+{PHONE}")
    await world.dana.says(WORDS + "? When is the canary-bread baked?")
    await world.dana.hears(1)
    for answer in (401, 500, {"tool": "nothing", "raw_args": "{" + WORDS}):
        model.script = [answer, ANSWER, ANSWER]
        await world.dana.says(WORDS)
    await lumen.post(f"/agents/{agent['id']}/tools/{agent['tools'][0]['id']}/run/", {"arguments": {"order": "1001"}})
    for secret in (TRIGGER, TRIGGER + "x"):
        where = agent["outboundTriggers"][0]["url"]
        async with lumen.session.post(where, json={"to": PHONE, "variables": {"body": [NAME]}}, headers={"X-wassist-secret": secret}):
            pass


async def byoa(world):
    """An agent of one's own, which answers at once, late, and badly."""
    lumen, agent = world.lumen, world.agent
    status, made = await lumen.call("POST", "/agents/byoa/", {"webhookUrl": f"{world.agent_url}/hook?token={URL_TOKEN}", "name": "Echo"})
    assert status == 201, made
    world.secrets["an agent's signing secret"] = made["byoa"]["secret"]
    await lumen.post(f"/phone-numbers/{NUMBER}/connect-agent/", {"agentId": made["id"]})
    agent.answer = ANSWER
    dana, asked = world.dana, len(agent.deliveries)
    await dana.sends_file("image", b"\x89PNG pixel", "image/png", caption=WORDS)
    delivery = (await agent.delivered(asked + 1))[asked]
    callback = delivery["reply_callback"]
    world.secrets["a callback's token"] = callback.rpartition("/")[2]
    for body in ({"content": LATE}, {"unified": {"text": LATE, "footer": LATE * 9}}, LATE * 20_000):
        async with lumen.session.post(callback, json=body):
            pass
    async with lumen.session.post(f"{callback}x", json={"content": LATE}):
        pass
    assert (await lumen.call("PATCH", f"/agents/{made['id']}/", {"byoa": {"retryDelays": [0, 0]}}))[0] == 200
    agent.script = [500, ANSWER * 9000, 403, ANSWER]
    for _ in range(2):
        await dana.says(WORDS)
    for fault in ({"action": "error", "code": 190}, {"action": "html_500"}, {"action": "error", "code": 131047}):
        await lumen.fault(on="send", times=1, **fault)
        talk = await lumen.conversation(NAME)
        await lumen.call("POST", f"/conversations/{talk['id']}/messages/", {"type": "text", "text": {"body": ANSWER}})


async def second_dialect(world):
    """The same business in the other dialect, by a member's own token."""
    lumen = world.lumen
    async with lumen.session.post(f"{lumen.url}/v2/_login", json={"email": "maya@lumen.example", "password": PASSWORD}) as answer:
        world.secrets["a member's token"] = (await answer.json())["data"]["token"]
    second = Second(lumen)
    second.token = world.secrets["a member's token"]
    await second.call("POST", "/_customers", {"phone": "+15557770099", "name": CUSTOMER})
    twilio = {"type": "twilio", "name": "Texts", "settings": {"account_sid": "AC1", "auth_token": AUTH_TOKEN}}
    await second.call("POST", "/_integrations", twilio)
    await second.call("POST", "/_knowledge_base", {"name": "Menu"})
    for path, body in (("/_actions", {"name": WORDS, "secret": AUTH_TOKEN}), ("/_customers", {"phone": PHONE * 3, "name": NAME})):
        await second.call("POST", path, body, expect=(400,))
    async with lumen.session.post(f"{lumen.url}/v2/_login", json={"email": NAME, "password": PASSWORD + "x"}):
        pass
    connector = {"name": "CRM", "url": "http://127.0.0.1:9/mcp", "auth": "headers", "headers": {"Authorization": HEADER_SECRET}}
    world.connector = await lumen.call("POST", "/integrations/connectors/", connector)


async def strangers(world):
    """Wrong signatures, wrong keys, broken webhooks, and Rival, who looks at everything that a list shows."""
    url, secret, session = world.lumen.url, world.secrets["the app secret"], world.rival.session
    odd = f'{{"entry": [{{"changes": [{{"value": "{WORDS}", "phone": "{PHONE}"'.encode()
    for signature in (sign(odd, secret), sign(odd, "x"), ""):
        async with session.post(f"{url}/webhooks/whatsapp/sandbox", data=odd, headers={"X-Hub-Signature-256": signature}):
            pass
    shake = {"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": world.secrets["the verify token"] + "x"}
    async with session.get(f"{url}/webhooks/whatsapp/sandbox", params=shake):
        pass
    for key in (world.lumen.key + "x", WORDS, world.secrets["a member's token"][:-3] + "xyz"):
        for path in ("/api/v1/agents/", "/v2/_customers"):
            async with session.get(url + path, headers={"X-API-Key": key, "Authorization": f"Bearer {key}"}):
                pass


async def breakdown(world):
    """PostgreSQL refuses a row and says which one: all of it, with every word."""
    await world.db.execute("alter table messages add constraint odd check (content ->> 'body' not like '%canary-odd%') not valid")
    talk = await world.lumen.conversation(NAME)
    status, _ = await world.lumen.call(
        "POST", f"/conversations/{talk['id']}/messages/", {"type": "text", "text": {"body": ANSWER + " canary-odd"}}
    )
    assert status == 500
    await world.db.execute("alter table messages drop constraint odd")


async def looks(world, business, token, routes):
    """Every list that a business can ask for, in both dialects."""
    for path in routes:
        headers = {"X-API-Key": business.key, "Authorization": f"Bearer {token}"}
        async with business.session.get(business.url + path, headers=headers) as answer:
            assert answer.status in (200, 501), (path, answer.status)


async def rows(world, query, *values):
    return await world.db.fetch(query, list(values) or None)


async def dump(world):
    """(table.column, text) of everything in the database; bytes as hexadecimal digits."""
    columns = await rows(world, "select table_name as t, column_name as c from information_schema.columns where table_schema = 'public'")
    for column in columns:
        [row] = await rows(world, f"""select string_agg("{column["c"]}"::text, E'\\n') as text from "{column["t"]}" """)
        yield f"{column['t']}.{column['c']}", row["text"] or ""


def told(model):
    return json.dumps([model.requests, [dict(headers) for headers in model.headers], model.others], default=str, ensure_ascii=False)
