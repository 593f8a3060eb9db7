"""Apps behind a real socket."""

from contextlib import asynccontextmanager

import stage


@asynccontextmanager
async def served(app):
    """A real server on a free port, inside the test's own loop; yields its address."""
    sock = stage.free_socket()
    async with stage.served(app, sock):
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
