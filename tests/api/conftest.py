"""The first dialect on a real server, and the businesses that call it: Bakery Lumen, and Rival, which is Mallory's."""

from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from tests.api.serving import served
from tests.api.story import Story

from dragoman.accounts import keys, numbers, organisations
from dragoman.accounts.numbers import NewNumber
from dragoman.api.dialect import mounted
from dragoman.api.v1.app import build
from dragoman.conversations.services import Services
from dragoman.settings import Settings

SECRET_KEY = "a secret key for tests, of more than 32 characters"
PUBLIC_URL = "https://dragoman.example"


@dataclass
class Answer:
    status: int
    headers: Any
    body: Any = field(repr=True)

    def __getitem__(self, name):
        return self.body[name]


class Business:
    """An organisation with an API key, as its own program would use it."""

    def __init__(self, services, session, base, organisation_id, key, key_row):
        self.services, self._session, self._base = services, session, base
        self.organisation_id, self.key, self.key_row = organisation_id, key, key_row

    async def call(self, method, path, json=None, *, data=None, key="", headers=None):
        """`path` is below /api/v1; `key=None` sends none."""
        sent = dict(headers or {})
        if key is not None:
            sent["X-API-Key"] = key or self.key
        async with self._session.request(method, self._base + path, json=json, data=data, headers=sent, allow_redirects=False) as answer:
            is_json = answer.content_type == "application/json"
            return Answer(answer.status, answer.headers, await answer.json() if is_json else await answer.read())

    async def get(self, path, **more):
        return await self.call("GET", path, **more)

    async def post(self, path, json=None, **more):
        return await self.call("POST", path, json, **more)

    async def put(self, path, json=None, **more):
        return await self.call("PUT", path, json, **more)

    async def patch(self, path, json=None, **more):
        return await self.call("PATCH", path, json, **more)

    async def delete(self, path, **more):
        return await self.call("DELETE", path, **more)

    async def add_number(self, display_number="+15550001234", *, phone_number_id="106540352242922", **more):
        s = self.services
        app_id = f"app-{self.organisation_id}"
        await numbers.add_app(s.db, s.vault, s.clock, self.organisation_id, app_id=app_id, app_secret="shh", verify_token="verify")
        new = NewNumber(
            app_id=app_id,
            phone_number_id=phone_number_id,
            waba_id="102290129340398",
            display_number=display_number,
            access_token="EAAG-token",
            **more,
        )
        return await numbers.add_number(s.db, s.vault, s.clock, self.organisation_id, new)

    async def echo(self, **more):
        """Bakery Lumen's agent, Echo."""
        created = await self.post("/agents/byoa/", {"webhookUrl": "https://echo.lumen.example/hook", "name": "Echo", **more})
        assert created.status == 201, created
        return created.body


@pytest.fixture
def settings(tmp_path):
    nobody = "http://127.0.0.1:1"  # WhatsApp is away
    return Settings(data_dir=tmp_path, public_url=PUBLIC_URL, api_rate_limit=1000, graph_url=nobody)


@pytest.fixture
async def services(settings, clock, database):
    services = Services.make(settings, clock, database, SECRET_KEY)
    await services.open()
    yield services
    await services.close()


@pytest.fixture
async def api(services):
    """Makes a Business with a key of its own: `await api("Bakery Lumen")`."""
    app = _one_app(services)
    app.state.services = services
    async with served(Starlette(routes=[mounted("/api/v1", app)])) as base, aiohttp.ClientSession() as session:

        async def business(name):
            organisation_id = await organisations.create(services.db, services.clock, name)
            row, key = await keys.create(services.db, services.vault, services.clock, organisation_id, "Till")
            return Business(services, session, base + "/api/v1", organisation_id, key, row)

        yield business


@pytest.fixture
async def lumen(api):
    return await api("Bakery Lumen")


@pytest.fixture
async def rival(api):
    return await api("Rival")


@pytest.fixture
def story(lumen):
    """What Bakery Lumen's customers said, without WhatsApp: rows for tests that only read."""
    return Story(lumen.services.db, lumen.services.clock, lumen.organisation_id)


@pytest.fixture
async def bakery(story):
    return await story.bakery()


APPS = []


def _one_app(services):
    """One for the whole run, because making it takes longer than most tests do; each test gives it its own services."""
    if not APPS:
        APPS.append(build(services))
    return APPS[0]
