"""Bakery Lumen, and the shop whose API its agents may call, for tests of one turn."""

import pytest
from stage import serving
from tests.agents.api_shop import Shop
from tests.agents.one_turn import bakery_on, services_on


@pytest.fixture
async def lumen(database, clock, tmp_path):
    async with services_on(database, clock, tmp_path) as services:
        yield await bakery_on(services.kit)


@pytest.fixture
async def shop():
    shop = Shop()
    async with serving(shop.handle) as url:
        shop.url = url
        yield shop
