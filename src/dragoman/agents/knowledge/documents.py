"""Documents: added, listed, renamed, read again, deleted. What is in them is found a moment later, when a job has read them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from dragoman.agents.knowledge import documents_queries as queries
from dragoman.agents.knowledge import indexing
from dragoman.agents.knowledge.bases import label
from dragoman.agents.knowledge.chunking import clean
from dragoman.agents.knowledge.sniffing import refuse_early
from dragoman.agents.knowledge.text import Unfit
from dragoman.clock import Clock
from dragoman.errors import Conflict, Invalid, NotFound, TooLarge
from dragoman.http.addresses import Network
from dragoman.http.answers import Refused
from dragoman.http.urls import check_url
from dragoman.ids import new_id
from dragoman.store.database import Connection, Database, Row
from dragoman.store.objects import Objects

LARGEST_FILE = 20 * 1024 * 1024
LONGEST_PAGE = 200_000
LONGEST_QUESTION = 1000
LONGEST_ANSWER = 10_000
DEEPEST = 3
MOST_DOCUMENTS = 5000  # of one organisation

State = Literal["pending", "processing", "ready", "error"]


class Document(NamedTuple):
    """`cause` says why it is in `error`, or what is missing although it is `ready`. Answers come from `version`, which is 0 until the
    document was read once; while it is read again, and when that fails, from the one before. `model` is whose vectors it has."""

    id: UUID
    knowledge_base_id: UUID
    name: str
    kind: Literal["file", "url", "faq", "page"]
    state: State
    cause: str | None
    url: str | None
    object_key: str | None
    mime_type: str | None
    size: int
    sha256: str | None
    settings: dict[str, Any]
    wanted: int
    version: int
    passages: int
    model: str | None
    created_at: datetime
    updated_at: datetime
    indexed_at: datetime | None


async def add_file(
    db: Database, clock: Clock, objects: Objects, organisation_id: UUID, base_id: UUID, name: str, data: bytes, *, at: str = "file"
) -> Document:
    """Keep a file of any kind that can be read; which one it is, its bytes say. Raises Invalid, TooLarge, Conflict, Unavailable."""
    if len(data) > LARGEST_FILE:
        raise TooLarge(f"{at}: the file has {len(data)} bytes; at most {LARGEST_FILE} are taken. Divide it.", field=at)
    try:
        refuse_early(data[:64])
    except Unfit as unfit:
        raise Invalid(f"{at}: {unfit}", field=at) from None
    return await _keep(db, clock, objects, organisation_id, base_id, "file", label(name or "Document", f"{at}.name"), data)


async def add_page(
    db: Database, clock: Clock, objects: Objects, organisation_id: UUID, base_id: UUID, name: str, text: str, *, at: str = "text"
) -> Document:
    """A page written here, as text or Markdown. Raises Invalid, Conflict, Unavailable."""
    kept = _words(text, at, LONGEST_PAGE)
    return await _keep(db, clock, objects, organisation_id, base_id, "page", label(name, "name"), kept.encode())


async def add_url(
    db: Database,
    clock: Clock,
    organisation_id: UUID,
    base_id: UUID,
    url: str,
    *,
    depth: int = 0,
    name: str = "",
    allow: Sequence[Network] = (),
    at: str = "url",
) -> Document:
    """A page on the web and, with a `depth` of 1 to 3, the pages of the same host that it leads to in so many steps. `allow` are the
    private networks that may be read (the setting). Raises Invalid, Conflict."""
    try:
        check_url(url, allow)
    except Refused as refused:
        raise Invalid(f"{at}: {refused.reason}", field=at) from None
    if not 0 <= depth <= DEEPEST:
        raise Invalid(f"depth: it is {depth}, and may be 0 to {DEEPEST}", field="depth")
    settings = {"depth": depth} | ({} if name else {"named": "by its page"})
    values = {"name": label(name or url.partition("://")[2], "name"), "kind": "url", "url": url, "settings": settings}
    return await _add(db, clock, organisation_id, base_id, values)


async def add_faq(
    db: Database, clock: Clock, organisation_id: UUID, base_id: UUID, question: str, answer: str, *, at: str = "faq"
) -> Document:
    """A question and its answer. Raises Invalid, Conflict."""
    return await _add(db, clock, organisation_id, base_id, {"kind": "faq", **_faq(question, answer, at)})


async def change_faq(
    db: Database, clock: Clock, organisation_id: UUID, document_id: UUID, question: str, answer: str, *, at: str = "faq"
) -> Document:
    """Raises Invalid, NotFound."""
    faq = _faq(question, answer, at)
    async with db.transaction() as connection:
        scope = {"organisation_id": organisation_id, "id": document_id}
        cursor = await connection.execute(queries.CHANGE_FAQ, {**scope, "name": faq["name"], "settings": Jsonb(faq["settings"])})
        if not cursor.rowcount:
            raise NotFound("there is no such question and answer")
        return await _again(connection, clock, organisation_id, document_id)


async def get(db: Database, organisation_id: UUID, document_id: UUID) -> Document:
    row = await db.fetch_one(queries.GET, {"organisation_id": organisation_id, "id": document_id})
    if row is None:
        raise NotFound("there is no such document")
    return _document(row)


async def of_base(db: Database, organisation_id: UUID, base_id: UUID, document_id: UUID) -> Document:
    """The same, if it belongs to this base. Raises NotFound."""
    document = await get(db, organisation_id, document_id)
    if document.knowledge_base_id != base_id:
        raise NotFound("there is no such document")
    return document


async def listing(
    db: Database, organisation_id: UUID, base_ids: Sequence[UUID], *, limit: int = MOST_DOCUMENTS, offset: int = 0
) -> list[Document]:
    """The documents of these bases, oldest first."""
    scope = {"organisation_id": organisation_id, "bases": list(base_ids), "limit": limit, "offset": offset}
    return [_document(row) for row in await db.fetch(queries.LISTING, scope)]


async def of_agents(db: Database, organisation_id: UUID, agents: Sequence[UUID]) -> dict[UUID, list[Document]]:
    """The documents of these agents' own bases, oldest first: all of them, because a list that is sent back replaces them."""
    scope = {"organisation_id": organisation_id, "agents": list(agents)}
    found: dict[UUID, list[Document]] = {}
    for row in await db.fetch(queries.OF_AGENTS, scope):
        found.setdefault(row.pop("agent_id"), []).append(_document(row))
    return found


