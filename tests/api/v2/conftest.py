"""The second dialect on a real server, and the businesses that call it: Bakery Lumen, and Rival, which is Mallory's."""

from datetime import timedelta

import aiohttp
import pytest
from starlette.applications import Starlette
from tests.api.conftest import Answer, Business
from tests.api.serving import served

from dragoman.accounts import keys, organisations, tokens
from dragoman.api.dialect import mounted
from dragoman.api.v1.app import build as build_v1
from dragoman.api.v2.app import build


class Caller(Business):
    """An organisation with a token; `call` is below /v2, `first` speaks the other dialect with its API key."""

    token = ""
    first = None

    async def call(self, method, path, json=None, *, data=None, token="", headers=None):
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.token}"
        async with self._session.request(method, self._base + path, json=json, data=data, headers=sent, allow_redirects=False) as answer:
            is_json = answer.content_type == "application/json"
            return Answer(answer.status, answer.headers, await answer.json() if is_json else await answer.read())

    async def made(self, path, json):
        """`data` of something that was created."""
        answer = await self.post(path, json)
        assert answer.status == 201, answer
        assert set(answer.body) == {"ctx_id", "data"}
        return answer["data"]

    async def got(self, path, method="GET", json=None):
        """`data` of everything else."""
        answer = await self.call(method, path, json)
        assert answer.status == 200, answer
        assert set(answer.body) == {"ctx_id", "data", "message"}
        assert answer["message"] == "Request processed successfully"
        return answer["data"]

    async def assistant(self, number="106540352242922", **more):
        new = {"name": "Baker", "type": "WHATSAPP", "model": "cw-llm-1", "instructions": "Sell bread.", "phone_number": number}
        return (await self.made("/_new_assistants", new | more))["assistant_id"]


@pytest.fixture
async def api(services):
    """Makes a Caller with a token of its own: `await api("Bakery Lumen")`."""
    second, first = _apps(services)
    async with (
        served(Starlette(routes=[mounted("/v2", second), mounted("/api/v1", first)])) as base,
        aiohttp.ClientSession() as session,
    ):

        async def business(name):
            organisation_id = await organisations.create(services.db, services.clock, name)
            row, key = await keys.create(services.db, services.vault, services.clock, organisation_id, "Till")
            caller = Caller(services, session, base + "/v2", organisation_id, key, row)
            caller.first = Business(services, session, base + "/api/v1", organisation_id, key, row)
            caller.token = tokens.create(services.vault, services.clock, organisation_id, "till", timedelta(days=60)).text
            return caller

        yield business


APPS = []


def _apps(services):
    """One of each for the whole run, because making them takes longer than most tests do."""
    if not APPS:
        APPS.extend([build(services), build_v1(services)])
    for app in APPS:
        app.state.services = services
    return APPS
