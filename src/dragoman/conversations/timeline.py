"""The flight recorder: what happened in a conversation, in order, as sentences that need no programmer to read."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from dragoman.conversations import timeline_queries as queries
from dragoman.conversations.reading import no_conversation, stored_content
from dragoman.conversations.timeline_words import TELL, Cast
from dragoman.store.database import Database, Row


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    kind: str
    summary: str
    cause: str | None  # what went wrong and what to do; None when nothing did
    details: dict[str, Any]


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    entries: list[Entry]
    earlier: int | None  # ask again with `before` set to this for what came before; None at the beginning


async def tell(db: Database, organisation_id: UUID, conversation_id: UUID, *, limit: int = 100, before: int | None = None) -> Timeline:
    """The last `limit` messages (before message number `before`) and everything around them, oldest first."""
    scope = {"organisation_id": organisation_id, "conversation_id": conversation_id}
    people = await db.fetch_one(queries.PEOPLE, scope)
    if people is None:
        raise no_conversation()
    rows = await db.fetch(queries.TIMELINE, {**scope, "limit": limit, "before": before})
    cast = Cast.of(people, rows)
    earlier = rows[0]["first"] if rows and rows[0]["has_earlier"] else None
    return Timeline(entries=[_entry(row, cast) for row in rows], earlier=earlier)


def _entry(row: Row, cast: Cast) -> Entry:
    data = row["data"]
    if row["kind"] == "message":
        data = {**data, "content": stored_content(data["direction"], data["author"], data["content"], row["id"])}
    kind, summary, cause = TELL[row["kind"]](data, cast)
    details = {name: value for name, value in row["data"].items() if value is not None and name not in ("cause", "content", "agent")}
    return Entry(at=row["at"], kind=kind, summary=summary, cause=cause, details={"id": row["id"], **details})
