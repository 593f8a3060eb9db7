"""The database: a pool of connections, opened once, closed once. Knows no nouns."""

import asyncio
import json
import re
import selectors
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

from dragoman.store.listening import Listening

Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]

set_json_dumps(lambda value: msgspec.json.encode(value).decode())
set_json_loads(lambda value: msgspec.json.decode(value) if value else json.loads(value))

# A server with these switched off would answer 200 and forget; refuse to start on it.
REQUIRED = {"fsync": "on", "full_page_writes": "on"}


class UnsafeDatabase(Exception):
    """The server would lose committed rows; the message names the setting."""


# The main job has connections of its own, so that no page and no report can make it wait. It runs the same few large
# statements over and over, and planning one costs more than running it: plans are kept, until a connection is twice as old, because one that
# was made for small tables is slow on large ones. They are to look things up by index, never to read a table through.
HOT_CONNECTIONS = 5
# Whoever waits longer than this for a lock is told, so that the others go on without him (see `batcher`).
HOT_OPTIONS = (
    "-c lock_timeout=2000 -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_mergejoin=off"
)
LONGEST_PLAN_SECONDS = 30.0
# A process that is frozen in the middle of a transaction (a paused machine, a debugger) must not hold its locks until it goes on.
OPTIONS = "-c statement_timeout=30000 -c lock_timeout=15000 -c idle_in_transaction_session_timeout=15000"
# A network that swallows everything must not hold a statement for the quarter of an hour that TCP would try on its own, nor a listener
# for the two hours after which TCP first asks whether anybody is there. Seconds, and milliseconds; a Unix socket does not care.
LIVELINESS: dict[str, Any] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}


class Plans:
    """When a connection's plans are to be made again: after 1, 2, 4, 8, 16, and then every 30 seconds."""

    def __init__(self) -> None:
        self._until = self._seconds = 0.0

    def are_old(self, now: float) -> bool:
        if now < self._until:
            return False
        self._seconds = min(max(1.0, self._seconds * 2), LONGEST_PLAN_SECONDS)
        self._until = now + self._seconds
        return True


class Database:
    """`fetch`, `fetch_one` and `execute` run one statement each; `transaction` holds several together.

    `hot` is `fetch` for the statements of the main job.
    """

    def __init__(self, uri: str, *, largest: int = 12) -> None:
        self.uri = uri
        # A connection that died while nobody looked is replaced before it is used. The main job does without the look:
        # what it does is tried again.
        self._pool = _pool(uri, largest, OPTIONS, check=_still_there)
        self._hot = _pool(uri, HOT_CONNECTIONS, f"{OPTIONS} {HOT_OPTIONS}", prepare_threshold=0, cursor_factory=psycopg.AsyncRawCursor)
        self._plans: WeakKeyDictionary[Connection, Plans] = WeakKeyDictionary()
        self._listeners: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        await self._pool.open(wait=True, timeout=30)
        await self._hot.open()
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
        await self._hot.close()
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self._pool.connection() as connection, connection.transaction():
            yield connection

    async def fetch(self, query: str, params: Any = None) -> list[Row]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, params)
            return await cursor.fetchall()

    async def hot(self, query: str, params: Mapping[str, Any]) -> list[Row]:
        async with self._hot.connection() as connection:
            if self._plans.setdefault(connection, Plans()).are_old(time.monotonic()):
                await connection.execute("discard plans")
            statement, names = numbered(query)
            cursor = await connection.execute(statement, [params[name] for name in names])
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
                async with await Listening.connect(self.uri, autocommit=True, **LIVELINESS) as connection:
                    await connection.execute(f"listen {channel}")
                    heard("")  # whatever was said while we were away
                    async for note in connection.notifies():
                        heard(note.payload)
            except psycopg.OperationalError:
                await asyncio.sleep(0.5)


@cache
def numbered(query: str) -> tuple[str, tuple[str, ...]]:
    """A statement with `$1` for each `%(name)s`, and the names in that order.

    psycopg does this too, and remembers it for statements of up to 4 KB. Those of the main job are longer.
    """
    names = tuple(dict.fromkeys(re.findall(r"%\((\w+)\)s", query)))
    return re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", query).replace("%%", "%"), names


async def _still_there(connection: Connection) -> None:
    """Raises when the server has hung up. It says nothing to a connection at rest but goodbye, so it is asked only when something was said."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(connection.fileno(), selectors.EVENT_READ)
        said = waiting.select(0)
    if said:
        await AsyncConnectionPool.check_connection(connection)


def _pool(
    uri: str, largest: int, options: str, check: Callable[[Connection], Awaitable[None]] | None = None, **more: Any
) -> AsyncConnectionPool[Connection]:
    return AsyncConnectionPool(
        uri,
        min_size=1,
        max_size=largest,
        open=False,
        check=check,
        timeout=5,  # a webhook that cannot be stored soon is better sent again
        # The pool doubles its pauses between attempts to connect; who asks for a connection after it gave up starts anew.
        reconnect_timeout=2,
        kwargs={"row_factory": dict_row, "autocommit": True, "options": options, **LIVELINESS, **more},
    )
