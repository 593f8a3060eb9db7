"""Erasing a person: nothing of him is left that anybody could read, and the report says how much there was.

What is in the database goes in one transaction, whoever works on it at that moment: a worker finds its lease gone, and what its agent was
thinking is neither sent nor written down. The files go after that commit, by a job (`erasing_rest`), which also looks for what was being
written in that very moment. What stays has no name in it: keyed hashes (`erased`), the ids in the report, amounts in the books.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from dragoman.accounts.secrets import Vault
from dragoman.agents import files
from dragoman.clock import Clock
from dragoman.conversations import erasing_queries as queries
from dragoman.conversations.erased import name, reference
from dragoman.conversations.inbox_queries import ADMISSION
from dragoman.conversations.policy import SILENT_TYPES
from dragoman.conversations.reading import Page
from dragoman.errors import NotFound
from dragoman.ids import new_id
from dragoman.store import jobs
from dragoman.store.database import Connection, Database, Row

REST = "contacts.erase"
# What was being written while the person was erased is written by then: no lease, turn or request is that old.
LATE_SECONDS = 300.0
TRIES = 5

# Meta delivers again for 7 days, and what is older than 8 is never stored. A message of ours may be read for the first time long after.
INBOUND_KNOWN, OUTBOUND_KNOWN = timedelta(days=9), timedelta(days=90)

# How the report calls what is counted; the rest is there so that nothing of these is left half.
COUNTED = {
    "messages": ("messages",),
    "files": ("media",),
    "conversations": ("conversations",),
    "turns": ("turns",),
    "deliveries": ("deliveries",),
    "toolCalls": ("tool_calls",),
    "modelAnswers": ("generations", "other_generations"),
    "sessions": ("sessions",),
    "memories": ("memories", "memory_changes"),
    "followUps": ("wakeups",),
    "events": ("happenings", "transfers", "statuses", "early_statuses", "send_attempts"),
    "campaigns": ("campaign_recipients",),
    "appointments": ("appointments",),
    "names": ("contact_identities",),
    "contacts": ("contacts",),
}


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """`finished_at` is set once the files are gone too. `counts`: of what, how much."""

    id: UUID
    contact_id: UUID
    counts: dict[str, int]
    asked_at: datetime
    finished_at: datetime | None


class Known(msgspec.Struct, frozen=True):
    """An erasure that was made before, and is made again on a database that does not know of it."""

    id: UUID
    contact_id: UUID
    asked_at: datetime


class _Traces(msgspec.Struct):
    """Everything by which something of the person is found."""

    contacts: list[UUID]
    conversations: list[UUID]
    messages: list[UUID]
    wamids: list[str]
    turns: list[UUID]
    open_turns: list[UUID]
    sessions: list[UUID]
    calls: list[UUID]
    phones: list[str]
    names: list[UUID]
    references: dict[UUID, datetime]
    objects: list[str]


async def erase(
    db: Database, vault: Vault, clock: Clock, organisation_id: UUID, contact_id: UUID, *, again: Known | None = None
) -> Erasure:
    """Erase the person, under any of the ids it was known by; one who was erased before has the report of then. Raises NotFound."""
    if before := await db.fetch_one(queries.OF_CONTACT, {"organisation_id": organisation_id, "contact_id": contact_id}):
        return _erasure(before)
    known = again or Known(new_id(), contact_id, clock.now())
    for attempt in range(1, TRIES + 1):
        try:
            async with db.transaction() as connection:
                await _erase(connection, vault, organisation_id, contact_id, known)
            break
        except (psycopg.errors.DeadlockDetected, psycopg.errors.ForeignKeyViolation):  # somebody opened a conversation meanwhile
            if attempt == TRIES:
                raise
    return await read(db, organisation_id, known.id)


async def read(db: Database, organisation_id: UUID, erasure_id: UUID) -> Erasure:
    row = await db.fetch_one(queries.READ, {"organisation_id": organisation_id, "id": erasure_id})
    if row is None:
        raise NotFound("there is no erasure with this id")
    return _erasure(row)


async def listing(db: Database, organisation_id: UUID, limit: int, offset: int) -> Page[Erasure]:
    """Newest first."""
    scope = {"organisation_id": organisation_id}
    count = await db.fetch_one(queries.COUNT, scope)
    rows = await db.fetch(queries.LIST, {**scope, "limit": limit, "offset": offset})
    return Page(count["total"] if count else 0, [_erasure(row) for row in rows])


async def by_phone(db: Database, organisation_id: UUID, phone: str) -> UUID:
    """Whose number it is, in digits. Raises NotFound."""
    row = await db.fetch_one(queries.BY_PHONE, {"organisation_id": organisation_id, "phone": phone})
    if row is None:
        raise NotFound("there is no contact with this phone number")
    found: UUID = row["contact_id"]
    return found


async def _erase(connection: Connection, vault: Vault, organisation_id: UUID, contact_id: UUID, known: Known) -> None:
    scope: Row = {"organisation_id": organisation_id, "contact_id": contact_id}
    await connection.execute(queries.PATIENTLY)
    await connection.execute(ADMISSION, scope)  # nobody is met, renamed or merged meanwhile
    contacts = [row["id"] for row in await _all(connection, queries.FAMILY, scope)]
    if not contacts:
        raise NotFound("there is no contact with this id")
    held = await _hold(connection, {**scope, "contacts": contacts})
    traces = await _traces(connection, vault, organisation_id, contacts, held["conversations"], known.asked_at)
    suppressed = await _all(connection, queries.SUPPRESSED, {**scope, "phones": traces.phones})
    stop = {"names": traces.names, "opted_out_at": held["opted_out_at"], "suppressed_at": suppressed[0]["at"]}
    [counts] = await _all(connection, queries.ERASE, {**scope, **await _places(connection, scope, traces)})
    await connection.execute(queries.KEEP_STOP, {**scope, **stop})
    kept = {"references": list(traces.references), "untils": list(traces.references.values())}
    await connection.execute(queries.KEEP_REFERENCES, {**scope, **kept})
    report = {called: sum(counts[part] for part in parts) for called, parts in COUNTED.items()}
    note = {
        **msgspec.structs.asdict(traces),
        "id": known.id,
        "contact_id": known.contact_id,
        "counts": Jsonb(report),
        "now": known.asked_at,
    }
    await connection.execute(queries.NOTE, {**scope, **note})
    for after, last in ((None, False), (LATE_SECONDS, True)):
        await jobs.defer(connection, REST, after=after, organisation_id=str(organisation_id), erasure_id=str(known.id), last=last)


async def _hold(connection: Connection, params: Row) -> Row:
    """Take everything that somebody else may be changing, in the order in which all do."""
    await connection.execute(queries.HOLD_RECIPIENTS, params)
    contacts = await _all(connection, queries.HOLD_CONTACTS, params)
    conversations = [row["id"] for row in await _all(connection, queries.HOLD_CONVERSATIONS, params)]
    stops = [row["opted_out_at"] for row in contacts if row["opted_out_at"] is not None]
    return {"conversations": conversations, "opted_out_at": min(stops, default=None)}


async def _traces(
    connection: Connection, vault: Vault, organisation_id: UUID, contacts: Sequence[UUID], conversations: Sequence[UUID], now: datetime
) -> _Traces:
    scope: Row = {"organisation_id": organisation_id, "contacts": contacts, "conversations": conversations}
    messages = await _all(connection, queries.MESSAGES, scope)
    identities = await _all(connection, queries.IDENTITIES, scope)
    turns = await _all(connection, queries.TURNS, scope)
    calls = await _all(connection, queries.CALLS, scope)
    sessions = [row["id"] for row in await _all(connection, queries.SESSIONS, scope)]
    ids = list(dict.fromkeys(row["id"] for row in messages))
    files_of = await _all(connection, queries.FILES, {**scope, "messages": ids})
    opened = [row["id"] for row in turns if row["state"] == "open"]
    return _Traces(
        contacts=list(contacts),
        conversations=list(conversations),
        messages=ids,
        wamids=[row["wamid"] for row in messages if row["wamid"]],
        turns=[row["id"] for row in turns] + sessions,  # at its end, a session is thought about under its own id
        open_turns=opened + sessions,
        sessions=sessions,
        calls=[row["id"] for row in calls],
        phones=[row["value"] for row in identities if row["kind"] == "phone"],
        names=[name(vault, organisation_id, row["value"]) for row in identities if row["kind"] != "username"],
        references=_references(vault, organisation_id, messages, now),
        objects=_objects(vault, organisation_id, messages, files_of, opened, calls),
    )


def _references(vault: Vault, organisation_id: UUID, messages: Sequence[Row], now: datetime) -> dict[UUID, datetime]:
    found: dict[UUID, datetime] = {}
    for row in messages:
        until = now + (INBOUND_KNOWN if row["direction"] == "in" else OUTBOUND_KNOWN)
        if row["wamid"]:
            found[reference(vault, organisation_id, "wamid", row["wamid"])] = until
        if row["attempt_id"]:
            found[reference(vault, organisation_id, "attempt", str(row["attempt_id"]))] = until
    return found


def _objects(
    vault: Vault, organisation_id: UUID, messages: Sequence[Row], files_of: Sequence[Row], opened: Sequence[UUID], calls: Sequence[Row]
) -> list[str]:
    """The keys of all files there are or may be in a moment: those that were sent to us, and those that agents made."""
    keys = [f"{organisation_id}/{row['id']}" for row in files_of]
    links = " ".join(row["links"] for row in messages if row["links"])
    keys += [made.object_key for link in set(re.findall(rf"/{files.PLACE}/([\w.-]+)", links)) if (made := files.named(vault, link))]
    keys += [files.place(organisation_id, row["id"], "jpg") for row in calls if row["type"] == "content_generation"]
    keys += [files.place(organisation_id, files.speech_of(turn_id), "ogg") for turn_id in opened]
    return [key for key in dict.fromkeys(keys) if key.startswith(f"{organisation_id}/")]


async def _places(connection: Connection, scope: Row, traces: _Traces) -> Row:
    return {
        **msgspec.structs.asdict(traces),
        "numbers": [row["id"] for row in await _all(connection, queries.NUMBERS, scope)],
        "sessions": [str(one) for one in traces.sessions],
        "calls": [str(one) for one in traces.calls],
        "scopes": [f"callback {one}" for one in traces.turns],
        "silent": list(SILENT_TYPES),
    }


async def _all(connection: Connection, query: str, params: Any) -> list[Row]:
    return await (await connection.execute(query, params)).fetchall()


def _erasure(row: Row) -> Erasure:
    return Erasure(**{field: row[field] for field in Erasure.__struct_fields__})
