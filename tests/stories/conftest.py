"""Whole stories: the real server on a real PostgreSQL, the sandbox as WhatsApp, agents as small HTTP servers.

Bakery Lumen   the business; `lumen` is its server and its API key
Dana, Zoë      customers; Dana shows her phone number, Zoë hides hers
Echo           Lumen's agent, a webhook that a test scripts
"""

import aiohttp
import pytest
from cast import Agent, Lumen, Phone
from model import model_server
from stage import free_socket, served, serving, visiting
from till import SECOND, SECOND_DISPLAY, add_number

from dragoman import app as program
from dragoman.accounts import keys, organisations
from dragoman.settings import Settings


@pytest.fixture
async def session():
    async with visiting(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


@pytest.fixture
def overrides():
    """Settings that a test changes: `@pytest.mark.parametrize("overrides", [{...}])`."""
    return {}


@pytest.fixture
def role():
    """What the server does: "web" leaves the work to workers that a test starts."""
    return "all"


@pytest.fixture
async def lumen(database_uri, clock, tmp_path, session, overrides, role):
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
    async with program.running(settings, clock, role) as asgi, served(asgi, sock):
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


@pytest.fixture
async def dana(lumen):
    return await Phone.of(lumen, name="Dana", phone="+15550007890")


@pytest.fixture
async def zoe(lumen):
    return await Phone.of(lumen, name="Zoë", username="zoe.k", phone_visible="never")


@pytest.fixture
async def second(lumen):
    """Lumen's second number, which is no sandbox's; its own agent answers on it."""
    account = {"waba_id": "102290000000002", "access_token": "the second token"}
    await lumen.control("POST", "/numbers", {"phone_number_id": SECOND, "display_number": SECOND_DISPLAY, "app_id": "sandbox", **account})
    await add_number(lumen, phone_number_id=SECOND, display_number=SECOND_DISPLAY, **account)
    agent = Agent()
    async with serving(agent.handle) as url:
        created = await lumen.post("/agents/byoa/", {"webhookUrl": f"{url}/hook", "name": "Second"})
        agent.id = created["id"]
        await lumen.post(f"/phone-numbers/{SECOND_DISPLAY}/connect-agent/", {"agentId": agent.id})
        yield agent


@pytest.fixture
async def model():
    """A language model as its provider serves it; see `native.hire`."""
    async with model_server() as model:
        yield model
