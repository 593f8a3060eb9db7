"""Conversations as they are: listed, read, and what was said in them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from dragoman.api.times import Moment
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.conversation_shapes import Conversation
from dragoman.api.v1.message_shapes import Link, Message
from dragoman.api.v1.paging import Page, Paged
from dragoman.api.v1.routing import router
from dragoman.conversations import media, reading
from dragoman.conversations.reading import Filters
from dragoman.conversations.services import Services

routes = router("Conversations")

Ordering = Literal["last_message_time", "-last_message_time", "created_at", "-created_at", "updated_at", "-updated_at"]


def _filters(
    paged: Paged,
    agent: Annotated[UUID | None, Query(description="Only with this agent")] = None,
    contact: Annotated[UUID | None, Query(description="Only with this contact")] = None,
    number: Annotated[
        str | None, Query(alias="whatsappNumber", max_length=40, description="Only on numbers of yours that hold these digits")
    ] = None,
    status: Annotated[Literal["active", "closed"] | None, Query(description="active: the contact wrote within the last 24 hours")] = None,
    has_unread: Annotated[bool | None, Query(alias="hasUnread")] = None,
    after: Annotated[Moment | None, Query(alias="lastMessageAfter")] = None,
    before: Annotated[Moment | None, Query(alias="lastMessageBefore")] = None,
    ordering: Annotated[Ordering, Query(description="A leading - is newest first")] = "-last_message_time",
) -> Filters:
    return Filters(
        agent=agent,
        contact=contact,
        number=re.sub(r"[\s+()-]", "", number or "") or None,
        active=None if status is None else status == "active",
        unread=has_unread,
        after=_in_utc(after),
        before=_in_utc(before),
        ordering=ordering,
        limit=paged.limit,
        offset=paged.offset,
    )


@routes.get("/conversations/", summary="List conversations")
async def list_conversations(
    caller: Authenticated, services: Wired, paged: Paged, filters: Annotated[Filters, Depends(_filters)]
) -> Page[Conversation]:
    now = services.clock.now()
    found = await reading.conversations(services.db, caller.organisation_id, filters, now)
    return paged.page([Conversation.of(one, now) for one in found.items], found.total)


@routes.get("/conversations/{conversation_id}/", summary="Get a conversation")
async def get_conversation(conversation_id: UUID, caller: Authenticated, services: Wired) -> Conversation:
    return await shown(services, caller.organisation_id, conversation_id)


@routes.get("/conversations/{conversation_id}/messages/", summary="List messages")
async def list_messages(conversation_id: UUID, caller: Authenticated, services: Wired, paged: Paged) -> list[Message]:
    """Newest first."""
    link = media_links(services, caller.organisation_id)
    found = await reading.messages(services.db, caller.organisation_id, conversation_id, limit=paged.limit, offset=paged.offset)
    return [Message.of(message, link) for message in found]


async def shown(services: Services, organisation_id: UUID, conversation_id: UUID) -> Conversation:
    """The conversation as it is now: the answer of every route that changes one."""
    return Conversation.of(await reading.conversation(services.db, organisation_id, conversation_id), services.clock.now())


def media_links(services: Services, organisation_id: UUID) -> Link:
    return lambda media_id: media.link(services, organisation_id, media_id)


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
