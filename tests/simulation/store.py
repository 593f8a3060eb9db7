"""The real database, one statement at a time, at moments that the seed draws.

A `Line` is what a process has instead of its pool: a statement leaves, runs after a while, and its answer comes after another. The
process may be frozen or dead by then. Statements never overlap; while a transaction is open, the others wait for its end.
"""

import asyncio
import inspect
from collections import deque
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
from psycopg_pool import PoolTimeout
from tests.simulation.calm import BEGINNING

from dragoman.conversations import (
    callback_queries,
    inbox_queries,
    later_queries,
    media_queries,
    outbox_queries,
    ownership_queries,
    queries,
    sending_queries,
    switching_queries,
    turn_queries,
    willing_queries,
)

MODULES = (
    callback_queries,
    inbox_queries,
    later_queries,
    media_queries,
    outbox_queries,
    ownership_queries,
    queries,
    sending_queries,
    switching_queries,
    turn_queries,
    willing_queries,
)
LOST = "the connection to the database was lost"
POOL_SECONDS = 5.0
MOMENTS = ("main.RECORD", "main.SETTLE", "inbox.RECEIVE", "outbox.SAY", "commit")

# The clocks of the product's statements are found here before PostgreSQL's own: leases run on virtual time, too.
VIRTUAL_NOW = """
create schema sim;
create function sim.now() returns timestamptz language sql stable as $$ select current_setting('sim.now')::timestamptz $$;
create function sim.clock_timestamp() returns timestamptz language sql volatile as $$ select current_setting('sim.now')::timestamptz $$;
"""
CLOCKS = ("now()", "clock_timestamp()")
SESSION = """
set search_path = sim, pg_catalog, public; set synchronous_commit = off; set jit = off; set timezone = 'UTC';
set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_bitmapscan = off; set enable_mergejoin = off;
listen dragoman_due
"""


def names():
    return {
        text: f"{module.__name__.rpartition('.')[2].removesuffix('_queries').removesuffix('queries') or 'main'}.{name}"
        for module in MODULES
        for name, text in inspect.getmembers(module, lambda value: isinstance(value, str))
        if name.isupper() and not name.startswith("_")
    }


class Job:
    """One statement on its way. `tx` is the transaction that it belongs to, if any."""

    def __init__(self, process, query, params, future, tx=None):
        self.process, self.query, self.params, self.future, self.tx = process, query, params, future, tx


class Transaction:
    def __init__(self, process):
        self.process, self.broken, self.over = process, False, False


