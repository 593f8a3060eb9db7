"""An agent's icebreakers as WhatsApp's own: what is offered to somebody who opens the chat for the first time."""

from uuid import UUID

import structlog

from dragoman.accounts import numbers
from dragoman.agents import records
from dragoman.conversations.services import Services
from dragoman.errors import NotFound

log = structlog.get_logger()


async def publish(services: Services, organisation_id: UUID, agent_id: UUID) -> None:
    """Set them on every number of the agent's. WhatsApp not answering is no failure of what was asked: the next change sets them again."""
    agent = await records.get(services.db, organisation_id, agent_id)
    for number in await numbers.listing(services.db, organisation_id):
        if number.agent_id == agent_id:
            await _set(services, organisation_id, number.phone_number_id, agent.icebreakers)


async def _set(services: Services, organisation_id: UUID, phone_number_id: str, prompts: list[str]) -> None:
    try:
        token = await numbers.token(services.db, services.vault, organisation_id, phone_number_id)
    except NotFound:
        return
    if not await services.graph.set_icebreakers(phone_number_id, token, prompts):
        log.warning("icebreakers could not be set", phone_number_id=phone_number_id)
