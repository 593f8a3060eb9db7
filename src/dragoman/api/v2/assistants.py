"""Assistants: native agents as this dialect sees them, each with its number on WhatsApp."""

from typing import Annotated

from fastapi import Query

from dragoman.accounts import numbers
from dragoman.accounts.callers import Caller
from dragoman.agents import records
from dragoman.agents.actions import records as actions
from dragoman.agents.knowledge import bases
from dragoman.api.v2 import assistant_shapes as shapes
from dragoman.api.v2.assistant_shapes import Assistant, AssistantChanges, AssistantRef, NewAssistant
from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.envelope import Deleted, Got, Made, got, made
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router
from dragoman.conversations import ownership
from dragoman.conversations.services import Services
from dragoman.errors import Invalid, NotFound
from dragoman.store.database import Connection

routes = router("Assistants")

Force = Annotated[bool, Query(description="Take the number over from the assistant that has it")]


@routes.post("/_new_assistants", status_code=201, summary="Create an assistant")
async def create_assistant(new: NewAssistant, caller: Authenticated, services: Wired, force: Force = False) -> Made[AssistantRef]:
    """An assistant on a WhatsApp number of yours. It answers there from now on."""
    values = await shapes.checked(services, caller.organisation_id, new, None)
    name = values.pop("name")
    async with services.db.transaction() as connection:
        office = (services.db, services.vault, services.clock, caller.organisation_id)
        agent, _ = await records.create(*office, name, within=connection, **values)
        await _link(services, connection, agent, new, force=force or new.force)
    return made(AssistantRef(assistant_id=str(agent.number), name=agent.name))


@routes.get("/_new_assistants", summary="List assistants")
async def list_assistants(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[Assistant]]:
    """Newest first. Agents with a webhook of their own belong to the other dialect and are not shown."""
    found, total = await records.listing(services.db, caller.organisation_id, paged.limit, paged.offset, kind="llm")
    return paged.listed(await _show(services, caller, found), total)


@routes.get("/_new_assistants/{assistant_id}", summary="Read an assistant")
async def read_assistant(assistant_id: str, caller: Authenticated, services: Wired) -> Got[Assistant]:
    [shown] = await _show(services, caller, [await _find(services, caller, assistant_id)])
    return got(shown)


@routes.put("/_new_assistants/{assistant_id}", summary="Change an assistant")
async def update_assistant(
    assistant_id: str, sent: AssistantChanges, caller: Authenticated, services: Wired, force: Force = False
) -> Got[Assistant]:
    """Fields that are left out stay."""
    agent = await _find(services, caller, assistant_id)
    values = await shapes.checked(services, caller.organisation_id, sent, agent)
    async with services.db.transaction() as connection:
        office = (services.db, services.vault, services.clock, caller.organisation_id)
        agent, _ = await records.update(*office, agent.id, values, within=connection)
        await _link(services, connection, agent, sent, force=force or sent.force)
    [shown] = await _show(services, caller, [agent])
    return got(shown)


@routes.delete("/_new_assistants/{assistant_id}", summary="Delete an assistant")
async def delete_assistant(assistant_id: str, caller: Authenticated, services: Wired) -> Got[Deleted]:
    """It stops answering at once. What was said is kept."""
    agent = await _find(services, caller, assistant_id)
    await ownership.retire_agent(services, caller.organisation_id, agent.id)
    return got(Deleted(id=assistant_id))


async def _find(services: Services, caller: Caller, assistant_id: str) -> records.Agent:
    agent = None
    if assistant_id.isascii() and assistant_id.isdecimal() and len(assistant_id) < 19:
        agent = await records.by_number(services.db, caller.organisation_id, int(assistant_id))
    if agent is None or agent.kind != "llm":
        raise NotFound("there is no assistant with this id")
    return agent


async def _link(services: Services, connection: Connection, agent: records.Agent, sent: AssistantChanges, *, force: bool) -> None:
    """What was sent of knowledge base, actions and number, in the caller's transaction."""
    if "kb_id" in sent.model_fields_set:
        await bases.share(connection, agent.organisation_id, agent.id, [sent.kb_id] if sent.kb_id else [], "kb_id")
    if "action_ids" in sent.model_fields_set:
        await actions.link(connection, agent.organisation_id, agent.id, sent.action_ids, "action_ids")
    if sent.phone_number is None:
        return
    number = await numbers.held(connection, agent.organisation_id, sent.phone_number)
    if number is None:
        raise Invalid(
            f"phone_number: you have no WhatsApp number with the id {sent.phone_number}; GET /v2/_phone_numbers lists yours",
            field="phone_number",
        )
    if number.agent_id == agent.id:
        return
    if number.agent_id is not None and not force:
        raise Invalid(
            "phone_number: an assistant has this number already; add ?force=true to take it over, or delete that one", field="phone_number"
        )
    await ownership.route_number(services, agent.organisation_id, number.id, agent.id, within=connection)


async def _show(services: Services, caller: Caller, agents: list[records.Agent]) -> list[Assistant]:
    ids = [agent.id for agent in agents]
    linked = await actions.ids_of_agents(services.kit, caller.organisation_id, ids)
    shared = await bases.shared_with(services.db, caller.organisation_id, ids)
    own = {number.agent_id: number.phone_number_id for number in await numbers.listing(services.db, caller.organisation_id)}
    return [
        Assistant.of(agent, phone_number=own.get(agent.id), kb_id=next(iter(shared.get(agent.id, [])), None), action_ids=linked[agent.id])
        for agent in agents
    ]
