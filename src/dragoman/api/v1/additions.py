"""Dragoman's own additions: the flight recorder of a conversation, and what an agent's webhook was asked and said."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from pydantic import Field
from pydantic.alias_generators import to_camel

from dragoman.agents import records
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.conversation_shapes import Delivery, Outcome
from dragoman.api.v1.models import Shape
from dragoman.api.v1.paging import LARGEST_OFFSET, Page, Paged
from dragoman.api.v1.routing import router
from dragoman.conversations import reading, timeline, turn
from dragoman.errors import Conflict

routes = router("Dragoman's additions")


class Entry(Shape):
    at: datetime
    kind: Literal[
        "message_received",
        "message_written",
        "media",
        "turn_opened",
        "agent_called",
        "turn_closed",
        "send_attempt",
        "status",
        "owner_changed",
        "model_asked",
        "tool_called",
        "happening",
    ]
    summary: str = Field(description="What happened, in a sentence")
    cause: str | None = Field(description="What went wrong and what to do; null when nothing did")
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: timeline.Entry) -> "Entry":
        details = {to_camel(name): value for name, value in entry.details.items()}
        return cls(at=entry.at, kind=entry.kind, summary=entry.summary, cause=entry.cause, details=details)


class Timeline(Shape):
    conversation_id: UUID
    entries: list[Entry] = Field(description="Oldest first")
    earlier: str | None = Field(description="Where to read what came before; null at the beginning")


@routes.get("/conversations/{conversation_id}/timeline/", summary="What happened in a conversation")
async def read_timeline(
    conversation_id: UUID,
    caller: Authenticated,
    services: Wired,
    limit: Annotated[int, Query(ge=1, le=500, description="How many messages, with all that happened around them")] = 100,
    before: Annotated[int | None, Query(ge=0, le=LARGEST_OFFSET, description="Only what came before this message number")] = None,
) -> Timeline:
    """Every message, call of the agent, attempt to send and status, in order and in plain words."""
    told = await timeline.tell(services.db, caller.organisation_id, conversation_id, limit=limit, before=before)
    address = f"{services.settings.public_url}/api/v1/conversations/{conversation_id}/timeline/"
    earlier = f"{address}?{urlencode({'limit': limit, 'before': told.earlier})}" if told.earlier is not None else None
    return Timeline(conversation_id=conversation_id, entries=[Entry.of(entry) for entry in told.entries], earlier=earlier)


@routes.get("/agents/{agent_id}/deliveries/", summary="List calls of an agent's webhook")
async def list_deliveries(
    agent_id: UUID,
    caller: Authenticated,
    services: Wired,
    paged: Paged,
    outcome: Outcome | None = None,
    conversation: UUID | None = None,
) -> Page[Delivery]:
    """Newest first."""
    agent = await records.get(services.db, caller.organisation_id, agent_id)
    found = await reading.deliveries(
        services.db, caller.organisation_id, agent.id, limit=paged.limit, offset=paged.offset, outcome=outcome, conversation=conversation
    )
    return paged.page([Delivery.of(delivery) for delivery in found.items], found.total)


class Replay(Shape):
    turn_id: UUID = Field(description="The new turn; its calls are listed among the agent's deliveries")


@routes.post("/agents/{agent_id}/deliveries/{delivery_id}/replay/", status_code=202, summary="Ask an agent again")
async def replay_delivery(agent_id: UUID, delivery_id: UUID, caller: Authenticated, services: Wired) -> Replay:
    """The messages of that delivery go to the agent once more, as a turn of its own; what it answers is sent to the customer."""
    return Replay(turn_id=await turn.replay(services, caller.organisation_id, agent_id, delivery_id))


class TestResult(Shape):
    """What the agent made of the test; nothing of it reaches a customer."""

    delivery_id: UUID
    outcome: Outcome
    status: int | None
    duration_ms: float
    response_head: str | None = Field(description="What the agent said, its first 2 KB")
    cause: str | None = Field(description="What went wrong, in plain words")


@routes.post("/agents/{agent_id}/test/", summary="Send a signed test event")
async def send_test(agent_id: UUID, caller: Authenticated, services: Wired) -> TestResult:
    agent = await records.get(services.db, caller.organisation_id, agent_id)
    if agent.webhook_url is None:
        raise Conflict("this agent has no webhook to test; give it one first", code="agent_not_ready")
    test = await turn.send_test(services, agent)
    found = test.outcome
    return TestResult(
        delivery_id=test.delivery_id,
        outcome=found.kind,
        status=found.status,
        duration_ms=found.duration_ms,
        response_head=found.head,
        cause=found.cause,
    )
