"""In: the database goes away and comes back. What could not be made durable is not taken; nobody has to restart anything."""

import asyncio
import time
from contextlib import asynccontextmanager

import psycopg
import pytest
from cast import until
from meta import DANA, Meta, counted, rested, said, texts, words
from psycopg.conninfo import conninfo_to_dict

NOT_DURABLE = 'dragoman_webhooks_refused_total{reason="not_durable"}'


@pytest.fixture(autouse=True)
def impatience(lumen):
    """A statement waits a second for a connection, instead of five."""
    lumen.services.db._pool.timeout = lumen.services.db._hot.timeout = 1


@asynccontextmanager
async def database_away(database_uri):
    """Every connection to the test's database breaks, and none is made, for the length of the block."""
    name = conninfo_to_dict(database_uri)["dbname"]
    elsewhere = database_uri.replace(f"/{name}?", "/postgres?")
    async with await psycopg.AsyncConnection.connect(elsewhere, autocommit=True) as admin:
        await admin.execute(f"alter database {name} allow_connections false")
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        try:
            yield
        finally:
            await admin.execute(f"alter database {name} allow_connections true")


async def readiness(lumen):
    async with lumen.session.get(f"{lumen.url}/readyz") as answer:
        return answer.status, (await answer.json())["status"]


async def ready(lumen):
    return await readiness(lumen) == (200, "ready")


async def test_what_cannot_be_stored_is_sent_again_by_whatsapp_and_answered(lumen, echo, dana, database_uri):
    await dana.says("Hello")
    await dana.hears()
    before = await counted(lumen, NOT_DURABLE)
    async with database_away(database_uri):
        await dana.says("Are you there?")
        await until(lambda: refused_more(lumen, before), "the webhook is refused")
        delivery = await until(lambda: tried(lumen, "Are you there?"), "WhatsApp has heard so")
        assert delivery["status"] == 503
        assert await readiness(lumen) == (503, "not ready")
        assert len(echo.deliveries) == 1
    await until(lambda: ready(lumen), "the server is ready again")
    assert await dana.hears_text(2) == ["You said: Hello", "You said: Are you there?"]
    assert await texts(lumen) == ["Hello", "Are you there?"]


async def tried(lumen, text):
    return next((d for d in await lumen.control("GET", "/deliveries") if text in d["body"] and d["status"]), None)


async def refused_more(lumen, before):
    return await counted(lumen, NOT_DURABLE) > before


async def test_a_hundred_webhooks_are_refused_together_not_one_after_the_other(lumen, database_uri):
    """Meta gives up waiting after some seconds, and each that waits for a lost database holds up the next."""
    meta = Meta.of(lumen)
    assert await meta.posts(words(said(lumen, "wamid.0", "Hello", DANA))) == 200
    async with database_away(database_uri):
        begin = time.monotonic()
        bodies = [words(said(lumen, f"wamid.{n}", f"Message {n}", DANA)) for n in range(1, 101)]
        assert await meta.posts_all(*bodies) == [503] * 100
        assert time.monotonic() - begin < 15
    await until(lambda: ready(lumen), "the server is ready again")
    assert set(await meta.posts_all(*bodies)) == {200}
    assert sorted(await texts(lumen)) == sorted(["Hello", *(f"Message {n}" for n in range(1, 101))])


async def test_an_app_that_cannot_be_looked_up_is_asked_to_send_again(lumen, database_uri, monkeypatch):
    monkeypatch.setattr("dragoman.api.webhooks.APP_CACHE_SECONDS", 0)
    async with database_away(database_uri):
        assert await Meta.of(lumen).posts(words(said(lumen, "wamid.1", "Hello", DANA))) == 503
        async with lumen.session.get(Meta.of(lumen).door, params={"hub.mode": "subscribe"}) as answer:
            assert answer.status == 503
    await until(lambda: ready(lumen), "the server is ready again")
    assert await Meta.of(lumen).posts(words(said(lumen, "wamid.1", "Hello", DANA))) == 200


@pytest.mark.parametrize("overrides", [{"lease_seconds": 3}])
async def test_an_outage_in_the_middle_of_a_turn_loses_no_answer(lumen, echo, dana, database_uri):
    """The agent has answered, and what it said cannot be written down: it is asked again, under the same id."""
    thinking, may_answer = asyncio.Event(), asyncio.Event()

    async def slowly(delivery):
        thinking.set()
        await may_answer.wait()
        return {"content": "At last"}

    echo.script = [slowly, {"content": "At last"}]
    await dana.says("Hello")
    await thinking.wait()
    async with database_away(database_uri):
        may_answer.set()
        await until(lambda: not_ready(lumen), "the server notices")
    assert await dana.hears_text() == ["At last"]
    await rested(lumen)
    assert len(await lumen.ledger()) == 1
    assert len({headers["webhook-id"] for headers in echo.headers}) == 1


async def not_ready(lumen):
    return await readiness(lumen) == (503, "not ready")


async def test_connections_that_broke_while_nobody_looked_are_replaced(lumen, echo, dana, database_uri):
    """As after a restart of PostgreSQL: the database is there, and every connection to it is dead."""
    await dana.says("Hello")
    await dana.hears()
    async with database_away(database_uri):
        pass
    await dana.says("Still there?")
    assert await dana.hears_text(2) == ["You said: Hello", "You said: Still there?"]
    assert await texts(lumen) == ["Hello", "Still there?"]
