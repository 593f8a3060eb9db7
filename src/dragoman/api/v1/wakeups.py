"""What a native agent will do by itself: follow-ups it planned, and prompts that make it speak now."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response
from pydantic import Field

from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input, Shape
from dragoman.api.v1.paging import Page, Paged
from dragoman.api.v1.routing import router
from dragoman.conversations import later

routes = router("Conversations")


class PromptInput(Input):
    prompt: Annotated[str, Field(min_length=1, max_length=10_000, description="What the agent is to do or say now")]


class WakeUp(Shape):
    id: UUID
    at: datetime
    source: Literal["agent", "prompt", "handoff", "confirmation", "trigger"]
    instruction: str
    force_message: bool
    state: Literal["pending", "thinking", "said", "silent", "held", "cancelled", "failed"]
    cause: str | None = Field(description="Why it did not come to a message, in words")
    created_at: datetime
    ended_at: datetime | None


@routes.post("/conversations/{conversation_id}/prompt/", summary="Make the agent speak", status_code=202)
async def prompt(conversation_id: UUID, sent: PromptInput, caller: Authenticated, services: Wired) -> WakeUp:
    """The agent thinks about the prompt as an instruction of the business, and answers into the conversation."""
    return WakeUp.model_validate(await later.prompt(services, caller.organisation_id, conversation_id, sent.prompt))


@routes.get("/conversations/{conversation_id}/wakeups/", summary="List follow-ups")
async def list_wakeups(conversation_id: UUID, caller: Authenticated, services: Wired, paged: Paged) -> Page[WakeUp]:
    """Our addition: what was planned, newest first, and what became of it."""
    rows, total = await later.wakeups(services, caller.organisation_id, conversation_id, paged.limit, paged.offset)
    return paged.page([WakeUp.model_validate(row) for row in rows], total)


@routes.delete(
    "/conversations/{conversation_id}/wakeups/{wakeup_id}/", status_code=204, response_class=Response, summary="Cancel a follow-up"
)
async def cancel_wakeup(conversation_id: UUID, wakeup_id: UUID, caller: Authenticated, services: Wired) -> None:
    await later.cancel(services, caller.organisation_id, conversation_id, wakeup_id)
