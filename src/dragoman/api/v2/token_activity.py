"""Token activity: what models were used for, one row for each answer of one, and the totals."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field

from dragoman.agents import records
from dragoman.agents.llm import usage
from dragoman.api.times import Day
from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.envelope import Got, got
from dragoman.api.v2.models import Shape
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router
from dragoman.conversations.services import Services
from dragoman.errors import NotFound

routes = router("Token activity")

OfAssistant = Annotated[int | None, Query(ge=1, le=2**62, description="Only of this assistant")]
Since = Annotated[Day | None, Query(description="First day, YYYY-MM-DD; 30 days ago when left out")]
Billing = Literal["contactswing", "own", "none"]


class TokenActivity(Shape):
    id: UUID
    assistant_id: str
    type: Literal["WHATSAPP"] = "WHATSAPP"
    classification: str = Field(description="What it was for: answer, summary, transcription, speech, image, test")
    model: str
    prompt_tokens: int
    response_tokens: int
    cost: float | None = Field(description="US dollars, where the price is known")
    billing_type: Billing = Field(description="`contactswing`: the server's key paid; `own`: yours; `none`: a model without a price")
    conversation_id: UUID | None
    created_at: datetime


class TokenTotals(Shape):
    generations: int
    prompt_tokens: int
    response_tokens: int
    cost: float = Field(description="US dollars, of those with a known price")


_BILLING: dict[str, Billing] = {"platform": "contactswing", "organisation": "own", "nobody": "none"}


@routes.get("/_token_activity", summary="List token activity")
async def list_token_activity(
    caller: Authenticated, services: Wired, paged: Paged, assistant_id: OfAssistant = None, since: Since = None
) -> Got[Listed[TokenActivity]]:
    """Newest first. What was said is in the conversation, not here."""
    agent_id = await _agent(services, caller.organisation_id, assistant_id)
    rows, total = await usage.listing(services.kit, caller.organisation_id, agent_id, since, paged.limit, paged.offset)
    return paged.listed([_shown(row) for row in rows], total)


@routes.get("/_token_activity/totals", summary="Sum token activity up")
async def sum_token_activity(
    caller: Authenticated, services: Wired, assistant_id: OfAssistant = None, since: Since = None
) -> Got[TokenTotals]:
    agent_id = await _agent(services, caller.organisation_id, assistant_id)
    return got(TokenTotals(**await usage.totals(services.kit, caller.organisation_id, agent_id, since)))


async def _agent(services: Services, organisation_id: UUID, assistant_id: int | None) -> UUID | None:
    if assistant_id is None:
        return None
    try:
        return (await records.by_number(services.db, organisation_id, assistant_id)).id
    except NotFound:
        raise NotFound("there is no assistant with this id") from None


def _shown(row: dict[str, Any]) -> TokenActivity:
    same = ("id", "model", "prompt_tokens", "response_tokens", "cost", "conversation_id", "created_at")
    return TokenActivity(
        assistant_id=str(row["agent_number"]),
        classification=row["purpose"],
        billing_type=_BILLING[row["paid_by"]],
        **{name: row[name] for name in same},
    )
