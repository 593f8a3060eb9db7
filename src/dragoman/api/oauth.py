"""Where people come back to from signing in at somebody else's server, and what we say of ourselves there.

The state in the address is the only credential: it works once, for ten minutes, and says for which connector of which organisation.
The page names both, so that whoever was talked into a sign-in for a stranger's organisation sees it. It is plain text: every word on
it that is not ours was written by a stranger.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dragoman.accounts import organisations
from dragoman.agents.mcp import connecting, connectors
from dragoman.agents.mcp.about_us import ABOUT_US, CALLBACK, client_id, registration
from dragoman.agents.mcp.connectors import Connector
from dragoman.conversations.services import Services
from dragoman.errors import Problem

HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
LONGEST_PARAMETER = 4096


class OAuthDoor:
    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [
            Route(CALLBACK, self.come_back, methods=["GET"]),
            Route(ABOUT_US, self.about_us, methods=["GET"]),
        ]

    async def come_back(self, request: Request) -> Response:
        if request.method != "GET":  # a HEAD would use up the state
            return PlainTextResponse("", 405, {**HEADERS, "Allow": "GET"})
        sent = {name: request.query_params.get(name) for name in ("state", "code", "iss", "error")}
        if not sent["state"] or any(len(value or "") > LONGEST_PARAMETER or "\0" in (value or "") for value in sent.values()):
            return PlainTextResponse("This address is for coming back from a sign-in.\n", 400, HEADERS)
        from dragoman.agents.mcp.oauth import finish

        kit = self._services.kit
        try:
            connector = await connecting.connect(kit, await finish(kit, sent["state"], sent["code"], sent["iss"], sent["error"]))
        except Problem as problem:
            return PlainTextResponse(f"Not signed in: {problem.message}.\n", problem.status, HEADERS)
        return PlainTextResponse(await self._page(connector), 200, HEADERS)

    async def _page(self, connector: Connector) -> str:
        kit = self._services.kit
        organisation = await organisations.get(kit.db, connector.organisation_id)
        lines = [f"Signed in: {connector.name} can now be used by {organisation.name}.", ""]
        if connector.status != "connected":
            lines += [f"But its tools could not be listed yet. {connector.problem}", ""]
        tools = (await connectors.tools_of(kit, connector.organisation_id, [connector.id]))[connector.id]
        for tool in tools.values():
            lines += [f"{tool.name} ({tool.state})", f"    {tool.now.description}", ""]
        lines.append("If you did not begin this yourself, take the access back at the server where you have just agreed.")
        return "\n".join(lines) + "\n"

    async def about_us(self, request: Request) -> Response:
        """The client metadata document: servers that take one know us by its address."""
        settings = self._services.settings
        return JSONResponse(registration(settings) | {"client_id": client_id(settings)})
