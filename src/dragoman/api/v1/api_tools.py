"""Our additions for API tools: try one, and make one from a curl command or from an OpenAPI document."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from dragoman.agents import records
from dragoman.agents.apischema import curl, openapi
from dragoman.agents.apischema.proposal import Proposal
from dragoman.agents.capabilities import api_tools
from dragoman.agents.capabilities.api_tools import ApiTool
from dragoman.api.v1.auth import Authenticated, Wired
from dragoman.api.v1.models import Input, Shape
from dragoman.api.v1.routing import router
from dragoman.errors import Invalid

routes = router("API tools")


class RunToolInput(Input):
    arguments: Annotated[dict[str, Any], Field(description="What the model would write, by the names of the function it is offered")] = {}  # noqa: RUF012
    phone_number: Annotated[str | None, Field(pattern=r"^\+?[0-9]{5,20}$", description="Stands for %PHONE_NUMBER%")] = None
    image_url: Annotated[str | None, Field(min_length=1, max_length=2000, description="Stands for %IMAGE_URL%")] = None


class ToolRequest(Shape):
    method: str
    url: str
    headers: dict[str, str]
    body: str | None


class ToolRun(Shape):
    """One call of a tool; secrets are left out of everything that is shown."""

    request: ToolRequest | None = Field(description="What was sent; null when the arguments cannot be sent")
    status: int | None = Field(description="null when there was no answer")
    duration_ms: float
    response_head: str = Field(description="What the server said, its first 2 KB")
    text: str = Field(description="What the model reads")
    error: str = Field(description="What went wrong, in a sentence; empty when nothing did")

    @classmethod
    def of(cls, ran: api_tools.Ran) -> "ToolRun":
        request = None
        if ran.request is not None:
            method, url, headers, body, _ = ran.request
            request = ToolRequest(method=method, url=url, headers=headers, body=body.decode() if body is not None else None)
        came = ran.came
        return cls(
            request=request,
            status=came.status,
            duration_ms=came.duration_ms,
            response_head=came.head,
            text=came.text,
            error=came.error,
        )


class ToolFromCurlInput(Input):
    curl: Annotated[str, Field(min_length=1, max_length=curl.LONGEST, examples=["curl https://api.lumen.example/orders/1041"])]


class ToolProposal(Shape):
    tool: ApiTool = Field(description="An item for the agent's `tools`; nothing was stored")
    notes: list[str] = Field(description="What could not be carried over, and what is left to do")

    @classmethod
    def of(cls, proposal: Proposal) -> "ToolProposal":
        return cls(tool=ApiTool.model_validate(proposal.tool), notes=proposal.notes)


class ToolFromOpenapiInput(Input):
    """Either the `document` or its `url`."""

    document: Annotated[dict[str, Any] | None, Field(description="An OpenAPI 3 document")] = None
    url: Annotated[str | None, Field(min_length=1, max_length=2000, description="Where the document is, as JSON")] = None
    operation_id: Annotated[str | None, Field(max_length=1000, description="Left out: the operations are listed")] = None


class OpenapiOperation(Shape):
    operation_id: str
    method: str
    path: str
    summary: str


class ToolFromOpenapi(Shape):
    operations: list[OpenapiOperation] | None = Field(description="What the document offers; null once one was chosen")
    proposal: ToolProposal | None


@routes.post("/agents/{agent_id}/tools/{tool_id}/run/", summary="Run an API tool once")
async def run_tool(agent_id: UUID, tool_id: UUID, sent: RunToolInput, caller: Authenticated, services: Wired) -> ToolRun:
    """The request is really made, also one that changes something. Nobody is asked and no customer hears of it."""
    customer = f"+{sent.phone_number.removeprefix('+')}" if sent.phone_number else None
    ran = await api_tools.try_out(
        services.kit, caller.organisation_id, agent_id, tool_id, sent.arguments, customer=customer, image=sent.image_url
    )
    return ToolRun.of(ran)


@routes.post("/agents/{agent_id}/tools/from-curl/", summary="Propose an API tool from a curl command")
async def tool_from_curl(agent_id: UUID, sent: ToolFromCurlInput, caller: Authenticated, services: Wired) -> ToolProposal:
    """Nothing is sent or stored. What the command holds in clear, such as a key, the answer holds too."""
    await records.get(services.db, caller.organisation_id, agent_id)
    return ToolProposal.of(api_tools.proposed(services.kit, curl.proposal(sent.curl), "curl"))


@routes.post("/agents/{agent_id}/tools/from-openapi/", summary="Propose an API tool from an OpenAPI document")
async def tool_from_openapi(agent_id: UUID, sent: ToolFromOpenapiInput, caller: Authenticated, services: Wired) -> ToolFromOpenapi:
    """Without an `operationId` the operations of the document are listed; with one it is turned into a tool. Nothing is stored."""
    await records.get(services.db, caller.organisation_id, agent_id)
    if (sent.document is None) == (sent.url is None):
        raise Invalid("document: send the document or its url, one of the two", field="document")
    document = sent.document if sent.document is not None else await openapi.fetched(services.guarded, sent.url or "")
    if sent.operation_id is None:
        listed = [
            OpenapiOperation(operation_id=id_, method=method, path=path, summary=summary)
            for id_, method, path, summary in openapi.operations(document)
        ]
        return ToolFromOpenapi(operations=listed, proposal=None)
    proposal = api_tools.proposed(services.kit, openapi.proposal(document, sent.operation_id, sent.url), "operationId")
    return ToolFromOpenapi(operations=None, proposal=ToolProposal.of(proposal))