async def count(db: Database, organisation_id: UUID, base_ids: Sequence[UUID]) -> int:
    row = await db.fetch_one(queries.COUNT, {"organisation_id": organisation_id, "bases": list(base_ids)})
    return row["count"] if row else 0


async def rename(db: Database, clock: Clock, organisation_id: UUID, document_id: UUID, name: str) -> Document:
    """Raises Invalid, NotFound."""
    async with db.transaction() as connection:
        return await _rename(connection, clock, organisation_id, document_id, name, "name")


async def reindex(db: Database, clock: Clock, organisation_id: UUID, document_id: UUID) -> Document:
    """Read it again; until that is done, answers come from what was read before. Raises NotFound."""
    async with db.transaction() as connection:
        return await _again(connection, clock, organisation_id, document_id)


async def reindex_all(db: Database, clock: Clock, organisation_id: UUID, base_id: UUID) -> int:
    """Read every document of a base again, as after a change of the embedding model; how many there are."""
    async with db.transaction() as connection:
        scope = {"organisation_id": organisation_id, "knowledge_base_id": base_id}
        cursor = await connection.execute(queries.IN_BASE_FOR_UPDATE, scope)
        rows = await cursor.fetchall()
        for row in rows:
            await _again(connection, clock, organisation_id, row["id"])
    return len(rows)


async def delete(db: Database, clock: Clock, organisation_id: UUID, document_id: UUID) -> None:
    """The document, its passages and its stored file. Raises NotFound."""
    async with db.transaction() as connection:
        if not await indexing.remove(connection, db, clock, organisation_id, document_id):
            raise NotFound("there is no such document")


async def replace(
    connection: Connection, db: Database, clock: Clock, organisation_id: UUID, base_id: UUID, sent: Sequence[tuple[UUID, str]], at: str
) -> None:
    """Make the documents of a base the sent ones, as (id, name), inside the caller's transaction: names are taken over, documents that
    are missing from the list are deleted. Raises Invalid below `at` for one that is not there: documents are added by sending them."""
    scope = {"organisation_id": organisation_id, "knowledge_base_id": base_id}
    cursor = await connection.execute(queries.IN_BASE_FOR_UPDATE, scope)
    stored = [row["id"] for row in await cursor.fetchall()]
    for n, (document_id, name) in enumerate(sent):
        if document_id not in stored:
            raise Invalid(f"{at}[{n}].id: this agent has no such document; add one by uploading it", field=f"{at}[{n}].id")
        await _rename(connection, clock, organisation_id, document_id, name, f"{at}[{n}].name")
    kept = {document_id for document_id, _ in sent}
    for document_id in stored:
        if document_id not in kept:
            await indexing.remove(connection, db, clock, organisation_id, document_id)


