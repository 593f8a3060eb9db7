"""F-08: the disk of the embedded PostgreSQL is full. Nothing is taken that cannot be kept, and room is all that it needs to go on."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest
from apart import furnish, said_to, serving_program, settled, whatsapp
from cast import Agent, Phone, until
from meta import counted
from stage import serving
from tests.faults.disks import small_disk

from dragoman.store.database import Database

GUESTS = 6
LONG = "x" * 3000
REFUSED = 'dragoman_webhooks_refused_total{reason="not_durable"}'

pytestmark = pytest.mark.machines


@asynccontextmanager
async def bakery(disk, session, tmp_path):
    """Lumen's server with its PostgreSQL on this disk, her agent, and the database's address."""
    agent = Agent()
    async with whatsapp() as outside, serving(agent.handle) as agent.url:
        settings = outside.settings(None, disk.folder / "data")
        del settings["database_url"]
        async with serving_program(outside.port, settings, tmp_path / "server.log") as program:
            uri = f"postgresql://postgres@/postgres?host={disk.folder / 'data' / 'postgres'}"
            lumen = await furnish(uri, session, outside)
            await lumen.connect(agent, agent.url)
            yield lumen, agent, outside, uri
            assert program.process.poll() is None  # nobody had to start it again


async def deliveries(lumen, status):
    return [delivery for delivery in await lumen.control("GET", "/deliveries") if delivery["status"] == status]


async def writes_until(condition, guests, said, what):
    """Every guest writes, long letters, until `condition()`."""

    async def more():
        for guest in guests:
            said[await guest.says(f"{len(said)} {LONG}")] = guest
        return await condition()

    return await until(more, what)


async def meta_tries_again(outside):
    while True:
        outside.clock.advance(timedelta(minutes=5))
        await asyncio.sleep(0.2)


async def everything_is_answered(lumen, outside, uri, said):
    patience = asyncio.create_task(meta_tries_again(outside))
    try:
        await settled(uri, received=len(said))
        await until(lambda: certain(uri), "nothing is unknown")
    finally:
        patience.cancel()
    copies = await said_to(lumen)
    assert set(copies.values()) == {1}
    assert len(copies) == len(said)


async def certain(uri):
    database = Database(uri, largest=1)
    await database.open()
    try:
        rows = await database.fetch("select state, count(*) as n from messages where direction = 'out' group by 1")
        return {row["state"] for row in rows} <= {"accepted", "sent", "delivered", "read"}
    finally:
        await database.close()


async def stored(uri):
    async with await psycopg.AsyncConnection.connect(uri) as connection:
        return {wamid for (wamid,) in await (await connection.execute("select wamid from messages where direction = 'in'")).fetchall()}


async def test_on_a_full_disk_nothing_is_taken_that_cannot_be_kept_and_with_room_all_goes_on(server, session, tmp_path):
    with small_disk(220) as disk:
        async with bakery(disk, session, tmp_path) as (lumen, _, outside, uri):
            guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(GUESTS)]
            said = {await guest.says("Hello"): guest for guest in guests}
            for guest in guests:
                assert await guest.hears_text() == ["You said: Hello"]
            disk.fill()

            async def nothing_goes():
                return len(await deliveries(lumen, 503)) > 3 * GUESTS

            await writes_until(nothing_goes, guests, said, "the door refuses")
            assert await counted(lumen, REFUSED) > 3 * GUESTS
            bodies = [delivery["body"] for delivery in await deliveries(lumen, 200)]
            assert {wamid for wamid in said if any(wamid in body for body in bodies)} <= await stored(uri)  # 200 only for what is on disk
            assert (await lumen.get("/conversations/"))["count"] == GUESTS  # what is there can be read
            assert len(await lumen.messages("Guest 0")) >= 2
            disk.make_room()
            await everything_is_answered(lumen, outside, uri, said)


async def test_when_the_full_disk_ends_postgresql_itself_it_comes_back_with_the_room(server, session, tmp_path):
    with small_disk(220) as disk:
        async with bakery(disk, session, tmp_path) as (lumen, agent, outside, uri):
            guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(GUESTS)]
            said = {await guest.says("Hello"): guest for guest in guests}
            await agent.delivered(GUESTS)
            disk.fill()
            with pytest.raises(psycopg.OperationalError):
                await fill_the_log(uri)
            for n in range(2 * GUESTS):
                said[await guests[n % GUESTS].says(f"Are you there? {n}")] = guests[n % GUESTS]
            await until(lambda: deliveries(lumen, 503), "the door refuses")
            await until(lambda: gone(uri), "PostgreSQL has given up")
            disk.make_room()
            await everything_is_answered(lumen, outside, uri, said)


async def fill_the_log(uri):
    """Until its write-ahead log cannot grow, which PostgreSQL does not survive."""
    async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as connection:
        while True:
            await connection.execute("select pg_logical_emit_message(false, 'full', repeat('x', 100000))")


async def gone(uri):
    try:
        async with await psycopg.AsyncConnection.connect(uri):
            return False
    except psycopg.OperationalError:
        return True
