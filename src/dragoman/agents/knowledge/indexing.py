"""The job that makes passages of a document, and what else changes the index.

A document names the version that is `wanted`. The job makes that one beside the present one and switches in one transaction, so a
search finds the old passages or the new ones, all of them and never both. A job that was done twice, or overtaken by a newer wish,
finds its version not wanted any more and ends.
"""

import asyncio
from collections import Counter
from functools import partial
from uuid import UUID

import structlog

from dragoman.agents.knowledge import indexing_queries as queries
from dragoman.agents.knowledge import vectors
from dragoman.agents.knowledge.chunking import Piece
from dragoman.agents.knowledge.documents_queries import DELETE, FOR_UPDATE
from dragoman.agents.knowledge.embedding import Embedded, embed
from dragoman.agents.knowledge.gathering import Gathered, gather
from dragoman.agents.knowledge.shelves import Shelves
from dragoman.agents.knowledge.text import Later, Unfit
from dragoman.agents.knowledge.words import MARK, lexemes, stem
from dragoman.clock import Clock
from dragoman.errors import Unavailable
from dragoman.store import jobs
from dragoman.store.database import Connection, Database, Row
from dragoman.store.jobs import Attempt, Task

log = structlog.get_logger()

INDEX, FORGET = "knowledge.index", "knowledge.forget"
MOST_PASSAGES = 250_000  # of one organisation
AT_ONCE = 500  # passages in one statement
MOST_ATTEMPTS = 8  # with those that ended with their process


def tasks(shelves: Shelves) -> list[Task]:
    """What the worker role does for the knowledge."""
    return [Task(INDEX, partial(index, shelves)), Task(FORGET, partial(_forget, shelves))]


async def later(connection: Connection, organisation_id: UUID, document_id: UUID, version: int, waiting: int) -> None:
    """Have this version made. Who has much `waiting` already stands further back, so that others are not held up by it."""
    lock, priority = f"document {document_id}", -min(waiting, 1000)
    organisation, document = str(organisation_id), str(document_id)
    await jobs.defer(connection, INDEX, lock=lock, priority=priority, organisation_id=organisation, document_id=document, version=version)


async def index(shelves: Shelves, attempt: Attempt, organisation_id: str, document_id: str, version: int) -> None:
    scope = {"organisation_id": UUID(organisation_id), "id": UUID(document_id), "version": version}
    document = await shelves.db.fetch_one(queries.BEGIN, {**scope, "now": shelves.clock.now()})
    if document is None:
        return
    try:
        if attempt.number > MOST_ATTEMPTS:
            raise Unfit("Reading it was interrupted again and again.")
        await _make(shelves, scope, document)
    except Unfit as unfit:
        await _fail(shelves, scope, str(unfit))
    except Exception as error:
        cause = _cause(error)
        if not attempt.last:
            await shelves.db.execute(queries.TRYING, {**scope, "cause": f"{cause} It is tried again."})
            raise
        log.warning("a document could not be read", document_id=document_id, exc_info=True)
        await _fail(shelves, scope, cause)


def _cause(error: Exception) -> str:
    if isinstance(error, Later | Unavailable):
        return str(error)
    return f"Something went wrong in Dragoman ({type(error).__name__})."


async def _fail(shelves: Shelves, scope: Row, cause: str) -> None:
    await shelves.db.execute(queries.FAIL, {**scope, "cause": cause, "now": shelves.clock.now()})


async def _make(shelves: Shelves, scope: Row, document: Row) -> None:
    gathered = await gather(shelves, scope["organisation_id"], document)
    used = await shelves.db.fetch_one(queries.PASSAGES_LEFT, scope)
    if used and used["passages"] - document["passages"] + len(gathered.pieces) > MOST_PASSAGES:
        raise Unfit(f"With it, this organisation would have more than {MOST_PASSAGES} passages, which is the most. Delete documents first.")
    embedded = await embed(shelves, scope["organisation_id"], document, gathered.pieces)
    # In a thread: half a second for the longest document, in which conversations go on.
    words = await asyncio.to_thread(_lexemes, document["knowledge_base_id"], gathered.pieces)
    async with shelves.db.transaction() as connection:
        await _switch(connection, shelves, scope, document, gathered, embedded, words)