async def _keep(
    db: Database, clock: Clock, objects: Objects, organisation_id: UUID, base_id: UUID, kind: str, name: str, data: bytes
) -> Document:
    document_id = new_id()
    key = f"knowledge/{organisation_id}/{document_id}"
    await _check_room(db, organisation_id, base_id)
    await objects.put(key, data)
    values = {
        "id": document_id,
        "kind": kind,
        "name": name,
        "object_key": key,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    try:
        return await _add(db, clock, organisation_id, base_id, values)
    except BaseException:
        await objects.delete(key)
        raise


async def _check_room(db: Database, organisation_id: UUID, base_id: UUID) -> int:
    """How many documents of the organisation wait to be read. Raises Conflict, NotFound."""
    if await db.fetch_one(queries.KNOWN_BASES, {"organisation_id": organisation_id, "bases": [base_id]}) is None:
        raise NotFound("there is no such knowledge base")
    row = await db.fetch_one(queries.FULLNESS, {"organisation_id": organisation_id})
    assert row is not None  # noqa: S101
    if row["documents"] >= MOST_DOCUMENTS:
        raise Conflict(f"This organisation has {MOST_DOCUMENTS} documents, which is the most. Delete some first.", code="quota")
    if row["passages"] >= indexing.MOST_PASSAGES:
        raise Conflict(f"The documents of this organisation have {indexing.MOST_PASSAGES} passages, which is the most.", code="quota")
    waiting: int = row["waiting"]
    return waiting


async def _add(db: Database, clock: Clock, organisation_id: UUID, base_id: UUID, values: dict[str, Any]) -> Document:
    waiting = await _check_room(db, organisation_id, base_id)
    row = {"id": new_id(), "url": None, "object_key": None, "mime_type": None, "size": 0, "sha256": None, "settings": {}, **values}
    row |= {"organisation_id": organisation_id, "knowledge_base_id": base_id, "now": clock.now(), "settings": Jsonb(row["settings"])}
    async with db.transaction() as connection:
        cursor = await connection.execute(queries.CREATE, row)
        made = await cursor.fetchone()
        assert made is not None  # noqa: S101
        await indexing.later(connection, organisation_id, made["id"], made["wanted"], waiting)
    return _document(made)


async def _again(connection: Connection, clock: Clock, organisation_id: UUID, document_id: UUID) -> Document:
    scope = {"organisation_id": organisation_id, "id": document_id, "now": clock.now()}
    cursor = await connection.execute(queries.FULLNESS, scope)
    fullness = await cursor.fetchone()
    cursor = await connection.execute(queries.WANT_AGAIN, scope)
    row = await cursor.fetchone()
    if row is None or fullness is None:
        raise NotFound("there is no such document")
    await indexing.later(connection, organisation_id, document_id, row["wanted"], fullness["waiting"])
    return _document(row)


async def _rename(connection: Connection, clock: Clock, organisation_id: UUID, document_id: UUID, name: str, at: str) -> Document:
    values = {"organisation_id": organisation_id, "id": document_id, "name": label(name, at), "now": clock.now()}
    cursor = await connection.execute(queries.RENAME, values)
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such document")
    return _document(row)


def _faq(question: str, answer: str, at: str) -> dict[str, Any]:
    settings = {
        "question": _words(question, f"{at}.question", LONGEST_QUESTION),
        "answer": _words(answer, f"{at}.answer", LONGEST_ANSWER),
    }
    return {"name": label(settings["question"], f"{at}.question"), "settings": settings}


def _words(text: str, at: str, longest: int) -> str:
    kept = clean(text)
    if not kept:
        raise Invalid(f"{at}: it is empty", field=at)
    if len(kept) > longest:
        raise Invalid(f"{at}: it has {len(kept)} characters; at most {longest} are allowed", field=at)
    return kept


def _document(row: Row) -> Document:
    return Document(**{name: row[name] for name in Document._fields})
