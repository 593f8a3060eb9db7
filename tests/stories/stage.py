"""Where the stories are played: servers on ports of their own, for the length of a block."""

import asyncio
import socket
from contextlib import asynccontextmanager

import uvicorn
from aiohttp import web

from dragoman.api.heads import LimitedHeads


def free_socket(host="127.0.0.1"):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, 0))
    return sock


@asynccontextmanager
async def served(asgi, sock):
    """Serve an ASGI application on a bound socket for the length of the block."""
    config = uvicorn.Config(asgi, http=LimitedHeads, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def serving(handle, host="127.0.0.1"):
    """A small aiohttp server for one handler, on a port of its own."""
    server = web.Application(client_max_size=1 << 24)
    server.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
