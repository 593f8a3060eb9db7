"""A real MCP server in a process of its own, by the mcp library: `python server.py PORT`. A test tells it over HTTP what to be.

PUT /control   {"tools": [...], "answers": {name: answer}}   an answer is a text, a CallToolResult, or
                                                             {"then": {"tools": [...]}, "text": ...}: changes while it answers
GET /control   what it was asked: [{"method", "params", "headers"}]
"""

import sys

import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SEARCH = {
    "name": "search",
    "description": "Look up breads by a word.",
    "inputSchema": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    "annotations": {"readOnlyHint": True},
}
ORDER = {
    "name": "order",
    "description": "Order a bread.",
    "inputSchema": {
        "type": "object",
        "properties": {"bread": {"type": "string", "enum": ["rye", "spelt"]}, "count": {"type": "integer", "minimum": 1}},
        "required": ["bread"],
    },
}
BE = {"tools": [SEARCH, ORDER], "answers": {"search": "rye, spelt", "order": "ordered"}}


class Baker:
    """What happens inside the process."""

    def __init__(self):
        self.be, self.asked = dict(BE), []
        self.server = Server("baker", on_list_tools=self.list_tools, on_call_tool=self.call_tool)
        self.app = self.server.streamable_http_app(custom_starlette_routes=[Route("/control", self.control, methods=["GET", "PUT"])])

    async def control(self, request):
        if request.method == "GET":
            return JSONResponse(self.asked)
        self.be |= await request.json()
        return Response(status_code=204)

    async def list_tools(self, ctx, params):
        self._note("tools/list", {}, ctx)
        return types.ListToolsResult(tools=[types.Tool.model_validate(tool) for tool in self.be["tools"]])

    async def call_tool(self, ctx, params):
        self._note("tools/call", {"name": params.name, "arguments": params.arguments}, ctx)
        answer = self.be["answers"].get(params.name, "done")
        if isinstance(answer, dict) and "then" in answer:
            self.be |= answer["then"]
            await ctx.session.send_tool_list_changed()
            answer = answer["text"]
        if isinstance(answer, dict):
            return types.CallToolResult.model_validate(answer)
        return types.CallToolResult(content=[types.TextContent(type="text", text=answer)])

    def _note(self, method, params, ctx):
        self.asked.append({"method": method, "params": params, "headers": dict(ctx.request.headers)})


if __name__ == "__main__":
    uvicorn.run(Baker().app, port=int(sys.argv[1]), log_level="critical")
