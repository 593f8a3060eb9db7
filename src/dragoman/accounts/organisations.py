"""Organisations: the businesses that share one Dragoman and never see each other."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dragoman.accounts import queries
from dragoman.clock import Clock
from dragoman.errors import Conflict, Invalid, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Database

DEFAULT_NAME = "Default"


@dataclass(frozen=True, slots=True)
class Organisation:
    id: UUID
    name: str
    created_at: datetime


async def create(db: Database, clock: Clock, name: str) -> UUID:
    if not 0 < len(name.strip()) <= 255:
        raise Invalid("an organisation needs a name of 1 to 255 characters", field="name")
    organisation_id = new_id()
    await db.execute(queries.CREATE_ORGANISATION, {"id": organisation_id, "name": name.strip(), "now": clock.now()})
    return organisation_id


async def default(db: Database, clock: Clock) -> UUID:
    """The oldest organisation; one named "Default" is made when there is none yet."""
    async with db.transaction() as connection:
        await connection.execute(queries.LOCK_ORGANISATIONS)
        found = await (await connection.execute(queries.OLDEST_ORGANISATION)).fetchone()
        if found:
            return UUID(str(found["id"]))
        organisation_id = new_id()
        await connection.execute(queries.CREATE_ORGANISATION, {"id": organisation_id, "name": DEFAULT_NAME, "now": clock.now()})
        return organisation_id


async def get(db: Database, organisation_id: UUID) -> Organisation:
    row = await db.fetch_one(queries.ORGANISATION, {"id": organisation_id})
    if row is None:
        raise NotFound(f"there is no organisation {organisation_id}")
    return Organisation(**row)


async def listing(db: Database) -> list[Organisation]:
    return [Organisation(**row) for row in await db.fetch(queries.ORGANISATIONS)]


async def by_name_or_id(db: Database, name_or_id: str) -> UUID:
    """The organisation with this id, or with exactly this name. Raises NotFound, or Conflict when two share the name."""
    try:
        return (await get(db, UUID(name_or_id))).id
    except ValueError:
        pass
    named = await db.fetch(queries.ORGANISATIONS_NAMED, {"name": name_or_id})
    if not named:
        raise NotFound(f"there is no organisation {name_or_id!r}; `dragoman orgs list` shows them all")
    if len(named) > 1:
        raise Conflict(f"two organisations are called {name_or_id!r}; name yours by its id (`dragoman orgs list`)")
    return UUID(str(named[0]["id"]))
