"""Handing the conversation to another agent of the business: each configured agent is a tool, and its description says when."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from pydantic import Field

from dragoman.agents import records
from dragoman.agents.capabilities import handoff_queries as queries
from dragoman.agents.capability import Capability, Configured, Run
from dragoman.agents.kit import Kit
from dragoman.agents.schema import Flag, Schema
from dragoman.agents.tools import Call, Json, Result, Tool, failure
from dragoman.agents.turns import Transfer
from dragoman.errors import Invalid, NotFound

# Two agents that each think the other one is right would pass a customer to and fro for ever.
MOST = 3
WITHIN = timedelta(minutes=10)


class HandoffTool(Schema):
    child_agent_id: UUID
    description: str = Field(max_length=10_000, description="When to hand over, in words")
    active: Flag = True


def _parameters() -> Json:
    words = {"type": "string", "maxLength": 2000}
    return {
        "type": "object",
        "properties": {
            "reason": {**words, "description": "Why this agent is the right one"},
            "summary": {**words, "description": "What the customer wants and what was agreed, for the agent who goes on"},
        },
        "required": ["summary"],
        "additionalProperties": False,
    }


async def _tools(run: Run, items: Sequence[Configured[HandoffTool]]) -> list[Tool]:
    if not items:
        return []
    children = await records.some(run.kit.db, run.organisation_id, [item.config.child_agent_id for item in items])
    return [_tool(run, item, children[item.config.child_agent_id]) for item in items if item.config.child_agent_id in children]


def _tool(run: Run, item: Configured[HandoffTool], child: records.Agent) -> Tool:
    async def hand_over(call: Call) -> Result:
        scope = {"organisation_id": run.organisation_id, "conversation_id": run.turn.conversation_id}
        row = await run.kit.db.fetch_one(queries.HANDED_OVER, {**scope, "since": run.kit.clock.now() - WITHIN})
        if row and row["times"] >= MOST:
            return failure("this conversation was passed between agents several times just now; answer yourself, or ask a person")
        transfer = Transfer(agent_id=child.id, reason=str(call.args.get("reason", "")), summary=str(call.args["summary"]))
        return Result(text=f"{child.name} takes over after your answer. Tell the customer in a few words, if at all.", transfer=transfer)

    return Tool(
        name=f"hand_over_{item.id.hex[-8:]}",
        description=f"Hand the conversation over to the agent {child.name}. {item.config.description}",
        parameters=_parameters(),
        run=hand_over,
        capability_id=item.id,
    )


async def _check(kit: Kit, organisation_id: UUID, agent_id: UUID, config: HandoffTool, at: str) -> None:
    field = f"{at}.childAgentId"
    if config.child_agent_id == agent_id:
        raise Invalid(f"{field}: an agent cannot hand over to itself", field=field)
    try:
        await records.get(kit.db, organisation_id, config.child_agent_id)
    except NotFound:
        raise Invalid(f"{field}: there is no agent {config.child_agent_id}", field=field) from None


async def _shown(kit: Kit, organisation_id: UUID, agent_id: UUID, item: Configured[HandoffTool]) -> Json:
    found = await records.some(kit.db, organisation_id, [item.config.child_agent_id])
    child = found.get(item.config.child_agent_id)
    return {"parentAgentId": str(agent_id), "childAgentName": child.name if child else ""}


CAPABILITY = Capability(
    field="handoff_tools",
    schema=HandoffTool,
    tools=_tools,
    check=_check,
    shown=_shown,
    read_only=("parentAgentId", "childAgentName"),
    most=20,
)
