"""F-54: what is missing, blank or wrong stops the start with one line; nothing runs by halves."""

import psycopg
import pytest
from apart import SECRET_KEY, command, furnish, serving_program, whatsapp
from program import run
from stage import free_port

OTHER_KEY = "another secret key for tests, of more than 32 characters"
BLANK = " " * 40


@pytest.fixture
async def outside():
    async with whatsapp() as outside:
        yield outside


async def test_a_key_that_opens_nothing_of_what_is_stored_stops_the_start(outside, session, database_uri, tmp_path):
    await furnish(database_uri, session, outside)
    settings = outside.settings(database_uri, tmp_path, secret_key=OTHER_KEY)
    code, out, said = await run("serve", "--role", "worker", "--port", str(free_port()), **settings)
    assert (code, out, said.count("\n")) == (1, "", 1)
    assert said.startswith("dragoman: the secret key opens nothing of what is stored in this database: put the right one back;")
    assert OTHER_KEY not in said


async def test_whoever_has_lost_the_key_enters_the_secrets_again_and_starts(outside, session, database_uri, tmp_path):
    await furnish(database_uri, session, outside)
    settings = outside.settings(database_uri, tmp_path, secret_key=OTHER_KEY)
    app = ("--app-id", "sandbox", "--app-secret", "app-secret", "--verify-token", "verify")
    assert (await command("apps", "add", *app, **settings))[0] == 0
    async with serving_program(outside.port, settings, tmp_path / "server.log") as program:
        assert program.terminate() == 0


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"secret_key": BLANK}, "DRAGOMAN_SECRET_KEY"),
        ({"data_dir": "/proc/lumen", "media_url": ""}, ""),
    ],
    ids=lambda value: str(next(iter(value.items()))) if isinstance(value, dict) else None,
)
async def test_what_cannot_be_meant_stops_the_start_with_one_line(outside, database_uri, tmp_path, wrong, complaint):
    settings = outside.settings(database_uri, tmp_path) | wrong
    code, out, said = await run("serve", "--port", str(free_port()), **settings)
    assert (code, out, said.count("\n")) == (1, "", 1), said
    assert said.startswith(f"dragoman: {complaint}"), said
    assert SECRET_KEY not in said


async def test_a_database_that_would_forget_is_refused(outside, database_uri, tmp_path):
    with psycopg.connect(database_uri, autocommit=True) as connection:
        connection.execute(f"alter database {connection.info.dbname} set synchronous_commit = off")
    code, _, said = await run("serve", "--port", str(free_port()), **outside.settings(database_uri, tmp_path))
    assert (code, said) == (1, "dragoman: PostgreSQL runs with synchronous_commit = off; set it to on\n")
