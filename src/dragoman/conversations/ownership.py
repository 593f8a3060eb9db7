"""Who speaks next in a thread. Every change of hands adds one to the thread's epoch, and what was made under an older epoch is discarded."""

from uuid import UUID

from dragoman.conversations import ownership_queries as queries
from dragoman.conversations.services import Services
from dragoman.errors import NotFound

CONNECTED = "the number was connected to another agent"
DISCONNECTED = "the number was disconnected from its agent"
RETIRED = "the agent was deleted"


async def route_number(services: Services, organisation_id: UUID, number_id: UUID, agent_id: UUID | None, apply_to_existing: bool) -> None:
    """Let `agent_id` answer on a number from now on (None: nobody), in its existing conversations too if so asked.

    A conversation that the agent already answers in is left as it is. Raises NotFound when the number is not the organisation's.
    """
    values = {
        "organisation_id": organisation_id,
        "number_id": number_id,
        "from_agent": None,
        "agent_id": agent_id,
        "cause": CONNECTED if agent_id else DISCONNECTED,
        "now": services.clock.now(),
    }
    async with services.db.transaction() as connection:
        if not await (await connection.execute(queries.ROUTE_NUMBER, values)).fetchone():
            raise NotFound(f"there is no number {number_id}")
        if apply_to_existing:
            await connection.execute(queries.ROUTE_CONVERSATIONS, values)


async def retire_agent(services: Services, organisation_id: UUID, agent_id: UUID) -> None:
    """Delete an agent: it stops answering at once, on its numbers and in every conversation; what was said is kept."""
    values = {
        "organisation_id": organisation_id,
        "number_id": None,
        "from_agent": agent_id,
        "agent_id": None,
        "cause": RETIRED,
        "now": services.clock.now(),
    }
    async with services.db.transaction() as connection:
        if not await (await connection.execute(queries.RETIRE_AGENT, values)).fetchone():
            raise NotFound(f"there is no agent {agent_id}")
        await connection.execute(queries.RELEASE_NUMBERS, values)
        await connection.execute(queries.ROUTE_CONVERSATIONS, values)
