"""Lumen's server with its own PostgreSQL on a disk that a test spoils, and what must hold when the disk is well again."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
from apart import furnish, said_to, serving_program, settled, whatsapp
from cast import Agent, until
from stage import serving

from dragoman.store.database import Database


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


async def meta_tries_again(outside):
    while True:
        outside.clock.advance(timedelta(minutes=5))
        await asyncio.sleep(0.2)


async def everything_is_answered(lumen, outside, uri, said):
    patience = asyncio.create_task(meta_tries_again(outside))
    try:
        await until(lambda: back(uri), "PostgreSQL is there")
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


async def back(uri):
    return not await gone(uri)
