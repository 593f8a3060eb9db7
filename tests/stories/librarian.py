"""A worker that reads documents, as a process of its own that a test may kill: python librarian.py <database> <folder> <patience>."""

import asyncio
import sys
from ipaddress import ip_network
from pathlib import Path

from dragoman.agents.knowledge import indexing
from dragoman.agents.knowledge.shelves import Shelves
from dragoman.clock import Clock
from dragoman.http.guarded import Guarded
from dragoman.store.database import Database
from dragoman.store.jobs import Runner
from dragoman.store.objects import Objects


async def nobody(organisation_id, knowledge_base_id):
    return None


async def main(uri, folder, patience):
    database, guarded = Database(uri), Guarded([ip_network("127.0.0.0/8")])
    await database.open()
    await guarded.open()
    shelves = Shelves(database, Clock(), Objects(Path(folder).as_uri()), guarded, nobody)
    await Runner(uri, indexing.tasks(shelves), patience=float(patience), poll=0.1).start()
    print("ready", flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
