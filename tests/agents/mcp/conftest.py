"""Bakery Lumen with an agent and connectors: to a real MCP server in its own process, to a wild one, and nobody else's."""

import pytest
from tests.agents.mcp.authority import authority_server
from tests.agents.mcp.real import real_server
from tests.agents.mcp.wild import wild_server
from tests.agents.one_turn import bakery_on, services_on


@pytest.fixture
async def services(database, clock, tmp_path):
    async with services_on(database, clock, tmp_path) as services:
        yield services


@pytest.fixture
async def lumen(services):
    return await bakery_on(services.kit)


@pytest.fixture
async def baker():
    async with real_server() as baker:
        yield baker


@pytest.fixture
async def wild():
    async with wild_server() as wild:
        yield wild


@pytest.fixture
async def rival(services):
    return await bakery_on(services.kit, "Rival")


@pytest.fixture
async def authority(wild):
    """Signs people in for the wild server."""
    async with authority_server() as authority:
        authority.guards(wild)
        yield authority
