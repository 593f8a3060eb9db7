"""What native agents remember about a contact: our addition, so that what an agent believes can be seen and put right."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field

from dragoman.agents.memory import records
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input, Shape
from dragoman.api.v1.paging import Page, Paged
from dragoman.api.v1.routing import router

routes = router("Contacts")

By = Literal["agent", "api"]


class Memory(Shape):
    id: Annotated[UUID, Field(description="Of the memory key")]
    agent_id: UUID
    key: str
    type: Literal["string", "number", "boolean", "json"]
    value: Annotated[Any, Field(description="Of the key's type; null where there is neither a value nor an initial one")]
    initial_value: Annotated[str, Field(description="As text, as on the agent")]
    by: Annotated[By | None, Field(description="Who wrote the value; null while it is the initial one")]
    updated_at: datetime | None

    @classmethod
    def of(cls, memory: records.Memory) -> "Memory":
        return cls(
            id=memory.id,
            agent_id=memory.agent_id,
            key=memory.config.key,
            type=memory.config.type,
            value=memory.value,
            initial_value=memory.config.initial_value,
            by=memory.author,
            updated_at=memory.updated_at,
        )


class MemoryChange(Shape):
    id: UUID
    old: Annotated[Any, Field(description="null: the initial value counted until then")]
    new: Annotated[Any, Field(description="null: back to the initial value")]
    by: By
    turn_id: Annotated[UUID | None, Field(description="The agent's turn in which it was written")]
    message_id: Annotated[UUID | None, Field(description="The customer's message that the turn was about, the last of them")]
    at: datetime

    @classmethod
    def of(cls, change: records.Change) -> "MemoryChange":
        return cls(
            id=change.id,
            old=change.old,
            new=change.new,
            by=change.author,
            turn_id=change.turn_id,
            message_id=change.message_id,
            at=change.at,
        )


class WriteMemoryInput(Input):
    value: Annotated[Any, Field(description="Of the key's type, at most 4 KB as JSON", examples=["rye"])]


@routes.get("/contacts/{contact_id}/memory/", summary="What agents remember about a contact")
async def list_memory(
    contact_id: UUID,
    caller: Authenticated,
    services: Wired,
    paged: Paged,
    agent: Annotated[UUID | None, Query(description="Only this agent's keys")] = None,
) -> Page[Memory]:
    """The memory keys of all your agents, each with its value for this contact."""
    found, total = await records.listing(
        services.db, caller.organisation_id, contact_id, agent=agent, limit=paged.limit, offset=paged.offset
    )
    return paged.page([Memory.of(memory) for memory in found], total)


@routes.put("/contacts/{contact_id}/memory/{memory_key_id}/", summary="Write what an agent remembers")
async def write_memory(contact_id: UUID, memory_key_id: UUID, new: WriteMemoryInput, caller: Authenticated, services: Wired) -> Memory:
    """The agent knows it from its next turn on."""
    return Memory.of(await records.write(services.db, services.clock, caller.organisation_id, contact_id, memory_key_id, new.value))


@routes.delete("/contacts/{contact_id}/memory/{memory_key_id}/", status_code=204, summary="Forget what an agent remembers")
async def forget_memory(contact_id: UUID, memory_key_id: UUID, caller: Authenticated, services: Wired) -> None:
    """The key's initial value counts again. The history stays."""
    await records.forget(services.db, services.clock, caller.organisation_id, contact_id, memory_key_id)


@routes.get("/contacts/{contact_id}/memory/{memory_key_id}/history/", summary="How a memory came to be")
async def list_memory_history(
    contact_id: UUID, memory_key_id: UUID, caller: Authenticated, services: Wired, paged: Paged
) -> Page[MemoryChange]:
    """Newest first. Taking the key from its agent deletes its values and their history."""
    found, total = await records.history(
        services.db, caller.organisation_id, contact_id, memory_key_id, limit=paged.limit, offset=paged.offset
    )
    return paged.page([MemoryChange.of(change) for change in found], total)
