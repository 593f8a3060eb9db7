"""The actions that are linked to an agent, as its turns see them.

BEFORE   made once when a session begins, and what came of it is told in each of its turns
DURING   offered to the model
AFTER    made when the session has ended: see `wrapping_up`

An action that needs values which only the conversation can give is offered to the model, also BEFORE: then it is told to make it first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

from dragoman.agents.actions import queries, records
from dragoman.agents.actions.action import Action
from dragoman.agents.capability import Run, Told
from dragoman.agents.llm.journal import Journal, Ledger
from dragoman.agents.llm.prompt import data
from dragoman.agents.names import tool_names
from dragoman.agents.tools import LONGEST_RESULT, Result, Tool
from dragoman.store.database import Connection
from dragoman.whatsapp.content import Outgoing

FIRST = " Do this before anything else in a conversation."
ALONE = -1  # the position in the journal of calls that no model asked for


class Alone(NamedTuple):
    """An action that can be made without the model, and the tool that makes it."""

    action: Action
    tool: Tool


@dataclass(frozen=True)
class Linked:
    """`offered` are the model's tools; `alone` is made without it."""

    actions: Sequence[Action] = ()
    offered: list[Tool] = field(default_factory=list)
    alone: list[Alone] = field(default_factory=list)

    @property
    def configs(self) -> list[Any]:
        return [action.config for action in self.actions]


class Brought(NamedTuple):
    """What BEFORE actions brought: words for the prompt, and what is to be said because of them in this turn."""

    told: list[Told]
    contents: list[Outgoing]


async def of_turn(run: Run, actions: Sequence[Action]) -> Linked:
    """What an agent's turn has of its actions."""
    early = [action for action in actions if _is_early(action)]
    during = [action for action in actions if action.timing == "DURING" and not _is_early(action)]
    linked = await _sorted(run, [*early, *during], {action.id for action in early})
    return Linked(actions, linked.offered, linked.alone)


async def of_end(run: Run) -> Linked:
    """What is made of them when the session has ended. Nobody is left who could be asked, and the business has said that it shall be done."""
    actions = await records.of_agent(run.kit, run.organisation_id, run.agent.id)
    after = [action for action in actions if action.timing == "AFTER" and not _is_early(action)]
    linked = await _sorted(run, after, {action.id for action in after})
    return Linked(after, [replace(tool, confirm="never") for tool in linked.offered], linked.alone)


async def has_after(connection: Connection, organisation_id: UUID, agent_id: UUID) -> bool:
    cursor = await connection.execute(queries.HAS_AFTER, {"organisation_id": organisation_id, "agent_id": agent_id})
    return await cursor.fetchone() is not None


async def _sorted(run: Run, actions: Sequence[Action], can_be_alone: set[Any]) -> Linked:
    offered, alone = [], []
    names = tool_names([action.name for action in actions], "action")
    for action, name in zip(actions, names, strict=True):
        tools = list(await records.kind_of(action).tools(run, action, name))
        if not tools:
            continue
        if action.id in can_be_alone and not tools[0].parameters.get("required"):
            alone.append(Alone(action, tools[0]))
        else:
            hint = FIRST if action.id in can_be_alone and action.timing != "AFTER" else ""
            offered += [replace(tools[0], description=tools[0].description + hint), *tools[1:]]
    return Linked(actions, offered, alone)


def _is_early(action: Action) -> bool:
    return action.timing == "BEFORE" or bool(records.kind_of(action).early(action.config))


async def bring(run: Run, ledger: Ledger, linked: Linked) -> Brought:
    """Make what is to be made BEFORE, once in each session, and say what it brought."""
    told: list[Told] = []
    contents: list[Outgoing] = []
    if not linked.alone:
        return Brought(told, contents)
    scene = run.scene
    calls = {_call_id(one): one for one in linked.alone}
    known = await run.kit.db.fetch(
        queries.BROUGHT,
        {
            "organisation_id": run.organisation_id,
            "conversation_id": run.turn.conversation_id,
            "agent_id": run.agent.id,
            "opened_at": scene.session.opened_at,
            "calls": list(calls),
        },
    )
    journal = Journal(run, ledger, calls={(row["position"], row["call_id"]): row for row in known})
    for call_id, one in calls.items():
        result = await journal.made(one.tool, ALONE, call_id, {})
        told.append(_told(one.action, result))
        if journal.calls.get((ALONE, call_id), {}).get("turn_id", run.turn.id) == run.turn.id:
            contents += result.contents
    return Brought(told, contents)


def _call_id(one: Alone) -> str:
    # With a blank, so that it stays when a draft is thrown away: it belongs to the session.
    return f"before {one.action.id}"


def _told(action: Action, result: Result) -> Told:
    return Told(data(f"result of {action.name}", result.text[:LONGEST_RESULT]), outside=result.outside)
