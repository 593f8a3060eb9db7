"""The sandbox on a real socket, and Bakery Lumen's side of it: a server that takes webhooks, checks their signatures and keeps them."""

import pytest
from business import Business, Town, door
from stage import served, visiting

from dragoman.sandbox.app import Sandbox


@pytest.fixture
async def web():
    async with visiting() as session:
        yield session


@pytest.fixture
async def lumen():
    """Bakery Lumen, listening for webhooks."""
    listening, origin = door()
    business = Business(origin, secret="lumen-secret")
    async with served(business.app, listening):
        yield business


@pytest.fixture
async def open_town(clock, web, lumen):
    """`await open_town(state_file=…)`: a sandbox whose default number is Bakery Lumen's."""
    open_doors = []

    async def start(**more):
        listening, origin = door()
        keys = {"app_secret": lumen.secret, "verify_token": "verify", "access_token": "lumen-token"}
        sandbox = Sandbox(clock, **keys, callback_url=f"{lumen.origin}/hook", own_url=origin, **more)
        server = served(sandbox.app, listening)
        await server.__aenter__()
        await sandbox.start()
        town = Town(origin, web, clock, sandbox)

        async def close():
            await sandbox.close()
            await server.__aexit__(None, None, None)

        town.close = close
        open_doors.append(town)
        return town

    yield start
    for town in open_doors:
        await town.close()


@pytest.fixture
async def town(open_town):
    return await open_town()


@pytest.fixture
async def dana(town):
    return await town.person("Dana", phone="+15550007890", bsuid="US.13491200000000000001")


@pytest.fixture
async def zoe(town):
    """Zoë hides her phone: a business knows her by BSUID and username only."""
    return await town.person("Zoë", username="zoe.k")
