"""Backup and restore of a live system: messages are in flight when the backup is made."""

import asyncio
import tarfile

import msgspec
import pytest
from apart import command, furnish, said_to, serving_program, settled, whatsapp
from cast import Agent, Phone, until
from program import own_folder, run
from stage import serving

from dragoman.store.database import Database

KNOWN, SLOW = "Good morning", "Is there rye bread?"
PICTURE = b"\x89PNG\r\n\x1a\n" + b"a cake" * 50


class Thoughtful(Agent):
    """Answers at once; what is slow waits until it may."""

    def __init__(self):
        super().__init__()
        self.may = asyncio.Event()
        self.answer = self.think

    async def think(self, delivery):
        if delivery["message"].startswith("Is there"):
            await self.may.wait()
        return {"content": f"You said: {delivery['message']}"}

    def asked(self, text):
        return [delivery for delivery in self.deliveries if delivery["message"] == text]


@pytest.fixture
async def agent():
    agent = Thoughtful()
    async with serving(agent.handle) as agent.url:
        yield agent
        agent.may.set()


@pytest.fixture
async def outside():
    async with whatsapp() as outside:
        yield outside


async def dragoman(*words, **settings):
    code, out, complaint = await command(*words, **settings)
    assert (code, complaint) == (0, ""), complaint
    return out


async def in_flight(lumen, agent):
    """Three customers: one was answered, one is being thought about, one has sent a picture. Dana's question is the slow one."""
    dana, zoe, emil = [await Phone.of(lumen, name=name) for name in ("Dana", "Zoë", "Emil")]
    await zoe.says(KNOWN)
    await zoe.hears()
    await emil.sends_file("image", PICTURE, "image/png")
    await emil.hears()
    await dana.says(SLOW)
    await until(lambda: agent.asked(SLOW), "Dana's question is being thought about")
    return dana, zoe


async def test_what_was_under_way_is_not_done_twice_after_a_loss(outside, agent, session, database_uri, tmp_path):
    lumen, file = await furnish(database_uri, session, outside), tmp_path / "lumen.tar"
    first = outside.settings(database_uri, tmp_path / "first")
    async with serving_program(outside.port, first, tmp_path / "first.log"):
        await lumen.connect(agent, agent.url)
        dana, zoe = await in_flight(lumen, agent)
        said = await dragoman("backup", file, **first)
        assert "The secret key (DRAGOMAN_SECRET_KEY) is NOT in it" in said
        agent.may.set()  # the old server goes on, and is lost later
        assert await dana.hears_text() == [f"You said: {SLOW}"]

    with own_folder() as folder:
        new = outside.settings(None, folder / "data")
        new.pop("database_url")
        code, said, complaint = await run("restore", str(file), **new)  # leaves no PostgreSQL behind that would be this process's own
        assert (code, complaint) == (0, "")
        assert "1 turns" in said
        assert [path.read_bytes() for path in (folder / "data" / "media").rglob("*") if path.is_file()] == [PICTURE]
        async with serving_program(outside.port, new, folder / "new.log") as program:
            await zoe.says("And tomorrow?")
            assert (await zoe.hears_text(2))[1] == "You said: And tomorrow?"
            entries = (await lumen.timeline("Dana"))["entries"]
            assert any("laid aside at the restore" in str(entry["cause"]) for entry in entries)
            await dana.says("Thank you")
            assert await dana.hears_text(2) == [f"You said: {SLOW}", "You said: Thank you"]
            assert program.terminate() == 0
    assert len(agent.asked(SLOW)) == 1
    assert set((await said_to(lumen)).values()) == {1}


async def test_a_move_goes_on_where_it_was(outside, agent, session, database_uri, empty_database_uri, tmp_path):
    lumen, file = await furnish(database_uri, session, outside), tmp_path / "lumen.tar"
    first = outside.settings(database_uri, tmp_path / "first")
    async with serving_program(outside.port, first, tmp_path / "first.log") as program:
        await lumen.connect(agent, agent.url)
        dana, _ = await in_flight(lumen, agent)
        await dragoman("backup", file, **first)
        program.kill()  # nothing has happened since
    await dana.says("Hello?")  # nobody is there; WhatsApp will try again
    second = outside.settings(empty_database_uri, tmp_path / "second")
    assert "goes on when the server starts" in await dragoman("restore", "--resume", file, **second)
    agent.may.set()
    async with serving_program(outside.port, second, tmp_path / "second.log"):
        await lumen.skip(minutes=2)
        assert sorted(await dana.hears_text(2)) == ["You said: Hello?", f"You said: {SLOW}"]
        await settled(empty_database_uri, received=4)
    assert set((await said_to(lumen)).values()) == {1}
    assert len(agent.asked(SLOW)) == 2  # once by each, and by the same webhook-id
    assert (
        len(
            {
                headers["webhook-id"]
                for headers, delivery in zip(agent.headers, agent.deliveries, strict=True)
                if delivery["message"] == SLOW
            }
        )
        == 1
    )


