"""Where the stories are played: servers on ports of their own, for the length of a block."""

import asyncio
import os
import random
import socket
from contextlib import asynccontextmanager, suppress
from itertools import count

import aiohttp
import uvicorn
from aiohttp import web

from dragoman.api.heads import LimitedHeads


def free_socket(host="127.0.0.1", port=0):
    # Named as TCP: of any other socket asyncio does not know that small pieces should leave at once, and each answer waits for 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    return sock


def _ports():
    """Below those that systems give to whoever asks for any (from 32768): a connection of another test cannot take one in the meantime.

    Each of the processes that run tests deals from its own thousand.
    """
    mine = 20_000 + 1_000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 12)
    first = random.randrange(1_000)  # two runs on one machine seldom meet
    yield from (mine + (first + n) % 1_000 for n in count())


PORTS = _ports()


def free_port():
    """Of a program that a test starts in a moment, or where nobody listens."""
    return next(port for port in PORTS if _is_free(port))


def _is_free(port):
    with suppress(OSError), free_socket(port=port) as sock:
        sock.listen()
        return True
    return False


def visiting(**more):
    """A client session that drops idle connections before a server does (after 5 s): whoever writes into one that is just being closed fails."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=3), **more)


@asynccontextmanager
async def served(asgi, sock):
    """Serve an ASGI application on a bound socket for the length of the block, as `dragoman serve` does."""
    # As long as `dragoman serve` keeps them: a connection that is closed here in the moment of a send leaves the message unknown.
    config = uvicorn.Config(asgi, http=LimitedHeads, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=75)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.on_tick(0)
    await server.startup(sockets=[sock])
    try:
        yield
    finally:
        await _end(server, sock)


async def _end(server, sock):
    """Hang up as uvicorn does, without its pauses of 0.1 s; what is still under way after a second is cut off."""
    for listener in server.servers:
        listener.close()
    sock.close()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            while state.connections or state.tasks:
                await asyncio.sleep(0.002)
    for task in state.tasks:
        task.cancel()


@asynccontextmanager
async def serving(handle, host="127.0.0.1"):
    """A small aiohttp server for one handler, on a port of its own."""
    server = web.Application(client_max_size=1 << 24)
    server.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
