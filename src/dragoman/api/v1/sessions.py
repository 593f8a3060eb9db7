"""Sessions of native agents, and what their models were used for."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from dragoman.agents.llm import usage
from dragoman.api.times import Day
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Shape
from dragoman.api.v1.routing import router
from dragoman.conversations import native

routes = router("Sessions and usage")


class Channel(Shape):
    type: Literal["whatsapp"] = "whatsapp"
    conversation_id: UUID
    contact_id: UUID


class Session(Shape):
    id: UUID
    agent_id: UUID
    channel: Channel
    created_at: datetime
    closed_at: datetime | None
    closed_reason: Literal["idle", "handed_over", "reset", "merged"] | None


@routes.get("/sessions/{session_id}/", summary="Read a session")
async def read_session(session_id: UUID, caller: Authenticated, services: Wired) -> Session:
    """One run of one agent with one person: what the model is told of the past begins with it."""
    row = await native.session(services, caller.organisation_id, session_id)
    channel = Channel(conversation_id=row["conversation_id"], contact_id=row["contact_id"])
    return Session(
        id=row["id"],
        agent_id=row["agent_id"],
        channel=channel,
        created_at=row["opened_at"],
        closed_at=row["closed_at"],
        closed_reason=row["closed_reason"],
    )


class Usage(Shape):
    day: date
    agent_id: UUID
    model: str
    purpose: str
    paid_by: Literal["organisation", "platform", "nobody"]
    generations: int
    prompt_tokens: int
    response_tokens: int
    cost: float | None


@routes.get("/usage/", summary="What models were used for")
async def read_usage(
    caller: Authenticated,
    services: Wired,
    agent: Annotated[UUID | None, Query(description="Only of this agent")] = None,
    since: Annotated[Day | None, Query(description="First day; 30 days ago when left out")] = None,
) -> list[Usage]:
    """Our addition. One row for each day, agent, model and purpose, newest first; cost in US dollars where the price is known."""
    rows = await usage.by_day(services.kit, caller.organisation_id, agent, since)
    return [Usage.model_validate(row) for row in rows]
