"""Calls that wait for somebody's word, and a person's answer to them. A customer answers by a button: see `agents.llm.confirming`."""

from uuid import UUID

from dragoman.agents.llm import queries
from dragoman.agents.llm.journal import CONFIRM, DECLINE, HELD_FOR
from dragoman.conversations import later, ownership, reading
from dragoman.conversations.services import Services
from dragoman.errors import NotFound
from dragoman.store.database import Row


async def held(services: Services, organisation_id: UUID, conversation_id: UUID) -> list[Row]:
    await reading.expect_conversation(services.db, organisation_id, conversation_id)
    scope = {"organisation_id": organisation_id, "conversation_id": conversation_id}
    return await services.db.fetch(queries.HELD, {**scope, "since": services.clock.now() - HELD_FOR})


async def decide(services: Services, organisation_id: UUID, conversation_id: UUID, call_id: UUID, approve: bool) -> None:
    """A person agrees or not. The thread goes back to the agent, which makes the call and tells the customer. Raises NotFound."""
    waiting = await held(services, organisation_id, conversation_id)
    call = next((row for row in waiting if row["id"] == call_id and row["asked"] == "person"), None)
    if call is None:
        raise NotFound("there is no such call that waits for a person")
    await ownership.hand_back(services, organisation_id, conversation_id)
    conversation = await reading.conversation(services.db, organisation_id, conversation_id)
    if conversation.agent_id is None:
        raise NotFound("the conversation has no agent any more")
    word = f"{CONFIRM if approve else DECLINE}{call_id}\nA person of the business {'agreed' if approve else 'did not agree'}. Tell the customer."
    await later.plan(
        services,
        organisation_id,
        conversation_id,
        conversation.agent_id,
        services.clock.now(),
        word,
        source="confirmation",
        key=f"confirmation {call_id}",
    )
