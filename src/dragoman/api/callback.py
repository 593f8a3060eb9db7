"""The agents' door for late answers: `POST /api/callback/{token}`. The token is the only credential."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dragoman.api import problems
from dragoman.api.body import read_body
from dragoman.api.idempotency import HEADER, check_key
from dragoman.conversations import callback
from dragoman.conversations.services import Services
from dragoman.errors import Problem

# The address is a secret: nothing may remember it.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


class CallbackDoor:
    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [Route(path, self.answer, methods=["POST"]) for path in ("/api/callback/{token}", "/api/callback/{token}/")]

    async def answer(self, request: Request) -> Response:
        try:
            with problems.database_away():
                ids = await self._take(request)
        except Problem as problem:
            return problems.told(problem, HEADERS)
        return JSONResponse({"messages": [{"id": str(message_id)} for message_id in ids]}, 202, HEADERS)

    async def _take(self, request: Request) -> list[object]:
        body = await read_body(request, callback.LARGEST_BODY)
        return list(
            await callback.answer(
                self._services,
                request.path_params["token"],
                body,
                request.headers.get("content-type"),
                check_key(key) if (key := request.headers.get(HEADER)) is not None else None,
            )
        )
