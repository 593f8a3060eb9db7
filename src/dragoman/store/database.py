"""The database: a pool of connections, opened once, closed once. Knows no nouns."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]

set_json_dumps(lambda value: msgspec.json.encode(value).decode())
set_json_loads(lambda value: msgspec.json.decode(value) if value else json.loads(value))

# A server with these switched off would answer 200 and forget; refuse to start on it.
REQUIRED = {"fsync": "on", "full_page_writes": "on"}


class UnsafeDatabase(Exception):
    """The server would lose committed rows; the message names the setting."""


class Database:
    """`fetch`, `fetch_one` and `execute` run one statement each; `transaction` holds several together."""

    def __init__(self, uri: str, *, largest: int = 12) -> None:
        self.uri = uri
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            uri,
            min_size=2,
            max_size=largest,
            open=False,
            timeout=5,  # a webhook that cannot be stored soon is better sent again
            # The pool doubles its pauses between attempts to connect; who asks for a connection after it gave up starts anew.
            reconnect_timeout=2,
            kwargs={"row_factory": dict_row, "autocommit": True, "options": "-c statement_timeout=30000 -c lock_timeout=15000"},
        )
        self._listeners: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        await self._pool.open(wait=True, timeout=30)
        for name, wanted in REQUIRED.items():
            row = await self.fetch_one(f"show {name}")
            if row and row[name] != wanted:
                raise UnsafeDatabase(f"PostgreSQL runs with {name} = {row[name]}; Dragoman needs {name} = {wanted} to keep its promises")
        row = await self.fetch_one("show synchronous_commit")
        if row and row["synchronous_commit"] in ("off", "local"):
            raise UnsafeDatabase("PostgreSQL runs with synchronous_commit = off; set it to on")

    async def close(self) -> None:
        for task in self._listeners:
            task.cancel()
        for task in self._listeners:
            with suppress(asyncio.CancelledError):
                await task
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self._pool.connection() as connection, connection.transaction():
            yield connection

    async def fetch(self, query: str, params: Any = None) -> list[Row]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, params)
            return await cursor.fetchall()

    async def fetch_one(self, query: str, params: Any = None) -> Row | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, params)
            return await cursor.fetchone()

    async def execute(self, query: str, params: Any = None) -> int:
        """Run a statement and return how many rows it touched."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, params)
            return cursor.rowcount

    def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call `heard(payload)` for every NOTIFY on `channel`, over a connection of its own that reconnects for ever."""
        self._listeners.append(asyncio.create_task(self._listen(channel, heard)))

    async def _listen(self, channel: str, heard: Callable[[str], None]) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self.uri, autocommit=True) as connection:
                    await connection.execute(f"listen {channel}")
                    heard("")  # whatever was said while we were away
                    async for note in connection.notifies():
                        heard(note.payload)
            except psycopg.OperationalError:
                await asyncio.sleep(0.5)
