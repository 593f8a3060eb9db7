"""What Bakery Lumen does with connectors, in one word each."""

from dragoman.agents.capabilities.mcp import CAPABILITY
from dragoman.agents.mcp import connecting, connectors


async def connected(lumen, url, name="Baker", **values):
    """A new connector that was asked for its tools."""
    connector = await connectors.create(lumen.kit, lumen.organisation_id, {"name": name, "url": url, **values})
    return await connecting.connect(lumen.kit, connector)


async def offered(lumen, connector, **config):
    """The tools of a turn, by name."""
    items = await lumen.give(CAPABILITY, {"connectorId": str(connector.id), **config})
    return {tool.name: tool for tool in await CAPABILITY.tools(lumen.run(), items)}


async def known(lumen, connector):
    """What is stored of its tools, by name."""
    return (await connectors.tools_of(lumen.kit, lumen.organisation_id, [connector.id]))[connector.id]


async def states(lumen, connector):
    return {name: tool.state for name, tool in (await known(lumen, connector)).items()}
