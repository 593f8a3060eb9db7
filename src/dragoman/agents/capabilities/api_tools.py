"""API tools: the agent calls the business's own HTTP API, as its `apiSchema` says, with values that the model finds in the conversation.

The customer's number, the image and the callback are filled in by us, the address and the secrets were settled by the business: the
model writes what is described to it and nothing else.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationError

from dragoman.agents import configured
from dragoman.agents.apischema import build, keeping, sending
from dragoman.agents.apischema.build import Facts
from dragoman.agents.apischema.proposal import Proposal
from dragoman.agents.apischema.schema import ApiSchema
from dragoman.agents.apischema.sending import Came
from dragoman.agents.capability import Capability, Configured, Run
from dragoman.agents.kit import Kit
from dragoman.agents.llm.fitting import misfit
from dragoman.agents.llm.speaking import SEND, SILENT
from dragoman.agents.names import tool_names
from dragoman.agents.schema import Schema
from dragoman.agents.tools import Call, Confirm, Json, Result, Tool
from dragoman.agents.turns import Turn
from dragoman.errors import Invalid, NotFound
from dragoman.http.answers import Refused
from dragoman.http.guarded import check_url
from dragoman.ids import new_id


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


class ApiTool(Schema):
    """A request that the agent can make; `description` tells the model when to."""

    name: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_not_blank)]
    description: Annotated[str, Field(max_length=10_000)]
    api_schema: ApiSchema
    active: bool = True
    credit_cost: Annotated[int, Field(ge=0, le=1_000_000, description="Credits that one call costs the customer")] = 0
    confirm: Annotated[Confirm, Field(description="Our addition: who agrees before a call that is no GET")] = "outside"
    timeout_seconds: Annotated[float, Field(strict=True, ge=1, le=60, description="Our addition: how long an answer may take")] = 20


class Ran(NamedTuple):
    """A call that was tried: what was sent, without its secrets (None when nothing could be), and what came of it."""

    request: build.Request | None
    came: Came


async def run_once(kit: Kit, tool: ApiTool, arguments: Mapping[str, Any], facts: Facts, key: str) -> Came:
    """Make one request. `arguments` fit the tool's parameters; `key` is the Idempotency-Key of one that can change something."""
    try:
        request = build.build(tool.api_schema, arguments, facts, _one_line(key))
    except Invalid as unfit:
        return Came(f"This did not work: {unfit.message}", unfit.message, 0.0)
    return await sending.send(kit.guarded, request, tool.timeout_seconds)


async def try_out(
    kit: Kit, organisation_id: UUID, agent_id: UUID, tool_id: UUID, arguments: Json, *, customer: str | None, image: str | None
) -> Ran:
    """Make a stored tool's request once, outside any conversation. Raises NotFound, and Invalid for arguments that do not fit."""
    listed = await configured.listing(kit, organisation_id, [agent_id], CAPABILITY)
    item = next((item for item in listed.get(agent_id, []) if item.id == tool_id), None)
    if item is None:
        raise NotFound(f"this agent has no tool {tool_id}")
    # No turn, so no answer can come later: nobody has this address.
    facts = Facts(customer, image, f"{kit.settings.public_url}/api/callback/nobody")
    if wrong := misfit(_tool(kit, item, "tool", facts), arguments):
        raise Invalid(f"arguments: {wrong}", field="arguments")
    key = f"test-{new_id()}"
    try:
        shown = build.masked(item.config.api_schema, arguments, facts, key)
    except Invalid:
        shown = None  # why is told by what comes of it
    return Ran(shown, await run_once(kit, item.config, arguments, facts, key))


def proposed(kit: Kit, proposal: Proposal, field: str) -> Proposal:
    """A proposal in the form in which it can be stored. Raises Invalid, naming `field`, for one that no tool can be."""
    try:
        tool = ApiTool.model_validate(proposal.tool)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Invalid(f"{field}: no tool can do this: {'.'.join(map(str, first['loc']))}: {first['msg']}", field=field) from None
    try:
        check_url(tool.api_schema.url, kit.settings.allow_private_urls)
    except Refused as refused:
        return Proposal(tool.model_dump(mode="json", by_alias=True), [*proposal.notes, refused.reason])
    return Proposal(tool.model_dump(mode="json", by_alias=True), proposal.notes)


def facts_of(turn: Turn) -> Facts:
    """What the tokens stand for in a turn. A customer who hides the number is known by WhatsApp's id: leaving it out could ask for all."""
    images = (file.url for said in turn.said for file in said.files if file.kind == "image" and file.state != "failed")
    contact = turn.contact
    return Facts(f"+{contact.phone}" if contact.phone else contact.user_id, next(images, None), turn.callback_url)


def function_names(names: Sequence[str]) -> list[str]:
    """What the model calls each tool: "Order status" is order_status. None has a name that answers go by, and none begins with a digit."""
    return tool_names([SEND, SILENT, *(f"api {name}" if name[:1].isdigit() else name for name in names)], "api_tool")[2:]


def _one_line(key: str) -> str:
    """The key as a header carries it: part of it is the provider's, and may be anything."""
    return key if key.isascii() and key.isprintable() else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


async def _tools(run: Run, items: Sequence[Configured[ApiTool]]) -> list[Tool]:
    facts = facts_of(run.turn)
    names = function_names([item.config.name for item in items])
    return [_tool(run.kit, item, name, facts) for item, name in zip(items, names, strict=True)]


def _tool(kit: Kit, item: Configured[ApiTool], name: str, facts: Facts) -> Tool:
    config = item.config

    async def run(call: Call) -> Result:
        came = await run_once(kit, config, call.args, facts, call.key)
        return Result(text=came.text, error=came.error, outside=came.foreign)

    return Tool(
        name=name,
        description=config.description or config.name,
        parameters=build.parameters(config.api_schema),
        run=run,
        type="api",
        capability_id=item.id,
        acts=not config.api_schema.reads,
        confirm=config.confirm,
        credit_cost=config.credit_cost,
    )


async def _check(kit: Kit, organisation_id: UUID, agent_id: UUID, config: ApiTool, at: str) -> None:
    try:
        check_url(config.api_schema.url, kit.settings.allow_private_urls)
    except Refused as refused:
        raise Invalid(f"{at}.apiSchema.url: {refused.reason}", field=f"{at}.apiSchema.url") from None


def _secrets(config: Json) -> list[tuple[str | int, ...]]:
    return [("apiSchema", *path) for path in keeping.paths(config["apiSchema"])]


CAPABILITY = Capability(
    field="tools",
    schema=ApiTool,
    tools=_tools,
    check=_check,
    secrets=_secrets,
    bound_to=lambda config: keeping.host_of(config["apiSchema"]["url"]),
)
