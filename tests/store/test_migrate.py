import asyncio
import subprocess
import sys

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from dragoman.store import migrate
from dragoman.store.migrate import LOCK, VERSIONS, NewerDatabase, revisions, upgrade


def tables(uri):
    with psycopg.connect(uri) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


async def test_an_empty_database_gets_the_whole_schema(empty_database_uri):
    await upgrade(empty_database_uri)
    assert {"organisations", "conversations", "messages", "send_attempts", "alembic_version"} <= tables(empty_database_uri)


async def test_a_second_start_finds_nothing_to_do_and_imports_no_alembic(database_uri):
    program = (
        "import asyncio, sys; from dragoman.store.migrate import upgrade; asyncio.run(upgrade(sys.argv[1])); "
        "print([name for name in sys.modules if name.split('.')[0] in ('alembic', 'sqlalchemy')])"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, database_uri, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert output.decode().strip() == "[]"


async def test_two_processes_that_start_together_migrate_once(empty_database_uri):
    await asyncio.gather(upgrade(empty_database_uri), upgrade(empty_database_uri), upgrade(empty_database_uri))
    with psycopg.connect(empty_database_uri) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [(revisions()[-1],)]


async def test_a_start_waits_for_the_migration_of_another_process(empty_database_uri):
    with psycopg.connect(empty_database_uri) as other:
        other.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        waiting = asyncio.create_task(upgrade(empty_database_uri))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done
        assert tables(empty_database_uri) == set()
    await waiting
    assert "messages" in tables(empty_database_uri)


async def test_a_killed_migration_leaves_nothing_half_done(empty_database_uri):
    # The migrating process hangs on this lock in the middle of its work, after it has made tables; then it is killed.
    blocker = await psycopg.AsyncConnection.connect(empty_database_uri)
    await blocker.execute("create table workers (id integer)")
    program = "import asyncio, sys; from dragoman.store.migrate import upgrade; asyncio.run(upgrade(sys.argv[1]))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_database_uri)
    await _until_something_waits_for_a_lock(empty_database_uri)
    process.kill()
    await process.wait()
    await blocker.rollback()
    await blocker.close()
    await upgrade(empty_database_uri)
    assert "messages" in tables(empty_database_uri)


async def _until_something_waits_for_a_lock(uri):
    async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as connection:
        query = "select count(*) from pg_locks where not granted"
        while not (await (await connection.execute(query)).fetchone())[0]:
            await asyncio.sleep(0.02)


async def test_a_failing_migration_leaves_nothing_half_done(empty_database_uri):
    with psycopg.connect(empty_database_uri, autocommit=True) as connection:
        connection.execute("create table workers (id integer)")  # the last table of the first schema
    with pytest.raises(Exception, match="already exists"):
        await upgrade(empty_database_uri)
    assert tables(empty_database_uri) == {"workers"}


async def test_a_database_of_a_newer_program_is_refused_in_one_line(database_uri):
    with psycopg.connect(database_uri) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(NewerDatabase, match=r"^The database is at schema 9999, this Dragoman knows schemas up to [^\n]+$"):
        await upgrade(database_uri)


def test_every_revision_is_one_sql_file_and_they_form_one_line():
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    scripts = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert list(reversed(scripts)) == migrate.revisions()
