"""MCP connectors: servers whose tools agents may be given, and who agreed to which tool."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import Field, model_validator

from dragoman.agents.kit import Kit
from dragoman.agents.mcp import connecting, connectors
from dragoman.agents.mcp.connectors import SLUG, Auth, Connector, Status
from dragoman.agents.mcp.tools import Known, offered_as
from dragoman.agents.tools import Json
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input, Shape
from dragoman.api.v1.routing import router

routes = router("Connectors")

# Sent back by clients that read a connector, change a field and put the whole of it.
READ_ONLY = ("id", "status", "problem", "knownTools", "createdAt", "updatedAt")

Secret = Annotated[str | None, Field(max_length=4096, description="Shown as •••• and its end; null or empty removes it")]


class ConnectorChanges(Input):
    """Fields that are left out stay. When `url` changes, the secrets are dropped unless they are sent too, and the tools are listed anew."""

    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")] = ""
    description: Annotated[str, Field(max_length=2000)] = ""
    slug: Annotated[str, Field(pattern=f"^{SLUG.pattern}$", description="The first part of its tools' names")] = ""
    url: Annotated[str, Field(min_length=1, max_length=2000, description="Its Streamable HTTP address: public https")] = ""
    logo: Annotated[str | None, Field(max_length=2000)] = None
    auth: Auth = "none"
    bearer_token: Secret = None
    headers: Annotated[dict[str, str], Field(max_length=20, description="Sent with every request to the server; values are secret")] = {}  # noqa: RUF012
    oauth_client_id: Annotated[str | None, Field(max_length=255, description="Where the server registers no clients by itself")] = None
    oauth_client_secret: Secret = None

    @model_validator(mode="before")
    @classmethod
    def _leave_out_read_only(cls, sent: object) -> object:
        return {name: value for name, value in sent.items() if name not in READ_ONLY} if isinstance(sent, dict) else sent

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewConnector(ConnectorChanges):
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")]
    url: Annotated[str, Field(min_length=1, max_length=2000, description="Its Streamable HTTP address: public https")]


class ToolSeen(Input):
    name: Annotated[str, Field(max_length=128)]
    fingerprint: Annotated[str, Field(max_length=64, description="As it was shown: another definition is not approved unseen")]


class Approval(Input):
    tools: Annotated[
        list[ToolSeen | Annotated[str, Field(max_length=128)]] | None, Field(max_length=200, description="null is all that wait")
    ] = None


class LatestTool(Shape):
    """What the server says by now of a tool that was approved as something else."""

    title: str
    description: str
    input_schema: Json
    read_only: bool
    fingerprint: str


class KnownTool(LatestTool):
    """A tool as it was approved or, before that, as the server describes it, cleaned and cut: what is shown here is what a model reads."""

    id: str = Field(description="The same as its name")
    name: str
    state: str = Field(description="`approved`, `new`, `changed` (both wait for approval), `unusable`, `gone`")
    offered_as: str = Field(description="Its name for the model")
    problem: str = Field(description="Why it is unusable")
    latest: LatestTool | None = Field(description="`changed`: what would be approved")

    @classmethod
    def of_tool(cls, connector: Connector, tool: Known) -> "KnownTool":
        shown = tool.approved or tool.now
        return cls(
            **_said(shown),
            id=tool.name,
            name=tool.name,
            state=tool.state,
            offered_as=offered_as(connector.slug, tool.name),
            problem=tool.now.problem,
            latest=LatestTool(**_said(tool.now)) if tool.state == "changed" else None,
        )


def _said(definition: Any) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in ("title", "description", "input_schema", "read_only", "fingerprint")}


class ConnectorShape(Shape):
    id: UUID
    name: str
    description: str
    slug: str
    url: str
    logo: str | None
    status: Status
    problem: str | None = Field(description="What has to be done, in plain words")
    known_tools: list[KnownTool]
    auth: Auth
    bearer_token: str | None
    headers: dict[str, str]
    oauth_client_id: str | None
    oauth_client_secret: str | None
    created_at: datetime
    updated_at: datetime


class SignIn(Shape):
    authorization_url: str = Field(description="Open it in a browser and agree; works once")
    expires_at: datetime


@routes.get("/integrations/connectors/", summary="List connectors")
async def list_connectors(caller: Authenticated, services: Wired) -> list[ConnectorShape]:
    found = await connectors.listing(services.kit, caller.organisation_id)
    tools = await connectors.tools_of(services.kit, caller.organisation_id, [connector.id for connector in found])
    return [_shown(services.kit, connector, tools[connector.id]) for connector in found]


@routes.post("/integrations/connectors/", status_code=201, summary="Create a connector")
async def create_connector(new: NewConnector, caller: Authenticated, services: Wired) -> ConnectorShape:
    """Connects at once, unless somebody has to sign in first (`auth` `oauth`), and approves the tools that the answer shows."""
    connector = await connectors.create(services.kit, caller.organisation_id, new.values())
    if connector.auth != "oauth":
        connector = await connecting.connect(services.kit, connector)
    return await _show(services.kit, connector)


@routes.get("/integrations/connectors/public/", summary="List public connectors")
async def list_public_connectors(caller: Authenticated) -> list[ConnectorShape]:
    """A catalogue of well-known servers. This version comes with none."""
    return []


@routes.get("/integrations/connectors/{connector_id}/", summary="Read a connector")
async def read_connector(connector_id: UUID, caller: Authenticated, services: Wired) -> ConnectorShape:
    return await _show(services.kit, await connectors.get(services.kit, caller.organisation_id, connector_id))


@routes.put("/integrations/connectors/{connector_id}/", summary="Update a connector")
async def put_connector(connector_id: UUID, sent: ConnectorChanges, caller: Authenticated, services: Wired) -> ConnectorShape:
    """The same as PATCH: fields that are left out stay."""
    return await _change(connector_id, sent, caller, services)


@routes.patch("/integrations/connectors/{connector_id}/", summary="Change some fields of a connector")
async def patch_connector(connector_id: UUID, sent: ConnectorChanges, caller: Authenticated, services: Wired) -> ConnectorShape:
    return await _change(connector_id, sent, caller, services)


@routes.delete("/integrations/connectors/{connector_id}/", status_code=204, response_class=Response, summary="Delete a connector")
async def delete_connector(connector_id: UUID, caller: Authenticated, services: Wired) -> None:
    """It is taken off every agent that has it."""
    await connectors.remove(services.kit, caller.organisation_id, connector_id)


@routes.post("/integrations/connectors/{connector_id}/refresh/", summary="List a connector's tools now")
async def refresh_connector(connector_id: UUID, caller: Authenticated, services: Wired) -> ConnectorShape:
    """Our addition. Tools that are new or different wait for approval; the first list that is shown is approved."""
    connector = await connectors.get(services.kit, caller.organisation_id, connector_id)
    return await _show(services.kit, await connecting.connect(services.kit, connector))


@routes.post("/integrations/connectors/{connector_id}/approve/", summary="Approve tools")
async def approve_tools(connector_id: UUID, caller: Authenticated, services: Wired, sent: Approval | None = None) -> ConnectorShape:
    """Our addition. Approves what is stored: the tools named, or all that wait."""
    connector = await connectors.get(services.kit, caller.organisation_id, connector_id)
    named = None if sent is None or sent.tools is None else {_name(tool): _fingerprint(tool) for tool in sent.tools}
    await connecting.approve(services.kit, connector, named)
    return await _show(services.kit, connector)


@routes.post("/integrations/connectors/{connector_id}/authorize/", summary="Begin to sign in")
async def authorize_connector(connector_id: UUID, caller: Authenticated, services: Wired) -> SignIn:
    """Our addition, for `auth` `oauth`. The sign-in has ten minutes; a later one takes the place of an earlier one."""
    from dragoman.agents.mcp.oauth import begin

    connector = await connectors.get(services.kit, caller.organisation_id, connector_id)
    authorization_url, until = await begin(services.kit, connector)
    return SignIn(authorization_url=authorization_url, expires_at=until)


async def _change(connector_id: UUID, sent: ConnectorChanges, caller: Authenticated, services: Wired) -> ConnectorShape:
    connector, again = await connectors.change(services.kit, caller.organisation_id, connector_id, sent.values())
    if again and connector.auth != "oauth":
        connector = await connecting.connect(services.kit, connector)
    return await _show(services.kit, connector)


async def _show(kit: Kit, connector: Connector) -> ConnectorShape:
    tools = await connectors.tools_of(kit, connector.organisation_id, [connector.id])
    return _shown(kit, connector, tools[connector.id])


def _shown(kit: Kit, connector: Connector, tools: dict[str, Known]) -> ConnectorShape:
    secrets = connectors.opened(kit, connector)
    plain = ("id", "name", "description", "slug", "url", "logo", "status", "auth", "oauth_client_id", "created_at", "updated_at")
    values = {name: getattr(secrets if name.startswith("oauth") else connector, name) for name in plain}
    return ConnectorShape(
        **values,
        problem=connector.problem or _waiting(tools),
        known_tools=[KnownTool.of_tool(connector, tool) for tool in tools.values()],
        bearer_token=connectors.masked(secrets.bearer_token),
        headers={name: connectors.masked(value) or "" for name, value in secrets.headers.items()},
        oauth_client_secret=connectors.masked(secrets.oauth_client_secret),
    )


def _waiting(tools: dict[str, Known]) -> str | None:
    waiting = [tool.name for tool in tools.values() if tool.waits]
    return f"{len(waiting)} of its tools wait for approval: {', '.join(waiting)[:500]}." if waiting else None


def _name(tool: ToolSeen | str) -> str:
    return tool if isinstance(tool, str) else tool.name


def _fingerprint(tool: ToolSeen | str) -> str | None:
    return None if isinstance(tool, str) else tool.fingerprint
