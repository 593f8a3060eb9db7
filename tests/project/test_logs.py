"""No secret and nothing of what people said is ever written to the log or shown by /metrics.

The real `dragoman serve`, at its most talkative, through a conversation in which everything fails that can: what it wrote
is searched for every secret and every word that went through it.
"""

import asyncio
import base64
import json
from functools import cache
from types import SimpleNamespace
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from cast import Agent, until
from meta import sign
from program import Program
from psycopg.conninfo import conninfo_to_dict
from stage import free_socket, served, serving

from dragoman.accounts import keys, numbers, organisations
from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock
from dragoman.sandbox.app import Sandbox
from dragoman.store.database import Database

NUMBER, PHONE, APP = "106540000000001", "15557770042", "700700"
CANARIES = {
    "the key that seals secrets": "canary-of-the-secret-key-with-more-than-32-characters",
    "the app secret": "canary0app0secret",
    "the verify token": "canary-verify-token",
    "the access token": "EAAcanaryAccessToken",
    "a message's text": "a cake for canary-wedding on Saturday",
    "the owner of a phone number": "Dana Canarybird",
    "her phone number": PHONE,
    "an agent's answer": "The canary-oven is on",
    "an answer that came late": "The canary-cake is ready",
    "an agent's error page": "Traceback of canary-agent",
    "a file's caption": "like on canary-photo",
    "a credential in an agent's URL": "canary-url-token",
    "a template variable": "canary-variable",
}
SECRET_KEY, APP_SECRET, VERIFY, ACCESS, WORDS, NAME, _, ANSWER, LATE, ERROR, CAPTION, URL_TOKEN, VARIABLE = CANARIES.values()


@pytest.fixture
async def world(database_uri, tmp_path):
    """A server as a process of its own, with WhatsApp and an agent outside of it; in all of them, canaries."""
    outside, inside = free_socket(), free_socket()
    graph, port = f"http://127.0.0.1:{outside.getsockname()[1]}", inside.getsockname()[1]
    inside.close()
    agent, db = Agent(), Database(database_uri)
    sandbox = Sandbox(
        Clock(), app_secret=APP_SECRET, verify_token=VERIFY, access_token=ACCESS,
        callback_url=f"http://127.0.0.1:{port}/webhooks/whatsapp/{APP}", own_url=graph,
    )  # fmt: skip
    settings = {
        "database_url": database_uri, "secret_key": SECRET_KEY, "data_dir": tmp_path, "public_url": f"http://127.0.0.1:{port}",
        "graph_url": f"{graph}/graph", "allow_private_urls": "127.0.0.0/8", "lease_seconds": 3, "unknown_wait_seconds": 1, "log_level": "DEBUG",
    }  # fmt: skip
    program = Program(port, settings, tmp_path / "server.log")
    single = aiohttp.TCPConnector(force_close=True)  # the server hangs up after a mistake of its own, in the middle of the next request
    async with served(sandbox.app, outside), serving(agent.handle) as agent_url, aiohttp.ClientSession(connector=single) as session:
        await db.open()
        key = await furnish(db)
        await program.start()
        world = SimpleNamespace(
            graph=graph, url=program.url, key=key, agent=agent, agent_url=agent_url, db=db, program=program, session=session
        )
        world.database_uri = database_uri
        yield world
        program.kill()
        await db.close()
        await sandbox.close()


async def furnish(db):
    """The number, its app and an API key, as the commands make them; the key."""
    vault, clock = Vault(SECRET_KEY), Clock()
    organisation_id = await organisations.create(db, clock, "Bakery Lumen")
    await numbers.add_app(db, vault, clock, organisation_id, app_id=APP, app_secret=APP_SECRET, verify_token=VERIFY)
    new = numbers.NewNumber(app_id=APP, phone_number_id=NUMBER, waba_id="1", display_number="+15550001234", access_token=ACCESS)
    await numbers.add_number(db, vault, clock, organisation_id, new)
    _, key = await keys.create(db, vault, clock, organisation_id, "Till")
    return key


async def asks(world, method, url, **request):
    """The status and the text of the answer; none when the connection broke."""
    try:
        async with world.session.request(method, url, **request) as answer:
            return answer.status, await answer.text()
    except aiohttp.ClientError:
        return None, ""


async def api(world, method, path, body=None, key=None):
    status, text = await asks(world, method, f"{world.url}/api/v1{path}", json=body, headers={"X-API-Key": key or world.key})
    return status, json.loads(text) if text.startswith(("{", "[")) else text


