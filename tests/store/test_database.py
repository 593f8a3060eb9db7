"""Connections that die while nobody looks, and plans that grow old."""

import asyncio

import psycopg
import pytest

from dragoman.settings import Settings
from dragoman.store.database import LONGEST_PLAN_SECONDS, Database, Plans, UnsafeDatabase
from dragoman.store.opening import opened


async def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used(database_uri):
    """As when it is told to shut down. Its goodbye lies in the socket then."""
    database = Database(database_uri)
    await database.open()
    try:
        async with database.transaction() as a, database.transaction() as b:
            mine = [(await (await one.execute("select pg_backend_pid() as pid")).fetchone())["pid"] for one in (a, b)]
        other = Database(database_uri)
        await other.open()
        for pid in mine:
            await other.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        await other.close()
        for _ in range(3):
            row = await database.fetch_one("select pg_backend_pid() as pid")
            assert row is not None
            assert row["pid"] not in mine
    finally:
        await database.close()


async def test_nothing_goes_on_connecting_to_a_database_that_was_refused(database_uri, tmp_path):
    """A connection that is being made when the program gives up would keep it from ending."""
    with psycopg.connect(database_uri, autocommit=True) as connection:
        connection.execute(f"alter database {connection.info.dbname} set synchronous_commit = off")
    before = asyncio.all_tasks()
    with pytest.raises(UnsafeDatabase):
        async with opened(Settings(database_url=database_uri, data_dir=tmp_path)):
            pass
    assert asyncio.all_tasks() == before


def test_plans_are_made_again_when_they_are_twice_as_old():
    plans = Plans()
    made = [n / 2 for n in range(400) if plans.are_old(100 + n / 2)]
    assert made == [0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181]
    assert made[-1] - made[-2] == LONGEST_PLAN_SECONDS
