"""Knowledge bases: what documents belong to and agents read. Every agent has one of its own; others are made to be shared."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from dragoman.agents.knowledge import documents_queries as queries
from dragoman.agents.knowledge import indexing
from dragoman.agents.knowledge.chunking import clean
from dragoman.clock import Clock
from dragoman.errors import Invalid, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Connection, Database, Row

LONGEST_NAME = 255


class Shelf(NamedTuple):
    """`agent_id`: whose own it is, or None. `documents` and `passages` count what is in it."""

    id: UUID
    name: str
    description: str
    agent_id: UUID | None
    documents: int
    passages: int
    created_at: datetime
    updated_at: datetime


async def create(db: Database, clock: Clock, organisation_id: UUID, name: str, description: str = "") -> Shelf:
    """A knowledge base to be shared. Raises Invalid."""
    base_id = new_id()
    values = {"organisation_id": organisation_id, "id": base_id, "name": label(name, "name"), "description": description}
    await db.execute(queries.CREATE_BASE, {**values, "now": clock.now()})
    return await get(db, organisation_id, base_id)


async def own(db: Database, clock: Clock, organisation_id: UUID, agent_id: UUID) -> UUID:
    """The agent's own base, made now if it has none. Raises NotFound for an agent that is not there."""
    scope = {"organisation_id": organisation_id, "agent_id": agent_id}
    row = await db.fetch_one(queries.OWN_BASE, scope)
    if row is None:
        await db.execute(queries.CREATE_OWN_BASE, {**scope, "id": new_id(), "now": clock.now()})
        row = await db.fetch_one(queries.OWN_BASE, scope)
    if row is None:
        raise NotFound("there is no such agent")
    base_id: UUID = row["id"]
    return base_id


async def of_agent(db: Database, organisation_id: UUID, agent_id: UUID) -> list[UUID]:
    """Every base that the agent reads: what `searching.search` is asked about."""
    rows = await db.fetch(queries.BASES_OF_AGENT, {"organisation_id": organisation_id, "agent_id": agent_id})
    return [row["id"] for row in rows]


async def share(connection: Connection, organisation_id: UUID, agent_id: UUID, knowledge_base_ids: Sequence[UUID], at: str) -> None:
    """Let the agent read these bases beside its own, and no others. Raises Invalid, naming `at`, for one that is not there."""
    scope = {"organisation_id": organisation_id, "agent_id": agent_id, "bases": list(knowledge_base_ids)}
    cursor = await connection.execute(queries.KNOWN_BASES, scope)
    known = {row["id"] for row in await cursor.fetchall()}
    if missing := [base_id for base_id in knowledge_base_ids if base_id not in known]:
        raise Invalid(f"{at}: there is no knowledge base {missing[0]}", field=at)
    await connection.execute(queries.UNSHARE_OTHERS, scope)
    await connection.execute(queries.SHARE, scope)


async def shared_with(db: Database, organisation_id: UUID, agents: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The bases that each of these agents reads beside its own."""
    found: dict[UUID, list[UUID]] = {}
    for row in await db.fetch(queries.SHARED_WITH, {"organisation_id": organisation_id, "agents": list(agents)}):
        found.setdefault(row["agent_id"], []).append(row["knowledge_base_id"])
    return found


async def get(db: Database, organisation_id: UUID, base_id: UUID) -> Shelf:
    row = await db.fetch_one(queries.GET_BASE, {"organisation_id": organisation_id, "id": base_id})
    if row is None:
        raise NotFound("there is no such knowledge base")
    return _base(row)


async def listing(db: Database, organisation_id: UUID) -> list[Shelf]:
    """All of an organisation, agents' own ones too, oldest first."""
    return [_base(row) for row in await db.fetch(queries.ALL_BASES, {"organisation_id": organisation_id})]


async def states(db: Database, organisation_id: UUID, base_ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    """In which states the documents of these bases are."""
    found: dict[UUID, set[str]] = {base_id: set() for base_id in base_ids}
    for row in await db.fetch(queries.STATES, {"organisation_id": organisation_id, "bases": list(base_ids)}):
        found[row["knowledge_base_id"]].add(row["state"])
    return found


async def rename(db: Database, clock: Clock, organisation_id: UUID, base_id: UUID, name: str) -> Shelf:
    scope = {"organisation_id": organisation_id, "id": base_id, "name": label(name, "name"), "now": clock.now()}
    await db.execute(queries.RENAME_BASE, scope)
    return await get(db, organisation_id, base_id)


async def delete(connection: Connection, db: Database, clock: Clock, organisation_id: UUID, base_id: UUID) -> None:
    """The base with everything in it, for whoever reads it. Raises NotFound."""
    scope = {"organisation_id": organisation_id, "id": base_id, "knowledge_base_id": base_id}
    cursor = await connection.execute(queries.IN_BASE_FOR_UPDATE, scope)
    for row in await cursor.fetchall():
        await indexing.remove(connection, db, clock, organisation_id, row["id"])
    await connection.execute(queries.UNSHARE_BASE, scope)
    cursor = await connection.execute(queries.DELETE_BASE, scope)
    if not cursor.rowcount:
        raise NotFound("there is no such knowledge base")


def label(name: str, at: str) -> str:
    """A name as it is kept: one line, nothing that cannot be seen. It names things for people and never a file or an address."""
    kept = " ".join(clean(name).split())[:LONGEST_NAME]
    if not kept:
        raise Invalid(f"{at}: a name is needed", field=at)
    return kept


def _base(row: Row) -> Shelf:
    return Shelf(**{name: row[name] for name in Shelf._fields})