async def control(world, path, body):
    status, text = await asks(world, "POST", f"{world.graph}/control{path}", json=body)
    assert status < 300, text
    return json.loads(text)


async def writes(world, text=WORDS, **more):
    """Dana writes, and the agent has been asked about it."""
    asked = len(world.agent.deliveries)
    await control(world, f"/people/{world.dana}/messages", {"text": text, **more} if "type" not in more else more)
    await until(lambda: len(world.agent.deliveries) > asked, "the agent is asked")


async def logged(world, what):
    await until(lambda: what in world.program.log.read_text(), f"the log says {what!r}")


async def the_main_job(world):
    status, agent = await api(world, "POST", "/agents/byoa/", {"webhookUrl": f"{world.agent_url}/hook?token={URL_TOKEN}", "name": "Echo"})
    assert status == 201
    world.agent.id, world.secrets = agent["id"], {"the agent's secret": agent["byoa"]["secret"], "the API key": world.key}
    assert (await api(world, "POST", "/phone-numbers/15550001234/connect-agent/", {"agentId": agent["id"]}))[0] == 200
    world.dana = (await control(world, "/people", {"name": NAME, "phone": f"+{PHONE}"}))["id"]
    world.agent.answer = ANSWER
    await writes(world)
    pixel = base64.b64encode(b"\x89PNG pixel").decode()
    await writes(world, type="image", media_base64=pixel, mime_type="image/png", caption=CAPTION)
    callback = world.agent.deliveries[0]["reply_callback"]
    world.secrets["a callback's token"] = callback.rpartition("/")[2]
    world.secrets["a media link's token"] = world.agent.deliveries[1]["image"].rpartition("/")[2]
    assert (await asks(world, "POST", callback, json={"content": LATE}))[0] == 202
    for odd in ({"unified": {"text": LATE, "footer": LATE * 9}}, {"nothing": LATE}, LATE * 20_000):
        assert (await asks(world, "POST", callback, json=odd))[0] in (413, 422)
    assert (await asks(world, "POST", f"{callback}x", json={"content": LATE}))[0] == 404


async def the_agent_fails(world):
    pages = [
        web.Response(status=500, text=f"{ERROR} {world.secrets}"), web.Response(status=403, text=ERROR), {"unified": {"text": ERROR, "footer": ERROR * 5}},
        web.Response(body=f'{{"content": "{ERROR}'.encode(), content_type="application/json"), ERROR * 20_000, {"image": f"https://{ERROR}/x.png"},
    ]  # fmt: skip
    await patch(world, retryDelays=[0, 0])
    for page in pages:
        world.agent.script = [page, ANSWER, ANSWER]
        await writes(world)
    await patch(world, webhookUrl=f"http://127.0.0.1:9/hook?token={URL_TOKEN}")
    await control(world, f"/people/{world.dana}/messages", {"text": WORDS})
    await until(lambda: fetched(world, "select 1 from deliveries where cause like '%did not answer%'"), "nobody answers")
    await patch(world, webhookUrl=f"{world.agent_url}/hook?token={URL_TOKEN}")


async def patch(world, **byoa):
    status, body = await api(world, "PATCH", f"/agents/{world.agent.id}/", {"byoa": byoa})
    assert status == 200, body


async def fetched(world, query):
    return await world.db.fetch(query)


async def whatsapp_fails(world):
    _, page = await api(world, "GET", "/conversations/")
    world.conversation = page["results"][0]["id"]
    for fault in (
        {"action": "html_500"},
        {"action": "reset_after"},
        {"action": "error", "code": 131026},
        {"action": "fail_after", "code": 131047},
    ):
        await control(world, "/faults", {"on": "send", "times": 1, **fault})
        await api(world, "POST", f"/conversations/{world.conversation}/messages/", {"type": "text", "text": {"body": WORDS}})
    template = {"name": "no_such", "components": [{"type": "body", "parameters": [{"type": "text", "text": VARIABLE}]}]}
    await api(world, "POST", f"/conversations/{world.conversation}/messages/", {"type": "template", "template": template})
    await control(world, "/faults", {"on": "media", "action": "error", "code": 190, "times": 2})
    await control(world, f"/people/{world.dana}/messages", {"type": "image", "caption": CAPTION})
    await control(world, "/faults", {"on": "read", "action": "reset_before", "times": 2})
    await control(world, "/tokens/expire", {"number": NUMBER})
    await api(world, "POST", f"/conversations/{world.conversation}/messages/", {"type": "text", "text": {"body": WORDS}})
    await logged(world, "a number is paused")


