"""Calls of a native agent's tools that wait for somebody of the business."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input, Shape
from dragoman.api.v1.routing import router
from dragoman.conversations import confirmations

routes = router("Conversations")


class Confirmation(Shape):
    id: UUID
    tool: str
    args: dict[str, Any]
    asked: Literal["customer", "person"]
    created_at: datetime


class DecisionInput(Input):
    approve: Annotated[bool, Field(strict=True)]


@routes.get("/conversations/{conversation_id}/confirmations/", summary="List calls that wait for a confirmation")
async def list_confirmations(conversation_id: UUID, caller: Authenticated, services: Wired) -> list[Confirmation]:
    """Our addition: for 24 hours. The customer's own are answered by his button, the others by the next call."""
    rows = await confirmations.held(services, caller.organisation_id, conversation_id)
    return [
        Confirmation(id=row["id"], tool=row["tool"], args=row["args"], asked=row["asked"], created_at=row["started_at"]) for row in rows
    ]


@routes.post("/conversations/{conversation_id}/confirmations/{call_id}/", status_code=202, summary="Agree to a call, or not")
async def decide(conversation_id: UUID, call_id: UUID, sent: DecisionInput, caller: Authenticated, services: Wired) -> dict[str, bool]:
    """Our addition. The thread goes back to the agent, which makes the call if you agree and tells the customer."""
    await confirmations.decide(services, caller.organisation_id, conversation_id, call_id, sent.approve)
    return {"approved": sent.approve}
