"""A worker that sends campaigns, as a process of its own that a test may kill: python marketer.py <database> <folder> <secret key>."""

import asyncio
import sys
from pathlib import Path

from dragoman.campaigns import batches
from dragoman.clock import Clock
from dragoman.conversations.services import Services
from dragoman.settings import Settings
from dragoman.store.database import Database
from dragoman.store.jobs import Runner


async def main(uri, folder, secret_key):
    database = Database(uri)
    await database.open()
    settings = Settings(database_url=uri, data_dir=Path(folder), secret_key=secret_key, graph_url="http://127.0.0.1:9")
    services = Services.make(settings, Clock(), database, secret_key)
    await Runner(uri, batches.tasks(services), patience=1, poll=0.1).start()
    print("ready", flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
