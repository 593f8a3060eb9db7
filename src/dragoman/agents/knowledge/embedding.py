"""Vectors for the passages of a document, where there is somebody who makes them and a place to keep them."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import structlog

from dragoman.agents.knowledge import vectors
from dragoman.agents.knowledge.chunking import Piece
from dragoman.agents.knowledge.indexing_queries import KNOWN_VECTORS
from dragoman.agents.knowledge.shelves import Embedder, NotEmbedded, Shelves
from dragoman.store.database import Row

log = structlog.get_logger()

AT_ONCE = 64  # texts in one request


class Embedded(NamedTuple):
    """A vector for each passage, written out, or none for all of them; `note` says why, when there should have been some."""

    vectors: Sequence[str] = ()
    dims: int = 0
    model: str | None = None
    note: str = ""


def text_of(piece: Piece) -> str:
    """What a passage's vector is made of."""
    return f"{piece.heading}\n\n{piece.text}" if piece.heading else piece.text


async def embed(shelves: Shelves, organisation_id: UUID, document: Row, pieces: Sequence[Piece]) -> Embedded:
    """Never raises for what a provider does: without vectors a document is found by its words."""
    if not pieces or not await vectors.kept(shelves.db):
        return Embedded()
    embedder = await shelves.embedder_for(organisation_id, document["knowledge_base_id"])
    if embedder is None:
        return Embedded()
    known = await _known(shelves, organisation_id, document["id"], embedder.model)
    texts = {text_of(piece) for piece in pieces}
    try:
        made = await _ask(embedder, texts - known.keys())
        if made and len(sizes(made) | sizes(known)) > 1:  # the model makes other vectors than it did
            known, made = {}, await _ask(embedder, texts)
    except NotEmbedded as error:
        return Embedded(note=f"It is found by its words alone, because its vectors could not be made: {error}")
    if made is None:
        return Embedded()
    all_of_them = known | made
    if len(sizes(all_of_them)) > 1:
        return Embedded(note=f"It is found by its words alone, because {embedder.model} makes vectors of several sizes.")
    return Embedded([all_of_them[text_of(piece)] for piece in pieces], sizes(all_of_them).pop(), embedder.model)


def sizes(known: dict[str, str]) -> set[int]:
    return {vector.count(",") + 1 for vector in known.values()}


async def _known(shelves: Shelves, organisation_id: UUID, document_id: UUID, model: str) -> dict[str, str]:
    """What did not change since the document was read last."""
    rows = await shelves.db.fetch(KNOWN_VECTORS, {"organisation_id": organisation_id, "id": document_id, "model": model})
    return {text_of(Piece(row["heading"], row["text"])): row["embedding"] for row in rows}


async def _ask(embedder: Embedder, texts: set[str]) -> dict[str, str] | None:
    made: dict[str, str] = {}
    asked = sorted(texts)
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        try:
            answer = await embedder.embed(some)
        except NotEmbedded:
            raise
        except Exception as error:  # whatever it is, the document can be found without
            log.warning("vectors could not be made", exc_info=True)
            raise NotEmbedded(f"the provider failed ({type(error).__name__}).") from error
        if answer is None:
            return None
        if len(answer) != len(some):
            raise NotEmbedded("the provider answered with another number of vectors than was asked for.")
        made |= await asyncio.to_thread(_written, some, answer)
    return made


def _written(texts: list[str], answer: list[list[float]]) -> dict[str, str]:
    if not all(map(vectors.fits, answer)):
        raise NotEmbedded("the provider made vectors that cannot be kept.")
    return {text: vectors.written(vector) for text, vector in zip(texts, answer, strict=True)}
