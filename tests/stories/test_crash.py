"""kill -9 in the middle of the main job. Meta and the agent live on; the server is a process of its own, and dies."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from cast import Agent, until
from program import Program
from stage import free_socket, served, serving, visiting

from dragoman.accounts import keys, numbers, organisations
from dragoman.accounts.secrets import Vault
from dragoman.agents import records
from dragoman.clock import Clock
from dragoman.conversations import ownership
from dragoman.sandbox.app import Sandbox
from dragoman.store.database import Database

SECRET_KEY = "a secret key for tests, of more than 32 characters"
CUSTOMERS, EACH = 15, 4


@pytest.fixture
async def meta(tmp_path):
    """WhatsApp, outside of the server that will be killed."""
    web, server = free_socket(), free_socket()
    port, own_url = server.getsockname()[1], f"http://127.0.0.1:{web.getsockname()[1]}"
    server.close()
    clock = Clock()
    secrets = {"app_secret": "app-secret", "verify_token": "verify", "access_token": "token"}
    sandbox = Sandbox(clock, **secrets, callback_url=f"http://127.0.0.1:{port}/webhooks/whatsapp/meta", own_url=own_url)
    async with served(sandbox.app, web):
        yield own_url, port, clock
        await sandbox.close()


@pytest.fixture
async def world(meta, database_uri, tmp_path):
    """Bakery Lumen with its number connected to Echo, and the process that serves it."""
    graph, port, clock = meta
    agent = Agent()
    async with serving(agent.handle) as agent_url:
        database = Database(database_uri)
        await database.open()
        await furnish(database, agent_url)
        settings = {
            "database_url": database_uri,
            "secret_key": SECRET_KEY,
            "data_dir": tmp_path,
            "public_url": f"http://127.0.0.1:{port}",
            "graph_url": f"{graph}/graph",
            "allow_private_urls": "127.0.0.0/8",
            "lease_seconds": 3,
            "unknown_wait_seconds": 2,
        }
        process = Program(port, settings, tmp_path / "server.log")
        await process.start()
        yield graph, agent, process, database, clock
        process.kill()
        await database.close()


async def furnish(database, agent_url):
    vault, clock = Vault(SECRET_KEY), Clock()
    organisation_id = await organisations.create(database, clock, "Bakery Lumen")
    await keys.create(database, vault, clock, organisation_id, "Till")
    await numbers.add_app(database, vault, clock, organisation_id, app_id="meta", app_secret="app-secret", verify_token="verify")
    new = numbers.NewNumber(
        app_id="meta", phone_number_id="106540000000001", waba_id="1", display_number="+15550001234", access_token="token"
    )
    number = await numbers.add_number(database, vault, clock, organisation_id, new)
    agent, _ = await records.create(database, vault, clock, organisation_id, "Echo", webhook_url=f"{agent_url}/hook")

    class Parts:
        db = database

    Parts.clock = clock
    await ownership.route_number(Parts, organisation_id, number.id, agent.id)


async def test_a_server_killed_in_the_middle_loses_nothing_and_says_nothing_twice(world):
    graph, agent, process, database, clock = world
    agent.answer = thoughtful
    async with visiting() as session:
        people = [await post(session, f"{graph}/control/people", {"name": f"Customer {i}"}) for i in range(CUSTOMERS)]
        writing = asyncio.create_task(write(session, graph, people))
        for kills in range(3):
            await until(lambda kills=kills: len(agent.deliveries) > 8 + 14 * kills, "the server is at work")
            process.kill()
            await process.start()
            clock.advance(timedelta(minutes=2))  # Meta's patience: it tries again what had no answer
        await writing
        clock.advance(timedelta(minutes=2))
        await until(lambda: settled(database), "every message is answered and every answer is settled")
        ledger = await get(session, f"{graph}/control/ledger")

    said = Counter((entry["to"], entry["body"]["text"]["body"]) for entry in ledger if entry["type"] == "text")
    assert not [twice for twice, count in said.items() if count > 1]
    rows = await database.fetch("select state, content ->> 'body' as body, wamid from messages where direction = 'out' order by seq")
    assert len(rows) == CUSTOMERS * EACH  # each question was answered once, however often it was asked
    unsure = [row for row in rows if row["state"] == "unknown"]
    assert len(said) == len(rows) - len(unsure)  # what is missing is known to be missing
    assert len(unsure) <= 3 * 8
    inbound = await database.fetch("select count(*) as n, count(distinct wamid) as d from messages where direction = 'in'")
    assert (inbound[0]["n"], inbound[0]["d"]) == (CUSTOMERS * EACH, CUSTOMERS * EACH)
    await in_order(ledger, database)


async def thoughtful_answer(delivery):
    await asyncio.sleep(0.05)
    return {"content": f"You said: {delivery['message']}"}


def thoughtful(delivery):
    return thoughtful_answer(delivery)


async def write(session, graph, people):
    for n in range(EACH):
        for person in people:
            await post(session, f"{graph}/control/people/{person['id']}/messages", {"type": "text", "text": f"message {n}"})


async def in_order(ledger, database):
    """What each customer saw follows the order in which his messages reached us."""
    rows = await database.fetch(
        """select k.phone, array_agg(m.content ->> 'text' order by m.seq) as texts
           from messages m join conversations c on c.id = m.conversation_id join contacts k on k.id = c.contact_id
           where m.direction = 'in' group by 1"""
    )
    for row in rows:
        seen = [entry["body"]["text"]["body"].removeprefix("You said: ") for entry in ledger if entry["to"].strip("+") == row["phone"]]
        assert seen == [text for text in row["texts"] if text in seen]


async def settled(database):
    row = await database.fetch_one(
        """select (select count(*) from messages where direction = 'in') as received,
                  (select count(*) from messages where direction = 'out' and state not in ('queued', 'sending')
                                                   and not (state = 'unknown' and not_before is not null)) as settled,
                  (select count(*) from conversations where due_at is not null) as due"""
    )
    return row["received"] == row["settled"] == CUSTOMERS * EACH and row["due"] == 0


async def post(session, url, value):
    async with session.post(url, json=value) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json()


async def get(session, url):
    async with session.get(url) as answer:
        return await answer.json()
