"""The door of outbound triggers: `POST /chats/outbound/{id}` with the trigger's own secret."""

from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dragoman.api import problems
from dragoman.api.body import read_body
from dragoman.api.idempotency import HEADER, check_key
from dragoman.conversations import triggers
from dragoman.conversations.services import Services
from dragoman.errors import Invalid, Problem, Unauthorized

SECRET = "X-wassist-secret"  # noqa: S105 - the header's name
LARGEST = 64 * 1024


class OutboundDoor:
    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [Route(path, self.trigger, methods=["POST"]) for path in ("/chats/outbound/{id}", "/chats/outbound/{id}/")]

    async def trigger(self, request: Request) -> Response:
        try:
            with problems.database_away():
                made = await self._take(request)
        except Problem as problem:
            return problems.told(problem)
        return JSONResponse({"conversationId": str(made.conversation_id), "messageId": str(made.message_id)}, 201)

    async def _take(self, request: Request) -> triggers.Triggered:
        body = await read_body(request, LARGEST)
        try:
            trigger_id = UUID(request.path_params["id"])
        except ValueError:
            raise Unauthorized(triggers.REFUSED) from None
        try:
            sent = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            raise Invalid("the body is not valid JSON") from None
        key = check_key(key) if (key := request.headers.get(HEADER)) is not None else None
        return await triggers.trigger(self._services, trigger_id, request.headers.get(SECRET, ""), sent, key)
