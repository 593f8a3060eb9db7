"""Calls that wait for somebody's word, and a person's answer to them. A customer answers by a button: see `agents.llm.confirming`."""

from uuid import UUID

from dragoman.agents.llm import queries
from dragoman.agents.llm.journal import CONFIRM, DECLINE, HELD_FOR
from dragoman.conversations import later, ownership, policy, reading
from dragoman.conversations.later_queries import ASKABLE
from dragoman.conversations.services import Services
from dragoman.errors import Conflict, NotFound
from dragoman.store.database import Row


async def held(services: Services, organisation_id: UUID, conversation_id: UUID) -> list[Row]:
    await reading.expect_conversation(services.db, organisation_id, conversation_id)
    scope = {"organisation_id": organisation_id, "conversation_id": conversation_id}
    return await services.db.fetch(queries.HELD, {**scope, "since": services.clock.now() - HELD_FOR})


async def decide(services: Services, organisation_id: UUID, conversation_id: UUID, call_id: UUID, approve: bool) -> None:
    """A person agrees or not. The thread goes back to the agent, which makes the call and tells the customer.

    Raises NotFound, and Conflict when the word comes second or the agent cannot act on it any more.
    """
    waiting = await held(services, organisation_id, conversation_id)
    call = next((row for row in waiting if row["id"] == call_id and row["asked"] == "person"), None)
    if call is None:
        raise NotFound("there is no such call that waits for a person")
    await _expect_agent(services, organisation_id, conversation_id, call["agent_id"])
    await ownership.hand_back(services, organisation_id, conversation_id)
    word = f"{CONFIRM if approve else DECLINE}{call_id}\nA person of the business {'agreed' if approve else 'did not agree'}. Tell the customer."
    planned = await later.plan(
        services,
        organisation_id,
        conversation_id,
        call["agent_id"],
        services.clock.now(),
        word,
        source="confirmation",
        key=f"confirmation {call_id}",
    )
    if planned is None:
        raise Conflict("somebody has decided about this call already", code="decided")


async def _expect_agent(services: Services, organisation_id: UUID, conversation_id: UUID, agent_id: UUID) -> None:
    """The agent that asked can still make the call and speak to the customer."""
    row = await services.db.fetch_one(ASKABLE, {"organisation_id": organisation_id, "conversation_id": conversation_id})
    if row is None or row["agent_id"] != agent_id or row["kind"] != "llm":
        raise Conflict("the agent that asked does not answer in this conversation any more", code="not_with_agent")
    if row["opted_out_at"] is not None:
        raise Conflict("this person asked not to be written to (STOP)", code="opted_out")
    if not policy.window_open(row["window_until"], services.clock.now()):
        raise Conflict("the customer wrote last more than 24 hours ago, so the agent cannot tell him what came of it", code="window_closed")
