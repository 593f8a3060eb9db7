"""Another secret key: what is stored is sealed again, and what stays good and what does not is as documented."""

import asyncio
import os
import re
from pathlib import Path

import psycopg
import pytest
from apart import SECRET_KEY, command, furnish, serving_program, whatsapp
from cast import Agent, Phone, until
from stage import serving

import dragoman
from dragoman.accounts import sealed
from dragoman.accounts.secrets import KEY_FILE, NEXT_KEY_FILE, Unopenable, Vault, load_key, successor
from dragoman.cli import secret_key
from dragoman.settings import Settings, SettingsError

OTHER_KEY = "another secret key for tests, of more than 32 characters"


def test_a_successor_hashes_as_before_and_seals_and_derives_anew():
    before, after = Vault(SECRET_KEY), Vault(successor(OTHER_KEY, SECRET_KEY))
    last = Vault(successor("a third key for tests, with more than 32 characters", successor(OTHER_KEY, SECRET_KEY)))
    assert before.hash("a", "api key") == after.hash("a", "api key") == last.hash("a", "api key")
    assert len({vault.derive("tokens") for vault in (before, after, last)}) == 3
    with pytest.raises(Unopenable):
        after.open(before.seal(b"x", "place"), "place")
    assert OTHER_KEY not in repr(after)


async def test_every_column_that_is_sealed_is_in_the_list(database):
    """A new column of bytes is either sealed, and then the rotation must know of it, or it is a hash."""
    rows = await database.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'public' and data_type = 'bytea'"
    )
    known = {(column.table, column.name) for column in sealed.SEALED if not column.as_text} | sealed.HASHED
    assert {(row["table_name"], row["column_name"]) for row in rows} == known


def test_the_list_names_the_contexts_that_the_rooms_seal_with():
    context = re.compile(r'str\([^()]*organisation_id[^()]*\), "(\w+)", "(\w+)", (.*)')
    source = [path.read_text() for path in Path(dragoman.__path__[0]).rglob("*.py") if path.name != "sealed.py"]
    found = {(table, column, _last_names(rest)) for text in source for table, column, rest in context.findall(text)}
    assert found == {(column.table, column.sealed_as or column.name, len(column.row)) for column in sealed.SEALED}


def _last_names(rest):
    """How many things name the row, at the end of a context."""
    return len([part for part in re.split(r",\s*", re.sub(r"\)*$", "", rest.strip().rstrip("),"))) if part.strip()])


@pytest.fixture
async def agent():
    agent = Agent()
    async with serving(agent.handle) as agent.url:
        yield agent


async def test_after_a_rotation_everything_goes_on_under_the_new_key(agent, session, database_uri, tmp_path):
    async with whatsapp() as outside:
        lumen, file = await furnish(database_uri, session, outside), tmp_path / "next.key"
        settings = outside.settings(database_uri, tmp_path)
        async with serving_program(outside.port, settings, tmp_path / "before.log") as program:
            await lumen.connect(agent, agent.url)
            dana, zoe = await Phone.of(lumen, name="Dana"), await Phone.of(lumen, name="Zoë")
            agent.script = [{}, 503]  # it will answer Dana later; it is out of order for Zoë
            await dana.says("Good morning")
            [delivery] = await agent.delivered()
            await zoe.says("Good evening")
            await agent.delivered(2)
            code, _, complaint = await command("secret-key", "rotate", "--new-key-file", file, **settings)
            assert (code, file.exists()) == (1, False)
            assert "somebody else uses the database" in complaint
            assert program.terminate() == 0

        code, out, complaint = await command("secret-key", "rotate", "--new-key-file", file, **settings)
        assert (code, complaint, file.stat().st_mode & 0o777) == (0, "", 0o600)
        key = file.read_text().strip()
        assert key not in out
        assert "API keys stay good" in out
        code, out, _ = await command("doctor", **settings)
        assert "✗ secret key: it does not open what is stored" in out
        again = await command("secret-key", "rotate", "--new-key-file", file, **settings)
        assert again[1].startswith("0 values are sealed")  # to repeat it does no harm

        async with serving_program(outside.port, settings | {"secret_key": key}, tmp_path / "after.log"):
            async with session.post(delivery["reply_callback"], json={"content": "Good morning, Dana"}) as answer:
                assert answer.status == 202, await answer.text()
            assert await dana.hears_text() == ["Good morning, Dana"]
            assert await zoe.hears_text() == ["You said: Good evening"]  # asked again, under an address that works
            again = next(told for told in reversed(agent.deliveries) if told["message"] == "Good evening")
            async with session.post(again["reply_callback"], json={"content": "Good night"}) as answer:
                assert answer.status == 202, await answer.text()
            await dana.says("Is there rye bread?")  # Meta's signature, the agent's, and the access token are good
            assert (await dana.hears_text(2))[1] == "You said: Is there rye bread?"
            assert agent.genuine()
            assert "✓ secret key: opens what is stored" in (await command("doctor", **settings | {"secret_key": key}))[1]


async def test_a_rotation_that_was_cut_off_is_brought_to_its_end(database_uri, session, tmp_path):
    async with whatsapp() as outside:
        await furnish(database_uri, session, outside)
    key_file, place = tmp_path / KEY_FILE, tmp_path / NEXT_KEY_FILE
    key_file.write_text(SECRET_KEY)
    assert await secret_key.reseal(database_uri, SECRET_KEY, place) == 3
    # Here it dies: everything is sealed under the new key, and the old one is still in its place.
    with pytest.raises(SettingsError, match="run `dragoman secret-key rotate` again"):
        load_key(Settings(data_dir=tmp_path))
    new = place.read_text()
    assert await secret_key.reseal(database_uri, SECRET_KEY, place) == 0
    kept = secret_key._exchange(key_file, place)
    assert (key_file.read_text(), kept.read_text(), place.exists()) == (new, SECRET_KEY, False)
    assert load_key(Settings(data_dir=tmp_path)) == new.strip()


async def test_who_is_just_leaving_is_waited_for(database_uri, server, session, tmp_path):
    async with whatsapp() as outside:
        await furnish(database_uri, session, outside)
    query = "select count(*) from pg_stat_activity where datname = %s"
    async with await psycopg.AsyncConnection.connect(database_uri) as leaving:
        resealing = asyncio.create_task(secret_key.reseal(database_uri, SECRET_KEY, tmp_path / "next.key"))
        await until(lambda: server.execute(query, [leaving.info.dbname]).fetchone()[0] > 1, "the rotation looks around")
    assert await resealing == 3


@pytest.mark.parametrize(
    ("held", "complaint"), [("short", "is shorter than 32 characters"), (SECRET_KEY, "is the one in use"), (None, "--new-key-file")]
)
async def test_a_key_that_will_not_do_is_refused(held, complaint, database_uri, tmp_path):
    place = tmp_path / "next.key"
    words = ["secret-key", "rotate"]
    if held is not None:
        place.write_text(held)
        words += ["--new-key-file", place]
    code, out, said = await command(*words, database_url=database_uri, secret_key=SECRET_KEY, data_dir=tmp_path)
    assert (code, out) == (1, "")
    assert complaint in said
    assert os.listdir(tmp_path) == ([] if held is None else ["next.key"])
