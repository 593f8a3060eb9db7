"""The database, ready to use: found or started, migrated, opened; closed at the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from dragoman.settings import Settings
from dragoman.store import embedded, migrate
from dragoman.store.database import Database


@asynccontextmanager
async def opened(settings: Settings, *, largest: int = 12) -> AsyncIterator[Database]:
    """The configured PostgreSQL, or the embedded one in the data directory (also when another process started it).

    `largest` is how many connections it may use. Call `accounts.secrets.load_key` first: it will not make a new key beside
    a database that exists already.
    """
    uri = settings.database_url or await embedded.start(settings.data_dir)
    await migrate.upgrade(uri)
    database = Database(uri, largest=largest)
    keeping = None
    try:
        await database.open()
        if not settings.database_url:
            keeping = asyncio.create_task(embedded.keep(settings.data_dir))
        yield database
    finally:
        if keeping:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
        await database.close()
