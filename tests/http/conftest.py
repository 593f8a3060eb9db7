"""Servers that answer as a test tells them, on loopback, and the doors to call them through."""

import asyncio
import contextlib
import sys
from ipaddress import ip_network

import pytest
from outside import LOOPBACK, OK, Authority, Server, read_request

from dragoman.http import Guarded, Trusted


@pytest.fixture
async def serve():
    """`await serve(answer)`: a server that sends the bytes `answer` to each request, or lets `answer(reader, writer)` behave as badly as it likes."""
    servers, tasks = [], set()

    async def start(answer=OK, *, host="127.0.0.1", tls=None):
        server = Server()

        async def converse(reader, writer):
            server.connections += 1
            tasks.add(asyncio.current_task())
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                if callable(answer):
                    await answer(reader, writer)
                else:
                    while request := await read_request(reader):
                        server.requests.append(request)
                        writer.write(answer)
            writer.transport.abort()

        listening = await asyncio.start_server(converse, host, 0, ssl=tls, backlog=1000)
        servers.append(listening)
        server.port = listening.sockets[0].getsockname()[1]
        return server

    yield start
    for server in servers:
        server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def guard(authority, monkeypatch):
    """`await guard(allow=…, names={host: [addresses]})`: a guarded door whose name service is that table and nothing else."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    doors = []

    async def start(allow=(), names=None, **more):
        async def lookup(host):
            if host not in (names or {}):
                raise OSError(None, "no such name")
            return names[host]

        door = Guarded([ip_network(network) for network in allow], lookup=more.pop("lookup", lookup), **more)
        await door.open()
        doors.append(door)
        return door

    yield start
    for door in doors:
        await door.close()


@pytest.fixture
async def guarded(guard):
    """The guarded door, with loopback allowed and localhost the only name."""
    return await guard(LOOPBACK, {"localhost": ["127.0.0.1"]})


@pytest.fixture
async def trusted():
    door = Trusted()
    await door.open()
    yield door
    await door.close()


_watching: list[list[str]] = []


def _note_dials(event, arguments):
    if event in ("socket.connect", "socket.sendto") and _watching and isinstance(arguments[1], tuple):
        _watching[-1].append(arguments[1][0])


sys.addaudithook(_note_dials)


@pytest.fixture
def dials():
    """Every address that any code of this process connects to while the test runs: the interpreter itself reports them."""
    seen: list[str] = []
    _watching.append(seen)
    yield seen
    _watching.remove(seen)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))
