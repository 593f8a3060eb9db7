"""Who holds the thread: the agent, a person, the phone app, a webhook, or nobody.

Each change of hands raises the conversation's epoch. What was begun under an older epoch (a turn, a callback token, a
reply still in the outbox) ends with it and says why; `journal.record` and `outbox.speak` compare epochs in the same
statement that would make a reply.
"""

from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dragoman.conversations import ownership_queries as queries
from dragoman.conversations.services import Services
from dragoman.errors import NotFound
from dragoman.store.database import Connection, Row

# How long the agent stays quiet after somebody of the business wrote from the WhatsApp Business app.
PHONE_APP_PAUSE = timedelta(hours=12)


async def take_over(
    services: Services, organisation_id: UUID, conversation_id: UUID, minutes: int | None = None, *, within: Connection | None = None
) -> None:
    """A person takes the thread, for `minutes` or until it is handed back."""
    until = services.clock.now() + timedelta(minutes=minutes) if minutes is not None else None
    reason = "a person took the conversation over"
    await _change(services, queries.TAKE_OVER, organisation_id, reason, within=within, conversation_id=conversation_id, until=until)


async def hand_back(services: Services, organisation_id: UUID, conversation_id: UUID, *, if_due: bool = False) -> None:
    """The thread goes back to whom its routing names; with `if_due` only when the take-over has run out."""
    reason = "the take-over ran out" if if_due else "the conversation was handed back"
    await _change(services, queries.HAND_BACK, organisation_id, reason, conversation_id=conversation_id, if_due=if_due)


async def phone_spoke(services: Services, organisation_id: UUID, conversation_id: UUID, at: datetime | None = None) -> None:
    """Somebody answered from the WhatsApp Business app, now or then: the agent keeps quiet for a while."""
    params = {
        "organisation_id": organisation_id,
        "conversation_id": conversation_id,
        "until": (at or services.clock.now()) + PHONE_APP_PAUSE,
        "reason": "somebody answered from the WhatsApp Business app",
        "now": services.clock.now(),
    }
    await change(services, queries.PHONE_SPOKE, params)


async def route(
    services: Services,
    organisation_id: UUID,
    conversation_id: UUID,
    mode: str | None,
    agent_id: UUID | None,
    *,
    within: Connection | None = None,
) -> None:
    """Give one conversation its own routing: `mode` is 'agent' (with an agent), 'webhook', or None to only store."""
    reason = "the conversation was connected to another agent" if agent_id else "the conversation was disconnected from its agent"
    whom = {"conversation_id": conversation_id, "mode": mode, "agent_id": agent_id}
    await _change(services, queries.ROUTE, organisation_id, reason, within=within, **whom)


async def route_number(
    services: Services,
    organisation_id: UUID,
    number_id: UUID,
    agent_id: UUID | None,
    apply_to_existing: bool = True,
    *,
    within: Connection | None = None,
) -> None:
    """Let `agent_id` answer on a number from now on (None: nobody), in its existing conversations too if so asked."""
    reason = "the number was connected to another agent" if agent_id else "the number was disconnected from its agent"
    whom = {"number_id": number_id, "agent_id": agent_id, "apply": apply_to_existing}
    await _change(services, queries.ROUTE_NUMBER, organisation_id, reason, within=within, **whom)


async def retire_agent(services: Services, organisation_id: UUID, agent_id: UUID) -> None:
    """Delete an agent: it stops answering at once, on its numbers and in every conversation; what was said is kept."""
    await _change(services, queries.RETIRE_AGENT, organisation_id, "the agent was deleted", retired_id=agent_id, agent_id=None)


async def _change(
    services: Services, query: str, organisation_id: UUID, reason: str, *, within: Connection | None = None, **params: Any
) -> None:
    values = {"organisation_id": organisation_id, "reason": reason, "now": services.clock.now(), **params}
    if await change(services, query, values, within=within) is None:
        raise NotFound("there is no such " + ("number" if "number_id" in params else "agent" if "retired_id" in params else "conversation"))


async def change(services: Services, query: str, values: dict[str, Any], *, within: Connection | None = None) -> Row | None:
    """Give threads a new owner by one of this module's queries, and end what their agents had begun; the row of the first, if any."""
    async with nullcontext(within) if within else services.db.transaction() as connection:
        row = await (await connection.execute(query, values)).fetchone()
        if row is not None and row["taken"]:
            await connection.execute(queries.END, {**values, "taken": row["taken"]})
    return row
