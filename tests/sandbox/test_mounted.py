"""The sandbox inside another application, under a path, as `dragoman serve` has it."""

import aiohttp
import pytest
from business import NUMBER, Town, door, text
from fastapi import FastAPI
from stage import served

from dragoman.sandbox.app import build


@pytest.fixture
async def town(clock, web, lumen):
    listening, origin = door()
    keys = {"app_secret": lumen.secret, "verify_token": "verify", "access_token": "lumen-token"}
    sandbox = build(clock, **keys, callback_url=f"{lumen.origin}/hook", own_url=f"{origin}/sandbox")
    product = FastAPI()
    product.mount("/sandbox", sandbox)
    async with served(product, listening):
        yield Town(f"{origin}/sandbox", web, clock, sandbox.state.sandbox)
        await sandbox.state.sandbox.close()


async def test_everything_works_under_a_path(town, lumen, dana):
    message = await lumen.message(await town.says(dana, type="image"))
    assert message["image"]["url"].startswith(f"{town.origin}/lookaside/")
    async with town.web.get(message["image"]["url"], headers={"Authorization": "Bearer lumen-token"}) as file:
        assert file.status == 200
    shown = (await town.chat(dana))["messages"][0]["media"]["url"]
    assert shown.startswith("/sandbox/control/media/")
    async with town.web.get(f"{town.origin}/phone") as page:
        assert page.status == 200
    assert (await town.graph("GET", NUMBER))[0] == 200


async def test_connections_break_under_a_path_too(town, dana):
    await town.says(dana, "Hi")
    await town.fault("send", "reset_after", times=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await town.send(text())
    assert len(await town.ledger()) == 1
