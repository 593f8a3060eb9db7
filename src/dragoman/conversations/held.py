"""A conversation in the hands of a worker: what was claimed, and what has changed since."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from dragoman.conversations.journal import OUTBOX_LIMIT
from dragoman.conversations.policy import PARKED_AFTER, Pair
from dragoman.store.database import Row


@dataclass(slots=True)
class Outgoing:
    """A message in the outbox."""

    id: UUID
    seq: int
    state: str
    content: Any
    author: str
    attempts: int
    attempt_id: UUID | None = None
    not_before: datetime | None = None
    reply_to_wamid: str | None = None
    once_more: bool = False  # unknown for the first time, so that `resend_once` may send it again

    @classmethod
    def of(cls, row: Row) -> "Outgoing":
        """From a row, or from the same row as JSON, where ids and times are text."""
        return cls(
            id=_uuid(row["id"]),
            seq=row["seq"],
            state=row["state"],
            content=row["content"],
            author=row["author"],
            attempts=row["attempts"],
            attempt_id=_uuid(row["attempt_id"]) if row["attempt_id"] else None,
            not_before=_time(row["not_before"]),
            reply_to_wamid=row["reply_to_wamid"],
            once_more=bool(row["once_more"]),
        )


@dataclass(slots=True)
class Held:
    """`row` is the claim (see `queries.CLAIM`). `deadline` is on the monotonic clock: past it another worker may be here."""

    row: Row
    deadline: float
    organisation_id: UUID
    id: UUID
    fence: int
    pair: Pair
    outbox: deque[Outgoing]
    through_seq: int
    thinking: bool = False
    flushing: asyncio.Task[None] | None = None
    said_again: bool = False
    parked: bool = False  # the server has ended so often over this that it is not tried again
    lost: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)  # the customer wrote while a native agent thinks
    notes: int = 0  # how much the worker had heard before it claimed this
    free: bool = False  # given back, and something in it is due at once

    @classmethod
    def of(cls, row: Row, deadline: float, now: datetime) -> "Held":
        held = cls(
            row=row,
            deadline=deadline,
            organisation_id=row["organisation_id"],
            id=row["id"],
            fence=row["fence"],
            pair=Pair(row["pair_tokens"], row["pair_at"] or now),
            outbox=deque(),
            through_seq=row["known_seq"],
            parked=row["lost"] >= PARKED_AFTER,
        )
        held.load(row["outbox"] or ())
        return held

    @property
    def name(self) -> tuple[UUID, UUID]:
        return self.organisation_id, self.id

    def load(self, rows: Iterable[Row]) -> None:
        """Take the outbox as it is now. A long one is taken in parts; what is beyond them keeps the conversation due."""
        self.outbox = deque(Outgoing.of(row) for row in rows)
        if self.outbox:
            self.through_seq = max(self.through_seq, self.outbox[-1].seq)
        if len(self.outbox) == OUTBOX_LIMIT:
            self.through_seq = self.outbox[-1].seq

    def still_ours(self) -> bool:
        """Asked right before anything leaves: a process that was frozen past its lease must not speak."""
        return not self.lost and time.monotonic() < self.deadline


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _time(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
