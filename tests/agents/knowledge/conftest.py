"""Bakery Lumen's shelves: a knowledge base on a real database, a real job queue, files in a folder, and a web that a test writes."""

import asyncio
from ipaddress import ip_network

import pytest
from tests.agents.knowledge.library import Library, Web

from dragoman.accounts import organisations
from dragoman.agents.knowledge import bases, indexing
from dragoman.agents.knowledge.shelves import Shelves
from dragoman.http.guarded import Guarded
from dragoman.store.jobs import Runner
from dragoman.store.objects import Objects


@pytest.fixture
async def web():
    """Websites on loopback, each a dict of path to page."""
    web = Web()
    yield web
    await web.close()


@pytest.fixture
async def guarded():
    async def lookup(host):
        return ["127.0.0.1"]

    door = Guarded([ip_network("127.0.0.0/8")], lookup=lookup)
    await door.open()
    yield door
    await door.close()


@pytest.fixture
async def library(database, clock, guarded, tmp_path):
    """Lumen's library, with the worker that reads what is put on its shelves."""
    library = Library()
    objects = Objects(tmp_path.as_uri())
    shelves = Shelves(database, clock, objects, guarded, library.embedder_for)
    organisation_id = await organisations.create(database, clock, "Bakery Lumen")
    base = await bases.create(database, clock, organisation_id, "Handbook")
    library.open(shelves, organisation_id, base.id)
    runner = Runner(database.uri, indexing.tasks(shelves), patience=2.0, poll=0.1)
    await runner.start()
    yield library
    await runner.stop()
    await asyncio.sleep(0)
