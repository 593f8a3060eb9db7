"""Reading what was said: conversations, their messages, and how an agent's webhook answered. Changes nothing."""

from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
import structlog

from dragoman.conversations import reading_queries as queries
from dragoman.errors import NotFound
from dragoman.store.database import Database, Row
from dragoman.whatsapp import content as outgoing
from dragoman.whatsapp import received
from dragoman.whatsapp.content import Outgoing
from dragoman.whatsapp.received import Received

log = structlog.get_logger()

Item = TypeVar("Item")

ORDERINGS = tuple(queries.ORDER)


class Page(msgspec.Struct, Generic[Item], frozen=True):
    total: int  # of all pages
    items: list[Item]


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations, in which order; None asks for nothing."""

    agent: UUID | None = None
    contact: UUID | None = None
    number: str | None = None  # part of our own number, in digits
    active: bool | None = None  # the customer wrote within the last 24 hours
    unread: bool | None = None
    after: datetime | None = None  # of the last message, inclusive
    before: datetime | None = None
    ordering: str = "-last_message_time"  # one of ORDERINGS
    limit: int = 20
    offset: int = 0


class Person(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str | None
    phone: str | None  # digits; None when WhatsApp hides it
    username: str | None
    bsuid: str | None
    opted_out_at: datetime | None = None


class LastMessage(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    direction: str
    author: str
    type: str
    content: Received | Outgoing
    created_at: datetime


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    contact: Person
    number_id: UUID
    number: str
    is_sandbox: bool
    agent_id: UUID | None
    agent_name: str | None
    routing: str | None  # in effect: agent, webhook, sandbox, or None (stored only)
    routing_override: bool
    owner: str
    epoch: int
    handback_at: datetime | None
    window_until: datetime | None
    unread: int
    referral: dict[str, Any] | None
    last_message: LastMessage | None
    created_at: datetime
    updated_at: datetime


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with a message."""

    id: UUID
    kind: str
    mime_type: str
    state: str  # pending, ready, failed
    filename: str | None
    size: int | None
    cause: str | None
    transcript: str | None = None  # the words of a voice note, the text of a document, once an agent has read it


