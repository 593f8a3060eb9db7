"""What is remembered about a contact, by memory key: read, written, forgotten, and how it came to be."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from dragoman.agents.memory import queries
from dragoman.agents.memory.keys import MemoryKey, checked, suits
from dragoman.clock import Clock
from dragoman.errors import Invalid, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Connection, Database, Row

Author = Literal["agent", "api"]


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """One key for one contact. `author` and `updated_at` are None while the initial value counts."""

    id: UUID  # of the key
    agent_id: UUID
    config: MemoryKey
    value: Any  # None: no value, not even an initial one
    author: Author | None = None
    updated_at: datetime | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """`old` None: the initial value counted until then; `new` None: it counts again."""

    id: UUID
    old: Any
    new: Any
    author: Author
    turn_id: UUID | None
    message_id: UUID | None
    at: datetime


class Source(NamedTuple):
    """Who changes a value and why. A change with a `call_key` that was made before is not made again."""

    author: Author
    call_key: str | None = None
    turn_id: UUID | None = None
    message_id: UUID | None = None


BY_API = Source("api")


async def known(db: Database, organisation_id: UUID, contact_id: UUID, keys: Iterable[UUID]) -> dict[UUID, Any]:
    """What was kept about the contact under these keys; nothing for a key that still has its initial value."""
    rows = await db.fetch(queries.KNOWN, _scope(organisation_id, contact_id, keys=list(keys)))
    return {row["key_id"]: row["value"] for row in rows}


async def listing(
    db: Database, organisation_id: UUID, contact_id: UUID, *, agent: UUID | None, limit: int, offset: int
) -> tuple[list[Memory], int]:
    """All keys of all agents, or of one, with what is known under each; and how many there are. Raises NotFound."""
    await _contact(db, organisation_id, contact_id)
    which = {"organisation_id": organisation_id, "agent": agent}
    rows = await db.fetch(queries.KEYS, {**which, "limit": limit, "offset": offset})
    count = await db.fetch_one(queries.COUNT_KEYS, which)
    values = await db.fetch(queries.KNOWN, _scope(organisation_id, contact_id, keys=[row["id"] for row in rows]))
    by_key = {value["key_id"]: value for value in values}
    return [_memory(row, by_key.get(row["id"])) for row in rows], count["total"] if count else 0


async def write(
    db: Database, clock: Clock, organisation_id: UUID, contact_id: UUID, key_id: UUID, value: Any, source: Source = BY_API
) -> Memory:
    """Keep `value`. Raises Invalid when it does not fit the key, NotFound when there is no such contact or key."""
    async with db.transaction() as connection:
        kept, row, before = await _held(connection, organisation_id, contact_id, key_id)
        key = MemoryKey.model_validate(row["config"])
        try:
            checked(key.type, value)
        except ValueError as error:
            raise Invalid(f"value {error}", field="value") from None
        old = before["value"] if before else None
        change = _change(clock, organisation_id, kept, key_id, old, value, source)
        same = before is not None and msgspec.json.encode(old) == msgspec.json.encode(value)
        if not same and await _one(connection, queries.DONE, change) is None:
            await connection.execute(queries.WRITE, change)
            await connection.execute(queries.NOTE, change)
        now = await _one(connection, queries.KNOWN, _scope(organisation_id, kept, keys=[key_id]))
    return _memory(row, now)


async def forget(db: Database, clock: Clock, organisation_id: UUID, contact_id: UUID, key_id: UUID, source: Source = BY_API) -> None:
    """Back to the initial value. Raises NotFound."""
    async with db.transaction() as connection:
        kept, _, before = await _held(connection, organisation_id, contact_id, key_id)
        if before is not None:
            change = _change(clock, organisation_id, kept, key_id, before["value"], None, source)
            await connection.execute(queries.FORGET, change)
            await connection.execute(queries.NOTE, change)


async def history(
    db: Database, organisation_id: UUID, contact_id: UUID, key_id: UUID, *, limit: int, offset: int
) -> tuple[list[Change], int]:
    """Each change, newest first, and how many there were. Raises NotFound."""
    await _contact(db, organisation_id, contact_id)
    scope = _scope(organisation_id, contact_id, key_id=key_id)
    if await db.fetch_one(queries.KEY, scope) is None:
        raise _no_key()
    rows = await db.fetch(queries.HISTORY, {**scope, "limit": limit, "offset": offset})
    count = await db.fetch_one(queries.COUNT_HISTORY, scope)
    return [Change(**row) for row in rows], count["total"] if count else 0


async def _held(connection: Connection, organisation_id: UUID, contact_id: UUID, key_id: UUID) -> tuple[UUID, Row, Row | None]:
    """The contact that was kept, the key, and what is known: nobody else changes them until the transaction ends."""
    contact = await _one(connection, queries.HOLD, _scope(organisation_id, contact_id))
    if contact is None:
        raise _no_contact()
    key = await _one(connection, queries.KEY, _scope(organisation_id, contact_id, key_id=key_id))
    if key is None:
        raise _no_key()
    return contact["id"], key, await _one(connection, queries.KNOWN, _scope(organisation_id, contact_id, keys=[key_id]))


async def _one(connection: Connection, query: str, params: Row) -> Row | None:
    cursor = await connection.execute(query, params)
    return await cursor.fetchone()


async def _contact(db: Database, organisation_id: UUID, contact_id: UUID) -> None:
    if await db.fetch_one(queries.KEPT, _scope(organisation_id, contact_id)) is None:
        raise _no_contact()


def _change(clock: Clock, organisation_id: UUID, kept: UUID, key_id: UUID, old: Any, new: Any, source: Source) -> Row:
    return {
        **_scope(organisation_id, kept, kept=kept, key_id=key_id),
        "id": new_id(),
        "old": Jsonb(old) if old is not None else None,
        "new": Jsonb(new) if new is not None else None,
        **source._asdict(),
        "now": clock.now(),
    }


def _memory(row: Row, value: Row | None) -> Memory:
    """A value from before the key's type was changed counts no more."""
    key = MemoryKey.model_validate(row["config"])
    if value is None or not suits(key.type, value["value"]):
        return Memory(id=row["id"], agent_id=row["agent_id"], config=key, value=key.initial)
    return Memory(
        id=row["id"], agent_id=row["agent_id"], config=key, value=value["value"], author=value["author"], updated_at=value["updated_at"]
    )


def _scope(organisation_id: UUID, contact_id: UUID, **more: Any) -> Row:
    return {"organisation_id": organisation_id, "contact_id": contact_id, **more}


def _no_contact() -> NotFound:
    return NotFound("there is no contact with this id; GET /api/v1/contacts/ lists yours")


def _no_key() -> NotFound:
    return NotFound("there is no memory key with this id; GET /api/v1/contacts/{contact_id}/memory/ lists yours")
