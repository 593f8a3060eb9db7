"""Agents: who answers."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Header, Query, Response

from dragoman.accounts import numbers, organisations
from dragoman.agents import configured, records
from dragoman.agents.actions import records as actions
from dragoman.agents.capabilities import REGISTRY
from dragoman.agents.knowledge import bases, documents
from dragoman.agents.relations import records as relations
from dragoman.api.v1 import capability_lists
from dragoman.api.v1.agent_inputs import CreateAgentInput, CreateByoaAgentInput, DocumentEntry, UpdateAgentInput
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.capability_lists import sent_lists
from dragoman.api.v1.documents import KnownDocument, shown
from dragoman.api.v1.paging import Page, Paged
from dragoman.api.v1.routing import router
from dragoman.api.v1.shapes import Agent, AgentObject, Setting, agent_as_object, agent_as_text
from dragoman.conversations import icebreakers, ownership
from dragoman.conversations.services import Services
from dragoman.errors import Invalid
from dragoman.http import Refused, check_url
from dragoman.store.database import Connection

routes = router("Agents")


class Desk:
    """One request about agents: who asks, with what, and which representation he wants to see."""

    def __init__(
        self,
        caller: Authenticated,
        services: Wired,
        representation: Annotated[Literal["text", "object"] | None, Query(description="`object`: objects, numbers and nulls")] = None,
        x_wassist_client: Annotated[
            str | None, Header(alias="X-Wassist-Client", description="Its presence asks for `representation=object`")
        ] = None,
    ) -> None:
        self.services: Services = services
        self.organisation_id = caller.organisation_id
        self.mine = (services.db, caller.organisation_id)
        self.tools = (services.db, services.vault, services.clock, caller.organisation_id)
        self._shape = agent_as_object if (representation or (x_wassist_client and "object")) == "object" else agent_as_text

    async def show(self, agent: records.Agent, secret: str | None = None) -> Agent | AgentObject:
        return (await self.show_all([agent], secret))[0]

    async def show_all(self, agents: list[records.Agent], secret: str | None = None) -> list[Agent | AgentObject]:
        organisation = await organisations.get(*self.mine)
        own_numbers = await numbers.listing(*self.mine)
        ids = [agent.id for agent in agents]
        totals = await records.totals(*self.mine, ids)
        lists = await configured.masked(self.services.kit, self.organisation_id, ids, REGISTRY)
        known = await self._known(ids)
        return [
            self._shape(
                agent,
                Setting(
                    settings=self.services.settings,
                    organisation=organisation,
                    numbers=own_numbers,
                    totals=totals.get(agent.id, records.Totals()),
                    secret=secret,
                    hint=self._hint(agent),
                    lists={**lists[agent.id], "documents": known[agent.id]},
                ),
            )
            for agent in agents
        ]

    def check(self, url: str, field: str) -> None:
        try:
            check_url(url, self.services.settings.allow_private_urls)
        except Refused as refused:
            raise Invalid(f"{field}: {refused.reason}", field=field) from None

    async def keep_documents(self, connection: Connection, agent_id: UUID, sent: list[DocumentEntry] | None) -> None:
        """Make the agent's own documents the sent ones; those of shared knowledge bases stay."""
        if sent is None:
            return
        base_id = await bases.own(self.services.db, self.services.clock, self.organisation_id, agent_id)
        entries = [(entry.id, entry.name) for entry in sent]
        await documents.replace(connection, self.services.db, self.services.clock, self.organisation_id, base_id, entries, "documents")

    async def _known(self, ids: list[UUID]) -> dict[UUID, list[KnownDocument]]:
        """The documents of these agents' own knowledge bases."""
        found = await documents.of_agents(self.services.db, self.organisation_id, ids)
        return {agent_id: [shown(document) for document in found.get(agent_id, [])] for agent_id in ids}

    def _hint(self, agent: records.Agent) -> str | None:
        secrets = records.signing_secrets(self.services.vault, self.services.clock, agent)
        return f"whsec_…{secrets[0][-5:]}" if secrets else None


At = Annotated[Desk, Depends()]


@routes.get("/agents/", summary="List agents")
async def list_agents(desk: At, paged: Paged) -> Page[Agent | AgentObject]:
    """Newest first."""
    found, count = await records.listing(*desk.mine, paged.limit, paged.offset)
    return paged.page(await desk.show_all(found), count)