async def strangers_knock(world):
    door = f"{world.url}/webhooks/whatsapp/{APP}"
    shake = {"hub.mode": "subscribe", "hub.challenge": "1"}
    assert (await asks(world, "GET", door, params={**shake, "hub.verify_token": VERIFY}))[0] == 200
    assert (await asks(world, "GET", door, params={**shake, "hub.verify_token": VERIFY + "x"}))[0] == 403
    odd = f'{{"entry": "{WORDS}'.encode()
    assert (await asks(world, "POST", door, data=odd, headers={"X-Hub-Signature-256": sign(odd, APP_SECRET)}))[0] == 200
    assert (await asks(world, "POST", door, data=odd, headers={"X-Hub-Signature-256": sign(odd, "x")}))[0] == 401
    assert (await asks(world, "POST", f"{door}x", data=odd))[0] == 404
    for key in (world.key + "x", WORDS, ""):
        assert (await api(world, "GET", "/agents/", key=key or "none"))[0] in (401, 403)
    for path, body in (
        ("/agents/byoa/", {"webhookUrl": f"gopher://{URL_TOKEN}"}),
        ("/contacts/", {"name": NAME, "phoneNumber": WORDS}),
        ("/contacts/", WORDS),
    ):
        assert (await api(world, "POST", path, body))[0] == 400


async def the_database_refuses(world):
    """PostgreSQL says which row it refused: all of it, with every word."""
    await world.db.execute("alter table messages add constraint odd check (content ->> 'text' not like '%wedding%') not valid")
    await control(world, f"/people/{world.dana}/messages", {"text": WORDS})
    await logged(world, "an event could not be stored")
    await world.db.execute("alter table messages drop constraint odd")
    await world.db.execute("alter table messages add constraint odd check (content ->> 'body' not like '%canary%') not valid")
    await control(world, f"/people/{world.dana}/messages", {"text": "Hello"})
    await logged(world, "work on a conversation failed")
    late = await asks(world, "POST", world.agent.deliveries[0]["reply_callback"], json={"content": LATE})
    assert late[0] == 500
    await logged(world, "Exception in ASGI application")
    sent = await api(world, "POST", f"/conversations/{world.conversation}/messages/", {"type": "text", "text": {"body": ANSWER}})
    assert sent[0] == 500
    await logged(world, "an API request failed")
    await world.db.execute("alter table messages drop constraint odd")


async def the_database_goes(world):
    name = conninfo_to_dict(world.database_uri)["dbname"]
    elsewhere = Database(world.database_uri.replace(f"/{name}?", "/postgres?"))
    await elsewhere.open()
    await elsewhere.execute(f"alter database {name} allow_connections false")
    await elsewhere.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
    await control(world, f"/people/{world.dana}/messages", {"text": WORDS})
    await logged(world, "the database is away")
    await logged(world, "a webhook could not be stored")
    await elsewhere.execute(f"alter database {name} allow_connections true")
    await elsewhere.close()


async def test_no_secret_and_no_word_is_in_the_logs_or_the_metrics(world):
    for act in (the_main_job, the_agent_fails, whatsapp_fails, strangers_knock, the_database_refuses):
        await act(world)
    _, metrics = await asks(world, "GET", f"{world.url}/metrics")
    await the_database_goes(world)
    await asyncio.to_thread(world.program.terminate)
    log = world.program.log.read_text()
    assert 'dragoman_sends_total{outcome="accepted"}' in metrics
    assert "CheckViolation (SQLSTATE 23514)" in log, "what went wrong is told"
    found = {what for what, secret in {**CANARIES, **world.secrets}.items() for text in (log, metrics) if shown(secret, text)}
    assert found == set()
    for line in log.splitlines():
        assert json.loads(line)["event"], line


def shown(secret, text):
    """Is it there, as it is or in one of the forms in which it travels?"""
    return any(form in text for form in forms(secret))


@cache
def forms(secret):
    half = secret[len(secret) // 4 : -len(secret) // 4]
    escaped, encoded = json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode().strip("=")[:-2]
    return {secret, quote(secret), quote(secret, safe=""), escaped, half, encoded}


def test_the_search_finds_what_it_looks_for():
    for what, secret in CANARIES.items():
        assert shown(secret, f"before {secret} after"), what
        assert shown(secret, json.dumps({"body": secret})), what
        assert shown(secret, f"https://example.com/?x={quote(secret)}"), what
        assert not shown(secret, "a log line without it"), what
