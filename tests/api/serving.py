"""Apps behind a real socket."""

import socket
from contextlib import asynccontextmanager

import uvicorn


@asynccontextmanager
async def served(app):
    """A real server on a free port, inside the test's own loop; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_level="warning")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.force_exit = True  # do not wait for the client to hang up
        await server.shutdown(sockets=[listening])
