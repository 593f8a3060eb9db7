"""Whole stories: the real server on a real PostgreSQL, the sandbox as WhatsApp, agents as small HTTP servers.

    Bakery Lumen   the business; `lumen` is its server and its API key
    Dana, Zoë      customers; Dana shows her phone number, Zoë hides hers
    Echo           Lumen's agent, a webhook that a test scripts
"""

import asyncio
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from cast import Agent, Lumen, Phone

from dragoman import app as program
from dragoman.accounts import keys, organisations
from dragoman.settings import Settings


def free_socket():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


@asynccontextmanager
async def served(asgi, sock):
    """Serve an ASGI application on a bound socket for the length of the block."""
    config = uvicorn.Config(asgi, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.005)
    yield
    server.should_exit = True
    await task


@pytest.fixture
async def session():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


@pytest.fixture
def overrides():
    """Settings that a test changes: `@pytest.mark.parametrize("overrides", [{...}])`."""
    return {}


@pytest.fixture
async def lumen(database_uri, clock, tmp_path, session, overrides):
    sock = free_socket()
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    settings = Settings(
        **{
            "database_url": database_uri,
            "secret_key": "a secret key for tests, of more than 32 characters",
            "data_dir": tmp_path,
            "public_url": url,
            "graph_url": "sandbox",
            "allow_private_urls": "127.0.0.0/8",
            "api_rate_limit": 100_000,
            **overrides,
        }
    )
    async with program.running(settings, clock) as asgi, served(asgi, sock):
        services = asgi.state.services
        organisation_id = await organisations.default(services.db, services.clock)
        _, key = await keys.create(services.db, services.vault, services.clock, organisation_id, "Till")
        yield Lumen(url, key, session, services, organisation_id)


@pytest.fixture
async def echo(lumen):
    """Lumen's agent, connected to its number; answers "You said: …" until told otherwise."""
    agent = Agent()
    async with serving(agent.handle) as url:
        await lumen.connect(agent, url)
        yield agent


@asynccontextmanager
async def serving(handle):
    """A small aiohttp server for one handler, on a port of its own."""
    server = web.Application(client_max_size=1 << 24)
    server.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def dana(lumen):
    return await Phone.of(lumen, name="Dana", phone="+15550007890")


@pytest.fixture
async def zoe(lumen):
    return await Phone.of(lumen, name="Zoë", username="zoe.k", phone_visible="never")