async def _switch(
    connection: Connection,
    shelves: Shelves,
    scope: Row,
    document: Row,
    gathered: Gathered,
    embedded: Embedded,
    lexed: tuple[list[str], Counter[str]],
) -> None:
    cursor = await connection.execute(queries.STILL_WANTED, scope)
    before = await cursor.fetchone()
    if before is None:
        return
    scope = {**scope, "knowledge_base_id": document["knowledge_base_id"], "now": shelves.clock.now()}
    written, counts = lexed
    await _insert(connection, scope, gathered.pieces, written, embedded)
    await connection.execute(queries.LOCK_BASE, scope)
    words = sorted(counts)
    counted = {"words": words, "stems": [stem(word) for word in words], "counts": [counts[word] for word in words]}
    await connection.execute(queries.COUNT_WORDS, {**scope, **counted})
    await _forget_others(connection, scope, with_vectors=await vectors.kept(shelves.db))
    await connection.execute(queries.GROW_BASE, {**scope, "more": len(gathered.pieces) - before["passages"]})
    notes = [note for note in (gathered.note, embedded.note) if note]
    news = {"passages": len(gathered.pieces), "cause": " ".join(notes) or None, "model": embedded.model, "mime_type": gathered.mime_type}
    news |= {"size": gathered.size, "sha256": gathered.sha256, "name": gathered.name}
    await connection.execute(queries.READY, {**scope, **news})


async def _insert(connection: Connection, scope: Row, pieces: list[Piece], written: list[str], embedded: Embedded) -> None:
    for start in range(0, len(pieces), AT_ONCE):
        some = pieces[start : start + AT_ONCE]
        values = {
            "start": start,
            "headings": [piece.heading for piece in some],
            "texts": [piece.text for piece in some],
            "urls": [piece.url for piece in some],
            "tokens": [piece.tokens for piece in some],
            "tsvs": written[start : start + AT_ONCE],
        }
        await connection.execute(queries.INSERT, {**scope, **values})
        if embedded.vectors:
            more = {"model": embedded.model, "dims": embedded.dims, "embeddings": list(embedded.vectors[start : start + AT_ONCE])}
            await connection.execute(queries.INSERT_VECTORS, {**scope, "start": start, **more})


def _lexemes(base_id: UUID, pieces: list[Piece]) -> tuple[list[str], Counter[str]]:
    """Each passage's words as PostgreSQL takes them, and in how many passages each word is."""
    made = [lexemes(base_id, piece.heading, piece.text) for piece in pieces]
    return [written for written, _ in made], Counter(word for _, words in made for word in words)


async def _forget_others(connection: Connection, scope: Row, *, with_vectors: bool) -> None:
    """Remove every version of a document but the one of `scope`, and what it counted. The base is locked."""
    cursor = await connection.execute(queries.WORDS_OF, {**scope, "mark": MARK})
    gone = await cursor.fetchall()
    counted = {"words": [row["word"] for row in gone], "counts": [row["count"] for row in gone]}
    await connection.execute(queries.DISCOUNT_WORDS, {**scope, **counted})
    await connection.execute(queries.FORGET_WORDS, {**scope, **counted})
    await connection.execute(queries.DELETE_OTHERS, scope)
    if with_vectors:
        await connection.execute(queries.DELETE_OTHER_VECTORS, scope)


async def remove(connection: Connection, db: Database, clock: Clock, organisation_id: UUID, document_id: UUID) -> bool:
    """Delete a document with all that was made of it; its file goes when the transaction has committed. False: there is none."""
    scope: Row = {"organisation_id": organisation_id, "id": document_id, "version": 0, "now": clock.now()}
    cursor = await connection.execute(FOR_UPDATE, scope)
    document = await cursor.fetchone()
    if document is None:
        return False
    scope["knowledge_base_id"] = document["knowledge_base_id"]
    await connection.execute(queries.LOCK_BASE, scope)
    await _forget_others(connection, scope, with_vectors=await vectors.kept(db))
    await connection.execute(queries.GROW_BASE, {**scope, "more": -document["passages"]})
    await connection.execute(DELETE, scope)
    if document["object_key"]:
        await jobs.defer(connection, FORGET, object_key=document["object_key"])
    return True


async def _forget(shelves: Shelves, attempt: Attempt, object_key: str) -> None:
    await shelves.objects.delete(object_key)
