"""Connecting: the tools of a server as it lists them now, and who has agreed to them.

The first list that somebody sees of a server (in the answer that made the connector, or after signing in) is approved by being asked
for. From then on what is new or different waits: it is not offered to any model, and a call of it is refused.
"""

from collections.abc import Mapping, Sequence

from psycopg.types.json import Json

from dragoman.agents.kit import Kit
from dragoman.agents.mcp import connectors, queries
from dragoman.agents.mcp.connectors import Connector
from dragoman.agents.mcp.failed import Failed
from dragoman.agents.mcp.session import Session
from dragoman.agents.mcp.tools import Definition, Known, compared, define
from dragoman.errors import Conflict, Invalid
from dragoman.ids import new_id
from dragoman.store.database import Connection


async def connect(kit: Kit, connector: Connector) -> Connector:
    """Ask the server for its tools. What goes wrong is in the connector's `status` and `problem`."""
    session = Session(kit, connector)
    try:
        listing = define(await session.ask(lambda line: line.tools()))
    except Failed as failed:
        return await note(kit, connector, failed)
    finally:
        session.close()
    return await keep(kit, connector, listing)


async def note(kit: Kit, connector: Connector, failed: Failed) -> Connector:
    """Have the connector say why its server cannot be used."""
    signed_out = failed.unauthorized and connector.auth == "oauth"
    values = {"status": "needs_authorization" if signed_out else "error", "problem": failed.sentence, "now": kit.clock.now()}
    row = await kit.db.fetch_one(queries.SET_STATUS, connector.place | values)
    return Connector(**row) if row else connector


async def keep(kit: Kit, connector: Connector, listing: Sequence[Definition]) -> Connector:
    """Store what the server at `connector.url` lists; nothing, when the connector leads elsewhere by now."""
    async with kit.db.transaction() as connection:
        row = await (await connection.execute(queries.GET_FOR_UPDATE, connector.place)).fetchone()
        if row is None or row["url"] != connector.url:
            return connector
        first = row["listed_at"] is None
        after = compared(await _known(connection, connector), listing, approve=first)
        await _put(kit, connection, connector, after)
        listed = await (await connection.execute(queries.LISTED, connector.place | {"now": kit.clock.now()})).fetchone()
    assert listed is not None  # noqa: S101 - the row is locked
    return Connector(**listed)


async def approve(kit: Kit, connector: Connector, wanted: Mapping[str, str | None] | None) -> None:
    """Agree to tools as they are stored: those named, each with the fingerprint that was seen (None: whatever it is); None is all.

    Raises Invalid for a tool that is not there or cannot be used, Conflict for one that is not what was seen any more.
    """
    async with kit.db.transaction() as connection:
        await connection.execute(queries.GET_FOR_UPDATE, connector.place)
        known = {tool.name: tool for tool in await _known(connection, connector)}
        if wanted is None:
            wanted = {tool.name: None for tool in known.values() if tool.waits}
        for name, seen in wanted.items():
            known[name] = _approved(known.get(name), name, seen)
        await _put(kit, connection, connector, list(known.values()))


def _approved(tool: Known | None, name: str, seen: str | None) -> Known:
    if tool is None or not tool.listed:
        raise Invalid(f"tools: the server lists no tool {name[:128]}", field="tools")
    if tool.now.problem:
        raise Invalid(f"tools: {name} cannot be used: {tool.now.problem}", field="tools")
    if seen is not None and seen != tool.now.fingerprint:
        raise Conflict(f"the tool {name} has changed since you looked at it; look at it again", code="tool_changed", field="tools")
    return Known(name=name, approved=tool.now)


async def _known(connection: Connection, connector: Connector) -> list[Known]:
    scope = {"organisation_id": connector.organisation_id, "connectors": [connector.id]}
    return [connectors.known(row) for row in await (await connection.execute(queries.TOOLS, scope)).fetchall()]


async def _put(kit: Kit, connection: Connection, connector: Connector, tools: Sequence[Known]) -> None:
    scope = {"organisation_id": connector.organisation_id, "connector_id": connector.id, "now": kit.clock.now()}
    await connection.execute(queries.FORGET_OTHER_TOOLS, scope | {"names": [tool.name for tool in tools]})
    rows = [
        {
            "id": new_id(),
            "name": tool.name,
            "position": position,
            "approved": Json(tool.approved) if tool.approved else None,
            "latest": Json(tool.latest) if tool.latest else None,
            "listed": tool.listed,
        }
        for position, tool in enumerate(tools)
    ]
    async with connection.cursor() as cursor:
        await cursor.executemany(queries.PUT_TOOL, [scope | row for row in rows])
