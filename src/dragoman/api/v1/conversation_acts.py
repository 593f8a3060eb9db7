"""What a caller may do in a conversation: open it, write, mark as read, take over, hand back, choose who answers."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from dragoman.agents import records
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.conversation_shapes import Conversation
from dragoman.api.v1.conversations import media_links, shown
from dragoman.api.v1.message_inputs import EXAMPLES, SendMessageInput
from dragoman.api.v1.message_shapes import Message
from dragoman.api.v1.models import Input
from dragoman.api.v1.routing import router
from dragoman.conversations import ownership, presence, reading, sending
from dragoman.conversations.contacts import digits
from dragoman.conversations.services import Services
from dragoman.errors import Invalid

routes = router("Conversations")

PhoneNumber = Annotated[str | None, Field(max_length=40, description="With its country code")]
LONGEST_TAKEOVER = 60 * 24 * 30


class OpenConversationInput(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"toNumber": "+15550007890"}, {"toNumber": "+15550007890", "message": EXAMPLES[-1]}]}
    )

    to_number: PhoneNumber = None
    from_number: Annotated[PhoneNumber, Field(description="The number of yours that writes; needed when you have several")] = None
    agent_id: Annotated[UUID | None, Field(description="Who answers; else as the number says")] = None
    message: Annotated[SendMessageInput | None, Field(description="Said at once; a template, unless the contact wrote within 24 hours")] = (
        None
    )
    phone_number: Annotated[PhoneNumber, Field(json_schema_extra={"deprecated": True}, description="Older name of toNumber")] = None


class TakeOverInput(Input):
    duration_minutes: Annotated[
        int | None, Field(ge=1, le=LONGEST_TAKEOVER, description="The agent comes back after that; null waits for handback")
    ] = None


class RoutingInput(Input):
    mode: Annotated[Literal["agent", "webhook", "sandbox"] | None, Field(description="null stores messages and answers none")]
    agent_id: Annotated[UUID | None, Field(description="With mode agent: who answers; else the conversation's or the number's agent")] = (
        None
    )
    webhook_id: Annotated[UUID | None, Field(description="With mode webhook only")] = None


@routes.post("/conversations/", status_code=201, summary="Open a conversation")
async def open_conversation(new: OpenConversationInput, caller: Authenticated, services: Wired) -> Conversation:
    """The conversation with this contact on this number; one that exists is opened again."""
    to = new.to_number or new.phone_number
    if to is None:
        raise Invalid("toNumber is missing", field="toNumber")
    content = new.message.content("message.") if new.message else None
    to = digits(to, "toNumber" if new.to_number else "phoneNumber")
    conversation_id = await sending.open_conversation(services, caller.organisation_id, to, new.from_number, new.agent_id)
    if new.message and content:
        await sending.send(services, caller.organisation_id, conversation_id, content, new.message.type)
    return await shown(services, caller.organisation_id, conversation_id)


@routes.post("/conversations/{conversation_id}/messages/", status_code=201, summary="Send a message")
async def send_message(conversation_id: UUID, new: SendMessageInput, caller: Authenticated, services: Wired) -> Message:
    """Stored for sure when this answers, and sent in order after what is waiting already. `delivery` tells how far it came."""
    message = await sending.send(services, caller.organisation_id, conversation_id, new.content(), new.type)
    return Message.of(message, media_links(services, caller.organisation_id))


@routes.post("/conversations/{conversation_id}/read/", summary="Mark as read")
async def mark_read(conversation_id: UUID, caller: Authenticated, services: Wired) -> Conversation:
    """The contact sees blue ticks on the last message."""
    await presence.mark_read(services, caller.organisation_id, conversation_id, typing=False)
    return await shown(services, caller.organisation_id, conversation_id)


@routes.post("/conversations/{conversation_id}/typing/", summary="Show the typing indicator")
async def show_typing(conversation_id: UUID, caller: Authenticated, services: Wired) -> Conversation:
    """For 25 seconds or until the next message; the last message is marked as read too."""
    await presence.mark_read(services, caller.organisation_id, conversation_id, typing=True)
    return await shown(services, caller.organisation_id, conversation_id)


@routes.post("/conversations/{conversation_id}/takeover/", summary="Take over from the agent")
async def take_over(conversation_id: UUID, caller: Authenticated, services: Wired, wanted: TakeOverInput | None = None) -> Conversation:
    """The agent is paused, and what it is thinking about is not sent."""
    minutes = wanted.duration_minutes if wanted else None
    await ownership.take_over(services, caller.organisation_id, conversation_id, minutes)
    return await shown(services, caller.organisation_id, conversation_id)


@routes.post("/conversations/{conversation_id}/handback/", summary="Hand back to the agent")
async def hand_back(conversation_id: UUID, caller: Authenticated, services: Wired) -> Conversation:
    await ownership.hand_back(services, caller.organisation_id, conversation_id)
    return await shown(services, caller.organisation_id, conversation_id)


@routes.post("/conversations/{conversation_id}/routing/", summary="Choose who answers")
async def set_routing(conversation_id: UUID, wanted: RoutingInput, caller: Authenticated, services: Wired) -> Conversation:
    """Overrides what the number says, for this conversation."""
    agent_id = await _agent_for(wanted, services, caller.organisation_id, conversation_id)
    await ownership.route(services, caller.organisation_id, conversation_id, wanted.mode, agent_id)
    return await shown(services, caller.organisation_id, conversation_id)


async def _agent_for(wanted: RoutingInput, services: Services, organisation_id: UUID, conversation_id: UUID) -> UUID | None:
    conversation = await reading.conversation(services.db, organisation_id, conversation_id)
    if conversation.is_sandbox or wanted.mode == "sandbox":
        raise Invalid("the routing of the sandbox cannot be changed; send /connect:<agent id> to it instead", field="mode")
    if wanted.mode == "webhook":
        problem = "there is no webhook with this id" if wanted.webhook_id else "webhookId is missing; mode webhook needs it"
        raise Invalid(problem, field="webhookId")
    if wanted.webhook_id:
        raise Invalid("webhookId belongs to mode webhook only", field="webhookId")
    if wanted.mode is None:
        if wanted.agent_id:
            raise Invalid("agentId belongs to mode agent only", field="agentId")
        return None
    agent_id = wanted.agent_id or conversation.agent_id
    if agent_id is None:
        raise Invalid("agentId is missing; no agent is connected here", field="agentId")
    return (await records.get(services.db, organisation_id, agent_id)).id