class Store:
    """`connection` is a psycopg connection in autocommit; `faults` draws what goes wrong; `tell(who, what)` writes the story.

    `moment(process)` is told when something is going on.
    """

    def __init__(self, connection, loop, faults, tell, moment):
        self.connection, self.loop, self.faults, self.tell, self._moment = connection, loop, faults, tell, moment
        self.listeners = []
        self._names = names()
        self._open = None
        self._queue = deque()
        self._said = None

    # --- what the checker uses: at once, and nothing goes wrong ---

    def look(self, query, params=None):
        if self._open is not None:
            raise RuntimeError("somebody is in the middle of a transaction")
        return self._execute(query, params)[0]

    async def fetch(self, query, params=None):
        return self.look(query, params)

    @asynccontextmanager
    async def transaction(self):
        yield Reader(self)

    @property
    def busy(self):
        return self._open is not None

    # --- what processes use ---

    def arrive(self, job):
        if job.tx is not None and job.tx.over:
            self._answer(job, error=psycopg.OperationalError(LOST))
        elif self._open is None or self._open is job.tx:
            self._run(job)
        else:
            self._queue.append(job)

    def bury(self, process):
        """PostgreSQL notices that a connection is gone, and rolls back what was open on it."""
        self.listeners = [(who, heard) for who, heard in self.listeners if who is not process]
        if self._open is not None and self._open.process is process:
            self._close("rollback")

    def fall(self):
        """The server goes away: what was open is rolled back."""
        if self._open is not None:
            self._open.broken = True
            self._close("rollback")

    def whisper(self, process, payload):
        for who, heard in self.listeners:
            if who is process:
                self._whisper(process, heard, payload)

    def _run(self, job):
        name = self._names.get(job.query) or job.query.split("(")[0].strip()[:40]
        fault = "before" if self.faults.away else self.faults.statement(name)
        if fault == "before" or (job.tx and job.tx.broken):
            self._break(job)
            self.tell(job.process, f"{name} fails before it ran")
            self._answer(job, error=psycopg.OperationalError(LOST))
            return
        try:
            rows, count = self._step(job)
        except psycopg.Error as error:
            self.tell(job.process, f"{name} is refused: {type(error).__name__}")
            self._answer(job, error=error)
            return
        if fault == "after":
            self._break(job)
            self.tell(job.process, f"{name} ran, and its outcome is lost")
            self._answer(job, error=psycopg.OperationalError(LOST))
            return
        self.tell(job.process, f"{name} → {len(rows) if rows is not None else count}")
        self._answer(job, (rows, count))
        if name in MOMENTS:
            self._moment(job.process)

    def _step(self, job):
        if job.query == "begin":
            if job.process.dead:
                raise psycopg.OperationalError(LOST)
            self._open = job.tx
            return self._execute("begin", None)
        if job.query in ("commit", "rollback"):
            self._close(job.query)
            return None, 0
        return self._execute(job.query, job.params)

    def _break(self, job):
        if job.tx is not None:
            job.tx.broken = True
            if self._open is job.tx:
                self._close("rollback")
            job.tx.over = True

    def _close(self, how):
        self._open.over = True
        self._open = None
        self._execute(how, None)
        while self._queue and self._open is None:
            self._run(self._queue.popleft())

    def _execute(self, query, params):
        if any(clock in query for clock in CLOCKS) and (moment := self.loop.time()) != self._said:
            self.connection.execute("select set_config('sim.now', %s, false)", [(BEGINNING + timedelta(seconds=moment)).isoformat()])
            self._said = moment
        cursor = self.connection.execute(query, params)
        rows = cursor.fetchall() if cursor.description else None
        if rows and "id" in rows[0] and "n" not in rows[0] and "seq" not in rows[0] and "due_at" not in rows[0]:
            rows.sort(key=lambda row: str(row["id"]))  # where the statement asks for no order, PostgreSQL's is not the seed's
        self._spread()
        return rows, cursor.rowcount

    def _spread(self):
        while note := self.connection.pgconn.notifies():
            payload = note.extra.decode()
            for process, heard in self.listeners:
                self.loop.later(self.faults.latency(), self._whisper, process, heard, payload)

    def _whisper(self, process, heard, payload):
        if not process.dead and not process.deaf:
            self.loop.call_soon(heard, payload, context=process.context)

    def _answer(self, job, result=None, error=None):
        self.loop.later(self.faults.latency(), _settle, job.future, result, error)


def _settle(future, result, error):
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


class Line:
    """`Database` for one process: the same doors, and the same errors behind them."""

    uri = ""

    def __init__(self, store, process):
        self._store, self._process = store, process

    async def fetch(self, query, params=None):
        return (await self._call(query, params))[0]

    hot = fetch

    async def fetch_one(self, query, params=None):
        return next(iter((await self._call(query, params))[0]), None)

    async def execute(self, query, params=None):
        return (await self._call(query, params))[1]

    @asynccontextmanager
    async def transaction(self):
        tx = Transaction(self._process)
        await self._call("begin", None, tx)
        try:
            yield Connection(self, tx)
        except asyncio.CancelledError:
            if not tx.over and not self._process.dead:
                self._store.loop.later(0, self._store.arrive, Job(self._process, "rollback", None, self._store.loop.create_future(), tx))
            raise
        except Exception:
            if not tx.over:
                await self._call("rollback", None, tx)
            raise
        await self._call("commit", None, tx)

    def listen(self, channel, heard):
        self._store.listeners.append((self._process, heard))
        self._store.loop.call_soon(heard, "")

    async def _call(self, query, params, tx=None):
        if self._process.dead:
            raise asyncio.CancelledError
        if self._store.faults.away:
            await asyncio.sleep(POOL_SECONDS if tx is None else 0)
            if self._store.faults.away or tx is not None:
                raise PoolTimeout("couldn't get a connection") if tx is None else psycopg.OperationalError(LOST)
        loop = self._store.loop
        future = loop.create_future()
        loop.later(self._store.faults.latency(), self._store.arrive, Job(self._process, query, params, future, tx))
        return await future


class Connection:
    """A connection inside a transaction."""

    def __init__(self, line, tx):
        self._line, self._tx = line, tx

    async def execute(self, query, params=None):
        return Cursor(*await self._line._call(query, params, self._tx))


class Reader:
    """A transaction of the checker's: virtual time stands still while it reads, so all of it is of one moment."""

    def __init__(self, store):
        self._store = store

    async def execute(self, query):
        return Cursor(None if query.startswith("set transaction") else self._store.look(query), 0)


class Cursor:
    def __init__(self, rows, rowcount):
        self._rows, self.rowcount = iter(rows or ()), rowcount

    async def fetchone(self):
        return next(self._rows, None)

    async def fetchall(self):
        return list(self._rows)
