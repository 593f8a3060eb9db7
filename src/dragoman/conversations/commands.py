"""Commands that a person types to a sandbox number: `/connect:<agent id>` puts that agent on the conversation."""

from typing import Any
from uuid import UUID

from dragoman.agents import records
from dragoman.conversations import outbox, ownership
from dragoman.conversations.services import Services
from dragoman.errors import NotFound
from dragoman.whatsapp.content import Text
from dragoman.whatsapp.events import Received

CONNECT = "/connect:"


def is_command(content: Received) -> bool:
    return content.type == "text" and content.text.startswith(CONNECT)


async def obey(services: Services, organisation_id: UUID, conversation_id: UUID, text: str) -> None:
    """Connect the conversation and say so to the person; an agent of another organisation does not exist here."""
    agent = await _agent(services, organisation_id, text.removeprefix(CONNECT).strip())
    if agent is None:
        answer = "There is no agent with this id here. Copy the connect link of the agent again."
    else:
        await ownership.route(services, organisation_id, conversation_id, "agent", agent.id)
        answer = agent.first_message or f"You are connected to {agent.name}. Say something!"
    await outbox.say(services, organisation_id, conversation_id, [Text(body=answer)], author="system")


async def _agent(services: Services, organisation_id: UUID, text: str) -> Any:
    try:
        return await records.get(services.db, organisation_id, UUID(text))
    except (ValueError, NotFound):
        return None