class Message(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    direction: str
    author: str
    type: str
    content: Received | Outgoing
    wamid: str | None
    state: str
    cause: str | None
    error_code: int | None
    attempts: int
    reply_to: UUID | None
    files: list[File]
    created_at: datetime


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an agent's webhook."""

    id: UUID
    turn_id: UUID
    conversation_id: UUID | None  # None for a test event
    attempt: int
    url: str
    started_at: datetime
    duration_ms: float
    outcome: str
    status: int | None
    response_head: str | None
    cause: str | None
    retry_at: datetime | None
    turn_state: str | None
    replay_of: UUID | None


async def conversations(db: Database, organisation_id: UUID, filters: Filters, now: datetime) -> Page[Conversation]:
    wanted = {name: value for name, value in msgspec.structs.asdict(filters).items() if name in queries.WHERE and value is not None}
    if filters.number is not None:
        # Looked up first: whoever plans the query then knows how many conversations to expect.
        numbers = await db.fetch(queries.NUMBERS, {"organisation_id": organisation_id, "part": filters.number})
        if not numbers:
            return Page(0, [])
        wanted["numbers"] = [row["id"] for row in numbers]
    where = " ".join(queries.WHERE[name] for name in wanted)
    params = {**wanted, "organisation_id": organisation_id, "now": now, "limit": filters.limit, "offset": filters.offset}
    rows = await db.fetch(queries.CONVERSATIONS.format(where=where, order=queries.ORDER[filters.ordering]), params)
    total = await _total(db, queries.COUNT_CONVERSATIONS.format(where=where), params, len(rows))
    return Page(total, [_conversation(row) for row in rows])


async def conversation(db: Database, organisation_id: UUID, conversation_id: UUID) -> Conversation:
    query = queries.CONVERSATIONS.format(where=queries.WHERE["conversation"], order="c.id")
    row = await db.fetch_one(query, {"organisation_id": organisation_id, "conversation": conversation_id, "limit": 1, "offset": 0})
    if row is None:
        raise no_conversation()
    return _conversation(row)


async def messages(db: Database, organisation_id: UUID, conversation_id: UUID, *, limit: int, offset: int) -> list[Message]:
    """Newest first, without what was discarded before it was sent (the timeline has that)."""
    scope = {"organisation_id": organisation_id, "conversation_id": conversation_id}
    rows = await db.fetch(queries.MESSAGES_OF_CONVERSATION, {**scope, "limit": limit, "offset": offset})
    if not rows:
        await expect_conversation(db, organisation_id, conversation_id)
    return [_message(row) for row in rows]


async def messages_by_id(db: Database, organisation_id: UUID, conversation_id: UUID, ids: list[UUID]) -> list[Message]:
    """The named messages in the order in which they were said."""
    params = {"organisation_id": organisation_id, "conversation_id": conversation_id, "ids": ids}
    return [_message(row) for row in await db.fetch(queries.MESSAGES_BY_ID, params)]


async def deliveries(
    db: Database, organisation_id: UUID, agent_id: UUID, *, limit: int, offset: int, **wanted: UUID | str | None
) -> Page[Delivery]:
    """Calls of an agent's webhook, newest first; `wanted` may name a `conversation` and an `outcome`."""
    chosen = {name: value for name, value in wanted.items() if value is not None}
    where = " ".join(queries.WHERE_DELIVERIES[name] for name in chosen)
    params = {**chosen, "organisation_id": organisation_id, "agent_id": agent_id, "limit": limit, "offset": offset}
    rows = await db.fetch(queries.DELIVERIES.format(where=where), params)
    total = await _total(db, queries.COUNT_DELIVERIES.format(where=where), params, len(rows))
    return Page(total, [Delivery(**row) for row in rows])


async def expect_conversation(db: Database, organisation_id: UUID, conversation_id: UUID) -> None:
    params = {"organisation_id": organisation_id, "conversation_id": conversation_id}
    if not await db.fetch_one(queries.CONVERSATION_EXISTS, params):
        raise no_conversation()


def no_conversation() -> NotFound:
    return NotFound("there is no conversation with this id; GET /api/v1/conversations/ lists yours")


def stored_content(direction: str, author: str, content: object, message_id: UUID) -> Received | Outgoing:
    """The content of a message as its own type.

    What the business wrote in its WhatsApp app comes in by webhook too, so it is stored as received.
    """
    try:
        if direction == "in" or author == "phone_app":
            return received.load(content)
        return outgoing.load(content)
    except msgspec.ValidationError as error:
        # One row of an older version must not hide the conversation around it.
        log.warning("unreadable_content", message_id=str(message_id), error=str(error))
        return Received(type="unsupported")


async def _total(db: Database, query: str, params: dict[str, Any], found: int) -> int:
    """How many rows there are on all pages; a page that is not full says it without a count."""
    if found < params["limit"] and (found or not params["offset"]):
        return int(params["offset"]) + found
    row = await db.fetch_one(query, params)
    return int(row["total"]) if row else 0


def _conversation(row: Row) -> Conversation:
    own_routing = row["routing"] if row["routing_override"] else row["number_routing"]
    apart = {
        "contact": Person(
            id=row["contact_id"],
            name=row["contact_name"],
            phone=row["contact_phone"],
            username=row["contact_username"],
            bsuid=row["contact_bsuid"],
            opted_out_at=row["contact_opted_out"],
        ),
        "number": row["display_number"],
        "routing": "sandbox" if row["is_sandbox"] else own_routing,
        "last_message": _last_message(row) if row["message_id"] else None,
    }
    return Conversation(**{**_known(Conversation, row), **apart})


def _last_message(row: Row) -> LastMessage:
    return LastMessage(
        id=row["message_id"],
        direction=row["direction"],
        author=row["author"],
        type=row["type"],
        content=stored_content(row["direction"], row["author"], row["content"], row["message_id"]),
        created_at=row["message_created_at"],
    )


def _message(row: Row) -> Message:
    apart = {
        "content": stored_content(row["direction"], row["author"], row["content"], row["id"]),
        "files": msgspec.convert(row["files"], list[File]),
    }
    return Message(**{**_known(Message, row), **apart})


def _known(struct: type[msgspec.Struct], row: Row) -> dict[str, Any]:
    return {name: row[name] for name in struct.__struct_fields__ if name in row}
