"""What a customer has paid and may spend with an agent."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field

from dragoman.agents.relations import records
from dragoman.api.times import MomentInZone
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input, Shape
from dragoman.api.v1.routing import router
from dragoman.ids import new_id

routes = router("Paywall and credits")


class PaidInput(Input):
    paid: Annotated[bool, Field(strict=True)]
    until: Annotated[MomentInZone | None, Field(description="null is for ever")] = None


class GrantInput(Input):
    amount: Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000, description="Less than 0 takes credits away")]
    reason: Annotated[str, Field(min_length=1, max_length=200)] = "granted through the API"


class LedgerEntry(Shape):
    id: UUID
    delta: int
    reason: str
    turn_id: UUID | None
    at: datetime


class Account(Shape):
    balance: int
    ledger: list[LedgerEntry] = Field(description="The newest 100 entries, newest first")


@routes.post(
    "/agents/{agent_id}/paywall/{contact_id}/", status_code=204, response_class=Response, summary="Say whether a customer has paid"
)
async def set_paid(agent_id: UUID, contact_id: UUID, sent: PaidInput, caller: Authenticated, services: Wired) -> None:
    """Our addition: your shop calls this after a payment, with the `{user_id}` from its link as the contact's id."""
    await records.let_through(services.kit, caller.organisation_id, agent_id, contact_id, sent.paid, sent.until)


@routes.get("/agents/{agent_id}/credits/{contact_id}/", summary="Read a customer's credits")
async def read_credits(agent_id: UUID, contact_id: UUID, caller: Authenticated, services: Wired) -> Account:
    """Our addition: how many are left, and what became of the others."""
    left, ledger = await records.account(services.kit, caller.organisation_id, agent_id, contact_id)
    return Account(balance=left, ledger=[LedgerEntry.model_validate(row) for row in ledger])


@routes.post("/agents/{agent_id}/credits/{contact_id}/", summary="Give a customer credits")
async def grant_credits(agent_id: UUID, contact_id: UUID, sent: GrantInput, caller: Authenticated, services: Wired) -> Account:
    await records.account(services.kit, caller.organisation_id, agent_id, contact_id)
    await records.move(services.kit, caller.organisation_id, agent_id, contact_id, sent.amount, sent.reason, f"api {new_id()}")
    return await read_credits(agent_id, contact_id, caller, services)
