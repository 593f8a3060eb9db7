"""Named places in the product at which a process can be made to die: each statement that writes, each call to the outside.

The product knows nothing of them. `install` wraps it from outside, by name, in a process of the crash harness (`program`):

    before:queries.RECORD       the statement has not left
    after:queries.RECORD        it was done; outside a transaction that means committed
    committed:outbox_queries.SAY the transaction whose last writing statement this was is committed
    before:graph.send           the call has not left
    during:graph.send           the last byte of the request was handed to the connection
    after:graph.send            its answer is read and not yet written down

A statement is called by its module (below `dragoman`, less `conversations`) and its constant.
"""

import importlib
import os
import pkgutil
import re
import signal
from collections import Counter
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache, wraps

import psycopg
from procrastinate.manager import JobManager

import dragoman
from dragoman.agents import byoa
from dragoman.agents.llm.journal import Journal
from dragoman.http import sdk
from dragoman.http.exchange import Body
from dragoman.store import jobs
from dragoman.store.database import Database, numbered
from dragoman.store.objects import Objects
from dragoman.whatsapp.client import Graph

WRITES = re.compile(r"\b(insert into|delete from|update (?!of\b|skip\b)\w+)\b")
CALL: ContextVar[str | None] = ContextVar("call", default=None)


@cache
def statements():
    """Every constant of SQL in the product: name → text."""
    found = {}
    for module in pkgutil.walk_packages(dragoman.__path__, "dragoman."):
        if not module.name.endswith("queries"):
            continue
        short = module.name.removeprefix("dragoman.").removeprefix("conversations.")
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.isupper() and not name.startswith("_") and isinstance(value, str):
                found[f"{short}.{name}"] = value
    return found


def writes(text):
    """Does this statement change anything? `for update` alone does not."""
    words = re.sub(r"--.*|'[^']*'", " ", text.lower())
    return bool(WRITES.search(re.sub(r"for (no key )?update|do update set", " ", words)))


class Fuse:
    """Counts the points that are passed, writes them down, and kills this process at one of them (or freezes it, with another signal).

    It sleeps until the file `armed` exists, so that the furnishing of a scenario is not part of it.
    """

    def __init__(self, crash, trace, armed, how=signal.SIGKILL):
        self._how = how
        self._at, _, nth = (crash or "").partition("#")
        self._nth = int(nth or 1)
        self._armed = armed
        self._awake = armed is None
        self._passed = Counter()
        self._trace = os.open(trace, os.O_CREAT | os.O_APPEND | os.O_WRONLY) if trace else None

    def passes(self, point):
        self._awake = self._awake or os.path.exists(self._armed)
        if not self._awake:
            return
        self._passed[point] += 1
        if self._trace is not None:
            os.write(self._trace, f"{point}\n".encode())
        if point == self._at and self._passed[point] == self._nth:
            os.kill(os.getpid(), self._how)


def install(fuse):
    """Put the points into this process."""
    _statements(fuse)
    for holder, attribute, name in CALLS:
        setattr(holder, attribute, _stepped(fuse, name, getattr(holder, attribute)))
    _bodies(fuse)
    _tools(fuse)


CALLS = [
    (Graph, "send", "graph.send"),
    (Graph, "mark_read", "graph.mark_read"),
    (Graph, "media_info", "graph.media_info"),
    (Graph, "download", "graph.download"),
    (byoa, "ask", "agent.ask"),
    (sdk.DoorTransport, "handle_async_request", "model.ask"),
    (Objects, "put", "objects.PUT"),
    (jobs, "defer", "jobs.DEFER"),
    (JobManager, "finish_job", "jobs.FINISH"),
]


def _stepped(fuse, name, work):
    @wraps(work)
    async def stepped(*args, **kwargs):
        fuse.passes(f"before:{name}")
        token = CALL.set(name)
        try:
            result = await work(*args, **kwargs)
        finally:
            CALL.reset(token)
        fuse.passes(f"after:{name}")
        return result

    return stepped


def _statements(fuse):
    names = {form: name for name, text in statements().items() if writes(text) for form in (text, numbered(text)[0])}
    last = {}
    execute, transaction = psycopg.AsyncConnection.execute, Database.transaction

    async def named(self, query, *args, **kwargs):
        name = names.get(query) if isinstance(query, str) else None
        if name is None:
            return await execute(self, query, *args, **kwargs)
        fuse.passes(f"before:{name}")
        cursor = await execute(self, query, *args, **kwargs)
        fuse.passes(f"after:{name}")
        last[self] = name
        return cursor

    @asynccontextmanager
    async def committed(self):
        async with transaction(self) as connection:
            last.pop(connection, None)
            yield connection
            name = last.pop(connection, None)
        if name:
            fuse.passes(f"committed:{name}")

    psycopg.AsyncConnection.execute, Database.transaction = named, committed


def _bodies(fuse):
    """Between the last byte of a request and the first of its answer."""
    write = Body.write_with_length

    async def written(self, writer, content_length):
        await write(self, writer, content_length)
        if (name := CALL.get()) is not None:
            await writer.drain()
            fuse.passes(f"during:{name}")

    Body.write_with_length = written


def _tools(fuse):
    run_call = Journal.run_call

    async def run(self, tool, call):
        name = "tool.act" if tool.acts else "tool.look"
        return await run_call(self, replace(tool, run=_stepped(fuse, name, tool.run)), call)

    Journal.run_call = run
