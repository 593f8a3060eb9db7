"""kill -9 in the middle of reading a document. The document outlives the one who read it, and is read once."""

import asyncio
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web
from cast import until
from stage import serving

from dragoman.accounts import organisations
from dragoman.agents.knowledge import bases, documents
from dragoman.agents.knowledge.searching import search
from dragoman.store.objects import Objects

LOOPBACK = [ip_network("127.0.0.0/8")]
HANDBOOK = b"# Opening hours\n\nWe are open from 7:30 to 18:00.\n\n# Parking\n\nThere are four spaces behind the house."
PAGE = "<!doctype html><html><head><title>Hours</title></head><body><p>We are open from half past seven until six.</p></body></html>"


class Librarian:
    """The process that reads."""

    def __init__(self, uri, folder):
        self.command = [sys.executable, str(Path(__file__).parent / "librarian.py"), uri, str(folder), "1"]

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(*self.command, stdout=subprocess.PIPE)
        assert await self.process.stdout.readline() == b"ready\n"

    async def kill(self):
        self.process.kill()
        await self.process.wait()


@pytest.fixture
async def lumen(database, clock, tmp_path):
    """Bakery Lumen's library: (objects, organisation, base)."""
    organisation_id = await organisations.create(database, clock, "Bakery Lumen")
    base = await bases.create(database, clock, organisation_id, "Handbook")
    return Objects(tmp_path.as_uri()), organisation_id, base.id


@pytest.fixture
async def librarians(database, tmp_path):
    """Two of them; the second starts when the test wants it."""
    both = [Librarian(database.uri, tmp_path) for _ in range(2)]
    await both[0].start()
    yield both
    for librarian in both:
        if getattr(librarian, "process", None) and librarian.process.returncode is None:
            await librarian.kill()


async def ready(database, organisation_id, document):
    async def look():
        found = await documents.get(database, organisation_id, document.id)
        return found if found.state in ("ready", "error") else None

    return await until(look, "the document is read")


async def test_a_document_is_read_by_another_when_its_reader_is_killed_on_the_way(database, clock, lumen, librarians):
    _, organisation_id, base_id = lumen
    asked, killed = asyncio.Event(), asyncio.Event()

    async def handle(request):
        if request.path == "/robots.txt":
            return web.Response(status=404)
        if not asked.is_set():
            asked.set()
            await killed.wait()
        return web.Response(text=PAGE, content_type="text/html")

    async with serving(handle) as url:
        document = await documents.add_url(database, clock, organisation_id, base_id, url, allow=LOOPBACK)
        await asyncio.wait_for(asked.wait(), 20)
        assert (await documents.get(database, organisation_id, document.id)).state == "processing"
        await librarians[0].kill()
        killed.set()
        await librarians[1].start()
        document = await ready(database, organisation_id, document)
    assert (document.state, document.cause, document.passages) == ("ready", None, 1)


async def test_a_kill_in_the_middle_of_the_switch_leaves_the_old_answers_until_the_new_are_there(database, clock, lumen, librarians):
    objects, organisation_id, base_id = lumen
    ask = (database, organisation_id, [base_id], "When are you open?")
    document = await documents.add_file(database, clock, objects, organisation_id, base_id, "Handbook", HANDBOOK)
    await ready(database, organisation_id, document)
    await objects.put(document.object_key, HANDBOOK.replace(b"7:30", b"9:00"))
    async with database.transaction() as connection:
        # With the base locked, the reader has written the new passages and waits before it takes the old ones away.
        await connection.execute("select 1 from knowledge_bases where id = %s for update", [base_id])
        await documents.reindex(database, clock, organisation_id, document.id)
        await until(lambda: waits_for_a_lock(database), "the reader waits in the middle of the switch")
        assert "7:30" in (await search(*ask, embedding=None))[0].text
        await librarians[0].kill()
        # The server notices a client that is gone only when it has something to say to it, 15 s later; not to wait for that:
        await database.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
    assert "7:30" in (await search(*ask, embedding=None))[0].text
    await librarians[1].start()
    document = await ready(database, organisation_id, document)
    found = await search(*ask, embedding=None, limit=10)
    assert [passage.text for passage in found if passage.heading == "Opening hours"] == ["We are open from 9:00 to 18:00."]
    rows = await database.fetch("select version, count(*) as n from passages group by version")
    assert rows == [{"version": document.version, "n": 2}]


async def waits_for_a_lock(database):
    return await database.fetch("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")


async def test_documents_are_all_read_while_readers_come_and_go(database, clock, lumen, librarians):
    objects, organisation_id, base_id = lumen
    added = [
        await documents.add_file(database, clock, objects, organisation_id, base_id, f"{n}.md", HANDBOOK + b"\n\nNumber %d." % n)
        for n in range(12)
    ]
    for n in range(4):
        await librarians[n % 2].kill()
        await librarians[(n + 1) % 2].start()
        await until(lambda n=n: enough(database, 3 * n), "some documents are read")
    for document in added:
        assert (await ready(database, organisation_id, document)).state == "ready"
    base = await bases.get(database, organisation_id, base_id)
    rows = await database.fetch("select count(*) as n from passages")
    assert base.passages == rows[0]["n"] == 24


async def enough(database, count):
    rows = await database.fetch("select count(*) as n from documents where state = 'ready'")
    return rows[0]["n"] >= count