@routes.post("/agents/byoa/", status_code=201, summary="Create BYOA")
async def create_byoa(new: CreateByoaAgentInput, desk: At) -> Agent | AgentObject:
    """Create a Bring Your Own Agent (BYOA) agent.

    It forwards all messages to your webhook URL. Your agent returns its answer in the response or through the callback URL.
    The answer's `byoa.secret` verifies that a request comes from here; it is not shown again.
    """
    desk.check(new.webhook_url, "webhookUrl")
    options: dict[str, Any] = {name: getattr(new.byoa, name) for name in new.byoa.model_fields_set}
    name = new.name or f"Agent at {urlsplit(new.webhook_url).hostname}"[:255]
    agent, secret = await records.create(*desk.tools, name, webhook_url=new.webhook_url, **options)
    return await desk.show(agent, secret)


@routes.post("/agents/", status_code=201, summary="Create an agent")
async def create_agent(new: CreateAgentInput, desk: At) -> Agent | AgentObject:
    """An agent that thinks inside Dragoman, with the model `llmModel`; `byoa.webhookUrl` makes it one of your own."""
    values = _checked(new, desk, {}, {})
    async with desk.services.db.transaction() as connection:
        agent, secret = await records.create(*desk.tools, within=connection, **values)
        await capability_lists.replace(desk.services.kit, connection, desk.organisation_id, agent.id, sent_lists(new))
    return await desk.show(agent, secret)


@routes.get("/agents/{agent_id}/", summary="Read an agent")
async def read_agent(agent_id: UUID, desk: At) -> Agent | AgentObject:
    return await desk.show(await records.get(*desk.mine, agent_id))


@routes.put("/agents/{agent_id}/", summary="Update an agent")
async def put_agent(agent_id: UUID, sent: UpdateAgentInput, desk: At) -> Agent | AgentObject:
    """The same as PATCH: fields that are left out stay."""
    return await _update(agent_id, sent, desk)


@routes.patch("/agents/{agent_id}/", summary="Change some fields of an agent")
async def patch_agent(agent_id: UUID, sent: UpdateAgentInput, desk: At) -> Agent | AgentObject:
    return await _update(agent_id, sent, desk)


@routes.delete("/agents/{agent_id}/", status_code=204, response_class=Response, summary="Delete an agent")
async def delete_agent(agent_id: UUID, desk: At) -> None:
    """It stops answering at once. What was said is kept."""
    await ownership.retire_agent(desk.services, desk.organisation_id, agent_id)


@routes.post("/agents/{agent_id}/duplicate/", status_code=201, summary="Copy an agent")
async def duplicate_agent(agent_id: UUID, desk: At) -> Agent | AgentObject:
    """The copy has its own secret and is connected to no number."""
    async with desk.services.db.transaction() as connection:
        copied, secret = await records.duplicate(*desk.tools, agent_id, within=connection)
        await configured.copy(desk.services.kit, connection, desk.organisation_id, agent_id, copied.id, REGISTRY)
        read = await bases.of_agent(desk.services.db, desk.organisation_id, agent_id)
        await bases.share(connection, desk.organisation_id, copied.id, read, "documents")
        linked = await actions.ids_of_agents(desk.services.kit, desk.organisation_id, [agent_id])
        await actions.link(connection, desk.organisation_id, copied.id, linked[agent_id], "actions")
    return await desk.show(copied, secret)


@routes.post("/agents/{agent_id}/rotate-secret/", summary="Change an agent's signing secret")
async def rotate_secret(agent_id: UUID, desk: At) -> Agent | AgentObject:
    """Our addition. For 24 hours each request is signed with both secrets, so the agent can change over without a gap."""
    return await desk.show(*await records.rotate_secret(*desk.tools, agent_id))


async def _update(agent_id: UUID, sent: UpdateAgentInput, desk: Desk) -> Agent | AgentObject:
    agent = await records.get(*desk.mine, agent_id)
    changes = _checked(sent, desk, agent.config, agent.native)
    async with desk.services.db.transaction() as connection:
        await capability_lists.replace(desk.services.kit, connection, desk.organisation_id, agent_id, sent_lists(sent))
        await desk.keep_documents(connection, agent_id, sent.documents)
        changed, secret = await records.update(*desk.tools, agent_id, changes, within=connection)
    if changed.icebreakers != agent.icebreakers:
        await icebreakers.publish(desk.services, desk.organisation_id, agent_id)
    return await desk.show(changed, secret)


def _checked(sent: UpdateAgentInput, desk: Desk, config: dict[str, Any], native: dict[str, Any]) -> dict[str, Any]:
    changes = sent.changes(config, native)
    if "config" in changes:
        changes["config"] = relations.hidden(desk.services.vault, changes["config"], config)
    if url := changes.get("webhook_url"):
        desk.check(url, "byoa.webhookUrl")
    return changes
