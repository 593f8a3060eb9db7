"""Web and worker on machines of their own, PostgreSQL on a third one; and what happens when one of them is cut off."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import pytest
from apart import command, furnish, said_to, serving_program, settled, whatsapp
from cast import Agent, Phone, until
from far import Line, machine, postgres
from stage import free_port, serving

from dragoman.store import migrate
from dragoman.store.database import Database

LEASE = 3
CUT_SECONDS = 2.5 * LEASE


class Gate(Agent):
    """Answers at once, except for the first question about cakes, which it answers when it may."""

    def __init__(self):
        super().__init__()
        self.may = asyncio.Event()
        self.answer = self.think

    async def think(self, delivery):
        if "cake" in delivery["message"] and len(self.asked("cake")) == 1:
            await self.may.wait()
            return {"content": "The first answer about cakes"}
        return {"content": f"You said: {delivery['message']}"}

    def asked(self, word):
        return [delivery for delivery in self.deliveries if word in delivery["message"]]


@pytest.fixture(scope="module")
def far(server):
    """A PostgreSQL that wants a password, over TCP. (The shared one has made the user whom it runs as.)"""
    with postgres("127.0.0.1") as far:
        yield far


@pytest.fixture
async def name(far):
    """A migrated database there."""
    name = far.database()
    await migrate.upgrade(far.uri(name))
    return name


@pytest.fixture
async def agent():
    agent = Gate()
    async with serving(agent.handle) as agent.url:
        yield agent
        agent.may.set()


async def test_the_database_may_be_elsewhere_and_want_a_password(far, name, agent, session, tmp_path, monkeypatch):
    where, arguments, start = far.uri(name), [], asyncio.create_subprocess_exec

    async def overheard(*words, **more):
        arguments.append(words)
        return await start(*words, **more)

    async with whatsapp() as outside:
        lumen, settings = await furnish(where, session, outside), outside.settings(where, tmp_path)
        async with (
            serving_program(outside.port, settings, tmp_path / "web.log", "--role", "web"),
            serving_program(free_port(), settings, tmp_path / "worker.log", "--role", "worker"),
        ):
            await lumen.connect(agent, agent.url)
            dana = await Phone.of(lumen, name="Dana")
            await dana.says("Good morning")
            assert await dana.hears_text() == ["You said: Good morning"]
            _, out, _ = await command("doctor", **settings)
            assert "✓ database: PostgreSQL 18." in out
            assert "✓ worker: one is alive" in out
            monkeypatch.setattr(asyncio, "create_subprocess_exec", overheard)
            code, _, complaint = await command("backup", tmp_path / "far.tar", **settings)
            assert (code, complaint) == (0, "")
            [words] = arguments
            assert "--format=custom" in words
            assert "signs" not in " ".join(map(str, words))  # the password: everybody on the machine can read them
            code, out, complaint = await command("keys", "list", **settings | {"database_url": where.replace("password", "passport")})
            assert (code, out) == (1, "")
            assert "password authentication failed" in complaint
            assert "passport" not in complaint


@asynccontextmanager
async def on_a_line(far, name, log, settings):
    """A worker whose way to PostgreSQL can be cut; its way to WhatsApp and to agents cannot."""
    async with Line(far.host, far.port).laid() as line:
        mine = settings | {"database_url": far.uri(name, port=line.port)}
        async with serving_program(free_port(), mine, log, "--role", "worker") as program:
            yield line, program


async def test_a_worker_that_is_cut_off_is_replaced_and_comes_back_and_nothing_is_doubled_or_lost(far, name, agent, session, tmp_path):
    where = far.uri(name)
    async with whatsapp() as outside:
        lumen = await furnish(where, session, outside)
        settings = outside.settings(where, tmp_path, lease_seconds=LEASE)
        async with (
            serving_program(outside.port, settings, tmp_path / "web.log", "--role", "web"),
            on_a_line(far, name, tmp_path / "first.log", settings) as (line, _),
            opened(where) as database,
        ):
            second = partial(serving_program, free_port(), settings, tmp_path / "second.log", "--role", "worker")
            await cut_and_healed(lumen, agent, line, second, where, database)


async def cut_and_healed(lumen, agent, line, second_worker, where, database, seconds=CUT_SECONDS):
    """The story, on whatever kind of line."""
    await lumen.connect(agent, agent.url)
    people = [await Phone.of(lumen, name=f"Guest {n}") for n in range(6)]
    dana = people[0]
    await dana.says("Have you got cake?")
    await until(lambda: agent.asked("cake"), "the first worker asks about cakes")
    line.cut()
    async with second_worker() as second:
        healing = asyncio.create_task(asyncio.sleep(seconds))
        for guest in people[1:]:
            await guest.says("While you were away")
        assert await dana.hears_text() == ["You said: Have you got cake?"]  # the second has taken over, and asked again
        assert (
            len(
                {
                    headers["webhook-id"]
                    for headers, told in zip(agent.headers, agent.deliveries, strict=True)
                    if told in agent.asked("cake")
                }
            )
            == 1
        )
        agent.may.set()  # now the first has an answer, too, and nobody's permission to send it
        for guest in people[1:]:
            assert await guest.hears_text() == ["You said: While you were away"]
        await healing
        line.heal()
        await until(lambda: alive(database, 2), "both are at work")
        for guest in people:
            await guest.says("And now?")
        await settled(where, received=12)
        assert second.terminate() == 0
    await dana.says("Are you back?")  # the first is alone again
    assert (await dana.hears_text(3))[2] == "You said: Are you back?"
    await settled(where, received=13)
    assert set((await said_to(lumen)).values()) == {1}
    assert len(await lumen.ledger()) == 13
    assert len(agent.asked("cake")) == 2
    assert not await database.fetch("select id from messages where state in ('unknown', 'discarded', 'failed')")


@pytest.mark.machines
async def test_the_same_with_a_machine_of_its_own(server, session, tmp_path):
    """The first worker lives in a network namespace with two cables: one to PostgreSQL, which is pulled, and one to everybody else."""
    with machine() as here, postgres("127.0.0.1", here.database) as far:
        name = far.database()
        await migrate.upgrade(far.uri(name))
        where, agent = far.uri(name), Gate()
        async with whatsapp(here.world) as outside, serving(agent.handle, here.world) as agent.url, opened(where) as database:
            lumen = await furnish(where, session, outside)
            settings = outside.settings(where, tmp_path, lease_seconds=LEASE, allow_private_urls="127.0.0.0/8,10.213.0.0/24")
            theirs = settings | {"database_url": far.uri(name, host=here.database)}
            inside = {"host": here.inside, "within": ("ip", "netns", "exec", here.name)}
            async with (
                serving_program(outside.port, settings, tmp_path / "web.log", "--role", "web"),
                serving_program(free_port(), theirs, tmp_path / "first.log", "--role", "worker", **inside),
            ):
                second = partial(serving_program, free_port(), settings, tmp_path / "second.log", "--role", "worker")
                # Longer than a connection waits for the other side.
                await cut_and_healed(lumen, agent, here, second, where, database, seconds=30)


@asynccontextmanager
async def opened(where):
    database = Database(where, largest=2)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def alive(database, count):
    row = await database.fetch_one("select count(*) as n from workers where seen_at > now() - interval '2 seconds'")
    return row["n"] == count
