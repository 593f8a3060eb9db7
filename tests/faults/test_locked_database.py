"""F-07: somebody else holds a lock for long: a migration by hand, a report, a dump. Doors answer in bounded time, and nothing is lost."""

import asyncio
import time
from contextlib import asynccontextmanager

import psycopg
import pytest
from cast import until
from meta import DANA, Meta, counted, rested, said, texts, words
from till import in_state

NOT_DURABLE = 'dragoman_webhooks_refused_total{reason="not_durable"}'
# Meta's patience is not known for sure; the shortest that is told of is some seconds.
PATIENCE = 7.0


@asynccontextmanager
async def held(database_uri, statement):
    """Somebody does this in a transaction, and lets it be, for the length of the block."""
    async with await psycopg.AsyncConnection.connect(database_uri) as somebody:
        await somebody.execute(statement)
        yield
        await somebody.rollback()


async def test_while_a_table_is_locked_webhooks_are_refused_in_time_and_come_again(lumen, echo, dana, database_uri):
    meta = Meta.of(lumen)
    await dana.says("Hello")
    await dana.hears()
    await rested(lumen)
    before = await counted(lumen, NOT_DURABLE)
    bodies = [words(said(lumen, f"wamid.{n}", f"Question {n}", DANA)) for n in range(20)]
    async with held(database_uri, "lock table messages in exclusive mode"):
        begin = time.monotonic()
        assert await meta.posts_all(*bodies) == [503] * 20
        assert time.monotonic() - begin < PATIENCE
        assert await counted(lumen, NOT_DURABLE) >= before + 20  # a status may be among them
        assert (await lumen.get("/conversations/"))["count"] == 1  # who only reads does not wait
        assert [message["text"]["body"] for message in await lumen.messages()] == ["Hello", "You said: Hello"]
    assert await meta.posts_all(*bodies) == [200] * 20  # as Meta does
    assert len(await dana.hears(21)) == 21
    await rested(lumen)
    assert sorted(await texts(lumen)) == sorted(["Hello", *(f"Question {n}" for n in range(20))])
    assert len(echo.deliveries) == len(await lumen.ledger()) == 21


@pytest.mark.parametrize("overrides", [{"lease_seconds": 3}])
async def test_a_locked_conversation_holds_up_no_other_and_its_answer_is_said_once(lumen, echo, dana, zoe, database_uri):
    """Somebody looks at Dana's row and goes to lunch while her agent thinks."""
    answers = {"Hello": asyncio.Event(), "Good morning": asyncio.Event()}

    async def slowly(delivery):
        await answers[delivery["message"]].wait()
        return {"content": f"You said: {delivery['message']}"}

    echo.answer = slowly
    await dana.says("Hello")
    await echo.delivered()
    async with held(database_uri, "select 1 from conversations for update"):
        await zoe.says("Good morning")
        await echo.delivered(2)
        until_when = await leases(lumen)
        await until(lambda: renewed(lumen, until_when), "the lease on Zoë's conversation is renewed")
        for thought in answers.values():
            thought.set()
        assert await zoe.hears_text() == ["You said: Good morning"]
        assert [delivery["message"] for delivery in echo.deliveries].count("Good morning") == 1  # nobody took her from the worker
        await until(lambda: over(lumen), "the lease on Dana's conversation is over")
        assert await dana.heard() == []
    # It was locked for longer than its lease. Whoever held it may not speak any more, so nobody began to: what was said goes out after all.
    assert await dana.hears_text() == ["You said: Hello"]
    await in_state(lumen, "You said: Hello", "delivered")
    assert len(await lumen.rows("select 1 from send_attempts")) == 2
    await dana.says("Hello")
    await until(lambda: goes_on(lumen), "Dana's conversation goes on")
    assert len({headers["webhook-id"] for headers in echo.headers}) == 3


async def goes_on(lumen):
    return len(await lumen.rows("select 1 from turns where state = 'answered'")) == 3


async def over(lumen):
    return await lumen.rows("select 1 from conversations where lease_until < now()")


async def leases(lumen):
    return {row["id"]: row["lease_until"] for row in await lumen.rows("select id, lease_until from conversations")}


async def renewed(lumen, before):
    now = await leases(lumen)
    return any(now[one] and now[one] > before[one] for one in now)


@pytest.mark.parametrize("sqlstate", ["53100", "53200", "58030", "25006", "57014"])
async def test_whatever_keeps_a_webhook_from_being_stored_it_is_asked_for_again(lumen, echo, dana, database, sqlstate):
    """A full disk, no memory, a disk that fails, a database that may only be read, a statement that was cut off."""
    await database.execute(
        f"""create function refuse() returns trigger language plpgsql as
            $$ begin raise exception 'as it happens' using errcode = '{sqlstate}'; end $$"""
    )
    for table in ("messages", "kept_events"):
        await database.execute(f"create trigger refuse before insert on {table} for each row execute function refuse()")
    meta = Meta.of(lumen)
    body = words(said(lumen, "wamid.1", "Hello", DANA), said(lumen, "wamid.2", "Anybody?", DANA))
    assert await meta.posts(body) == 503
    for table in ("messages", "kept_events"):
        await database.execute(f"drop trigger refuse on {table}")
    assert await meta.posts(body) == 200
    assert await dana.hears_text(2) == ["You said: Hello", "You said: Anybody?"]


async def test_a_lock_of_a_transaction_that_never_goes_on_ends_by_itself(lumen, echo, dana, database):
    """As of a worker whose machine was paused between two statements."""
    rows = await database.fetch("show idle_in_transaction_session_timeout")
    assert rows == [{"idle_in_transaction_session_timeout": "15s"}]
    await dana.says("Hello")
    await dana.hears()
    await rested(lumen)
    asleep = psycopg.connect(database.uri, options="-c idle_in_transaction_session_timeout=500")
    asleep.execute("select 1 from conversations for update")
    await dana.says("Still there?")
    assert (await dana.hears_text(2))[1] == "You said: Still there?"
    with pytest.raises(psycopg.Error):
        asleep.execute("select 1")
    asleep.close()
    await until(lambda: len(echo.deliveries) == 2, "it was asked once more")
