"""What the jobs of the knowledge work with, made once at start with the worker role."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from dragoman.clock import Clock
from dragoman.http.guarded import Guarded
from dragoman.store.database import Database
from dragoman.store.objects import Objects

CHILDREN = 2  # files that one process reads at once


class NotEmbedded(Exception):
    """There are no vectors for now; the message says why, for people."""


class Embedder(Protocol):
    """Makes vectors of texts. `model` is stored with them: vectors of two models are never compared."""

    @property
    def model(self) -> str: ...

    async def embed(self, texts: list[str]) -> list[list[float]] | None:
        """One vector for each text, all of one size; None when there is nobody to ask. Raises NotEmbedded."""
        ...


@dataclass(frozen=True)
class Shelves:
    """`embedder_for(organisation_id, knowledge_base_id)` is who makes a base's vectors, or None: then it is searched by words."""

    db: Database
    clock: Clock
    objects: Objects
    guarded: Guarded
    embedder_for: Callable[[UUID, UUID], Awaitable[Embedder | None]]
    children: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHILDREN))
