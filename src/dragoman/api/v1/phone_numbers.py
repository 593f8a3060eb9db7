"""Phone numbers, and who answers on them."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field

from dragoman.accounts import numbers
from dragoman.accounts.numbers import Number
from dragoman.agents import records
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input
from dragoman.api.v1.routing import router
from dragoman.api.v1.shapes import PhoneNumber
from dragoman.conversations import icebreakers, ownership
from dragoman.conversations.services import Services

routes = router("Phone numbers")

Digits = Annotated[str, Path(description="The number with its country code, as digits; a leading + does no harm")]


class DisconnectInput(Input):
    apply_to_existing: Annotated[bool, Field(strict=True, description="Also change the number's existing conversations")] = True


class ConnectAgentInput(DisconnectInput):
    agent_id: UUID


@routes.get("/phone-numbers/", summary="List phone numbers")
async def list_numbers(caller: Authenticated, services: Wired) -> list[PhoneNumber]:
    found = await numbers.listing(services.db, caller.organisation_id)
    agents = await records.some(services.db, caller.organisation_id, {n.agent_id for n in found if n.agent_id})
    return [PhoneNumber.of(number, agents.get(number.agent_id) if number.agent_id else None) for number in found]


@routes.get("/phone-numbers/{number}/", summary="Read a phone number")
async def read_number(number: Digits, caller: Authenticated, services: Wired) -> PhoneNumber:
    return await _show(services, await numbers.by_digits(services.db, caller.organisation_id, number))


@routes.post("/phone-numbers/{number}/connect-agent/", summary="Let an agent answer on a number")
async def connect_agent(number: Digits, sent: ConnectAgentInput, caller: Authenticated, services: Wired) -> PhoneNumber:
    """The agent answers from now on. Existing conversations start afresh with it, unless `applyToExisting` is false."""
    found = await numbers.by_digits(services.db, caller.organisation_id, number)
    agent = await records.get(services.db, caller.organisation_id, sent.agent_id)
    shown = await _route(services, found, agent.id, sent.apply_to_existing)
    if agent.icebreakers:  # an agent that has none leaves alone what was set at WhatsApp by hand
        await icebreakers.publish(services, caller.organisation_id, agent.id)
    return shown


@routes.post("/phone-numbers/{number}/unsubscribe/", summary="Let nobody answer on a number")
async def unsubscribe(number: Digits, caller: Authenticated, services: Wired, sent: DisconnectInput | None = None) -> PhoneNumber:
    """Messages are still received and kept."""
    found = await numbers.by_digits(services.db, caller.organisation_id, number)
    return await _route(services, found, None, (sent or DisconnectInput()).apply_to_existing)


async def _route(services: Services, number: Number, agent_id: UUID | None, apply_to_existing: bool) -> PhoneNumber:
    await ownership.route_number(services, number.organisation_id, number.id, agent_id, apply_to_existing)
    return await _show(services, await numbers.get(services.db, number.organisation_id, number.id))


async def _show(services: Services, number: Number) -> PhoneNumber:
    agent = await records.get(services.db, number.organisation_id, number.agent_id) if number.agent_id else None
    return PhoneNumber.of(number, agent)
