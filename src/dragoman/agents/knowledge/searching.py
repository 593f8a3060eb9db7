"""The passages that answer a question: by words and, where there are vectors, by meaning; both ranks fused into one.

By words, a passage is worth the share of the question's telling words that it has, the rare ones counting more. That share is
also its `strength`, which is comparable between questions. By meaning, it is the nearness of its vector.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from dragoman.agents.knowledge import queries, vectors
from dragoman.agents.knowledge.asking import BUDGET, Sought, understand
from dragoman.store.database import Database, Row

TRIES = 3
RANKED = 64
FUSED = 40  # of each rank
RRF = 60  # the usual constant of reciprocal rank fusion
INDEXED_DIMS = frozenset([256, 384, 512, 768, 1024, 1536, 2048, 2560, 3072])
EXACT = 10_000  # so many vectors are faster compared one by one than looked for through the index

Place = tuple[UUID, int, int]  # document, version, position


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a document. `score` orders the passages of one search; `strength` (0 to 1) says how much of the question's words
    it has, in any search. `heading` is the way down to it: "Hotel › Breakfast"; of a question and answer, the question."""

    document_id: UUID
    position: int
    name: str
    kind: str
    heading: str
    text: str
    url: str | None
    score: float
    strength: float

    @property
    def answer(self) -> str:
        """What can be said to a customer as it is."""
        return self.text

    def citation(self) -> dict[str, Any]:
        return {
            "documentId": str(self.document_id),
            "name": self.name,
            "heading": self.heading,
            "position": self.position,
            "url": self.url,
            "score": round(self.score, 4),
            "strength": round(self.strength, 3),
        }


async def search(
    db: Database,
    organisation_id: UUID,
    knowledge_base_ids: Sequence[UUID],
    question: str,
    *,
    embedding: list[float] | None,
    model: str | None = None,
    limit: int = 6,
) -> list[Passage]:
    """The best passages for `question` in these bases of one organisation, best first.

    `embedding` is the question's vector, or None for words alone; only passages with a vector of that size, and of that `model`
    when it is named, are compared with it.
    """
    bases = list(knowledge_base_ids)
    if not bases or limit < 1:
        return []
    scope = {"organisation_id": organisation_id, "bases": bases}
    found: list[Passage] = []
    for _ in range(TRIES):  # a document that was read again between two statements has other passages now: look once more
        (sought, by_words), by_meaning = await asyncio.gather(_by_words(db, scope, question), _by_meaning(db, scope, embedding, model))
        scores = _fuse([by_words, by_meaning])
        best = sorted(scores, key=scores.__getitem__, reverse=True)[:limit]
        found = await _load(db, scope, sought, best, scores)
        if len(found) == len(best):
            break
    return found


async def _by_words(db: Database, scope: Row, question: str) -> tuple[Sought | None, list[Place]]:
    sought = await understand(db, scope["organisation_id"], scope["bases"], question)
    if sought is None:
        return None, []
    statement, rows = queries.candidates(len(sought.groups)), list[Row]()
    for wanted in sought.wanted:
        if len(rows) < FUSED:
            params = {**scope, **sought.params(), "wanted": wanted, "any": sought.any, "most": BUDGET, "ranked": RANKED}
            rows = await db.fetch(statement, params)
    rows.sort(key=_worth, reverse=True)
    return sought, [_place(row) for row in rows[:FUSED]]


async def _by_meaning(db: Database, scope: Row, embedding: list[float] | None, model: str | None) -> list[Place]:
    if not embedding or not vectors.fits(embedding) or not await vectors.kept(db):
        return []
    dims = len(embedding)
    async with db.transaction() as connection:
        cursor = await connection.execute(queries.SIZE, scope)
        row = await cursor.fetchone()
        by_index = dims in INDEXED_DIMS and row is not None and row["passages"] > EXACT
        if by_index:
            await connection.execute(queries.LOOK_FURTHER)
        cursor = await connection.execute(
            queries.nearest(dims, by_index=by_index), {**scope, "embedding": vectors.written(embedding), "model": model, "most": FUSED}
        )
        return [_place(row) for row in await cursor.fetchall()]


def _worth(row: Row) -> float:
    """What a passage has of the question counts most; how often and how near its heading, in how short a text, decides between equals."""
    strength, rank = float(row["strength"]), float(row["rank"])
    return strength**2 * (0.05 + rank)


def _fuse(ranks: Iterable[list[Place]]) -> dict[Place, float]:
    scores: dict[Place, float] = defaultdict(float)
    for rank in ranks:
        for n, place in enumerate(rank, 1):
            scores[place] += 1 / (RRF + n)
    return scores


async def _load(db: Database, scope: Row, sought: Sought | None, places: list[Place], scores: dict[Place, float]) -> list[Passage]:
    if not places:
        return []
    groups = sought.groups if sought else []
    params = {**scope, **(sought.params() if sought else {})}
    params |= {name: [place[n] for place in places] for n, name in enumerate(("documents", "versions", "positions"))}
    rows = {_place(row): row for row in await db.fetch(queries.passages(len(groups)), params)}
    return [_passage(rows[place], scores[place]) for place in places if place in rows]


def _passage(row: Row, score: float) -> Passage:
    return Passage(
        document_id=row["document_id"],
        position=row["position"],
        name=row["name"],
        kind=row["kind"],
        heading=row["heading"],
        text=row["text"],
        url=row["url"],
        score=score,
        strength=min(max(float(row["strength"]), 0.0), 1.0),
    )


def _place(row: Row) -> Place:
    return row["document_id"], row["version"], row["position"]