async def test_what_would_go_wrong_is_refused_before_anything_is_touched(outside, session, database_uri, empty_database_uri, tmp_path):
    async def refused(*words, **settings):
        code, out, complaint = await command(*words, **settings)
        assert (code, out, complaint.count("\n")) == (1, "", 1)
        return complaint

    await furnish(database_uri, session, outside)
    file, settings = tmp_path / "lumen.tar", outside.settings(database_uri, tmp_path / "a")
    await dragoman("backup", file, **settings)
    assert file.stat().st_mode & 0o077 == 0
    with tarfile.open(file) as archive:
        manifest = msgspec.json.decode(archive.extractfile("manifest.json").read())
        assert settings["secret_key"].encode() not in file.read_bytes()
    assert manifest["dragoman"]
    assert "exists already" in await refused("backup", file, **settings)
    assert "there are tables in this database already" in await refused("restore", file, **settings)
    empty = settings | {"database_url": empty_database_uri}
    assert "made with another secret key" in await refused("restore", file, **empty | {"secret_key": "x" * 40})
    assert "is not a backup made by" in await refused("restore", __file__, **empty)
    keyless = {"data_dir": tmp_path / "b"}
    assert "put the key of the backup there" in await refused("restore", file, **keyless)
    assert not (tmp_path / "b").exists()
    await dragoman("restore", file, **empty)  # none of that has left anything behind


async def test_campaigns_wake_ups_and_queued_messages_are_laid_aside_too(outside, session, database_uri, empty_database_uri, tmp_path):
    lumen = await furnish(database_uri, session, outside)
    database = Database(database_uri)
    await database.open()
    await database.execute(UNDER_WAY, {"organisation_id": lumen.organisation_id})
    await database.close()
    file = tmp_path / "lumen.tar"
    await dragoman("backup", file, **outside.settings(database_uri, tmp_path / "a"))
    said = await dragoman("restore", file, **outside.settings(empty_database_uri, tmp_path / "b"))
    assert said.partition("Laid aside: ")[2].splitlines()[0] == (
        "1 messages whose sending nobody can vouch for, 1 messages that waited to be sent, 1 turns, 1 wake-ups, 1 campaigns, 1 jobs."
    )
    restored = Database(empty_database_uri)
    await restored.open()
    assert await restored.fetch("select state from messages order by seq") == [
        {"state": "received"},
        {"state": "unknown"},
        {"state": "discarded"},
    ]
    [conversation] = await restored.fetch("select due_at, wake_at, turn_id, answered_seq from conversations")
    assert conversation["due_at"] == conversation["wake_at"]  # only what lies ahead is left
    assert (conversation["turn_id"], conversation["answered_seq"]) == (None, 1)
    await restored.close()


UNDER_WAY = """
with ids as (select %(organisation_id)s::uuid as org, gen_random_uuid() as c, gen_random_uuid() as k, gen_random_uuid() as a,
                    gen_random_uuid() as t, gen_random_uuid() as m, gen_random_uuid() as p),
n as (select id from numbers limit 1),
agent as (insert into agents (organisation_id, id, kind, name, created_at, updated_at) select org, a, 'llm', 'Lumi', now(), now() from ids),
contact as (insert into contacts (organisation_id, id, created_at, updated_at) select org, k, now(), now() from ids),
conversation as (
    insert into conversations (organisation_id, id, number_id, contact_id, agent_id, last_seq, wanted_seq, queued_seq, turn_id, think_at, send_at,
                               wake_at, worker_id, lease_until, created_at, updated_at)
    select org, c, n.id, k, a, 3, 1, 3, t, now(), now(), now(), gen_random_uuid(), now(), now(), now() from ids, n
),
message as (
    insert into messages (organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, state, wants_answer,
                          attempt_id, said_at, created_at)
    select org, case seq when 2 then m else gen_random_uuid() end, c, seq, way, who, 'text', '{}', n.id, state, seq = 1, case seq when 2 then p end,
           now(), now()
    from ids, n, (values (1, 'in', 'customer', 'received'), (2, 'out', 'agent', 'sending'), (3, 'out', 'api', 'queued')) v(seq, way, who, state)
),
attempt as (insert into send_attempts (organisation_id, id, message_id, conversation_id, started_at) select org, p, m, c, now() from ids),
turn as (
    insert into turns (organisation_id, id, conversation_id, agent_id, epoch, from_seq, through_seq, callback_hash, callback_until, opened_at)
    select org, t, c, a, 0, 1, 1, 'x', now(), now() from ids
),
wakeup as (
    insert into wakeups (organisation_id, id, conversation_id, agent_id, source, at, instruction, created_at)
    select org, gen_random_uuid(), c, a, 'prompt', now() + later, 'Ask', now() from ids, (values (interval '0'), (interval '1 day')) v(later)
),
campaign as (
    insert into campaigns (organisation_id, id, name, state, agent_id, template, start_at, delay, days, start_hour, end_hour, time_zone,
                           ignore_suppression, details, duplicates, created_at, updated_at)
    select org, gen_random_uuid(), 'Spring', state, a, '{}', now() + later, 0, '{1}', 0, 24, 'UTC', false, '{}', 0, now(), now()
    from ids, (values ('running', interval '0'), ('scheduled', interval '1 day')) v(state, later)
)
insert into procrastinate_jobs (queue_name, task_name) values ('whatsapp.send', 'whatsapp.send'), ('knowledge.index', 'knowledge.index')
"""
